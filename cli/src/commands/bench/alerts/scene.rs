//! Whose rules fire: tenants, endpoints and rules; and whoever observes what they watch.

use std::sync::Arc;
use std::time::{Duration, Instant};

use packtrain_core::ids::{EndpointId, IdSource, JobId, RuleId, TenantId, WorkerId};
use packtrain_core::job::{About, FollowUp, Lane, NewJob};
use packtrain_core::ports::{
    Claims, Doors, End, Endpoints, Floors, Hint, JobQueue, NewEndpoint, Point, Rules, Settlement,
    Success, Wanted, Write,
};
use packtrain_core::secret::Secret;
use packtrain_jobs::alerts::evaluate::Evaluate;
use packtrain_jobs::alerts::rules::{Rule, stored};
use packtrain_jobs::ops::canary::Canary;
use packtrain_notify::Entry;
use packtrain_store::{Keyring, PgClaims, PgEndpoints, PgRules, SEAL_KEY_BYTES};
use serde_json::json;

use super::sinks::Sinks;
use crate::commands::bench::canary;
use crate::commands::bench::ground::Ground;
use crate::failure::{FAILED, Failure};

/// Of so many endpoints one fails at first: 5 of 100.
const FAILING_ONE_IN: usize = 20;
/// Of so many endpoints one is a mailbox.
const MAIL_ONE_IN: usize = 5;
/// The value that rules compare with: they fire above it.
const LEVEL: u32 = 1_000_000;
/// How long it may take until everybody was told for the first time.
const BEGUN_WITHIN: Duration = Duration::from_secs(60);

/// The key under which endpoints are sealed, of scene and worker alike.
pub(super) const KEY: [u8; SEAL_KEY_BYTES] = [7; SEAL_KEY_BYTES];

/// Somebody who may be told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told {
    tenant: TenantId,
    endpoint: EndpointId,
}

/// Makes what is needed, and observes.
pub(super) struct Scene<'g> {
    pub(super) ground: &'g Ground,
    pub(super) sinks: Sinks,
    rules: PgRules,
    endpoints: PgEndpoints,
    claims: PgClaims,
    worker: WorkerId,
    wanted: [Wanted; 1],
}

/// Something that was observed.
pub(super) struct Observed {
    /// The evaluation that it causes.
    pub(super) evaluation: JobId,
    /// When its end began to be written, and when it was durable.
    pub(super) began: Instant,
    pub(super) durable: Instant,
}

impl<'g> Scene<'g> {
    pub(super) async fn open(ground: &'g Ground) -> Result<Self, Failure> {
        let pools = &ground.parts.pools;
        let ids = Arc::clone(&ground.parts.ids);
        let about = About::of::<Canary>();
        let keys = Keyring::new(&[Secret::new(KEY)]);
        Ok(Self {
            ground,
            sinks: Sinks::start().await?,
            rules: PgRules::new(pools.app.clone()),
            endpoints: PgEndpoints::new(pools.app.clone(), Arc::new(keys)),
            worker: (&*ids as &dyn IdSource).worker(),
            claims: PgClaims::new(pools, ids),
            wanted: [Wanted {
                kind: about.kind,
                schema_max: about.schema,
                long: false,
            }],
        })
    }

    /// New tenants.
    pub(super) async fn tenants(&self, count: usize) -> Result<Vec<TenantId>, Failure> {
        let mut tenants = Vec::with_capacity(count);
        for number in 0..count {
            tenants.push(self.ground.tenant(&format!("tenant {number}")).await?);
        }
        Ok(tenants)
    }

    /// An endpoint of each tenant, at which webhooks are taken at once.
    pub(super) async fn hooks(&self, tenants: &[TenantId]) -> Result<Vec<Told>, Failure> {
        let mut all = Vec::with_capacity(tenants.len());
        for (number, tenant) in tenants.iter().enumerate() {
            let address = self.sinks.hook(number, false);
            all.push(self.endpoint(*tenant, "webhook", address).await?);
        }
        Ok(all)
    }

    /// So many endpoints, four of five webhooks and the others mailboxes; one in twenty of them
    /// refuses every message once.
    pub(super) async fn mixed(
        &self,
        tenants: &[TenantId],
        count: usize,
    ) -> Result<Vec<Told>, Failure> {
        let mut all = Vec::with_capacity(count);
        for number in 0..count {
            let tenant = tenants[number % tenants.len()];
            // In each twenty another one, so that mailboxes are among them.
            let failing = number / FAILING_ONE_IN % FAILING_ONE_IN;
            let fails = number % FAILING_ONE_IN == failing;
            let is_mail = cfg!(feature = "email") && number % MAIL_ONE_IN == 0;
            all.push(match is_mail {
                true => {
                    self.endpoint(tenant, "email", Sinks::mailbox(number, fails))
                        .await?
                }
                false => {
                    self.endpoint(tenant, "webhook", self.sinks.hook(number, fails))
                        .await?
                }
            });
        }
        Ok(all)
    }

