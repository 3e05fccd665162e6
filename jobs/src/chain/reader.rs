//! What is read besides logs: balances, decimals, prices that are known, and when nothing happened.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use chrono::TimeDelta;
use ethnum::U256;
use packtrain_core::chain::Chain;
use packtrain_core::job::Ctx;
use packtrain_core::ports::{
    AddressBytes, Balance, Balances, BlockRef, ChainEvent, ChainEventKind, Gap, Header, Point,
    Question, TokenDecimals, Write,
};
use packtrain_core::time::Timestamp;
use packtrain_rules::value::Value;
use tokio::time::{Instant, timeout_at};

use super::amount::whole;
use super::figures::{self, Known, Times};
use super::page::Missed;
use super::scan::EVERY;
use super::watched::{Key, What};

/// How old a point may be before it is given again although nothing changed.
const AGAIN_AFTER: TimeDelta = TimeDelta::seconds(60);
/// How old a price may be to count.
const PRICED_WITHIN: TimeDelta = TimeDelta::hours(1);
/// Decimals of the chain's own coin, on every chain that is known.
const NATIVE_DECIMALS: u8 = 18;
/// Decimals beyond which no number of 256 bits has a figure before the point.
const DECIMALS_MAX: u8 = 77;
/// Balances of one scan, at most: forty requests; half of them are the first ones of every tenant.
const BALANCES_MAX: usize = 640;
const FIRST: usize = BALANCES_MAX / 2;
/// Balances that are asked for, and kept, at once.
const SLICE: usize = 16;
/// Of those that gave nothing for so long so many are asked for, at least, and after the others.
const MUTE_AFTER: TimeDelta = TimeDelta::minutes(5);
const MUTE: usize = 64;
/// `decimals()` and `balanceOf(address)`.
const DECIMALS_CALL: [u8; 4] = [0x31, 0x3c, 0xe5, 0x67];
const BALANCE_CALL: [u8; 4] = [0x70, 0xa0, 0x82, 0x31];

/// What was read of balances in time.
#[derive(Default)]
pub(super) struct Held {
    /// All of it.
    pub(super) balances: Option<Balances>,
    /// Which of it rules have to be told.
    pub(super) points: Vec<Point>,
    /// Why the rest was not read.
    pub(super) missed: Option<Missed>,
}

/// Reads a chain for what is watched of it.
pub(super) struct Reader<'a> {
    pub(super) ctx: &'a Ctx,
    pub(super) chain: Chain,
    pub(super) keys: Vec<Key>,
    /// What is not known of the blocks that are kept.
    pub(super) gaps: Vec<Gap>,
    /// With what rules were evaluated last.
    values: BTreeMap<String, Point>,
    /// Decimals that were asked for.
    tokens: Vec<TokenDecimals>,
}

impl<'a> Reader<'a> {
    /// For these keys, of which rules were evaluated with these values.
    pub(super) fn new(ctx: &'a Ctx, chain: Chain, keys: Vec<Key>, values: Vec<Point>) -> Self {
        let values = values
            .into_iter()
            .map(|point| (point.metric.clone(), point));
        Self {
            ctx,
            chain,
            keys,
            gaps: Vec::new(),
            values: values.collect(),
            tokens: Vec::new(),
        }
    }

    /// Decimals that were not known before.
    pub(super) fn tokens(self) -> Option<Write> {
        let is_some = !self.tokens.is_empty();
        is_some.then_some(Write::Tokens(self.chain, self.tokens))
    }

    /// What has to be known of the tokens of these events. Contracts are asked at the head: after
    /// a rest nodes have nothing more of what was so when the events happened.
    pub(super) async fn known(
        &mut self,
        events: &[ChainEvent],
        head: u64,
    ) -> Result<Known, Missed> {
        let mut known = Known {
            gaps: self.gaps.clone(),
            ..Known::default()
        };
        let moved: BTreeSet<AddressBytes> = { self.keys.iter() }
            .filter(|key| key.what == What::Moved)
            .flat_map(Key::wallets)
            .collect();
        let of_moved = events.iter().filter(|event| {
            let is_moved = moved.contains(&event.from) || moved.contains(&event.to);
            is_moved && event.kind == ChainEventKind::Transfer
        });
        let tokens: BTreeSet<AddressBytes> = of_moved.map(|event| event.token).collect();
        let chain = self.chain;
        let key = |token: &AddressBytes| format!("price:{chain}:0x{}", hex::encode(token));
        let keys: Vec<String> = tokens.iter().map(key).collect();
        if let (false, Some(last)) = (keys.is_empty(), events.last()) {
            for point in self.ctx.world.watch.values(&keys).await? {
                let token = tokens.iter().find(|token| key(token) == point.metric);
                let price: Option<Value> = point.value.parse().ok();
                if let (Some(token), Some(price)) = (token, price)
                    && (last.at - point.at).abs() <= PRICED_WITHIN
                {
                    known.prices.insert(*token, price);
                }
            }
        }
        let tokens = figures::tokens(&self.keys, events, &known);
        known.decimals = self.decimals(&tokens, head).await?;
        Ok(known)
    }

