//! Local days and quiet hours on the line of time, through changes of the clock.
//!
//! A local time that a spring change leaves out is the moment at which the gap ends. One that an
//! autumn change brings twice begins something the first time and ends it the last time, so that
//! quiet hours are one stretch and never end at a clock that shows quiet hours again.

use chrono::{Datelike, Days, Duration, LocalResult, NaiveDate, NaiveDateTime, NaiveTime};
use chrono::{TimeZone, Utc};
use chrono_tz::Tz;
use packtrain_core::time::Timestamp;

use crate::rule::{Day, QuietHours};

/// Minutes of the longest gap that a clock may make; zones that moved over the date line left out
/// a day.
const GAP_MINUTES_MAX: i64 = 26 * 60;

/// Which of two moments with the same local time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    First,
    Last,
}

/// The number of the local day, for counting.
pub(crate) fn day(zone: Tz, at: Timestamp) -> i32 {
    local_date(zone, at).num_days_from_ce()
}

/// The moment at which the UTC day with a number begins.
pub(crate) fn begin_of(day: i32) -> Timestamp {
    let date = NaiveDate::from_num_days_from_ce_opt(day).unwrap_or_default();
    date.and_time(NaiveTime::MIN).and_utc()
}

/// The moment at which the next local day begins.
pub(crate) fn next_day(zone: Tz, at: Timestamp) -> Timestamp {
    let tomorrow = local_date(zone, at) + Days::new(1);
    moment(zone, tomorrow.and_time(NaiveTime::MIN), Of::First)
}

/// When the quiet hours that hold at `at` end; none when none do.
pub(crate) fn quiet_until(quiet: &QuietHours, zone: Tz, at: Timestamp) -> Option<Timestamp> {
    let today = local_date(zone, at);
    // Hours that go over midnight began yesterday.
    let days = [today - Days::new(1), today];
    let stretches = days.into_iter().filter(|day| begins_on(quiet, *day));
    let mut stretches = stretches.map(|day| stretch(quiet, zone, day));
    stretches.find_map(|(from, to)| (from <= at && at < to).then_some(to))
}

/// The first moment at which the local clock shows this, or where the gap ends that leaves it out.
pub(crate) fn first(zone: Tz, local: NaiveDateTime) -> Timestamp {
    moment(zone, local, Of::First)
}

fn local_date(zone: Tz, at: Timestamp) -> NaiveDate {
    at.with_timezone(&zone).date_naive()
}

fn begins_on(quiet: &QuietHours, day: NaiveDate) -> bool {
    let is_listed = |days: &Vec<Day>| days.contains(&day.weekday().into());
    quiet.days.as_ref().is_none_or(is_listed)
}

fn stretch(quiet: &QuietHours, zone: Tz, day: NaiveDate) -> (Timestamp, Timestamp) {
    let last = if quiet.to > quiet.from {
        day
    } else {
        day + Days::new(1)
    };
    (
        moment(zone, day.and_time(quiet.from.time()), Of::First),
        moment(zone, last.and_time(quiet.to.time()), Of::Last),
    )
}

fn moment(zone: Tz, local: NaiveDateTime, of: Of) -> Timestamp {
    // Gaps begin and end at whole minutes.
    let minutes = (0..=GAP_MINUTES_MAX).map(|minutes| local + Duration::minutes(minutes));
    let mut there = minutes.filter_map(|local| match zone.from_local_datetime(&local) {
        LocalResult::Single(at) => Some(at),
        LocalResult::Ambiguous(first, last) => Some(if of == Of::First { first } else { last }),
        LocalResult::None => None,
    });
    let found = there.next().map(|at| at.with_timezone(&Utc));
    found.expect("no clock leaves out more than a day")
}

#[cfg(test)]
mod tests {
    use super::*;

    const BERLIN: Tz = Tz::Europe__Berlin;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn hours(from: &str, to: &str, days: Option<Vec<Day>>) -> QuietHours {
        QuietHours {
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
            days,
            let_through: None,
        }
    }

