//! One database a test, copied from the migrated template and dropped with the test.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::{Days, NaiveTime, TimeDelta};
use packtrain_core::ids::{ApiKeyId, ClockIds, IdSource, JobId, TenantId};
use packtrain_core::ports::KeyScope;
use packtrain_core::secret::Secret;
use packtrain_core::time::{Clock, SystemClock, Timestamp};
use packtrain_store::{
    KeyMaterial, NewTenant, Pools, Urls, create_api_key, create_from_template, create_tenant,
    drop_database,
};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection};

use crate::cluster::{Cluster, TEST_PREFIX, connect};
use crate::wait::{Hold, until};

/// Connections of each pool, unless a test asks for more.
const CONNECTIONS: u32 = 8;
/// Longer than a test lasts.
const TEST_MAX: TimeDelta = TimeDelta::minutes(10);

/// Who connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// May do anything and is bound by no policy: for preparing and inspecting.
    Superuser,
    /// `packtrain_owner`.
    Owner,
    /// `packtrain_app`.
    App,
    /// `packtrain_operator`.
    Operator,
    /// `packtrain_worker`.
    Worker,
}

/// A test's own database. Dropping it drops the database, also when the test panics.
///
/// Dropping waits for the server, and the server for every client that is about to come in. So none
/// may be dropped by a task that is connecting elsewhere at the same time, as one branch of a
/// `join!` beside another: both would stand still until the server gives the connection up.
pub struct Database {
    cluster: Cluster,
    name: String,
    urls: Urls,
    pools: Pools,
    ids: Arc<dyn IdSource>,
}

impl Database {
    /// A fresh database with the whole schema and nothing in it.
    pub async fn new() -> Self {
        Self::with_connections(CONNECTIONS).await
    }

    /// A fresh database whose pools hold up to so many connections each.
    pub async fn with_connections(connections_max: u32) -> Self {
        let cluster = Cluster::from_environment();
        let template = cluster.template().await;
        Self::from_template(cluster, template, connections_max).await
    }

    /// A fresh database on a server of the test's own: the superuser's address, without a database.
    pub async fn on(server: &str) -> Self {
        let cluster = Cluster::parse(server);
        let template = cluster.make_template().await;
        Self::from_template(cluster, &template, CONNECTIONS).await
    }

    async fn from_template(cluster: Cluster, template: &str, connections_max: u32) -> Self {
        let ids: Arc<dyn IdSource> = Arc::new(ClockIds::new(SystemClock));
        let name = format!("{TEST_PREFIX}{}", ids.uuid().simple());
        create_from_template(&cluster.superuser("postgres"), &name, template)
            .await
            .expect("the template can be copied");
        let urls = Urls {
            app: cluster.role("packtrain_app", &name),
            operator: cluster.role("packtrain_operator", &name),
            worker: cluster.role("packtrain_worker", &name),
            direct: cluster.role("packtrain_worker", &name),
            pooled: false,
        };
        // A test may break connections between two statements: each is asked before it is used.
        let pools = Pools::open(&urls, connections_max, Duration::ZERO);
        let pools = pools.expect("the addresses can be read");
        let straight = Self {
            cluster,
            name,
            urls,
            pools,
            ids,
        };
        match pooler() {
            Some(pooler) => straight.through(pooler, connections_max).await,
            None => straight,
        }
    }

    /// Addresses, as the product's settings would give them.
    pub const fn urls(&self) -> &Urls {
        &self.urls
    }

    /// Open pools, one a role.
    pub const fn pools(&self) -> &Pools {
        &self.pools
    }

    /// Ids of the present moment.
    pub fn ids(&self) -> Arc<dyn IdSource> {
        Arc::clone(&self.ids)
    }

    /// The address for a role, straight to the server.
    pub fn url(&self, role: Role) -> Secret<String> {
        match role {
            Role::Superuser => self.cluster.superuser(&self.name),
            Role::Owner => self.cluster.role("packtrain_owner", &self.name),
            Role::App => self.cluster.role("packtrain_app", &self.name),
            Role::Operator => self.cluster.role("packtrain_operator", &self.name),
            Role::Worker => self.cluster.role("packtrain_worker", &self.name),
        }
    }

