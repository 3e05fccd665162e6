//! Kinds that only tests run, and the ledger that most journeys start from.

use std::time::Duration;

use packtrain_core::fault::{Fault, Verdict};
use packtrain_core::job::{Ctx, Done, Job, Kind, Lane};
use packtrain_jobs::catalogue::{Entry, entry};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One purchase, one sale with a gain of 11,880.00 in 2024.
pub(super) const LEDGER: &str = "\
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
];

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
        }
        Ok(Done::quietly())
    }
}
