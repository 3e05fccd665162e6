//! The price of gas: what blocks say of it, what the next ones will say at most, and what to offer.
//!
//! Everything here but the jobs is pure and counts in whole wei; `docs/gas.md` has the formulas.

pub mod base_fee;
pub mod blob_fee;
pub mod bucket;
pub mod data_fee;
pub mod forecast;
pub mod heat;
pub mod judge;
pub mod offer;
mod points;
pub mod predict;
mod quantile;
pub mod reading;
pub mod rollup;
pub mod rules;
pub mod score;
pub mod snapshot;
pub mod tips;

#[cfg(test)]
mod tests;
