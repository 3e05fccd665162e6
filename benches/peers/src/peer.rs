//! The queues that are measured beside packtrain.

use clap::ValueEnum;

/// Another queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Peer {
    /// graphile_worker, the Rust crate.
    Graphile,
    /// Graphile Worker, from npm.
    GraphileNode,
    PgBoss,
    Awa,
    Oxana,
    Bullmq,
    Celery,
}

/// Where a queue keeps its jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Store {
    Postgres,
    Redis,
}

/// What a queue is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Rust,
    Node,
    Python,
}

impl Peer {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Graphile => "graphile",
            Self::GraphileNode => "graphile-node",
            Self::PgBoss => "pg-boss",
            Self::Awa => "awa",
            Self::Oxana => "oxana",
            Self::Bullmq => "bullmq",
            Self::Celery => "celery",
        }
    }

    /// Its database, for those on PostgreSQL.
    pub(crate) fn database(self) -> String {
        self.name().replace('-', "_")
    }

    pub(crate) const fn store(self) -> Store {
        match self {
            Self::Graphile | Self::GraphileNode | Self::PgBoss | Self::Awa => Store::Postgres,
            Self::Oxana | Self::Bullmq | Self::Celery => Store::Redis,
        }
    }

    pub(crate) const fn language(self) -> Language {
        match self {
            Self::Graphile | Self::Awa | Self::Oxana => Language::Rust,
            Self::GraphileNode | Self::PgBoss | Self::Bullmq => Language::Node,
            Self::Celery => Language::Python,
        }
    }

    /// Whether it has a call for many jobs.
    pub(crate) const fn has_bulk(self) -> bool {
        !matches!(self, Self::Celery)
    }
}
