//! The logs of one block in which a filter finds more than nodes give: what can be had of them, so
//! that whoever fills a block with logs of one wallet hides nothing of another one.

use std::collections::BTreeSet;

use packtrain_core::chain::Chain;
use packtrain_core::job::Ctx;
use packtrain_core::ports::{AddressBytes, ChainError, Gap, Header, Log, LogFilter, Word};
use tokio::time::Instant;

use super::decode;
use super::page::Missed;
use super::watched::{Key, What};

/// Requests for the parts of a filter, at most, and their logs.
const PARTS_MAX: usize = 256;
const LOGS_MAX: usize = 200_000;
/// Tokens of one filter, at most.
const TOKENS: usize = 200;
/// Prices that are looked at for tokens, at most.
const PRICES_MAX: u32 = 2_000;

/// What was found, and what is not known.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) logs: Vec<Log>,
    pub(super) gaps: BTreeSet<Gap>,
}

/// Reads a filter that finds too much in a block by its parts: half of its wallets, one kind of
/// event, and at last only the tokens that matter. What is not read by then is not known.
pub(super) async fn in_parts(
    ctx: &Ctx,
    chain: Chain,
    keys: &[Key],
    filter: LogFilter,
    block: &Header,
    until: Instant,
) -> Result<Found, Missed> {
    let tokens = Tokens::of(ctx, chain, keys).await?;
    let mut found = Found::default();
    let mut open = divided(&filter, block.number, &tokens, &mut found.gaps);
    let mut asked = 0;
    while let Some(part) = open.pop() {
        if asked == PARTS_MAX || found.logs.len() > LOGS_MAX || Instant::now() >= until {
            let missed = wallets(&part).into_iter();
            let gaps = missed.flat_map(|wallet| tokens.gaps(wallet, &part, block.number));
            found.gaps.extend(gaps);
            continue;
        }
        asked += 1;
        let chains = &ctx.world.chains;
        match chains.logs(chain, &part, block.number, block).await {
            Ok(logs) => found.logs.extend(logs),
            Err(ChainError::TooMany { .. }) => {
                open.extend(divided(&part, block.number, &tokens, &mut found.gaps));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(found)
}

/// The parts of a filter; none of one that cannot be divided, of which nothing is known then.
fn divided(
    filter: &LogFilter,
    number: u64,
    tokens: &Tokens<'_>,
    gaps: &mut BTreeSet<Gap>,
) -> Vec<LogFilter> {
    let place = place(filter);
    // Wallets first, then what happened to them.
    for place in [place, 0] {
        let topics = filter.topics.get(place).map_or(&[][..], Vec::as_slice);
        if topics.len() > 1 {
            let (one, other) = topics.split_at(topics.len() / 2);
            let half = |some: &[Word]| {
                let mut part = filter.clone();
                part.topics[place] = some.to_vec();
                part
            };
            return vec![half(one), half(other)];
        }
    }
    let of = |some: &[AddressBytes]| LogFilter {
        addresses: some.to_vec(),
        topics: filter.topics.clone(),
    };
    let Some(wallet) = wallets(filter).first().copied() else {
        return Vec::new();
    };
    match filter.addresses.as_slice() {
        [] => {
            let gap = |token| Gap {
                number,
                wallet,
                token,
            };
            gaps.insert(gap(None));
            let named: Vec<AddressBytes> = tokens.named(wallet).into_iter().collect();
            named.chunks(TOKENS).map(of).collect()
        }
        [token] => {
            gaps.insert(Gap {
                number,
                wallet,
                token: Some(*token),
            });
            Vec::new()
        }
        several => {
            let (one, other) = several.split_at(several.len() / 2);
            vec![of(one), of(other)]
        }
    }
}

/// The place of wallets among the topics of a filter: who gives, or who gets.
fn place(filter: &LogFilter) -> usize {
    let is_of_givers = filter
        .topics
        .get(1)
        .is_some_and(|topics| !topics.is_empty());
    if is_of_givers { 1 } else { 2 }
}

fn wallets(filter: &LogFilter) -> Vec<AddressBytes> {
    let topics = filter.topics.get(place(filter));
    let topics = topics.into_iter().flatten();
    topics.filter_map(decode::address).collect()
}

/// The tokens that matter to keys.
struct Tokens<'a> {
    keys: &'a [Key],
    /// Tokens whose prices somebody watches: what a wallet moved is worth something in these alone.
    priced: Vec<AddressBytes>,
}

impl<'a> Tokens<'a> {
    async fn of(ctx: &Ctx, chain: Chain, keys: &'a [Key]) -> Result<Self, Missed> {
        let mut priced = Vec::new();
        if keys.iter().any(|key| key.what == What::Moved) {
            let family = format!("price:{chain}");
            let prices = ctx.world.watch.watched_of(&family, PRICES_MAX).await?;
            let begin = format!("{family}:0x");
            let tokens = prices.iter().filter_map(|key| key.strip_prefix(&begin));
            let bytes = tokens.filter_map(|token| hex::decode(token).ok());
            priced = bytes.filter_map(|token| token.try_into().ok()).collect();
        }
        Ok(Self { keys, priced })
    }

    /// Those that matter to the keys of a wallet.
    fn named(&self, wallet: AddressBytes) -> BTreeSet<AddressBytes> {
        let of_wallet = { self.keys.iter() }
            .filter(|key| key.is_of_events() && key.wallets().any(|it| it == wallet));
        let mut named = BTreeSet::new();
        for key in of_wallet {
            match key.what {
                What::Moved => named.extend(&self.priced),
                _ => named.extend(key.token()),
            }
        }
        named
    }

    /// What is not known of a wallet when a filter was not asked for.
    fn gaps(&self, wallet: AddressBytes, filter: &LogFilter, number: u64) -> Vec<Gap> {
        let mut tokens: Vec<Option<AddressBytes>> =
            filter.addresses.iter().copied().map(Some).collect();
        if tokens.is_empty() {
            tokens.push(None);
            tokens.extend(self.named(wallet).into_iter().map(Some));
        }
        let gap = |token| Gap {
            number,
            wallet,
            token,
        };
        tokens.into_iter().map(gap).collect()
    }
}
