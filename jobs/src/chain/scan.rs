//! Reads what watched wallets did on every chain, four times a minute.

use std::time::Duration;

use packtrain_core::chain::Chain;
use packtrain_core::fault::{Fault, chain as told};
use packtrain_core::job::{Ctx, Done, FollowUp, Gate, Job, Kind, Lane, Priority};
use packtrain_core::ports::{BlockRef, ChainEvent, Header, ScanState, Scanned, Write};
use packtrain_core::schedule::Every;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::Instant;
use tracing::warn;
use utoipa::ToSchema;

use super::figures::{self, Times};
use super::page::{self, LOGS_WITHIN, Missed, Page};
use super::reader::{Held, Reader};
use super::watched::{self, Key};
use crate::alerts::evaluate::Evaluate;

/// How often it comes by itself.
pub const EVERY: Duration = Duration::from_secs(15);
/// Metrics of one chain that are watched, at most.
const WATCHED_MAX: u32 = 20_000;
/// How long the balances of one scan may take, and when they have to be read, from its begin: what
/// is left of its limit is for headers and decimals, which have none of their own.
const BALANCES_WITHIN: Duration = Duration::from_secs(20);
const READ_WITHIN: Duration = Duration::from_secs(50);
/// Pending events that one scan tells of, at most; of a single block that has more the first of
/// them.
const PENDING_MAX: u32 = 200_000;
/// Blocks that are kept, at least, so that a reorganisation can be followed.
const KEPT: u64 = 256;

/// Reads the next blocks of a chain for what the wallets did that rules of any tenant watch, and
/// what they have. Without a chain, fans out to all that are configured.
///
/// What is found, the points that come of it and how far the chain was read are written with the
/// end of the job, and only if the chain still stands where the job began: a second run finds the
/// same, and nothing is found twice. A chain that tells nothing is named in the result and logged:
/// the next tick asks again.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ChainScan)]
pub struct Scan {
    /// The chain.
    #[serde(default)]
    pub chain: Option<Chain>,
}

impl Job for Scan {
    const KIND: Kind = Kind::new("chain.scan");
    const LANE: Lane = Lane::Io;
    const PRIORITY: Priority = Priority::FIRST;
    // The next tick comes sooner than a second retry.
    const ATTEMPTS_MAX: u16 = 2;
    const TIME_LIMIT: Duration = Duration::from_secs(60);
    // One that is found late would only be in the way of the next.
    const DEADLINE: Option<Duration> = Some(EVERY);
    const EVERY: Option<Every> = Some(Every::cron("*/15 * * * * *"));
    // Each begins where the one before it ended.
    const GATE: Gate = Gate::Group { holds_dead: false };

    fn group(&self) -> Option<String> {
        self.chain.map(|chain| format!("chain:{}", chain.id()))
    }

    async fn run(self, ctx: &Ctx) -> Result<Done, Fault> {
        let Some(chain) = self.chain else {
            let all = ctx.world.chains.configured().into_iter();
            return Ok(Done::fan_out(all.map(|one| Self { chain: Some(one) })));
        };
        match scan(ctx, chain).await {
            Ok(done) => Ok(done),
            Err(Missed::Store(error)) => Err(error.into()),
            Err(missed) => {
                let why = note(chain, &missed);
                Ok(Done::with(json!({ "chain": chain, "missed": why })))
            }
        }
    }
}

