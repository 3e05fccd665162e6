//! What tenants are told of their wallets in their live streams, in the transaction that ends a
//! scan. News are kept once, and each tenant has one row for all that a scan tells it of a wallet
//! (`migrations/0038_portfolio.sql`).

use std::collections::HashSet;

use packtrain_core::ports::{Balances, Scanned, StoreError};
use sqlx::PgConnection;

use super::{id, stored};
use crate::error::refused;

/// Events by what names them within their chain.
#[derive(Debug, Default)]
pub(super) struct Events {
    hashes: Vec<Vec<u8>>,
    transactions: Vec<Vec<u8>>,
    places: Vec<i64>,
}

impl Events {
    pub(super) fn push(&mut self, hash: Vec<u8>, transaction: Vec<u8>, place: i64) {
        self.hashes.push(hash);
        self.transactions.push(transaction);
        self.places.push(place);
    }
}

/// What became of events.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fate {
    Confirmed,
    Retracted,
}

impl Fate {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Retracted => "retracted",
        }
    }
}

/// Tells who watches a wallet what was found of it; the events are kept already. An approval is
/// about who gives it alone: of who gets it a scan finds it only where somebody watches the other.
///
/// Told is what happened in blocks of which all wallets were read. Of a part nothing is told: an
/// event of two wallets may be found again by the next one, and who is told of it then would be
/// told twice, and so that somebody watches the other wallet.
pub(super) async fn found(
    connection: &mut PgConnection,
    scanned: &Scanned,
) -> Result<(), StoreError> {
    if scanned.blocks.is_empty() || scanned.watchers.is_empty() {
        return Ok(());
    }
    let blocks: Vec<Vec<u8>> = { scanned.blocks.iter() }
        .map(|block| block.hash.0.to_vec())
        .collect();
    let moved = moved(connection, scanned, &blocks).await?;
    let watchers = scanned
        .watchers
        .iter()
        .filter(|it| moved.contains(&it.0[..]));
    let (wallets, metrics): (Vec<Vec<u8>>, Vec<String>) = watchers
        .map(|(wallet, metric)| (wallet.to_vec(), metric.clone()))
        .unzip();
    if wallets.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"
        with audience as materialized (
            select distinct w.wallet, l.tenant_id
              from unnest($3::bytea[], $4::text[]) as w (wallet, metric)
              join alert_level l on l.metric = w.metric collate "C"
              join alert_state s on s.rule_id = l.rule_id
             where s.state #> '{machine,ended}' is null
                or s.state #> '{machine,ended}' = 'null'
        ), sets as materialized (
            select a.wallet, nextval('wallet_news_id') as news
              from (select distinct wallet from audience order by wallet) a
        ), kept as (
            insert into wallet_news (
                   news, n, step, chain_id, wallet, number, block_hash, block_at, token, amount,
                   decimals, transaction, log_index, kind, sender, receiver)
            select s.news,
                   row_number() over (partition by s.news order by e.number, e.log_index),
                   'found', e.chain_id, s.wallet, e.number, e.block_hash, e.at, e.token, e.amount,
                   t.decimals, e.transaction, e.log_index, e.kind, e.sender, e.receiver
              from chain_event e
              join sets s on s.wallet = e.sender
                          or s.wallet = e.receiver and e.kind in ('transfer', 'nft_transfer')
              left join chain_token t on t.chain_id = e.chain_id and t.address = e.token
             where e.chain_id = $1
               and e.block_hash = any($2)
               and e.state = 'pending'
            returning news
        ), sized as (
            select news, count(*)::integer as many
              from kept
             group by news
        )
        select place_portfolio(array_agg(a.tenant_id), array_agg(z.news), array_agg(z.many))
               as placed
          from audience a
          join sets s using (wallet)
          join sized z using (news)
        "#,
        id(scanned.chain),
        &blocks,
        &wallets,
        &metrics,
    )
    .fetch_one(connection)
    .await
    .map_err(refused("to tell what was found of wallets"))?;
    Ok(())
}

/// The wallets to which something happened in some blocks; most scans find none.
async fn moved(
    connection: &mut PgConnection,
    scanned: &Scanned,
    blocks: &[Vec<u8>],
) -> Result<HashSet<Vec<u8>>, StoreError> {
    let wallets = sqlx::query_scalar!(
        r#"
        select distinct w.wallet as "wallet!"
          from chain_event e
         cross join lateral (values (e.sender), (e.receiver)) as w (wallet)
         where e.chain_id = $1
           and e.block_hash = any($2)
           and e.state = 'pending'
        "#,
        id(scanned.chain),
        blocks,
    )
    .fetch_all(connection)
    .await
    .map_err(refused("to find the wallets of events"))?;
    Ok(wallets.into_iter().collect())
}

