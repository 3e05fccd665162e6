//! Batches: members that come after others, what follows all of them, and what failure means.

use packtrain_core::ids::JobId;
use packtrain_core::job::{Entrance, NewJob, OnFailure, State, Ties};
use packtrain_core::ports::{Change, Changed, End, JobFilter, OperatorJobs, Success, Upkeep};

use super::scene::{HOUR, Held, Scene, fault, ids, succeeded};

/// Members `first` and `second`, `both` after the two, and `last` after all.
struct Family {
    scene: Scene,
    parent: JobId,
    first: JobId,
    second: JobId,
    both: JobId,
    last: JobId,
}

impl Family {
    async fn new(on_failure: OnFailure) -> Self {
        let scene = Scene::new().await;
        let parent = scene.running().await;
        let parent_id = parent.job.id;
        let id = |role: &str| parent_id.derive(role);
        let (first, second) = (id("member:0"), id("member:1"));
        let (both, last) = (id("member:2"), id("batch:then"));
        let member = |id, after: &[JobId]| NewJob {
            id,
            parent: Some(parent_id),
            ties: Ties {
                batch: Some(parent_id),
                after: after.to_vec(),
                ..Ties::default()
            },
            ..scene.job()
        };
        let end = End::Succeeded(Success {
            then: vec![
                member(first, &[]),
                member(second, &[]),
                member(both, &[first, second]),
                member(last, &[first, second, both]),
            ],
            batch: Some(on_failure),
            ..Success::default()
        });
        scene.settle(&[parent.ends(end.clone())]).await;
        // Told twice, as after an answer that was lost.
        scene.settle(&[parent.ends(end)]).await;
        scene.db.assert_whole().await;
        Self {
            parent: parent_id,
            scene,
            first,
            second,
            both,
            last,
        }
    }

    async fn ends(&self, held: &Held, end: End) {
        self.scene.settle(&[held.ends(end)]).await;
        self.scene.db.assert_whole().await;
    }

    /// The two that come first, claimed.
    async fn pair(&self) -> (Held, Held) {
        let mut held = self.scene.claim(10).await;
        held.sort_by_key(|held| held.job.id != self.first);
        assert_eq!(ids(&held), [self.first, self.second]);
        let second = held.remove(1);
        (held.remove(0), second)
    }

    async fn change(&self, change: Change, jobs: &[JobId]) -> Changed {
        self.scene.change(change, jobs).await
    }

    /// Lets requests to cancel be honoured until there is nothing more to honour.
    async fn sweep(&self) {
        while self.scene.upkeep.sweep(HOUR).await.unwrap().cancelled > 0 {}
        self.scene.db.assert_whole().await;
    }

    async fn states(&self) -> [State; 4] {
        let mut states = [State::Waiting; 4];
        for (place, job) in [self.first, self.second, self.both, self.last]
            .into_iter()
            .enumerate()
        {
            states[place] = self.scene.state(job).await.0;
        }
        states
    }
}

fn dead() -> End {
    End::Dead { fault: fault() }
}

#[tokio::test]
async fn a_member_runs_when_all_that_come_before_it_have_ended() {
    let family = Family::new(OnFailure::Hold).await;
    let (first, second) = family.pair().await;
    family.ends(&second, succeeded()).await;
    assert!(family.scene.claim(10).await.is_empty());
    family.ends(&first, succeeded()).await;
    let both = family.scene.claim(10).await;
    assert_eq!(ids(&both), [family.both]);
    family.ends(&both[0], succeeded()).await;
    let last = family.scene.claim(10).await;
    assert_eq!(ids(&last), [family.last]);
    family.ends(&last[0], succeeded()).await;
    assert_eq!(family.states().await, [State::Succeeded; 4]);
    assert_eq!(family.scene.db.number("select count(*) from edge").await, 0);
}

#[tokio::test]
async fn members_that_end_in_one_settle_count_one_by_one() {
    let family = Family::new(OnFailure::Hold).await;
    let (first, second) = family.pair().await;
    let ends = [first.ends(succeeded()), second.ends(succeeded())];
    family.scene.settle(&ends).await;
    family.scene.db.assert_whole().await;
    assert_eq!(ids(&family.scene.claim(10).await), [family.both]);
}

