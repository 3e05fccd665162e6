//! Reads the next blocks of a chain and what its logs tell of wallets.

use std::collections::BTreeMap;
use std::time::Duration;

use packtrain_core::chain::{BlockHash, Chain};
use packtrain_core::job::Ctx;
use packtrain_core::ports::{
    AddressBytes, ChainError, ChainEvent, Gap, Header, Log, LogFilter, ScanPart, ScanState,
    StoreError,
};
use tokio::time::{Instant, timeout_at};
use tracing::warn;

use super::logs::{Found, in_parts};
use super::watched::{self, Key};
use super::{branch, decode};

/// Blocks of one page, at most.
const BLOCKS_MAX: u64 = 128;
/// Headers that are asked for at once.
const HEADERS: u64 = 128;

/// When the logs of a scan have to be read, from its begin, and how long the first of them of more
/// than one block may take.
pub(super) const LOGS_WITHIN: Duration = Duration::from_secs(30);
const FIRST_WITHIN: Duration = Duration::from_secs(8);
/// How long before that nothing more is asked of a block that has too many.
const RESERVE: Duration = Duration::from_secs(5);
/// How much shorter a page is made of which nothing was read in time.
const SHORTER: usize = 16;

/// Why nothing was read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Missed {
    #[error(transparent)]
    Chain(#[from] ChainError),
    #[error("the chain moved at block {0} while it was read, or its nodes disagree")]
    Torn(u64),
    #[error("the node is at block {0}, behind everything that is kept")]
    Behind(u64),
    #[error("not all was read within {} s", .0.as_secs())]
    Slow(Duration),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The next blocks, and what happened in them.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// Blocks above this number that were scanned before are no part of the chain any more.
    pub(super) above: Option<u64>,
    /// What was read before of some wallets of blocks above this number is given up: they are read
    /// again.
    pub(super) again: Option<u64>,
    /// The blocks; none when there are no new ones.
    pub(super) blocks: Vec<Header>,
    /// What happened in them, in order.
    pub(super) events: Vec<ChainEvent>,
    /// Logs that are not as the standards say.
    pub(super) malformed: u64,
    /// What is not known of a block that has more logs than are read.
    pub(super) gaps: Vec<Gap>,
    /// Of which blocks some was read and not all: they are not among those above.
    pub(super) part: Option<ScanPart>,
    /// Why not all.
    pub(super) missed: Option<Missed>,
    /// Whether there are more blocks.
    pub(super) is_more: bool,
}

/// Where a page begins.
struct Start {
    above: Option<u64>,
    /// The block before it; none when that one is not kept.
    parent: Option<BlockHash>,
    next: u64,
}

/// Reads the blocks after those that were scanned; of a chain that was not, its newest block alone,
/// as one in which nothing happened: what was before nobody asked for. Logs are read until then.
pub(super) async fn read(
    ctx: &Ctx,
    chain: Chain,
    keys: &[Key],
    state: Option<&ScanState>,
    head: Header,
    until: Instant,
) -> Result<Page, Missed> {
    let Some(state) = state else {
        return Ok(Page {
            blocks: vec![head],
            ..Page::default()
        });
    };
    let nothing = || Page {
        part: state.part,
        ..Page::default()
    };
    let Some(start) = start(ctx, chain, state, &head).await? else {
        return Ok(nothing());
    };
    let part = state.part.filter(|_| start.above.is_none());
    if part.is_some_and(|part| head.number < part.number) {
        return Ok(nothing());
    }
    let last = head.number.min(start.next + BLOCKS_MAX - 1);
    let mut page = Page {
        above: start.above,
        blocks: headers(ctx, chain, start.next, last).await?,
        ..Page::default()
    };
    let follows = |first: &Header| start.parent.is_none_or(|parent| first.parent == parent);
    match page.blocks.first() {
        Some(first) if follows(first) => {}
        // The branch that it moved to is not longer than what both have.
        None if start.next > head.number => return Ok(page),
        _ => return Err(Missed::Torn(start.next)),
    }
    if let Some(number) = branch::broken(&page.blocks) {
        return Err(Missed::Torn(number));
    }
    let part = go_on(&mut page, part, &start, state);
    let logs = logs(ctx, chain, keys, part, until, &mut page).await?;
    take(chain, &mut page, logs)?;
    page.is_more = page.blocks.last().is_some_and(|it| it.number < head.number);
    if page.part.is_some() {
        // Without any block that is kept there is none to go on from.
        if start.parent.is_none() {
            return Err(page.missed.unwrap_or(Missed::Torn(start.next)));
        }
        page.is_more = matches!(page.missed, Some(Missed::Slow(_)));
        page.blocks.clear();
    }
    Ok(page)
}

