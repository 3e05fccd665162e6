//! The connection to Redis. Who asks never waits for it to be made: where there is none, the answer
//! is that there is none, and a task makes one.

use std::sync::Arc;
use std::time::Duration;

use packtrain_core::patience::timely;
use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster::{ClusterClient, ClusterClientBuilder};
use redis::cluster_async::ClusterConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionInfo, ErrorKind, FromRedisValue,
    IntoConnectionInfo, RedisError, RedisResult, ServerErrorKind, TlsCertificates, Value,
};
use tokio::sync::{Notify, watch};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{RedisPlace, Refused};

/// The longest that a connection may take to be there; nobody waits for it.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);
/// The pause between two attempts to connect. So long Redis is left alone after it failed.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest time for which Redis keeps anything of ours, in milliseconds: a day.
pub(super) const LASTS_MS_MAX: u64 = 24 * 60 * 60 * 1000;

/// Why there is no answer.
pub(super) enum Unanswered {
    /// There is no connection just now.
    Away,
    /// Redis refused, or the connection broke.
    Error(RedisError),
}

/// A connection that is made anew when it may be of no use.
pub(super) struct Link {
    open: watch::Sender<Option<Open>>,
    wanted: Arc<Notify>,
    answer_within: Duration,
}

/// An open connection with its number.
#[derive(Clone)]
struct Open {
    number: u64,
    connection: Connection,
}

