//! The transports of hints and what is done to them, on real servers and on our own.

#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "aws")]
pub(crate) mod sqs;
