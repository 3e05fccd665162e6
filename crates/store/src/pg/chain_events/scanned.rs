//! What a scan found, in the transaction that ends its job.

use packtrain_core::chain::Chain;
use packtrain_core::ids::JobId;
use packtrain_core::ports::{
    AddressBytes, BlockRef, ChainEvent, Scanned, StoreError, TokenDecimals,
};
use sqlx::PgConnection;

use super::news::{self, Events, Fate};
use super::{id, stored, undone};
use crate::error::refused;
use crate::pg::alerts::evaluated;

/// Writes what a scan found, unless the chain stands elsewhere than where it began.
pub(crate) async fn record(
    connection: &mut PgConnection,
    job: JobId,
    scanned: &Scanned,
) -> Result<(), StoreError> {
    if !is_where_it_began(connection, scanned).await? {
        return Ok(());
    }
    if scanned.is_over {
        return undone::forget(connection, scanned).await;
    }
    if let Some(above) = scanned.above {
        undone::undo(connection, job, scanned, above).await?;
    }
    if let Some(above) = scanned.again {
        undone::give_up(connection, scanned, above).await?;
    }
    blocks(connection, scanned).await?;
    outgrown(connection, scanned).await?;
    events(connection, scanned, &scanned.events).await?;
    gaps(connection, scanned).await?;
    news::found(connection, scanned).await?;
    confirm(connection, scanned).await?;
    told(connection, scanned).await?;
    evaluated::observed(connection, job, &scanned.points).await
}

/// Locks where a chain stands, and says whether the scan began there and with the same part.
async fn is_where_it_began(
    connection: &mut PgConnection,
    scanned: &Scanned,
) -> Result<bool, StoreError> {
    let row = sqlx::query!(
        r#"
        select hash, part_number, part_hash, part_wallet
          from chain_cursor
         where chain_id = $1
           for update
        "#,
        id(scanned.chain),
    )
    .fetch_optional(connection)
    .await
    .map_err(refused("to lock how far a chain was scanned"))?;
    let stands = row.map(|row| {
        let part = row.part_number.zip(row.part_hash).zip(row.part_wallet);
        (row.hash, part)
    });
    let part = scanned.begun_part.map(|part| {
        let block = (stored(part.number), part.hash.0.to_vec());
        (block, part.wallet.to_vec())
    });
    let begun_at = scanned.begun_at.map(|hash| (hash.0.to_vec(), part));
    Ok(stands == begun_at)
}

/// Keeps the blocks that were scanned, and where the chain stands.
async fn blocks(connection: &mut PgConnection, scanned: &Scanned) -> Result<(), StoreError> {
    let of = |block: fn(&BlockRef) -> Vec<u8>| scanned.blocks.iter().map(block).collect();
    let numbers: Vec<i64> = scanned.blocks.iter().map(|it| stored(it.number)).collect();
    let hashes: Vec<Vec<u8>> = of(|block| block.hash.0.to_vec());
    let parents: Vec<Vec<u8>> = of(|block| block.parent.0.to_vec());
    let times: Vec<_> = scanned.blocks.iter().map(|it| it.at).collect();
    sqlx::query!(
        r#"
        insert into chain_block (chain_id, number, hash, parent, at)
        select $1, b.number, b.hash, b.parent, b.at
          from unnest($2::bigint[], $3::bytea[], $4::bytea[], $5::timestamptz[])
               as b (number, hash, parent, at)
        "#,
        id(scanned.chain),
        &numbers,
        &hashes,
        &parents,
        &times,
    )
    .execute(&mut *connection)
    .await
    .map_err(refused("to keep blocks that were scanned"))?;
    sqlx::query!(
        r#"
        insert into chain_cursor as c (
               chain_id, number, hash, told_at, part_number, part_hash, part_wallet)
        select b.chain_id, b.number, b.hash, $2, $3, $4, $5
          from chain_block b
         where b.chain_id = $1
         order by b.number desc
         limit 1
            on conflict (chain_id) do update
           set number = excluded.number,
               hash = excluded.hash,
               told_at = excluded.told_at,
               part_number = excluded.part_number,
               part_hash = excluded.part_hash,
               part_wallet = excluded.part_wallet
        "#,
        id(scanned.chain),
        scanned.told_at,
        scanned.part.map(|part| stored(part.number)),
        scanned.part.map(|part| part.hash.0.to_vec()),
        scanned.part.map(|part| part.wallet.to_vec()),
    )
    .execute(connection)
    .await
    .map_err(refused("to keep how far a chain was scanned"))?;
    Ok(())
}

/// Removes what belongs to blocks that are no longer kept.
async fn outgrown(connection: &mut PgConnection, scanned: &Scanned) -> Result<(), StoreError> {
    sqlx::query!(
        "delete from chain_block where chain_id = $1 and number < $2",
        id(scanned.chain),
        stored(scanned.keep_from),
    )
    .execute(&mut *connection)
    .await
    .map_err(refused("to remove old blocks"))?;
    sqlx::query!(
        "delete from chain_told where chain_id = $1 and number < $2",
        id(scanned.chain),
        stored(scanned.keep_from),
    )
    .execute(&mut *connection)
    .await
    .map_err(refused("to remove what was told of old blocks"))?;
    sqlx::query!(
        "delete from chain_gap where chain_id = $1 and number < $2",
        id(scanned.chain),
        stored(scanned.keep_from),
    )
    .execute(connection)
    .await
    .map_err(refused("to remove gaps of old blocks"))?;
    Ok(())
}

