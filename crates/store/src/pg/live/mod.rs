//! Live streams as they are read. They are written by triggers on what happens
//! (`migrations/0026_live.sql`), but for the ends of jobs and what happens to wallets.

use std::collections::BTreeMap;

use async_trait::async_trait;
use packtrain_core::chain::Chain;
use packtrain_core::ids::{IncidentId, JobId, RuleId, TenantId};
use packtrain_core::job::State;
use packtrain_core::ports::{
    AlertStep, GasSnapshot, Happening, LiveEvent, LiveListener, LiveLog, LiveStream, Step,
    StoreError,
};
use sqlx::PgConnection;
use uuid::Uuid;

use super::bell::Hearing;
use crate::error::{number, refused, unreadable};
use crate::gate::TenantGate;
use crate::pg::gas::blocks::{self, BlockRow};
use crate::pg::jobs::events;
use crate::pool::Pool;
use crate::pools::Pools;

mod jobs;
mod portfolio;
pub(crate) mod prune;
mod tickets;

/// Where it is said in which streams something is new.
const CHANNEL: &str = "packtrain_live";
/// Streams whose last places one statement asks for.
const HEADS_READ: usize = 1_000;

/// Reads as `packtrain_app`, and the last places of all tenants' streams as `packtrain_operator`.
#[derive(Clone)]
pub struct PgLive {
    pools: Pools,
    gate: TenantGate,
}

impl PgLive {
    /// Works over these pools.
    pub fn new(pools: Pools) -> Self {
        let gate = TenantGate::new(pools.app.clone());
        Self { pools, gate }
    }

    async fn gas_heads(&self, chains: &[i64]) -> Result<BTreeMap<i64, i64>, StoreError> {
        let rows = sqlx::query!(
            r#"
            select c.id as "id!", coalesce(s.seq, 0) as "seq!"
              from unnest($1::bigint[]) as c (id)
             cross join lateral (
                   select max(seq) as seq
                     from gas_snapshot
                    where chain_id = c.id) s
            "#,
            chains,
        )
        .fetch_all(&self.pools.app)
        .await
        .map_err(refused("to look for the last places of streams"))?;
        Ok(rows.into_iter().map(|row| (row.id, row.seq)).collect())
    }

    async fn job_head(&self, tenant: TenantId, job: JobId) -> Result<Option<i64>, StoreError> {
        let mut tx = self.gate.begin(tenant).await?;
        let Some(state) = state(&mut tx, job).await? else {
            return Ok(None);
        };
        let last = last_event(&mut tx, job).await?;
        Ok(Some(last + i64::from(state.is_final())))
    }

    async fn alerts_after(
        &self,
        tenant: TenantId,
        seq: i64,
        limit: u32,
    ) -> Result<Vec<LiveEvent>, StoreError> {
        let mut tx = self.gate.begin(tenant).await?;
        let rows = sqlx::query!(
            r#"
            select l.seq, s.rule_id, s.incident_id, i.name, i.severity, s.seq as place, s.step,
                   s.at, s.facts
              from live_alert l
              join incident_step s on s.rule_id = l.rule_id and s.seq = l.step
              join incident i on i.id = s.incident_id
             where l.tenant_id = $1
               and l.seq > $2
             order by l.seq
             limit $3
            "#,
            tenant.as_uuid(),
            seq,
            i64::from(limit),
        )
        .fetch_all(&mut *tx)
        .await
        .map_err(refused("to read what happened to rules"))?;
        let events = rows.into_iter().map(|row| {
            Ok(LiveEvent {
                seq: row.seq,
                what: Happening::Alert(AlertStep {
                    rule: RuleId::from_uuid(row.rule_id),
                    incident: IncidentId::from_uuid(row.incident_id),
                    name: row.name,
                    severity: row.severity,
                    step: Step {
                        seq: number("incident_step.seq", row.place)?,
                        what: row.step,
                        at: row.at,
                        facts: row.facts,
                    },
                }),
            })
        });
        events.collect()
    }

