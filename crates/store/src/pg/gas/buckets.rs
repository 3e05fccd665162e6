//! What gas cost in quarters of an hour: as `packtrain_worker` to write it, as any role to read it.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta};
use packtrain_core::chain::Chain;
use packtrain_core::ports::{
    BUCKET_S, GasBucket, GasBuckets, GasMedian, GasSample, StoreError, Unrolled, WeiSpread,
};
use packtrain_core::time::Timestamp;
use sqlx::PgConnection;

use super::blocks::{PgGas, column, hash, id, wei};
use crate::error::{number, refused};
use crate::gate::commit;

/// How far back before the last rollup blocks are looked for again: they count into a bucket that
/// was not over then, or were written by a transaction that ended after it. Longer than a bucket.
const OVERLAP: TimeDelta = TimeDelta::minutes(20);
/// How long after its time a block may be read and still come into its bucket.
const LATE_MAX: TimeDelta = TimeDelta::days(1);

#[async_trait]
impl GasBuckets for PgGas {
    async fn unrolled(
        &self,
        chain: Chain,
        after: Option<Timestamp>,
        limit: u32,
    ) -> Result<Unrolled, StoreError> {
        let rolled_at = GasBuckets::rolled_at(self, chain).await?;
        let rows = sqlx::query!(
            r#"
            with clock as materialized (
                select now_utc() as now
            ),
            touched as (
                select distinct date_bin('15 minutes', b.at, 'epoch') as at
                  from gas_block b
                 where b.chain_id = $1
                   and b.seen_at >= $2
                   and b.at >= b.seen_at - $3::bigint * interval '1 second'
            ),
            due as (
                select distinct d.at
                  from touched t
                 cross join lateral (values (t.at), (t.at - interval '15 minutes')) as d (at)
                 cross join clock c
                 where d.at + interval '15 minutes' <= c.now
                   and ($4::timestamptz is null or d.at > $4)
                 order by d.at
                 limit $5
            )
            select c.now as "now!", array(select d.at from due d order by d.at) as "at!"
              from clock c
            "#,
            id(chain),
            rolled_at.map_or(DateTime::UNIX_EPOCH, |at| at - OVERLAP),
            LATE_MAX.num_seconds(),
            after,
            i64::from(limit),
        )
        .fetch_one(&self.pool)
        .await
        .map_err(refused("to look for buckets that are not up to date"))?;
        Ok(Unrolled {
            now: rows.now,
            at: rows.at,
        })
    }

