//! What rules are evaluated with, over all tenants, through the crossing index.

use async_trait::async_trait;
use packtrain_core::ids::{JobId, RuleId, TenantId};
use packtrain_core::ports::{Allowance, Move, Point, StoreError, Stretch, Undone, Watch, Watched};
use packtrain_core::time::Timestamp;

use super::row::WatchedRow;
use super::{points, undone};
use crate::error::{number, refused};
use crate::pool::Pool;

/// Points of one tick that are evaluated at once.
const POINTS_MAX: i64 = 100_000;

/// Looks for rules over the pool of `packtrain_worker`.
#[derive(Clone)]
pub struct PgWatch {
    pool: Pool,
    messages_a_day: Option<u32>,
}

impl PgWatch {
    /// Works over the pool of `packtrain_worker`.
    pub const fn new(worker: Pool) -> Self {
        Self {
            pool: worker,
            messages_a_day: None,
        }
    }

    /// The same, where tenants without a number of their own are told so many messages a day; none
    /// for as many as there are.
    #[must_use]
    pub fn telling(self, messages_a_day: Option<u32>) -> Self {
        Self {
            messages_a_day,
            ..self
        }
    }
}

#[async_trait]
impl Watch for PgWatch {
    async fn moved(&self, tick: JobId) -> Result<Vec<Move>, StoreError> {
        // With the points of evaluations that died. Of a metric that rules never saw what came
        // before is not news.
        let rows = sqlx::query!(
            r#"
            select p.key, p.at, p.value::text as "value!", m.value::text as before
              from (select t.key, max(t.at) as until
                      from metric_point t
                     where t.tick = $1
                     group by t.key) n
              left join metric m on m.key = n.key
              join metric_point p
                on p.key = n.key
               and p.at <= n.until
               and case when m.at is null then p.tick = $1 else p.at > m.at end
             order by p.at, p.key
             limit $2
            "#,
            tick.as_uuid(),
            POINTS_MAX,
        )
        .fetch_all(&self.pool)
        .await
        .map_err(refused("to read what moved"))?;
        let moves = rows.into_iter().map(|row| Move {
            point: Point {
                metric: row.key,
                at: row.at,
                value: row.value,
            },
            before: row.before,
        });
        Ok(moves.collect())
    }

