//! How a worker works.

use packtrain_core::job::Lane;
use packtrain_scheduler::BEATS_IN_PATIENCE;
use serde::{Deserialize, Serialize};

use super::Problem;

/// The least patience that a lane may ask for: a worker of a busy machine must not lose its leases.
const PATIENCE_MS_MIN: u64 = 500;
/// The longest that running jobs may go on: with the last ends, the farewell to the database and
/// what is slow then, a worker is gone within 110 s, before a container service kills it at 120.
const DRAIN_S_MAX: u64 = 90;
/// Jobs of a lane at once, and what is written of them at once: with more a process has other
/// troubles than too few slots.
const SLOTS_MAX: usize = 10_000;
/// Threads that compute: many more than the cores of any machine only wait for each other.
const THREADS_MAX: usize = 1_024;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Worker {
    pub(crate) pulse_slots: usize,
    pub(crate) notify_slots: usize,
    pub(crate) io_slots: usize,
    pub(crate) bulk_slots: usize,
    pub(crate) ops_slots: usize,
    pub(crate) cpu_slots: usize,
    pub(crate) cpu_threads: usize,
    pub(crate) renew_every_ms: u64,
    pub(crate) lease_patience_ms: u64,
    pub(crate) pulse_patience_ms: u64,
    pub(crate) notify_patience_ms: u64,
    pub(crate) io_patience_ms: u64,
    pub(crate) cpu_patience_ms: u64,
    pub(crate) bulk_patience_ms: u64,
    pub(crate) ops_patience_ms: u64,
    pub(crate) settle_batch: usize,
    pub(crate) settle_at_once: usize,
    pub(crate) drain_s: u64,
    pub(crate) protection: Protection,
    pub(crate) protection_after_s: u64,
}

/// Whether the container service is asked to leave a task alone while it runs a long job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Protection {
    /// Where the service named an address to ask.
    Auto,
    /// Never.
    Off,
}

impl Worker {
    /// What each lane asks for; 0 is nothing.
    pub(crate) const fn patience_ms(&self) -> [(Lane, u64); 6] {
        [
            (Lane::Pulse, self.pulse_patience_ms),
            (Lane::Notify, self.notify_patience_ms),
            (Lane::Io, self.io_patience_ms),
            (Lane::Cpu, self.cpu_patience_ms),
            (Lane::Bulk, self.bulk_patience_ms),
            (Lane::Ops, self.ops_patience_ms),
        ]
    }

    /// What would cost the worker its leases, or stop it.
    pub(super) fn problem(&self) -> Option<Problem> {
        let problem = |key: &str, what: String| Some((key.to_owned(), what));
        if self.lease_patience_ms < PATIENCE_MS_MIN {
            let what = format!(
                "{} is not {PATIENCE_MS_MIN} or more",
                self.lease_patience_ms
            );
            return problem("worker.lease_patience_ms", what);
        }
        let most = self.lease_patience_ms / u64::from(BEATS_IN_PATIENCE);
        if !(1..=most).contains(&self.renew_every_ms) {
            let what = format!(
                "{} is not between 1 and {most}, a fifth of worker.lease_patience_ms",
                self.renew_every_ms
            );
            return problem("worker.renew_every_ms", what);
        }
        for (lane, ms) in self.patience_ms() {
            if ms != 0 && ms < PATIENCE_MS_MIN {
                let what = format!("{ms} is neither 0 nor {PATIENCE_MS_MIN} or more");
                return problem(&format!("worker.{lane}_patience_ms"), what);
            }
        }
        if self.drain_s > DRAIN_S_MAX {
            let what = format!("{} is more than {DRAIN_S_MAX}", self.drain_s);
            return problem("worker.drain_s", what);
        }
        let most = [
            ("worker.pulse_slots", self.pulse_slots, SLOTS_MAX),
            ("worker.notify_slots", self.notify_slots, SLOTS_MAX),
            ("worker.io_slots", self.io_slots, SLOTS_MAX),
            ("worker.cpu_slots", self.cpu_slots, SLOTS_MAX),
            ("worker.bulk_slots", self.bulk_slots, SLOTS_MAX),
            ("worker.ops_slots", self.ops_slots, SLOTS_MAX),
            ("worker.cpu_threads", self.cpu_threads, THREADS_MAX),
            ("worker.settle_batch", self.settle_batch, SLOTS_MAX),
            ("worker.settle_at_once", self.settle_at_once, SLOTS_MAX),
        ];
        if let Some((key, value, most)) = most.iter().find(|(_, value, most)| value > most) {
            return problem(key, format!("{value} is more than {most}"));
        }
        // `worker.cpu_slots` is not among them: there 0 means as many as cores.
        let nothing = [
            ("worker.pulse_slots", self.pulse_slots == 0),
            ("worker.notify_slots", self.notify_slots == 0),
            ("worker.io_slots", self.io_slots == 0),
            ("worker.bulk_slots", self.bulk_slots == 0),
            ("worker.ops_slots", self.ops_slots == 0),
            ("worker.protection_after_s", self.protection_after_s == 0),
            ("worker.settle_batch", self.settle_batch == 0),
            ("worker.settle_at_once", self.settle_at_once == 0),
        ];
        let found = nothing.iter().find(|(_, is_nothing)| *is_nothing)?;
        problem(found.0, "0 is not 1 or more".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use crate::settings::load;

    #[test]
    fn leases_that_would_be_renewed_too_rarely_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("packtrain.toml");
        for ms in [0, 1001] {
            std::fs::write(&file, format!("[worker]\nrenew_every_ms = {ms}\n")).unwrap();
            let Err(error) = load(Some(&file), &[]) else {
                panic!("{ms} was taken");
            };
            assert!(error.to_string().contains("packtrain.toml"), "{error}");
            assert!(error.to_string().contains("between 1 and 1000"), "{error}");
        }
    }

    #[test]
    fn a_lane_s_patience_that_would_cost_its_leases_is_refused_and_so_are_batches_of_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("packtrain.toml");
        let said = |line: &str| {
            std::fs::write(&file, format!("[worker]\n{line}\n")).unwrap();
            load(Some(&file), &[]).err().map(|error| error.to_string())
        };
        let too_short = said("pulse_patience_ms = 499").unwrap();
        assert!(
            too_short.contains("worker.pulse_patience_ms: 499"),
            "{too_short}"
        );
        assert!(too_short.contains("packtrain.toml"), "{too_short}");
        assert_eq!(said("pulse_patience_ms = 500"), None);
        assert!(
            said("settle_batch = 0")
                .unwrap()
                .contains("worker.settle_batch")
        );
        assert!(
            said("settle_at_once = 0")
                .unwrap()
                .contains("worker.settle_at_once")
        );
    }

    #[test]
    fn a_lane_without_a_slot_is_refused_and_cpu_slots_of_nothing_are_as_many_as_cores() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("packtrain.toml");
        let said = |lane: &str| {
            std::fs::write(&file, format!("[worker]\n{lane}_slots = 0\n")).unwrap();
            load(Some(&file), &[]).err().map(|error| error.to_string())
        };
        for lane in ["pulse", "notify", "io", "bulk", "ops"] {
            let refusal = said(lane).unwrap();
            let words = format!("worker.{lane}_slots: 0 is not 1 or more");
            assert!(refusal.contains(&words), "{refusal}");
        }
        assert_eq!(said("cpu"), None);
    }
}
