//! Workers: claim, run, settle, drain, on the apalis runtime.
//!
//! A [`Fleet`] serves lanes in one process. Per lane a *feeder* claims due jobs for the free slots
//! and hands them, through our own apalis backend, to the *runner*, which runs each in a task of
//! its own under a deadline. The *settler* writes ends in batches; a slot is free again only when
//! its end is durable. An OS thread of its own renews the leases.

mod backend;
mod cpu;
mod feeder;
mod fleet;
mod guard;
mod outcome;
mod reached;
mod registry;
mod renewal;
mod runner;
mod settler;
mod slots;
mod starter;
mod times;
mod traced;
mod waiting;

pub use cpu::RayonPool;
pub use fleet::{Fleet, FleetSettings, LaneSettings, Outside, SettleSettings};
