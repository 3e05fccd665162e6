//! Clocks that jump by an hour, under a worker and under PostgreSQL; and the Sundays on which local
//! clocks are changed.

use std::path::Path;

use packtrain_tests::{Database, skip};

use crate::counts::{Counts, repeat, turn};
use crate::oracle::Charges;
use crate::server::OwnServer;
use crate::stage::{Stage, now_us};

/// Where Debian's package `faketime` puts it.
const FAKETIME: [&str; 2] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
];
/// Jobs that come before each jump, and how long each stays.
const JOBS: usize = 400;
const HOLD_MS: u64 = 60;
/// Runs that begin before it, of these and of those that were left.
const RUNS: usize = 80;
/// Hours by which the clock is wrong, one after the other.
const JUMPS: [i64; 3] = [1, -1, 0];
/// How far a clock may be from where it was put, in microseconds.
const NEAR_US: u64 = 10 * 60 * 1_000_000;

/// What a process is told, so that a file says what time it is.
fn environment(library: &str, file: &Path) -> [(&'static str, String); 5] {
    [
        ("LD_PRELOAD", library.to_owned()),
        (
            "FAKETIME_TIMESTAMP_FILE",
            file.to_string_lossy().into_owned(),
        ),
        ("FAKETIME_NO_CACHE", "1".to_owned()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ("DONT_FAKE_MONOTONIC", "1".to_owned()),
    ]
}

fn library(row: &str) -> Option<&'static str> {
    let found = FAKETIME.into_iter().find(|path| Path::new(path).exists());
    if found.is_none() {
        skip(
            row,
            "libfaketime is missing (Debian: apt-get install faketime)",
        );
    }
    found
}

/// Lets the clock jump in the middle of work, and charges nobody. Each jump must have been `seen`
/// before the next one comes: else the row would show nothing.
async fn jumps(stage: &Stage, file: &Path, seen: impl AsyncFn(i64) -> bool) -> Counts {
    let mut jobs = Vec::new();
    for hours in JUMPS {
        let before = stage.marks().len();
        jobs.extend(stage.steps(JOBS, HOLD_MS).await);
        stage
            .until("work goes on", async || stage.marks().len() > before + RUNS)
            .await;
        // In one piece: whoever reads the file at this moment finds the old time or the new one.
        let next = file.with_extension("next");
        std::fs::write(&next, format!("{hours:+}h")).unwrap();
        std::fs::rename(&next, file).unwrap();
        assert!(
            stage.unended(&jobs).await > 0,
            "it jumped in the middle of work"
        );
        stage
            .until("the jump is seen", async || seen(hours).await)
            .await;
    }
    stage.judge(&jobs, Charges::none()).await
}

/// Whether a clock that shows `at_us` is wrong by so many hours.
fn is_wrong_by(hours: i64, at_us: i64) -> bool {
    (at_us - now_us() - hours * 3_600_000_000).unsigned_abs() < NEAR_US
}

#[tokio::test(flavor = "multi_thread")]
async fn clock_of_a_worker_jumps() {
    let name = "clock_of_a_worker_jumps";
    let Some(library) = library(name) else { return };
    let _turn = turn().await;
    let stage = Stage::new().await.with_usual_leases();
    let file = stage.path("clock");
    std::fs::write(&file, "+0").unwrap();
    let mut command = stage.command(&["worker", "--lanes", "io"], "");
    command.envs(environment(library, &file));
    let _worker = stage.ready_worker(&mut command).await;
    repeat(name, async |_| {
        // A run is marked with the time of the worker's own clock.
        let seen = async |hours| {
            let last = stage.marks().pop();
            last.is_some_and(|mark| is_wrong_by(hours, mark.at_us))
        };
        jumps(&stage, &file, seen).await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clock_of_postgres_jumps() {
    let name = "clock_of_postgres_jumps";
    let Some(library) = library(name) else { return };
    let _turn = turn().await;
    let folder = tempfile::tempdir().unwrap();
    // The server's account must be able to read it.
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder.path(), open).unwrap();
    let file = folder.path().join("clock");
    std::fs::write(&file, "+0").unwrap();
    let environment = environment(library, &file);
    let server = OwnServer::with_environment(&environment).await;
    let stage = Stage::on(Database::on(&server.url()).await).await;
    let stage = stage.with_usual_leases();
    let _worker = stage.worker("io", "").await;
    repeat(name, async |_| {
        let clock = "select (extract(epoch from clock_timestamp()) * 1e6)::bigint";
        let seen = async |hours| is_wrong_by(hours, stage.db.number(clock).await);
        jumps(&stage, &file, seen).await
    })
    .await;
    drop(stage);
    server.stop().await;
}

/// Looks at the schedulers between two times that sessions of the old time are ended.
const RENEW_EVERY: u32 = 20;

/// A time of the clock's change: what runs, where, and the hours around it.
struct Sunday {
    cron: &'static str,
    zone: &'static str,
    date: &'static str,
    /// The hour, in UTC, at which local clocks are changed.
    hour: u32,
}

impl Sunday {
    /// Moments before, around and after the change, a second after schedules come.
    fn moments(&self) -> Vec<String> {
        let at = |minutes: u32| {
            let (hour, minute) = (minutes / 60, minutes % 60);
            format!("{}T{hour:02}:{minute:02}:01Z", self.date)
        };
        (0..=8)
            .map(|step| at(self.hour * 60 - 50 + step * 20))
            .collect()
    }

    /// Two schedulers while the clock goes over the change: the time comes once.
    async fn run(&self, stage: &Stage) -> Counts {
        let moments = self.moments();
        stage.db.set_clock(&moments[0]).await;
        let sql = format!(
            "insert into schedule (id, kind, cron, zone, missed)
             values (gen_random_uuid(), 'ops.canary', '{}', '{}', 'all')",
            self.cron, self.zone
        );
        stage.db.run(&sql).await;
        let _schedulers = [stage.scheduler(""), stage.scheduler("")];
        for moment in &moments[1..] {
            stage.db.set_clock(moment).await;
            let changed = stage.db.texts("select clock_timestamp()::text").await;
            // A session that was at work at the change has the old time until it is ended.
            let renew = format!(
                "select pg_terminate_backend(pid) from pg_stat_activity
                  where datname = current_database() and state = 'idle'
                    and pid <> pg_backend_pid() and backend_start < '{}'",
                changed[0]
            );
            let looked = format!(
                "select count(*) from schedule
                  where kind = 'ops.keep_warm' -- every five minutes
                    and decided_until >= '{moment}'::timestamptz - interval '1 minute'"
            );
            let mut looks = 0_u32;
            stage
                .until("the schedulers have looked", async || {
                    looks += 1;
                    if looks.is_multiple_of(RENEW_EVERY) {
                        stage.db.run(&renew).await;
                    }
                    stage.db.number(&looked).await == 1
                })
                .await;
        }
        let came = "select count(*) from job where kind = 'ops.canary'";
        let came = stage.db.number(came).await.unsigned_abs();
        stage.db.assert_whole().await;
        Counts {
            jobs: 1,
            lost: u64::from(came == 0),
            doubled: came.saturating_sub(1),
            ..Counts::default()
        }
    }
}

const SUNDAYS: [Sunday; 4] = [
    Sunday {
        cron: "30 2 * * *",
        zone: "Europe/Berlin",
        date: "2026-03-29",
        hour: 1,
    },
    Sunday {
        cron: "30 2 * * *",
        zone: "Europe/Berlin",
        date: "2026-10-25",
        hour: 1,
    },
    Sunday {
        cron: "30 2 * * *",
        zone: "America/New_York",
        date: "2026-03-08",
        hour: 7,
    },
    Sunday {
        cron: "30 1 * * *",
        zone: "America/New_York",
        date: "2026-11-01",
        hour: 6,
    },
];

#[tokio::test(flavor = "multi_thread")]
async fn clocks_are_changed_on_four_sundays() {
    let name = "clocks_are_changed_on_four_sundays";
    let _turn = turn().await;
    repeat(name, async |_| {
        let [a, b, c, d] = &SUNDAYS;
        // They outlast all four: while a database is dropped, this task does nothing else, and the
        // server waits for every client that is about to come in.
        let (on_a, on_b) = (Stage::new().await, Stage::new().await);
        let (on_c, on_d) = (Stage::new().await, Stage::new().await);
        let (a, b, c, d) = tokio::join!(
            Box::pin(a.run(&on_a)),
            Box::pin(b.run(&on_b)),
            Box::pin(c.run(&on_c)),
            Box::pin(d.run(&on_d)),
        );
        let mut sum = Counts::default();
        for one in [a, b, c, d] {
            sum.add(&one);
        }
        sum
    })
    .await;
}
