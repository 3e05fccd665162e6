//! The words of packtrain and its ports: what every other crate may name.
//!
//! Nothing here reads a file, a socket, the environment or the system clock by itself; the one
//! exception is [`time::SystemClock`], which the binary hands to everyone else.

pub mod chain;
pub mod cpu;
pub mod cron;
pub mod fault;
pub mod field;
pub mod ids;
pub mod job;
pub mod ledger;
pub mod limits;
pub mod money;
pub mod name;
pub mod patience;
pub mod ports;
pub mod proof;
pub mod quantity;
pub mod reads;
pub mod schedule;
pub mod secret;
pub mod series;
pub mod shown;
pub mod time;
pub mod trace;
pub mod vitals;