    async fn gas_after(
        &self,
        chain: Chain,
        seq: i64,
        limit: u32,
    ) -> Result<Vec<LiveEvent>, StoreError> {
        let rows = sqlx::query!(
            r#"
            select s.seq, s.at as seen_at, b.number, b.hash, b.parent, b.at,
                   b.base_fee_wei::text as "base_fee_wei!",
                   b.next_base_fee_wei::text as "next_base_fee_wei!", b.is_formula_exact,
                   b.gas_used, b.gas_limit, b.tips_wei::text[] as tips_wei,
                   b.blob_fee_wei::text as blob_fee_wei,
                   b.next_blob_fee_wei::text as next_blob_fee_wei
              from gas_snapshot s
              join gas_block b using (chain_id, number, hash)
             where s.chain_id = $1
               and s.seq > $2
             order by s.seq
             limit $3
            "#,
            blocks::id(chain),
            seq,
            i64::from(limit),
        )
        .fetch_all(&self.pools.app)
        .await
        .map_err(refused("to read looks at a chain"))?;
        let events = rows.into_iter().map(|row| {
            let block = BlockRow {
                number: row.number,
                hash: row.hash,
                parent: row.parent,
                at: row.at,
                base_fee_wei: row.base_fee_wei,
                next_base_fee_wei: row.next_base_fee_wei,
                is_formula_exact: row.is_formula_exact,
                gas_used: row.gas_used,
                gas_limit: row.gas_limit,
                tips_wei: row.tips_wei,
                blob_fee_wei: row.blob_fee_wei,
                next_blob_fee_wei: row.next_blob_fee_wei,
            };
            Ok(LiveEvent {
                seq: row.seq,
                what: Happening::Gas(GasSnapshot {
                    chain,
                    at: row.seen_at,
                    block: block.block()?,
                }),
            })
        });
        events.collect()
    }

    async fn job_after(
        &self,
        tenant: TenantId,
        job: JobId,
        seq: i64,
        limit: u32,
    ) -> Result<Vec<LiveEvent>, StoreError> {
        let mut tx = self.gate.begin(tenant).await?;
        // The state before the events: a job writes its events before it ends, so that its end is
        // never told before the last of them.
        let Some(state) = state(&mut tx, job).await? else {
            return Ok(Vec::new());
        };
        let rows = events::after(&mut tx, job, seq, limit).await?;
        let is_all = rows.len() < limit as usize;
        let rows = rows.into_iter().map(|event| LiveEvent {
            seq: event.seq,
            what: Happening::Job(event),
        });
        let mut events: Vec<LiveEvent> = rows.collect();
        // The end has the place after the last event: who is behind that has seen it.
        if is_all && state.is_final() {
            let last = last_event(&mut tx, job).await?;
            if last >= seq {
                events.push(LiveEvent {
                    seq: last + 1,
                    what: Happening::Done(state),
                });
            }
        }
        Ok(events)
    }
}

#[async_trait]
impl LiveLog for PgLive {
    async fn heads(&self, streams: &[LiveStream]) -> Result<Vec<(LiveStream, i64)>, StoreError> {
        let mut heads = Vec::with_capacity(streams.len());
        for some in streams.chunks(HEADS_READ) {
            let (mut alerts, mut wallets) = (Vec::new(), Vec::new());
            let (mut chains, mut jobs) = (Vec::new(), Vec::new());
            for stream in some {
                match stream {
                    LiveStream::Alerts(tenant) => alerts.push(tenant.as_uuid()),
                    LiveStream::Portfolio(tenant) => wallets.push(tenant.as_uuid()),
                    LiveStream::Gas(chain) => chains.push(blocks::id(*chain)),
                    LiveStream::Jobs(tenant) => jobs.push(tenant.as_uuid()),
                    LiveStream::Job(tenant, job) => {
                        let head = self.job_head(*tenant, *job).await?;
                        heads.extend(head.map(|head| (*stream, head)));
                    }
                }
            }
            let alerts = counted(&self.pools.operator, "alerts", &alerts).await?;
            let wallets = counted(&self.pools.operator, "portfolio", &wallets).await?;
            let (mut gases, mut ends) = (BTreeMap::new(), BTreeMap::new());
            if !chains.is_empty() {
                gases = self.gas_heads(&chains).await?;
            }
            if !jobs.is_empty() {
                ends = jobs::heads(&self.pools.operator, &jobs).await?;
            }
            heads.extend(some.iter().filter_map(|stream| {
                let head = match stream {
                    LiveStream::Alerts(tenant) => alerts.get(&tenant.as_uuid()),
                    LiveStream::Portfolio(tenant) => wallets.get(&tenant.as_uuid()),
                    LiveStream::Gas(chain) => gases.get(&blocks::id(*chain)),
                    LiveStream::Jobs(tenant) => ends.get(&tenant.as_uuid()),
                    LiveStream::Job(..) => return None,
                };
                Some((*stream, head.copied().unwrap_or(0)))
            }));
        }
        Ok(heads)
    }

