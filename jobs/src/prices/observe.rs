//! Observes what coins cost: one look for all who watch them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use packtrain_core::fault::{Fault, chain as told};
use packtrain_core::job::{Ctx, Done, Gate, Job, Kind, Lane, Priority};
use packtrain_core::ports::{PriceError, PriceScope, Prices, StoreError};
use packtrain_core::schedule::Every;
use packtrain_rules::metric::Family;
use serde::{Deserialize, Serialize};
use tracing::warn;
use utoipa::ToSchema;

use super::{coin, judged, key};
use crate::alerts::look::Look;

/// How often it may come by itself: seconds, and the times that they mean.
pub const PACES: [(u32, &str); 7] = [
    (10, "*/10 * * * * *"),
    (15, "*/15 * * * * *"),
    (20, "*/20 * * * * *"),
    (30, "*/30 * * * * *"),
    (60, "0 * * * * *"),
    (120, "0 */2 * * * *"),
    (300, "0 */5 * * * *"),
];
/// The pace of a fleet that sets none.
const USUAL: Every = Every::cron(PACES[4].1);
/// Coins that are asked for at once.
const COINS_AT_ONCE: usize = 100;
/// Requests of one look that may fail before it asks no more.
const FAILURES_MAX: usize = 2;

/// Observes what those coins cost that a rule of any tenant watches, and the usual ones of the
/// settings; rules that watch what moved are evaluated then.
///
/// A coin that the source does not know, that it has no fresh price of, or is not sure of is not
/// observed: its metric falls silent, and `no_data` of a rule says what that means. Points are told
/// apart by coin and time, so a second run observes nothing twice. A source that does not answer is
/// named in the result and logged: the next look comes within a minute, and a dead letter of this
/// one would help nobody.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PricesObserve)]
pub struct Observe {}

/// The schedule at a pace; none where it is no pace of [`PACES`].
pub fn every(seconds: u32) -> Option<Every> {
    let pace = PACES.into_iter().find(|(one, _)| *one == seconds);
    pace.map(|(_, cron)| Every::cron(cron))
}

impl Job for Observe {
    const KIND: Kind = Kind::new("prices.observe");
    const LANE: Lane = Lane::Io;
    const PRIORITY: Priority = Priority::FIRST;
    // What the source gets wrong is not tried again; a second one is for a worker that went away.
    const ATTEMPTS_MAX: u16 = 2;
    const TIME_LIMIT: Duration = Duration::from_secs(60);
    // One that is found late would only be in the way of the next.
    const DEADLINE: Option<Duration> = Some(Duration::from_secs(60));
    const EVERY: Option<Every> = Some(USUAL);
    // A slow source is asked once at a time.
    const GATE: Gate = Gate::Group { holds_dead: false };

    fn group(&self) -> Option<String> {
        Some("all".to_owned())
    }

    async fn run(self, ctx: &Ctx) -> Result<Done, Fault> {
        let prices = &ctx.world.prices;
        let Some(scope) = prices.scope() else {
            return Ok(Done::quietly());
        };
        let (keys, is_cut) = wanted(ctx, scope).await?;
        if is_cut {
            let coins = scope.coins_max;
            warn!(coins, "more coins are watched than one look may ask for");
        }
        let (mut look, mut symbols) = (Look::default(), BTreeMap::new());
        let keys: Vec<&String> = keys.iter().collect();
        for some in keys.chunks(COINS_AT_ONCE) {
            match ask(ctx, prices.as_ref(), some, &mut look).await {
                Ok(named) => symbols.extend(named),
                Err(error) => {
                    missed(&mut look, &error);
                    let is_busy = matches!(error, PriceError::Busy(_));
                    if is_busy || look.failures >= FAILURES_MAX {
                        break;
                    }
                }
            }
        }
        ctx.world.coins.name(&symbols).await?;
        Ok(look.done(ctx, "coins", keys.len(), is_cut))
    }
}

/// The keys of the prices that are wanted, the usual ones and those that are watched, as many as a
/// look may ask for; and whether there are more.
async fn wanted(ctx: &Ctx, scope: &PriceScope) -> Result<(BTreeSet<String>, bool), StoreError> {
    // The settings were checked when they were read.
    let usual = scope.usual.iter().filter_map(|coin| key(coin).ok());
    let mut keys: BTreeSet<String> = usual.take(scope.coins_max).collect();
    // One more than there may be says whether there are more.
    let limit = u32::try_from(scope.coins_max).unwrap_or(u32::MAX);
    let (watch, family) = (&ctx.world.watch, Family::Price.as_str());
    let watched = watch.watched_of(family, limit.saturating_add(1)).await?;
    for key in watched {
        if keys.contains(&key) {
            continue;
        }
        if keys.len() >= scope.coins_max {
            return Ok((keys, true));
        }
        keys.insert(key);
    }
    Ok((keys, false))
}

/// Asks what some coins cost, and takes what may be observed. What comes back are their symbols.
async fn ask(
    ctx: &Ctx,
    prices: &dyn Prices,
    keys: &[&String],
    look: &mut Look,
) -> Result<BTreeMap<String, String>, PriceError> {
    let coins: Vec<&str> = keys.iter().map(|key| coin(key)).collect();
    let told = prices.current(&coins).await?;
    // Sources write addresses in letters of their own.
    let told = told.into_iter();
    let told: BTreeMap<String, _> = told
        .filter_map(|(coin, price)| Some((key(&coin).ok()?, price)))
        .collect();
    let (now, mut symbols) = (ctx.clock.now(), BTreeMap::new());
    for key in keys {
        let Some(price) = told.get(*key) else {
            look.leave_out("missing", coin(key));
            continue;
        };
        match judged::point(key, price, now) {
            Ok(point) => look.points.push(point),
            Err(unfit) => look.leave_out(unfit.as_str(), coin(key)),
        }
        let symbol = judged::symbol(price).map(|symbol| ((*key).clone(), symbol));
        symbols.extend(symbol);
    }
    Ok(symbols)
}

/// Counts and logs a request that failed.
fn missed(look: &mut Look, error: &PriceError) {
    let why = told(error);
    metrics::counter!("packtrain_prices_missed_total").increment(1);
    warn!(why, "prices could not be read");
    look.missed(why);
}
