//! Hints over PostgreSQL itself.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use packtrain_core::job::Lane;
use packtrain_core::ports::{Bell, Hints};
use packtrain_queue::PgHints;
use packtrain_store::{PgBell, Pools, Urls};
use packtrain_tests::{Database, Network, Proxy, Role, until};

use super::{Carrier, Process};

/// Connections of a process's pool.
const CONNECTIONS: u32 = 2;

pub(in crate::contracts) struct PgCarrier {
    database: Database,
    network: Proxy,
}

impl PgCarrier {
    pub(in crate::contracts) async fn carrier() -> Box<dyn Carrier> {
        let database = Database::new().await;
        let network = Proxy::to(database.server_address()).await;
        Box::new(Self { database, network })
    }
}

#[async_trait(?Send)]
impl Carrier for PgCarrier {
    fn process(&self, listens: bool) -> Process {
        let url = |role| self.database.url_through(role, self.network.address);
        let urls = Urls {
            app: url(Role::App),
            operator: url(Role::Operator),
            worker: url(Role::Worker),
            direct: url(Role::Worker),
            pooled: false,
        };
        let pools = Pools::open(&urls, CONNECTIONS, Duration::ZERO).unwrap();
        let bell: Arc<dyn Bell> = Arc::new(PgBell::new(pools.clone(), pools.worker));
        Process::of(|tasks, stop| {
            Arc::new(PgHints::start(bell, listens, tasks, stop)) as Arc<dyn Hints>
        })
    }

    async fn listened(&self, _: Lane, count: usize) {
        let listening = "select count(*) from pg_stat_activity
              where datname = current_database() and query ilike 'listen %'";
        until("the processes listen", async || {
            self.database.number(listening).await == i64::try_from(count).unwrap()
        })
        .await;
    }

    async fn lying(&self, _: Lane) -> usize {
        0
    }

    async fn texts(&self, _: Lane) -> Vec<String> {
        Vec::new()
    }

    async fn put(&self, _: Lane, text: &str) {
        let text = text.replace('\'', "''");
        let ring = format!("select pg_notify('packtrain_hint', '{text}')");
        self.database.run(&ring).await;
    }

    async fn pass_what_is_hidden(&self) {}

    fn set(&self, network: Network) {
        self.network.set(network);
    }
}
