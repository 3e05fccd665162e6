//! Renews leases from a thread of its own, over a connection of its own.
//!
//! A blocked runtime, a long poll or a full buffer cannot stop it. What it learns (leases that are
//! gone, jobs that a person asked to stop) goes to the registry.

use std::sync::Arc;
use std::time::Duration;

use packtrain_core::ids::WorkerId;
use packtrain_core::patience::patient_for;
use packtrain_core::ports::{Claims, Renewals, StoreError};
use packtrain_core::vitals::{Pulse, Vitals};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::registry::Registry;

/// How long a new connection may take to renew, at least.
const CONNECT_WITHIN: Duration = Duration::from_secs(1);

/// How long the thread may take to come round: its leases are long lost then.
const STUCK_AFTER: Duration = Duration::from_secs(30);

/// Where the life of the thread is noted.
pub(crate) fn pulse(vitals: &Vitals) -> Pulse {
    vitals.watch("renewal", STUCK_AFTER)
}

/// Starts the thread; it ends when `stop` is cancelled.
pub(crate) fn start(
    worker: WorkerId,
    every: Duration,
    claims: Arc<dyn Claims>,
    registry: Arc<Registry>,
    drain: CancellationToken,
    pulse: Pulse,
    stop: CancellationToken,
) -> std::io::Result<std::thread::JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    std::thread::Builder::new()
        .name("renewal".to_owned())
        .spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = stop.cancelled() => pulse.rest(),
                    () = renew((worker, every), &*claims, &registry, &drain, &pulse) => {}
                }
            });
        })
}

async fn renew(
    (worker, every): (WorkerId, Duration),
    claims: &dyn Claims,
    registry: &Registry,
    drain: &CancellationToken,
    pulse: &Pulse,
) {
    let mut connection: Option<Box<dyn Renewals>> = None;
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        pulse.turn();
        // A connection that went silent must not cost the leases: another is opened in time. To
        // open one takes many ways to the database and back, however short leases are.
        let limit = match connection {
            Some(_) => every * 2,
            None => (every * 2).max(CONNECT_WITHIN),
        };
        let renewing = once(worker, claims, registry, &mut connection);
        let renewed = patient_for(limit, renewing).await;
        if renewed.is_ok() {
            pulse.answered();
        }
        match renewed {
            Ok(is_asked) if is_asked && !drain.is_cancelled() => {
                info!("worker was asked to drain");
                drain.cancel();
            }
            Ok(_) => {}
            Err(error) => {
                let cause = packtrain_core::fault::chain(&error);
                warn!(error = %cause, "leases could not be renewed, connecting again");
                connection = None;
            }
        }
    }
}

/// Renews once; says whether the worker was asked to drain.
async fn once(
    worker: WorkerId,
    claims: &dyn Claims,
    registry: &Registry,
    connection: &mut Option<Box<dyn Renewals>>,
) -> Result<bool, StoreError> {
    // Read before the question: a lease that is claimed meanwhile is not missing from the answer.
    let before = registry.leases();
    let connected = match connection {
        Some(connected) => connected,
        None => connection.insert(claims.renewals().await?),
    };
    let renewed = connected.renew(worker, &before).await?;
    let lost = registry.lose(|lease| before.contains(&lease) && !renewed.held.contains(&lease));
    if lost > 0 {
        warn!(jobs = lost, "leases are gone, their jobs stop");
    }
    let cancelled = registry.cancel(&renewed.cancelled);
    if cancelled > 0 {
        info!(jobs = cancelled, "jobs were asked to stop");
    }
    Ok(renewed.drain)
}

#[cfg(test)]
pub(crate) mod tests {
    use async_trait::async_trait;
    use packtrain_core::ids::{ClockIds, IdSource, JobId, LeaseId};
    use packtrain_core::job::Lane;
    use packtrain_core::ports::{ClaimedLease, Floors, Settled, Settlement, Wanted, WorkerRecord};
    use packtrain_core::time::SystemClock;

    use super::*;

    /// A database that gives no connection, or in which something breaks that nobody thought of.
    pub(crate) struct Broken {
        pub(crate) panics: bool,
    }

    #[async_trait]
    impl Claims for Broken {
        async fn renewals(&self) -> Result<Box<dyn Renewals>, StoreError> {
            assert!(!self.panics, "as asked for");
            Err(StoreError::Unavailable("nobody is there".into()))
        }

        async fn register(&self, _: &WorkerRecord) -> Result<(), StoreError> {
            unreachable!("leases are only renewed")
        }

        async fn unregister(&self, _: WorkerId) -> Result<(), StoreError> {
            unreachable!("leases are only renewed")
        }

        async fn claim(
            &self,
            _: WorkerId,
            _: Lane,
            _: &[Wanted],
            _: usize,
            _: &mut Floors,
        ) -> Result<Vec<ClaimedLease>, StoreError> {
            unreachable!("leases are only renewed")
        }

        async fn started(&self, _: &[(LeaseId, Vec<u8>)]) -> Result<Vec<LeaseId>, StoreError> {
            unreachable!("leases are only renewed")
        }

        async fn settle(&self, _: &[Settlement]) -> Result<Settled, StoreError> {
            unreachable!("leases are only renewed")
        }

        async fn written(&self, _: &[Settlement]) -> Result<Vec<JobId>, StoreError> {
            unreachable!("leases are only renewed")
        }
    }

    fn worker() -> WorkerId {
        let ids: &dyn IdSource = &ClockIds::new(SystemClock);
        ids.worker()
    }

    fn names(ailing: &[packtrain_core::vitals::Ailing]) -> Vec<&str> {
        ailing.iter().map(|one| &*one.name).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_renewal_thread_that_died_is_stuck_and_one_that_was_told_to_end_is_not() {
        let later = STUCK_AFTER + Duration::from_secs(1);
        for panics in [false, true] {
            let (vitals, stop) = (Vitals::default(), CancellationToken::new());
            let thread = start(
                worker(),
                Duration::from_secs(1),
                Arc::new(Broken { panics }),
                Arc::default(),
                CancellationToken::new(),
                pulse(&vitals),
                stop.clone(),
            );
            if !panics {
                stop.cancel();
            }
            assert_eq!(thread.unwrap().join().is_err(), panics);
            tokio::time::advance(later).await;
            let stuck = vitals.stuck();
            let expected: &[&str] = if panics { &["renewal"] } else { &[] };
            assert_eq!(names(&stuck), expected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_renewal_whose_database_is_away_comes_round_and_is_not_answered() {
        let (vitals, drain) = (Vitals::default(), CancellationToken::new());
        let (claims, registry) = (Broken { panics: false }, Registry::default());
        let (pulse, every) = (pulse(&vitals), Duration::from_secs(1));
        let renewing = renew((worker(), every), &claims, &registry, &drain, &pulse);
        let outage = Duration::from_secs(600);
        assert!(tokio::time::timeout(outage, renewing).await.is_err());
        assert_eq!(names(&vitals.stuck()), Vec::<&str>::new());
        assert_eq!(names(&vitals.unanswered()), ["renewal"]);
    }
}
