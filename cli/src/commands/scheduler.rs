//! `packtrain scheduler`: schedules and upkeep.

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::args::{Global, Part};
use crate::database::Database;
use crate::failure::Failure;
use crate::log;
use crate::process::{narrate, stop_on_signal, take_leave};
use crate::settings::Settings;
use crate::warm;
use crate::wiring::{Parts, hints};

/// Runs the command.
pub(crate) async fn run(global: &Global, settings: &Settings) -> Result<(), Failure> {
    let telemetry = log::start(settings, false)?;
    let stop = CancellationToken::new();
    stop_on_signal(&stop)?;
    let tasks = TaskTracker::new();
    let database = Database::open(settings, narrate(global.quiet)).await?;
    // Each opens a connection of its own: both at once cost the start no more than one.
    let budget = crate::budget::check(&settings.database, &database, Part::Scheduler);
    tokio::try_join!(database.expect_schema(), budget)?;
    database.keep(&tasks, &stop);
    hints::check(settings).await?;
    let parts = Parts::without_store(settings, &database, true, &tasks, &stop)?;
    parts.check_shared().await?;
    let counted = crate::metrics::start(&parts.pools, &tasks, &stop)?;
    crate::metrics::serve(settings, counted, &parts.vitals, &tasks, &stop).await?;
    tasks.spawn(warm::keep(parts.pools_of_work(), warm::EVERY, stop.clone()));
    tokio::join!(
        parts.upkeep(stop.clone()),
        parts.backlog(stop.clone()),
        parts.schedules(stop),
    );
    take_leave(&tasks, &parts.pools, telemetry).await;
    database.close().await;
    Ok(())
}
