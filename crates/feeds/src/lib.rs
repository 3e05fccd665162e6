//! The world outside, asked over HTTP. Today: endpoints that are kept warm, the agent of a
//! container service, and where a body is posted to.

mod endpoint;
mod line;
mod post;
mod task_agent;

pub use endpoint::{EndpointError, EndpointWarmth};
pub use post::{Post, PostError};
pub use task_agent::{TaskAgent, TaskAgentError};
