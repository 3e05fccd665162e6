//! `packtrain api`: serves the API until it is told to stop.

use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::args::{Api, Global, Part};
use crate::database::Database;
use crate::failure::{FAILED, Failure};
use crate::log;
use crate::process::{many_files, narrate, stop_on_signal, take_leave};
use crate::settings::Settings;
use crate::warm;
use crate::wiring::{Parts, hints};

/// Runs the command.
pub(crate) async fn run(global: &Global, _: &Api, settings: &Settings) -> Result<(), Failure> {
    let telemetry = log::start(settings, false)?;
    many_files();
    let stop = CancellationToken::new();
    stop_on_signal(&stop)?;
    let tasks = TaskTracker::new();
    let serving = CancellationToken::new();
    let database = Database::open(settings, narrate(global.quiet)).await?;
    // Each opens a connection of its own: both at once cost the start no more than one.
    let budget = crate::budget::check(&settings.database, &database, Part::Api);
    tokio::try_join!(database.expect_schema(), budget)?;
    database.keep(&tasks, &serving);
    hints::check(settings).await?;
    let parts = Parts::open(settings, &database, false, &tasks, &serving)?;
    parts.check().await?;
    let listener = listen(&settings.api.listen).await?;
    let counted = crate::metrics::start(&parts.pools, &tasks, &serving)?;
    tasks.spawn(warm::keep(
        parts.pools_of_requests(),
        warm::EVERY,
        serving.clone(),
    ));
    let router = parts.router(counted, &tasks, &serving)?;
    let router = packtrain_api::draining(router, stop.clone());
    let closing = CancellationToken::new();
    let notice = Duration::from_secs(settings.api.drain_notice_s);
    tasks.spawn({
        let closing = closing.clone();
        async move {
            stop.cancelled().await;
            tokio::time::sleep(notice).await;
            closing.cancel();
        }
    });
    let served = packtrain_api::serve(listener, router, closing).await;
    serving.cancel();
    take_leave(&tasks, &parts.pools, telemetry).await;
    database.close().await;
    served.map_err(|error| Failure::new(FAILED, format!("serving ended: {error}")))
}

/// Opens the address, or says who probably has it.
pub(crate) async fn listen(address: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        Failure::new(FAILED, format!("cannot listen on {address}: {error}"))
            .help("another packtrain may be running; choose another address with --listen")
    })
}
