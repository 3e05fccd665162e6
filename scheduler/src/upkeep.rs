//! The loops of upkeep.
//!
//! None of them waits for one answer without end: a loop that did would stand still until the
//! process is started again, and nobody would hear of it.

use std::sync::Arc;
use std::time::Duration;

use packtrain_core::fault::chain;
use packtrain_core::job::Lane;
use packtrain_core::patience::patient;
use packtrain_core::ports::{Hint, Hints, Swept, UnservedKind, Upkeep};
use packtrain_core::vitals::{Pulse, STUCK_AFTER, Vitals};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::reaper::{LOOKS_MIN, Patience, Watch};

/// How often due entries are promoted.
const PROMOTE_EVERY: Duration = Duration::from_millis(250);
/// Entries of one promotion, at most.
const PROMOTE_MAX: u32 = 500;
/// Leases of one look, at most.
const LEASES_MAX: u32 = 100_000;
/// Looks at leases take one part in so many of the time: beside a snapshot that somebody holds open
/// each reads all leases since. They are no more seldom than [`REAP_SELDOM`] for that.
const LOOKS_SHARE: u32 = 20;
const REAP_SELDOM: Duration = Duration::from_millis(750);
/// How often the reaper looks, at least; a lane of little patience is looked at more often.
const REAP_EVERY: Duration = Duration::from_millis(250);
/// How often the reaper looks at a lease before it is dead, at least.
const LOOKS_IN_PATIENCE: u32 = 8;
/// How often the sweeper looks.
const SWEEP_EVERY: Duration = Duration::from_secs(5);
/// How often cancelled and expired jobs that wait are looked for.
const HALT_EVERY: Duration = Duration::from_secs(1);
/// How far back the first look for passed deadlines goes, and by how much each later one overlaps
/// with the one before.
const DEADLINES_AT_START: Duration = Duration::from_secs(24 * 60 * 60);
const DEADLINES_AGAIN: Duration = Duration::from_secs(10);
/// How often partitions are made ahead.
const PARTITIONS_EVERY: Duration = Duration::from_secs(3_600);
/// How soon they are tried again when they could not be made.
const PARTITIONS_AGAIN: Duration = Duration::from_secs(60);

/// How patient upkeep is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpkeepSettings {
    /// How long a lease's beat may stand still.
    pub patience: Patience,
    /// How long work may wait before its lane is hinted again.
    pub sweep_age: Duration,
}

impl Default for UpkeepSettings {
    fn default() -> Self {
        Self {
            patience: Patience::default(),
            sweep_age: Duration::from_secs(5),
        }
    }
}

/// Runs upkeep until `stop`.
pub async fn run(
    settings: UpkeepSettings,
    store: Arc<dyn Upkeep>,
    hints: Arc<dyn Hints>,
    vitals: Vitals,
    stop: CancellationToken,
) {
    let watch = |name: &'static str| vitals.watch(name, STUCK_AFTER);
    let pulses = ["promotion", "reaper", "sweeper", "setting aside", "halting"].map(watch);
    let [promoting, reaping, sweeping, setting_aside, halting] = &pulses;
    let upkeep = async {
        tokio::join!(
            promote(&*store, &*hints, promoting),
            reap(&settings.patience, &*store, &*hints, reaping),
            sweep(settings.sweep_age, &*store, &*hints, sweeping),
            set_aside(settings.sweep_age, &*store, setting_aside),
            halt(&*store, &*hints, halting),
            partitions(&*store),
        );
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = upkeep => {}
    }
    pulses.iter().for_each(Pulse::rest);
}

/// Moves due entries to their lanes, a few times a second, and slice after slice while there are
/// many. Where no worker runs this matters as much: what is due counts as backlog only then, and
/// backlog is what workers are started by.
async fn promote(store: &dyn Upkeep, hints: &dyn Hints, pulse: &Pulse) {
    let mut ticks = ticks(PROMOTE_EVERY);
    loop {
        ticks.tick().await;
        pulse.turn();
        match patient(store.promote(PROMOTE_MAX)).await {
            Ok(promoted) => {
                pulse.answered();
                for lane in promoted.woken {
                    hints.send(Hint { lane, about: None });
                }
                if promoted.count >= u64::from(PROMOTE_MAX) {
                    ticks.reset_immediately();
                }
            }
            Err(error) => {
                let error = chain(&error);
                warn!(error, "due jobs could not be promoted, trying again");
            }
        }
    }
}

