//! What the events of a block mean for the metrics of wallets. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::TimeDelta;
use ethnum::U256;
use packtrain_core::ports::{AddressBytes, ChainEvent, ChainEventKind, Gap, Point, ToldPoint};
use packtrain_core::time::Timestamp;
use packtrain_rules::netting::{
    self, Address, Labels, Owner, Price, Prices, Token, TransactionHash, Transfer,
};
use packtrain_rules::value::Value;

use super::amount::whole;
use super::watched::{Key, What};

/// What has to be known of tokens.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Decimals; none of one whose contract does not say, whose amounts are told in base units.
    pub(super) decimals: HashMap<AddressBytes, Option<u8>>,
    /// Prices that count.
    pub(super) prices: HashMap<AddressBytes, Value>,
    /// What is not known of blocks.
    pub(super) gaps: Vec<Gap>,
}

impl Known {
    fn decimals(&self, token: AddressBytes) -> u8 {
        self.decimals.get(&token).copied().flatten().unwrap_or(0)
    }
}

/// Gives points of events their times: that of their block, but never one that was given before,
/// and none that lies ahead. Each has a zero a microsecond after it.
#[derive(Debug)]
pub(super) struct Times {
    now: Timestamp,
    last: Option<Timestamp>,
}

impl Times {
    /// At this time, after the last that was given.
    pub(super) const fn new(now: Timestamp, last: Option<Timestamp>) -> Self {
        Self { now, last }
    }

    /// The last time that was given.
    pub(super) const fn last(&self) -> Option<Timestamp> {
        self.last
    }

    /// A time for something that was so at this one.
    pub(super) fn give(&mut self, wanted: Timestamp) -> Timestamp {
        let next = self.last.map(|last| last + TimeDelta::microseconds(1));
        let given = wanted.min(self.now);
        let given = next.map_or(given, |next| given.max(next));
        self.last = Some(given);
        given
    }
}

/// The points of confirmed events, in order of their blocks: for each metric that a block concerns
/// its value and then zero, and which of them came of the block.
pub(super) fn points(
    keys: &[Key],
    events: &[ChainEvent],
    known: &Known,
    times: &mut Times,
) -> (Vec<Point>, Vec<ToldPoint>) {
    let (mut points, mut told) = (Vec::new(), Vec::new());
    for block in events.chunk_by(|one, next| one.number == next.number) {
        let mut values: Vec<(&str, Vec<String>)> = Vec::new();
        let by_wallet = by_wallet(block);
        let gaps = { known.gaps.iter() }.filter(|gap| gap.number == block[0].number);
        let gaps: Vec<&Gap> = gaps.collect();
        for key in keys {
            let events = of_key(key, &by_wallet);
            if !events.is_empty() && !gaps.iter().any(|gap| key.is_lost_in(gap)) {
                values.push((&key.metric, self::values(key, &events, known)));
            }
        }
        // All metrics of a block have its time; the second value of one has a later one.
        let most = values.iter().map(|(_, values)| values.len()).max();
        for place in 0..most.unwrap_or(0) {
            let (at, zero_at) = (times.give(block[0].at), times.give(block[0].at));
            for (metric, values) in &values {
                let Some(value) = values.get(place) else {
                    continue;
                };
                let point = |at, value: &str| Point {
                    metric: (*metric).to_owned(),
                    at,
                    value: value.to_owned(),
                };
                points.extend([point(at, value), point(zero_at, "0")]);
                told.push(ToldPoint {
                    number: block[0].number,
                    metric: (*metric).to_owned(),
                    at,
                });
            }
        }
    }
    (points, told)
}

/// Events by each wallet that they concern.
fn by_wallet(events: &[ChainEvent]) -> HashMap<AddressBytes, Vec<&ChainEvent>> {
    let mut found: HashMap<AddressBytes, Vec<&ChainEvent>> = HashMap::new();
    for event in events {
        found.entry(event.from).or_default().push(event);
        if event.to != event.from {
            found.entry(event.to).or_default().push(event);
        }
    }
    found
}

/// The events of a block that concern any address of a key, each once and in their order.
fn of_key<'a>(
    key: &Key,
    by_wallet: &HashMap<AddressBytes, Vec<&'a ChainEvent>>,
) -> Vec<&'a ChainEvent> {
    let found = key.wallets().filter_map(|wallet| by_wallet.get(&wallet));
    let mut found: Vec<&ChainEvent> = found.flatten().copied().collect();
    if key.owner.is_some() {
        found.sort_by_key(|event| event.log_index);
        found.dedup_by_key(|event| event.log_index);
    }
    found
}

/// What a block's events of its wallet make of a metric; nothing is left out.
fn values(key: &Key, events: &[&ChainEvent], known: &Known) -> Vec<String> {
    let one = match key.what {
        What::Balance(_) => None,
        What::Got(token) => moved(key.wallet, token, events, known, |net| net.got_more()),
        What::Gave(token) => moved(key.wallet, token, events, known, |net| net.gave_more()),
        What::Approved(token) => approved(key.wallet, token, events, known),
        What::Moved => return worths(key, events, known),
    };
    one.into_iter().collect()
}