/// Tells what became of events to those who were told when they were found, and to nobody else:
/// who began to watch since then would hear of something that it knows nothing of.
pub(super) async fn became(
    connection: &mut PgConnection,
    scanned: &Scanned,
    fate: Fate,
    events: &Events,
) -> Result<(), StoreError> {
    if events.hashes.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"
        with before as materialized (
            select f.*
              from unnest($2::bytea[], $3::bytea[], $4::bigint[])
                   as g (block_hash, transaction, log_index)
             cross join lateral (
                   select distinct on (w.wallet)
                          w.news, w.n, w.wallet, w.number, w.block_hash, w.block_at, w.token,
                          w.amount, w.transaction, w.log_index, w.kind, w.sender, w.receiver
                     from wallet_news w
                    where w.chain_id = $1
                      and w.step = 'found'
                      and w.block_hash = g.block_hash
                      and w.log_index = g.log_index
                      and w.transaction = g.transaction
                    order by w.wallet, w.news desc) f
        ), sets as materialized (
            select b.news as origin, nextval('wallet_news_id') as news
              from (select distinct news from before order by news) b
        ), kept as (
            insert into wallet_news (
                   news, n, step, chain_id, wallet, number, block_hash, block_at, token, amount,
                   decimals, transaction, log_index, kind, sender, receiver)
            select s.news, row_number() over (partition by s.news order by b.n), $5, $1, b.wallet,
                   b.number, b.block_hash, b.block_at, b.token, b.amount, t.decimals,
                   b.transaction, b.log_index, b.kind, b.sender, b.receiver
              from before b
              join sets s on s.origin = b.news
              left join chain_token t on t.chain_id = $1 and t.address = b.token
            returning news
        ), sized as (
            select news, count(*)::integer as many
              from kept
             group by news
        )
        select place_portfolio(array_agg(l.tenant_id), array_agg(z.news), array_agg(z.many))
               as placed
          from sized z
          join sets s using (news)
          join live_portfolio l on l.news = s.origin
        "#,
        id(scanned.chain),
        &events.hashes,
        &events.transactions,
        &events.places,
        fate.as_str(),
    )
    .fetch_one(connection)
    .await
    .map_err(refused("to tell what became of events"))?;
    Ok(())
}

/// Tells who watches a balance that it is another one than it was told last, or was told none yet.
/// What a node says that is behind is left out.
pub(crate) async fn balances(
    connection: &mut PgConnection,
    balances: &Balances,
) -> Result<(), StoreError> {
    let all = &balances.all;
    let metrics: Vec<String> = all.iter().map(|it| it.metric.clone()).collect();
    let wallets: Vec<Vec<u8>> = all.iter().map(|it| it.wallet.to_vec()).collect();
    let tokens = all.iter().map(|it| it.token.map(|token| token.to_vec()));
    let tokens: Vec<Option<Vec<u8>>> = tokens.collect();
    let amounts: Vec<String> = all.iter().map(|it| it.amount.clone()).collect();
    let decimals = all.iter().map(|it| it.decimals.map(i16::from));
    let decimals: Vec<Option<i16>> = decimals.collect();
    sqlx::query!(
        r#"
        with looked as materialized (
            select b.metric, b.wallet, b.token, b.amount::numeric as amount, b.decimals
              from unnest($5::text[], $6::bytea[], $7::bytea[], $8::text[], $9::smallint[])
                   as b (metric, wallet, token, amount, decimals)
        ), changed as (
            insert into wallet_balance as w (tenant_id, metric, amount, number)
            select distinct l.tenant_id, b.metric, b.amount, $2::bigint
              from looked b
              join alert_level l on l.metric >= b.metric collate "C"
                                and l.metric < (b.metric || '}') collate "C"
                                and split_part(l.metric, '|', 1) = b.metric
              join alert_state s on s.rule_id = l.rule_id
              left join wallet_balance k on k.tenant_id = l.tenant_id and k.metric = b.metric
             where (s.state #> '{machine,ended}' is null
                    or s.state #> '{machine,ended}' = 'null')
               and (k.amount is null or k.amount <> b.amount and k.number <= $2)
                on conflict (tenant_id, metric) do update
               set amount = excluded.amount,
                   number = excluded.number,
                   told_at = excluded.told_at
            returning w.tenant_id, w.metric
        ), sets as materialized (
            select c.metric, nextval('wallet_news_id') as news
              from (select distinct metric from changed order by metric) c
        ), kept as (
            insert into wallet_news (
                   news, n, step, chain_id, wallet, number, block_hash, block_at, token, amount,
                   decimals)
            select s.news, 1, 'balance', $1, b.wallet, $2, $3, $4, b.token, b.amount, b.decimals
              from sets s
              join looked b using (metric)
        )
        select place_portfolio(array_agg(c.tenant_id), array_agg(s.news), array_agg(1))
               as placed
          from changed c
          join sets s using (metric)
        "#,
        id(balances.chain),
        stored(balances.block.number),
        &balances.block.hash.0,
        balances.block.at,
        &metrics,
        &wallets,
        &tokens as &[Option<Vec<u8>>],
        &amounts,
        &decimals as &[Option<i16>],
    )
    .fetch_one(connection)
    .await
    .map_err(refused("to tell what wallets have"))?;
    Ok(())
}
