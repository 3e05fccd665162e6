//! Frames as they stand in a terminal.

use chrono::TimeDelta;
use packtrain_core::ids::{ScheduleId, WorkerId};
use packtrain_core::ports::{
    Cause, Figures, LaneRecord, Pace, ServiceLevel, Spread, UnservedKind, WorkerCounts,
};
use packtrain_core::schedule::{Missed, Overlap, ScheduleRecord};
use packtrain_core::time::Timestamp;
use snapbox::str;
use uuid::Uuid;

use super::*;

fn now() -> Timestamp {
    "2026-11-24T12:03:20Z".parse().unwrap()
}

fn before(seconds: i64) -> Timestamp {
    now() - TimeDelta::seconds(seconds)
}

fn lane(lane: Lane, queued: u64) -> LaneRecord {
    LaneRecord {
        lane,
        paused_at: (lane == Lane::Bulk).then(|| before(60)),
        version: 1,
        queued,
        scheduled: 12,
        waiting: 0,
        running: 4,
        dead: u64::from(lane == Lane::Cpu) * 3,
        oldest: (queued > 0).then(|| before(75)),
    }
}

fn worker(name: &str, silent_s: i64, drains: bool) -> WorkerView {
    WorkerView {
        id: WorkerId::from_uuid(Uuid::nil()),
        name: name.to_owned(),
        version: "0.1.0".to_owned(),
        lanes: vec![Lane::Io, Lane::Cpu],
        started_at: before(9_000),
        seen_at: before(silent_s),
        drain_at: drains.then(|| before(5)),
        running: 4,
    }
}

fn schedule(kind: &str, cron: &str, is_enabled: bool) -> ScheduleRecord {
    ScheduleRecord {
        id: ScheduleId::of_kind(kind),
        kind: kind.to_owned(),
        cron: cron.to_owned(),
        zone: "UTC".to_owned(),
        missed: Missed::Skip,
        jitter_s: 0,
        overlap: Overlap::Allow,
        is_enabled,
        version: 1,
        decided_until: before(200),
        edited_at: None,
    }
}

fn view() -> View {
    let pace = |lane, done, failed| Pace { lane, done, failed };
    View {
        figures: Figures {
            now: now(),
            paces: vec![pace(Lane::Cpu, 40, 2), pace(Lane::Io, 1_200, 0)],
            within: Duration::from_secs(60),
            workers: WorkerCounts::default(),
            unserved: vec![UnservedKind {
                kind: "tax.report".to_owned(),
                schema: 2,
                count: 7,
            }],
            service_level: Some(ServiceLevel {
                last_at: before(199),
                last: Duration::from_micros(41_300),
                lately: Some(Spread {
                    count: 12,
                    p50: Duration::from_micros(40_000),
                    p95: Duration::from_micros(250_000),
                    max: Duration::from_micros(900_000),
                }),
            }),
        },
        lanes: vec![
            lane(Lane::Bulk, 0),
            lane(Lane::Cpu, 1_280),
            lane(Lane::Io, 0),
        ],
        workers: vec![
            worker("one-12", 0, false),
            worker("two-7", 1, true),
            worker("gone-3", 4_000, false),
        ],
        schedules: vec![
            schedule("ops.prune", "17 3 * * *", true),
            schedule("ops.keep_warm", "*/5 * * * *", true),
            schedule("ops.rests", "* * * * *", false),
            schedule("ops.late", "1 * * * *", true),
        ],
        causes: vec![Cause {
            fingerprint: "25f3fa8b5ada6d90".to_owned(),
            kind: "tax.report".to_owned(),
            code: "job.time_limit".to_owned(),
            message: "took longer than 300 s".to_owned(),
            count: 3,
            first_at: before(90_000),
            last_at: before(300),
        }],
    }
}

fn text(view: &View) -> String {
    lines(view)
        .into_iter()
        .map(|line| line.text + "\n")
        .collect()
}

#[test]
fn a_frame_shows_lanes_workers_schedules_dead_letters_and_the_canary() {
    let golden = str![[r#"
packtrain top   2026-11-24 12:03:20 UTC   canary took 41 ms, 3 min ago; p95 of the hour 250 ms

LANE  STATE   QUEUED  OLDEST  RUN  LATER  WAIT  DEAD  DONE/MIN  FAIL/MIN
bulk  paused       0            4     12     0     0         0         0
cpu   open      1280    75 s    4     12     0     3        40         2
io    open         0            4     12     0     0      1200         0
! no worker serves tax.report v2: 7 jobs wait

DEAD LETTERS      COUNT  KIND        CODE             LAST  MESSAGE
25f3fa8b5ada6d90      3  tax.report  job.time_limit  5 min  took longer than 300 s

WORKER  VERSION  STATE     RUNNING    SEEN  LANES
one-12  0.1.0    alive           4    0 ms  io,cpu
two-7   0.1.0    draining        4     1 s  io,cpu
gone-3  0.1.0    silent          4  66 min  io,cpu

SCHEDULE       NEXT           CRON         ZONE
ops.late       late by 2 min  1 * * * *    UTC
ops.keep_warm  in 100 s       */5 * * * *  UTC
ops.prune      in 15 h        17 3 * * *   UTC
ops.rests      rests          * * * * *    UTC

"#]];
    snapbox::Assert::new()
        .action_env("SNAPSHOTS")
        .eq(text(&view()), golden);
}

#[test]
fn a_frame_of_nothing_says_so() {
    let mut view = view();
    view.workers.clear();
    view.schedules.clear();
    view.causes.clear();
    view.figures.unserved.clear();
    view.figures.service_level = None;
    let text = text(&view);
    for said in [
        "no canary yet",
        "No workers.",
        "No schedules.",
        "No dead letters.",
    ] {
        assert!(text.contains(said), "{text}");
    }
    assert!(!text.contains("no worker serves"), "{text}");
}

#[test]
fn counts_of_a_shorter_time_are_scaled_and_long_lists_say_how_much_is_left_out() {
    let mut view = view();
    view.figures.within = Duration::from_secs(30);
    view.workers = (0..11)
        .map(|n| worker(&format!("w-{n}"), 0, false))
        .collect();
    let text = text(&view);
    assert!(text.contains("2400"), "{text}");
    assert!(text.contains("and 3 more: packtrain workers"), "{text}");
}