    async fn after(
        &self,
        stream: LiveStream,
        seq: i64,
        limit: u32,
    ) -> Result<Vec<LiveEvent>, StoreError> {
        match stream {
            LiveStream::Alerts(tenant) => self.alerts_after(tenant, seq, limit).await,
            LiveStream::Gas(chain) => self.gas_after(chain, seq, limit).await,
            LiveStream::Job(tenant, job) => self.job_after(tenant, job, seq, limit).await,
            LiveStream::Jobs(tenant) => {
                let mut tx = self.gate.begin(tenant).await?;
                jobs::after(&mut tx, tenant, seq, limit).await
            }
            LiveStream::Portfolio(tenant) => {
                let mut tx = self.gate.begin(tenant).await?;
                portfolio::after(&mut tx, tenant, seq, limit).await
            }
        }
    }

    async fn listen(&self) -> Result<Box<dyn LiveListener>, StoreError> {
        Ok(Box::new(Hearing::open(&self.pools, CHANNEL).await?))
    }
}

#[async_trait]
impl LiveListener for Hearing {
    async fn next(&mut self) -> Result<LiveStream, StoreError> {
        loop {
            // A stream that only a newer version knows is no concern of this process.
            if let Some(stream) = heard(self.said().await?.payload()) {
                return Ok(stream);
            }
        }
    }

    async fn close(self: Box<Self>) {
        self.end().await;
    }
}

/// The last places of a stream of these tenants, as far as they have any.
async fn counted(
    operator: &Pool,
    stream: &str,
    tenants: &[Uuid],
) -> Result<BTreeMap<Uuid, i64>, StoreError> {
    if tenants.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = sqlx::query!(
        r#"
        select tenant_id, last
          from live_count
         where tenant_id = any($1)
           and stream = $2
        "#,
        tenants,
        stream,
    )
    .fetch_all(operator)
    .await
    .map_err(refused("to look for the last places of streams"))?;
    let places = rows.into_iter().map(|row| (row.tenant_id, row.last));
    Ok(places.collect())
}

/// The stream that a trigger named.
fn heard(payload: &str) -> Option<LiveStream> {
    let tenant = |text: &str| text.parse().ok().map(TenantId::from_uuid);
    match payload.split_once(':')? {
        ("alerts", text) => tenant(text).map(LiveStream::Alerts),
        ("portfolio", text) => tenant(text).map(LiveStream::Portfolio),
        ("gas", chain) => chain.parse().ok().map(LiveStream::Gas),
        _ => None,
    }
}

/// The state of a job of the transaction's tenant.
async fn state(connection: &mut PgConnection, job: JobId) -> Result<Option<State>, StoreError> {
    let word = sqlx::query_scalar!(
        r#"select state as "state!" from job_state where id = $1 limit 1"#,
        job.as_uuid(),
    )
    .fetch_optional(connection)
    .await
    .map_err(refused("to read a job's state"))?;
    let state = word.map(|word| word.parse().map_err(|_| unreadable("job.state", &word)));
    state.transpose()
}

/// The number of a job's last event; 0 for none.
async fn last_event(connection: &mut PgConnection, job: JobId) -> Result<i64, StoreError> {
    sqlx::query_scalar!(
        r#"select coalesce(max(seq), 0) as "last!" from job_event where job_id = $1"#,
        job.as_uuid(),
    )
    .fetch_one(connection)
    .await
    .map_err(refused("to look for a job's last event"))
}
