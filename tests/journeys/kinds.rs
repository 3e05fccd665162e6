//! Kinds that only tests run, and the ledger that most journeys start from.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use packtrain_core::fault::{Fault, Verdict};
use packtrain_core::ids::JobId;
use packtrain_core::job::{Ctx, Done, Job, Kind, Lane};
use packtrain_core::ports::{Point, Write};
use packtrain_core::time::Timestamp;
use packtrain_jobs::alerts::backtest::Backtest;
use packtrain_jobs::alerts::deliver::Deliver;
use packtrain_jobs::alerts::digest::Digest;
use packtrain_jobs::alerts::evaluate::Evaluate;
use packtrain_jobs::alerts::probe::Probe;
use packtrain_jobs::alerts::seal::Seal;
use packtrain_jobs::alerts::summarize::Summarize;
use packtrain_jobs::alerts::tell::Tell;
use packtrain_jobs::alerts::verify::Verify;
use packtrain_jobs::alerts::warn::Warn;
use packtrain_jobs::catalogue::{Entry, entry};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use utoipa::ToSchema;

/// One purchase, one sale with a gain of 11,880.00 in 2024.
pub(crate) const LEDGER: &str = "\
id,timestamp,type,wallet,sent_amount,sent_asset,received_amount,received_asset,\
fee_amount,fee_asset,value,currency
t1,2024-01-10T12:00:00Z,buy,main,46000,USD,1,BTC,100,USD,,USD
t2,2024-06-10T12:00:00Z,sell,main,0.5,BTC,35000,USD,70,USD,,USD
";

/// The kinds of this file.
pub(super) const TEST_KINDS: &[Entry] = &[
    entry::<Panics>(),
    entry::<NeverReturns>(),
    entry::<Spins>(),
    entry::<Forks>(),
    entry::<Holds>(),
    entry::<DoneAllTheSame>(),
    entry::<Waits>(),
    entry::<WaitsBriefly>(),
];

/// Kinds of alerts, and one that observes what a test says.
pub(super) const ALERT_KINDS: &[Entry] = &[
    entry::<Observes>(),
    entry::<Evaluate>(),
    entry::<Backtest>(),
    entry::<Deliver>(),
    entry::<Tell>(),
    entry::<Probe>(),
    entry::<Verify>(),
    entry::<Warn>(),
    entry::<Digest>(),
    entry::<Summarize>(),
    entry::<Seal>(),
];

/// Observes a value of a metric.
#[derive(Serialize, Deserialize, ToSchema)]
pub(super) struct Observes {
    pub(super) metric: String,
    #[schema(value_type = String)]
    pub(super) at: Timestamp,
    pub(super) value: String,
}

impl Job for Observes {
    const KIND: Kind = Kind::new("test.observes");
    const LANE: Lane = Lane::Io;
    const ATTEMPTS_MAX: u16 = 1;

    async fn run(self, ctx: &Ctx) -> Result<Done, Fault> {
        let point = Point {
            metric: self.metric,
            at: self.at,
            value: self.value,
        };
        Ok(Done {
            writes: vec![Write::Observed(vec![point])],
            ..Done::then(Evaluate::of(ctx.job))
        })
    }
}

/// Panics at every attempt.
#[derive(Serialize, Deserialize, ToSchema)]
pub(super) struct Panics {}

impl Job for Panics {
    const KIND: Kind = Kind::new("test.panics");
    const LANE: Lane = Lane::Io;
    const ATTEMPTS_MAX: u16 = 2;

    async fn run(self, _: &Ctx) -> Result<Done, Fault> {
        panic!("this job panics");
    }
}

/// Waits for what never comes.
#[derive(Serialize, Deserialize, ToSchema)]
pub(super) struct NeverReturns {}

impl Job for NeverReturns {
    const KIND: Kind = Kind::new("test.never_returns");
    const LANE: Lane = Lane::Io;
    const ATTEMPTS_MAX: u16 = 1;
    const TIME_LIMIT: Duration = Duration::from_millis(50);

