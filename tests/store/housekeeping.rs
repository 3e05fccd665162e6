//! Pruning: what is past its time goes, and nothing that is in play.

use std::time::Duration;

use chrono::TimeDelta;
use packtrain_core::ids::JobId;
use packtrain_core::job::State;
use packtrain_core::ports::{Housekeeping, JobQueue, Keyed, OperatorJobs, Pruned, Upkeep};
use packtrain_store::{PgHousekeeping, Retention};

use super::scene::{Scene, succeeded};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) struct House {
    pub(super) scene: Scene,
    keeping: PgHousekeeping,
}

impl House {
    /// Jobs are kept for thirty days, audit entries for sixty.
    pub(super) async fn new() -> Self {
        let scene = Scene::new().await;
        scene.upkeep.ensure_partitions().await.unwrap();
        let retention = Retention {
            jobs: 30 * DAY,
            audit: 60 * DAY,
            gas: 14 * DAY,
            alerts: 14 * DAY,
            series: 400 * DAY,
            rollups: 3_650 * DAY,
        };
        let keeping = PgHousekeeping::new(scene.db.pools().worker.clone(), retention);
        Self { scene, keeping }
    }

    pub(super) async fn prune(&self) -> Pruned {
        self.keeping.prune().await.unwrap()
    }

    /// A job that succeeded.
    async fn finished(&self) -> JobId {
        let held = self.scene.running().await;
        self.scene.settle(&[held.ends(succeeded())]).await;
        held.job.id
    }

    pub(super) async fn days_later(&self, days: i64) {
        self.scene.db.shift_clock(TimeDelta::days(days)).await;
    }
}

#[tokio::test]
async fn a_week_of_finished_jobs_goes_when_its_time_is_over() {
    let house = House::new().await;
    let job = house.finished().await;
    house.days_later(29).await;
    house.prune().await;
    assert!(house.scene.exists(job).await);
    house.days_later(30 + 8).await;
    assert!(house.prune().await.weeks > 0);
    assert!(!house.scene.exists(job).await);
    let left = "select count(*) from outcome";
    assert_eq!(house.scene.db.number(left).await, 0);
}

#[tokio::test]
async fn a_week_stays_as_long_as_one_of_its_jobs_is_in_play() {
    let house = House::new().await;
    let finished = house.finished().await;
    house.scene.queued(1).await;
    house.days_later(100).await;
    house.prune().await;
    assert!(house.scene.exists(finished).await, "one is ready");
    let held = house.scene.claim(1).await.remove(0);
    house.prune().await;
    assert!(house.scene.exists(finished).await, "one is under a lease");
    house.scene.settle(&[held.ends(succeeded())]).await;
    house.prune().await;
    assert!(!house.scene.exists(finished).await);
}

#[tokio::test]
async fn a_week_that_somebody_reads_is_left_for_the_next_time() {
    let house = House::new().await;
    let job = house.finished().await;
    house.days_later(100).await;
    let reader = house.scene.db.hold("select count(*) from job").await;
    assert_eq!(house.prune().await.weeks, 0);
    assert!(house.scene.exists(job).await);
    reader.rollback().await;
    house.prune().await;
    assert!(!house.scene.exists(job).await);
}

#[tokio::test]
async fn keys_workers_and_audit_entries_go_after_their_time_and_not_before() {
    let house = House::new().await;
    let scene = &house.scene;
    let job = scene.job();
    let keyed = Keyed {
        key: "k".to_owned(),
        body_sha256: [7; 32],
        expires_at: job_time() + TimeDelta::days(1),
    };
    scene.jobs.request(&job, &keyed).await.unwrap();
    scene
        .db
        .run(
            "insert into worker (id, name, version, lanes)
              values (gen_random_uuid(), 'gone', '1', '{io}')",
        )
        .await;
    scene
        .db
        .run(
            "insert into audit (id, tenant_id, actor, action, subject)
              select gen_random_uuid(), id, 'key', 'job.retry', 'job' from tenant limit 1",
        )
        .await;
    assert_eq!(house.prune().await, Pruned::default());
    house.days_later(2).await;
    let pruned = house.prune().await;
    assert_eq!(
        (
            pruned.idempotency_keys,
            pruned.workers,
            pruned.audit_entries
        ),
        (1, 1, 0)
    );
    house.days_later(61).await;
    assert_eq!(house.prune().await.audit_entries, 1);
}

fn job_time() -> chrono::DateTime<chrono::Utc> {
    use packtrain_core::time::{Clock, SystemClock};
    SystemClock.now()
}