    async fn endpoint(
        &self,
        tenant: TenantId,
        channel: &str,
        address: String,
    ) -> Result<Told, Failure> {
        let ids = &*self.ground.parts.ids;
        let secret = Entry::default().new_secret(std::array::from_fn(|_| ids.random()));
        let endpoint = NewEndpoint {
            id: EndpointId::from_uuid(ids.uuid()),
            name: "bench".to_owned(),
            channel: channel.to_owned(),
            address: Secret::new(address),
            secrets: vec![secret],
            needs_proof: false,
            digest: None,
        };
        let made = self.endpoints.create(tenant, &endpoint, None).await;
        made.map_err(|error| Failure::new(FAILED, format!("an endpoint: {error}")))?;
        Ok(Told {
            tenant,
            endpoint: endpoint.id,
        })
    }

    /// A rule that watches this metric, and tells this endpoint.
    pub(super) async fn rule(
        &self,
        number: usize,
        metric: &str,
        told: Told,
    ) -> Result<(), Failure> {
        let rule = json!({
            "name": format!("rule {number}"),
            "when": { "metric": metric, "op": ">", "value": LEVEL.to_string() },
        });
        let failed = |error: String| Failure::new(FAILED, format!("a rule: {error}"));
        let rule: Rule = serde_json::from_value(rule).map_err(|error| failed(error.to_string()))?;
        let parts = &self.ground.parts;
        let id = RuleId::from_uuid(parts.ids.uuid());
        let new = stored(id, &rule, vec![told.endpoint], None, parts.clock.now());
        let new = new.map_err(|errors| failed(format!("{errors:?}")))?;
        let made = self.rules.create(told.tenant, &new, None).await;
        made.map(drop).map_err(|error| failed(error.to_string()))
    }

    /// Observes these metrics as a job of the product does, which its end writes: above the level
    /// of their rules, or not.
    pub(super) async fn observe(
        &self,
        metrics: &[String],
        number: u32,
        is_above: bool,
    ) -> Result<Observed, Failure> {
        let parts = &self.ground.parts;
        let ids = &*parts.ids;
        let job = canary(ids, TenantId::SYSTEM, 0);
        self.ground.jobs.enqueue(TenantId::SYSTEM, &[job]).await?;
        let (lane, mut floors) = (Lane::Ops, Floors::default());
        let leases = self
            .claims
            .claim(self.worker, lane, &self.wanted, 1, &mut floors)
            .await?;
        let taken = leases.into_iter().find_map(|lease| {
            let (bit, job) = lease.jobs.into_iter().next()?;
            Some((lease.lease, bit, job))
        });
        let (lease, bit, job) =
            taken.ok_or_else(|| Failure::new(FAILED, "what observes was not claimed"))?;
        let value = if is_above { LEVEL + number } else { number };
        let at = parts.clock.now();
        let points = metrics.iter().map(|metric| Point {
            metric: metric.clone(),
            at,
            value: value.to_string(),
        });
        let end = End::Succeeded(Success {
            then: vec![evaluation(job.id)?],
            writes: vec![Write::Observed(points.collect())],
            ..Success::default()
        });
        let settlement = Settlement {
            lease,
            bit,
            job: job.id,
            attempt: 1,
            bound: job.bound,
            end,
        };
        let began = Instant::now();
        let settled = self.claims.settle(&[settlement]).await?;
        let durable = Instant::now();
        for lane in settled.woken {
            parts.hints.send(Hint { lane, about: None });
        }
        Ok(Observed {
            evaluation: job.id.derive(EVALUATION),
            began,
            durable,
        })
    }

    /// Observes metrics for the first time: all their rules have begun, and none fires.
    pub(super) async fn begin(&self, metrics: &[String]) -> Result<(), Failure> {
        let begun = self.observe(metrics, 0, false).await?;
        let there = async {
            while !self.ground.gauge.has_ended(begun.evaluation).await? {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Ok(())
        };
        let there = tokio::time::timeout(BEGUN_WITHIN, there).await;
        there.unwrap_or_else(|_| Err(Failure::new(FAILED, "rules were not evaluated")))
    }
}

/// The role of the evaluation among what follows from an observation.
const EVALUATION: &str = "then:0";

/// The evaluation of what a job observed, as its worker would have it follow.
fn evaluation(tick: JobId) -> Result<NewJob, Failure> {
    let follow = FollowUp::of(Evaluate::of(tick));
    let payload = follow.payload;
    let payload =
        payload.map_err(|error| Failure::new(FAILED, format!("an evaluation: {error}")))?;
    let group = follow.group.as_deref();
    let id = tick.derive(EVALUATION);
    Ok(NewJob {
        parent: Some(tick),
        ..follow.about.grouped(id, TenantId::SYSTEM, payload, group)
    })
}
