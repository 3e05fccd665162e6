//! What scans begin with.

use async_trait::async_trait;
use packtrain_core::chain::{BlockHash, Chain};
use packtrain_core::ports::{
    AddressBytes, BlockRef, ChainEvent, ChainEvents, Gap, ScanPart, ScanState, StoreError,
    TokenDecimals,
};

use super::{id, stored};
use crate::error::{fixed, number, refused, unreadable};
use crate::pool::Pool;

/// The families of metrics that are about wallets.
const FAMILIES: [&str; 5] = [
    "approval",
    "balance",
    "transfer",
    "transfer_in",
    "transfer_out",
];
/// Blocks that are kept of a chain, at most.
const BLOCKS_MAX: i64 = 10_000;
/// Gaps that are read of a chain, at most: the newest.
const GAPS_MAX: i64 = 20_000;

/// Events of wallets, as `packtrain_worker`.
#[derive(Clone)]
pub struct PgChainEvents {
    pool: Pool,
}

impl PgChainEvents {
    /// Works over the pool of `packtrain_worker`.
    pub const fn new(worker: Pool) -> Self {
        Self { pool: worker }
    }
}

impl PgChainEvents {
    async fn gaps(&self, chain: Chain) -> Result<Vec<Gap>, StoreError> {
        let rows = sqlx::query!(
            r#"
            select g.number, g.wallet, g.token
              from chain_gap g
             where g.chain_id = $1
             order by g.number desc, g.wallet, g.token
             limit $2
            "#,
            id(chain),
            GAPS_MAX,
        )
        .fetch_all(&self.pool)
        .await
        .map_err(refused("to read what is not known of blocks"))?;
        let gaps = rows.into_iter().map(|row| {
            let token = (!row.token.is_empty()).then_some(&row.token);
            Ok(Gap {
                number: number("chain_gap.number", row.number)?,
                wallet: fixed("chain_gap.wallet", &row.wallet)?,
                token: { token.map(|token| fixed("chain_gap.token", token)) }.transpose()?,
            })
        });
        gaps.collect()
    }
}

