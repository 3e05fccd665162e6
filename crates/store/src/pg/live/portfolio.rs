//! What happens to the wallets of a tenant, as scans of chains wrote it.

use packtrain_core::chain::{BlockHash, Chain};
use packtrain_core::ids::TenantId;
use packtrain_core::ports::{
    Happening, LiveEvent, StoreError, WalletEvent, WalletStep, WalletWhat,
};
use packtrain_core::time::Timestamp;
use sqlx::PgConnection;

use crate::error::{fixed, number, refused, unreadable};

/// A thing that was told.
struct Row {
    seq: i64,
    step: String,
    chain_id: i64,
    wallet: Vec<u8>,
    number: i64,
    block_hash: Vec<u8>,
    block_at: Timestamp,
    token: Option<Vec<u8>>,
    amount: String,
    decimals: Option<i16>,
    transaction: Option<Vec<u8>>,
    log_index: Option<i64>,
    kind: Option<String>,
    sender: Option<Vec<u8>>,
    receiver: Option<Vec<u8>>,
    seen_at: Timestamp,
}

/// What happened after a place, in a transaction of the tenant.
pub(super) async fn after(
    connection: &mut PgConnection,
    tenant: TenantId,
    seq: i64,
    limit: u32,
) -> Result<Vec<LiveEvent>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        select l.upto - l.many + w.n as "seq!", w.step, w.chain_id, w.wallet, w.number,
               w.block_hash, w.block_at, w.token, w.amount::text as "amount!", w.decimals,
               w.transaction, w.log_index, w.kind, w.sender, w.receiver, w.seen_at
          from live_portfolio l
         cross join lateral (
               select n.n, n.step, n.chain_id, n.wallet, n.number, n.block_hash, n.block_at,
                      n.token, n.amount, n.decimals, n.transaction, n.log_index, n.kind, n.sender,
                      n.receiver, n.seen_at
                 from wallet_news n
                where n.news = l.news
                  and n.n > $2 - l.upto + l.many
                order by n.n
                limit $3) w
         where l.tenant_id = $1
           and l.upto > $2
         order by l.upto, w.n
         limit $3
        "#,
        tenant.as_uuid(),
        seq,
        i64::from(limit),
    )
    .fetch_all(connection)
    .await
    .map_err(refused("to read what happened to wallets"))?;
    rows.into_iter().map(Row::event).collect()
}

impl Row {
    fn event(self) -> Result<LiveEvent, StoreError> {
        let id: u64 = number("wallet_news.chain_id", self.chain_id)?;
        let chain = Chain::ALL.into_iter().find(|chain| chain.id() == id);
        let what = match &*self.step {
            "balance" => WalletWhat::Balance,
            "found" => WalletWhat::Found(self.of_chain()?),
            "confirmed" => WalletWhat::Confirmed(self.of_chain()?),
            "retracted" => WalletWhat::Retracted(self.of_chain()?),
            _ => return Err(unreadable("wallet_news.step", self.step)),
        };
        let token = self.token.map(|token| fixed("wallet_news.token", &token));
        let decimals = self.decimals.map(|it| number("wallet_news.decimals", it));
        let step = WalletStep {
            at: self.seen_at,
            chain: chain.ok_or_else(|| unreadable("wallet_news.chain_id", id))?,
            wallet: fixed("wallet_news.wallet", &self.wallet)?,
            what,
            token: token.transpose()?,
            amount: self.amount,
            decimals: decimals.transpose()?,
            number: number("wallet_news.number", self.number)?,
            block: BlockHash(fixed("wallet_news.block_hash", &self.block_hash)?),
            block_at: self.block_at,
        };
        Ok(LiveEvent {
            seq: self.seq,
            what: Happening::Wallet(Box::new(step)),
        })
    }

    /// What names an event, which constraints keep.
    fn of_chain(&self) -> Result<WalletEvent, StoreError> {
        let kind = self.kind.as_deref().unwrap_or_default();
        let bytes = |column: &'static str, held: &Option<Vec<u8>>| {
            fixed(column, held.as_deref().unwrap_or_default())
        };
        let transaction = self.transaction.as_deref().unwrap_or_default();
        Ok(WalletEvent {
            kind: { kind.parse() }.map_err(|_| unreadable("wallet_news.kind", kind))?,
            transaction: fixed("wallet_news.transaction", transaction)?,
            log_index: number("wallet_news.log_index", self.log_index.unwrap_or(-1))?,
            from: bytes("wallet_news.sender", &self.sender)?,
            to: bytes("wallet_news.receiver", &self.receiver)?,
        })
    }
}
