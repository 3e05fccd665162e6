//! Hints over SQS, and the mirror of dead letters in its dead-letter queues.
//!
//! PostgreSQL alone knows of jobs. What lies in a queue is a hint, which wakes a worker somewhere;
//! what lies in a dead-letter queue is a copy of a dead letter for the eyes of operators, and its
//! way back into the lane's queue is the wish that the job runs again.

mod client;
mod create;
mod hints;
mod mirror;
mod names;
mod receive;
mod returned;
mod room;
mod seldom;
mod send;
mod wire;

pub use client::{Sqs, SqsAccess, SqsError, SqsSettings};
pub use hints::SqsHints;
pub use mirror::SqsMirror;

use crate::counted::Counted;

/// Counts what this transport does.
const COUNTED: Counted = Counted("sqs");
/// Messages of one request, at most: SQS takes and gives no more.
const BATCH_MAX: usize = 10;
