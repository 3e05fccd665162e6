//! The platform's own upkeep.

pub mod canary;
pub mod keep_warm;
pub mod prune;
