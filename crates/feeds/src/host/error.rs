//! Why a host gave nothing.

use std::time::Duration;

use http::StatusCode;

/// Why a host gave nothing. Nothing here repeats its path or a header: there may be a key in them.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The text is no address that can be asked.
    #[error("{name} is not an http or https address without user and password")]
    Address {
        /// Which host.
        name: String,
    },
    /// It took too long.
    #[error("{name} did not answer within {} ms", within.as_millis())]
    Late {
        /// Which host.
        name: String,
        /// How long was waited.
        within: Duration,
    },
    /// No connection to it.
    #[error("no connection to {name}")]
    Connect {
        /// Which host.
        name: String,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The connection broke, or what came over it is no HTTP.
    #[error("the connection to {name} broke off")]
    Broken {
        /// Which host.
        name: String,
        /// What came instead; none where it was closed.
        #[source]
        source: Option<hyper::Error>,
    },
    /// It wants to be left alone.
    #[error("{name} answered {status}: too many requests, or no room for them")]
    Busy {
        /// Which host.
        name: String,
        /// 429 or 503.
        status: StatusCode,
        /// For how long, if it said so.
        retry_after: Option<Duration>,
    },
    /// It answered that it does not give this.
    #[error("{name} answered {status}")]
    Status {
        /// Which host.
        name: String,
        /// What it answered.
        status: StatusCode,
    },
    /// It answered too much.
    #[error("{name} answered with more than {bytes_max} bytes")]
    TooLarge {
        /// Which host.
        name: String,
        /// How much is read.
        bytes_max: usize,
    },
    /// It answered something else than was asked for.
    #[error("{name} answered what cannot be read: {what}")]
    Unreadable {
        /// Which host.
        name: String,
        /// What is wrong.
        what: String,
    },
}
