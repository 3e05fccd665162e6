// What a script here hears and says: the bench writes a command a line to a producer and reads its
// answer; a worker says when it looks for jobs, when each job begins, and when all have run.

import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    tuned: { type: 'boolean', default: false },
    idle: { type: 'boolean', default: false },
    slots: { type: 'string', default: '0' },
    each: { type: 'boolean', default: false },
    all: { type: 'string', default: '0' },
  },
});

/** Where the queue is. */
export const url = process.env.PEERS_URL;

/** How a worker is set up: `usual`, `tuned`, `idle`, or `slots` with so many. */
export const slots = Number(values.slots);
export const how = values.tuned ? 'tuned' : values.idle ? 'idle' : slots > 0 ? 'slots' : 'usual';

/** As many as the Rust peers get. */
export const CONNECTIONS = 24;
export const WORKER_CONNECTIONS = 20;

/** Microseconds since 1970. */
export function now() {
  return Math.round((performance.timeOrigin + performance.now()) * 1000);
}

export function say(line) {
  process.stdout.write(`${line}\n`);
}

const all = Number(values.all);
let ran = 0;

/** The job: holds its slot for a while, or not at all. */
export async function probe(job) {
  if (values.each) say(`began ${now()}`);
  if (job.hold_ms > 0) await new Promise((done) => setTimeout(done, job.hold_ms));
  ran += 1;
  if (ran === all) say('all');
}

/** So many jobs by so many producers at once, so many a call. */
async function make({ one, many }, jobs, producers, aCall) {
  const produce = async () => {
    for (let calls = jobs / producers / aCall; calls >= 1; calls -= 1) {
      await (aCall === 1 ? one({}) : many(Array.from({ length: aCall }, () => ({}))));
    }
  };
  await Promise.all(Array.from({ length: producers }, produce));
}

/** Answers until the bench closes its end. */
async function produce(queue) {
  say('ready');
  for await (const line of createInterface({ input: process.stdin })) {
    const [word, ...numbers] = line.split(' ');
    const [first, ...others] = numbers.map(Number);
    switch (word) {
      case 'make':
        await make(queue, first, ...others);
        say('made');
        break;
      case 'one': {
        const since = now();
        await queue.one(first > 0 ? { hold_ms: first } : {});
        say(`one ${since}`);
        break;
      }
      case 'left':
        say(`left ${await queue.left()}`);
        break;
      case 'idle':
        await queue.idle?.();
        say('idle');
        break;
      case 'hand-in':
        say(`pids ${((await queue.handIn?.()) ?? []).join(',')}`);
        break;
      default:
        throw new Error(`no such command: ${line}`);
    }
  }
  process.exit(0);
}

/** Is what the command line says, until it is ended. */
export async function play(producer, worker) {
  if (positionals[0] === 'work') {
    await worker();
    say('ready');
    return;
  }
  await produce(await producer());
}

/** Each session hands in what it counted, as it would when it ends; says which they are. */
export async function handIn(pool) {
  const sessions = await Promise.all(Array.from({ length: CONNECTIONS }, () => pool.connect()));
  const counted = 'select pg_backend_pid() as pid from pg_stat_force_next_flush()';
  const asked = await Promise.all(sessions.map((session) => session.query(counted)));
  for (const session of sessions) session.release();
  return asked.map(({ rows }) => rows[0].pid);
}
