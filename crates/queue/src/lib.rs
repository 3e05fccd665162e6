//! Hint transports behind one port. A hint says "look in lane X"; it may be lost or doubled.

mod pg;
#[cfg(feature = "redis")]
mod redis;
mod warmth;

#[cfg(feature = "redis")]
pub use crate::redis::{RedisHints, RedisSettings, RedisWarmth, Refused, refuse_eviction};
pub use pg::PgHints;
pub use warmth::BellWarmth;
