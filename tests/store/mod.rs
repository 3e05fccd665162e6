//! The store on real PostgreSQL: each test is named as the sentence that it proves.

mod access;
mod batches;
mod checkpoints;
mod claim;
mod control;
mod enqueue;
mod fair;
mod files;
mod gates;
mod housekeeping;
mod idempotency;
mod mirror;
mod model;
mod partitions;
mod promote;
mod races;
mod rates;
mod reap;
mod renew;
mod reports;
mod rows;
mod scene;
mod schedules;
mod settle;
mod sight;
mod state;
