//! A recorded chain that goes on: its blocks come again and again, with numbers and times of now.

use chrono::TimeDelta;
use packtrain_core::ports::TIP_PERCENTILES;
use packtrain_core::time::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::rpc::{hex, hex_of, quantity};

/// Blocks of one fee history, at most, as nodes have it.
const HISTORY_MAX: u64 = 1_024;
/// Codes of JSON-RPC: no such method, and parameters that cannot be read.
const NO_METHOD: i64 = -32_601;
const BAD_PARAMS: i64 = -32_602;
/// What a node says of a call that a contract refuses: no other node would answer it.
const NO_CALL: i64 = 3;

/// A record that cannot be replayed.
#[derive(Debug, thiserror::Error)]
#[error("the record of a chain cannot be read: {0}")]
pub(super) struct RecordError(String);

/// Blocks as a node gave them, in order, and what it said of their fees.
#[derive(Deserialize)]
struct Record {
    chain: u64,
    block_seconds: u32,
    blocks: Vec<Map<String, Value>>,
    fee_history: History,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct History {
    base_fee_per_gas: Vec<Value>,
    base_fee_per_blob_gas: Vec<Value>,
    gas_used_ratio: Vec<Value>,
    blob_gas_used_ratio: Vec<Value>,
    reward: Vec<Value>,
}

/// What contracts answer to calls that are known word for word, block after block.
#[derive(Deserialize)]
pub(super) struct Calls {
    /// An answer holds for so many blocks.
    blocks_each: u64,
    calls: Vec<KnownCall>,
}

#[derive(Deserialize)]
struct KnownCall {
    to: String,
    data: String,
    results: Vec<String>,
}

impl Calls {
    pub(super) fn read(text: &[u8]) -> Result<Self, RecordError> {
        let calls: Self =
            serde_json::from_slice(text).map_err(|error| RecordError(error.to_string()))?;
        let is_empty = calls.calls.iter().any(|call| call.results.is_empty());
        if calls.blocks_each == 0 || is_empty {
            return Err(RecordError("a call has no answer".to_owned()));
        }
        Ok(calls)
    }

