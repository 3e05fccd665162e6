//! SQL, one file a port.

pub(crate) mod bell;
pub(crate) mod claims;
pub(crate) mod clocks;
pub(crate) mod control;
pub(crate) mod ends;
pub(crate) mod enqueue;
pub(crate) mod events;
pub(crate) mod fair;
pub(crate) mod figures;
pub(crate) mod files;
pub(crate) mod fleet;
pub(crate) mod gauge;
pub(crate) mod halt;
pub(crate) mod housekeeping;
pub(crate) mod jobs;
pub(crate) mod keys;
pub(crate) mod lanes;
pub(crate) mod ledger;
pub(crate) mod renewals;
pub(crate) mod reports;
pub(crate) mod schedules;
pub(crate) mod settle;
pub(crate) mod unserved;
pub(crate) mod upkeep;
pub(crate) mod warmth;
