//! What jobs may reach.

use std::sync::Arc;

use packtrain_core::ports::{Warmth, World};
use packtrain_feeds::EndpointWarmth;
use packtrain_notify::Templates;
use packtrain_objects::ObjectsWarmth;
use packtrain_store::{
    PgBacklog, PgChainEvents, PgCheckpoints, PgCoins, PgControl, PgDigests, PgEndpoints, PgEvents,
    PgFiles, PgGas, PgHousekeeping, PgOperatorJobs, PgReports, PgSeries, PgWatch, Pool,
};

use super::{Parts, channels, feeds, hints};
use crate::failure::{Failure, USAGE};

/// Endpoints that are kept warm, at most: all of them in vain still fit into one job.
const ENDPOINTS_MAX: usize = 16;

impl Parts {
    /// What jobs may reach.
    pub(super) fn world(&self) -> Result<World, Failure> {
        let pool = &self.pools.worker;
        Ok(World {
            files: Arc::new(PgFiles::new(pool.clone())),
            reports: Arc::new(PgReports::new(pool.clone())),
            objects: Arc::clone(&self.store.objects),
            events: Arc::new(PgEvents::new(pool.clone())),
            checkpoints: Arc::new(PgCheckpoints::new(pool.clone())),
            housekeeping: Arc::new(PgHousekeeping::new(pool.clone(), self.retention())),
            jobs: Arc::new(PgOperatorJobs::new(pool.clone())),
            control: Arc::new(PgControl::new(pool.clone(), Arc::clone(&self.ids))),
            chains: feeds::chains(&self.settings)?,
            owners: Arc::new(self.settings.chain.owners()),
            gas: Arc::new(PgGas::new(pool.clone())),
            gas_buckets: Arc::new(PgGas::new(pool.clone())),
            gas_forecasts: Arc::new(PgGas::new(pool.clone())),
            prices: feeds::prices(&self.settings)?,
            coins: Arc::new(PgCoins::new(pool.clone())),
            chain_events: Arc::new(PgChainEvents::new(pool.clone())),
            measures: feeds::measures(&self.settings)?,
            series: Arc::new(PgSeries::new(pool.clone())),
            warmth: self.warmth()?,
            platform: Arc::new(PgBacklog::new(pool.clone())),
            watch: Arc::new(self.watch()),
            endpoints: Arc::new(PgEndpoints::new(pool.clone(), Arc::clone(&self.keys))),
            digests: Arc::new(self.digests(pool)),
            channels: channels::open(&self.settings, &self.clock, pool)?,
            wording: Arc::new(Templates::new().leading_to(&self.settings.notify.link)),
        })
    }

    pub(super) fn digests(&self, pool: &Pool) -> PgDigests {
        let endpoints = PgEndpoints::new(pool.clone(), Arc::clone(&self.keys));
        PgDigests::new(pool.clone(), endpoints)
    }

    /// What rules are evaluated with.
    fn watch(&self) -> PgWatch {
        let watch = PgWatch::new(self.pools.worker.clone());
        watch.telling(self.settings.alerts.messages_a_day())
    }

    /// What jobs use that answers slowly after a rest. Pools of other processes are theirs to keep
    /// warm: nobody else reaches them.
    fn warmth(&self) -> Result<Vec<Arc<dyn Warmth>>, Failure> {
        let mut all = self.pools_of_work();
        all.extend(hints::warmth(&self.settings, &self.bell)?);
        let objects = Arc::clone(&self.store.objects);
        all.push(Arc::new(ObjectsWarmth::new(self.store.name, objects)));
        let refused = |what: String| Failure::new(USAGE, format!("warm.endpoint_urls: {what}"));
        let urls = &self.settings.warm.endpoint_urls.0;
        if urls.len() > ENDPOINTS_MAX {
            let count = urls.len();
            return Err(refused(format!("{count} are more than {ENDPOINTS_MAX}")));
        }
        for (place, url) in (1..).zip(urls) {
            let endpoint =
                EndpointWarmth::new(place, url).map_err(|error| refused(error.to_string()))?;
            all.push(Arc::new(endpoint));
        }
        Ok(all)
    }
}
