//! How many connections the server takes.

use packtrain_core::ports::StoreError;
use packtrain_core::secret::Secret;
use sqlx::Connection;
use sqlx::postgres::PgConnection;

use crate::bootstrap::Limits;
use crate::error::{number, refused};
use crate::pools::parse;

/// Connections that the server takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// From everybody.
    pub connections_max: u32,
    /// Of these, kept for superusers and their like.
    pub reserved: u32,
    /// From each role.
    pub limits: Limits,
}

/// Asks the server at `url` how many connections it takes.
///
/// # Errors
/// [`StoreError`] when it cannot be asked.
pub async fn capacity(url: &Secret<String>) -> Result<Capacity, StoreError> {
    let connection = PgConnection::connect_with(&parse(url)?).await;
    let mut connection = connection.map_err(refused("a connection"))?;
    let row = sqlx::query!(
        r#"
        select current_setting('max_connections')::integer as "connections_max!",
               current_setting('superuser_reserved_connections')::integer
               + coalesce(current_setting('reserved_connections', true), '0')::integer
                   as "reserved!",
               (select rolconnlimit from pg_catalog.pg_roles where rolname = 'packtrain_app')
                   as app,
               (select rolconnlimit from pg_catalog.pg_roles where rolname = 'packtrain_operator')
                   as operator,
               (select rolconnlimit from pg_catalog.pg_roles where rolname = 'packtrain_worker')
                   as worker
        "#,
    )
    .fetch_one(&mut connection)
    .await
    .map_err(refused("to ask how many connections it takes"))?;
    // Without a limit it is -1.
    let limit = |limit: Option<i32>| limit.and_then(|limit| u32::try_from(limit).ok());
    Ok(Capacity {
        connections_max: number("max_connections", row.connections_max)?,
        reserved: number("reserved connections", row.reserved)?,
        limits: Limits {
            app: limit(row.app),
            operator: limit(row.operator),
            worker: limit(row.worker),
        },
    })
}