    fn ends(quiet: &QuietHours, zone: Tz, moment: &str) -> Option<Timestamp> {
        quiet_until(quiet, zone, at(moment))
    }

    #[test]
    fn quiet_hours_over_midnight_hold_from_their_beginning_to_their_end() {
        let quiet = hours("22:00", "07:00", None);
        let end = Some(at("2026-06-02T05:00:00Z"));
        assert_eq!(ends(&quiet, BERLIN, "2026-06-01T19:59:59.999999Z"), None);
        assert_eq!(ends(&quiet, BERLIN, "2026-06-01T20:00:00Z"), end);
        assert_eq!(ends(&quiet, BERLIN, "2026-06-02T04:59:59Z"), end);
        assert_eq!(ends(&quiet, BERLIN, "2026-06-02T05:00:00Z"), None);
    }

    #[test]
    fn quiet_hours_of_a_day_belong_to_the_day_on_which_they_begin() {
        // 5 June 2026 is a Friday.
        let quiet = hours("22:00", "07:00", Some(vec![Day::Fri]));
        assert!(ends(&quiet, Tz::UTC, "2026-06-05T06:00:00Z").is_none());
        assert!(ends(&quiet, Tz::UTC, "2026-06-05T23:00:00Z").is_some());
        assert!(ends(&quiet, Tz::UTC, "2026-06-06T06:00:00Z").is_some());
        assert!(ends(&quiet, Tz::UTC, "2026-06-06T23:00:00Z").is_none());
    }

    #[test]
    fn quiet_hours_follow_the_local_clock_through_its_changes() {
        let quiet = hours("22:00", "07:00", None);
        // Spring, 29 March 2026: a night of eight hours.
        let spring = ends(&quiet, BERLIN, "2026-03-28T21:00:00Z");
        assert_eq!(spring, Some(at("2026-03-29T05:00:00Z")));
        // Autumn, 25 October 2026: a night of ten.
        let autumn = ends(&quiet, BERLIN, "2026-10-24T20:00:00Z");
        assert_eq!(autumn, Some(at("2026-10-25T06:00:00Z")));
    }

    #[test]
    fn quiet_hours_that_end_in_a_spring_gap_end_with_the_gap() {
        let quiet = hours("22:00", "02:30", None);
        let end = Some(at("2026-03-29T01:00:00Z"));
        assert_eq!(ends(&quiet, BERLIN, "2026-03-29T00:59:00Z"), end);
        assert_eq!(ends(&quiet, BERLIN, "2026-03-29T01:00:00Z"), None);
        // Those that would lie inside it are none.
        let inside = hours("02:10", "02:50", None);
        assert_eq!(ends(&inside, BERLIN, "2026-03-29T01:00:00Z"), None);
    }

    #[test]
    fn quiet_hours_that_end_in_a_doubled_autumn_hour_end_the_second_time() {
        let quiet = hours("22:00", "02:30", None);
        let end = Some(at("2026-10-25T01:30:00Z"));
        for moment in [
            "2026-10-25T00:29:00Z",
            "2026-10-25T00:45:00Z",
            "2026-10-25T01:15:00Z",
        ] {
            assert_eq!(ends(&quiet, BERLIN, moment), end);
        }
        let begins = hours("02:30", "07:00", None);
        assert!(ends(&begins, BERLIN, "2026-10-25T00:30:00Z").is_some());
    }

    #[test]
    fn the_next_day_begins_at_local_midnight_or_where_a_gap_over_it_ends() {
        let next = |zone, moment| next_day(zone, at(moment));
        assert_eq!(
            next(BERLIN, "2026-03-29T12:00:00Z"),
            at("2026-03-29T22:00:00Z")
        );
        // Beirut goes from 00:00 to 01:00 on 29 March 2026.
        let beirut = next(Tz::Asia__Beirut, "2026-03-28T12:00:00Z");
        assert_eq!(beirut, at("2026-03-28T22:00:00Z"));
        // Samoa had no 30 December 2011.
        let samoa = next(Tz::Pacific__Apia, "2011-12-30T05:00:00Z");
        assert_eq!(samoa, at("2011-12-30T10:00:00Z"));
    }
}
