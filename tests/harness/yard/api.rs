//! The APIs of a yard.

use std::sync::Arc;

use axum::Router;
use packtrain_api::{Alerts, Api, Live};
use packtrain_cache::MemoryCache;
use packtrain_core::ports::{Hints, LiveLog, Objects};
use packtrain_core::reads::Reads;
use packtrain_core::time::SystemClock;
use packtrain_core::trace::TraceRules;
use packtrain_notify::Templates;
use packtrain_store::{
    PgBacklog, PgControl, PgDigests, PgEndpoints, PgEvents, PgFigures, PgFiles, PgGas, PgJobs,
    PgKeys, PgLive, PgOperatorJobs, PgReports, PgRules, PgSeriesReads,
};
use tokio::net::TcpListener;

use super::Yard;
use crate::channels::{doors, keyring, owners};
use crate::database::Database;
use crate::listening::Listening;

/// What the cache of an API takes.
const CACHE_BYTES: u64 = 16 * 1024 * 1024;

impl Yard {
    /// An API of its own, and what has to run for its live streams; owners prove that they want
    /// their endpoints, or need not.
    pub(super) fn api(
        database: &Database,
        objects: &Arc<dyn Objects>,
        hints: &Arc<dyn Hints>,
        log: Arc<dyn LiveLog>,
        needs_proof: bool,
    ) -> (Router, Live) {
        let pools = database.pools();
        let live = Live::new(log, Arc::new(PgLive::new(pools.clone())));
        let endpoints = PgEndpoints::new(pools.app.clone(), keyring());
        let router = packtrain_api::router(Api {
            keys: Arc::new(PgKeys::new(pools.app.clone())),
            jobs: Arc::new(PgJobs::new(pools.app.clone())),
            operator: Arc::new(PgOperatorJobs::new(pools.operator.clone())),
            control: Arc::new(PgControl::new(pools.operator.clone(), database.ids())),
            figures: Arc::new(PgFigures::new(pools.operator.clone())),
            backlogs: Arc::new(PgBacklog::new(pools.operator.clone())),
            files: Arc::new(PgFiles::new(pools.app.clone())),
            reports: Arc::new(PgReports::new(pools.app.clone())),
            gas: Arc::new(PgGas::new(pools.app.clone())),
            gas_buckets: Arc::new(PgGas::new(pools.app.clone())),
            gas_forecasts: Arc::new(PgGas::new(pools.app.clone())),
            series: Arc::new(PgSeriesReads::new(pools.app.clone())),
            events: Arc::new(PgEvents::new(pools.app.clone())),
            alerts: Alerts {
                rules: Arc::new(PgRules::new(pools.app.clone())),
                endpoints: Arc::new(endpoints.clone()),
                doors: doors(),
                digests: Arc::new(PgDigests::new(pools.app.clone(), endpoints)),
                needs_proof,
                owners: owners(),
                editor: Arc::new(Templates::new()),
            },
            live: live.clone(),
            reads: Reads::new(Arc::new(MemoryCache::new(CACHE_BYTES))),
            objects: Arc::clone(objects),
            hints: Arc::clone(hints),
            ready: Arc::new(pools.clone()),
            metrics: Arc::new(String::new),
            clock: Arc::new(SystemClock),
            ids: database.ids(),
            traces: TraceRules::default(),
        });
        (router, live)
    }

    /// Serves the API as a process of its own would: with a reader of live streams of its own.
    pub async fn listen(&self) -> Listening {
        let log = PgLive::new(self.database.pools().clone());
        self.listen_over(Arc::new(log)).await
    }

    /// The same, with live streams that are read from this log.
    pub async fn listen_over(&self, log: Arc<dyn LiveLog>) -> Listening {
        let (router, live) = Self::api(&self.database, &self.objects, &self.hints, log, false);
        let stop = self.stop.child_token();
        self.tasks.spawn(live.run(stop.clone()));
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port is free");
        let address = listener.local_addr().expect("it has an address");
        let serving = packtrain_api::serve(listener, router, stop.clone());
        let serving = self.tasks.spawn(serving);
        Listening {
            address,
            stop,
            serving,
        }
    }
}
