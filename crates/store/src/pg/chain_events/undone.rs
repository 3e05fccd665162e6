//! What is no longer kept of a chain: all of it, what another branch has, and what is read again.

use packtrain_core::ids::JobId;
use packtrain_core::ports::{Scanned, StoreError};
use sqlx::PgConnection;

use super::news::{self, Events, Fate};
use super::{id, stored};
use crate::error::refused;

/// Forgets where a chain stood.
pub(super) async fn forget(
    connection: &mut PgConnection,
    scanned: &Scanned,
) -> Result<(), StoreError> {
    sqlx::query!(
        "delete from chain_event where chain_id = $1 and state = 'pending'",
        id(scanned.chain),
    )
    .execute(&mut *connection)
    .await
    .map_err(refused("to forget pending events"))?;
    sqlx::query!(
        "delete from chain_told where chain_id = $1",
        id(scanned.chain)
    )
    .execute(&mut *connection)
    .await
    .map_err(refused("to forget what was told"))?;
    sqlx::query!(
        "delete from chain_gap where chain_id = $1",
        id(scanned.chain)
    )
    .execute(&mut *connection)
    .await
    .map_err(refused("to forget what is not known"))?;
    sqlx::query!(
        "delete from chain_block where chain_id = $1",
        id(scanned.chain)
    )
    .execute(&mut *connection)
    .await
    .map_err(refused("to forget blocks"))?;
    sqlx::query!(
        "delete from chain_cursor where chain_id = $1",
        id(scanned.chain)
    )
    .execute(connection)
    .await
    .map_err(refused("to forget how far a chain was scanned"))?;
    Ok(())
}

/// Takes back what lies above a block. Of a part nobody was told, so nobody is told that it went.
pub(super) async fn undo(
    connection: &mut PgConnection,
    job: JobId,
    scanned: &Scanned,
    above: u64,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        with gone as (
            delete from chain_told
             where chain_id = $1
               and number > $2
            returning metric, at
        )
        insert into metric_undone (metric, at, tick)
        select g.metric, g.at, $3
          from gone g
            on conflict (metric, at) do nothing
        "#,
        id(scanned.chain),
        stored(above),
        job.as_uuid(),
    )
    .execute(&mut *connection)
    .await
    .map_err(refused("to take points back"))?;
    let gone = sqlx::query!(
        r#"
        update chain_event e
           set state = 'retracted'
          from chain_cursor c
         where e.chain_id = $1
           and e.number > $2
           and e.state in ('pending', 'confirmed')
           and c.chain_id = e.chain_id
        returning e.block_hash, e.transaction, e.log_index, e.number <= c.number as "is_told!"
        "#,
        id(scanned.chain),
        stored(above),
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(refused("to retract events"))?;
    let mut retracted = Events::default();
    for row in gone.into_iter().filter(|row| row.is_told) {
        retracted.push(row.block_hash, row.transaction, row.log_index);
    }
    news::became(connection, scanned, Fate::Retracted, &retracted).await?;
    gaps(connection, scanned, above).await?;
    sqlx::query!(
        "delete from chain_block where chain_id = $1 and number > $2",
        id(scanned.chain),
        stored(above),
    )
    .execute(connection)
    .await
    .map_err(refused("to remove blocks of another branch"))?;
    Ok(())
}

/// Gives up what was read of some wallets of the blocks above one. These are not scanned yet, so
/// nothing that was found in them was told or confirmed.
pub(super) async fn give_up(
    connection: &mut PgConnection,
    scanned: &Scanned,
    above: u64,
) -> Result<(), StoreError> {
    sqlx::query!(
        "delete from chain_event where chain_id = $1 and number > $2 and state = 'pending'",
        id(scanned.chain),
        stored(above),
    )
    .execute(&mut *connection)
    .await
    .map_err(refused("to give up events that are read again"))?;
    gaps(connection, scanned, above).await
}

/// Removes what was not known of the blocks above one.
async fn gaps(
    connection: &mut PgConnection,
    scanned: &Scanned,
    above: u64,
) -> Result<(), StoreError> {
    sqlx::query!(
        "delete from chain_gap where chain_id = $1 and number > $2",
        id(scanned.chain),
        stored(above),
    )
    .execute(connection)
    .await
    .map_err(refused(
        "to remove gaps of blocks that are gone or read again",
    ))?;
    Ok(())
}
