//! The price of gas: what blocks say of it, what the next ones will say at most, and what to offer.
//!
//! Everything here is pure and counts in whole wei.

pub mod base_fee;
pub mod blob_fee;
pub mod offer;
pub mod reading;
pub mod rules;
pub mod tips;

#[cfg(test)]
mod tests;
