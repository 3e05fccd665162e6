//! Which role an address leads to.

use std::fmt;

use packtrain_core::ports::StoreError;
use packtrain_core::secret::Secret;
use sqlx::postgres::PgConnection;
use sqlx::{ConnectOptions, Connection};

use crate::error::refused;
use crate::pools::parse;

/// What makes an address no good for its purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfit {
    /// Its role goes past row-level security: it would see the rows of every tenant.
    Unbound(String),
    /// Its role lacks the rights of the wanted one.
    Other(String),
}

impl fmt::Display for Unfit {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unbound(role) => write!(
                to,
                "{role}, which goes past row-level security: one tenant would see what is another's"
            ),
            Self::Other(role) => write!(to, "{role}, which has not the rights of it"),
        }
    }
}

/// What is being done.
const ASKING: &str = "to ask for a role";

/// Asks the server at `url` who one is there, and what is wrong with that for one who shall be
/// `wanted`, or a member of it.
///
/// # Errors
/// [`StoreError`] when it cannot be asked.
pub async fn unfit(url: &Secret<String>, wanted: &str) -> Result<Option<Unfit>, StoreError> {
    // The way may lead through a pooler, which lends its connections for one transaction each:
    // nothing is kept prepared, and what is prepared is used in the same transaction.
    let options = parse(url)?
        .disable_statement_logging()
        .statement_cache_capacity(0);
    let mut connection = PgConnection::connect_with(&options)
        .await
        .map_err(refused("a connection"))?;
    let mut tx = connection.begin().await.map_err(refused(ASKING))?;
    let found = sqlx::query!(
        r#"
        select own.rolname::text as "name!",
               own.rolsuper or own.rolbypassrls as "is_unbound!",
               exists (select from pg_catalog.pg_roles as other
                       where other.rolname = $1 and pg_has_role(other.oid, 'member'))
                   as "is_member!"
        from pg_catalog.pg_roles as own
        where own.rolname = current_user
        "#,
        wanted,
    )
    .fetch_one(&mut *tx)
    .await
    .map_err(refused(ASKING))?;
    tx.commit().await.map_err(refused(ASKING))?;
    Ok(match (found.is_unbound, found.is_member) {
        (true, _) => Some(Unfit::Unbound(found.name)),
        (false, false) => Some(Unfit::Other(found.name)),
        (false, true) => None,
    })
}
