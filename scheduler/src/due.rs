//! Which times of a schedule run now, and which are let go.

use std::collections::VecDeque;

use packtrain_core::cron::Cron;
use packtrain_core::schedule::{CATCH_UP_MAX, LATE_MAX, MISSED_MAX, Missed};
use packtrain_core::time::Timestamp;

/// What becomes of the times of a schedule that are not decided yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Due {
    /// The times that run, the earliest first.
    pub(crate) runs: Vec<Timestamp>,
    /// How many were let go.
    pub(crate) let_go: u64,
    /// The last of all: with it everything up to here is decided.
    pub(crate) until: Timestamp,
}

/// Decides the times after `decided_until` up to and with `now`; none when there are none.
///
/// A time that is met within [`LATE_MAX`] runs. An earlier one was missed: `missed` says what
/// becomes of it, and no more than [`MISSED_MAX`], the newest, are made up for.
pub(crate) fn due(
    cron: &Cron,
    missed: Missed,
    decided_until: Timestamp,
    now: Timestamp,
) -> Option<Due> {
    let from = decided_until.max(now - CATCH_UP_MAX);
    let late = now - LATE_MAX;
    let (mut timely, mut late_ones, mut let_go) = (Vec::new(), VecDeque::new(), 0);
    let kept_max = match missed {
        Missed::Skip => 0,
        Missed::Latest => 1,
        Missed::All => MISSED_MAX,
    };
    let mut until = None;
    for at in cron.between(from, now) {
        until = Some(at);
        if at >= late {
            timely.push(at);
            continue;
        }
        late_ones.push_back(at);
        if late_ones.len() > kept_max {
            late_ones.pop_front();
            let_go += 1;
        }
    }
    if missed == Missed::Latest && !timely.is_empty() {
        let_go += late_ones.len() as u64;
        late_ones.clear();
    }
    let mut runs = Vec::from(late_ones);
    runs.extend(timely);
    until.map(|until| Due {
        runs,
        let_go,
        until,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        format!("2026-11-24T{text}Z").parse().expect("a time")
    }

    /// Every quarter of an hour; decided up to 08:00, asked at `now`.
    fn quarters(missed: Missed, now: &str) -> Option<Due> {
        let cron = Cron::parse("*/15 * * * *", "UTC").expect("cron text");
        due(&cron, missed, at("08:00:00"), at(now))
    }

    #[test]
    fn nothing_is_due_before_the_next_time_and_one_thing_at_it() {
        assert_eq!(quarters(Missed::All, "08:14:59"), None);
        for missed in Missed::ALL {
            let due = quarters(missed, "08:15:00").unwrap();
            assert_eq!(due.runs, [at("08:15:00")], "{missed}");
            assert_eq!((due.let_go, due.until), (0, at("08:15:00")), "{missed}");
        }
    }

    #[test]
    fn a_time_met_within_a_minute_is_late_and_not_missed() {
        let due = quarters(Missed::Skip, "08:16:00").unwrap();
        assert_eq!(due.runs, [at("08:15:00")]);
        let due = quarters(Missed::Skip, "08:16:01").unwrap();
        assert_eq!((due.runs, due.let_go), (Vec::new(), 1));
    }

    #[test]
    fn missed_times_are_skipped_or_the_latest_or_all_are_made_up_for() {
        let hour = [
            at("08:15:00"),
            at("08:30:00"),
            at("08:45:00"),
            at("09:00:00"),
        ];
        let skip = quarters(Missed::Skip, "09:05:00").unwrap();
        assert_eq!((skip.runs, skip.let_go), (Vec::new(), 4));
        assert_eq!(
            skip.until, hour[3],
            "what was let go is not looked at again"
        );
        let latest = quarters(Missed::Latest, "09:05:00").unwrap();
        assert_eq!((latest.runs, latest.let_go), (vec![hour[3]], 3));
        let all = quarters(Missed::All, "09:05:00").unwrap();
        assert_eq!((all.runs.as_slice(), all.let_go), (hour.as_slice(), 0));
    }

    #[test]
    fn the_latest_is_not_made_up_for_beside_a_timely_one() {
        let due = quarters(Missed::Latest, "09:00:30").unwrap();
        assert_eq!((due.runs, due.let_go), (vec![at("09:00:00")], 3));
    }

    #[test]
    fn making_up_has_a_limit_in_number_and_in_time() {
        let cron = Cron::parse("* * * * *", "UTC").unwrap();
        let now = at("08:00:00");
        let year_ago = now - chrono::TimeDelta::days(365);
        let due = due(&cron, Missed::All, year_ago, now).unwrap();
        // The newest hundred, and the two that are only late: a minute ago and now.
        assert_eq!(due.runs.len(), MISSED_MAX + 2);
        assert_eq!(due.runs.last(), Some(&now));
        let week_of_minutes = 7 * 24 * 60;
        assert_eq!(due.let_go, week_of_minutes - MISSED_MAX as u64 - 2);
    }
}