    async fn run(self, _: &Ctx) -> Result<Done, Fault> {
        std::future::pending().await
    }
}

/// Computes until it is told to stop.
#[derive(Serialize, Deserialize, ToSchema)]
pub(super) struct Spins {}

impl Job for Spins {
    const KIND: Kind = Kind::new("test.spins");
    const LANE: Lane = Lane::Cpu;
    const ATTEMPTS_MAX: u16 = 1;
    const TIME_LIMIT: Duration = Duration::from_millis(50);

    async fn run(self, ctx: &Ctx) -> Result<Done, Fault> {
        ctx.cpu(|stop| {
            while !stop.requested() {
                std::hint::spin_loop();
            }
        })
        .await?;
        Err(Fault::said(
            Verdict::Fatal,
            "test.stopped",
            "was told to stop",
        ))
    }
}

/// Causes two more jobs.
#[derive(Serialize, Deserialize, ToSchema)]
pub(super) struct Forks {}

impl Job for Forks {
    const KIND: Kind = Kind::new("test.forks");
    const LANE: Lane = Lane::Io;

    async fn run(self, _: &Ctx) -> Result<Done, Fault> {
        Ok(Done::fan_out([Panics {}, Panics {}]))
    }
}

/// Runs until its worker goes away; the second attempt ends at once.
#[derive(Serialize, Deserialize, ToSchema)]
pub(super) struct Holds {}

impl Job for Holds {
    const KIND: Kind = Kind::new("test.holds");
    const LANE: Lane = Lane::Io;

    async fn run(self, ctx: &Ctx) -> Result<Done, Fault> {
        if ctx.attempt == 1 {
            ctx.cancel.cancelled().await;
            return Err(Fault::said(Verdict::Retry(None), "test.stopped", "stopped"));
        }
        Ok(Done::quietly())
    }
}

/// Is done at the moment when it is told to stop.
#[derive(Serialize, Deserialize, ToSchema)]
pub(super) struct DoneAllTheSame {}

impl Job for DoneAllTheSame {
    const KIND: Kind = Kind::new("test.done_all_the_same");
    const LANE: Lane = Lane::Io;

    async fn run(self, ctx: &Ctx) -> Result<Done, Fault> {
        ctx.cancel.cancelled().await;
        Ok(Done::quietly())
    }
}

/// The door of each job that waits for its test.
static DOORS: LazyLock<Mutex<HashMap<JobId, Arc<Semaphore>>>> = LazyLock::new(Mutex::default);

fn door(job: JobId) -> Arc<Semaphore> {
    let mut doors = DOORS.lock().unwrap();
    Arc::clone(
        doors
            .entry(job)
            .or_insert_with(|| Arc::new(Semaphore::new(0))),
    )
}

/// Lets a [`Waits`] or [`WaitsBriefly`] end, in this attempt and in every later one.
pub(super) fn release(job: JobId) {
    door(job).add_permits(1);
}

/// Runs until the test releases it.
#[derive(Serialize, Deserialize, ToSchema)]
pub(super) struct Waits {}

impl Job for Waits {
    const KIND: Kind = Kind::new("test.waits");
    const LANE: Lane = Lane::Io;

    async fn run(self, ctx: &Ctx) -> Result<Done, Fault> {
        drop(door(ctx.job).acquire().await);
        Ok(Done::quietly())
    }
}

/// As [`Waits`], but claimed in batches like a job that takes no time.
#[derive(Serialize, Deserialize, ToSchema)]
pub(super) struct WaitsBriefly {}

impl Job for WaitsBriefly {
    const KIND: Kind = Kind::new("test.waits_briefly");
    const LANE: Lane = Lane::Io;
    const LONG: bool = false;

    async fn run(self, ctx: &Ctx) -> Result<Done, Fault> {
        drop(door(ctx.job).acquire().await);
        Ok(Done::quietly())
    }
}