#[derive(Clone)]
enum Connection {
    Single(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Link {
    /// Connects whenever somebody found no connection, until `stop`; `tell` hears of each failure.
    pub(super) fn start(
        place: &RedisPlace,
        tell: impl Fn(&RedisError) + Send + 'static,
        tasks: &TaskTracker,
        stop: CancellationToken,
    ) -> Result<Self, Refused> {
        let way = Way::to(place)?;
        let (open, wanted) = (watch::Sender::new(None), Arc::new(Notify::new()));
        let (opened, waits) = (open.clone(), Arc::clone(&wanted));
        let keeping = async move {
            let mut number = 0;
            loop {
                waits.notified().await;
                if opened.borrow().is_some() {
                    continue;
                }
                match way.connect().await {
                    Ok(connection) => {
                        number += 1;
                        opened.send_replace(Some(Open { number, connection }));
                    }
                    Err(error) => tell(&error),
                }
                sleep(PAUSE).await;
            }
        };
        tasks.spawn(async move { stop.run_until_cancelled(keeping).await });
        Ok(Self {
            open,
            wanted,
            answer_within: place.answer_within,
        })
    }

    /// Asks, if there is a connection.
    pub(super) async fn ask<T: FromRedisValue>(&self, cmd: &Cmd) -> Result<T, Unanswered> {
        let open = self.open.borrow().clone();
        let Some(Open { number, connection }) = open else {
            self.wanted.notify_one();
            return Err(Unanswered::Away);
        };
        let answer = connection.ask(cmd, self.answer_within).await;
        let answer = answer.and_then(|value| Ok(T::from_redis_value(value)?));
        answer.map_err(|error| {
            if is_of_the_link(&error) {
                self.throw_away(number);
            }
            Unanswered::Error(error)
        })
    }

    /// Others may have thrown it away before, and have another one by now.
    fn throw_away(&self, number: u64) {
        self.open.send_if_modified(|open| {
            let is_this = |open: &mut Open| open.number == number;
            open.take_if(is_this).is_some()
        });
        self.wanted.notify_one();
    }
}

impl Connection {
    async fn ask(mut self, cmd: &Cmd, within: Duration) -> RedisResult<Value> {
        let asking = match &mut self {
            Self::Single(connection) => connection.req_packed_command(cmd),
            Self::Cluster(connection) => connection.req_packed_command(cmd),
        };
        timely(within, asking).await.and_then(Value::extract_error)
    }
}

/// How a connection is made.
enum Way {
    Single(Box<Client>, Duration),
    Cluster(Box<ClusterClient>, Duration),
}

impl Way {
    fn to(place: &RedisPlace) -> Result<Self, Refused> {
        let info = info(place)?;
        let within = place.answer_within;
        let authority = place.authority.clone().map(|authority| TlsCertificates {
            client_tls: None,
            root_cert: Some(authority),
        });
        if place.is_cluster {
            let builder = ClusterClientBuilder::new([info])
                .connection_timeout(CONNECT_WITHIN)
                .response_timeout(within)
                // One more, for a slot that has moved.
                .retries(1);
            let builder = match authority {
                Some(authority) => builder.certs(authority),
                None => builder,
            };
            let client = builder.build().map_err(|error| address(&error))?;
            return Ok(Self::Cluster(Box::new(client), within));
        }
        let client = match authority {
            Some(authority) => Client::build_with_tls(info, authority),
            None => Client::open(info),
        };
        let client = client.map_err(|error| address(&error))?;
        Ok(Self::Single(Box::new(client), within))
    }

    /// A connection that answered as fast as it will have to.
    async fn connect(&self) -> RedisResult<Connection> {
        let (connection, within) = match self {
            Self::Single(client, within) => {
                let config = AsyncConnectionConfig::new()
                    .set_connection_timeout(Some(CONNECT_WITHIN))
                    .set_response_timeout(Some(CONNECT_WITHIN));
                let connecting = client.get_multiplexed_async_connection_with_config(&config);
                let connection = timely(CONNECT_WITHIN, connecting).await?;
                (Connection::Single(connection), *within)
            }
            Self::Cluster(client, within) => {
                let connecting = client.get_async_connection();
                let connection = timely(CONNECT_WITHIN, connecting).await?;
                (Connection::Cluster(connection), *within)
            }
        };
        let asked = connection.clone();
        asked.ask(&redis::cmd("PING"), within).await?;
        Ok(connection)
    }
}

fn info(place: &RedisPlace) -> Result<ConnectionInfo, Refused> {
    let url = place.url.reveal().as_str();
    let info = url
        .into_connection_info()
        .map_err(|error| address(&error))?;
    let named = info.redis_settings().db();
    if place.is_cluster && named != 0 {
        return Err(Refused::DatabaseOfCluster(named));
    }
    let Some(database) = place.database.filter(|_| !place.is_cluster) else {
        return Ok(info);
    };
    if named != 0 {
        return Err(Refused::Database(named));
    }
    let settings = info.redis_settings().clone().set_db(database.into());
    Ok(info.set_redis_settings(settings))
}

/// What is wrong with an address, without the address.
fn address(error: &RedisError) -> Refused {
    let category = error.category();
    Refused::Address(match error.detail() {
        Some(detail) => format!("{category} ({detail})"),
        None => category.to_owned(),
    })
}

/// Whether another connection, which may lead to another server, may not meet this error.
/// Hints have a list of their own in `crates/queue`: adapters never name each other, and what both
/// name knows no Redis. Who changes one looks at the other.
fn is_of_the_link(error: &RedisError) -> bool {
    match error.kind() {
        ErrorKind::Io
        | ErrorKind::Parse
        | ErrorKind::AuthenticationFailed
        | ErrorKind::ClusterConnectionNotFound => true,
        ErrorKind::Server(kind) => matches!(
            kind,
            // A replica that was a primary, or a server that is none yet.
            ServerErrorKind::ReadOnly
                | ServerErrorKind::MasterDown
                | ServerErrorKind::BusyLoading
                | ServerErrorKind::ClusterDown
        ),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use packtrain_core::secret::Secret;

    use super::*;

    fn place(url: &str, database: Option<u8>, is_cluster: bool) -> RedisPlace {
        RedisPlace {
            url: Secret::new(url.to_owned()),
            database,
            authority: None,
            prefix: "packtrain".to_owned(),
            is_cluster,
            answer_within: Duration::from_millis(100),
        }
    }

    #[test]
    fn each_service_has_its_own_database_and_a_cluster_has_none() {
        let number = |place: &RedisPlace| {
            let info = info(place).map_err(|refused| refused.to_string())?;
            Ok::<_, String>(info.redis_settings().db())
        };
        assert_eq!(number(&place("redis://h", Some(2), false)), Ok(2));
        assert_eq!(number(&place("redis://h/7", None, false)), Ok(7));
        assert_eq!(number(&place("redis://h", Some(2), true)), Ok(0));
        let named = number(&place("redis://h/7", Some(2), false)).unwrap_err();
        assert!(named.contains("names database 7"), "{named}");
        let named = number(&place("redis://h/7", None, true)).unwrap_err();
        assert!(named.contains("a cluster has none"), "{named}");
    }

    #[test]
    fn an_address_that_is_none_is_refused_without_being_told() {
        for url in ["http://u:hush@h", "redis://u:hush@h:x", "hush"] {
            let refused = info(&place(url, Some(1), false)).unwrap_err();
            assert!(!refused.to_string().contains("hush"), "{refused}");
        }
    }
}