    /// A zero for each metric of events that has no point yet, or none of late: nothing happened up
    /// to a block. Of what is not known of a block that is kept nobody says that it did not happen.
    pub(super) async fn zeros(
        &self,
        upto: u64,
        points: &[Point],
        times: &mut Times,
    ) -> Result<Vec<Point>, Missed> {
        let given: BTreeSet<&str> = points.iter().map(|point| point.metric.as_str()).collect();
        let Some(block) = self.header(upto).await? else {
            return Ok(Vec::new());
        };
        let gaps = self.gaps.iter().filter(|gap| gap.number <= upto);
        let mut unknown: HashMap<AddressBytes, Vec<&Gap>> = HashMap::new();
        gaps.for_each(|gap| unknown.entry(gap.wallet).or_default().push(gap));
        let is_known = |key: &Key| {
            let gaps = key.wallets().filter_map(|wallet| unknown.get(&wallet));
            !gaps.flatten().any(|gap| key.is_in(gap))
        };
        let due: Vec<&Key> = { self.keys.iter() }
            .filter(|key| key.is_of_events() && !given.contains(key.metric.as_str()))
            .filter(|key| is_known(key))
            .filter(|key| self.is_due(&key.metric, "0", block.at))
            .collect();
        if due.is_empty() {
            return Ok(Vec::new());
        }
        let at = times.give(block.at);
        let zeros = due.into_iter().map(|key| Point {
            metric: key.metric.clone(),
            at,
            value: "0".to_owned(),
        });
        Ok(zeros.collect())
    }

    /// Whether a value has to be told: it is another one, or the last is of long ago.
    fn is_due(&self, metric: &str, value: &str, at: Timestamp) -> bool {
        let last = self.values.get(metric);
        let read = |text: &str| text.parse::<Value>().ok();
        last.is_none_or(|last| read(&last.value) != read(value) || at - last.at >= AGAIN_AFTER)
    }

    /// What wallets have at the newest block that is confirmed, as far as it is read until then; of
    /// many wallets those whose turn it is.
    pub(super) async fn balances(
        &mut self,
        head: &Header,
        (until, within): (Instant, Duration),
    ) -> Result<Held, Missed> {
        let mut held = Held::default();
        let depth = self.ctx.world.chains.confirmations(self.chain);
        let is_of_balance = |key: &Key| matches!(key.what, What::Balance(_));
        let is_any = self.keys.iter().any(is_of_balance);
        let (true, Some(upto)) = (is_any, head.number.checked_sub(depth)) else {
            return Ok(held);
        };
        let block = match in_time(until, within, self.header(upto)).await {
            Ok(Some(block)) => block,
            Ok(None) => return Ok(held),
            Err(missed) => {
                held.missed = Some(missed);
                return Ok(held);
            }
        };
        let is_mute = |key: &Key| {
            let last = self.values.get(&key.metric);
            last.is_none_or(|last| block.at - last.at > MUTE_AFTER)
        };
        let of_balance = self.keys.iter().filter(|key| is_of_balance(key));
        let (mute, giving): (Vec<&Key>, Vec<&Key>) = of_balance.partition(|key| is_mute(key));
        let turn = self.ctx.clock.now().timestamp().unsigned_abs() / EVERY.as_secs();
        let keys = in_turn(&giving, &mute, turn).into_iter().cloned();
        let keys: Vec<Key> = keys.collect();
        let mut all = Vec::new();
        for some in keys.chunks(SLICE) {
            let read = self.some_balances(some, head.number, &block);
            match in_time(until, within, read).await {
                Ok((balances, points)) => {
                    all.extend(balances);
                    held.points.extend(points);
                }
                Err(Missed::Store(error)) => return Err(error.into()),
                Err(missed) => {
                    held.missed = Some(missed);
                    break;
                }
            }
        }
        held.balances = (!all.is_empty()).then(|| Balances {
            chain: self.chain,
            block: BlockRef::from(&block),
            all,
        });
        Ok(held)
    }

    /// What some of them have, and what of that is to be told.
    async fn some_balances(
        &mut self,
        keys: &[Key],
        head: u64,
        block: &Header,
    ) -> Result<(Vec<Balance>, Vec<Point>), Missed> {
        let at = block.at.min(self.ctx.clock.now());
        let tokens: BTreeSet<AddressBytes> = keys.iter().filter_map(Key::token).collect();
        let decimals = self.decimals(&tokens, head).await?;
        let questions: Vec<Question> = keys.iter().map(question).collect();
        let chains = &self.ctx.world.chains;
        let words = chains.words(self.chain, &questions, block.number).await?;
        let (mut all, mut points) = (Vec::new(), Vec::new());
        for (key, word) in keys.iter().zip(words) {
            // A contract that says nothing of a balance has no figure, not none of it.
            let Some(units) = word.map(U256::from_be_bytes) else {
                continue;
            };
            let decimals = match key.token() {
                None => Some(NATIVE_DECIMALS),
                Some(token) => decimals.get(&token).copied().flatten(),
            };
            let value = whole(units, decimals.unwrap_or(0));
            if self.is_due(&key.metric, &value, at) {
                points.push(Point {
                    metric: key.metric.clone(),
                    at,
                    value,
                });
            }
            all.push(Balance {
                metric: key.metric.clone(),
                wallet: key.wallet,
                token: key.token(),
                amount: units.to_string(),
                decimals,
            });
        }
        Ok((all, points))
    }

