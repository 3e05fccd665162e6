//! A fleet under an arrival file, replayed: tasks that start and end as a target-tracking policy
//! says, a queue before them, and a clock that jumps from event to event. Pure and exact: whole
//! milliseconds, no randomness, and the same answer each time.

pub(crate) mod arrivals;
pub(crate) mod outcome;
pub(crate) mod policy;
pub(crate) mod replay;
#[cfg(test)]
mod tests;

/// A time, or a stretch of it, in milliseconds.
pub(crate) type Ms = u64;
