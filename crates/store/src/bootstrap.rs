//! Making a database ready: roles and tenants. Runs as superuser or owner.

use packtrain_core::ids::TenantId;
use packtrain_core::ports::StoreError;
use packtrain_core::secret::Secret;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

use crate::error::refused;
use crate::pools::parse;

/// Passwords of the roles that log in.
#[derive(Debug, Clone)]
pub struct Roles {
    /// `packtrain_owner`, which migrates.
    pub owner: Secret<String>,
    /// `packtrain_app`.
    pub app: Secret<String>,
    /// `packtrain_operator`.
    pub operator: Secret<String>,
    /// `packtrain_worker`.
    pub worker: Secret<String>,
}

/// What [`bootstrap`] makes.
#[derive(Debug, Clone)]
pub struct Bootstrap {
    /// The database; made when it is not there.
    pub database: String,
    /// Passwords, set anew each time.
    pub roles: Roles,
    /// How many connections the server grants, set anew each time.
    pub limits: Limits,
}

/// How many connections the server grants each role of the processes, at most; none: as many as it
/// has. Whoever uses up a share of its own leaves the others theirs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// `packtrain_app`.
    pub app: Option<u32>,
    /// `packtrain_operator`.
    pub operator: Option<u32>,
    /// `packtrain_worker`.
    pub worker: Option<u32>,
}

/// What the server grants a session of the three working roles.
///
/// A process may vanish without a word, and all its host with it. In the middle of a transaction
/// its session would keep its locks for ever, and a job of which it had written the end could be
/// ended by nobody else: the server gives up on a session that sends nothing between two statements
/// (ours come within milliseconds). Outside of one it would take a connection from the others for
/// the two hours that Linux waits by default: a peer that answers nothing is given up after 25 s.
/// And a statement whose caller has closed the connection ends within 2 s, instead of waiting for
/// locks that nobody needs any more.
const PATIENCE: [(&str, &str); 5] = [
    ("client_connection_check_interval", "2s"),
    ("idle_in_transaction_session_timeout", "3s"),
    ("tcp_keepalives_idle", "10s"),
    ("tcp_keepalives_interval", "5s"),
    ("tcp_keepalives_count", "3"),
];

/// Whether the server at `url` answers.
///
/// # Errors
/// [`StoreError`] with what the server, or the network, said.
pub async fn probe(url: &Secret<String>) -> Result<(), StoreError> {
    let mut connection = connect(url).await?;
    sqlx::query_scalar!("select 1 as one")
        .fetch_one(&mut connection)
        .await
        .map_err(refused("select 1"))?;
    Ok(())
}

/// Makes roles and database; `superuser` must be allowed to. Doing it again sets the passwords and
/// the roles' settings.
///
/// # Errors
/// [`StoreError`] when the server refuses.
pub async fn bootstrap(superuser: &Secret<String>, wanted: &Bootstrap) -> Result<(), StoreError> {
    let mut connection = connect(superuser).await?;
    let Bootstrap { roles, limits, .. } = wanted;
    for (role, password, limit) in [
        ("packtrain_owner", &roles.owner, None),
        ("packtrain_app", &roles.app, limits.app),
        ("packtrain_operator", &roles.operator, limits.operator),
        ("packtrain_worker", &roles.worker, limits.worker),
    ] {
        let login = format!(
            "login nosuperuser nobypassrls nocreatedb nocreaterole connection limit {} password {}",
            limit.map_or(-1, i64::from),
            literal(password.reveal())
        );
        ensure_role(&mut connection, role, &login).await?;
    }
    for role in ["packtrain_app", "packtrain_operator", "packtrain_worker"] {
        for (setting, value) in PATIENCE {
            let sql = format!("alter role {role} set {setting} = {}", literal(value));
            run(&mut connection, sql).await?;
        }
    }
    ensure_role(
        &mut connection,
        "packtrain_view",
        "nologin nosuperuser nobypassrls",
    )
    .await?;
    run(
        &mut connection,
        "grant packtrain_view to packtrain_owner".to_owned(),
    )
    .await?;
    let known = sqlx::query_scalar!(
        "select 1 as one from pg_catalog.pg_database where datname = $1",
        wanted.database
    )
    .fetch_optional(&mut connection)
    .await
    .map_err(refused("to look for the database"))?;
    if known.is_none() {
        let name = identifier(&wanted.database);
        run(
            &mut connection,
            format!("create database {name} owner packtrain_owner"),
        )
        .await?;
    }
    Ok(())
}

