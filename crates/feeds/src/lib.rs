//! The world outside, asked over HTTP: chains by their nodes, DefiLlama, endpoints that are kept
//! warm, the agent of a container service, where a body is posted to; and a replay of what was
//! recorded.

mod chains;
mod endpoint;
mod host;
mod line;
mod llama;
mod measures;
mod post;
mod replay;
mod rpc;
mod task_agent;

pub use chains::NodeChains;
pub use endpoint::{EndpointError, EndpointWarmth};
pub use host::{Answer, Bounds, Host, HostError};
pub use llama::{
    ChainTvl, Listed, Llama, LlamaPrices, LlamaStablecoins, LlamaYields, Overview, Protocol,
    Stablecoin, Turnover, YieldPool,
};
pub use measures::LlamaMeasures;
pub use post::{Post, PostError};
pub use replay::{Fault, MoveError, RealHosts, Replay};
pub use rpc::{Rpc, RpcError};
pub use task_agent::{TaskAgent, TaskAgentError};
