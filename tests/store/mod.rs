//! The store on real PostgreSQL: each test is named as the sentence that it proves.

mod access;
mod claim;
mod control;
mod enqueue;
mod fair;
mod files;
mod housekeeping;
mod idempotency;
mod partitions;
mod promote;
mod races;
mod reap;
mod renew;
mod reports;
mod rows;
mod scene;
mod schedules;
mod settle;
mod state;
mod unserved;
mod walk;