async fn ensure_role(
    connection: &mut PgConnection,
    role: &str,
    rights: &str,
) -> Result<(), StoreError> {
    let known = sqlx::query_scalar!(
        "select 1 as one from pg_catalog.pg_roles where rolname = $1",
        role
    )
    .fetch_optional(&mut *connection)
    .await
    .map_err(refused("to look for a role"))?;
    let verb = if known.is_some() { "alter" } else { "create" };
    run(connection, format!("{verb} role {role} {rights}")).await
}

/// Copies a database; the template must have no connections.
///
/// Through the log and not file by file: a file copy forces two checkpoints of the whole cluster,
/// which took four times as long for a template of 9 MB with fsync on, and no less with it off.
///
/// # Errors
/// [`StoreError`] when the server refuses.
pub async fn create_from_template(
    superuser: &Secret<String>,
    name: &str,
    template: &str,
) -> Result<(), StoreError> {
    let mut connection = connect(superuser).await?;
    let (name, template) = (identifier(name), identifier(template));
    let sql = format!(
        "create database {name} template {template} strategy wal_log owner packtrain_owner"
    );
    run(&mut connection, sql).await
}

/// Drops a database and whoever is connected to it.
///
/// # Errors
/// [`StoreError`] when the server refuses.
pub async fn drop_database(superuser: &Secret<String>, name: &str) -> Result<(), StoreError> {
    let mut connection = connect(superuser).await?;
    let name = identifier(name);
    run(
        &mut connection,
        format!("drop database if exists {name} with (force)"),
    )
    .await
}

/// A tenant to be made.
#[derive(Debug, Clone)]
pub struct NewTenant {
    /// Its id.
    pub id: TenantId,
    /// Its name, for operators.
    pub name: String,
}

/// Makes a tenant; one that exists keeps its id and takes the name.
///
/// # Errors
/// [`StoreError`] when the server refuses.
pub async fn create_tenant(owner: &Secret<String>, tenant: &NewTenant) -> Result<(), StoreError> {
    let mut connection = connect(owner).await?;
    sqlx::query!(
        r#"
        insert into tenant (id, name)
        values ($1, $2)
        on conflict (id) do update set name = excluded.name
        "#,
        tenant.id.as_uuid(),
        tenant.name,
    )
    .execute(&mut connection)
    .await
    .map_err(refused("to make a tenant"))?;
    Ok(())
}

pub(crate) async fn connect(url: &Secret<String>) -> Result<PgConnection, StoreError> {
    // Statements of this connection hold passwords: none may reach a log.
    PgConnection::connect_with(&parse(url)?.disable_statement_logging())
        .await
        .map_err(refused("a connection"))
}

/// Runs a statement that takes no parameters; every name and text in it was quoted here.
pub(crate) async fn run(connection: &mut PgConnection, sql: String) -> Result<(), StoreError> {
    sqlx::query(AssertSqlSafe(sql))
        .execute(connection)
        .await
        .map_err(refused("a set-up statement"))?;
    Ok(())
}

fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_keeps_a_name_a_name_and_a_text_a_text() {
        assert_eq!(
            identifier("a\"; drop table x; --"),
            "\"a\"\"; drop table x; --\""
        );
        assert_eq!(literal("it's"), "'it''s'");
    }
}