    async fn samples(
        &self,
        chain: Chain,
        first: Timestamp,
        last: Timestamp,
        limit: u32,
    ) -> Result<Vec<GasSample>, StoreError> {
        let end = last + TimeDelta::seconds(2 * BUCKET_S);
        let rows = sqlx::query!(
            r#"
            select number, hash, parent, at, seen_at, base_fee_wei::text as "base_fee_wei!",
                   tips_wei[3]::text as tip_wei
              from gas_block
             where chain_id = $1
               and at >= $2
               and at < $3
               and seen_at >= $4
               and seen_at < $5
             order by number, hash
             limit $6
            "#,
            id(chain),
            first,
            end,
            // A block's own time may be a little ahead of ours.
            first - OVERLAP,
            end + LATE_MAX,
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await
        .map_err(refused("to read the blocks of buckets"))?;
        let samples = rows.into_iter().map(|row| {
            Ok(GasSample {
                number: number("gas_block.number", row.number)?,
                hash: hash(&row.hash)?,
                parent: hash(&row.parent)?,
                at: row.at,
                seen_at: row.seen_at,
                base_fee_wei: wei(&row.base_fee_wei)?,
                tip_wei: row.tip_wei.as_deref().map(wei).transpose()?,
            })
        });
        samples.collect()
    }

    async fn keep(
        &self,
        chain: Chain,
        buckets: &[GasBucket],
        empty: &[Timestamp],
    ) -> Result<u64, StoreError> {
        let mut tx = self
            .pool
            .begin()
            .await
            .map_err(refused("to begin to keep buckets"))?;
        let written = write(&mut tx, chain, buckets).await?;
        let removed = sqlx::query!(
            "delete from gas_bucket where chain_id = $1 and at = any($2::timestamptz[])",
            id(chain),
            empty,
        )
        .execute(&mut *tx)
        .await
        .map_err(refused("to remove empty buckets"))?;
        commit(tx, "to keep buckets").await?;
        Ok(written + removed.rows_affected())
    }

    async fn rolled(&self, chain: Chain, until: Timestamp) -> Result<(), StoreError> {
        sqlx::query!(
            r#"
            insert into gas_rollup as r (chain_id, rolled_at)
            values ($1, $2)
                on conflict (chain_id) do update
               set rolled_at = excluded.rolled_at
             where r.rolled_at < excluded.rolled_at
            "#,
            id(chain),
            until,
        )
        .execute(&self.pool)
        .await
        .map_err(refused("to note a rollup"))?;
        Ok(())
    }

    async fn rolled_at(&self, chain: Chain) -> Result<Option<Timestamp>, StoreError> {
        sqlx::query_scalar!(
            "select rolled_at from gas_rollup where chain_id = $1",
            id(chain),
        )
        .fetch_optional(&self.pool)
        .await
        .map_err(refused("to read the last rollup"))
    }

    async fn between(
        &self,
        chain: Chain,
        from: Timestamp,
        to: Timestamp,
        limit: u32,
    ) -> Result<Vec<GasBucket>, StoreError> {
        let rows = sqlx::query!(
            r#"
            select at, blocks, base_fee_min_wei::text as "min!", base_fee_p10_wei::text as "p10!",
                   base_fee_p50_wei::text as "p50!", base_fee_p90_wei::text as "p90!",
                   base_fee_max_wei::text as "max!", tip_wei::text as tip_wei
              from gas_bucket
             where chain_id = $1
               and at >= $2
               and at < $3
             order by at
             limit $4
            "#,
            id(chain),
            from,
            to,
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await
        .map_err(refused("to read buckets"))?;
        let buckets = rows.into_iter().map(|row| {
            Ok(GasBucket {
                at: row.at,
                blocks: number("gas_bucket.blocks", row.blocks)?,
                base_fee_wei: WeiSpread {
                    min: wei(&row.min)?,
                    p10: wei(&row.p10)?,
                    p50: wei(&row.p50)?,
                    p90: wei(&row.p90)?,
                    max: wei(&row.max)?,
                },
                tip_wei: row.tip_wei.as_deref().map(wei).transpose()?,
            })
        });
        buckets.collect()
    }

    async fn medians(&self, chain: Chain, limit: u32) -> Result<Vec<GasMedian>, StoreError> {
        let rows = sqlx::query!(
            r#"
            select at, base_fee_p50_wei::text as "p50!"
              from gas_bucket
             where chain_id = $1
               and at > (select max(at)
                           from gas_bucket
                          where chain_id = $1) - $2::bigint * interval '15 minutes'
             order by at
             limit $2
            "#,
            id(chain),
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await
        .map_err(refused("to read the medians of buckets"))?;
        let medians = rows.into_iter().map(|row| {
            Ok(GasMedian {
                at: row.at,
                wei: wei(&row.p50)?,
            })
        });
        medians.collect()
    }
}

/// Keeps buckets, those that are there as they are now; says how many are new or other ones.
async fn write(
    connection: &mut PgConnection,
    chain: Chain,
    buckets: &[GasBucket],
) -> Result<u64, StoreError> {
    let fee =
        |of: fn(WeiSpread) -> u64| column(buckets, |bucket| of(bucket.base_fee_wei).to_string());
    let done = sqlx::query!(
        r#"
        insert into gas_bucket as b (
               chain_id, at, blocks, base_fee_min_wei, base_fee_p10_wei, base_fee_p50_wei,
               base_fee_p90_wei, base_fee_max_wei, tip_wei)
        select $1, n.at, n.blocks, n.min::numeric, n.p10::numeric, n.p50::numeric,
               n.p90::numeric, n.max::numeric, n.tip::numeric
          from unnest($2::timestamptz[], $3::integer[], $4::text[], $5::text[], $6::text[],
                      $7::text[], $8::text[], $9::text[])
               as n (at, blocks, min, p10, p50, p90, max, tip)
            on conflict (chain_id, at) do update
           set blocks = excluded.blocks,
               base_fee_min_wei = excluded.base_fee_min_wei,
               base_fee_p10_wei = excluded.base_fee_p10_wei,
               base_fee_p50_wei = excluded.base_fee_p50_wei,
               base_fee_p90_wei = excluded.base_fee_p90_wei,
               base_fee_max_wei = excluded.base_fee_max_wei,
               tip_wei = excluded.tip_wei,
               revision = b.revision + 1,
               rolled_at = now_utc()
         where (b.blocks, b.base_fee_min_wei, b.base_fee_p10_wei, b.base_fee_p50_wei,
                b.base_fee_p90_wei, b.base_fee_max_wei, b.tip_wei)
               is distinct from
               (excluded.blocks, excluded.base_fee_min_wei, excluded.base_fee_p10_wei,
                excluded.base_fee_p50_wei, excluded.base_fee_p90_wei,
                excluded.base_fee_max_wei, excluded.tip_wei)
        "#,
        id(chain),
        &column(buckets, |bucket| bucket.at),
        &column(buckets, |bucket| {
            i32::try_from(bucket.blocks).unwrap_or(i32::MAX)
        }),
        &fee(|spread| spread.min),
        &fee(|spread| spread.p10),
        &fee(|spread| spread.p50),
        &fee(|spread| spread.p90),
        &fee(|spread| spread.max),
        &column(buckets, |bucket| bucket.tip_wei.map(|tip| tip.to_string())) as &[Option<String>],
    )
    .execute(connection)
    .await
    .map_err(refused("to keep buckets"))?;
    Ok(done.rows_affected())
}
