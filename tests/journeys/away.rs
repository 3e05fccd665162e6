//! Jobs that wait for something that is away.

use std::sync::atomic::{AtomicU64, Ordering};

use packtrain_core::fault::{Fault, Verdict};
use packtrain_core::ids::JobId;
use packtrain_core::job::{Ctx, Done, Job, Kind, Lane, State};
use packtrain_jobs::catalogue::{Entry, entry};
use packtrain_tests::{Yard, until};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::runs::{ended, enqueue};

/// Tries in vain of the one job of this kind.
const VAIN: u64 = 5;
/// All its tries so far.
static TRIES: AtomicU64 = AtomicU64::new(0);

/// Reads, and then finds for some time that what it writes to is away.
#[derive(Serialize, Deserialize, ToSchema)]
struct Stores {}

impl Job for Stores {
    const KIND: Kind = Kind::new("test.stores");
    const LANE: Lane = Lane::Io;
    const ATTEMPTS_MAX: u16 = 1;

    async fn run(self, ctx: &Ctx) -> Result<Done, Fault> {
        ctx.stage("read").await?;
        ctx.stage("store").await?;
        if TRIES.fetch_add(1, Ordering::SeqCst) < VAIN {
            return Err(Fault::said(
                Verdict::Away,
                "test.away",
                "the test took it away",
            ));
        }
        Ok(Done::quietly())
    }
}

const KINDS: &[Entry] = &[entry::<Stores>()];

async fn said(yard: &Yard, job: JobId) -> Vec<String> {
    let events = format!(
        "select data ->> 'name' || ' ' || (data ->> 'state') from job_event
          where job_id = '{}' order by seq",
        job.as_uuid()
    );
    yard.database.texts(&events).await
}

#[tokio::test(flavor = "multi_thread")]
async fn however_often_a_job_tries_what_is_away_it_leaves_one_event_until_it_waits_no_more() {
    let yard = Yard::without_workers().await;
    yard.worker(KINDS).await;
    let job = enqueue::<Stores>(&yard).await;
    let waits = [
        "read running",
        "read done",
        "store running",
        "store waiting",
    ];
    until("it has tried often enough", async || {
        // Nobody here waits for the pauses of a job.
        let now = "update scheduled set run_at = now_utc()";
        yard.database.run(now).await;
        TRIES.load(Ordering::SeqCst) > VAIN
    })
    .await;
    let ended = ended(&yard, job).await;
    assert_eq!(ended.state, State::Succeeded);
    let again = ["read running", "read done", "store running", "store done"];
    assert_eq!(said(&yard, job).await, [waits, again].concat());
}
