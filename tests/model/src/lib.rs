//! The life of jobs as a small state machine in memory.
//!
//! [`machine`] is the store: what each transaction does to the tables, in a few lines instead of
//! SQL. [`explore`] lets clients, workers, reapers, schedulers and operators loose on it by dice,
//! with faults. [`invariants`] judges every step, from what was asked and answered alone.
//! [`variants`] breaks the machine in one place at a time: each must be noticed, and by the
//! invariant that speaks of it. The tests of the workspace walk the same steps on PostgreSQL.

pub mod explore;
pub mod invariants;
pub mod jobs;
pub mod machine;
pub mod op;
pub mod plan;
pub mod tables;
pub mod variants;

mod actors;
mod batches;
mod calm;
mod dice;
mod enqueue;
mod gates;
mod ghost;
mod halt;
mod judge;
mod settle;
mod shrink;
mod standing;
mod worker;

pub use dice::Dice;