#[async_trait]
impl ChainEvents for PgChainEvents {
    async fn watched(&self, chain: Chain, limit: u32) -> Result<Vec<String>, StoreError> {
        let begins = FAMILIES.map(|family| format!("{family}:{}:", chain.id()));
        // A semicolon comes right after a colon: the range holds what begins so, and the index is
        // ordered by bytes. Tenants have their turns, so that none takes the places of the others.
        let ends = FAMILIES.map(|family| format!("{family}:{};", chain.id()));
        sqlx::query_scalar!(
            r#"
            select t.metric as "metric!"
              from (select w.metric,
                           row_number() over (partition by w.tenant_id order by w.metric) as place
                      from (select distinct l.tenant_id,
                                            split_part(l.metric, '|', 1) as metric
                              from unnest($1::text[], $2::text[]) as f (begins, ends)
                              join alert_level l on l.metric >= f.begins collate "C"
                                                and l.metric < f.ends collate "C"
                              join alert_state s on s.rule_id = l.rule_id
                             where s.state #> '{machine,ended}' is null
                                or s.state #> '{machine,ended}' = 'null') w) t
             group by t.metric
             order by min(t.place), t.metric
             limit $3
            "#,
            &begins as &[String],
            &ends as &[String],
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await
        .map_err(refused("to find the wallets that are watched"))
    }

    async fn state(&self, chain: Chain) -> Result<Option<ScanState>, StoreError> {
        let rows = sqlx::query!(
            r#"
            select b.number, b.hash, b.parent, b.at, c.told_at, c.part_number, c.part_hash,
                   c.part_wallet,
                   (select max(t.number) from chain_told t where t.chain_id = $1) as told_to
              from chain_cursor c
              join chain_block b on b.chain_id = c.chain_id and b.number <= c.number
             where c.chain_id = $1
             order by b.number desc
             limit $2
            "#,
            id(chain),
            BLOCKS_MAX,
        )
        .fetch_all(&self.pool)
        .await
        .map_err(refused("to read how far a chain was scanned"))?;
        let told_at = rows.first().and_then(|row| row.told_at);
        let told_to = rows.first().and_then(|row| row.told_to);
        let told_to = told_to.map(|last| number("chain_told.number", last));
        let told_to = told_to.transpose()?;
        let part = rows.first().and_then(|row| {
            let part = (row.part_number?, row.part_hash.as_ref()?);
            Some((part.0, hash(part.1), row.part_wallet.clone()?))
        });
        let part = part.map(|(last, hash, wallet)| {
            Ok::<_, StoreError>(ScanPart {
                number: number("chain_cursor.part_number", last)?,
                hash: hash?,
                wallet: fixed("chain_cursor.part_wallet", &wallet)?,
            })
        });
        let part = part.transpose()?;
        let blocks = rows.into_iter().rev().map(|row| {
            Ok(BlockRef {
                number: number("chain_block.number", row.number)?,
                hash: hash(&row.hash)?,
                parent: hash(&row.parent)?,
                at: row.at,
            })
        });
        let blocks: Vec<BlockRef> = blocks.collect::<Result<_, StoreError>>()?;
        if blocks.is_empty() {
            return Ok(None);
        }
        Ok(Some(ScanState {
            blocks,
            gaps: self.gaps(chain).await?,
            part,
            told_to,
            told_at,
        }))
    }

    async fn pending(
        &self,
        chain: Chain,
        upto: u64,
        limit: u32,
    ) -> Result<Vec<ChainEvent>, StoreError> {
        let rows = sqlx::query!(
            r#"
            select e.number, e.block_hash, e.at, e.transaction, e.log_index, e.token, e.kind,
                   e.sender, e.receiver, e.amount::text as "amount!"
              from chain_event e
             where e.chain_id = $1
               and e.number <= $2
               and e.state = 'pending'
             order by e.number, e.log_index
             limit $3
            "#,
            id(chain),
            stored(upto),
            i64::from(limit),
        )
        .fetch_all(&self.pool)
        .await
        .map_err(refused("to read pending events"))?;
        let events = rows.into_iter().map(|row| {
            let kind = row.kind.parse();
            Ok(ChainEvent {
                number: number("chain_event.number", row.number)?,
                block: hash(&row.block_hash)?,
                at: row.at,
                transaction: fixed("chain_event.transaction", &row.transaction)?,
                log_index: number("chain_event.log_index", row.log_index)?,
                token: fixed("chain_event.token", &row.token)?,
                kind: kind.map_err(|_| unreadable("chain_event.kind", row.kind))?,
                from: fixed("chain_event.sender", &row.sender)?,
                to: fixed("chain_event.receiver", &row.receiver)?,
                amount: row.amount,
            })
        });
        events.collect()
    }

    async fn decimals(
        &self,
        chain: Chain,
        tokens: &[AddressBytes],
    ) -> Result<Vec<TokenDecimals>, StoreError> {
        let wanted: Vec<Vec<u8>> = tokens.iter().map(|token| token.to_vec()).collect();
        let rows = sqlx::query!(
            r#"
            select t.address, t.decimals
              from chain_token t
             where t.chain_id = $1
               and t.address = any($2)
            "#,
            id(chain),
            &wanted,
        )
        .fetch_all(&self.pool)
        .await
        .map_err(refused("to read the decimals of tokens"))?;
        let known = rows.into_iter().map(|row| {
            let decimals = row.decimals.map(|one| number("chain_token.decimals", one));
            Ok(TokenDecimals {
                token: fixed("chain_token.address", &row.address)?,
                decimals: decimals.transpose()?,
            })
        });
        known.collect()
    }
}

fn hash(bytes: &[u8]) -> Result<BlockHash, StoreError> {
    fixed("the hash of a block", bytes).map(BlockHash)
}
