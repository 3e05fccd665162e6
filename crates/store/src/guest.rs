//! Being a guest on a server that was given: what is on it already, and leaving it as it was.

use std::path::PathBuf;

use packtrain_core::ports::StoreError;
use packtrain_core::secret::Secret;
use sqlx::postgres::PgConnection;
use sqlx::{ConnectOptions, Connection};

use crate::bootstrap::drop_database;
use crate::error::refused;
use crate::pools::parse;

/// The address of a role's database on the superuser's server.
///
/// # Errors
/// [`StoreError`] when the superuser's address cannot be read.
pub fn address(
    superuser: &Secret<String>,
    database: &str,
    role: &str,
    password: &str,
) -> Result<Secret<String>, StoreError> {
    let options = parse(superuser)?
        .database(database)
        .username(role)
        .password(password);
    Ok(Secret::new(options.to_url_lossy().to_string()))
}

/// Whether roles of packtrain are on this server: another packtrain works there.
///
/// # Errors
/// [`StoreError`] when the server cannot be asked.
pub async fn has_roles(superuser: &Secret<String>) -> Result<bool, StoreError> {
    sqlx::query_scalar!(
        r#"
        select exists (select from pg_catalog.pg_roles where rolname like 'packtrain\_%')
               as "found!"
        "#,
    )
    .fetch_one(&mut connect(superuser).await?)
    .await
    .map_err(refused("to look for roles"))
}

/// Where the server keeps its data, on its own machine.
///
/// # Errors
/// [`StoreError`] when the server cannot be asked.
pub async fn data_folder(superuser: &Secret<String>) -> Result<PathBuf, StoreError> {
    sqlx::query_scalar!(r#"select current_setting('data_directory') as "folder!""#)
        .fetch_one(&mut connect(superuser).await?)
        .await
        .map(PathBuf::from)
        .map_err(refused("to ask for the data folder"))
}

/// Drops the database and the roles that [`bootstrap`](crate::bootstrap()) made.
///
/// # Errors
/// [`StoreError`] when the server refuses.
pub async fn leave(superuser: &Secret<String>, database: &str) -> Result<(), StoreError> {
    drop_database(superuser, database).await?;
    sqlx::query!(
        "drop role if exists packtrain_owner, packtrain_app, packtrain_operator, packtrain_worker,
                             packtrain_view",
    )
    .execute(&mut connect(superuser).await?)
    .await
    .map_err(refused("to drop roles"))?;
    Ok(())
}

async fn connect(superuser: &Secret<String>) -> Result<PgConnection, StoreError> {
    let options = parse(superuser)?.disable_statement_logging();
    PgConnection::connect_with(&options)
        .await
        .map_err(refused("a connection"))
}
