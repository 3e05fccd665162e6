//! The rows, by what they break.

pub(crate) mod api;
mod clocks;
mod deploys;
mod network;
mod pgbouncer;
mod poison;
mod postgres;
#[cfg(feature = "redis")]
mod redis;
mod schedulers;
#[cfg(feature = "aws")]
mod sqs;
mod upgrade;
mod workers;
