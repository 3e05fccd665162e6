//! What contracts told, over a range of blocks that is halved until nodes give it.

use packtrain_core::ports::{Log, LogFilter};
use serde_json::{Value, json};

use super::quantity::{hex, hex_of};
use super::{Rpc, RpcError, wire};

/// Requests for one range, at most.
const REQUESTS_MAX: usize = 256;
/// Logs of one range, at most.
const LOGS_MAX: usize = 200_000;

fn params(filter: &LogFilter, first: u64, last: u64) -> Value {
    let mut params = json!({ "fromBlock": hex(first), "toBlock": hex(last) });
    if !filter.addresses.is_empty() {
        params["address"] = filter.addresses.iter().map(|one| hex_of(one)).collect();
    }
    if !filter.topics.is_empty() {
        let place = |topics: &Vec<[u8; 32]>| match topics.as_slice() {
            [] => Value::Null,
            topics => topics.iter().map(|one| hex_of(one)).collect(),
        };
        params["topics"] = filter.topics.iter().map(place).collect();
    }
    json!([params])
}

impl Rpc {
    /// The logs of these blocks, in order. A range of which a node says that it is too much is
    /// asked for in halves.
    ///
    /// # Errors
    /// [`RpcError::TooMany`] when the logs are too many all the same; else as [`Rpc::head`].
    pub async fn logs(
        &self,
        filter: &LogFilter,
        first: u64,
        last: u64,
    ) -> Result<Vec<Log>, RpcError> {
        let mut found = Vec::new();
        let mut ranges = vec![(first, last)];
        for _ in 0..REQUESTS_MAX {
            let Some((first, last)) = ranges.pop() else {
                return Ok(found);
            };
            let params = params(filter, first, last);
            match self.one("eth_getLogs", params, wire::logs).await {
                Ok(logs) if found.len() + logs.len() <= LOGS_MAX => found.extend(logs),
                Ok(_) => return Err(RpcError::TooMany { first, last }),
                Err(error) if first < last && (error.is_too_large() || error.is_too_wide()) => {
                    let middle = first.midpoint(last);
                    ranges.push((middle + 1, last));
                    ranges.push((first, middle));
                }
                Err(error) if error.is_too_large() => return Err(RpcError::TooMany { first, last }),
                // No other word of a node says that there are logs of one block: it is asked again.
                Err(error) => return Err(error),
            }
        }
        match ranges.pop() {
            None => Ok(found),
            Some((first, last)) => Err(RpcError::TooMany { first, last }),
        }
    }
}
