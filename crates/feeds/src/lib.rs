//! The world outside, asked over HTTP. Today: endpoints that are kept warm.

mod endpoint;
mod line;

pub use endpoint::{EndpointError, EndpointWarmth};
