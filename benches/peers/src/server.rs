//! The private servers that all are measured on: PostgreSQL with fsync on and settings as the
//! product has them, and Redis.

use std::path::PathBuf;

use anyhow::{Context, Result};
use packtrain_devdb::{Guard, Options, Server};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection};

use crate::foreign::Fetched;
use crate::peer::Peer;
use crate::redis_server::Redis;

/// All that a bench works with.
pub(crate) struct Servers {
    pub(crate) postgres: Private,
    pub(crate) redis: Redis,
    pub(crate) fetched: Fetched,
}

impl Servers {
    /// Starts them, with what these peers need.
    pub(crate) async fn start(peers: &[Peer]) -> Result<Self> {
        let fetched = Fetched::of(peers).await?;
        let redis = Redis::start().await?;
        Ok(Self {
            postgres: Private::start().await?,
            redis,
            fetched,
        })
    }

    pub(crate) async fn stop(self) -> Result<()> {
        let stopped = self.postgres.stop().await;
        self.redis.stop().await.and(stopped)
    }
}

/// The PostgreSQL, in a folder that is removed with it.
pub(crate) struct Private {
    server: Server,
    folder: PathBuf,
}

impl Private {
    /// Starts it on fresh ground.
    pub(crate) async fn start() -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("packtrain-peers-{}", std::process::id()));
        let guard = Guard {
            program: std::env::current_exe()?,
            leading: vec![crate::GUARD.into()],
        };
        let mut options = Options::new(folder.join("pg"), folder.join("cache"), guard);
        options.path = std::env::var_os("PATH");
        options.narrate = std::sync::Arc::new(|line| eprintln!("  {line}"));
        let server = packtrain_devdb::start(options, |connection| async move {
            let url = connection.superuser_url("postgres");
            let mut asked = PgConnection::connect(&url)
                .await
                .map_err(|e| e.to_string())?;
            sqlx::query("select 1")
                .execute(&mut asked)
                .await
                .map_err(|e| e.to_string())?;
            Ok(())
        })
        .await
        .context("the private PostgreSQL")?;
        Ok(Self { server, folder })
    }

    /// The superuser's address of a database.
    pub(crate) fn url(&self, database: &str) -> String {
        self.server.superuser_url(database)
    }

    pub(crate) fn data(&self) -> &std::path::Path {
        self.server.data_folder()
    }

    /// A new database, and its address.
    pub(crate) async fn create(&self, name: &str) -> Result<String> {
        self.run(&format!("drop database if exists {name} with (force)"))
            .await?;
        self.run(&format!("create database {name}")).await?;
        Ok(self.url(name))
    }

    pub(crate) async fn drop(&self, name: &str) -> Result<()> {
        self.run(&format!("drop database {name} with (force)"))
            .await
    }

    async fn run(&self, sql: &str) -> Result<()> {
        let mut connection = PgConnection::connect(&self.url("postgres")).await?;
        sqlx::query(AssertSqlSafe(sql))
            .execute(&mut connection)
            .await?;
        Ok(())
    }

    pub(crate) async fn stop(self) -> Result<()> {
        self.server.stop().await?;
        std::fs::remove_dir_all(&self.folder).context("the server's folder")
    }
}
