//! Counters of this process: collected here, shown by the API or on an address of their own.

use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use packtrain_api::Render;
use packtrain_core::vitals::Vitals;
use packtrain_store::Pools;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use crate::commands::api::listen;
use crate::failure::{FAILED, Failure};
use crate::settings::Settings;

/// Upper bounds of durations, in seconds: from a look-up to the longest report.
const SECONDS: [f64; 12] = [
    0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0,
];
/// How often histograms take in what was recorded.
const FOLD_EVERY: Duration = Duration::from_secs(5);

/// Begins to count; what is returned writes it down.
pub(crate) fn start(
    pools: &Pools,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Result<Render, Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::new(FAILED, format!("metrics: {error}"));
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
        .map_err(|error| failed(&error))?
        .build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|error| failed(&error))?;
    let version = env!("CARGO_PKG_VERSION");
    metrics::gauge!("packtrain_build_info", "version" => version).set(1.0);
    let (folding, stop) = (handle.clone(), stop.clone());
    tasks.spawn(async move {
        while stop
            .run_until_cancelled(tokio::time::sleep(FOLD_EVERY))
            .await
            .is_some()
        {
            folding.run_upkeep();
        }
    });
    let pools = pools.clone();
    Ok(Arc::new(move || {
        for (pool, busy) in pools.in_use() {
            metrics::gauge!("packtrain_db_pool_in_use", "pool" => pool).set(f64::from(busy));
        }
        handle.render()
    }))
}

/// Shows them, and whether the loops of this process turn, on the address that the settings name,
/// if they name one.
pub(crate) async fn serve(
    settings: &Settings,
    render: Render,
    vitals: &Vitals,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Result<(), Failure> {
    let address = &settings.metrics.listen;
    if address.is_empty() {
        return Ok(());
    }
    let listener = listen(address).await?;
    info!(address = %address, "metrics are shown");
    let router = packtrain_api::metrics_alone(render, vitals.clone());
    let serving = packtrain_api::serve(listener, router, stop.clone());
    tasks.spawn(async move {
        if let Err(error) = serving.await {
            warn!(%error, "metrics are shown no more");
        }
    });
    Ok(())
}
