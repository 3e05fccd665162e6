//! The rows, by what they break.

pub(crate) mod api;
mod clocks;
mod deploys;
mod holes;
#[cfg(feature = "aws")]
mod holes_sqs;
mod network;
mod pgbouncer;
mod poison;
mod postgres;
mod promotion;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "aws")]
mod s3;
mod schedulers;
#[cfg(feature = "aws")]
mod sqs;
mod upgrade;
mod workers;
