//! The quantity that is locked in a protocol, from one look at it to the next. Pure and exact.

use chrono::TimeDelta;
use packtrain_core::ports::{Anchor, Holding};
use packtrain_core::quantity::Quantity;
use packtrain_core::time::Timestamp;
use packtrain_rules::value::Value;

use super::split::Split;

/// A source that tells a day by a time that is no further from the one it told before.
const SAME_DAY: TimeDelta = TimeDelta::hours(12);
/// What is told of a time before is nothing of now.
const AGE_MAX: TimeDelta = TimeDelta::hours(6);
/// A day is compared with one that is no older; with nothing newer that is told well, counting goes
/// on from the day itself.
const BRIDGE_MAX: TimeDelta = TimeDelta::days(7);
/// A time that lies further ahead is a mistake of somebody's clock.
const AHEAD_MAX: TimeDelta = TimeDelta::minutes(1);

/// What a look at a protocol came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chained {
    /// From where it is counted on the next time.
    pub(super) anchor: Anchor,
    /// The quantity, and when it was so; or why nothing may be observed.
    pub(super) now: Result<(Timestamp, Value), Unseen>,
}

/// Why no quantity is observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Unseen {
    /// The source does not tell the tokens, or of one time alone.
    Untold,
    /// What it tells is not of now.
    Stale,
    /// More than a twentieth is in tokens that are told at one time alone.
    Unsure,
    /// A figure or a sum is none that a rule could be compared with.
    Odd,
}

impl Unseen {
    /// The word for it in a result.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Untold => "untold",
            Self::Stale => "stale",
            Self::Unsure => "unsure",
            Self::Odd => "odd",
        }
    }
}

/// Counts the quantity of a protocol on, from its anchor to the newest time.
///
/// All times but the newest are days that have ended: the source keeps them as they are. The
/// quantity at the first of them that was ever looked at is what was locked then, in dollars. From
/// one time to the next it becomes as much more or less as what is there now is worth more or less
/// than what was there, both at the prices of the earlier one. Passed over are a day with nothing
/// in it, since of nothing no part can come back, and one of which a part is not told that is told
/// before or after it: the next that is told well is compared with the last that was. After
/// [`BRIDGE_MAX`] what is told is what there is, and the quantity goes on as it was. What lies
/// between an anchor and days that are not told any more changes nothing, since nobody knows of it.
pub(super) fn chain(
    protocol: &str,
    anchor: Option<&Anchor>,
    times: &[Holding],
    now: Timestamp,
) -> Result<Chained, Unseen> {
    let (newest, days) = times.split_last().ok_or(Unseen::Untold)?;
    let (first, mut value) = begin(anchor, days)?;
    let mut base = &days[first];
    for day in &days[first + 1..] {
        let split = Split::of(base, day).ok_or(Unseen::Odd)?;
        let carried = split.carry(value).filter(|_| split.is_sure());
        match carried {
            Some(carried) if carried > Value::ZERO => (base, value) = (day, carried),
            // It is empty for now.
            Some(_) => {}
            None => {
                let is_over = split.before == Value::ZERO || day.at - base.at > BRIDGE_MAX;
                if is_over && split.after > Value::ZERO {
                    base = day;
                }
            }
        }
    }
    Ok(Chained {
        anchor: Anchor {
            protocol: protocol.to_owned(),
            at: base.at,
            value: exact(value)?,
        },
        now: observed(base, newest, value, now),
    })
}

/// With which day counting begins, and the quantity then.
fn begin(anchor: Option<&Anchor>, days: &[Holding]) -> Result<(usize, Value), Unseen> {
    let last = days.len().checked_sub(1).ok_or(Unseen::Untold)?;
    // One of nothing stays nothing, whatever comes.
    let anchor = anchor.filter(|anchor| anchor.value > Quantity::ZERO);
    let Some(anchor) = anchor else {
        // What was there, at the prices of then.
        let day = &days[last];
        let split = Split::of(day, day).ok_or(Unseen::Odd)?;
        let is_some = split.before > Value::ZERO;
        return is_some
            .then_some((last, split.before))
            .ok_or(Unseen::Untold);
    };
    let value = anchor.value.to_string().parse().map_err(|_| Unseen::Odd)?;
    let far = |day: &Holding| (day.at - anchor.at).abs();
    let nearest = (0..days.len()).min_by_key(|place| far(&days[*place]));
    let nearest = nearest.filter(|place| far(&days[*place]) <= SAME_DAY);
    Ok((nearest.unwrap_or(last), value))
}

