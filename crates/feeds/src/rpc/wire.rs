//! Answers of a node, read into the words of the ports. What is not needed is not looked at.

use chrono::DateTime;
use packtrain_core::chain::BlockHash;
use packtrain_core::ports::{BlobGas, FeeHistory, Header, Log, TIP_PERCENTILES, Tips, Word};
use serde::Deserialize;
use serde_json::Value;

use super::quantity::{Data, Quantity};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Block {
    number: Quantity,
    hash: Data,
    parent_hash: Data,
    timestamp: Quantity,
    base_fee_per_gas: Quantity,
    gas_used: Quantity,
    gas_limit: Quantity,
    blob_gas_used: Option<Quantity>,
    excess_blob_gas: Option<Quantity>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct History {
    oldest_block: Quantity,
    base_fee_per_gas: Vec<Quantity>,
    #[serde(default)]
    base_fee_per_blob_gas: Option<Vec<Quantity>>,
    #[serde(default)]
    reward: Option<Vec<Vec<Quantity>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    address: Data,
    topics: Vec<Data>,
    data: Data,
    block_number: Quantity,
    block_hash: Data,
    transaction_hash: Data,
    log_index: Quantity,
    #[serde(default)]
    removed: bool,
}

/// Why an answer cannot be read.
type Unread = String;

fn read<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, Unread> {
    serde_json::from_value(value).map_err(|error| error.to_string())
}

fn count(what: &str, quantity: Quantity) -> Result<u64, Unread> {
    let count = quantity.count();
    count.ok_or_else(|| format!("{what} does not fit into 64 bits"))
}

fn fixed<const N: usize>(what: &str, data: &Data) -> Result<[u8; N], Unread> {
    let fixed = data.fixed();
    fixed.ok_or_else(|| format!("{what} has not {N} bytes"))
}

/// The head of a block.
pub(super) fn header(value: Value) -> Result<Header, Unread> {
    let block: Block = read(value)?;
    let seconds = i64::try_from(block.timestamp.0).ok();
    let at = seconds.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    let blobs = block.blob_gas_used.zip(block.excess_blob_gas);
    let blobs = blobs.map(|(used, excess)| {
        Ok::<_, Unread>(BlobGas {
            used: count("blobGasUsed", used)?,
            excess: count("excessBlobGas", excess)?,
        })
    });
    Ok(Header {
        number: count("number", block.number)?,
        hash: BlockHash(fixed("hash", &block.hash)?),
        parent: BlockHash(fixed("parentHash", &block.parent_hash)?),
        at: at.ok_or("timestamp is no moment")?,
        base_fee_wei: count("baseFeePerGas", block.base_fee_per_gas)?,
        gas_used: count("gasUsed", block.gas_used)?,
        gas_limit: count("gasLimit", block.gas_limit)?,
        blobs: blobs.transpose()?,
    })
}

/// What gas cost in a row of blocks.
pub(super) fn fee_history(value: Value) -> Result<FeeHistory, Unread> {
    let history: History = read(value)?;
    let wei = |list: Vec<Quantity>| list.into_iter().map(|one| one.0).collect();
    let tips = |row: Vec<Quantity>| {
        let row: Vec<u128> = row.into_iter().map(|one| one.0).collect();
        let (wanted, found) = (TIP_PERCENTILES.len(), row.len());
        let tips = Tips::try_from(row);
        tips.map_err(|_| format!("a row of reward has {found} figures and not {wanted}"))
    };
    let rewards = history.reward.unwrap_or_default().into_iter().map(tips);
    Ok(FeeHistory {
        oldest: count("oldestBlock", history.oldest_block)?,
        base_fees_wei: wei(history.base_fee_per_gas),
        blob_fees_wei: wei(history.base_fee_per_blob_gas.unwrap_or_default()),
        tips_wei: rewards.collect::<Result<_, _>>()?,
    })
}

/// What contracts told.
pub(super) fn logs(value: Value) -> Result<Vec<Log>, Unread> {
    let events: Vec<Event> = read(value)?;
    let log = |event: Event| {
        let topics = event.topics.iter().map(|topic| fixed("a topic", topic));
        Ok(Log {
            address: fixed("address", &event.address)?,
            topics: topics.collect::<Result<_, Unread>>()?,
            data: event.data.0,
            block: count("blockNumber", event.block_number)?,
            block_hash: BlockHash(fixed("blockHash", &event.block_hash)?),
            transaction: fixed("transactionHash", &event.transaction_hash)?,
            index: count("logIndex", event.log_index)?,
            is_removed: event.removed,
        })
    };
    events.into_iter().map(log).collect()
}

/// A number.
pub(super) fn number(value: Value) -> Result<u64, Unread> {
    count("the number", read(value)?)
}

/// Bytes.
pub(super) fn bytes(value: Value) -> Result<Vec<u8>, Unread> {
    read::<Data>(value).map(|data| data.0)
}

/// A number that takes a word, such as a balance.
pub(super) fn balance(value: Value) -> Result<Word, Unread> {
    let quantity: Quantity = read(value)?;
    let mut word = Word::default();
    word[16..].copy_from_slice(&quantity.0.to_be_bytes());
    Ok(word)
}

/// The first word of an answer; none of a shorter one, which is what an address without a contract
/// answers.
pub(super) fn word(value: Value) -> Result<Option<Word>, Unread> {
    Ok(bytes(value)?.first_chunk().copied())
}
