//! Observes the quantity that is locked in protocols, at prices held still.

use std::collections::BTreeMap;
use std::time::Duration;

use packtrain_core::fault::{Fault, chain as told};
use packtrain_core::job::{Ctx, Done, Gate, Job, Kind, Lane};
use packtrain_core::ports::{Anchor, Point, SourceError};
use packtrain_rules::metric::Family;
use serde::{Deserialize, Serialize};
use tracing::warn;
use utoipa::ToSchema;

use super::chained::{Chained, Unseen, chain};
use crate::alerts::look::Look;

/// Protocols of one look, of each tenant the first before the second of any: each is an answer of
/// many megabytes.
const PROTOCOLS_MAX: usize = 50;
/// One more than there may be says whether there are more.
const KEYS_MAX: u32 = 51;
/// Protocols that may fail before a look asks no more.
const FAILURES_MAX: usize = 3;

/// Observes `tvl_quantity` of the protocols that some rule watches; rules that watch what moved are
/// evaluated then.
///
/// A quantity is counted on from the newest day that has ended, which is kept before the points are
/// written: a second run counts from there to the same quantity. What the source does not tell well
/// enough is not observed: the metric falls silent, and `no_data` of a rule says what that means.
/// It follows every measurement of what is locked, so one that fails is made up for by the next.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AnalyticsQuantity)]
pub struct Quantity {}

impl Job for Quantity {
    const KIND: Kind = Kind::new("analytics.quantity");
    const LANE: Lane = Lane::Io;
    // The next hour has its own.
    const ATTEMPTS_MAX: u16 = 2;
    const TIME_LIMIT: Duration = Duration::from_secs(900);
    const DEADLINE: Option<Duration> = Some(super::ingest::EVERY);
    const GATE: Gate = Gate::Group { holds_dead: false };

    fn group(&self) -> Option<String> {
        Some("all".to_owned())
    }

    async fn run(self, ctx: &Ctx) -> Result<Done, Fault> {
        let (protocols, is_cut) = watched(ctx).await?;
        if protocols.is_empty() {
            return Ok(Done::quietly());
        }
        if is_cut {
            let protocols = PROTOCOLS_MAX;
            warn!(
                protocols,
                "more protocols are watched by quantity than one look may ask for"
            );
        }
        let series = &ctx.world.series;
        let known = series.anchors(&protocols).await?.into_iter();
        let known: BTreeMap<String, Anchor> =
            known.map(|one| (one.protocol.clone(), one)).collect();
        let (mut look, mut anchors) = (Look::default(), Vec::new());
        for protocol in &protocols {
            if ctx.cancel.is_cancelled() || look.failures >= FAILURES_MAX {
                break;
            }
            match ctx.world.measures.holdings(protocol).await {
                Ok(times) => {
                    let anchor = known.get(protocol);
                    let chained = chain(protocol, anchor, &times, ctx.clock.now());
                    take(&mut look, &mut anchors, protocol, chained);
                }
                Err(error) => {
                    let why = told(&error);
                    warn!(why, "what a protocol holds could not be read");
                    look.missed(why);
                    if !matches!(error, SourceError::Away { .. }) {
                        break;
                    }
                }
            }
        }
        series.anchor(&anchors).await?;
        Ok(look.done(ctx, "protocols", protocols.len(), is_cut))
    }
}

/// The protocols that are watched, as many as one look may ask for; and whether there are more.
async fn watched(ctx: &Ctx) -> Result<(Vec<String>, bool), Fault> {
    let family = Family::TvlQuantity;
    let keys = ctx
        .world
        .watch
        .watched_of(family.as_str(), KEYS_MAX)
        .await?;
    let keys = keys.iter().filter_map(|key| key.split_once(':'));
    let mut protocols: Vec<String> = keys.map(|(_, protocol)| protocol.to_owned()).collect();
    let is_cut = protocols.len() > PROTOCOLS_MAX;
    protocols.truncate(PROTOCOLS_MAX);
    Ok((protocols, is_cut))
}

/// Observes a protocol, or says why it may not be; and where it is counted on from the next time.
fn take(
    look: &mut Look,
    anchors: &mut Vec<Anchor>,
    protocol: &str,
    chained: Result<Chained, Unseen>,
) {
    let seen = chained.and_then(|chained| {
        anchors.push(chained.anchor);
        chained.now
    });
    match seen {
        Ok((at, value)) => look.points.push(Point {
            metric: format!("{}:{protocol}", Family::TvlQuantity.as_str()),
            at,
            value: value.to_string(),
        }),
        Err(why) => look.leave_out(why.as_str(), protocol),
    }
}
