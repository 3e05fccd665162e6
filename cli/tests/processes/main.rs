//! The built binary: its command line as people type it, and its processes when they are killed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bench;
mod binary;
mod cases;
mod dev;
mod fleet;
mod france;
mod live;
mod operate;
mod over_http;
mod places;
mod questions;
mod report;
mod roles;
mod scale;
#[cfg(all(feature = "redis", feature = "aws", feature = "otel"))]
mod secrets;
mod slips;
mod tls;
mod top;
#[cfg(feature = "otel")]
mod traces;
mod words;
mod workers;