fn observed(
    base: &Holding,
    newest: &Holding,
    value: Value,
    now: Timestamp,
) -> Result<(Timestamp, Value), Unseen> {
    if now - newest.at > AGE_MAX || newest.at - now > AHEAD_MAX {
        return Err(Unseen::Stale);
    }
    let split = Split::of(base, newest).ok_or(Unseen::Odd)?;
    if !split.is_sure() {
        return Err(Unseen::Unsure);
    }
    let value = split.carry(value).ok_or(Unseen::Unsure)?;
    // Rules keep what lies ahead for later, which a minute is not worth.
    Ok((newest.at.min(now), value))
}

fn exact(value: Value) -> Result<Quantity, Unseen> {
    value.to_string().parse().map_err(|_| Unseen::Odd)
}

#[cfg(test)]
mod tests {
    use packtrain_core::ports::Held;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn now() -> Timestamp {
        at("2026-11-30T12:00:00Z")
    }

    /// So much ether, at this price.
    fn ether(time: &str, amount: &str, usd: &str) -> Holding {
        let held = Held {
            amount: amount.parse().ok(),
            usd: usd.parse().ok(),
        };
        Holding {
            at: at(time),
            tokens: [("WETH".to_owned(), held)].into(),
        }
    }

    fn days() -> Vec<Holding> {
        vec![
            ether("2026-11-28T00:00:00Z", "100", "300000"),
            ether("2026-11-29T00:00:00Z", "110", "220000"),
            ether("2026-11-30T00:00:00Z", "110", "330000"),
            ether("2026-11-30T11:59:00Z", "55", "200000"),
        ]
    }

    fn anchor(time: &str, value: &str) -> Anchor {
        Anchor {
            protocol: "p".to_owned(),
            at: at(time),
            value: value.parse().unwrap(),
        }
    }

    fn seen(anchor: Option<&Anchor>, times: &[Holding]) -> (String, String) {
        let chained = chain("p", anchor, times, now()).unwrap();
        let (_, value) = chained.now.unwrap();
        (chained.anchor.value.to_string(), value.to_string())
    }

    #[test]
    fn a_quantity_begins_as_what_is_locked_and_is_counted_on_by_what_came_and_went() {
        let said = |one: &str, other: &str| (one.to_owned(), other.to_owned());
        assert_eq!(seen(None, &days()), said("330000", "165000"));
        // From two days before: a tenth came, and then half of all went. No price is in it.
        let before = anchor("2026-11-28T00:00:00Z", "300000");
        assert_eq!(seen(Some(&before), &days()), said("330000", "165000"));
        let before = anchor("2026-11-29T00:00:05Z", "1000");
        assert_eq!(seen(Some(&before), &days()), said("1000", "500"));
    }

    #[test]
    fn looks_in_one_day_and_a_look_that_is_repeated_count_from_the_same_day() {
        let mut times = days();
        let first = chain("p", None, &times, now()).unwrap();
        assert_eq!(
            chain("p", Some(&first.anchor), &times, now()).unwrap(),
            first
        );
        // What an hour got wrong is not in the next one.
        times[3] = ether("2026-11-30T12:00:00Z", "110", "330000");
        let next = seen(Some(&first.anchor), &times);
        assert_eq!(next.1, "330000");
    }

    #[test]
    fn what_was_empty_for_a_day_is_counted_on_from_when_something_was_there() {
        let mut times = days();
        times[1] = ether("2026-11-29T00:00:00Z", "0", "0");
        let before = anchor("2026-11-28T00:00:00Z", "1000");
        let said = |one: &str, other: &str| (one.to_owned(), other.to_owned());
        assert_eq!(seen(Some(&before), &times), said("1100", "550"));
        // While it is empty nothing is there, and from where it is counted stays.
        for (place, time) in ["2026-11-30T00:00:00Z", "2026-11-30T11:59:00Z"]
            .into_iter()
            .enumerate()
        {
            times[2 + place] = ether(time, "0", "0");
        }
        let chained = chain("p", Some(&before), &times, now()).unwrap();
        assert_eq!(chained.anchor, before);
        assert_eq!(chained.now.unwrap().1, Value::ZERO);
        // An anchor of nothing is none.
        let nothing = anchor("2026-11-29T00:00:00Z", "0");
        assert_eq!(seen(Some(&nothing), &days()), said("330000", "165000"));
        assert_eq!(
            chain("p", Some(&nothing), &times, now()),
            Err(Unseen::Untold)
        );
    }

