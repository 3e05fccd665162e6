//! The platform's own upkeep.

pub mod bulk;
pub mod canary;
pub mod keep_warm;
pub mod observe;
pub mod prune;
