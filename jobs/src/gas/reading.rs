//! Headers and the fee history of the same blocks, put together: what is kept of them.

use std::time::Duration;

use packtrain_core::ports::{BlobFee, FeeHistory, GasBlock, Header};

use super::blob_fee::fork_at;
use super::rules::Rules;

/// What was read is not of one chain: it moved, or two nodes that disagree answered. Read again a
/// moment later it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Torn {
    /// Blocks that do not follow each other.
    #[error("block {0} does not follow the one before it: the chain moved while it was read")]
    Blocks(u64),
    /// A fee history of other blocks.
    #[error("the fee history is not that of block {0}: the chain moved while it was read")]
    Fees(u64),
}

/// Whether each block follows the one before it.
///
/// # Errors
/// [`Torn::Blocks`] with the first that does not.
pub fn linked(headers: &[Header]) -> Result<(), Torn> {
    match { headers.windows(2) }.find(|pair| !pair[1].follows(&pair[0])) {
        Some(pair) => Err(Torn::Blocks(pair[1].number)),
        None => Ok(()),
    }
}

/// What is kept of blocks that follow each other; of those before the fee history begins, nothing.
///
/// # Errors
/// [`Torn::Fees`] when the fee history is that of other blocks.
pub fn blocks(
    rules: &Rules,
    block_time: Duration,
    headers: &[Header],
    history: &FeeHistory,
) -> Result<Vec<GasBlock>, Torn> {
    let told = headers
        .iter()
        .filter(|header| header.number >= history.oldest);
    let read = told.map(|header| block(rules, block_time, header, history));
    let read: Vec<GasBlock> = read.collect::<Result<_, _>>()?;
    match headers.last() {
        Some(head) if read.is_empty() => Err(Torn::Fees(head.number)),
        _ => Ok(read),
    }
}

fn block(
    rules: &Rules,
    block_time: Duration,
    header: &Header,
    history: &FeeHistory,
) -> Result<GasBlock, Torn> {
    let torn = Torn::Fees(header.number);
    let place = usize::try_from(header.number - history.oldest).map_err(|_| torn)?;
    let base_fee = history.base_fees_wei.get(place).ok_or(torn)?;
    if *base_fee != u128::from(header.base_fee_wei) {
        return Err(torn);
    }
    let formula = rules.base_fee.map(|formula| {
        let Header {
            base_fee_wei,
            gas_used,
            gas_limit,
            ..
        } = *header;
        formula.next(base_fee_wei, gas_used, gas_limit)
    });
    let next = history.base_fees_wei.get(place + 1).copied();
    let next = next.and_then(|next| u64::try_from(next).ok());
    let is_empty = header.gas_used == 0;
    let tips = history.tips_wei.get(place).copied();
    Ok(GasBlock {
        number: header.number,
        hash: header.hash,
        parent: header.parent,
        at: header.at,
        base_fee_wei: header.base_fee_wei,
        next_base_fee_wei: next.or(formula).ok_or(torn)?,
        is_formula_exact: formula.is_some() && formula == next,
        gas_used: header.gas_used,
        gas_limit: header.gas_limit,
        tips_wei: if is_empty {
            None
        } else {
            Some(tips.ok_or(torn)?)
        },
        blob_fee: blob_fee(rules, block_time, header, history, place),
    })
}

/// What blobs cost, in the node's word; where it has none, by the forks that are known.
fn blob_fee(
    rules: &Rules,
    block_time: Duration,
    header: &Header,
    history: &FeeHistory,
    place: usize,
) -> Option<BlobFee> {
    let blobs = header.blobs?;
    if rules.blobs.is_empty() {
        return None;
    }
    let at_s = u64::try_from(header.at.timestamp()).ok()?;
    let told = |place: usize| history.blob_fees_wei.get(place).copied();
    let now = || fork_at(rules.blobs, at_s)?.fee(blobs.excess);
    let next = || {
        let fork = fork_at(rules.blobs, at_s + block_time.as_secs())?;
        fork.fee(fork.next_excess(blobs, header.base_fee_wei)?)
    };
    Some(BlobFee {
        now_wei: told(place).or_else(now)?,
        next_wei: told(place + 1).or_else(next)?,
    })
}