#[tokio::test]
async fn those_after_a_dead_member_wait_and_go_on_when_it_is_redriven() {
    let family = Family::new(OnFailure::Hold).await;
    let (first, second) = family.pair().await;
    family.ends(&first, dead()).await;
    family.ends(&second, succeeded()).await;
    family.sweep().await;
    assert!(family.scene.claim(10).await.is_empty());
    family.change(Change::Retry, &[family.first]).await;
    let again = family.scene.claim(10).await;
    assert_eq!(ids(&again), [family.first]);
    family.ends(&again[0], succeeded()).await;
    assert_eq!(ids(&family.scene.claim(10).await), [family.both]);
}

#[tokio::test]
async fn those_after_a_member_that_is_given_up_are_cancelled() {
    let family = Family::new(OnFailure::Hold).await;
    let (first, second) = family.pair().await;
    family.ends(&first, dead()).await;
    family.change(Change::Discard, &[family.first]).await;
    family.sweep().await;
    family.ends(&second, succeeded()).await;
    let (given_up, gone) = (State::Discarded, State::Cancelled);
    assert_eq!(
        family.states().await,
        [given_up, State::Succeeded, gone, gone]
    );
}

#[tokio::test]
async fn a_failure_stops_the_whole_batch_where_it_says_so() {
    let family = Family::new(OnFailure::Stop).await;
    let (first, second) = family.pair().await;
    family.ends(&first, dead()).await;
    family.sweep().await;
    let (gone, running) = (State::Cancelled, State::Running);
    assert_eq!(family.states().await, [State::Dead, running, gone, gone]);
    let asked = "select count(*) from cancel_request";
    assert_eq!(family.scene.db.number(asked).await, 1, "the one that runs");
    family.ends(&second, End::Cancelled).await;
    assert_eq!(family.scene.db.number(asked).await, 0);
}

#[tokio::test]
async fn those_after_a_failure_run_all_the_same_where_the_batch_says_so() {
    let family = Family::new(OnFailure::Proceed).await;
    let (first, second) = family.pair().await;
    family.ends(&first, dead()).await;
    family.change(Change::Cancel, &[family.second]).await;
    family.ends(&second, End::Cancelled).await;
    let both = family.scene.claim(10).await;
    assert_eq!(ids(&both), [family.both]);
    // A redriven member that ends again counts once.
    family.change(Change::Retry, &[family.first]).await;
    let again = family.scene.claim(10).await;
    family.ends(&again[0], succeeded()).await;
    assert!(family.scene.claim(10).await.is_empty());
    family.ends(&both[0], succeeded()).await;
    assert_eq!(ids(&family.scene.claim(10).await), [family.last]);
}

#[tokio::test]
async fn who_cancels_a_parent_cancels_every_member_that_has_not_ended() {
    let family = Family::new(OnFailure::Hold).await;
    let (first, second) = family.pair().await;
    family.ends(&second, succeeded()).await;
    let changed = family.change(Change::Cancel, &[family.parent]).await;
    assert_eq!(changed.asked, [family.first]);
    assert_eq!(changed.done.len(), 2);
    family.ends(&first, End::Cancelled).await;
    let (done, gone) = (State::Succeeded, State::Cancelled);
    assert_eq!(family.states().await, [gone, done, gone, gone]);
    assert_eq!(
        family
            .scene
            .db
            .number("select count(*) from cancel_request")
            .await,
        0
    );
}

#[tokio::test]
async fn a_parent_that_was_done_before_it_heard_passes_the_request_on() {
    let scene = Scene::new().await;
    let parent = scene.running().await;
    let whom = [parent.job.id];
    assert_eq!(scene.change(Change::Cancel, &whom).await.asked, whom);
    let child = NewJob {
        id: parent.job.id.derive("member:0"),
        parent: Some(parent.job.id),
        ..scene.job()
    };
    let end = End::Succeeded(Success {
        then: vec![child.clone()],
        ..Success::default()
    });
    scene.settle(&[parent.ends(end)]).await;
    scene.upkeep.sweep(HOUR).await.unwrap();
    assert_eq!(scene.state(parent.job.id).await.0, State::Succeeded);
    assert_eq!(scene.state(child.id).await.0, State::Cancelled);
    let left = "select count(*) from cancel_request";
    assert_eq!(
        scene.db.number(left).await,
        0,
        "who is over needs no request"
    );
}