#[tokio::test]
async fn a_request_to_cancel_a_job_that_is_over_goes() {
    let house = House::new().await;
    let over = house.finished().await;
    let open = house.scene.queued(1).await.remove(0);
    for job in [over, open] {
        let sql = format!(
            "insert into cancel_request (job_id, tenant_id)
             select id, tenant_id from job where id = '{}'",
            job.as_uuid()
        );
        house.scene.db.run(&sql).await;
    }
    assert_eq!(house.prune().await.cancel_requests, 1);
    let left = house
        .scene
        .db
        .texts("select job_id::text from cancel_request")
        .await;
    assert_eq!(left, [open.as_uuid().to_string()]);
}

#[tokio::test]
async fn the_job_of_a_report_that_is_kept_is_found_after_its_week_went() {
    let house = House::new().await;
    let (report, other) = (house.finished().await, house.finished().await);
    let sql = format!(
        "insert into report (id, tenant_id, summary, finished_at)
         select id, tenant_id, '{{}}', now_utc() from job where id = '{}'",
        report.as_uuid()
    );
    house.scene.db.run(&sql).await;
    house.days_later(100).await;
    house.prune().await;
    assert!(!house.scene.exists(other).await);
    let kept = house.scene.operator.find(report).await.unwrap().unwrap();
    assert_eq!((kept.state, kept.attempts), (State::Succeeded, 1));
    // And what comes into the default partition does not stop the making of weeks.
    house.scene.upkeep.ensure_partitions().await.unwrap();
}

#[tokio::test]
async fn blocks_go_after_their_time_and_not_before() {
    let house = House::new().await;
    let block = "insert into gas_block (chain_id, number, hash, parent, at, base_fee_wei,
                        next_base_fee_wei, is_formula_exact, gas_used, gas_limit)
                 values (1, 7, sha256('a'), sha256('b'), now_utc(), 1, 1, true, 0, 1)";
    house.scene.db.run(block).await;
    house.days_later(13).await;
    assert_eq!(house.prune().await.gas_blocks, 0);
    house.days_later(15).await;
    assert_eq!(house.prune().await.gas_blocks, 1);
}

#[tokio::test]
async fn events_of_wallets_go_after_their_time_unless_they_are_pending() {
    let house = House::new().await;
    let event = |place: u8, state: &str| {
        format!(
            "insert into chain_event (chain_id, block_hash, transaction, log_index, number, at,
                                      kind, token, sender, receiver, amount, state)
             values (1, sha256('a'), sha256('b'), {place}, 7, now_utc(), 'transfer',
                     substr(sha256('c'), 1, 20), substr(sha256('d'), 1, 20),
                     substr(sha256('e'), 1, 20), 1, '{state}')"
        )
    };
    for (place, state) in [(0, "confirmed"), (1, "retracted"), (2, "pending")] {
        house.scene.db.run(&event(place, state)).await;
    }
    let undone = "insert into metric_undone (metric, at, tick)
                  values ('m', now_utc(), gen_random_uuid())";
    house.scene.db.run(undone).await;
    house.days_later(13).await;
    assert_eq!(house.prune().await.chain_events, 0);
    house.days_later(15).await;
    assert_eq!(house.prune().await.chain_events, 2);
    let left = "select (select count(*) from chain_event) * 10
                     + (select count(*) from metric_undone)";
    assert_eq!(house.scene.db.number(left).await, 10);
}

#[tokio::test]
async fn figures_of_gas_go_after_a_year_and_a_month_and_not_before() {
    let house = House::new().await;
    for row in [
        "gas_bucket (chain_id, at, blocks, base_fee_min_wei, base_fee_p10_wei, base_fee_p50_wei,
                     base_fee_p90_wei, base_fee_max_wei)
         values (1, now_utc(), 1, 1, 1, 1, 1, 1)",
        "gas_forecast (chain_id, origin, horizon_hours, target_at, last_wei, p10_wei, p50_wei,
                       p90_wei, naive_p10_wei, naive_p90_wei, last_percent, samples)
         values (1, now_utc(), 1, now_utc(), 1, 1, 1, 1, 1, 1, 100, 48)",
        "gas_score (chain_id, origin, horizon_hours, actual_wei, error_ppm, naive_error_ppm,
                    loss_ppm, naive_loss_ppm, is_covered, is_naive_covered)
         values (1, now_utc(), 1, 1, 0, 0, 0, 0, true, true)",
    ] {
        house.scene.db.run(&format!("insert into {row}")).await;
    }
    house.days_later(399).await;
    assert_eq!(house.prune().await.gas_figures, 0);
    house.days_later(401).await;
    assert_eq!(house.prune().await.gas_figures, 3);
}
