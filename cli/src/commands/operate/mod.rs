//! Commands for operators: the same as the routes below `/v2/admin`, straight on the database.

use std::sync::Arc;

use packtrain_core::job::Lane;
use packtrain_core::ports::{Actor, Hint, Subject};
use packtrain_core::time::Timestamp;
use packtrain_store::{PgControl, PgOperatorJobs};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::args::Global;
use crate::database::Database;
use crate::failure::Failure;
use crate::process::narrate;
use crate::settings::Settings;
use crate::wiring::Parts;

pub(crate) mod dead;
pub(crate) mod jobs;
pub(crate) mod lanes;
pub(crate) mod schedules;
pub(crate) mod top;
pub(crate) mod workers;

/// Where an operator works.
pub(crate) struct Desk {
    pub(crate) parts: Parts,
    pub(crate) control: PgControl,
    pub(crate) jobs: PgOperatorJobs,
    database: Database,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Desk {
    /// Opens the database, which is there.
    pub(crate) async fn open(global: &Global, settings: &Settings) -> Result<Self, Failure> {
        Database::expect_there(settings)?;
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let database = Database::open(settings, narrate(global.quiet)).await?;
        database.expect_schema().await?;
        let parts = Parts::open(settings, &database, false, &tasks, &stop)?;
        Ok(Self {
            control: parts.control(),
            jobs: PgOperatorJobs::new(parts.pools.operator.clone()),
            parts,
            database,
            tasks,
            stop,
        })
    }

    /// Wakes workers of a lane.
    pub(crate) fn wake(&self, lane: Lane, about: Option<Arc<str>>) {
        let about = about.map(|kind| Subject::kind(&*kind));
        self.parts.hints.send(Hint { lane, about });
    }

    /// Lets the last hints go out, and closes.
    pub(crate) async fn close(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.parts.pools.close().await;
        self.database.close().await;
    }
}

/// Who operates, as the audit keeps it: the account on this machine.
pub(crate) fn actor() -> Actor {
    Actor(format!(
        "command line, uid {}",
        rustix::process::getuid().as_raw()
    ))
}

/// Cuts a page from what was found, of which there is one more than the limit where the list goes
/// on, and says after which place the next page begins if there is one.
fn cut<T, P>(found: &mut Vec<T>, limit: u32, place: impl Fn(&T) -> P) -> Option<P> {
    let has_more = found.len() > limit as usize;
    found.truncate(limit as usize);
    found.last().filter(|_| has_more).map(place)
}

/// A time as a person reads it, or nothing.
fn time(at: Option<Timestamp>) -> String {
    at.map(|at| at.format("%Y-%m-%d %H:%M:%S").to_string())
        .unwrap_or_default()
}
