//! What goes on by itself until it is told to stop: schedules, backlogs, upkeep.

use std::sync::Arc;

use packtrain_core::job::Job;
use packtrain_core::ports::{Schedules, Upkeep};
use packtrain_jobs::prices::observe::Observe;
use packtrain_scheduler::{Ticker, UpkeepSettings};
use packtrain_store::{PgBacklog, PgSchedules, PgUpkeep};
use tokio_util::sync::CancellationToken;

use super::Parts;

impl<S> Parts<S> {
    /// Schedules, until `stop`.
    pub(crate) fn schedules(
        &self,
        stop: CancellationToken,
    ) -> impl Future<Output = ()> + Send + 'static {
        let store: Arc<dyn Schedules> = Arc::new(PgSchedules::new(self.pools.worker.clone()));
        #[cfg(feature = "failpoints")]
        let store = crate::faulty::schedules(store);
        let ticker = Ticker::new(
            store,
            Arc::clone(&self.hints),
            self.settings.telemetry.rules(),
        );
        // The settings were checked when they were read.
        let ticker = match self.settings.prices.every() {
            Some(every) => ticker.at(Observe::KIND, every),
            None => ticker,
        };
        ticker.watched(&self.vitals).run(stop)
    }

    /// Says how much work waits in each lane, until `stop`.
    pub(crate) fn backlog(
        &self,
        stop: CancellationToken,
    ) -> impl Future<Output = ()> + Send + 'static {
        let store = Arc::new(PgBacklog::new(self.pools.worker.clone()));
        let is_wanted = self.settings.metrics.emf;
        let lines =
            is_wanted.then(|| Box::new(std::io::stdout()) as Box<dyn std::io::Write + Send>);
        packtrain_scheduler::publish(store, lines, stop)
    }

    /// Upkeep, until `stop`.
    pub(crate) fn upkeep(
        &self,
        stop: CancellationToken,
    ) -> impl Future<Output = ()> + Send + 'static {
        let settings = UpkeepSettings {
            patience: self.patience(),
            ..UpkeepSettings::default()
        };
        let upkeep = PgUpkeep::new(self.pools.worker.clone());
        let showing = self.queues.mirror().map(|mirror| {
            let dead = Arc::new(upkeep.clone());
            packtrain_scheduler::mirror(dead, mirror, stop.clone())
        });
        let store: Arc<dyn Upkeep> = Arc::new(upkeep);
        #[cfg(feature = "failpoints")]
        let store = crate::faulty::upkeep(store);
        let running = packtrain_scheduler::run(
            settings,
            store,
            Arc::clone(&self.hints),
            self.vitals.clone(),
            stop,
        );
        async {
            match showing {
                Some(showing) => drop(tokio::join!(running, showing)),
                None => running.await,
            }
        }
    }
}
