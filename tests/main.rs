//! Every test that needs more than one crate: one binary, so that it is linked once.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod analytics;
mod caches;
mod contracts;
mod gas;
mod house;
mod journeys;
mod store;
mod transports;
