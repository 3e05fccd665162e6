//! The catalogue: what work there is, one file per job kind, grouped by service.

pub mod alerts;
pub mod analytics;
pub mod catalogue;
pub mod chain;
pub mod gas;
pub mod ops;
pub mod prices;
pub mod tax;

#[cfg(test)]
mod nowhere;
#[cfg(test)]
mod watching;
#[cfg(test)]
mod world;