/// Gives back what the lost leases held. Of a fleet a few do it, whoever has a place: all of them
/// would read all leases. Who gets a place begins to watch anew.
async fn reap(patience: &Patience, store: &dyn Upkeep, hints: &dyn Hints, pulse: &Pulse) {
    let mut watch = Watch::default();
    let mut last_answer = Instant::now();
    let mut place = None;
    let shortest = patience.shortest(&Lane::ALL);
    let every = REAP_EVERY.min(shortest / LOOKS_IN_PATIENCE);
    let seldom = REAP_SELDOM.min(shortest / LOOKS_MIN).max(every);
    let mut ticks = ticks(every);
    loop {
        ticks.tick().await;
        pulse.turn();
        match patient(store.keep_watch(place)).await {
            Ok(kept) => {
                pulse.answered();
                place = kept;
            }
            Err(error) => {
                warn!(error = %chain(&error), "the watch over leases cannot be kept, trying again");
                continue;
            }
        }
        if place.is_none() {
            (watch, last_answer) = (Watch::default(), Instant::now());
            continue;
        }
        let asked = Instant::now();
        let beats = match patient(store.beats(LEASES_MAX)).await {
            Ok(beats) => beats,
            Err(error) => {
                warn!(error = %chain(&error), "leases cannot be watched, trying again");
                continue;
            }
        };
        let gap = last_answer.elapsed();
        last_answer = Instant::now();
        ticks.reset_after(((last_answer - asked) * LOOKS_SHARE).clamp(every, seldom));
        for dead in watch.observe(&beats, gap, patience) {
            pulse.turn();
            // One at a time: a lease that cannot be given back must not hold up the others.
            match patient(store.reap(dead)).await {
                Ok(reaped) if reaped.returned + reaped.dead == 0 => {}
                Ok(reaped) => {
                    metrics::counter!("packtrain_leases_lost_total").increment(1);
                    warn!(
                        lease.id = %dead.lease,
                        returned = reaped.returned,
                        dead = reaped.dead,
                        "lease was lost, its jobs were given back"
                    );
                    for lane in reaped.woken {
                        hints.send(Hint { lane, about: None });
                    }
                }
                Err(error) => {
                    let error = chain(&error);
                    warn!(lease.id = %dead.lease, error, "lease was not reaped, trying again");
                }
            }
        }
    }
}

async fn sweep(age: Duration, store: &dyn Upkeep, hints: &dyn Hints, pulse: &Pulse) {
    let mut ticks = ticks(SWEEP_EVERY);
    loop {
        ticks.tick().await;
        pulse.turn();
        match patient(store.stale_lanes(age)).await {
            Ok(lanes) => {
                pulse.answered();
                for lane in lanes {
                    info!(job.lane = %lane, "work waits, hinting again");
                    hints.send(Hint { lane, about: None });
                }
            }
            Err(error) => {
                let error = chain(&error);
                warn!(error, "waiting work cannot be looked for, trying again");
            }
        }
        match patient(store.repair_gates()).await {
            Ok(lanes) => {
                for lane in lanes {
                    warn!(job.lane = %lane, "a gate stood still and was opened");
                    hints.send(Hint { lane, about: None });
                }
            }
            Err(error) => warn!(error = %chain(&error), "gates cannot be repaired, trying again"),
        }
    }
}

/// Sets aside what no worker serves, so that claims need not skip it again and again.
async fn set_aside(age: Duration, store: &dyn Upkeep, pulse: &Pulse) {
    let mut ticks = ticks(SWEEP_EVERY);
    loop {
        ticks.tick().await;
        pulse.turn();
        match patient(store.set_aside(age)).await {
            Ok(seen) => {
                pulse.answered();
                for UnservedKind {
                    kind,
                    schema,
                    count,
                } in seen.aside
                {
                    warn!(
                        job.kind = kind,
                        schema,
                        jobs = count,
                        "no worker serves this kind"
                    );
                }
                if seen.due > 0 {
                    info!(jobs = seen.due, "what nobody served is served now");
                }
            }
            Err(error) => {
                let error = chain(&error);
                warn!(error, "unserved kinds cannot be looked for, trying again");
            }
        }
    }
}

/// Ends what waits although it must not run any more.
async fn halt(store: &dyn Upkeep, hints: &dyn Hints, pulse: &Pulse) {
    let mut ticks = ticks(HALT_EVERY);
    let mut passed_within = DEADLINES_AT_START;
    let mut last_look = Instant::now();
    loop {
        ticks.tick().await;
        let looking = Instant::now();
        pulse.turn();
        match patient(store.sweep(passed_within + last_look.elapsed())).await {
            Ok(swept) => {
                pulse.answered();
                let Swept {
                    cancelled,
                    expired,
                    woken,
                    has_more,
                } = swept;
                // A look that was full goes on where it began.
                if !has_more {
                    (passed_within, last_look) = (DEADLINES_AGAIN, looking);
                }
                if cancelled + expired > 0 {
                    info!(cancelled, expired, "waiting jobs were ended");
                }
                for lane in woken {
                    hints.send(Hint { lane, about: None });
                }
            }
            Err(error) => {
                let error = chain(&error);
                warn!(error, "waiting jobs cannot be ended, trying again");
            }
        }
    }
}

