//! What collectors read.

use chrono::TimeDelta;
use packtrain_core::ids::ScheduleId;
use packtrain_core::job::Lane;
use packtrain_core::ports::{LaneBacklog, Pace, ServiceLevel, Spread, UnservedKind};
use packtrain_core::schedule::{Missed, Overlap};

use super::*;

fn figures() -> Figures {
    Figures {
        now: "2026-11-24T12:00:00Z".parse().unwrap(),
        paces: vec![Pace {
            lane: Lane::Io,
            done: 30,
            failed: 1,
        }],
        within: Duration::from_secs(60),
        workers: WorkerCounts::default(),
        unserved: Vec::new(),
        service_level: None,
    }
}

fn value(gauges: &[Gauge], name: &str, label: &str) -> f64 {
    let found = gauges
        .iter()
        .find(|gauge| gauge.name == name && gauge.labels.iter().any(|(_, value)| value == label));
    found
        .unwrap_or_else(|| panic!("no {name} of {label}"))
        .value
}

#[test]
fn a_lane_shows_its_oldest_job_and_the_time_that_its_slots_need_for_all() {
    let (figures, mut gauges) = (figures(), Vec::new());
    let record = LaneRecord {
        lane: Lane::Io,
        paused_at: None,
        version: 1,
        queued: 15,
        scheduled: 0,
        waiting: 0,
        running: 2,
        dead: 0,
        oldest: Some(figures.now - TimeDelta::seconds(7)),
    };
    of_lane(&record, &figures, &mut gauges);
    let lane = LaneBacklog {
        lane: Lane::Io,
        is_paused: false,
        jobs: 15,
        work: Duration::from_secs(60),
        oldest: record.oldest,
        in_flight: 2,
        began: 2,
        remaining: Duration::from_secs(1),
        workers: 1,
        slots: 4,
    };
    let backlog = Backlog {
        now: figures.now,
        lanes: vec![lane],
    };
    of_backlog(&backlog, &mut gauges);
    for (name, expected) in [
        ("packtrain_queue_oldest_seconds", 7.0),
        ("packtrain_backlog_oldest_seconds", 7.0),
        ("packtrain_backlog_jobs", 15.0),
        ("packtrain_backlog_seconds", 15.0),
        ("packtrain_slots_busy_percent", 50.0),
    ] {
        assert!(
            (value(&gauges, name, "io") - expected).abs() < 1e-9,
            "{name}"
        );
    }
}

#[test]
fn a_pace_that_was_counted_over_less_than_a_minute_is_scaled_and_unseen_lanes_are_unknown() {
    let figures = Figures {
        within: Duration::from_secs(6),
        ..figures()
    };
    let io = figures.pace(Lane::Io).unwrap();
    assert_eq!(figures.a_minute(io.done), 300);
    assert_eq!(figures.pace(Lane::Cpu), None);
}

#[test]
fn a_schedule_is_late_from_the_time_on_that_nobody_decided() {
    let (now, mut gauges) = (figures().now, Vec::new());
    let schedule = |kind: &str, decided: i64, is_enabled| ScheduleRecord {
        id: ScheduleId::of_kind(kind),
        kind: kind.to_owned(),
        cron: "*/5 * * * *".to_owned(),
        zone: "UTC".to_owned(),
        missed: Missed::Skip,
        jitter_s: 0,
        overlap: Overlap::Allow,
        is_enabled,
        version: 1,
        decided_until: now - TimeDelta::seconds(decided),
        edited_at: None,
    };
    let all = [
        schedule("in.time", 0, true),
        schedule("is.late", 660, true),
        schedule("does.rest", 660, false),
    ];
    of_schedules(&all, now, &mut gauges);
    for (kind, late) in [("in.time", 0.0), ("is.late", 600.0), ("does.rest", 0.0)] {
        let seconds = value(&gauges, "packtrain_schedule_late_seconds", kind);
        assert!((seconds - late).abs() < 1e-9, "{kind}: {seconds}");
    }
}

#[test]
fn an_unserved_kind_that_is_served_again_is_shown_as_none_and_labels_stay_few() {
    let mut known = BTreeSet::new();
    let mut shown = |kinds: Vec<(String, u16, u64)>| {
        let unserved = kinds.into_iter().map(|(kind, schema, count)| UnservedKind {
            kind,
            schema,
            count,
        });
        let figures = Figures {
            unserved: unserved.collect(),
            ..figures()
        };
        let mut gauges = Vec::new();
        of_unserved(&figures, &mut known, &mut gauges);
        gauges
    };
    let name = "packtrain_jobs_unserved";
    let two = vec![("a.b".to_owned(), 1, 3), ("a.b".to_owned(), 2, 4)];
    let gauges = shown(two);
    assert!((value(&gauges, name, "a.b") - 7.0).abs() < 1e-9);
    assert!(value(&shown(Vec::new()), name, "a.b").abs() < 1e-9);
    let many = (0..80).map(|n| (format!("a.k{n}"), 1, 1)).collect();
    let gauges = shown(many);
    assert_eq!(gauges.len(), KINDS_MAX + 1);
    assert!((value(&gauges, name, OTHER) - 31.0).abs() < 1e-9);
}

#[test]
fn the_service_level_is_told_with_its_age_and_is_no_number_before_it_was_measured() {
    let mut figures = figures();
    let told = |figures: &Figures| {
        let mut gauges = Vec::new();
        of_service_level(figures, &mut gauges);
        gauges
    };
    let name = "packtrain_service_level_seconds";
    assert!(told(&figures).iter().all(|gauge| gauge.value.is_nan()));
    let ms = Duration::from_millis;
    figures.service_level = Some(ServiceLevel {
        last_at: figures.now - TimeDelta::seconds(90),
        last: ms(40),
        lately: Some(Spread {
            count: 12,
            p50: ms(50),
            p95: ms(250),
            max: ms(1_500),
        }),
    });
    let gauges = told(&figures);
    let all = [("0.5", 0.05), ("0.95", 0.25), ("1", 1.5)];
    for (quantile, seconds) in all {
        assert!((value(&gauges, name, quantile) - seconds).abs() < 1e-9);
    }
    let age = gauges.last().unwrap();
    assert_eq!(age.name, "packtrain_service_level_age_seconds");
    assert!((age.value - 90.0).abs() < 1e-9);
}
