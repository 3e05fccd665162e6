//! What comes by itself, and the upkeep of jobs: the ticker enqueues the times of schedules, what
//! is due is promoted, the reaper gives back what lost workers held, the sweeper hints for work
//! that waits, partitions are made ahead, the backlog of each lane is published. Every replica may
//! run all of it; none leads.

mod backlog;
mod due;
mod emf;
mod mirror;
mod reaper;
mod ticker;
mod upkeep;

pub use backlog::publish;
pub use mirror::mirror;
pub use reaper::{BEATS_IN_PATIENCE, Patience};
pub use ticker::Ticker;
pub use upkeep::{UpkeepSettings, run};

#[cfg(test)]
mod silent;