async fn partitions(store: &dyn Upkeep) {
    let mut ticks = ticks(PARTITIONS_EVERY);
    loop {
        ticks.tick().await;
        if let Err(error) = patient(store.ensure_partitions()).await {
            warn!(error = %chain(&error), "partitions could not be made, trying again");
            ticks.reset_after(PARTITIONS_AGAIN);
        }
    }
}

pub(crate) fn ticks(every: Duration) -> tokio::time::Interval {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    ticks
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use packtrain_core::ids::{ClockIds, IdSource};
    use packtrain_core::ports::{LeaseBeat, Promoted, Reaped, SetAside, StoreError, Watcher};
    use packtrain_core::time::SystemClock;

    use super::*;
    use crate::silent::{Silent, Unheard};

    /// Holds a lease that stands still.
    struct Standing {
        silent: Silent,
        lease: LeaseBeat,
    }

    #[async_trait]
    impl Upkeep for Standing {
        async fn promote(&self, _: u32) -> Result<Promoted, StoreError> {
            self.silent.hear("promote").await;
            Ok(Promoted::default())
        }

        async fn keep_watch(&self, _: Option<Watcher>) -> Result<Option<Watcher>, StoreError> {
            self.silent.hear("keep watch").await;
            Ok(Some(1))
        }

        async fn beats(&self, _: u32) -> Result<Vec<LeaseBeat>, StoreError> {
            self.silent.hear("beats").await;
            Ok(vec![self.lease])
        }

        async fn reap(&self, _: LeaseBeat) -> Result<Reaped, StoreError> {
            self.silent.hear("reap").await;
            Ok(Reaped::default())
        }

        async fn stale_lanes(&self, _: Duration) -> Result<Vec<Lane>, StoreError> {
            self.silent.hear("stale lanes").await;
            Ok(Vec::new())
        }

        async fn sweep(&self, _: Duration) -> Result<Swept, StoreError> {
            self.silent.hear("sweep").await;
            Ok(Swept::default())
        }

        async fn repair_gates(&self) -> Result<Vec<Lane>, StoreError> {
            self.silent.hear("repair gates").await;
            Ok(Vec::new())
        }

        async fn set_aside(&self, _: Duration) -> Result<SetAside, StoreError> {
            self.silent.hear("set aside").await;
            Ok(SetAside::default())
        }

        async fn ensure_partitions(&self) -> Result<(), StoreError> {
            self.silent.hear("partitions").await;
            Ok(())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn loops_of_upkeep_that_are_gone_are_stuck_and_those_that_ended_well_are_not() {
        let ids: &dyn IdSource = &ClockIds::new(SystemClock);
        let store = || {
            Arc::new(Standing {
                silent: Silent::default(),
                lease: LeaseBeat {
                    lease: ids.lease(),
                    beat: 1,
                    lane: Some(Lane::Io),
                    renewed_every: None,
                },
            })
        };
        let vitals = Vitals::default();
        let start = |stop: &CancellationToken| {
            let (settings, hints) = (UpkeepSettings::default(), Arc::new(Unheard));
            run(settings, store(), hints, vitals.clone(), stop.clone())
        };
        let stop = CancellationToken::new();
        let (minutes, upkeep) = (Duration::from_secs(600), start(&stop));
        // Dropped in the end, as by a panic.
        assert!(tokio::time::timeout(minutes, upkeep).await.is_err());
        assert_eq!(vitals.stuck(), [], "as long as it runs");
        stop.cancel();
        start(&stop).await;
        tokio::time::advance(STUCK_AFTER + Duration::from_secs(1)).await;
        let stuck = vitals.stuck();
        let mut names: Vec<&str> = stuck.iter().map(|one| &*one.name).collect();
        names.sort_unstable();
        let all = ["halting", "promotion", "reaper", "setting aside", "sweeper"];
        assert_eq!(names, all);
    }

    #[tokio::test(start_paused = true)]
    async fn upkeep_asks_again_what_was_never_answered() {
        let ids: &dyn IdSource = &ClockIds::new(SystemClock);
        let store = Arc::new(Standing {
            silent: Silent::default(),
            lease: LeaseBeat {
                lease: ids.lease(),
                beat: 1,
                lane: Some(Lane::Io),
                renewed_every: None,
            },
        });
        let upkeep = run(
            UpkeepSettings::default(),
            Arc::clone(&store) as Arc<dyn Upkeep>,
            Arc::new(Unheard),
            Vitals::default(),
            CancellationToken::new(),
        );
        // Minutes of the runtime's clock, which goes on by itself when all wait.
        let minutes = Duration::from_secs(120);
        assert!(tokio::time::timeout(minutes, upkeep).await.is_err());
        let all = [
            "beats",
            "keep watch",
            "partitions",
            "promote",
            "reap",
            "repair gates",
            "set aside",
            "stale lanes",
            "sweep",
        ];
        assert_eq!(store.silent.asked_again(), all);
    }
}
