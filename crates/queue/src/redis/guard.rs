//! A server that drops keys when its memory is full drops hints in halves, and everybody else's
//! data with them.

use std::time::Duration;

use tokio::time::timeout;
use tracing::warn;

use super::RedisSettings;
use super::link::{Link, Refused};

/// The longest that is waited for the server before the start goes on without it.
const WITHIN: Duration = Duration::from_secs(3);
/// The one policy under which nothing is dropped.
const SAFE: &str = "noeviction";

/// Refuses a server that evicts. One that is away, or that does not say, is no reason not to start.
///
/// # Errors
/// When the address is none, and when the server says that it evicts.
pub async fn refuse_eviction(settings: &RedisSettings) -> Result<(), Refused> {
    let link = Link::new(settings)?;
    let asking = async {
        let mut connection = link.apart().await?;
        // Managed services forbid CONFIG, and all of them say it here.
        redis::cmd("INFO")
            .arg("memory")
            .query_async::<String>(&mut connection)
            .await
    };
    let unknown = |why: String| {
        warn!(
            error = why,
            "whether redis evicts could not be asked, going on without knowing"
        );
        Ok(())
    };
    match timeout(WITHIN, asking).await {
        Ok(Ok(info)) => match policy(&info) {
            Some(SAFE) => Ok(()),
            Some(policy) => Err(Refused::Evicting(policy.to_owned())),
            None => unknown("it does not say".to_owned()),
        },
        Ok(Err(error)) => unknown(error.to_string()),
        Err(late) => unknown(late.to_string()),
    }
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
}
