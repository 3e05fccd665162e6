//! Forecasts of the price of gas and what became of them: as `packtrain_worker` to write them, as
//! any role to read them.

use async_trait::async_trait;
use packtrain_core::chain::Chain;
use packtrain_core::ports::{
    GasForecast, GasForecasts, GasRecord, GasScore, Judgeable, StoreError,
};
use packtrain_core::time::Timestamp;

use super::blocks::{PgGas, column, id, stored, wei};
use crate::error::{number, refused};
use crate::gate::commit;

/// A forecast as a row has it.
struct Row {
    origin: Timestamp,
    horizon_hours: i16,
    target_at: Timestamp,
    last_wei: String,
    week_ago_wei: Option<String>,
    p10_wei: String,
    p50_wei: String,
    p90_wei: String,
    naive_p10_wei: String,
    naive_p90_wei: String,
    last_percent: i16,
    samples: i32,
    /// What the price became; of a forecast that is judged.
    actual_wei: Option<String>,
}

impl Row {
    fn read(&self) -> Result<GasForecast, StoreError> {
        Ok(GasForecast {
            origin: self.origin,
            horizon_hours: number("gas_forecast.horizon_hours", self.horizon_hours)?,
            target_at: self.target_at,
            last_wei: wei(&self.last_wei)?,
            week_ago_wei: self.week_ago_wei.as_deref().map(wei).transpose()?,
            p10_wei: wei(&self.p10_wei)?,
            p50_wei: wei(&self.p50_wei)?,
            p90_wei: wei(&self.p90_wei)?,
            naive_p10_wei: wei(&self.naive_p10_wei)?,
            naive_p90_wei: wei(&self.naive_p90_wei)?,
            last_percent: number("gas_forecast.last_percent", self.last_percent)?,
            samples: number("gas_forecast.samples", self.samples)?,
        })
    }
}

#[async_trait]
impl GasForecasts for PgGas {
    async fn keep(&self, chain: Chain, forecasts: &[GasForecast]) -> Result<u64, StoreError> {
        let mut tx = self
            .pool
            .begin()
            .await
            .map_err(refused("to begin to keep forecasts"))?;
        let mut new = 0;
        // One a horizon.
        for forecast in forecasts {
            let done = sqlx::query!(
                r#"
                insert into gas_forecast (
                       chain_id, origin, horizon_hours, target_at, last_wei, week_ago_wei, p10_wei,
                       p50_wei, p90_wei, naive_p10_wei, naive_p90_wei, last_percent, samples)
                values ($1, $2, $3, $4, $5::text::numeric, $6::text::numeric, $7::text::numeric,
                       $8::text::numeric, $9::text::numeric, $10::text::numeric,
                       $11::text::numeric, $12, $13)
                    on conflict (chain_id, origin, horizon_hours) do nothing
                "#,
                id(chain),
                forecast.origin,
                i16::from(forecast.horizon_hours),
                forecast.target_at,
                forecast.last_wei.to_string(),
                forecast.week_ago_wei.map(|wei| wei.to_string()),
                forecast.p10_wei.to_string(),
                forecast.p50_wei.to_string(),
                forecast.p90_wei.to_string(),
                forecast.naive_p10_wei.to_string(),
                forecast.naive_p90_wei.to_string(),
                i16::from(forecast.last_percent),
                i32::try_from(forecast.samples).unwrap_or(i32::MAX),
            )
            .execute(&mut *tx)
            .await
            .map_err(refused("to keep a forecast"))?;
            new += done.rows_affected();
        }
        commit(tx, "to keep forecasts").await?;
        Ok(new)
    }

    async fn newest(&self, chain: Chain) -> Result<Vec<GasForecast>, StoreError> {
        let rows = sqlx::query_as!(
            Row,
            r#"
            select f.origin, f.horizon_hours, f.target_at, f.last_wei::text as "last_wei!",
                   f.week_ago_wei::text as week_ago_wei, f.p10_wei::text as "p10_wei!",
                   f.p50_wei::text as "p50_wei!", f.p90_wei::text as "p90_wei!",
                   f.naive_p10_wei::text as "naive_p10_wei!",
                   f.naive_p90_wei::text as "naive_p90_wei!", f.last_percent, f.samples,
                   null::text as actual_wei
              from gas_forecast f
             where f.chain_id = $1
               and f.origin = (select max(origin) from gas_forecast where chain_id = $1)
             order by f.horizon_hours
             limit 100
            "#,
            id(chain),
        )
        .fetch_all(&self.pool)
        .await
        .map_err(refused("to read forecasts"))?;
        rows.iter().map(Row::read).collect()
    }

