//! Whether a price or a quantity moved what is locked in a protocol.

use packtrain_core::fault::chain as told;
use packtrain_core::job::Ctx;
use packtrain_core::ports::{Holding, MovedBy, MovedParts, SourceError, Unusual, WhyMoved};
use packtrain_core::quantity::Quantity;
use packtrain_core::series::{Dataset, PROTOCOL};
use packtrain_rules::value::Value;
use tracing::warn;

use super::split::Split;

/// Anomalies of an hour that are looked into, the strongest: each is an answer of many megabytes.
const ASKED_MAX: usize = 20;
/// Protocols that may fail before no more are asked for.
const FAILURES_MAX: usize = 3;
/// What is said where the source did not answer.
const UNKNOWN: WhyMoved = WhyMoved {
    by: MovedBy::Unknown,
    parts: None,
};

/// Looks into the strongest moves of protocols: from the last day that has ended until now, which
/// holds the hour and is what the source tells.
pub(super) async fn look_into(ctx: &Ctx, dataset: Dataset, found: &mut [(String, Unusual)]) {
    if dataset != Dataset::Tvl {
        return;
    }
    let protocols = found.iter_mut().filter_map(|(key, moved)| {
        let protocol = key.strip_prefix(PROTOCOL)?;
        Some((protocol, moved))
    });
    let mut failures = 0;
    for (protocol, moved) in protocols.take(ASKED_MAX) {
        if failures >= FAILURES_MAX {
            moved.why = Some(UNKNOWN);
            continue;
        }
        moved.why = match ctx.world.measures.holdings(protocol).await {
            Ok(times) => Some(why(&times, moved.change_percent).unwrap_or(UNKNOWN)),
            Err(SourceError::NotConfigured(_)) => return,
            Err(error) => {
                let why = told(&error);
                warn!(protocol, why, "what moved a protocol could not be read");
                failures += match error {
                    SourceError::Busy { .. } => FAILURES_MAX,
                    _ => 1,
                };
                Some(UNKNOWN)
            }
        };
    }
}

/// What moved a protocol by so many percent; none where it is not told.
pub(super) fn why(times: &[Holding], percent: f64) -> Option<WhyMoved> {
    let [.., from, to] = times else {
        return None;
    };
    let split = Split::of(from, to)?;
    // A statistic, of which six decimals are more than enough.
    let percent: Value = format!("{percent:.6}").parse().ok()?;
    let exact = |value: Value| value.to_string().parse::<Quantity>().ok();
    Some(WhyMoved {
        by: split.by(percent),
        parts: Some(MovedParts {
            from: from.at,
            to: to.at,
            quantity_usd: exact(split.quantity)?,
            price_usd: exact(split.price)?,
            unexplained_usd: exact(split.unexplained)?,
        }),
    })
}
