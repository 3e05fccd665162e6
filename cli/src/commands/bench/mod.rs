//! `packtrain bench`: measures, and says how.

pub(crate) mod cost;
pub(crate) mod queue;
