//! Upkeep of jobs: the reaper gives back what lost workers held, the sweeper hints for work that
//! waits, partitions are made ahead. Every replica may run it; none leads.

mod reaper;
mod upkeep;

pub use upkeep::{UpkeepSettings, run};
