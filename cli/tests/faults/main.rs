//! The fault rows: real processes that are broken on purpose, and an oracle that counts what became
//! of every job. `docs/reliability.md` says what is broken how; `cargo xtask faults` runs a row
//! many times, and here each runs once, or as often as `PACKTRAIN_FAULT_RUNS` says.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod client;
mod counts;
mod fleet;
mod oracle;
mod process;
#[cfg(feature = "aws")]
mod reports;
mod rows;
mod server;
mod stage;
mod standby;