    /// The answer to a call, as of a block of so many that came before.
    fn answer(&self, call: &Value, passed: u64) -> Option<&str> {
        let is = |name: &str, known: &str| {
            let asked = call[name].as_str().unwrap_or_default();
            asked.eq_ignore_ascii_case(known)
        };
        let known = { self.calls.iter() }.find(|one| is("to", &one.to) && is("data", &one.data))?;
        let turn = passed / self.blocks_each % known.results.len() as u64;
        known
            .results
            .get(usize::try_from(turn).ok()?)
            .map(String::as_str)
    }
}

/// A recorded chain.
///
/// The first time round it is the chain that was recorded; from then on numbers and times go on,
/// and hashes are made anew of the recorded ones and the round, so that each block has one of its
/// own. What comes is a matter of the time alone: a chain that is stopped and started goes on.
pub(super) struct MovingChain {
    record: Record,
    calls: Option<Calls>,
    first_number: u64,
    first_at: Timestamp,
}

/// A code and a message.
type Refusal = (i64, &'static str);

/// What a record says of a method that it does not have.
const UNKNOWN: Refusal = (
    NO_METHOD,
    "this is a record, which does not have this method",
);

impl MovingChain {
    pub(super) fn read(text: &[u8]) -> Result<Self, RecordError> {
        let unread = |what: &str| RecordError(what.to_owned());
        let record: Record =
            serde_json::from_slice(text).map_err(|error| RecordError(error.to_string()))?;
        let count = record.blocks.len();
        let History {
            base_fee_per_gas,
            base_fee_per_blob_gas,
            gas_used_ratio,
            blob_gas_used_ratio,
            reward,
        } = &record.fee_history;
        let ahead = [base_fee_per_gas.len(), base_fee_per_blob_gas.len()];
        let beside = [
            gas_used_ratio.len(),
            blob_gas_used_ratio.len(),
            reward.len(),
        ];
        if ahead.iter().any(|len| *len != count + 1) || beside.iter().any(|len| *len != count) {
            return Err(unread("its fees are not those of its blocks"));
        }
        let first = record
            .blocks
            .first()
            .ok_or_else(|| unread("it has no block"))?;
        let number = |name: &str| {
            let text = first.get(name)?.as_str()?;
            u64::try_from(quantity(text)?).ok()
        };
        let first_number = number("number").ok_or_else(|| unread("a block has no number"))?;
        let seconds = number("timestamp").and_then(|seconds| i64::try_from(seconds).ok());
        let first_at = seconds.and_then(|seconds| Timestamp::from_timestamp(seconds, 0));
        let first_at = first_at.ok_or_else(|| unread("a block has no time"))?;
        if record.block_seconds == 0 {
            return Err(unread("its blocks take no time"));
        }
        Ok(Self {
            first_number,
            first_at,
            record,
            calls: None,
        })
    }

    /// The same chain, whose contracts answer these calls.
    pub(super) fn calling(self, calls: Option<Calls>) -> Self {
        Self { calls, ..self }
    }

    /// What the chain answers to a call at this time.
    pub(super) fn answer(
        &self,
        method: &str,
        params: &[Value],
        now: Timestamp,
    ) -> Result<Value, Refusal> {
        let newest = self.newest(now);
        match method {
            "eth_chainId" => Ok(hex(self.record.chain).into()),
            "eth_blockNumber" => Ok(hex(newest).into()),
            "eth_getBlockByNumber" => {
                let number = number(params.first(), newest)?;
                Ok(self
                    .block(number, newest)
                    .map_or(Value::Null, Value::Object))
            }
            "eth_feeHistory" => {
                let count = params.first().and_then(Value::as_str).and_then(quantity);
                let count = count.and_then(|count| u64::try_from(count).ok());
                let count = count.ok_or((BAD_PARAMS, "the count is no number"))?;
                if params.get(2) != Some(&json!(TIP_PERCENTILES)) {
                    return Err((
                        BAD_PARAMS,
                        "only the percentiles that were recorded are here",
                    ));
                }
                let last = number(params.get(1), newest)?;
                self.fee_history(count.min(HISTORY_MAX), last.min(newest))
            }
            "eth_call" => {
                let calls = self.calls.as_ref().ok_or(UNKNOWN)?;
                let last = number(params.get(1), newest)?.min(newest);
                let passed = last.saturating_sub(self.first_number);
                let known = params.first().and_then(|call| calls.answer(call, passed));
                let refused = (NO_CALL, "this is a record, which does not have this call");
                known.map(Value::from).ok_or(refused)
            }
            _ => Err(UNKNOWN),
        }
    }

    /// The number of the newest block at this time.
    fn newest(&self, now: Timestamp) -> u64 {
        let passed = (now - self.first_at).max(TimeDelta::zero()).num_seconds();
        let blocks = passed / i64::from(self.record.block_seconds);
        self.first_number + blocks.unsigned_abs()
    }

    /// The place of a block in the record, and the round in which it comes.
    fn place(&self, number: u64) -> Option<(usize, u64)> {
        let passed = number.checked_sub(self.first_number)?;
        let length = self.record.blocks.len() as u64;
        let place = usize::try_from(passed % length).ok()?;
        Some((place, passed / length))
    }

    fn hash(&self, number: u64) -> Option<String> {
        let (place, round) = self.place(number)?;
        let recorded = self.record.blocks[place].get("hash")?.as_str()?;
        if round == 0 {
            return Some(recorded.to_owned());
        }
        let digest = Sha256::new()
            .chain_update(recorded)
            .chain_update(round.to_be_bytes());
        Some(hex_of(&digest.finalize()))
    }

    fn block(&self, number: u64, newest: u64) -> Option<Map<String, Value>> {
        let (place, _) = self.place(number).filter(|_| number <= newest)?;
        let mut block = self.record.blocks[place].clone();
        let seconds = (number - self.first_number) * u64::from(self.record.block_seconds);
        let at = self.first_at.timestamp().unsigned_abs() + seconds;
        block.insert("number".to_owned(), hex(number).into());
        block.insert("timestamp".to_owned(), hex(at).into());
        block.insert("hash".to_owned(), self.hash(number)?.into());
        // The first block keeps the parent that it had.
        if let Some(parent) = number.checked_sub(1).and_then(|parent| self.hash(parent)) {
            block.insert("parentHash".to_owned(), parent.into());
        }
        Some(block)
    }

    fn fee_history(&self, count: u64, last: u64) -> Result<Value, Refusal> {
        let oldest = (last + 1).saturating_sub(count).max(self.first_number);
        let places = (oldest..=last).filter_map(|number| self.place(number));
        let places: Vec<usize> = places.map(|(place, _)| place).collect();
        let newest = places.last().ok_or((BAD_PARAMS, "no such block"))?;
        let history = &self.record.fee_history;
        let of = |list: &[Value]| places.iter().map(|place| list[*place].clone()).collect();
        // The figure after the last block's is that of the block which comes next.
        let with_next = |list: &[Value]| {
            let mut all: Vec<Value> = of(list);
            all.push(list[newest + 1].clone());
            all
        };
        Ok(json!({
            "oldestBlock": hex(oldest),
            "baseFeePerGas": with_next(&history.base_fee_per_gas),
            "baseFeePerBlobGas": with_next(&history.base_fee_per_blob_gas),
            "gasUsedRatio": of(&history.gas_used_ratio),
            "blobGasUsedRatio": of(&history.blob_gas_used_ratio),
            "reward": of(&history.reward),
        }))
    }
}

/// The block that a parameter names.
fn number(param: Option<&Value>, newest: u64) -> Result<u64, Refusal> {
    let text = param.and_then(Value::as_str).unwrap_or_default();
    if matches!(text, "latest" | "safe" | "finalized" | "pending") {
        return Ok(newest);
    }
    let number = quantity(text).and_then(|number| u64::try_from(number).ok());
    number.ok_or((BAD_PARAMS, "the block is no number"))
}
