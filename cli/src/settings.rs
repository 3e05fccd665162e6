//! Settings: the only reader of files and environment for configuration. A section has a file of
//! its own; here stand what sections there are and which of them are checked.

use serde::Deserialize;

pub(crate) use self::address::{Address, Addresses};
pub(crate) use self::cache::Cache;
pub(crate) use self::database::Database;
pub(crate) use self::hints::{Hints, Redis, Transport};
pub(crate) use self::llama::Llama;
pub(crate) use self::load::{Loaded, SettingsError, load};
pub(crate) use self::log::{Log, LogFormat};
pub(crate) use self::machine::Machine;
#[cfg(feature = "email")]
pub(crate) use self::notify::Security;
pub(crate) use self::notify::Verification;
pub(crate) use self::objects::Store;
pub(crate) use self::prices::Prices;
pub(crate) use self::rpc::Rpc;
pub(crate) use self::shown::Shown;
pub(crate) use self::telemetry::Telemetry;
pub(crate) use self::worker::Protection;

use self::alerts::Alerts;
use self::api::Api;
use self::aws::{Aws, Sqs};
use self::chain::Chain;
use self::data::Data;
use self::database::Pg;
use self::metrics::Metrics;
use self::notify::{Email, Notify};
use self::objects::{Objects, S3};
use self::retention::Retention;
use self::sns::{Sms, Sns};
use self::warm::Warm;
use self::worker::Worker;

mod address;
mod alerts;
mod api;
mod aws;
mod cache;
mod chain;
mod data;
mod database;
mod hints;
mod llama;
mod load;
mod log;
mod machine;
mod metrics;
mod notify;
mod objects;
mod prices;
mod retention;
mod rpc;
mod shown;
mod sns;
mod telemetry;
mod told;
mod warm;
mod worker;

/// All settings. Whoever has some of his own keeps them in a box: they are carried through many
/// futures, which must not become large.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) data: Data,
    pub(crate) database: Database,
    pub(crate) pg: Pg,
    pub(crate) api: Api,
    pub(crate) worker: Worker,
    pub(crate) hints: Hints,
    pub(crate) redis: Redis,
    pub(crate) cache: Cache,
    pub(crate) retention: Retention,
    pub(crate) rpc: Rpc,
    pub(crate) chain: Chain,
    pub(crate) llama: Llama,
    pub(crate) prices: Prices,
    pub(crate) warm: Warm,
    pub(crate) metrics: Metrics,
    pub(crate) log: Log,
    pub(crate) telemetry: Telemetry,
    pub(crate) objects: Objects,
    pub(crate) aws: Aws,
    pub(crate) sqs: Sqs,
    pub(crate) s3: S3,
    pub(crate) notify: Notify,
    pub(crate) email: Email,
    pub(crate) sns: Sns,
    pub(crate) sms: Sms,
    pub(crate) alerts: Alerts,
}

/// The name of a setting and what is wrong with its value.
type Problem = (String, String);

impl Settings {
    /// The first value that cannot be used, and why.
    fn problem(&self) -> Option<Problem> {
        self.worker
            .problem()
            .or_else(|| self.database.problem())
            .or_else(|| self.api.problem())
            .or_else(|| self.rpc.problem())
            .or_else(|| self.chain.problem())
            .or_else(|| self.llama.problem())
            .or_else(|| self.prices.problem())
            .or_else(|| self.telemetry.problem())
            .or_else(|| self.redis.problem())
            .or_else(|| self.cache.problem())
            .or_else(|| self.notify.problem())
            .or_else(|| self.email.problem())
            .or_else(|| self.sns.problem())
            .or_else(|| self.sms.problem())
            .or_else(|| self.sqs.problem())
            .or_else(|| self.s3.problem(&self.objects))
    }
}