    /// What is there of two tokens, each of which costs a dollar.
    fn two(time: &str, tokens: &[(&str, &str)]) -> Holding {
        let held = |amount: &str| Held {
            amount: amount.parse().ok(),
            usd: amount.parse().ok(),
        };
        let tokens = tokens.iter();
        Holding {
            at: at(time),
            tokens: tokens
                .map(|(name, amount)| ((*name).to_owned(), held(amount)))
                .collect(),
        }
    }

    #[test]
    fn a_day_of_which_most_is_not_told_is_passed_over_and_bridged() {
        let before = anchor("2026-11-27T00:00:00Z", "1000");
        let (both, small) = ([("A", "95"), ("B", "2.5")], [("B", "2.5")]);
        let mut times = vec![
            two("2026-11-27T00:00:00Z", &[("A", "95"), ("B", "5")]),
            two("2026-11-28T00:00:00Z", &small),
            two("2026-11-29T00:00:00Z", &small),
            two("2026-11-30T00:00:00Z", &both),
            two("2026-11-30T11:59:00Z", &both),
        ];
        let said = ("975".to_owned(), "975".to_owned());
        assert_eq!(seen(Some(&before), &times), said);
        // While there is no day that is told well, it is counted from where it was.
        times[3] = two("2026-11-30T00:00:00Z", &small);
        let said = ("1000".to_owned(), "975".to_owned());
        assert_eq!(seen(Some(&before), &times), said);
        times[4] = two("2026-11-30T11:59:00Z", &small);
        let chained = chain("p", Some(&before), &times, now()).unwrap();
        assert_eq!(chained.anchor, before);
        assert_eq!(chained.now, Err(Unseen::Unsure));
    }

    #[test]
    fn what_is_told_for_more_than_a_week_is_what_there_is() {
        let before = anchor("2026-11-21T00:00:00Z", "1000");
        let mut times = vec![two("2026-11-21T00:00:00Z", &[("A", "95")])];
        times.extend((22..=30).map(|day| {
            let all = [("A", "95"), ("NEW", "95")];
            two(&format!("2026-11-{day}T00:00:00Z"), &all)
        }));
        times.push(two("2026-11-30T11:59:00Z", &[("A", "95"), ("NEW", "47.5")]));
        let said = |one: &str, other: &str| (one.to_owned(), other.to_owned());
        assert_eq!(seen(Some(&before), &times), said("1000", "750"));
        // Within a week nothing is said.
        times.drain(8..10);
        let (last, now) = (at("2026-11-28T11:59:00Z"), at("2026-11-28T12:00:00Z"));
        times[8].at = last;
        let chained = chain("p", Some(&before), &times, now).unwrap();
        assert_eq!((chained.anchor, chained.now), (before, Err(Unseen::Unsure)));
    }

    #[test]
    fn what_lies_before_all_days_that_are_told_changes_nothing() {
        let old = anchor("2026-08-01T00:00:00Z", "77");
        assert_eq!(seen(Some(&old), &days()).0, "77");
    }

    #[test]
    fn a_price_that_fails_moves_nothing_and_what_is_not_told_is_not_observed() {
        let mut times = days();
        times[3] = ether("2026-11-30T11:59:00Z", "110", "0");
        assert_eq!(seen(None, &times).1, "330000");
        let look = |times: &[Holding]| chain("p", None, times, now());
        times[3].tokens.clear();
        assert_eq!(look(&times).unwrap().now, Err(Unseen::Unsure));
        times[3] = ether("2026-11-30T05:59:00Z", "110", "330000");
        assert_eq!(look(&times).unwrap().now, Err(Unseen::Stale));
        times[3] = ether("2026-11-30T12:02:00Z", "110", "330000");
        assert_eq!(look(&times).unwrap().now, Err(Unseen::Stale));
        assert_eq!(look(&times[3..]), Err(Unseen::Untold));
        assert_eq!(look(&[]), Err(Unseen::Untold));
        times[2].tokens.clear();
        assert_eq!(look(&times), Err(Unseen::Untold), "there was nothing");
    }
}
