// pg-boss: how it is filled and run.

import pg from 'pg';
import { PgBoss } from 'pg-boss';

import {
  CONNECTIONS, WORKER_CONNECTIONS, handIn, how, play, probe, slots, url,
} from './protocol.mjs';

const NAME = 'probe';
/** The best setting that was found: five fetchers of 500, each at once again while it gets all. */
const TUNED = { localConcurrency: 5, batchSize: 500, burstWhenBatchFull: true };
const POLLING = { pollingIntervalSeconds: 0.5 };

async function producer() {
  const pool = new pg.Pool({ connectionString: url, max: CONNECTIONS, idleTimeoutMillis: 0 });
  const db = { executeSql: (text, values) => pool.query(text, values) };
  // Upkeep is the workers'.
  const boss = new PgBoss({ db, supervise: false, schedule: false });
  boss.on('error', (error) => console.error(error));
  await boss.start();
  await boss.createQueue(NAME);
  await handIn(pool);
  return {
    one: (job) => boss.send(NAME, job),
    many: (jobs) => boss.insert(NAME, jobs.map((data) => ({ data }))),
    left: async () => {
      const left = 'select count(*) from pgboss.job where name = $1 and state < $2';
      const { rows } = await pool.query(left, [NAME, 'completed']);
      return Number(rows[0].count);
    },
    // A notice with each job makes it dearer: only where the worker is idle.
    idle: () => boss.updateQueue(NAME, { notify: true }),
    handIn: () => handIn(pool),
  };
}

async function worker() {
  const useListenNotify = how === 'idle';
  const boss = new PgBoss({ connectionString: url, max: WORKER_CONNECTIONS, useListenNotify });
  boss.on('error', (error) => console.error(error));
  await boss.start();
  const options = {
    tuned: { ...TUNED, ...POLLING },
    idle: POLLING,
    usual: {},
    slots: { localConcurrency: slots },
  }[how];
  await boss.work(NAME, options, (jobs) => Promise.all(jobs.map((job) => probe(job.data ?? {}))));
}

await play(producer, worker);
