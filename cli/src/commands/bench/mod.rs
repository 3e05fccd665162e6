//! `packtrain bench`: measures, and says how.

pub(crate) mod cost;
pub(crate) mod fair;
mod ground;
pub(crate) mod queue;
