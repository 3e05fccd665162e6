//! Schedules: seeded from the catalogue, and each of their times run once, whoever decides.

use chrono::{DateTime, TimeDelta, Utc};
use packtrain_core::ids::{ScheduleId, TenantId};
use packtrain_core::job::{Kind, NewJob};
use packtrain_core::ports::{Decision, Schedules};
use packtrain_core::schedule::{Every, Missed, Overlap, Planned, ScheduleRecord};
use packtrain_store::PgSchedules;

use super::scene::Scene;

const TICKING: Kind = Kind::new("test.ticking");

fn plan(cron: &'static str) -> Planned {
    Planned::of(TICKING, Every::cron(cron).missed(Missed::Latest))
}

struct Table {
    scene: Scene,
    schedules: PgSchedules,
}

impl Table {
    /// One schedule, every five minutes.
    async fn new() -> Self {
        let scene = Scene::new().await;
        let schedules = PgSchedules::new(scene.db.pools().worker.clone());
        schedules.seed(&[plan("*/5 * * * *")]).await.unwrap();
        Self { scene, schedules }
    }

    async fn only(&self) -> ScheduleRecord {
        let mut table = self.schedules.timetable().await.unwrap();
        assert_eq!(table.schedules.len(), 1);
        table.schedules.remove(0)
    }

    /// The decision to run one time, a minute after what was decided before.
    fn decision(&self, seen: &ScheduleRecord) -> Decision {
        let at = seen.decided_until + TimeDelta::minutes(1);
        Decision {
            schedule: seen.id,
            version: seen.version,
            seen: seen.decided_until,
            until: at,
            runs: vec![(at, self.job(seen.id, at))],
            overlap: seen.overlap,
        }
    }

    fn job(&self, schedule: ScheduleId, at: DateTime<Utc>) -> NewJob {
        NewJob {
            id: schedule.job_at(at),
            tenant: TenantId::SYSTEM,
            schedule: Some(schedule),
            ..self.scene.job()
        }
    }

    async fn jobs(&self) -> i64 {
        let sql = "select count(*) from job join ready using (id) where schedule_id is not null";
        self.scene.db.number(sql).await
    }
}

#[tokio::test]
async fn a_schedule_is_seeded_once_and_follows_the_catalogue() {
    let table = Table::new().await;
    let seeded = table.only().await;
    assert_eq!(
        (seeded.kind.as_str(), seeded.missed),
        ("test.ticking", Missed::Latest)
    );
    assert!(seeded.is_enabled && seeded.edited_at.is_none());
    table.schedules.seed(&[plan("*/5 * * * *")]).await.unwrap();
    assert_eq!(table.only().await, seeded, "the same plan changes nothing");
    table.schedules.seed(&[plan("0 * * * *")]).await.unwrap();
    let changed = table.only().await;
    assert_eq!((changed.cron.as_str(), changed.version), ("0 * * * *", 2));
    assert!(changed.decided_until >= seeded.decided_until);
}

#[tokio::test]
async fn a_schedule_that_a_person_edited_no_longer_follows_the_catalogue() {
    let table = Table::new().await;
    let edit = "update schedule set cron = '1 1 * * *', edited_at = now_utc()";
    assert_eq!(table.scene.db.run(edit).await, 1);
    table.schedules.seed(&[plan("0 * * * *")]).await.unwrap();
    assert_eq!(table.only().await.cron, "1 1 * * *");
}

#[tokio::test]
async fn a_schedule_keeps_its_jitter_and_whether_its_jobs_may_overlap() {
    let table = Table::new().await;
    let seeded = table.only().await;
    assert_eq!((seeded.jitter_s, seeded.overlap), (0, Overlap::Allow));
    let every = Every::cron("*/5 * * * *").missed(Missed::Latest);
    let every = every.spread_over(90).one_at_a_time();
    table
        .schedules
        .seed(&[Planned::of(TICKING, every)])
        .await
        .unwrap();
    let changed = table.only().await;
    assert_eq!((changed.jitter_s, changed.overlap), (90, Overlap::Skip));
    assert_eq!(changed.version, seeded.version + 1);
}

