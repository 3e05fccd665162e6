//! What comes by itself, and the upkeep of jobs: the ticker enqueues the times of schedules, what
//! is due is promoted, the reaper gives back what lost workers held, the sweeper hints for work
//! that waits, partitions are made ahead. Every replica may run all of it; none leads.

mod due;
mod mirror;
mod reaper;
mod ticker;
mod upkeep;

pub use mirror::mirror;
pub use reaper::{BEATS_IN_PATIENCE, Patience};
pub use ticker::Ticker;
pub use upkeep::{UpkeepSettings, run};

#[cfg(test)]
mod silent;
