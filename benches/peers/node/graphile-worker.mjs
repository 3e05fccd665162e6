// Graphile Worker: how it is filled and run.

import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import pg from 'pg';

import {
  CONNECTIONS, WORKER_CONNECTIONS, handIn, how, play, probe, slots, url,
} from './protocol.mjs';

const NAME = 'probe';
/** The best setting that was found: a local queue, and ends that gather for a moment. */
const TUNED = {
  concurrentJobs: 50,
  localQueue: { size: 500 },
  completeJobBatchDelay: 5,
  maxPoolSize: WORKER_CONNECTIONS,
};

const logger = new Logger(() => () => {});

async function producer() {
  const pgPool = new pg.Pool({ connectionString: url, max: CONNECTIONS, idleTimeoutMillis: 0 });
  const utils = await makeWorkerUtils({ pgPool, logger });
  await utils.migrate();
  await handIn(pgPool);
  return {
    one: (job) => utils.addJob(NAME, job),
    many: (jobs) => utils.addJobs(jobs.map((payload) => ({ identifier: NAME, payload }))),
    left: async () => {
      const left = 'select count(*) from graphile_worker._private_jobs';
      const { rows } = await pgPool.query(left);
      return Number(rows[0].count);
    },
    handIn: () => handIn(pgPool),
  };
}

async function worker() {
  const settings = { tuned: TUNED, idle: {}, usual: {}, slots: { concurrentJobs: slots } }[how];
  const runner = await run({
    preset: { worker: { connectionString: url, logger, ...settings } },
    noHandleSignals: true,
    taskList: { [NAME]: (job) => probe(job) },
  });
  runner.promise.catch((error) => {
    console.error(error);
    process.exit(1);
  });
}

await play(producer, worker);