#[tokio::test]
async fn a_time_is_let_go_while_the_job_of_the_one_before_has_not_ended() {
    let table = Table::new().await;
    let one_at_a_time = Every::cron("*/5 * * * *").one_at_a_time();
    table
        .schedules
        .seed(&[Planned::of(TICKING, one_at_a_time)])
        .await
        .unwrap();
    let next = async || {
        let decision = table.decision(&table.only().await);
        let id = decision.runs[0].1.id;
        (
            table.schedules.decide(&decision).await.unwrap(),
            id.as_uuid(),
        )
    };
    let (made, first) = next().await;
    assert_eq!(made, Some(1));
    let time = table.only().await.decided_until;
    assert_eq!(next().await.0, Some(0), "it waits");
    assert!(
        table.only().await.decided_until > time,
        "the time is decided all the same"
    );
    let end = format!(
        "with gone as (delete from ready where id = '{first}' returning id, tenant_id)
         insert into outcome (id, tenant_id, state, attempts, started_at, finished_at)
         select id, tenant_id, 'succeeded', 1, now_utc(), now_utc() from gone"
    );
    assert_eq!(table.scene.db.run(&end).await, 1);
    // Of several times at once the last one runs.
    let seen = table.only().await;
    let mut decision = table.decision(&seen);
    let later = decision.until + TimeDelta::minutes(1);
    decision.runs.push((later, table.job(seen.id, later)));
    decision.until = later;
    assert_eq!(table.schedules.decide(&decision).await.unwrap(), Some(1));
    let last = "select job_id::text from schedule_tick order by tick_at desc";
    let last = &table.scene.db.texts(last).await[0];
    assert_eq!(*last, seen.id.job_at(later).as_uuid().to_string());
}

#[tokio::test]
async fn of_many_schedulers_that_decide_one_time_one_wins() {
    let table = Table::new().await;
    let decision = table.decision(&table.only().await);
    let deciding = (0..8).map(|_| table.schedules.decide(&decision));
    let decided = futures::future::join_all(deciding).await;
    let won: Vec<_> = decided.into_iter().filter_map(Result::unwrap).collect();
    assert_eq!(won, [1]);
    assert_eq!(table.jobs().await, 1);
    assert_eq!(table.only().await.decided_until, decision.until);
}

#[tokio::test]
async fn a_time_that_ran_does_not_run_again_even_when_the_schedule_is_set_back() {
    let table = Table::new().await;
    let seen = table.only().await;
    let decision = table.decision(&seen);
    assert_eq!(table.schedules.decide(&decision).await.unwrap(), Some(1));
    let back = format!(
        "update schedule set decided_until = '{}'",
        seen.decided_until
    );
    table.scene.db.run(&back).await;
    assert_eq!(table.schedules.decide(&decision).await.unwrap(), Some(0));
    assert_eq!(table.jobs().await, 1);
}

#[tokio::test]
async fn a_decision_on_a_schedule_that_was_edited_or_switched_off_meanwhile_writes_nothing() {
    let table = Table::new().await;
    let decision = table.decision(&table.only().await);
    for edit in [
        "version = version + 1",
        "version = version - 1, is_enabled = false",
    ] {
        let edit = format!("update schedule set {edit}");
        table.scene.db.run(&edit).await;
        assert_eq!(table.schedules.decide(&decision).await.unwrap(), None);
    }
    assert_eq!(table.jobs().await, 0);
    let ticks = "select count(*) from schedule_tick";
    assert_eq!(table.scene.db.number(ticks).await, 0);
}

#[tokio::test]
async fn a_job_that_cannot_be_written_leaves_its_time_undecided() {
    let table = Table::new().await;
    let mut decision = table.decision(&table.only().await);
    // Refused by the table: no job may have more attempts.
    decision.runs[0].1.attempts_max = 99;
    table.schedules.decide(&decision).await.unwrap_err();
    decision.runs[0].1.attempts_max = 1;
    assert_eq!(table.schedules.decide(&decision).await.unwrap(), Some(1));
}

#[tokio::test]
async fn the_timetable_tells_the_databases_time_even_without_schedules() {
    let scene = Scene::new().await;
    let schedules = PgSchedules::new(scene.db.pools().worker.clone());
    let before = schedules.timetable().await.unwrap();
    assert!(before.schedules.is_empty());
    scene.db.shift_clock(TimeDelta::days(3)).await;
    let after = schedules.timetable().await.unwrap();
    assert!(after.now - before.now >= TimeDelta::days(3));
}