async fn scan(ctx: &Ctx, chain: Chain) -> Result<Done, Missed> {
    let began = Instant::now();
    let store = &ctx.world.chain_events;
    let watched = store.watched(chain, WATCHED_MAX).await?;
    let is_cut = watched.len() >= WATCHED_MAX as usize;
    if is_cut {
        warn!(chain = chain.as_str(), "more is watched than is read");
    }
    let owners = &ctx.world.owners;
    let keys: Vec<Key> = { watched.iter() }
        .filter_map(|key| Key::read(key, owners))
        .collect();
    let state = store.state(chain).await?;
    let state = state.as_ref();
    let wallets = watched::wallets(&keys);
    let mut done = Done::default();
    // What was told is taken back also when nobody watches any more: the chain is followed without
    // its logs until that is out of reach.
    let is_told = state.is_some_and(|it| it.told_to.is_some());
    // Of what is cut off nobody knows whether there are logs of it.
    if wallets.is_empty() && state.is_some() && !is_cut && !is_told {
        done.writes.push(over(chain, state));
    }
    let is_followed = !wallets.is_empty() || is_told;
    if keys.is_empty() && !is_followed {
        return Ok(done);
    }
    let values = ctx.world.watch.values(&watched).await?;
    let mut reader = Reader::new(ctx, chain, keys, values);
    let head = ctx.world.chains.head(chain).await?;
    let mut result = json!({ "chain": chain, "block": head.number });
    let mut is_news = false;
    if is_followed {
        let until = began + LOGS_WITHIN;
        let page = page::read(ctx, chain, &reader.keys, state, head, until).await?;
        describe(chain, &page, &mut result);
        // What was told of another branch is taken back before anything is told of this one.
        let undone = page.above.map(|_| Evaluate::undone_by(ctx.job));
        let more = page.is_more.then_some(Scan { chain: Some(chain) });
        let scanned = scanned(&mut reader, head.number, state, page).await?;
        result["told"] = scanned.told.len().into();
        is_news = !scanned.points.is_empty();
        done.writes.push(Write::Scanned(Box::new(scanned)));
        done.then.extend(undone.map(FollowUp::of));
        done.then.extend(more.map(FollowUp::of));
    }
    let held = balances(&mut reader, &head, began, &mut result).await?;
    if !held.points.is_empty() {
        is_news = true;
        done.writes.push(Write::Observed(held.points));
    }
    let balances = held.balances.map(Box::new);
    done.writes.extend(balances.map(Write::Balances));
    if is_news {
        done.then.push(FollowUp::of(Evaluate::of(ctx.job)));
    }
    // First of all: what is told of tokens says their decimals.
    done.writes.splice(0..0, reader.tokens());
    done.result = Some(result);
    Ok(done)
}

/// What wallets have. That it could not be read takes nothing along of what logs told, nor of what
/// was read before.
async fn balances(
    reader: &mut Reader<'_>,
    head: &Header,
    began: Instant,
    result: &mut serde_json::Value,
) -> Result<Held, Missed> {
    let of_them = (Instant::now() + BALANCES_WITHIN, BALANCES_WITHIN);
    let in_all = (began + READ_WITHIN, READ_WITHIN);
    let mut held = reader.balances(head, of_them.min(in_all)).await?;
    if let Some(missed) = held.missed.take() {
        result["balances_missed"] = note(reader.chain, &missed).into();
    }
    result["balances"] = held.points.len().into();
    Ok(held)
}

/// Logs and counts what was missed, and says why.
fn note(chain: Chain, missed: &Missed) -> String {
    let why = told(missed);
    let labels = [("chain", chain.as_str())];
    metrics::counter!("packtrain_chain_missed_total", &labels).increment(1);
    warn!(chain = chain.as_str(), why, "a chain could not be scanned");
    why
}

/// What a page came to, for whoever looks at the job.
fn describe(chain: Chain, page: &Page, result: &mut serde_json::Value) {
    for (name, count) in [
        ("blocks", page.blocks.len() as u64),
        ("events", page.events.len() as u64),
        ("malformed", page.malformed),
    ] {
        result[name] = count.into();
    }
    if let Some(above) = page.above {
        result["reorganised_above"] = above.into();
    }
    if !page.gaps.is_empty() {
        result["has_gap"] = true.into();
    }
    if let Some(missed) = &page.missed {
        result["logs_missed"] = note(chain, missed).into();
    }
}

fn newest(state: &ScanState) -> Option<&BlockRef> {
    state.blocks.last()
}

