//! What this worker holds and runs at this moment, and how each of it can be told to stop.
//!
//! Only leases that stand here are renewed. One that the worker does not know of, because the
//! answer to its claim was lost, stands still, and the reaper gives its jobs back.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use packtrain_core::ids::{JobId, LeaseId};
use packtrain_core::job::Lane;
use tokio::sync::watch;
use tokio::time::Instant;

/// Why a running job must stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Its lease is gone: another worker has it, and nothing it does counts any more.
    LeaseLost,
    /// A person asked.
    Cancelled,
    /// The worker drains and its time is up.
    Draining,
}

/// Leases and running jobs.
#[derive(Default)]
pub(crate) struct Registry {
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    running: HashMap<JobId, Running>,
    held: HashMap<LeaseId, Held>,
}

struct Held {
    lane: Lane,
    /// How many of its jobs are not over here.
    open: usize,
}

struct Running {
    lease: LeaseId,
    since: Instant,
    stop: watch::Sender<Option<Stop>>,
}

impl Registry {
    /// Notes a lease that was claimed for a lane, and how many jobs came with it.
    pub(crate) fn hold(&self, lane: Lane, lease: LeaseId, jobs: usize) {
        let held = Held { lane, open: jobs };
        self.lock().held.insert(lease, held);
    }

    /// Forgets a lease of which nothing is done here any more.
    pub(crate) fn forget(&self, lease: LeaseId) {
        self.lock().held.remove(&lease);
    }

    /// Notes a job that begins; what is returned learns when it must stop.
    pub(crate) fn enter(&self, job: JobId, lease: LeaseId) -> watch::Receiver<Option<Stop>> {
        let (stop, told) = watch::channel(None);
        let since = Instant::now();
        let running = Running { lease, since, stop };
        self.lock().running.insert(job, running);
        told
    }

    /// Forgets a job that is over under this lease; with its last job, the lease.
    pub(crate) fn leave(&self, job: JobId, lease: LeaseId) {
        let mut inside = self.lock();
        let runs = inside.running.get(&job);
        if runs.is_some_and(|entry| entry.lease == lease) {
            inside.running.remove(&job);
        }
        if let Some(held) = inside.held.get_mut(&lease) {
            held.open = held.open.saturating_sub(1);
            if held.open == 0 {
                inside.held.remove(&lease);
            }
        }
    }

    /// How long the oldest of the running jobs has run.
    pub(crate) fn oldest(&self) -> Option<Duration> {
        let inside = self.lock();
        let ages = inside.running.values().map(|entry| entry.since.elapsed());
        ages.max()
    }

    /// Whether anything that was claimed for this lane is still to be done or written.
    pub(crate) fn holds_for(&self, lane: Lane) -> bool {
        self.lock().held.values().any(|held| held.lane == lane)
    }

    /// Every lease of which something is not over.
    pub(crate) fn leases(&self) -> Vec<LeaseId> {
        self.lock().held.keys().copied().collect()
    }

    /// Tells every job whose lease `gone` names to stop.
    pub(crate) fn lose(&self, gone: impl Fn(LeaseId) -> bool) -> usize {
        self.tell(Stop::LeaseLost, |_, lease| gone(lease))
    }

    /// Tells these jobs that a person asked to stop them.
    pub(crate) fn cancel(&self, jobs: &[JobId]) -> usize {
        self.tell(Stop::Cancelled, |job, _| jobs.contains(&job))
    }

    /// Tells everything that the worker goes.
    pub(crate) fn drain(&self) -> usize {
        self.tell(Stop::Draining, |_, _| true)
    }

    /// The first reason stands.
    fn tell(&self, why: Stop, concerns: impl Fn(JobId, LeaseId) -> bool) -> usize {
        let inside = self.lock();
        let told = inside.running.iter().filter(|(job, entry)| {
            concerns(**job, entry.lease)
                && entry.stop.send_if_modified(|stop| {
                    let first = stop.is_none();
                    stop.get_or_insert(why);
                    first
                })
        });
        told.count()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use packtrain_core::ids::{ClockIds, IdSource};
    use packtrain_core::time::SystemClock;

    use super::*;

    #[test]
    fn the_first_reason_to_stop_stands_and_only_its_lease_is_told() {
        let ids = ClockIds::new(SystemClock);
        let ids: &dyn IdSource = &ids;
        let registry = Registry::default();
        let (job, lease, other) = (ids.job(), ids.lease(), ids.lease());
        registry.hold(Lane::Io, lease, 1);
        let told = registry.enter(job, lease);
        assert_eq!(registry.lose(|gone| gone == other), 0);
        assert_eq!(registry.lose(|gone| gone == lease), 1);
        assert_eq!(registry.drain(), 0);
        assert_eq!(*told.borrow(), Some(Stop::LeaseLost));
        registry.leave(job, other);
        assert_eq!(registry.leases(), vec![lease]);
        registry.leave(job, lease);
        assert!(registry.leases().is_empty());
    }
}
