//! A PgBouncer between the product and PostgreSQL, as the product ships it.

use std::fs::Permissions;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use sqlx::Connection;
use sqlx::postgres::PgConnection;
use tempfile::TempDir;

use crate::database::{Database, Role};
use crate::ports::free_address;
use crate::wait::until;

/// The file that is shipped.
const SHIPPED: &str = include_str!("../../infra/pgbouncer/pgbouncer.ini");
/// `nobody`: PgBouncer refuses to run as root.
const NOBODY: u32 = 65534;
/// The least that every test gets that does not ask for less.
const POOL_SIZE: u32 = 20;

/// A PgBouncer of a test's own, in transaction mode. It ends with the test.
pub struct Bouncer {
    /// Where it takes connections.
    pub address: SocketAddr,
    program: String,
    server: SocketAddr,
    child: Child,
    folder: TempDir,
}

impl Bouncer {
    /// Starts this program before the server of a database.
    pub async fn before(program: &str, db: &Database) -> Self {
        Self::leading(program, db, db.server_address(), POOL_SIZE).await
    }

    /// Starts it before an address by which the server is reached, with so many connections of the
    /// server for each role.
    pub async fn leading(program: &str, db: &Database, server: SocketAddr, pool_size: u32) -> Self {
        let secrets = "select format('\"%s\" \"%s\"', rolname, rolpassword)
                         from pg_authid
                        where starts_with(rolname, 'packtrain_') and rolcanlogin";
        let secrets = db.texts(secrets).await.join("\n");
        assert!(
            secrets.contains("SCRAM-SHA-256$"),
            "the server keeps SCRAM secrets"
        );
        let filling = Filling {
            server,
            pool_size,
            secrets,
            authority: None,
        };
        Self::filled(program, db, filling).await
    }

    /// Starts it before the server of a database as it is shipped for one on another machine, where
    /// nobody may read what the server keeps of passwords: over TLS, to a server that this
    /// authority vouches for, and with the passwords themselves.
    pub async fn over_tls(program: &str, db: &Database, authority: &Path) -> Self {
        let line = |role: Role| {
            let url = db.url(role);
            let login = url.reveal().strip_prefix("postgres://").and_then(|rest| {
                let (login, _) = rest.rsplit_once('@')?;
                login.split_once(':')
            });
            let (name, password) = login.expect("the address names a role and its password");
            format!("\"{name}\" \"{password}\"")
        };
        let filling = Filling {
            server: db.server_address(),
            pool_size: POOL_SIZE,
            secrets: [Role::App, Role::Operator, Role::Worker]
                .map(line)
                .join("\n"),
            authority: Some(authority.to_owned()),
        };
        Self::filled(program, db, filling).await
    }

    async fn filled(program: &str, db: &Database, filling: Filling) -> Self {
        let mut builder = tempfile::Builder::new();
        let folder = builder.permissions(Permissions::from_mode(0o755)).tempdir();
        let folder = folder.expect("a folder can be made");
        let address = free_address();
        let users = folder.path().join("userlist.txt");
        write(&users, &filling.secrets);
        let ini = filling.ini(address, &users);
        write(&folder.path().join("pgbouncer.ini"), &ini);
        let child = start(program, folder.path());
        let bouncer = Self {
            address,
            program: program.to_owned(),
            server: filling.server,
            child,
            folder,
        };
        bouncer.answers(db).await;
        bouncer
    }

    /// Kills it, if it lives, and starts it again where it was.
    pub async fn restart(&mut self, db: &Database) {
        self.kill();
        self.child = start(&self.program, self.folder.path());
        self.answers(db).await;
    }

    /// Kills it.
    pub fn kill(&mut self) {
        self.child.kill().expect("a child can be killed");
        self.child.wait().expect("a child can be waited for");
    }

    /// The address of the server behind it.
    pub const fn server(&self) -> SocketAddr {
        self.server
    }

    async fn answers(&self, db: &Database) {
        let url = db.url_through(Role::App, self.address);
        until("PgBouncer answers", async || {
            match PgConnection::connect(url.reveal()).await {
                Ok(connection) => connection.close().await.is_ok(),
                Err(_) => false,
            }
        })
        .await;
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// What a test puts into the shipped file.
struct Filling {
    server: SocketAddr,
    pool_size: u32,
    /// The list of users.
    secrets: String,
    /// Who vouches for the server; none: it has no TLS.
    authority: Option<PathBuf>,
}

impl Filling {
    /// The shipped file with the addresses of a test.
    fn ini(&self, address: SocketAddr, users: &Path) -> String {
        let server = self.server;
        let mut others = vec![
            (
                "packtrain =",
                format!("* = host={} port={}", server.ip(), server.port()),
            ),
            ("listen_port =", format!("listen_port = {}", address.port())),
            ("auth_file =", format!("auth_file = {}", users.display())),
            (
                "default_pool_size =",
                format!("default_pool_size = {}", self.pool_size),
            ),
        ];
        others.push(match &self.authority {
            Some(file) => (
                "server_tls_ca_file =",
                format!("server_tls_ca_file = {}", file.display()),
            ),
            None => (
                "server_tls_sslmode =",
                "server_tls_sslmode = disable".to_owned(),
            ),
        });
        let line = |line: &str| {
            let other = others.iter().find(|(begin, _)| line.starts_with(begin));
            other.map_or_else(|| line.to_owned(), |(_, other)| other.clone())
        };
        let filled: Vec<String> = SHIPPED.lines().map(line).collect();
        for (begin, _) in &others {
            let lines = SHIPPED.lines();
            let count = lines.filter(|line| line.starts_with(begin)).count();
            assert_eq!(count, 1, "the shipped file has one line `{begin}`");
        }
        filled.join("\n") + "\n"
    }
}

fn start(program: &str, folder: &Path) -> Child {
    let mut command = Command::new(program);
    command
        .arg("pgbouncer.ini")
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let log = std::fs::File::options()
        .append(true)
        .create(true)
        .open(folder.join("log"));
    command.stderr(log.expect("a log can be written"));
    if rustix::process::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command.spawn().expect("PgBouncer can be started")
}

fn write(file: &Path, text: &str) {
    std::fs::write(file, text).expect("a file of a test can be written");
}
