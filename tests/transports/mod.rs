//! The transports of hints and what is done to them.

#[cfg(feature = "redis")]
mod redis;
