//! An API that is killed around the commit of a request, which the client then repeats.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use packtrain_core::ids::TenantId;
use packtrain_tests::free_address;

use crate::client::{Connection, canary};
use crate::counts::{Counts, repeat, turn};
use crate::oracle::EFFECTS;
use crate::process::Process;
use crate::stage::{LOOK_EVERY, Stage};

/// The longest that all canaries may take to end.
const ENDED_WITHIN: Duration = Duration::from_secs(5 * 60);

/// Starts an API and waits until it answers.
pub(crate) async fn api(stage: &Stage, points: &str) -> (Process, SocketAddr) {
    let address = free_address();
    let words = ["api", "--listen", &address.to_string()];
    let process = Process::start(&mut stage.command(&words, points));
    stage
        .until("the API listens", async || {
            Connection::open(address).await.is_ok()
        })
        .await;
    (process, address)
}

async fn killed_at(name: &str, points: &str) {
    let _turn = turn().await;
    let stage = Stage::new().await;
    let api_key = stage.operator_key().await;
    let _worker = stage.worker("ops", "").await;
    let (_other, well) = api(&stage, "").await;
    repeat(name, async |round| {
        let (mut victim, address) = api(&stage, points).await;
        let canaries = Canaries::new(&stage, format!("{name}-{round}"), 1).await;
        let request = canaries.request(&api_key, 0);
        let mut connection = Connection::open(address).await.unwrap();
        connection.send(&request).await.unwrap_err();
        victim.ended().await;
        let mut connection = Connection::open(well).await.unwrap();
        for _ in 0..2 {
            assert_eq!(connection.send(&request).await.unwrap(), 202);
        }
        canaries.judge(&stage).await
    })
    .await;
}

/// Canaries that are asked for under keys: `prefix-0` and so on.
#[derive(Clone)]
pub(crate) struct Canaries {
    pub(crate) count: u64,
    prefix: String,
    tenant: TenantId,
    /// Jobs of the tenant that no key names, before these were asked for.
    strangers: u64,
}

impl Canaries {
    /// So many, none of which was asked for yet.
    pub(crate) async fn new(stage: &Stage, prefix: String, count: u64) -> Self {
        Self {
            count,
            prefix,
            tenant: stage.tenant,
            strangers: strangers(stage).await,
        }
    }

    /// The request for one of them.
    pub(crate) fn request(&self, api_key: &str, at: u64) -> String {
        canary(api_key, self.tenant, &format!("{}-{at}", self.prefix))
    }

    /// What became of them: every key has one job, which succeeded once and left one effect, and
    /// the tenant has no job that no key names.
    pub(crate) async fn judge(&self, stage: &Stage) -> Counts {
        all_ended(stage).await;
        let Self {
            count,
            prefix,
            tenant,
            strangers: before,
        } = self;
        let tenant = tenant.as_uuid();
        let number = async |what: &str| {
            // The API keeps an operator's keys apart by this word.
            let sql = format!(
                "with canary as (
                     select o.attempts, o.state = 'succeeded' as succeeded,
                            coalesce(e.effects, 0) as effects
                       from generate_series(0, {count} - 1) as n
                       left join idempotency i
                         on i.tenant_id = '{tenant}' and i.kind = 'ops.canary'
                        and i.key = 'operator {prefix}-' || n
                       left join job j on j.id = i.job_id
                       left join outcome o on o.id = j.id
                       left join {EFFECTS} on e.job_id = j.id)
                 select coalesce({what}, 0)::bigint from canary"
            );
            stage.db.number(&sql).await.unsigned_abs()
        };
        let whole = "coalesce(succeeded, false) and effects > 0";
        let doubled = number("sum(greatest(0, effects - 1))").await;
        stage.db.assert_whole().await;
        Counts {
            jobs: *count,
            lost: number(&format!("count(*) filter (where not ({whole}))")).await,
            doubled: doubled + strangers(stage).await.saturating_sub(*before),
            above: number("sum(greatest(0, attempts - 1))").await,
            ..Counts::default()
        }
    }
}

/// Jobs of the stage's tenant that no key names.
async fn strangers(stage: &Stage) -> u64 {
    let sql = format!(
        "select count(*) from job j
          where j.tenant_id = '{}'
            and not exists (select from idempotency i where i.job_id = j.id)",
        stage.tenant.as_uuid()
    );
    stage.db.number(&sql).await.unsigned_abs()
}

/// Waits until every job of the stage's tenant has ended, or until it has taken too long.
async fn all_ended(stage: &Stage) {
    let sql = format!(
        "select count(*) from (
             select from job j
              where j.tenant_id = '{}'
                and not exists (select from outcome o where o.id = j.id)
                and not exists (select from dead d where d.id = j.id)
              limit 1) one",
        stage.tenant.as_uuid()
    );
    let began = Instant::now();
    while began.elapsed() < ENDED_WITHIN && stage.db.number(&sql).await > 0 {
        tokio::time::sleep(LOOK_EVERY * 10).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn api_killed_before_it_commits() {
    let points = "before commit to enqueue a job=return(kill)";
    killed_at("api_killed_before_it_commits", points).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn api_killed_after_it_committed() {
    let points = "after commit to enqueue a job=return(kill)";
    killed_at("api_killed_after_it_committed", points).await;
}