/// Makes a page of the blocks that were read of some wallets before, if they are there still.
fn go_on(
    page: &mut Page,
    part: Option<ScanPart>,
    start: &Start,
    state: &ScanState,
) -> Option<ScanPart> {
    let is_there = |part: &ScanPart| page.blocks.iter().position(|it| it.hash == part.hash);
    let place = part.as_ref().and_then(is_there);
    match place {
        Some(place) => page.blocks.truncate(place + 1),
        // What was read of another branch does not hold.
        None if state.part.is_some() => page.above = page.above.or(Some(start.next - 1)),
        None => {}
    }
    part.filter(|_| place.is_some())
}

/// Where the next page begins; nowhere when the node is behind what was scanned already.
async fn start(
    ctx: &Ctx,
    chain: Chain,
    state: &ScanState,
    head: &Header,
) -> Result<Option<Start>, Missed> {
    let (Some(first), Some(last)) = (state.blocks.first(), state.blocks.last()) else {
        return Err(Missed::Behind(head.number));
    };
    if head.number < first.number {
        return Err(Missed::Behind(head.number));
    }
    let upto = last.number.min(head.number);
    let now = match head.number == upto {
        true => vec![*head],
        false => headers(ctx, chain, upto, upto).await?,
    };
    let found = branch::ancestor(&state.blocks, &now);
    if found.is_some() {
        return Ok((upto == last.number).then_some(Start {
            above: None,
            parent: Some(last.hash),
            next: last.number + 1,
        }));
    }
    let now = headers(ctx, chain, first.number, upto).await?;
    if let Some(number) = branch::broken(&now) {
        return Err(Missed::Torn(number));
    }
    let found = branch::ancestor(&state.blocks, &now);
    let depth = last.number - found.map_or(first.number.saturating_sub(1), |block| block.number);
    let labels = [("chain", chain.as_str())];
    metrics::counter!("packtrain_chain_reorganised_total", &labels).increment(1);
    warn!(chain = chain.as_str(), depth, "a chain was reorganised");
    Ok(Some(match found {
        Some(block) => Start {
            above: Some(block.number),
            parent: Some(block.hash),
            next: block.number + 1,
        },
        // Deeper than anything that is kept: all of that is read again.
        None => Start {
            above: Some(first.number.saturating_sub(1)),
            parent: None,
            next: first.number,
        },
    }))
}

/// The heads of these blocks.
async fn headers(ctx: &Ctx, chain: Chain, first: u64, last: u64) -> Result<Vec<Header>, Missed> {
    let mut found: Vec<Header> = Vec::new();
    let mut next = first;
    while next <= last {
        let until = last.min(next + HEADERS - 1);
        let some = ctx.world.chains.headers(chain, next, until).await?;
        if some.len() as u64 != until - next + 1 {
            return Err(Missed::Torn(next));
        }
        found.extend(some);
        next = until + 1;
    }
    Ok(found)
}