/// Keeps events; one of a block that left the chain and came back is pending again.
async fn events(
    connection: &mut PgConnection,
    scanned: &Scanned,
    events: &[ChainEvent],
) -> Result<(), StoreError> {
    let bytes = |of: fn(&ChainEvent) -> Vec<u8>| events.iter().map(of).collect();
    let hashes: Vec<Vec<u8>> = bytes(|event| event.block.0.to_vec());
    let transactions: Vec<Vec<u8>> = bytes(|event| event.transaction.to_vec());
    let tokens: Vec<Vec<u8>> = bytes(|event| event.token.to_vec());
    let senders: Vec<Vec<u8>> = bytes(|event| event.from.to_vec());
    let receivers: Vec<Vec<u8>> = bytes(|event| event.to.to_vec());
    let places: Vec<i64> = events.iter().map(|it| stored(it.log_index)).collect();
    let numbers: Vec<i64> = events.iter().map(|it| stored(it.number)).collect();
    let times: Vec<_> = events.iter().map(|it| it.at).collect();
    let kinds: Vec<String> = events.iter().map(|it| it.kind.to_string()).collect();
    let amounts: Vec<String> = events.iter().map(|it| it.amount.clone()).collect();
    sqlx::query!(
        r#"
        insert into chain_event (
               chain_id, block_hash, transaction, log_index, number, at, kind, token, sender,
               receiver, amount)
        select $1, e.block_hash, e.transaction, e.log_index, e.number, e.at, e.kind, e.token,
               e.sender, e.receiver, e.amount::numeric
          from unnest($2::bytea[], $3::bytea[], $4::bigint[], $5::bigint[], $6::timestamptz[],
                      $7::text[], $8::bytea[], $9::bytea[], $10::bytea[], $11::text[])
               as e (block_hash, transaction, log_index, number, at, kind, token, sender,
                     receiver, amount)
            on conflict (chain_id, block_hash, transaction, log_index) do update
           set state = 'pending',
               seen_at = now_utc()
        "#,
        id(scanned.chain),
        &hashes,
        &transactions,
        &places,
        &numbers,
        &times,
        &kinds,
        &tokens,
        &senders,
        &receivers,
        &amounts,
    )
    .execute(connection)
    .await
    .map_err(refused("to keep events"))?;
    Ok(())
}

/// Keeps what is not known.
async fn gaps(connection: &mut PgConnection, scanned: &Scanned) -> Result<(), StoreError> {
    let numbers: Vec<i64> = scanned.gaps.iter().map(|it| stored(it.number)).collect();
    let wallets: Vec<Vec<u8>> = scanned.gaps.iter().map(|it| it.wallet.to_vec()).collect();
    let token = |token: Option<AddressBytes>| token.map_or_else(Vec::new, |it| it.to_vec());
    let tokens: Vec<Vec<u8>> = scanned.gaps.iter().map(|it| token(it.token)).collect();
    sqlx::query!(
        r#"
        insert into chain_gap (chain_id, number, wallet, token)
        select $1, g.number, g.wallet, g.token
          from unnest($2::bigint[], $3::bytea[], $4::bytea[]) as g (number, wallet, token)
            on conflict (chain_id, number, wallet, token) do nothing
        "#,
        id(scanned.chain),
        &numbers,
        &wallets,
        &tokens,
    )
    .execute(connection)
    .await
    .map_err(refused("to keep what is not known"))?;
    Ok(())
}

async fn confirm(connection: &mut PgConnection, scanned: &Scanned) -> Result<(), StoreError> {
    let Some(upto) = scanned.confirmed_to else {
        return Ok(());
    };
    let rows = sqlx::query!(
        r#"
        update chain_event
           set state = 'confirmed'
         where chain_id = $1
           and number <= $2
           and state = 'pending'
        returning block_hash, transaction, log_index
        "#,
        id(scanned.chain),
        stored(upto),
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(refused("to confirm events"))?;
    let mut confirmed = Events::default();
    for row in rows {
        confirmed.push(row.block_hash, row.transaction, row.log_index);
    }
    news::became(connection, scanned, Fate::Confirmed, &confirmed).await
}

async fn told(connection: &mut PgConnection, scanned: &Scanned) -> Result<(), StoreError> {
    let metrics: Vec<String> = scanned.told.iter().map(|it| it.metric.clone()).collect();
    let times: Vec<_> = scanned.told.iter().map(|it| it.at).collect();
    let numbers: Vec<i64> = scanned.told.iter().map(|it| stored(it.number)).collect();
    sqlx::query!(
        r#"
        insert into chain_told (chain_id, metric, at, number)
        select $1, t.metric, t.at, t.number
          from unnest($2::text[], $3::timestamptz[], $4::bigint[]) as t (metric, at, number)
            on conflict (chain_id, metric, at) do nothing
        "#,
        id(scanned.chain),
        &metrics,
        &times,
        &numbers,
    )
    .execute(connection)
    .await
    .map_err(refused("to keep what points came of"))?;
    Ok(())
}

/// Keeps the decimals of tokens.
pub(crate) async fn tokens(
    connection: &mut PgConnection,
    chain: Chain,
    tokens: &[TokenDecimals],
) -> Result<(), StoreError> {
    let addresses: Vec<Vec<u8>> = tokens.iter().map(|it| it.token.to_vec()).collect();
    let decimals = tokens.iter().map(|it| it.decimals.map(i16::from));
    let decimals: Vec<Option<i16>> = decimals.collect();
    sqlx::query!(
        r#"
        insert into chain_token (chain_id, address, decimals)
        select $1, t.address, t.decimals
          from unnest($2::bytea[], $3::smallint[]) as t (address, decimals)
            on conflict (chain_id, address) do nothing
        "#,
        id(chain),
        &addresses,
        &decimals as &[Option<i16>],
    )
    .execute(connection)
    .await
    .map_err(refused("to keep the decimals of tokens"))?;
    Ok(())
}
