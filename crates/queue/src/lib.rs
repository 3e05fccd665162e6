//! Hint transports behind one port. A hint says "look in lane X"; it may be lost or doubled.

mod counted;
mod outbox;
mod own;
mod pg;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "aws")]
mod sqs;
mod warmth;

#[cfg(feature = "redis")]
pub use crate::redis::{RedisHints, RedisSettings, RedisWarmth, Refused, refuse_eviction};
pub use pg::PgHints;
#[cfg(feature = "aws")]
pub use sqs::{Sqs, SqsAccess, SqsError, SqsHints, SqsMirror, SqsSettings};
pub use warmth::BellWarmth;