/// The logs of a page, which becomes shorter where they are too many, or none of them is read in
/// time. When only some wallets are read in time, it is known which ones.
async fn logs(
    ctx: &Ctx,
    chain: Chain,
    keys: &[Key],
    part: Option<ScanPart>,
    until: Instant,
    page: &mut Page,
) -> Result<Vec<Log>, Missed> {
    let mut wallets = watched::wallets(keys);
    wallets.retain(|wallet| part.is_none_or(|part| *wallet > part.wallet));
    let (mut all, mut read): (Vec<Log>, Option<AddressBytes>) = (Vec::new(), None);
    let mut some = wallets.chunks(decode::ADDRESSES).peekable();
    while let Some(&wallets) = some.peek() {
        let Some(last) = page.blocks.last().copied() else {
            return Ok(Vec::new());
        };
        let length = page.blocks.len();
        let is_first = read.is_none() && length > 1;
        let within = if is_first { FIRST_WITHIN } else { LOGS_WITHIN };
        let found = some_logs(ctx, chain, keys, wallets, &page.blocks, until - RESERVE);
        let found = timeout_at(until.min(Instant::now() + within), found).await;
        let shorter = match found.unwrap_or(Err(Missed::Slow(LOGS_WITHIN))) {
            Ok(found) => {
                all.extend(found.logs);
                page.gaps.extend(found.gaps);
                read = wallets.last().copied();
                some.next();
                continue;
            }
            Err(Missed::Chain(ChainError::TooMany { .. })) if length > 1 => length / 2,
            Err(Missed::Slow(_)) if is_first => length.div_ceil(SHORTER),
            Err(missed) => {
                let Some(wallet) = read else {
                    return Err(missed);
                };
                let (number, hash) = (last.number, last.hash);
                page.missed = Some(missed);
                page.part = Some(ScanPart {
                    number,
                    hash,
                    wallet,
                });
                break;
            }
        };
        page.blocks.truncate(shorter);
        let end = page.blocks.last().map(|block| block.number);
        all.retain(|log| Some(log.block) <= end);
        if part.is_some() {
            // What was read before of those that are left out is read again with them.
            page.again = end;
        }
    }
    Ok(all)
}

/// The logs of some wallets; of a single block that has too many what can be had by then.
async fn some_logs(
    ctx: &Ctx,
    chain: Chain,
    keys: &[Key],
    wallets: &[AddressBytes],
    blocks: &[Header],
    until: Instant,
) -> Result<Found, Missed> {
    let (Some(first), Some(last)) = (blocks.first(), blocks.last()) else {
        return Ok(Found::default());
    };
    let read = |filter: LogFilter| async move {
        let chains = &ctx.world.chains;
        match chains.logs(chain, &filter, first.number, last).await {
            Err(ChainError::TooMany { .. }) if blocks.len() == 1 => {
                in_parts(ctx, chain, keys, filter, last, until).await
            }
            logs => Ok(Found {
                logs: logs?,
                ..Found::default()
            }),
        }
    };
    let [given, got] = decode::filters(wallets);
    let (mut found, got) = tokio::try_join!(read(given), read(got))?;
    found.logs.extend(got.logs);
    found.gaps.extend(got.gaps);
    Ok(found)
}

/// Reads logs, each once, that are all of the blocks of the page.
fn take(chain: Chain, page: &mut Page, logs: Vec<Log>) -> Result<(), Missed> {
    let Some(first) = page.blocks.first().map(|block| block.number) else {
        return Ok(());
    };
    let mut events = BTreeMap::new();
    for log in logs.iter().filter(|log| !log.is_removed) {
        let place = log.block.checked_sub(first);
        let place = place.and_then(|place| usize::try_from(place).ok());
        let block = place.and_then(|place| page.blocks.get(place));
        let block = block.filter(|block| block.hash == log.block_hash);
        let block = block.ok_or(Missed::Torn(log.block))?;
        let event = decode::event(log, block.at);
        events.insert((log.block, log.index), event);
    }
    let malformed = events.values().filter(|event| event.is_none()).count();
    page.malformed = malformed as u64;
    let labels = [("chain", chain.as_str())];
    metrics::counter!("packtrain_chain_malformed_total", &labels).increment(page.malformed);
    page.events = events.into_values().flatten().collect();
    if let Some(gap) = page.gaps.first() {
        metrics::counter!("packtrain_chain_gaps_total", &labels).increment(1);
        let block = gap.number;
        warn!(chain = chain.as_str(), block, "a block has too many logs");
    }
    Ok(())
}