    /// The same database by way of a pooler: its pools go through it, and only what listens and
    /// renews does not.
    pub async fn through(mut self, pooler: SocketAddr, connections_max: u32) -> Self {
        let by_way = |role| self.url_through(role, pooler);
        self.urls = Urls {
            app: by_way(Role::App),
            operator: by_way(Role::Operator),
            worker: by_way(Role::Worker),
            direct: self.url(Role::Worker),
            pooled: true,
        };
        self.pools.close().await;
        let pools = Pools::open(&self.urls, connections_max, Duration::ZERO);
        self.pools = pools.expect("the addresses can be read");
        self
    }

    /// Where the server listens.
    pub fn server_address(&self) -> SocketAddr {
        let url = self.url(Role::Worker);
        let rest = url.reveal().rsplit_once('@').map(|(_, rest)| rest);
        let host = rest.and_then(|rest| rest.split('/').next());
        host.and_then(|host| host.parse().ok())
            .expect("the server listens on an address and a port")
    }

    /// The address for a role, by way of this one.
    pub fn url_through(&self, role: Role, proxy: SocketAddr) -> Secret<String> {
        let server = self.server_address().to_string();
        let url = self.url(role).reveal().replace(&server, &proxy.to_string());
        Secret::new(url)
    }

    /// A connection outside the pools.
    pub async fn connect(&self, role: Role) -> PgConnection {
        connect(&self.url(role)).await
    }

    /// The tenant of this name; it is made when it is first named.
    pub async fn tenant(&self, name: &str) -> TenantId {
        let id = JobId::from_uuid(TenantId::SYSTEM.as_uuid()).derive(name);
        let tenant = NewTenant {
            id: TenantId::from_uuid(id.as_uuid()),
            name: name.to_owned(),
        };
        create_tenant(&self.url(Role::Owner), &tenant)
            .await
            .expect("a tenant can be made");
        tenant.id
    }

    /// A new API key of a tenant.
    pub async fn api_key(&self, tenant: TenantId, scopes: &[KeyScope]) -> KeyMaterial {
        let secret = [self.ids.uuid(), self.ids.uuid()].map(|half| half.simple().to_string());
        let key = KeyMaterial {
            id: ApiKeyId::from_uuid(self.ids.uuid()),
            secret: Secret::new(secret.concat()),
        };
        create_api_key(&self.url(Role::Owner), tenant, "test", scopes, &key)
            .await
            .expect("a key can be stored");
        key
    }

    /// Runs one statement as superuser; returns how many rows it touched.
    pub async fn run(&self, sql: &str) -> u64 {
        let mut connection = self.connect(Role::Superuser).await;
        sqlx::query(AssertSqlSafe(sql.to_owned()))
            .execute(&mut connection)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"))
            .rows_affected()
    }

    /// Takes the schema away, as in a database that was never migrated.
    pub async fn unmigrate(&self) {
        for sql in [
            "drop schema public cascade",
            "create schema public authorization pg_database_owner",
            "grant usage on schema public to public",
        ] {
            self.run(sql).await;
        }
    }

