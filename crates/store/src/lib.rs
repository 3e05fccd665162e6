//! PostgreSQL behind the ports: all SQL of the product lives here and in `migrations/`.
//!
//! Every process connects as a role that owns nothing and cannot bypass row-level security; the
//! owner's connection is used by `migrate` and `bootstrap` alone.

mod bootstrap;
mod capacity;
mod credentials;
mod error;
mod gate;
mod guest;
mod hypertable;
mod pg;
#[cfg(not(feature = "failpoints"))]
mod points;
#[cfg(feature = "failpoints")]
pub mod points;
mod pool;
mod pools;
mod role;
mod schema;
mod seal;
mod secrecy;

pub use bootstrap::{
    Bootstrap, Limits, NewTenant, Roles, bootstrap, create_from_template, create_tenant,
    drop_database, probe,
};
pub use capacity::{Capacity, capacity};
pub use credentials::{
    KEYS_LISTED_MAX, KeyMaterial, ListedKey, WhichKeys, api_keys, create_api_key, revoke_api_key,
};
pub use guest::{address, data_folder, has_roles, leave};
pub use hypertable::{HYPERTABLE_EXTENSION, Hours, hypertable_sql};
pub use pg::alerts::rules::PgRules;
pub use pg::alerts::watch::PgWatch;
pub use pg::bell::PgBell;
pub use pg::bench::gauge::{Gauge, Holds, PgGauge, Phase, ToldMessage, Until, Waits};
pub use pg::bench::stage::{Past, PgStage, Snapshot};
pub use pg::chain_events::read::PgChainEvents;
pub use pg::coins::PgCoins;
pub use pg::digests::PgDigests;
pub use pg::endpoints::PgEndpoints;
pub use pg::gas::blocks::PgGas;
pub use pg::jobs::asked::{PgJobs, PgOperatorJobs};
pub use pg::jobs::checkpoints::PgCheckpoints;
pub use pg::jobs::claims::PgClaims;
pub use pg::jobs::events::PgEvents;
pub use pg::keys::PgKeys;
pub use pg::live::PgLive;
pub use pg::operations::backlog::PgBacklog;
pub use pg::operations::control::PgControl;
pub use pg::operations::figures::PgFigures;
pub use pg::schedules::PgSchedules;
pub use pg::series::reads::PgSeriesReads;
pub use pg::series::stage::PgSeriesStage;
pub use pg::series::writes::PgSeries;
pub use pg::sms::{PgBudget, SmsCaps};
pub use pg::tax::files::PgFiles;
pub use pg::tax::reports::PgReports;
pub use pg::upkeep::housekeeping::{PgHousekeeping, Retention};
pub use pg::upkeep::tables::PgUpkeep;
pub use pg::warmth::PoolWarmth;
pub use pool::Pool;
pub use pools::{IDLE_TRUSTED, Pools, Urls};
pub use role::{Unfit, unfit};
pub use schema::{Schema, migrate, schema};
pub use seal::{Keyring, SEAL_KEY_BYTES};
pub use secrecy::{Secrecy, secrecy};
