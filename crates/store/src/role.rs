//! Which role an address leads to.

use std::fmt;

use packtrain_core::ports::StoreError;
use packtrain_core::secret::Secret;
use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::bootstrap::connect;
use crate::error::refused;

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

/// Who one is, whether row-level security binds one, and of which of the product's roles one is a
/// member.
const WHO: &str = "
    select own.rolname::text as name, own.rolsuper or own.rolbypassrls as is_unbound,
           (select coalesce(string_agg(other.rolname, ','), '')
              from pg_catalog.pg_roles as other
             where other.rolname like 'packtrain%' and pg_has_role(other.oid, 'member')) as roles
    from pg_catalog.pg_roles as own
    where own.rolname = current_user";

/// Asks the server at `url` who one is there, and what is wrong with that for one who shall be
/// `wanted`, or a member of it.
///
/// # Errors
/// [`StoreError`] when it cannot be asked.
pub async fn unfit(url: &Secret<String>, wanted: &str) -> Result<Option<Unfit>, StoreError> {
    let mut connection = connect(url).await?;
    // Not prepared: a pooler lends the connection to others as soon as the answer is there, and
    // one of them would prepare a statement of the same name.
    let found = sqlx::raw_sql(WHO).fetch_one(&mut connection).await;
    let (name, is_unbound, roles) = found.and_then(read).map_err(refused("to ask for a role"))?;
    let is_member = roles.split(',').any(|role| role == wanted);
    Ok(match (is_unbound, is_member) {
        (true, _) => Some(Unfit::Unbound(name)),
        (false, false) => Some(Unfit::Other(name)),
        (false, true) => None,
    })
}

fn read(row: PgRow) -> Result<(String, bool, String), sqlx::Error> {
    Ok((
        row.try_get("name")?,
        row.try_get("is_unbound")?,
        row.try_get("roles")?,
    ))
}
