//! Caches behind one port: in the memory of a process, or in a Redis that all processes share.

mod memory;
#[cfg(feature = "redis")]
mod redis;
mod services;

#[cfg(feature = "redis")]
pub use crate::redis::{RedisCache, RedisPlace, Refused};
pub use memory::MemoryCache;
pub use services::Services;
