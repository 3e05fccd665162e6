//! Cron text against calendars: numbers of days, both days given, and every change of clocks.

use super::*;

fn utc(text: &str) -> Timestamp {
    text.parse().expect("the test names a time")
}

/// The next `count` times after `after`, as the wall clock of the zone shows them with its offset.
fn next(text: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
    let cron = Cron::parse(text, zone).unwrap();
    let mut times = Vec::new();
    let mut at = utc(after);
    while times.len() < count {
        at = cron.next_after(at).unwrap();
        let wall = at.with_timezone(&cron.zone);
        times.push(wall.format("%a %m-%d %H:%M:%S %z").to_string());
    }
    times
}

#[test]
fn sunday_is_zero_and_seven_and_monday_is_one() {
    for text in ["0 9 * * 0", "0 9 * * 7", "0 9 * * sun", "0 0 9 * * SUN"] {
        let times = next(text, "UTC", "2026-11-24T00:00:00Z", 2);
        let sundays = ["Sun 11-29 09:00:00 +0000", "Sun 12-06 09:00:00 +0000"];
        assert_eq!(times, sundays, "{text}");
    }
    let monday = next("0 9 * * 1", "UTC", "2026-11-24T00:00:00Z", 1);
    assert_eq!(monday, ["Mon 11-30 09:00:00 +0000"]);
}

#[test]
fn weekday_ranges_lists_and_steps_may_cross_the_end_of_the_week() {
    let days = |text: &str| {
        let times = next(text, "UTC", "2026-11-29T12:00:00Z", 7);
        let mut days: Vec<_> = times.iter().map(|time| time[..3].to_owned()).collect();
        days.dedup();
        days.truncate(4);
        days
    };
    assert_eq!(days("0 0 * * 1-5"), ["Mon", "Tue", "Wed", "Thu"]);
    assert_eq!(days("0 0 * * fri-mon"), ["Mon", "Fri", "Sat", "Sun"]);
    assert_eq!(days("0 0 * * 5-7"), ["Fri", "Sat", "Sun", "Fri"]);
    assert_eq!(days("0 0 * * 2,4"), ["Tue", "Thu", "Tue", "Thu"]);
    assert_eq!(days("0 0 * * */3"), ["Wed", "Sat", "Sun", "Wed"]);
}

#[test]
fn with_both_days_given_either_is_enough() {
    let times = next("0 0 13 * 5", "UTC", "2026-11-24T00:00:00Z", 5);
    let days: Vec<_> = times.iter().map(|time| &time[..9]).collect();
    assert_eq!(
        days,
        [
            "Fri 11-27",
            "Fri 12-04",
            "Fri 12-11",
            "Sun 12-13",
            "Fri 12-18"
        ]
    );
}

#[test]
fn words_and_six_and_seven_fields_are_read() {
    let at = "2026-11-24T10:20:30Z";
    assert_eq!(next("@hourly", "UTC", at, 1), ["Tue 11-24 11:00:00 +0000"]);
    assert_eq!(next("@weekly", "UTC", at, 1), ["Sun 11-29 00:00:00 +0000"]);
    assert_eq!(next("@yearly", "UTC", at, 1), ["Fri 01-01 00:00:00 +0000"]);
    assert_eq!(
        next("*/20 * * * * *", "UTC", at, 1),
        ["Tue 11-24 10:20:40 +0000"]
    );
    assert_eq!(
        next("0 0 0 1 1 * 2030", "UTC", at, 1),
        ["Tue 01-01 00:00:00 +0000"]
    );
    let once = Cron::parse("0 0 0 1 1 * 2030", "UTC").unwrap();
    assert_eq!(once.next_after(utc("2030-01-01T00:00:00Z")), None);
}

