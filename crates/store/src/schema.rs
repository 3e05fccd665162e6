//! The schema: bringing it up to date, and what a program asks of it before it works.

use std::time::Duration;

use packtrain_core::ports::StoreError;
use packtrain_core::secret::Secret;
use sqlx::Connection;
use sqlx::migrate::{MigrateError, Migrator};

use crate::bootstrap::{connect, run};
use crate::error::refused;
use crate::hypertable;

/// Every migration, as they were when this program was built.
static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations");

/// How long a migration waits for a lock; who comes after it waits as long.
const LOCKED_OUT_WITHIN: Duration = Duration::from_secs(2);
/// How long it lets the others pass then.
const LOCKED_OUT_PAUSE: Duration = Duration::from_secs(3);
/// How often it tries, at most: five minutes in all.
const MIGRATE_TRIES_MAX: u32 = 60;
/// What PostgreSQL calls it.
const LOCK_NOT_AVAILABLE: &str = "55P03";
/// And a function that is not there.
const NO_SUCH_FUNCTION: &str = "42883";

/// Brings the schema up to date; safe to run from several processes at once.
///
/// A migration that somebody's long transaction keeps from a table makes everybody else queue
/// behind it. So it gives up after two seconds, lets the others pass, and tries again.
///
/// # Errors
/// [`StoreError`] when a migration fails, finds a table locked at each of its tries, or was edited
/// after it had been applied.
pub async fn migrate(owner: &Secret<String>) -> Result<(), StoreError> {
    let limit = format!("set lock_timeout = {}", LOCKED_OUT_WITHIN.as_millis());
    let mut tried = 1;
    loop {
        let mut connection = connect(owner).await?;
        run(&mut connection, limit.clone()).await?;
        let done = MIGRATIONS.run(&mut connection).await;
        if done.is_ok() {
            hypertable::prepare(&mut connection).await?;
        }
        // Also the lock among migrations, which one that failed still holds.
        drop(connection.close().await);
        match done {
            Err(error) if tried < MIGRATE_TRIES_MAX && is_locked_out(&error) => {
                tried += 1;
                tokio::time::sleep(LOCKED_OUT_PAUSE).await;
            }
            done => {
                return done.map_err(|error| StoreError::Refused {
                    what: "a migration",
                    source: Box::new(error),
                });
            }
        }
    }
}

/// Whether somebody else held a lock for too long.
fn is_locked_out(error: &MigrateError) -> bool {
    let (MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _)) = error else {
        return false;
    };
    let code = cause.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| code == LOCK_NOT_AVAILABLE)
}

/// How far a database has come, against what this program knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schema {
    /// The last migration that it has; none when it is too old to say.
    pub has: Option<i64>,
    /// The last one that this program was built with.
    pub knows: i64,
}

impl Schema {
    /// Whether it lacks something that this program may use. More than it knows is well: what a
    /// release uses stays until the next one is everywhere.
    pub fn is_behind(self) -> bool {
        self.has.is_none_or(|has| has < self.knows)
    }
}

/// Asks the database at `url`, as any of the roles that work, which schema it has.
///
/// # Errors
/// [`StoreError`] when it cannot be asked.
pub async fn schema(url: &Secret<String>) -> Result<Schema, StoreError> {
    let mut connection = connect(url).await?;
    let has = sqlx::query_scalar!(r#"select schema_version() as "version!""#)
        .fetch_one(&mut connection)
        .await;
    let has = match has {
        Ok(has) => Some(has),
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(NO_SUCH_FUNCTION) => {
            None
        }
        Err(error) => return Err(refused("to ask for the schema")(error)),
    };
    let known = MIGRATIONS.iter().map(|migration| migration.version);
    Ok(Schema {
        has,
        knows: known.max().unwrap_or_default(),
    })
}
