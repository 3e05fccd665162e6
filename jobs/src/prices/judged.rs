//! Whether an answer of a source is a price that may be observed. Pure.

use chrono::TimeDelta;
use packtrain_core::ports::{Point, Price};
use packtrain_core::time::Timestamp;
use packtrain_rules::value::Value;

/// A price that is older is none of now.
const AGE_MAX: TimeDelta = TimeDelta::hours(1);
/// One that lies further ahead is a mistake of somebody's clock.
const AHEAD_MAX: TimeDelta = TimeDelta::minutes(1);
/// The least confidence, of a source that says how sure it is.
const CONFIDENCE_MIN: &str = "0.9";
/// Decimals that a value keeps.
const DECIMALS: usize = 18;
/// Letters of a symbol.
const SYMBOL_LETTERS_MAX: usize = 20;

/// Why an answer is not observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unfit {
    /// It says no time, or one that is not about now.
    Stale,
    /// The source is not sure of it.
    Unsure,
    /// It is no price that a rule could be compared with: nothing, less, or far too much.
    Odd,
}

impl Unfit {
    /// The word for it in a result.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Stale => "stale",
            Self::Unsure => "unsure",
            Self::Odd => "odd",
        }
    }
}

/// The point of a price, at the time that the source says.
pub(super) fn point(key: &str, price: &Price, now: Timestamp) -> Result<Point, Unfit> {
    let at = price.at.ok_or(Unfit::Stale)?;
    if now - at > AGE_MAX || at - now > AHEAD_MAX {
        return Err(Unfit::Stale);
    }
    let is_unsure = price
        .confidence
        .is_some_and(|sure| value(&sure.to_string()) < value(CONFIDENCE_MIN));
    if is_unsure {
        return Err(Unfit::Unsure);
    }
    let usd = value(&price.usd.to_string()).filter(|usd| *usd > Value::ZERO);
    let usd = usd.ok_or(Unfit::Odd)?;
    Ok(Point {
        metric: key.to_owned(),
        at,
        value: usd.to_string(),
    })
}

/// An exact decimal as rules have it: what stands behind its 18th decimal is cut off.
fn value(text: &str) -> Option<Value> {
    let end = text.find('.').map_or(text.len(), |dot| dot + 1 + DECIMALS);
    text.get(..end.min(text.len()))?.parse().ok()
}

/// The symbol of a coin, where it is one that can stand in a line.
pub(super) fn symbol(price: &Price) -> Option<String> {
    let symbol = price.symbol.as_deref()?.trim();
    let is_fit = !symbol.is_empty()
        && symbol.chars().count() <= SYMBOL_LETTERS_MAX
        && !symbol.contains(char::is_control);
    is_fit.then(|| symbol.to_owned())
}
