//! What contracts told, over a range of blocks that is halved until nodes give it.

use packtrain_core::ports::{Header, Log, LogFilter};
use serde_json::{Value, json};

use super::provider::Call;
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
    /// The logs of the blocks from this number to this block, in order, from nodes that have that
    /// block: of one that a node does not have it may say that there are no logs. A range of which
    /// a node says that it is too much is asked for in halves.
    ///
    /// # Errors
    /// [`RpcError::TooMany`] when the logs are too many all the same; else as [`Rpc::head`].
    pub async fn logs(
        &self,
        filter: &LogFilter,
        first: u64,
        end: &Header,
    ) -> Result<Vec<Log>, RpcError> {
        let mut found = Vec::new();
        let mut ranges = vec![(first, end.number)];
        for _ in 0..REQUESTS_MAX {
            let Some((first, last)) = ranges.pop() else {
                return Ok(found);
            };
            match self.some_logs(params(filter, first, last), end).await {
                Ok(logs) if found.len() + logs.len() <= LOGS_MAX => found.extend(logs),
                Ok(_) => return Err(RpcError::TooMany { first, last }),
                Err(error) if first < last && (error.is_too_large() || error.is_too_wide()) => {
                    let middle = first.midpoint(last);
                    ranges.push((middle + 1, last));
                    ranges.push((first, middle));
                }
                Err(error) if error.is_too_large() => {
                    return Err(RpcError::TooMany { first, last });
                }
                // No other word of a node says that there are logs of one block: it is asked again.
                Err(error) => return Err(error),
            }
        }
        match ranges.pop() {
            None => Ok(found),
            Some((first, last)) => Err(RpcError::TooMany { first, last }),
        }
    }

    /// Logs of a node that has this block.
    async fn some_logs(&self, params: Value, end: &Header) -> Result<Vec<Log>, RpcError> {
        // The block comes first: what has it has its logs a moment later.
        let calls = [
            Call {
                method: "eth_getBlockByNumber",
                params: json!([hex(end.number), false]),
            },
            Call {
                method: "eth_getLogs",
                params,
            },
        ];
        let read = |values: Vec<Value>| {
            let mut values = values.into_iter();
            let block = values.next().filter(|block| !block.is_null());
            let block = block.map(wire::header).transpose()?;
            if block.is_none_or(|block| block.hash != end.hash) {
                return Err(format!("it has another block {}, or none", end.number));
            }
            wire::logs(values.next().unwrap_or_default())
        };
        self.ask(&calls, read).await
    }
}
