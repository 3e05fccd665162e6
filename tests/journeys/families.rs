//! Jobs that split, jobs that follow in order, and jobs that go on where they were.

use packtrain_core::fault::{Fault, Verdict};
use packtrain_core::ids::TenantId;
use packtrain_core::job::{Batch, Ctx, Done, Gate, Job, Kind, Lane, OnFailure, State};
use packtrain_core::ports::{Actor, Control};
use packtrain_jobs::catalogue::{Entry, entry};
use packtrain_store::PgControl;
use packtrain_tests::Yard;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;
use utoipa::ToSchema;

use super::runs::{ended, enqueue};

const FAMILY: &[Entry] = &[
    entry::<Splits>(),
    entry::<Counts>(),
    entry::<Sums>(),
    entry::<Resumes>(),
    entry::<InOrder>(),
];

/// Splits into three that count, the third after the others, and a sum after all.
#[derive(Serialize, Deserialize, ToSchema)]
struct Splits {}

impl Job for Splits {
    const KIND: Kind = Kind::new("test.splits");
    const LANE: Lane = Lane::Io;

    async fn run(self, _: &Ctx) -> Result<Done, Fault> {
        let mut batch = Batch::new(OnFailure::Hold);
        let first = batch.add(Counts { number: 3 }, &[]);
        let second = batch.add(Counts { number: 4 }, &[]);
        batch.add(Counts { number: 5 }, &[first, second]);
        Ok(Done::batch(batch.then(Sums {})))
    }
}

/// Returns its number.
#[derive(Serialize, Deserialize, ToSchema)]
struct Counts {
    number: u64,
}

impl Job for Counts {
    const KIND: Kind = Kind::new("test.counts");
    const LANE: Lane = Lane::Cpu;
    const LONG: bool = false;

    async fn run(self, _: &Ctx) -> Result<Done, Fault> {
        Ok(Done::with(json!(self.number)))
    }
}

/// Sums what the members of its batch returned.
#[derive(Serialize, Deserialize, ToSchema)]
struct Sums {}

impl Job for Sums {
    const KIND: Kind = Kind::new("test.sums");
    const LANE: Lane = Lane::Io;

    async fn run(self, ctx: &Ctx) -> Result<Done, Fault> {
        let members = ctx.members().await?;
        let numbers = members
            .iter()
            .filter_map(|job| job.result.as_ref()?.as_u64());
        Ok(Done::with(json!(numbers.sum::<u64>())))
    }
}

/// Keeps how far it came and fails; the next attempt goes on from there.
#[derive(Serialize, Deserialize, ToSchema)]
struct Resumes {}

impl Job for Resumes {
    const KIND: Kind = Kind::new("test.resumes");
    const LANE: Lane = Lane::Io;

    async fn run(self, ctx: &Ctx) -> Result<Done, Fault> {
        let kept = ctx.checkpoint().await?;
        let page = kept
            .as_ref()
            .and_then(|kept| kept["page"].as_u64())
            .unwrap_or(0);
        if ctx.attempt < 3 {
            ctx.save_checkpoint(&json!({ "page": page + 10 })).await?;
            let now = Some(Duration::ZERO);
            return Err(Fault::said(Verdict::Retry(now), "test.broken", "broken"));
        }
        Ok(Done::with(json!({ "from": page })))
    }
}

/// Runs in the order of its group, and leaves its place in a file of the yard.
#[derive(Serialize, Deserialize, ToSchema)]
struct InOrder {
    group: String,
    place: u64,
}

impl Job for InOrder {
    const KIND: Kind = Kind::new("test.in_order");
    const LANE: Lane = Lane::Io;
    const GATE: Gate = Gate::Group { holds_dead: false };

    fn group(&self) -> Option<String> {
        Some(self.group.clone())
    }

    async fn run(self, ctx: &Ctx) -> Result<Done, Fault> {
        if self.place == 2 && ctx.attempt == 1 {
            let now = Some(Duration::ZERO);
            return Err(Fault::said(Verdict::Retry(now), "test.broken", "broken"));
        }
        Ok(Done::with(json!(self.place)))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_splits_and_what_follows_its_members_sees_their_results() {
    let yard = Yard::without_workers().await;
    yard.worker(FAMILY).await;
    let id = enqueue::<Splits>(&yard).await;
    assert_eq!(ended(&yard, id).await.state, State::Succeeded);
    let sum = ended(&yard, id.derive("batch:then")).await;
    assert_eq!((sum.state, sum.result), (State::Succeeded, Some(json!(12))));
    assert_eq!(sum.batch, Some(id));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_goes_on_where_its_last_attempt_was() {
    let yard = Yard::without_workers().await;
    yard.worker(FAMILY).await;
    let id = enqueue::<Resumes>(&yard).await;
    let record = ended(&yard, id).await;
    assert_eq!(record.result, Some(json!({ "from": 20 })));
    assert_eq!(record.attempts, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_runs_in_order_though_one_of_it_is_tried_again() {
    let yard = Yard::without_workers().await;
    let pool = yard.database.pools().operator.clone();
    let control = PgControl::new(pool, yard.database.ids());
    let of_kind = |entry: &&Entry| entry.about.kind == InOrder::KIND;
    let entry = FAMILY.iter().find(of_kind).unwrap();
    let mut asked = Vec::new();
    for place in 0..6_u64 {
        for group in ["a", "b"] {
            let payload = json!({ "group": group, "place": place });
            let job = entry.job(yard.database.ids().job(), TenantId::SYSTEM, payload);
            let test = Actor("test".to_owned());
            control.enqueue(&test, &job, None).await.unwrap();
            asked.push((group, job.id));
        }
    }
    yard.worker(FAMILY).await;
    let mut ends = Vec::new();
    for (group, id) in asked {
        let record = ended(&yard, id).await;
        assert_eq!(record.state, State::Succeeded);
        ends.push((group, record.started_at, record.finished_at));
    }
    for group in ["a", "b"] {
        let of_group: Vec<_> = ends.iter().filter(|(of, ..)| *of == group).collect();
        for pair in of_group.windows(2) {
            assert!(pair[0].2 <= pair[1].1, "{group}: {pair:?}");
        }
    }
}
