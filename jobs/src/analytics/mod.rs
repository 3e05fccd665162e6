//! Time series of the world: measured by the hour, made into days, weeks and months, and checked.
//!
//! `docs/analytics.md` says what the figures are.

pub mod anomaly;
mod chained;
pub mod ingest;
pub mod parity;
pub mod quantity;
pub mod rollup;
mod split;
mod why;

#[cfg(test)]
mod tests;
