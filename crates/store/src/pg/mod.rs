//! SQL, one file a port, and a folder for ports that belong together.

pub(crate) mod alerts;
pub(crate) mod bell;
pub(crate) mod bench;
pub(crate) mod chain_events;
pub(crate) mod coins;
pub(crate) mod digests;
pub(crate) mod endpoints;
pub(crate) mod gas;
pub(crate) mod jobs;
pub(crate) mod keys;
pub(crate) mod live;
pub(crate) mod operations;
pub(crate) mod schedules;
pub(crate) mod series;
pub(crate) mod sms;
pub(crate) mod tax;
pub(crate) mod upkeep;
pub(crate) mod warmth;