    async fn unjudged(&self, chain: Chain, limit: u32) -> Result<Vec<Judgeable>, StoreError> {
        let rows = sqlx::query_as!(
            Row,
            r#"
            select f.origin, f.horizon_hours, f.target_at, f.last_wei::text as "last_wei!",
                   f.week_ago_wei::text as week_ago_wei, f.p10_wei::text as "p10_wei!",
                   f.p50_wei::text as "p50_wei!", f.p90_wei::text as "p90_wei!",
                   f.naive_p10_wei::text as "naive_p10_wei!",
                   f.naive_p90_wei::text as "naive_p90_wei!", f.last_percent, f.samples,
                   b.base_fee_p50_wei::text as actual_wei
              from gas_forecast f
              join gas_bucket b
                on b.chain_id = f.chain_id
               and b.at = f.target_at
              left join gas_score s
                on s.chain_id = f.chain_id
               and s.origin = f.origin
               and s.horizon_hours = f.horizon_hours
             where f.chain_id = $1
               and f.target_at > now_utc() - interval '7 days'
               and (s.origin is null or s.actual_wei <> b.base_fee_p50_wei)
             order by f.target_at, f.horizon_hours
             limit $2
            "#,
            id(chain),
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await
        .map_err(refused("to look for forecasts to judge"))?;
        let judgeable = rows.iter().map(|row| {
            Ok(Judgeable {
                forecast: row.read()?,
                actual_wei: wei(row.actual_wei.as_deref().unwrap_or_default())?,
            })
        });
        judgeable.collect()
    }

    async fn judge(&self, chain: Chain, scores: &[GasScore]) -> Result<u64, StoreError> {
        let done = sqlx::query!(
            r#"
            insert into gas_score (
                   chain_id, origin, horizon_hours, actual_wei, error_ppm, naive_error_ppm,
                   week_ago_error_ppm, loss_ppm, naive_loss_ppm, is_covered, is_naive_covered)
            select $1, n.origin, n.horizon, n.actual::numeric, n.error, n.naive_error,
                   n.week_ago_error, n.loss, n.naive_loss, n.is_covered, n.is_naive_covered
              from unnest($2::timestamptz[], $3::smallint[], $4::text[], $5::bigint[],
                          $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::boolean[],
                          $11::boolean[])
                   as n (origin, horizon, actual, error, naive_error, week_ago_error, loss,
                         naive_loss, is_covered, is_naive_covered)
                on conflict (chain_id, origin, horizon_hours) do update
               set actual_wei = excluded.actual_wei,
                   error_ppm = excluded.error_ppm,
                   naive_error_ppm = excluded.naive_error_ppm,
                   week_ago_error_ppm = excluded.week_ago_error_ppm,
                   loss_ppm = excluded.loss_ppm,
                   naive_loss_ppm = excluded.naive_loss_ppm,
                   is_covered = excluded.is_covered,
                   is_naive_covered = excluded.is_naive_covered,
                   scored_at = now_utc()
            "#,
            id(chain),
            &column(scores, |score| score.origin),
            &column(scores, |score| i16::from(score.horizon_hours)),
            &column(scores, |score| score.actual_wei.to_string()),
            &column(scores, |score| stored(score.error_ppm)),
            &column(scores, |score| stored(score.naive_error_ppm)),
            &column(scores, |score| score.week_ago_error_ppm.map(stored)) as &[Option<i64>],
            &column(scores, |score| stored(score.loss_ppm)),
            &column(scores, |score| stored(score.naive_loss_ppm)),
            &column(scores, |score| score.is_covered),
            &column(scores, |score| score.is_naive_covered),
        )
        .execute(&self.pool)
        .await
        .map_err(refused("to keep scores"))?;
        Ok(done.rows_affected())
    }

    async fn record(&self, chain: Chain, days: u16) -> Result<Vec<GasRecord>, StoreError> {
        let rows = sqlx::query!(
            r#"
            select horizon_hours, count(*) as "count!", avg(error_ppm)::bigint as "error!",
                   avg(naive_error_ppm)::bigint as "naive_error!",
                   count(week_ago_error_ppm) as "week_ago_count!",
                   avg(error_ppm) filter (where week_ago_error_ppm is not null)::bigint
                       as beside_week_ago_error,
                   avg(week_ago_error_ppm)::bigint as week_ago_error,
                   avg(loss_ppm)::bigint as "loss!", avg(naive_loss_ppm)::bigint as "naive_loss!",
                   (avg(is_covered::integer) * 1000000)::bigint as "covered!",
                   (avg(is_naive_covered::integer) * 1000000)::bigint as "naive_covered!"
              from gas_score
             where chain_id = $1
               and origin > now_utc() - $2::integer * interval '1 day'
             group by horizon_hours
             order by horizon_hours
             limit 100
            "#,
            id(chain),
            i32::from(days),
        )
        .fetch_all(&self.pool)
        .await
        .map_err(refused("to sum scores up"))?;
        let records = rows.into_iter().map(|row| {
            let ppm = |value: i64| number("gas_score", value);
            Ok(GasRecord {
                horizon_hours: number("gas_score.horizon_hours", row.horizon_hours)?,
                count: number("gas_score", row.count)?,
                error_ppm: ppm(row.error)?,
                naive_error_ppm: ppm(row.naive_error)?,
                week_ago_count: number("gas_score", row.week_ago_count)?,
                beside_week_ago_error_ppm: row.beside_week_ago_error.map(ppm).transpose()?,
                week_ago_error_ppm: row.week_ago_error.map(ppm).transpose()?,
                loss_ppm: ppm(row.loss)?,
                naive_loss_ppm: ppm(row.naive_loss)?,
                covered_ppm: ppm(row.covered)?,
                naive_covered_ppm: ppm(row.naive_covered)?,
            })
        });
        records.collect()
    }
}
