//! Journeys through the public door: each test is named as the sentence that it proves.

mod addresses;
mod alerts;
mod away;
mod backlog;
mod backtests;
mod bad_input;
mod bulk;
mod caps;
mod changes;
mod comparisons;
mod control;
mod deadlines;
mod deliveries;
mod digests;
mod disabled;
mod endpoints;
mod families;
mod full_disk;
mod idempotency;
pub(crate) mod kinds;
mod live;
mod operated;
#[cfg(feature = "email")]
mod prices;
#[cfg(feature = "email")]
mod proofs;
mod reports;
mod runs;
mod runtime;
#[cfg(feature = "aws")]
mod s3;
mod schedules;
mod sealed;
#[cfg(feature = "aws")]
mod sms;
mod snooze;
mod strangers;
mod wallets;
mod windows;
mod words;