#[test]
fn a_local_time_inside_a_spring_gap_runs_once_after_it() {
    let new_york = next("30 2 * * *", "America/New_York", "2026-03-07T12:00:00Z", 2);
    assert_eq!(
        new_york,
        ["Sun 03-08 03:00:00 -0400", "Mon 03-09 02:30:00 -0400"]
    );
    let berlin = next("15,45 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 2);
    assert_eq!(
        berlin,
        ["Sun 03-29 03:00:00 +0200", "Mon 03-30 02:15:00 +0200"]
    );
    let lord_howe = next(
        "10 2 * * *",
        "Australia/Lord_Howe",
        "2026-10-03T06:00:00Z",
        2,
    );
    assert_eq!(
        lord_howe,
        ["Sun 10-04 02:30:00 +1100", "Mon 10-05 02:10:00 +1100"]
    );
}

#[test]
fn a_doubled_autumn_hour_runs_a_named_time_once() {
    let new_york = next("30 1 * * *", "America/New_York", "2026-10-31T12:00:00Z", 2);
    assert_eq!(
        new_york,
        ["Sun 11-01 01:30:00 -0400", "Mon 11-02 01:30:00 -0500"]
    );
    // Asked in the second pass of the hour, it does not come again.
    let late = next("30 2 * * *", "Europe/Berlin", "2026-10-25T01:10:00Z", 1);
    assert_eq!(late, ["Mon 10-26 02:30:00 +0100"]);
}

#[test]
fn a_schedule_of_every_hour_goes_on_through_both_changes() {
    let spring = next("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:20:00Z", 3);
    assert_eq!(
        spring,
        [
            "Sun 03-29 01:30:00 +0100",
            "Sun 03-29 03:00:00 +0200",
            "Sun 03-29 03:30:00 +0200"
        ]
    );
    let autumn = next("*/30 * * * *", "Europe/Berlin", "2026-10-25T00:20:00Z", 4);
    assert_eq!(
        autumn,
        [
            "Sun 10-25 02:30:00 +0200",
            "Sun 10-25 02:00:00 +0100",
            "Sun 10-25 02:30:00 +0100",
            "Sun 10-25 03:00:00 +0100",
        ]
    );
    // Half an hour of change: 02:00 summer time is 01:30 once more.
    let lord_howe = next(
        "15 * * * *",
        "Australia/Lord_Howe",
        "2026-04-04T14:00:00Z",
        3,
    );
    assert_eq!(
        lord_howe,
        [
            "Sun 04-05 01:15:00 +1100",
            "Sun 04-05 02:15:00 +1030",
            "Sun 04-05 03:15:00 +1030"
        ]
    );
}

#[test]
fn every_minute_of_a_year_comes_once_in_every_zone() {
    for zone in [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
    ] {
        let cron = Cron::parse("*/10 * * * *", zone).unwrap();
        let (from, until) = (utc("2026-01-01T00:00:00Z"), utc("2027-01-01T00:00:00Z"));
        let times: Vec<_> = cron.between(from, until).collect();
        assert_eq!(times.len(), 365 * 24 * 6, "{zone}");
        let even = times
            .windows(2)
            .all(|two| two[1] - two[0] == Duration::minutes(10));
        assert!(even, "{zone}");
    }
}

#[test]
fn text_that_cannot_be_used_says_why() {
    let said = |text: &str| Cron::parse(text, "UTC").unwrap_err().to_string();
    assert!(said("* * *").contains("has 3 fields"), "{}", said("* * *"));
    assert!(said("@fortnightly").contains("known: @hourly"));
    assert!(said("0 0 * * 8").contains("\"8\" is no weekday"));
    assert!(said("0 0 * * 1/0").contains("no number above 0"));
    assert!(said("61 * * * *").contains("cannot be read"));
    assert_eq!(said("0 0 30 2 *"), "\"0 0 30 2 *\" never comes");
    let zone = Cron::parse("@daily", "Berlin").unwrap_err().to_string();
    assert!(zone.contains("unknown time zone \"Berlin\""), "{zone}");
    assert_eq!(
        Cron::parse(&"*".repeat(201), "UTC").unwrap_err(),
        CronError::Long
    );
}