#[tokio::test]
async fn a_member_with_a_gate_enters_it_when_nothing_must_end_before_it() {
    let scene = Scene::new().await;
    let parent = scene.running().await;
    let parent_id = parent.job.id;
    let key = format!("{}:one", scene.tenant.as_uuid().simple());
    let gate = Entrance {
        key: key.into(),
        max: 1,
        holds_dead: false,
    };
    let member = |place: usize, after: Vec<JobId>, gate: Option<Entrance>| NewJob {
        id: parent_id.derive(&format!("member:{place}")),
        parent: Some(parent_id),
        ties: Ties {
            batch: Some(parent_id),
            gate,
            after,
            ..Ties::default()
        },
        ..scene.job()
    };
    let free = member(0, vec![], None);
    let (head, tail) = (
        member(1, vec![free.id], Some(gate.clone())),
        member(2, vec![], Some(gate)),
    );
    let end = End::Succeeded(Success {
        then: vec![free.clone(), head.clone(), tail.clone()],
        batch: Some(OnFailure::Hold),
        ..Success::default()
    });
    scene.settle(&[parent.ends(end)]).await;
    scene.db.assert_whole().await;
    let held = scene.claim(10).await;
    assert_eq!(held.len(), 2);
    let of = |id| held.iter().find(|held| held.job.id == id).unwrap();
    scene.settle(&[of(free.id).ends(succeeded())]).await;
    scene.db.assert_whole().await;
    assert!(scene.claim(10).await.is_empty(), "the gate is taken");
    scene.settle(&[of(tail.id).ends(succeeded())]).await;
    assert_eq!(ids(&scene.claim(10).await), [head.id]);
    scene.db.assert_whole().await;
}

#[tokio::test]
async fn the_members_of_a_batch_can_be_listed() {
    let family = Family::new(OnFailure::Hold).await;
    let filter = JobFilter {
        batch: Some(family.parent),
        limit: 10,
        ..JobFilter::default()
    };
    let listed = family.scene.operator.list(&filter).await.unwrap();
    assert_eq!(listed.len(), 4);
    assert!(listed.iter().all(|job| job.batch == Some(family.parent)));
    let last = listed.iter().find(|job| job.id == family.last).unwrap();
    assert_eq!(last.reason.as_deref(), Some("batch: 3 must end before it"));
}

#[tokio::test]
async fn a_cancel_that_comes_after_the_split_reaches_the_members_all_the_same() {
    let family = Family::new(OnFailure::Hold).await;
    // As one that was written after the settle had looked for it, and before it committed.
    let late = format!(
        "insert into cancel_request (job_id, tenant_id) values ('{}', '{}')",
        family.parent.as_uuid(),
        family.scene.tenant.as_uuid(),
    );
    family.scene.db.run(&late).await;
    family.sweep().await;
    assert_eq!(family.states().await, [State::Cancelled; 4]);
    let left = "select count(*) from cancel_request";
    assert_eq!(family.scene.db.number(left).await, 0);
}

#[tokio::test]
async fn a_cancel_reaches_batches_of_any_size_past_those_that_have_ended() {
    let scene = Scene::new().await;
    let parent = scene.running().await;
    let end = End::Succeeded(Success {
        batch: Some(OnFailure::Proceed),
        ..Success::default()
    });
    scene.settle(&[parent.ends(end)]).await;
    // 21,000 members, the first 10,500 of which have ended.
    let members = format!(
        "with m as (
             insert into job (id, tenant_id, lane, kind, schema, priority, payload, max_attempts,
                              batch_id)
             select (left('{parent}', 24) || lpad(to_hex(n), 12, '0'))::uuid, '{tenant}', 'io',
                    'test.step', 1, 5, '{{}}', 3, '{parent}'
               from generate_series(1, 21000) n
             returning id, tenant_id),
         n as (select id, tenant_id, row_number() over (order by id) as place from m),
         done as (
             insert into outcome (id, tenant_id, state, attempts)
             select id, tenant_id, 'succeeded', 1 from n where place <= 10500)
         insert into ready (id, lane, priority, fair_key, kind, schema, tenant_id, attempts)
         select id, 'io', 5, 0, 'test.step', 1, tenant_id, 0 from n where place > 10500",
        parent = parent.job.id.as_uuid(),
        tenant = scene.tenant.as_uuid(),
    );
    scene.db.run(&members).await;
    scene.change(Change::Cancel, &[parent.job.id]).await;
    while scene.upkeep.sweep(HOUR).await.unwrap().cancelled > 0 {}
    let left = "select (select count(*) from ready) + (select count(*) from cancel_request)";
    assert_eq!(scene.db.number(left).await, 0);
}