    /// The one number that a query gives, asked as superuser.
    pub async fn number(&self, sql: &str) -> i64 {
        let mut connection = self.connect(Role::Superuser).await;
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned()))
            .fetch_one(&mut connection)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// The texts that a query gives, asked as superuser.
    pub async fn texts(&self, sql: &str) -> Vec<String> {
        let mut connection = self.connect(Role::Superuser).await;
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned()))
            .fetch_all(&mut connection)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Gives a server setting another value for every session that begins from now on.
    pub async fn set(&self, setting: &str, value: &str) {
        let name = &self.name;
        self.run(&format!("alter database {name} set {setting} = '{value}'"))
            .await;
    }

    /// Shifts SQL's clock against real time. No session is left that began in the time before:
    /// whoever uses one next, or listened on one, has to connect again. What tests hold open, as
    /// superuser, stays.
    pub async fn shift_clock(&self, by: TimeDelta) {
        let offset = format!("{} milliseconds", by.num_milliseconds());
        self.set("packtrain.clock_offset", &offset).await;
        let began = "select clock_timestamp()::text";
        let [now] = &self.texts(began).await[..] else {
            unreachable!("a query without a table gives one row");
        };
        // All are told at once, and each answers before it takes its next statement: else one in
        // the new time could give another in the old time something to do. One that is busy is
        // told when it is not.
        let end = format!(
            "with old as materialized (
                 select pid, state
                   from pg_stat_activity
                  where datname = current_database()
                    and backend_type = 'client backend'
                    and usename <> current_user
                    and backend_start < '{now}'),
             told as materialized (
                 select pg_terminate_backend(pid)
                   from old
                  where state = 'idle')
             select (select count(*) from old) + 0 * (select count(*) from told)"
        );
        until("no session is in the time before", async || {
            self.number(&end).await == 0
        })
        .await;
    }

    /// Sees to it that no day that SQL counts ends while the test runs: shortly before one does,
    /// SQL's clock goes on in the next; see [`Self::shift_clock`]. Says by how much it is ahead.
    pub async fn within_a_day(&self) -> TimeDelta {
        let tomorrow = (SystemClock.now().date_naive() + Days::new(1)).and_time(NaiveTime::MIN);
        if tomorrow.and_utc() - SystemClock.now() > TEST_MAX {
            return TimeDelta::zero();
        }
        self.shift_clock(TEST_MAX).await;
        TEST_MAX
    }

    /// Lets SQL's clock go on from a moment, written as RFC 3339; see [`Self::shift_clock`].
    pub async fn set_clock(&self, moment: &str) {
        let moment: Timestamp = moment.parse().expect("a moment is RFC 3339");
        self.shift_clock(moment - SystemClock.now()).await;
    }

    /// Begins a transaction as superuser, runs a statement in it and keeps it open with whatever
    /// it locked.
    pub async fn hold(&self, sql: &str) -> Hold {
        Hold::begin(self.connect(Role::Superuser).await, sql).await
    }

    /// Waits until so many sessions of this database wait for a lock.
    pub async fn blocked(&self, sessions: i64) {
        until("sessions wait for a lock", async || {
            self.number(
                "select count(*)
                   from pg_stat_activity
                  where datname = current_database()
                    and wait_event_type = 'Lock'",
            )
            .await
                >= sessions
        })
        .await;
    }
}

/// Runs one statement on a server, as whoever the address names.
pub async fn run_on(url: &Secret<String>, sql: &str) {
    let mut connection = connect(url).await;
    sqlx::query(AssertSqlSafe(sql.to_owned()))
        .execute(&mut connection)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// The number that a query gives; none while the server does not answer.
pub async fn number_on(url: &Secret<String>, sql: &str) -> Option<i64> {
    let mut connection = PgConnection::connect(url.reveal()).await.ok()?;
    sqlx::query_scalar(AssertSqlSafe(sql.to_owned()))
        .fetch_one(&mut connection)
        .await
        .ok()
}

/// The pooler that every database of this run lies behind, where the environment names one.
#[expect(
    clippy::disallowed_methods,
    reason = "the test run hands the pooler over in the environment"
)]
fn pooler() -> Option<SocketAddr> {
    let named = std::env::var("PACKTRAIN_TEST_POOLER").ok()?;
    Some(
        named
            .parse()
            .expect("PACKTRAIN_TEST_POOLER is an address and a port"),
    )
}

impl Drop for Database {
    fn drop(&mut self) {
        let superuser = self.cluster.superuser("postgres");
        let name = std::mem::take(&mut self.name);
        // A thread of its own: the test's runtime may be the one that is unwinding. What cannot
        // be dropped now is dropped by a later run as abandoned.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            if let Ok(runtime) = runtime {
                let _ = runtime.block_on(drop_database(&superuser, &name));
            }
        });
        let _ = dropping.join();
    }
}
