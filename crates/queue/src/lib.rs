//! Hint transports behind one port. A hint says "look in lane X"; it may be lost or doubled.

mod pg;
#[cfg(feature = "aws")]
mod sqs;
mod warmth;

pub use pg::PgHints;
#[cfg(feature = "aws")]
pub use sqs::{Sqs, SqsAccess, SqsError, SqsHints, SqsMirror, SqsSettings};
pub use warmth::BellWarmth;