/// That a chain is left alone from now on.
fn over(chain: Chain, state: Option<&ScanState>) -> Write {
    Write::Scanned(Box::new(Scanned {
        is_over: true,
        ..nothing(chain, state)
    }))
}

/// A scan that began here and found nothing.
fn nothing(chain: Chain, state: Option<&ScanState>) -> Scanned {
    Scanned {
        chain,
        begun_at: state.and_then(newest).map(|block| block.hash),
        begun_part: state.and_then(|it| it.part),
        above: None,
        again: None,
        blocks: Vec::new(),
        keep_from: 0,
        events: Vec::new(),
        gaps: Vec::new(),
        part: None,
        confirmed_to: None,
        told: Vec::new(),
        points: Vec::new(),
        told_at: None,
        is_over: false,
        watchers: Vec::new(),
    }
}

/// What is written of a page: its events, which events are confirmed by it, and their points.
async fn scanned(
    reader: &mut Reader<'_>,
    head: u64,
    state: Option<&ScanState>,
    page: Page,
) -> Result<Scanned, Missed> {
    let (ctx, chain) = (reader.ctx, reader.chain);
    let mut times = Times::new(ctx.clock.now(), state.and_then(|it| it.told_at));
    let stood = state.and_then(newest).map(|block| block.number);
    let end = { page.blocks.last().map(|block| block.number) }
        .or_else(|| Some(page.above?.min(stood?)))
        .or(stood)
        .unwrap_or(0);
    let depth = ctx.world.chains.confirmations(chain);
    let confirmed_to = end.checked_sub(depth);
    let (confirmed_to, confirmed) = match confirmed_to {
        Some(upto) => {
            let (upto, events) = confirmed(ctx, chain, upto, &page).await?;
            (Some(upto), events)
        }
        None => (None, Vec::new()),
    };
    let kept = state.map_or(&[][..], |it| &it.gaps).iter();
    let kept_to = page.above.or(page.again);
    let kept = kept.filter(|gap| kept_to.is_none_or(|above| gap.number <= above));
    reader.gaps = kept.chain(&page.gaps).copied().collect();
    let known = reader.known(&confirmed, head).await?;
    let (mut points, told) = figures::points(&reader.keys, &confirmed, &known, &mut times);
    if let Some(upto) = confirmed_to {
        points.extend(reader.zeros(upto, &points, &mut times).await?);
    }
    Ok(Scanned {
        above: page.above,
        again: page.again,
        blocks: page.blocks.iter().map(BlockRef::from).collect(),
        keep_from: end.saturating_sub(KEPT.max(2 * depth)),
        watchers: watched::watchers(&reader.keys),
        events: page.events,
        gaps: page.gaps,
        part: page.part,
        confirmed_to,
        told,
        points,
        told_at: times.last(),
        ..nothing(chain, state)
    })
}

/// Events that are confirmed by a page, in order: those up to a block, or up to the one before it
/// to which there are as many as are read, so that no event is confirmed that was not told.
async fn confirmed(
    ctx: &Ctx,
    chain: Chain,
    upto: u64,
    page: &Page,
) -> Result<(u64, Vec<ChainEvent>), Missed> {
    // What was scanned above it is of another branch.
    let scanned_to = page.above.map_or(upto, |above| above.min(upto));
    let store = &ctx.world.chain_events;
    let mut events = store.pending(chain, scanned_to, PENDING_MAX).await?;
    let ends = events.first().zip(events.last());
    let ends = ends.map(|(first, last)| (first.number, last.number));
    let upto = match ends {
        Some((first, last)) if events.len() >= PENDING_MAX as usize => {
            warn!(chain = chain.as_str(), last, "more is pending than is read");
            // Of the last one there may be more.
            if first < last { last - 1 } else { last }
        }
        _ => upto,
    };
    events.extend(page.events.iter().cloned());
    events.retain(|event| event.number <= upto);
    // What was read of some wallets before comes again with others.
    events.sort_by_key(|event| (event.number, event.log_index));
    events.dedup_by_key(|event| (event.number, event.log_index));
    Ok((upto, events))
}
