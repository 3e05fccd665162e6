//! What chains took for the bytes of known transactions. Wei travel as text, as those of blocks do.

use chrono::{DateTime, Utc};
use packtrain_core::chain::{BlockHash, Chain};
use packtrain_core::ports::{DataFee, DataFeeSeen, DataPrices, ReferenceFee, StoreError};
use sqlx::postgres::types::PgInterval;

use super::blocks::{id, stored, wei};
use crate::error::{number, refused, unreadable};
use crate::pg::upkeep::older::remove_older;
use crate::pool::Pool;

/// Keeps a fee; one that is kept already stays as it is.
pub(crate) async fn keep(
    pool: &Pool,
    chain: Chain,
    (number, hash): (u64, BlockHash),
    fee: &DataFee,
) -> Result<(), StoreError> {
    let prices = Prices::of(fee.prices);
    let operator = |fee: ReferenceFee| fee.operator_wei.map(|wei| wei.to_string());
    sqlx::query!(
        r#"
        insert into gas_data_fee (
               chain_id, number, hash, transfer_wei, swap_wei, transfer_operator_wei,
               swap_operator_wei, is_formula_exact, l1_base_fee_wei, blob_base_fee_wei,
               base_fee_scalar, blob_base_fee_scalar, byte_wei)
        values ($1, $2, $3, $4::text::numeric, $5::text::numeric, $6::text::numeric,
                $7::text::numeric, $8, $9::text::numeric, $10::text::numeric, $11, $12,
                $13::text::numeric)
            on conflict (chain_id, number, hash) do nothing
        "#,
        id(chain),
        stored(number),
        &hash.0,
        fee.transfer.data_wei.to_string(),
        fee.swap.data_wei.to_string(),
        operator(fee.transfer),
        operator(fee.swap),
        fee.is_formula_exact,
        prices.l1_base_fee,
        prices.blob_base_fee,
        prices.base_fee_scalar,
        prices.blob_base_fee_scalar,
        prices.byte,
    )
    .execute(pool)
    .await
    .map_err(refused("to keep a data fee"))?;
    Ok(())
}

/// The newest fee that was read at one of so many blocks of the line that counts.
pub(crate) async fn newest(
    pool: &Pool,
    chain: Chain,
    limit: u32,
) -> Result<Option<DataFeeSeen>, StoreError> {
    let row = sqlx::query_as!(
        Found,
        r#"
        with recursive line as (
            select b.number, b.hash, b.parent, b.at, 1 as place
              from gas_head h
              join gas_block b using (chain_id, number, hash)
             where h.chain_id = $1
             union all
            select b.number, b.hash, b.parent, b.at, l.place + 1
              from line l
              join gas_block b
                on b.chain_id = $1
               and b.number = l.number - 1
               and b.hash = l.parent
             where l.place < $2
        )
        select l.number as "number!", l.at as "at!", d.transfer_wei::text as "transfer_wei!",
               d.swap_wei::text as "swap_wei!",
               d.transfer_operator_wei::text as transfer_operator_wei,
               d.swap_operator_wei::text as swap_operator_wei, d.is_formula_exact,
               d.l1_base_fee_wei::text as l1_base_fee_wei,
               d.blob_base_fee_wei::text as blob_base_fee_wei, d.base_fee_scalar,
               d.blob_base_fee_scalar, d.byte_wei::text as byte_wei
          from line l
          join gas_data_fee d
            on d.chain_id = $1
           and d.number = l.number
           and d.hash = l.hash
         order by l.place
         limit 1
        "#,
        id(chain),
        i32::try_from(limit).unwrap_or(i32::MAX),
    )
    .fetch_optional(pool)
    .await
    .map_err(refused("to read a data fee"))?;
    row.map(Found::fee).transpose()
}

/// Removes fees that are as old as the blocks that go, so many at most; says how many.
pub(crate) async fn prune(pool: &Pool, kept: PgInterval, rows_max: i64) -> Result<u64, StoreError> {
    remove_older!(pool, "gas_data_fee" by "seen_at", kept, rows_max, "to remove data fees")
}

/// Prices as columns.
#[derive(Default)]
struct Prices {
    l1_base_fee: Option<String>,
    blob_base_fee: Option<String>,
    base_fee_scalar: Option<i64>,
    blob_base_fee_scalar: Option<i64>,
    byte: Option<String>,
}

impl Prices {
    fn of(prices: DataPrices) -> Self {
        match prices {
            DataPrices::OpStack {
                l1_base_fee_wei,
                blob_base_fee_wei,
                base_fee_scalar,
                blob_base_fee_scalar,
            } => Self {
                l1_base_fee: Some(l1_base_fee_wei.to_string()),
                blob_base_fee: Some(blob_base_fee_wei.to_string()),
                base_fee_scalar: Some(stored(base_fee_scalar)),
                blob_base_fee_scalar: Some(stored(blob_base_fee_scalar)),
                byte: None,
            },
            DataPrices::Arbitrum { byte_wei } => Self {
                byte: Some(byte_wei.to_string()),
                ..Self::default()
            },
        }
    }
}

/// A fee as the database has it.
struct Found {
    number: i64,
    at: DateTime<Utc>,
    transfer_wei: String,
    swap_wei: String,
    transfer_operator_wei: Option<String>,
    swap_operator_wei: Option<String>,
    is_formula_exact: bool,
    l1_base_fee_wei: Option<String>,
    blob_base_fee_wei: Option<String>,
    base_fee_scalar: Option<i64>,
    blob_base_fee_scalar: Option<i64>,
    byte_wei: Option<String>,
}

impl Found {
    fn fee(self) -> Result<DataFeeSeen, StoreError> {
        let reference = |data: &str, operator: Option<&str>| {
            Ok::<_, StoreError>(ReferenceFee {
                data_wei: wei(data)?,
                operator_wei: operator.map(wei).transpose()?,
            })
        };
        Ok(DataFeeSeen {
            number: number("gas_data_fee.number", self.number)?,
            at: self.at,
            fee: DataFee {
                transfer: reference(&self.transfer_wei, self.transfer_operator_wei.as_deref())?,
                swap: reference(&self.swap_wei, self.swap_operator_wei.as_deref())?,
                is_formula_exact: self.is_formula_exact,
                prices: self.prices()?,
            },
        })
    }

    fn prices(&self) -> Result<DataPrices, StoreError> {
        if let Some(byte) = &self.byte_wei {
            let byte_wei = wei(byte)?;
            return Ok(DataPrices::Arbitrum { byte_wei });
        }
        let texts = self
            .l1_base_fee_wei
            .as_deref()
            .zip(self.blob_base_fee_wei.as_deref());
        let scalars = self.base_fee_scalar.zip(self.blob_base_fee_scalar);
        let Some(((l1, blob), (base_scalar, blob_scalar))) = texts.zip(scalars) else {
            return Err(unreadable("prices of gas_data_fee", self.number));
        };
        Ok(DataPrices::OpStack {
            l1_base_fee_wei: wei(l1)?,
            blob_base_fee_wei: wei(blob)?,
            base_fee_scalar: number("gas_data_fee.base_fee_scalar", base_scalar)?,
            blob_base_fee_scalar: number("gas_data_fee.blob_base_fee_scalar", blob_scalar)?,
        })
    }
}
