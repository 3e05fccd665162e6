//! `packtrain worker`: runs jobs until it is told to stop, then drains.

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::args::{Global, Part, Worker};
use crate::database::Database;
use crate::failure::Failure;
use crate::log;
use crate::process::{narrate, stop_on_signal, take_leave};
use crate::settings::Settings;
use crate::warm;
use crate::wiring::{Parts, hints};

/// Runs the command. Every worker does upkeep as well, so that a fleet of workers alone loses
/// nothing.
pub(crate) async fn run(
    global: &Global,
    args: &Worker,
    settings: &Settings,
) -> Result<(), Failure> {
    let telemetry = log::start(settings, false)?;
    let stop = CancellationToken::new();
    stop_on_signal(&stop)?;
    let tasks = TaskTracker::new();
    let serving = CancellationToken::new();
    let database = Database::open(settings, narrate(global.quiet)).await?;
    // Each opens a connection of its own: both at once cost the start no more than one.
    let budget = crate::budget::check(&settings.database, &database, Part::Worker);
    tokio::try_join!(database.expect_schema(), budget)?;
    database.keep(&tasks, &serving);
    hints::check(settings).await?;
    let parts = Parts::open(settings, &database, true, &tasks, &serving)?;
    parts.check().await?;
    let counted = crate::metrics::start(&parts.pools, &tasks, &serving)?;
    crate::metrics::serve(settings, counted, &parts.vitals, &tasks, &serving).await?;
    tasks.spawn(warm::keep(
        parts.pools_of_work(),
        warm::EVERY,
        serving.clone(),
    ));
    tasks.spawn(parts.upkeep(serving.clone()));
    let ran = parts.fleet(&args.lanes)?.run(stop).await;
    serving.cancel();
    take_leave(&tasks, &parts.pools, telemetry).await;
    database.close().await;
    Ok(ran?)
}
