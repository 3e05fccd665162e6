//! What blocks said of the price of gas. Wei travel as text and rest as `numeric`: both exact.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use packtrain_core::chain::{BlockHash, Chain};
use packtrain_core::ports::{
    BlobFee, DataFee, DataFeeSeen, GasBlock, GasBlocks, GasHead, GasLook, StoreError, Tips,
};
use sqlx::PgConnection;

use crate::error::{number, refused, unreadable};
use crate::gate::commit;
use crate::pg::gas::data_fee;
use crate::pool::Pool;

/// Blocks and heads: as `packtrain_worker` to write them, as any role to read them.
#[derive(Clone)]
pub struct PgGas {
    pub(crate) pool: Pool,
}

impl PgGas {
    /// Works over this pool.
    pub const fn new(pool: Pool) -> Self {
        Self { pool }
    }
}

#[async_trait]
impl GasBlocks for PgGas {
    async fn head(&self, chain: Chain) -> Result<Option<GasHead>, StoreError> {
        let row = sqlx::query!(
            "select number, hash, seen_at from gas_head where chain_id = $1",
            id(chain),
        )
        .fetch_optional(&self.pool)
        .await
        .map_err(refused("to read the head of a chain"))?;
        let head = row.map(|row| {
            Ok(GasHead {
                number: number("gas_head.number", row.number)?,
                hash: hash(&row.hash)?,
                seen_at: row.seen_at,
            })
        });
        head.transpose()
    }

    async fn has(&self, chain: Chain, number: u64, hash: BlockHash) -> Result<bool, StoreError> {
        sqlx::query_scalar!(
            r#"
            select exists (
                   select from gas_block
                    where chain_id = $1
                      and number = $2
                      and hash = $3) as "has!"
            "#,
            id(chain),
            stored(number),
            &hash.0,
        )
        .fetch_one(&self.pool)
        .await
        .map_err(refused("to look for a block"))
    }

    async fn has_other(
        &self,
        chain: Chain,
        number: u64,
        hash: BlockHash,
    ) -> Result<bool, StoreError> {
        sqlx::query_scalar!(
            r#"
            select exists (
                   select from gas_block
                    where chain_id = $1
                      and number = $2
                      and hash <> $3) as "has!"
            "#,
            id(chain),
            stored(number),
            &hash.0,
        )
        .fetch_one(&self.pool)
        .await
        .map_err(refused("to look for another block"))
    }

    async fn record(
        &self,
        chain: Chain,
        blocks: &[GasBlock],
        look: &GasLook,
    ) -> Result<u64, StoreError> {
        let mut tx = self
            .pool
            .begin()
            .await
            .map_err(refused("to begin to keep blocks"))?;
        let written = if blocks.is_empty() {
            0
        } else {
            insert(&mut tx, chain, blocks).await?
        };
        sqlx::query!(
            r#"
            insert into gas_head as h (chain_id, number, hash, seen_at)
            values ($1, $2, $3, now_utc())
                on conflict (chain_id) do update
               set number = excluded.number,
                   hash = excluded.hash,
                   seen_at = excluded.seen_at
             where h.hash = $4
                or h.number < excluded.number
            "#,
            id(chain),
            stored(look.number),
            &look.hash.0,
            look.after.as_ref().map(|hash| &hash.0[..]),
        )
        .execute(&mut *tx)
        .await
        .map_err(refused("to move the head of a chain"))?;
        commit(tx, "to keep blocks").await?;
        Ok(written)
    }

    async fn recent(&self, chain: Chain, limit: u32) -> Result<Vec<GasBlock>, StoreError> {
        let rows = sqlx::query_as!(
            BlockRow,
            r#"
            with recursive line as (
                select b.number, b.hash, b.parent, 1 as place
                  from gas_head h
                  join gas_block b using (chain_id, number, hash)
                 where h.chain_id = $1
                 union all
                select b.number, b.hash, b.parent, l.place + 1
                  from line l
                  join gas_block b
                    on b.chain_id = $1
                   and b.number = l.number - 1
                   and b.hash = l.parent
                 where l.place < $2
            )
            select b.number, b.hash, b.parent, b.at, b.base_fee_wei::text as "base_fee_wei!",
                   b.next_base_fee_wei::text as "next_base_fee_wei!", b.is_formula_exact,
                   b.gas_used, b.gas_limit, b.tips_wei::text[] as tips_wei,
                   b.blob_fee_wei::text as blob_fee_wei,
                   b.next_blob_fee_wei::text as next_blob_fee_wei
              from line l
              join gas_block b
                on b.chain_id = $1
               and b.number = l.number
               and b.hash = l.hash
             order by l.place
             limit $2
            "#,
            id(chain),
            i32::try_from(limit).unwrap_or(i32::MAX),
        )
        .fetch_all(&self.pool)
        .await
        .map_err(refused("to read recent blocks"))?;
        rows.into_iter().map(BlockRow::block).collect()
    }

    async fn keep_data_fee(
        &self,
        chain: Chain,
        number: u64,
        hash: BlockHash,
        fee: &DataFee,
    ) -> Result<(), StoreError> {
        data_fee::keep(&self.pool, chain, (number, hash), fee).await
    }

    async fn data_fee(&self, chain: Chain, limit: u32) -> Result<Option<DataFeeSeen>, StoreError> {
        data_fee::newest(&self.pool, chain, limit).await
    }
}

