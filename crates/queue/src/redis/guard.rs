//! A server that drops keys when its memory is full drops hints in halves, and everybody else's
//! data with them.

use std::time::Duration;

use redis::cluster_routing::{MultipleNodeRoutingInfo, RoutingInfo};
use redis::{RedisResult, Value, from_redis_value};
use tokio::time::timeout;
use tracing::warn;

use super::RedisSettings;
use super::link::{Link, Open, Refused};

/// The longest that is waited for the server before the start goes on without it.
const WITHIN: Duration = Duration::from_secs(3);
/// The one policy under which nothing is dropped.
const SAFE: &str = "noeviction";

/// Refuses a server that evicts, or a cluster of which one primary does. One that is away, or that
/// does not say, is no reason not to start: it is asked again when a connection to it is made.
///
/// # Errors
/// When the address is none, and when the server says that it evicts.
pub async fn refuse_eviction(settings: &RedisSettings) -> Result<(), Refused> {
    let link = Link::new(settings)?;
    let why = match timeout(WITHIN, link.ask_policy()).await {
        Ok(Ok(Said::Keeps)) => return Ok(()),
        Ok(Ok(Said::Evicts(policy))) => return Err(Refused::Evicting(policy)),
        Ok(Ok(Said::Nothing)) => "it does not say".to_owned(),
        Ok(Err(error)) => error.to_string(),
        Err(late) => late.to_string(),
    };
    warn!(
        error = why,
        "whether redis evicts could not be asked, going on without knowing"
    );
    Ok(())
}

/// What is said of full memory.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// Nothing is dropped.
    Keeps,
    /// Keys are dropped under this policy, by one server at least.
    Evicts(String),
    /// Not all say it.
    Nothing,
}

/// Asks the server, or all primaries of a cluster: each of them has a policy of its own.
pub(super) async fn ask(open: &mut Open) -> RedisResult<Said> {
    // Managed services forbid CONFIG, and all of them say it here.
    let mut info = redis::cmd("INFO");
    info.arg("memory");
    let told = match open {
        Open::Single(connection) => vec![info.query_async(connection).await?],
        Open::Cluster(connection) => {
            let primaries = (MultipleNodeRoutingInfo::AllMasters, None);
            let answer = connection.route_command(info, RoutingInfo::MultiNode(primaries));
            match answer.await? {
                Value::Map(by_address) => by_address.into_iter().map(|(_, told)| told).collect(),
                _ => Vec::new(),
            }
        }
    };
    Ok(judge(told))
}

fn judge(told: Vec<Value>) -> Said {
    let mut is_known = !told.is_empty();
    for one in told {
        let info: Option<String> = from_redis_value(one).ok();
        match info.as_deref().and_then(policy) {
            Some(SAFE) => {}
            Some(policy) => return Said::Evicts(policy.to_owned()),
            None => is_known = false,
        }
    }
    if is_known { Said::Keeps } else { Said::Nothing }
}

fn policy(info: &str) -> Option<&str> {
    let line = |line: &'_ str| line.starts_with("maxmemory_policy:");
    let line = info.lines().find(|one| line(one))?;
    line.split_once(':').map(|(_, policy)| policy.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_is_read_out_of_what_the_server_says_of_its_memory() {
        let info = "# Memory\r\nused_memory:1\r\nmaxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\n";
        assert_eq!(policy(info), Some("allkeys-lru"));
        assert_eq!(policy("# Memory\r\n"), None);
    }

    #[test]
    fn of_several_servers_one_that_evicts_decides_and_one_that_is_silent_leaves_it_open() {
        let says = |policy: &str| {
            Value::BulkString(format!("# Memory\r\nmaxmemory_policy:{policy}\r\n").into())
        };
        let judged = |told: &[Value]| judge(told.to_vec());
        assert_eq!(judged(&[says(SAFE), says(SAFE)]), Said::Keeps);
        let evicts = Said::Evicts("volatile-lru".to_owned());
        let silent = Value::Nil;
        assert_eq!(
            judged(&[says(SAFE), silent.clone(), says("volatile-lru")]),
            evicts
        );
        assert_eq!(judged(&[says(SAFE), silent]), Said::Nothing);
        assert_eq!(judged(&[]), Said::Nothing);
    }
}
