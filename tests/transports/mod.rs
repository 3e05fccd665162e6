//! Transports of hints, on real servers and on our own.

#[cfg(feature = "aws")]
mod sqs;