/// A block as the database has it.
pub(crate) struct BlockRow {
    pub(crate) number: i64,
    pub(crate) hash: Vec<u8>,
    pub(crate) parent: Vec<u8>,
    pub(crate) at: DateTime<Utc>,
    pub(crate) base_fee_wei: String,
    pub(crate) next_base_fee_wei: String,
    pub(crate) is_formula_exact: bool,
    pub(crate) gas_used: i64,
    pub(crate) gas_limit: i64,
    pub(crate) tips_wei: Option<Vec<String>>,
    pub(crate) blob_fee_wei: Option<String>,
    pub(crate) next_blob_fee_wei: Option<String>,
}

impl BlockRow {
    pub(crate) fn block(self) -> Result<GasBlock, StoreError> {
        let now = self.blob_fee_wei.as_deref().map(wei).transpose()?;
        let next = self.next_blob_fee_wei.as_deref().map(wei).transpose()?;
        Ok(GasBlock {
            number: number("gas_block.number", self.number)?,
            hash: hash(&self.hash)?,
            parent: hash(&self.parent)?,
            at: self.at,
            base_fee_wei: wei(&self.base_fee_wei)?,
            next_base_fee_wei: wei(&self.next_base_fee_wei)?,
            is_formula_exact: self.is_formula_exact,
            gas_used: number("gas_block.gas_used", self.gas_used)?,
            gas_limit: number("gas_block.gas_limit", self.gas_limit)?,
            tips_wei: self.tips_wei.as_deref().map(tips).transpose()?,
            blob_fee: now
                .zip(next)
                .map(|(now_wei, next_wei)| BlobFee { now_wei, next_wei }),
        })
    }
}

/// Keeps blocks that are not kept yet; says how many.
async fn insert(
    connection: &mut PgConnection,
    chain: Chain,
    blocks: &[GasBlock],
) -> Result<u64, StoreError> {
    // An array as PostgreSQL writes it: arrays of arrays have no place in `unnest`.
    let tips = |block: &GasBlock| {
        let tips: Vec<String> = block.tips_wei?.iter().map(u128::to_string).collect();
        Some(format!("{{{}}}", tips.join(",")))
    };
    let blob = |of: fn(BlobFee) -> u128| {
        column(blocks, |block| {
            block.blob_fee.map(|fee| of(fee).to_string())
        })
    };
    let done = sqlx::query!(
        r#"
        insert into gas_block (
               chain_id, number, hash, parent, at, base_fee_wei, next_base_fee_wei,
               is_formula_exact, gas_used, gas_limit, tips_wei, blob_fee_wei,
               next_blob_fee_wei)
        select $1, b.number, b.hash, b.parent, b.at, b.base_fee::numeric,
               b.next_base_fee::numeric, b.exact, b.used, b.gas_limit, b.tips::numeric[],
               b.blob_fee::numeric, b.next_blob_fee::numeric
          from unnest($2::bigint[], $3::bytea[], $4::bytea[], $5::timestamptz[], $6::text[],
                      $7::text[], $8::boolean[], $9::bigint[], $10::bigint[], $11::text[],
                      $12::text[], $13::text[])
               as b (number, hash, parent, at, base_fee, next_base_fee, exact, used,
                     gas_limit, tips, blob_fee, next_blob_fee)
            on conflict (chain_id, number, hash) do nothing
        "#,
        id(chain),
        &column(blocks, |block| stored(block.number)),
        &column(blocks, |block| block.hash.0.to_vec()),
        &column(blocks, |block| block.parent.0.to_vec()),
        &column(blocks, |block| block.at),
        &column(blocks, |block| block.base_fee_wei.to_string()),
        &column(blocks, |block| block.next_base_fee_wei.to_string()),
        &column(blocks, |block| block.is_formula_exact),
        &column(blocks, |block| stored(block.gas_used)),
        &column(blocks, |block| stored(block.gas_limit)),
        &column(blocks, tips) as &[Option<String>],
        &blob(|fee| fee.now_wei) as &[Option<String>],
        &blob(|fee| fee.next_wei) as &[Option<String>],
    )
    .execute(connection)
    .await
    .map_err(refused("to keep blocks"))?;
    Ok(done.rows_affected())
}

/// One figure of each row, as a column of its own.
pub(crate) fn column<R, T>(rows: &[R], figure: impl Fn(&R) -> T) -> Vec<T> {
    rows.iter().map(figure).collect()
}

/// A chain's id as the database has it.
pub(crate) fn id(chain: Chain) -> i64 {
    stored(chain.id())
}

/// A number of a chain; none comes near the end of `bigint`.
pub(crate) fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(crate) fn hash(bytes: &[u8]) -> Result<BlockHash, StoreError> {
    BlockHash::of(bytes).ok_or_else(|| unreadable("gas_block.hash", bytes.len()))
}

pub(crate) fn wei<T: std::str::FromStr>(text: &str) -> Result<T, StoreError> {
    text.parse()
        .map_err(|_| unreadable("wei of gas_block", text))
}

fn tips(texts: &[String]) -> Result<Tips, StoreError> {
    let tips: Vec<u128> = texts
        .iter()
        .map(|text| wei(text))
        .collect::<Result<_, _>>()?;
    let count = tips.len();
    tips.try_into()
        .map_err(|_| unreadable("gas_block.tips_wei", count))
}