/// What a wallet got and gave of a token.
#[derive(Default)]
struct Net {
    got: U256,
    gave: U256,
}

impl Net {
    fn got_more(&self) -> U256 {
        self.got.saturating_sub(self.gave)
    }

    fn gave_more(&self) -> U256 {
        self.gave.saturating_sub(self.got)
    }
}

fn moved(
    wallet: AddressBytes,
    token: Option<AddressBytes>,
    events: &[&ChainEvent],
    known: &Known,
    way: impl Fn(&Net) -> U256,
) -> Option<String> {
    let mut nets: BTreeMap<AddressBytes, Net> = BTreeMap::new();
    for event in events {
        let is_moved = matches!(
            event.kind,
            ChainEventKind::Transfer | ChainEventKind::NftTransfer
        );
        if !is_moved || token.is_some_and(|token| token != event.token) {
            continue;
        }
        let net = nets.entry(event.token).or_default();
        if event.to == wallet {
            net.got = net.got.saturating_add(amount(event));
        }
        if event.from == wallet {
            net.gave = net.gave.saturating_add(amount(event));
        }
    }
    let count = nets.values().filter(|net| way(net) > 0).count();
    match token {
        _ if count == 0 => None,
        None => Some(count.to_string()),
        Some(token) => nets
            .get(&token)
            .map(|net| whole(way(net), known.decimals(token))),
    }
}

fn approved(
    wallet: AddressBytes,
    token: Option<AddressBytes>,
    events: &[&ChainEvent],
    known: &Known,
) -> Option<String> {
    let given = events.iter().filter_map(|event| {
        let amount = amount(event);
        let is_mine = event.from == wallet && token.is_none_or(|token| token == event.token);
        let value = match event.kind {
            ChainEventKind::Approval => whole(amount, known.decimals(event.token)),
            ChainEventKind::NftApproval => amount.to_string(),
            // All that there are, and all that will be.
            ChainEventKind::ApprovalForAll => Value::MAX.to_string(),
            ChainEventKind::Transfer | ChainEventKind::NftTransfer => return None,
        };
        let value: Value = value.parse().ok()?;
        (is_mine && amount > 0).then_some(value)
    });
    match token {
        Some(_) => given.max().map(|value| value.to_string()),
        None => Some(given.count())
            .filter(|count| *count > 0)
            .map(|count| count.to_string()),
    }
}

/// What a wallet, or all of its owner's, moved in each transaction, in US dollars, as far as prices
/// are known. What an owner moves from one of its own to another is nothing.
fn worths(key: &Key, events: &[&ChainEvent], known: &Known) -> Vec<String> {
    let transfers = events
        .iter()
        .filter(|it| it.kind == ChainEventKind::Transfer);
    let transfers: Vec<Transfer> = transfers
        .map(|event| Transfer {
            transaction: TransactionHash(event.transaction),
            log_index: u32::try_from(event.log_index).unwrap_or(u32::MAX),
            token: Token::Contract(Address(event.token)),
            from: Address(event.from),
            to: Address(event.to),
            amount: amount(event),
        })
        .take(netting::TRANSFERS_MAX)
        .collect();
    let price = |(token, usd): (&AddressBytes, &Value)| {
        let price = Price {
            usd: *usd,
            decimals: known.decimals(*token),
            confidence: Value::whole(1),
        };
        (Token::Contract(Address(*token)), price)
    };
    let of = known.prices.iter().map(price).collect();
    let prices = Prices {
        of: &of,
        // What is observed was sure enough for its source.
        confidence_min: Value::whole(1),
    };
    let name = key.owner.as_ref().map(|(name, _)| name.as_str());
    let label = |wallet| Some((Address(wallet), name?.into()));
    let labels: Labels = key.wallets().filter_map(label).collect();
    let owner = name.map_or(Owner::Address(Address(key.wallet)), Owner::Named);
    let netted = netting::net(&transfers, &labels, prices).unwrap_or_default();
    let own = { netted.iter() }.filter(|it| it.owner == owner);
    let worth = own.filter_map(|it| Value::from_units(it.worth.units().abs()).ok());
    let moved = worth.filter(|worth| *worth > Value::ZERO);
    moved.map(|worth| worth.to_string()).collect()
}

fn amount(event: &ChainEvent) -> U256 {
    event.amount.parse().unwrap_or_default()
}

/// The fungible tokens of which the figures of these events need decimals.
pub(super) fn tokens(keys: &[Key], events: &[ChainEvent], known: &Known) -> BTreeSet<AddressBytes> {
    let named: BTreeSet<AddressBytes> = keys.iter().filter_map(Key::token).collect();
    let seen = events.iter().map(|event| event.token);
    seen.filter(|token| named.contains(token) || known.prices.contains_key(token))
        .collect()
}
