//! The world outside, asked over HTTP. Today: endpoints that are kept warm.

mod endpoint;
mod line;
mod task_agent;

pub use endpoint::{EndpointError, EndpointWarmth};
pub use task_agent::{TaskAgent, TaskAgentError};
