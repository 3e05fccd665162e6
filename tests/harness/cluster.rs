//! The private server of the run: roles, one migrated template, and what dead tests left behind.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use chrono::TimeDelta;
use packtrain_core::secret::Secret;
use packtrain_core::time::{Clock, SystemClock};
use packtrain_store::{Bootstrap, Limits, Roles, bootstrap, drop_database, migrate};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection};
use tokio::sync::OnceCell;

/// What the names of all databases of tests begin with; a UUIDv7 follows.
pub(crate) const TEST_PREFIX: &str = "packtrain_test_";
/// The password of every role in tests.
const PASSWORD: &str = "packtrain-tests";
/// Serialises set-up across processes: a number that nothing else in the cluster locks.
const SETUP_LOCK: i64 = 0x7061_636b_7465;
/// Databases older than this belong to tests that were killed.
const ABANDONED_AFTER: TimeDelta = TimeDelta::hours(1);

/// The server that tests may do anything with.
#[derive(Debug, Clone)]
pub(crate) struct Cluster {
    /// User and password, with their `@`.
    login: String,
    /// Host and port.
    host: String,
    /// Parameters, with their `?`.
    query: String,
}

impl Cluster {
    /// The server that the environment names.
    #[expect(
        clippy::disallowed_methods,
        reason = "the test run hands the server over in the environment"
    )]
    pub(crate) fn from_environment() -> Self {
        let url = std::env::var("PACKTRAIN_TEST_PG").unwrap_or_else(|_| {
            panic!(
                "these tests need their own PostgreSQL: run `cargo xtask test`, which starts one \
                 and names it in PACKTRAIN_TEST_PG"
            )
        });
        Self::parse(&url)
    }

    pub(crate) fn parse(url: &str) -> Self {
        let rest = url
            .strip_prefix("postgres://")
            .or_else(|| url.strip_prefix("postgresql://"))
            .expect("PACKTRAIN_TEST_PG begins with postgres://");
        let (rest, query) = match rest.split_once('?') {
            Some((rest, query)) => (rest, format!("?{query}")),
            None => (rest, String::new()),
        };
        let (login, host) = rest
            .rsplit_once('@')
            .expect("PACKTRAIN_TEST_PG names the superuser");
        let host = host.split('/').next().unwrap_or(host);
        Self {
            login: format!("{login}@"),
            host: host.to_owned(),
            query,
        }
    }

    /// The superuser's address of a database.
    pub(crate) fn superuser(&self, database: &str) -> Secret<String> {
        let Self { login, host, query } = self;
        Secret::new(format!("postgres://{login}{host}/{database}{query}"))
    }

    /// A role's address of a database.
    pub(crate) fn role(&self, role: &str, database: &str) -> Secret<String> {
        let Self { host, query, .. } = self;
        Secret::new(format!(
            "postgres://{role}:{PASSWORD}@{host}/{database}{query}"
        ))
    }

    /// The name of the migrated template; the first test of a run makes it.
    pub(crate) async fn template(&self) -> &'static str {
        static TEMPLATE: OnceCell<String> = OnceCell::const_new();
        TEMPLATE.get_or_init(|| self.make_template()).await
    }

    /// Makes the template unless it is there: the lock is the database's, and a template
    /// gets its name only when it is whole.
    pub(crate) async fn make_template(&self) -> String {
        let name = format!("packtrain_template_{:016x}", migrations_hash());
        let superuser = self.superuser("postgres");
        let mut connection = connect(&superuser).await;
        sqlx::query("select pg_advisory_lock($1)")
            .bind(SETUP_LOCK)
            .execute(&mut connection)
            .await
            .expect("the set-up lock is given");
        drop_abandoned(&mut connection, &superuser).await;
        let known: Option<i32> = sqlx::query_scalar("select 1 from pg_database where datname = $1")
            .bind(&name)
            .fetch_optional(&mut connection)
            .await
            .expect("the databases can be listed");
        if known.is_none() {
            self.fill_template(&mut connection, &superuser, &name).await;
        }
        connection.close().await.expect("the lock is given back");
        name
    }

    async fn fill_template(
        &self,
        connection: &mut PgConnection,
        superuser: &Secret<String>,
        name: &str,
    ) {
        let raw = format!("{name}_raw");
        let password = || Secret::new(PASSWORD.to_owned());
        let wanted = Bootstrap {
            database: raw.clone(),
            roles: Roles {
                owner: password(),
                app: password(),
                operator: password(),
                worker: password(),
            },
            limits: Limits::default(),
        };
        drop_database(superuser, &raw)
            .await
            .expect("a half-made template can be dropped");
        bootstrap(superuser, &wanted)
            .await
            .expect("the server lets the superuser make roles");
        migrate(&self.role("packtrain_owner", &raw))
            .await
            .expect("the migrations run");
        self.check_migrated(&raw).await;
        sqlx::query(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1",
        )
        .bind(&raw)
        .execute(&mut *connection)
        .await
        .expect("the migrating session can be ended");
        for sql in [
            format!("alter database {raw} with allow_connections false"),
            format!("alter database {raw} rename to {name}"),
        ] {
            sqlx::query(AssertSqlSafe(sql))
                .execute(&mut *connection)
                .await
                .expect("the template can be sealed");
        }
    }

    /// The migrations that were run are those that lie in the folder, which names the template.
    async fn check_migrated(&self, database: &str) {
        let mut connection = connect(&self.superuser(database)).await;
        let run: i64 = sqlx::query_scalar("select count(*) from _sqlx_migrations")
            .fetch_one(&mut connection)
            .await
            .expect("the migrations keep a list");
        let lie = i64::try_from(migrations().len()).expect("there are few migrations");
        assert_eq!(run, lie, "packtrain-store was built with other migrations");
    }
}

/// Connects, or fails the test.
pub(crate) async fn connect(url: &Secret<String>) -> PgConnection {
    PgConnection::connect(url.reveal())
        .await
        .expect("the test server takes connections")
}

/// Drops databases of tests that were killed before they could.
async fn drop_abandoned(connection: &mut PgConnection, superuser: &Secret<String>) {
    let names: Vec<String> =
        sqlx::query_scalar("select datname from pg_database where starts_with(datname, $1)")
            .bind(TEST_PREFIX)
            .fetch_all(connection)
            .await
            .expect("the databases can be listed");
    let oldest = (SystemClock.now() - ABANDONED_AFTER).timestamp_millis();
    for name in names {
        let made = name
            .get(TEST_PREFIX.len()..TEST_PREFIX.len() + 12)
            .and_then(|hex| i64::from_str_radix(hex, 16).ok());
        if made.is_some_and(|ms| ms < oldest) {
            drop_database(superuser, &name)
                .await
                .expect("an abandoned database can be dropped");
        }
    }
}

fn migrations() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .expect("the migrations lie beside the tests")
        .map(|entry| entry.expect("the folder can be read").path())
        .collect();
    paths.sort();
    paths
}

/// Names and texts of all migrations: another schema has another template.
fn migrations_hash() -> u64 {
    let mut hash = DefaultHasher::new();
    for path in migrations() {
        path.file_name().hash(&mut hash);
        std::fs::read(path)
            .expect("a migration can be read")
            .hash(&mut hash);
    }
    hash.finish()
}