    async fn crossed(
        &self,
        moves: &[Move],
        after: Option<RuleId>,
        limit: u32,
    ) -> Result<Vec<Watched>, StoreError> {
        let keys: Vec<String> = moves.iter().map(|it| it.point.metric.clone()).collect();
        let values: Vec<String> = moves.iter().map(|it| it.point.value.clone()).collect();
        let before: Vec<Option<String>> = moves.iter().map(|it| it.before.clone()).collect();
        // A metric that rules never saw has crossed every level. A point is at a level from it on,
        // so of the two ends of the way the lower one does not count.
        let rows = sqlx::query_as!(
            WatchedRow,
            r#"
            with moved as (
                select m.key, m.value::numeric as value, m.before::numeric as before
                  from unnest($1::text[], $2::text[], $3::text[]) as m (key, value, before)
            ), touched as (
                select l.rule_id
                  from moved m
                 cross join lateral (
                       select x.rule_id
                         from alert_level x
                        where x.metric = m.key
                          and x.level > least(m.value, m.before)
                          and x.level <= greatest(m.value, m.before)
                       ) l
                 where m.before is not null
                union
                select x.rule_id
                  from moved m
                  join alert_level x on x.metric = m.key
                 where m.before is null
                union
                select s.rule_id
                  from alert_state s
                  join alert_level x on x.rule_id = s.rule_id
                 where s.is_silent
                   and split_part(x.metric, '|', 1) = any($1)
            )
            select r.id, r.tenant_id, r.version, r.rule, r.endpoints, s.state, s.snoozed_until,
                   s.broken is not null as "is_broken!"
              from touched t
              join alert_rule r on r.id = t.rule_id
              join alert_state s on s.rule_id = r.id and s.version = r.version
             where $4::uuid is null or r.id > $4
             order by r.id
             limit $5
            "#,
            &keys,
            &values,
            &before as &[Option<String>],
            after.map(|id| id.as_uuid()),
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await
        .map_err(refused("to find the rules of what moved"))?;
        Ok(rows.into_iter().map(WatchedRow::watched).collect())
    }

    async fn due(&self, limit: u32) -> Result<(Timestamp, Vec<Watched>), StoreError> {
        let now = sqlx::query_scalar!(r#"select now_utc() as "now!""#)
            .fetch_one(&self.pool)
            .await
            .map_err(refused("to read the time"))?;
        let rows = sqlx::query_as!(
            WatchedRow,
            r#"
            select r.id, r.tenant_id, r.version, r.rule, r.endpoints, s.state, s.snoozed_until,
                   s.broken is not null as "is_broken!"
              from alert_state s
              join alert_rule r on r.id = s.rule_id and r.version = s.version
             where s.wake_at <= $1
             order by s.wake_at, s.rule_id
             limit $2
            "#,
            now,
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await
        .map_err(refused("to find the rules that are due"))?;
        Ok((now, rows.into_iter().map(WatchedRow::watched).collect()))
    }

    async fn watched(&self, metrics: &[String]) -> Result<Vec<String>, StoreError> {
        sqlx::query_scalar!(
            r#"
            select m.key as "key!"
              from unnest($1::text[]) as m (key)
             where exists (select from alert_level l where l.metric = m.key)
                or exists (
                   select
                     from alert_level l
                    where l.metric > m.key || '|'
                      and l.metric < m.key || '}')
            "#,
            metrics,
        )
        .fetch_all(&self.pool)
        .await
        .map_err(refused("to find metrics that are watched"))
    }

    async fn watched_of(&self, family: &str, limit: u32) -> Result<Vec<String>, StoreError> {
        // `;` is what follows `:`. Tenants have their turns, so that none takes the places of the
        // others.
        sqlx::query_scalar!(
            r#"
            select t.metric as "metric!"
              from (select w.metric,
                           row_number() over (partition by w.tenant_id order by w.metric) as place
                      from (select distinct l.tenant_id,
                                            split_part(l.metric, '|', 1) as metric
                              from alert_level l
                             where l.metric >= $1
                               and l.metric < $2) w) t
             group by t.metric
             order by min(t.place), t.metric
             limit $3
            "#,
            format!("{family}:"),
            format!("{family};"),
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await
        .map_err(refused("to find metrics of a family that are watched"))
    }

    async fn values(&self, metrics: &[String]) -> Result<Vec<Point>, StoreError> {
        let rows = sqlx::query!(
            r#"
            select m.key, m.at, m.value::text as "value!"
              from metric m
             where m.key = any($1)
            "#,
            metrics,
        )
        .fetch_all(&self.pool)
        .await
        .map_err(refused("to read metrics"))?;
        let points = rows.into_iter().map(|row| Point {
            metric: row.key,
            at: row.at,
            value: row.value,
        });
        Ok(points.collect())
    }

    async fn windows(&self, metrics: &[String], limit: u32) -> Result<Vec<String>, StoreError> {
        points::windows(&self.pool, metrics, i64::from(limit)).await
    }

    async fn points(&self, stretch: &Stretch, limit: u32) -> Result<Vec<Point>, StoreError> {
        points::read(&self.pool, stretch, i64::from(limit)).await
    }

    async fn before(&self, metric: &str, moments: &[Timestamp]) -> Result<Vec<Point>, StoreError> {
        points::before(&self.pool, metric, moments).await
    }

    async fn is_in_play(&self, gate: &str) -> Result<bool, StoreError> {
        sqlx::query_scalar!(
            r#"
            select exists (
                   select
                     from gate
                    where key = $1
                      and in_play > 0)
                or exists (
                   select
                     from waiting
                    where gate_key = $1
                      and needs = 0) as "is!"
            "#,
            gate,
        )
        .fetch_one(&self.pool)
        .await
        .map_err(refused("to look at a gate"))
    }

    async fn undone(
        &self,
        tick: JobId,
        after: Option<(RuleId, u32)>,
        limit: u32,
    ) -> Result<Vec<Undone>, StoreError> {
        undone::read(&self.pool, tick, after, limit).await
    }

    async fn allowances(&self, tenants: &[TenantId]) -> Result<Vec<Allowance>, StoreError> {
        let tenants: Vec<_> = tenants.iter().map(|tenant| tenant.as_uuid()).collect();
        let rows = sqlx::query!(
            r#"
            select w.id as "id!", t.messages_a_day as "messages_a_day?", a.day as "day?",
                   a.told as "told?"
              from unnest($1::uuid[]) as w (id)
              left join tenant t on t.id = w.id
              left join alert_told a on a.tenant_id = w.id
            "#,
            &tenants,
        )
        .fetch_all(&self.pool)
        .await
        .map_err(refused("to read what tenants may be told"))?;
        let allowances = rows.into_iter().map(|row| {
            let own = row
                .messages_a_day
                .map(|count| number("tenant.messages_a_day", count));
            let told = row.told.map(|told| number("alert_told.told", told));
            Ok(Allowance {
                tenant: TenantId::from_uuid(row.id),
                per_day: own.transpose()?.or(self.messages_a_day),
                told: row.day.zip(told.transpose()?),
            })
        });
        allowances.collect()
    }
}
