//! Clocks that jump by an hour, under a worker and under PostgreSQL; and the Sundays on which local
//! clocks are changed.

use std::path::Path;

use packtrain_tests::{Database, skip};

use crate::counts::{Counts, repeat, turn};
use crate::server::OwnServer;
use crate::stage::Stage;

/// Where Debian's package `faketime` puts it.
const FAKETIME: [&str; 2] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
];
/// Jobs of one run, and how long each stays.
const JOBS: usize = 120;
const HOLD_MS: u64 = 60;

/// What a process is told, so that a file says what time it is.
fn environment(library: &str, file: &Path) -> [(&'static str, String); 5] {
    [
        ("LD_PRELOAD", library.to_owned()),
        (
            "FAKETIME_TIMESTAMP_FILE",
            file.to_string_lossy().into_owned(),
        ),
        ("FAKETIME_CACHE_DURATION", "1".to_owned()),
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

/// Lets the clock jump an hour ahead and back in the middle of work, and charges nobody.
async fn jumps(stage: &Stage, file: &Path) -> Counts {
    let jobs = stage.steps(JOBS, HOLD_MS).await;
    let mut before = stage.marks().len();
    for jump in ["+1h", "-1h", "+0"] {
        before += 20;
        stage
            .until("work goes on", async || stage.marks().len() > before)
            .await;
        std::fs::write(file, jump).unwrap();
    }
    stage.judge(&jobs, 0).await
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
    repeat(name, async |_| jumps(&stage, &file).await).await;
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
    let Some(server) = OwnServer::with_environment(&environment).await else {
        skip(name, "the system has no PostgreSQL of its own");
        return;
    };
    let stage = Stage::on(Database::on(&server.url()).await).await;
    let stage = stage.with_usual_leases();
    assert_clock_jumps(&stage, &file).await;
    let _worker = stage.worker("io", "").await;
    repeat(name, async |_| jumps(&stage, &file).await).await;
    drop(stage);
    server.stop().await;
}

/// The file really moves the server's clock: else the row would show nothing.
async fn assert_clock_jumps(stage: &Stage, file: &Path) {
    let hour = "select extract(epoch from clock_timestamp())::bigint";
    let before = stage.db.number(hour).await;
    std::fs::write(file, "+1h").unwrap();
    stage
        .until("the server's clock has jumped", async || {
            stage.db.number(hour).await > before + 3_000
        })
        .await;
    std::fs::write(file, "+0").unwrap();
}

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
    async fn run(&self) -> Counts {
        let (stage, moments) = (Stage::new().await, self.moments());
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
            let looked = format!(
                "select count(*) from schedule
                  where kind = 'ops.keep_warm' -- every five minutes
                    and decided_until >= '{moment}'::timestamptz - interval '1 minute'"
            );
            stage
                .until("the schedulers have looked", async || {
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
        let (a, b, c, d) = tokio::join!(
            Box::pin(a.run()),
            Box::pin(b.run()),
            Box::pin(c.run()),
            Box::pin(d.run()),
        );
        let mut sum = Counts::default();
        for one in [a, b, c, d] {
            sum.add(&one);
        }
        sum
    })
    .await;
}
