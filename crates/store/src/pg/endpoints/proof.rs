//! Codes by which owners prove that they want endpoints: hashes of them, and how many are sent.

use packtrain_core::ids::{EndpointId, TenantId};
use packtrain_core::ports::{AskedAgain, Proof, StoreError};
use packtrain_core::proof::CodeHash;
use sqlx::PgConnection;

use crate::error::refused;

/// Wrong codes after which none holds until another is sent.
const WRONG_MAX: i32 = 5;
/// Messages with a code that one endpoint is sent at one address.
const SENT_MAX: i32 = 5;
/// Codes of one message that hold beside each other: as many as it has attempts. A message that
/// waits for a rate asks for a code each time it comes back.
const CODES_MAX: i32 = 9;
/// How far apart they are.
const SENT_EVERY_S: f64 = 60.0;
/// Messages with a code that one tenant causes on a day.
pub(super) const CODES_A_DAY_MAX: i32 = 100;

/// Keeps the hash of a code that is about to be sent, and the last few before it. Whether there is
/// anything to prove.
pub(super) async fn challenge(
    connection: &mut PgConnection,
    id: EndpointId,
    code: &CodeHash,
    is_first: bool,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        r#"
        update endpoint
           set codes = case when $3 then array[$2::bytea]
                            else (array_append(codes, $2::bytea))
                                 [greatest(cardinality(codes) + 2 - $4, 1):] end,
               codes_until = now_utc() + interval '24 hours',
               codes_wrong = case when $3 then 0 else codes_wrong end
         where id = $1
           and unverified_since is not null
        "#,
        id.as_uuid(),
        &code[..],
        is_first,
        CODES_MAX,
    )
    .execute(connection)
    .await
    .map_err(refused("to keep a code"))?;
    Ok(done.rows_affected() > 0)
}

/// Compares a code with those that were sent, and counts it when it is wrong.
pub(super) async fn prove(
    connection: &mut PgConnection,
    id: EndpointId,
    code: &CodeHash,
) -> Result<Proof, StoreError> {
    let found = sqlx::query!(
        r#"
        select unverified_since is not null as "is_asked!",
               coalesce(codes_until > now_utc(), false) and codes_wrong < $3 as "holds!",
               $2::bytea = any(codes) as "is_right!"
          from endpoint
         where id = $1
           for update
        "#,
        id.as_uuid(),
        &code[..],
        WRONG_MAX,
    )
    .fetch_optional(&mut *connection)
    .await
    .map_err(refused("to read the codes of an endpoint"))?;
    let Some(found) = found else {
        return Ok(Proof::Missing);
    };
    match (found.is_asked, found.holds, found.is_right) {
        (false, ..) => return Ok(Proof::Before),
        (_, false, _) => return Ok(Proof::Stale),
        _ => {}
    }
    sqlx::query!(
        r#"
        update endpoint
           set unverified_since = case when $2 then null else unverified_since end,
               verified_at = case when $2 then coalesce(verified_at, now_utc())
                                  else verified_at end,
               codes = case when $2 then '{}' else codes end,
               codes_wrong = codes_wrong + case when $2 then 0 else 1 end
         where id = $1
        "#,
        id.as_uuid(),
        found.is_right,
    )
    .execute(connection)
    .await
    .map_err(refused("to note what a code proves"))?;
    Ok(if found.is_right {
        Proof::Right
    } else {
        Proof::Wrong
    })
}

/// Notes that another code is sent, unless that was a moment ago or too often.
pub(super) async fn ask_again(
    connection: &mut PgConnection,
    tenant: TenantId,
    id: EndpointId,
) -> Result<AskedAgain, StoreError> {
    let found = sqlx::query!(
        r#"
        select unverified_since is not null as "is_asked!",
               codes_sent,
               coalesce(codes_sent_at > now_utc() - $2 * interval '1 second', false) as "is_early!"
          from endpoint
         where id = $1
           for update
        "#,
        id.as_uuid(),
        SENT_EVERY_S,
    )
    .fetch_optional(&mut *connection)
    .await
    .map_err(refused("to read how many codes were sent"))?;
    let Some(found) = found else {
        return Ok(AskedAgain::Missing);
    };
    if !found.is_asked {
        return Ok(AskedAgain::Before);
    }
    if found.is_early {
        return Ok(AskedAgain::Early);
    }
    if found.codes_sent >= SENT_MAX || !count(connection, tenant).await? {
        return Ok(AskedAgain::Many);
    }
    sqlx::query!(
        r#"
        update endpoint
           set codes_sent = codes_sent + 1,
               codes_sent_at = now_utc()
         where id = $1
        "#,
        id.as_uuid(),
    )
    .execute(connection)
    .await
    .map_err(refused("to note that a code is sent"))?;
    Ok(AskedAgain::Now)
}

/// Counts a message with a code; false where a tenant caused as many today as there may be.
pub(super) async fn count(
    connection: &mut PgConnection,
    tenant: TenantId,
) -> Result<bool, StoreError> {
    sqlx::query!("delete from code_count where day < now_utc()::date")
        .execute(&mut *connection)
        .await
        .map_err(refused("to forget how many codes were sent"))?;
    let sent = sqlx::query_scalar!(
        r#"
        insert into code_count as c (tenant_id, day, sent)
        values ($1, now_utc()::date, 1)
            on conflict (tenant_id, day) do update
           set sent = c.sent + 1
         where c.sent < $2
        returning sent
        "#,
        tenant.as_uuid(),
        CODES_A_DAY_MAX,
    )
    .fetch_optional(connection)
    .await
    .map_err(refused("to count codes"))?;
    Ok(sent.is_some())
}