    /// The head of a block; none when the node has none of it.
    async fn header(&self, number: u64) -> Result<Option<Header>, Missed> {
        let chains = &self.ctx.world.chains;
        let headers = chains.headers(self.chain, number, number).await?;
        Ok(headers.into_iter().next())
    }

    /// Decimals of tokens: what is kept, and what the contracts of the others say at the head.
    async fn decimals(
        &mut self,
        tokens: &BTreeSet<AddressBytes>,
        head: u64,
    ) -> Result<HashMap<AddressBytes, Option<u8>>, Missed> {
        let wanted: Vec<AddressBytes> = tokens.iter().copied().collect();
        let store = &self.ctx.world.chain_events;
        let known = store.decimals(self.chain, &wanted).await?.into_iter();
        let asked = self.tokens.iter().copied();
        let mut found: HashMap<AddressBytes, Option<u8>> = known
            .chain(asked)
            .map(|it| (it.token, it.decimals))
            .collect();
        let open = wanted
            .into_iter()
            .filter(|token| !found.contains_key(token));
        let open: Vec<AddressBytes> = open.collect();
        let question = |token: &AddressBytes| Question::Call {
            to: *token,
            data: DECIMALS_CALL.to_vec(),
        };
        let questions: Vec<Question> = open.iter().map(question).collect();
        let chains = &self.ctx.world.chains;
        let words = chains.words(self.chain, &questions, head).await?;
        for (token, word) in open.into_iter().zip(words) {
            let said = word.map(U256::from_be_bytes);
            let said = said.and_then(|said| u8::try_from(said).ok());
            let decimals = said.filter(|decimals| *decimals <= DECIMALS_MAX);
            self.tokens.push(TokenDecimals { token, decimals });
            found.insert(token, decimals);
        }
        Ok(found)
    }
}

/// What is read until then; of what takes longer it is said how long it was waited for.
async fn in_time<T>(
    until: Instant,
    within: Duration,
    read: impl Future<Output = Result<T, Missed>>,
) -> Result<T, Missed> {
    let read = timeout_at(until, read).await;
    read.unwrap_or(Err(Missed::Slow(within)))
}

/// The keys whose balances are asked for at this turn, all of them in some turns: the first ones of
/// every tenant, of which keys come first; others; and what gave nothing of late, such as a
/// contract that has no balances. Each begins somewhere else at every turn, so that what a turn
/// does not come to has another one.
fn in_turn<'a>(giving: &[&'a Key], mute: &[&'a Key], turn: u64) -> Vec<&'a Key> {
    let places = BALANCES_MAX - mute.len().min(MUTE);
    let (first, others) = giving.split_at(giving.len().min(FIRST));
    let mut keys = stretch(first, first.len(), turn);
    keys.extend(stretch(others, places - first.len(), turn));
    keys.extend(stretch(mute, BALANCES_MAX - keys.len(), turn));
    keys
}

/// So many of some keys, at most, from where a turn begins: over many turns that is everywhere.
fn stretch<'a>(keys: &[&'a Key], most: usize, turn: u64) -> Vec<&'a Key> {
    // Multiples of the golden ratio lie evenly, whichever turns are missed.
    let place = u128::from(turn.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let place = (place * keys.len() as u128) >> 64;
    let place = usize::try_from(place).unwrap_or_default();
    let (before, from) = keys.split_at(place.min(keys.len()));
    from.iter().chain(before).take(most).copied().collect()
}

/// How much of what a key is about its wallet has.
fn question(key: &Key) -> Question {
    match key.token() {
        None => Question::Balance(key.wallet),
        Some(token) => {
            let mut data = BALANCE_CALL.to_vec();
            data.extend([0; 12]);
            data.extend(key.wallet);
            Question::Call { to: token, data }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_balance_has_its_turn_also_of_scans_that_miss_some() {
        for (count, step) in [
            (0, 1),
            (1, 1),
            (640, 1),
            (641, 1),
            (6_400, 2),
            (2_560, 4),
            (5_000, 3),
        ] {
            let key = |place| Key {
                metric: format!("balance:{place}"),
                wallet: [0; 20],
                owner: None,
                what: What::Balance(None),
            };
            let keys: Vec<Key> = (0..count).map(key).collect();
            let keys: Vec<&Key> = keys.iter().collect();
            for mute in [0, count / 2, count] {
                let (mute, giving) = keys.split_at(mute);
                let mut asked = BTreeSet::new();
                for turn in (0..400).map(|turn| 120_000_000 + turn * step) {
                    let some = in_turn(giving, mute, turn);
                    assert!(some.len() <= BALANCES_MAX);
                    asked.extend(some.iter().map(|key| &key.metric));
                }
                assert_eq!(asked.len(), count, "{count} {step} {}", mute.len());
            }
        }
    }
}
