//! Hints over PostgreSQL itself.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use packtrain_core::job::Lane;
use packtrain_core::ports::{Bell, Hints};
use packtrain_queue::PgHints;
use packtrain_store::{PgBell, Pools, Urls};
use packtrain_tests::{Database, Proxy, Role, promptly, until};
use sqlx::postgres::PgListener;
use tokio::sync::Mutex;

use super::{Carrier, Process};

/// Where hints are rung.
const CHANNEL: &str = "packtrain_hint";
/// Connections of a process's pool.
const CONNECTIONS: u32 = 2;

pub(in crate::contracts) struct PgCarrier {
    database: Database,
    network: Proxy,
    /// Hears what is sent, past the network.
    witness: Mutex<PgListener>,
}

impl PgCarrier {
    pub(in crate::contracts) async fn carrier() -> Box<dyn Carrier> {
        let database = Database::new().await;
        let network = Proxy::to(database.server_address()).await;
        let url = database.url(Role::Superuser);
        let mut witness = PgListener::connect(url.reveal()).await.unwrap();
        witness.listen(CHANNEL).await.unwrap();
        Box::new(Self {
            database,
            network,
            witness: Mutex::new(witness),
        })
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
              where datname = current_database() and query ilike 'listen %'
                and usename <> session_user";
        until("the processes listen", async || {
            self.database.number(listening).await == i64::try_from(count).unwrap()
        })
        .await;
    }

    /// A NOTIFY lies nowhere: it comes to those who listen, or to nobody. What asks for more than
    /// that is not tried here.
    async fn lying(&self, _: Lane) -> usize {
        0
    }

    async fn fill(&self, _: Lane) -> Option<usize> {
        None
    }

    async fn texts(&self, lane: Lane) -> Vec<String> {
        let mut heard = self.witness.lock().await;
        let next = promptly(heard.recv()).await.unwrap();
        assert_eq!(next.channel(), CHANNEL);
        assert_eq!(next.payload(), lane.as_str());
        vec![next.payload().to_owned()]
    }

    async fn arrived(&self, text: &str) {
        let mut heard = self.witness.lock().await;
        while promptly(heard.recv()).await.unwrap().payload() != text {}
    }

    async fn put(&self, _: Lane, text: &str) {
        let text = text.replace('\'', "''");
        let ring = format!("select pg_notify('{CHANNEL}', '{text}')");
        self.database.run(&ring).await;
    }

    async fn pass_what_is_hidden(&self) {}

    fn soon(&self) -> Duration {
        Duration::from_secs(3)
    }

    fn network(&self) -> &Proxy {
        &self.network
    }
}
