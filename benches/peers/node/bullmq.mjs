// BullMQ: how it is filled and run.

import { Queue, Worker } from 'bullmq';

import { how, play, probe, slots, url } from './protocol.mjs';

const NAME = 'probe';
/** The best setting that was found. */
const CONCURRENCY = 100;

const connection = { url, maxRetriesPerRequest: null };

async function producer() {
  const queue = new Queue(NAME, { connection });
  await queue.waitUntilReady();
  return {
    one: (job) => queue.add(NAME, job),
    many: (jobs) => queue.addBulk(jobs.map((data) => ({ name: NAME, data }))),
    left: async () => {
      const counts = await queue.getJobCounts('wait', 'active', 'delayed', 'prioritized');
      return Object.values(counts).reduce((sum, count) => sum + count, 0);
    },
  };
}

async function worker() {
  const concurrency = { tuned: CONCURRENCY, idle: CONCURRENCY, usual: 1, slots }[how];
  const works = new Worker(NAME, (job) => probe(job.data), { connection, concurrency });
  works.on('error', (error) => console.error(error));
  await works.waitUntilReady();
}

await play(producer, worker);
