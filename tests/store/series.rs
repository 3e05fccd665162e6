//! Time series: what is recorded, what is made of it, and what parity finds.

mod anchors;
mod divided;
mod kept;

use std::collections::BTreeMap;

use chrono::TimeDelta;
use packtrain_core::ports::{Measured, SeriesReads, SeriesWrites};
use packtrain_core::series::{Bucket, Dataset, Resolution, Tally};
use packtrain_core::time::Timestamp;
use packtrain_jobs::analytics::parity::{Compared, compare};
use packtrain_store::{PgSeries, PgSeriesReads};
use packtrain_tests::Database;

const TVL: Dataset = Dataset::Tvl;

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn figure(key: &str, value: &str) -> Measured {
    Measured {
        key: key.to_owned(),
        name: key.to_uppercase(),
        value: value.parse().unwrap(),
    }
}

struct Scene {
    db: Database,
    writes: PgSeries,
    reads: PgSeriesReads,
}

impl Scene {
    async fn new() -> Self {
        let db = Database::new().await;
        Self {
            writes: PgSeries::new(db.pools().worker.clone()),
            reads: PgSeriesReads::new(db.pools().app.clone()),
            db,
        }
    }

    /// Records the figures of an hour: how many are new, and how many came late.
    async fn record(&self, hour: &str, figures: &[Measured]) -> (u64, u64) {
        let at = time(hour);
        let recorded = self.writes.record(TVL, at, at, figures).await.unwrap();
        (recorded.new, recorded.late)
    }

    /// Does what is to be done.
    async fn roll(&self) -> (u64, usize) {
        let (mut repaired, mut made) = (0, 0);
        loop {
            match self.writes.repair(TVL).await.unwrap() {
                0 => {}
                some => {
                    repaired += some;
                    continue;
                }
            }
            if self.writes.roll_up(TVL).await.unwrap().is_none() {
                return (repaired, made);
            }
            made += 1;
        }
    }

    async fn bucket(&self, key: &str, resolution: Resolution, at: &str) -> Option<Bucket> {
        let series = self.reads.find(TVL, key).await.unwrap()?;
        let (from, until) = (time(at), time(at) + TimeDelta::microseconds(1));
        let points = self.reads.points(series.id, resolution, from, until, 10);
        let points = points.await.unwrap();
        assert!(points.len() <= 1);
        points.first().map(|point| point.bucket)
    }

    /// Every bucket, as text.
    async fn buckets(&self) -> Vec<String> {
        let sql = "select concat_ws(' ', s.key, b.resolution, b.at, b.open, b.close, b.low, b.high,
                                    b.sum, b.count)
                     from series_bucket b join series s on s.id = b.series_id
                    order by 1";
        self.db.texts(sql).await
    }

    async fn parity(&self, resolution: Resolution, at: &str) -> Compared {
        compare(&self.writes, TVL, resolution, time(at))
            .await
            .unwrap()
    }
}

/// Numbers from a fixed seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % sides
    }
}

/// Hours around the end of a month, each with figures of some of three series.
fn hours(dice: &mut Dice) -> BTreeMap<Timestamp, Vec<Measured>> {
    let first = time("2026-10-24T00:00:00Z");
    let hours = (0..16 * 24).step_by(5).filter_map(|hour| {
        let some = ["a", "b", "c"].into_iter().filter(|_| dice.roll(3) > 0);
        let some: Vec<&str> = some.collect();
        let figures = some.into_iter().map(|key| {
            let value = format!("{}.{:02}", dice.roll(1_000), dice.roll(100));
            figure(key, &value)
        });
        let figures: Vec<Measured> = figures.collect();
        (!figures.is_empty()).then(|| (first + TimeDelta::hours(hour), figures))
    });
    hours.collect()
}

#[tokio::test]
async fn hours_in_any_order_make_the_same_buckets_and_those_that_sums_over_all_hours_make() {
    let hours = hours(&mut Dice(1));
    let mut naive: BTreeMap<(String, Resolution, Timestamp), Tally> = BTreeMap::new();
    for (hour, figures) in &hours {
        for (figure, resolution) in figures
            .iter()
            .flat_map(|one| Resolution::MADE.map(|resolution| (one, resolution)))
        {
            let place = (figure.key.clone(), resolution, resolution.floor(*hour));
            let tally = naive.entry(place).or_default();
            tally.take(*hour, figure.value).unwrap();
        }
    }
    let mut seen: Vec<Vec<String>> = Vec::new();
    for seed in 0..3 {
        let scene = Scene::new().await;
        let mut order: Vec<_> = hours.iter().collect();
        let mut dice = Dice(seed);
        // The first time in order of time; then the hours come as they like.
        if seed > 0 {
            order.sort_by_cached_key(|_| dice.roll(1_000));
        }
        for (hour, figures) in order {
            let recorded = scene.writes.record(TVL, *hour, *hour, figures).await;
            assert_eq!(recorded.unwrap().new, figures.len() as u64);
            if dice.roll(4) == 0 {
                scene.roll().await;
            }
        }
        // Closes the month after.
        scene
            .record("2026-12-01T00:00:00Z", &[figure("z", "1")])
            .await;
        scene.roll().await;
        for ((key, resolution, at), tally) in &naive {
            let at = packtrain_core::time::rfc3339(*at);
            let made = scene.bucket(key, *resolution, &at).await;
            assert_eq!(made, tally.bucket(), "{key} {resolution} {at} {seed}");
        }
        seen.push(scene.buckets().await);
        assert_eq!(seen[0].len(), naive.len(), "and no others");
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0], seen[2]);
}

#[tokio::test]
async fn the_same_hour_twice_keeps_what_was_kept_first_and_names_follow() {
    let scene = Scene::new().await;
    let hour = "2026-11-30T11:00:00Z";
    assert_eq!(scene.record(hour, &[figure("a", "1.5")]).await, (1, 0));
    let again = [figure("a", "9"), figure("b", "2")];
    assert_eq!(scene.record(hour, &again).await, (1, 0));
    assert_eq!(scene.record(hour, &again).await, (0, 0));
    let kept = scene.bucket("a", Resolution::Hour, hour).await.unwrap();
    assert_eq!(kept.close.to_string(), "1.5");
    let mut renamed = figure("a", "3");
    renamed.name = "Ada".to_owned();
    scene.record("2026-11-30T12:00:00Z", &[renamed]).await;
    let series = scene.reads.find(TVL, "a").await.unwrap().unwrap();
    assert_eq!((&*series.name, &*series.unit), ("Ada", "USD"));
    assert_eq!(scene.db.number("select count(*) from series").await, 2);
    let greatest = scene.reads.greatest(TVL, time(hour), "", 1).await.unwrap();
    assert_eq!(greatest.len(), 1);
    assert_eq!(
        (&*greatest[0].key, greatest[0].value.to_string()),
        ("b", "2".to_owned())
    );
}

#[tokio::test]
async fn a_bucket_is_made_when_its_time_is_over_and_a_week_after_its_days() {
    let scene = Scene::new().await;
    // A Saturday; the month ends with it.
    scene
        .record("2026-10-31T22:00:00Z", &[figure("a", "1")])
        .await;
    assert_eq!(scene.roll().await, (0, 0));
    scene
        .record("2026-10-31T23:00:00Z", &[figure("a", "2")])
        .await;
    // The last hour was measured: day and month are over.
    assert_eq!(scene.roll().await, (0, 2));
    scene
        .record("2026-11-01T23:00:00Z", &[figure("a", "4")])
        .await;
    assert_eq!(scene.roll().await, (0, 2));
    let week = scene
        .bucket("a", Resolution::Week, "2026-10-26T00:00:00Z")
        .await;
    let week = week.unwrap();
    let figures = [week.open, week.close, week.low, week.high, week.sum];
    let figures = figures.map(|one| one.to_string());
    assert_eq!(figures, ["1", "4", "1", "4", "7"]);
    assert_eq!(week.count, 3);
    let month = scene
        .bucket("a", Resolution::Month, "2026-10-01T00:00:00Z")
        .await;
    assert_eq!(month.unwrap().count, 2);
}

#[tokio::test]
async fn an_hour_that_comes_late_makes_its_day_its_week_and_its_month_anew() {
    let scene = Scene::new().await;
    for day in ["2026-10-12", "2026-10-13", "2026-11-30"] {
        scene
            .record(
                &format!("{day}T12:00:00Z"),
                &[figure("a", "10"), figure("b", "5")],
            )
            .await;
    }
    scene.roll().await;
    let late = "2026-10-12T06:00:00Z";
    assert_eq!(scene.record(late, &[figure("a", "99.5")]).await, (1, 1));
    let day = "2026-10-12T00:00:00Z";
    // What waits to be made anew is no difference.
    let compared = scene.parity(Resolution::Day, day).await;
    assert_eq!(
        (compared.equal, compared.dirty, compared.different.len()),
        (1, 1, 0)
    );
    let compared = scene
        .parity(Resolution::Month, "2026-10-01T00:00:00Z")
        .await;
    assert_eq!((compared.equal, compared.dirty), (1, 1));
    assert_eq!(
        scene.roll().await,
        (3, 0),
        "a day, a week and a month of one series"
    );
    for (resolution, at, count) in [
        (Resolution::Day, day, 2),
        (Resolution::Week, day, 3),
        (Resolution::Month, "2026-10-01T00:00:00Z", 3),
    ] {
        let made = scene.bucket("a", resolution, at).await.unwrap();
        assert_eq!(
            (made.open.to_string(), made.count),
            ("99.5".to_owned(), count)
        );
        let compared = scene.parity(resolution, at).await;
        assert_eq!(
            (compared.equal, compared.dirty, compared.different.len()),
            (2, 0, 0)
        );
    }
    assert_eq!(scene.record(late, &[figure("a", "99.5")]).await, (0, 0));
    assert_eq!(scene.roll().await, (0, 0));
}

#[tokio::test]
async fn parity_finds_rows_that_were_tampered_with_and_they_are_made_anew() {
    let scene = Scene::new().await;
    let figures = ["a", "b", "c", "d"].map(|key| figure(key, "3"));
    for hour in [
        "2026-11-28T10:00:00Z",
        "2026-11-28T11:00:00Z",
        "2026-11-29T10:00:00Z",
    ] {
        scene.record(hour, &figures).await;
    }
    scene.roll().await;
    let day = "2026-11-28T00:00:00Z";
    assert_eq!(scene.parity(Resolution::Day, day).await.equal, 4);
    let of = |key: &str| format!("series_id = (select id from series where key = '{key}')");
    for sql in [
        // A figure of a day, a day that is gone, and an hour that was changed below its day.
        format!(
            "update series_bucket set high = 4 where resolution = 'day' and {}",
            of("a")
        ),
        format!("delete from series_bucket where {}", of("b")),
        format!(
            "update series_fact set value = 2 where {} and at = '{day}'::timestamptz
                 + interval '11 hours'",
            of("c")
        ),
    ] {
        assert_eq!(scene.db.run(&sql).await, 1, "{sql}");
    }
    let compared = scene.parity(Resolution::Day, day).await;
    let found: Vec<&str> = compared.different.iter().map(|it| &*it.key).collect();
    assert_eq!((compared.equal, found), (1, vec!["a", "b", "c"]));
    let one = &compared.different[0];
    assert_eq!(one.kept.unwrap().high.to_string(), "4");
    assert_eq!(one.computed.unwrap().high.to_string(), "3");
    let ids: Vec<i64> = compared.different.iter().map(|it| it.id).collect();
    scene
        .writes
        .doubt(Resolution::Day, time(day), &ids)
        .await
        .unwrap();
    assert_eq!(scene.parity(Resolution::Day, day).await.dirty, 3);
    assert_eq!(scene.roll().await, (3, 0));
    let compared = scene.parity(Resolution::Day, day).await;
    assert_eq!((compared.equal, compared.different.len()), (4, 0));
    let changed = scene.bucket("c", Resolution::Day, day).await.unwrap();
    assert_eq!(
        (changed.close.to_string(), changed.count),
        ("2".to_owned(), 2)
    );
}

#[tokio::test]
async fn hours_that_come_while_their_day_is_made_are_in_it_or_make_it_anew() {
    let scene = Scene::new().await;
    scene
        .record("2026-11-01T00:00:00Z", &[figure("a", "1")])
        .await;
    scene
        .record("2026-11-20T00:00:00Z", &[figure("a", "1")])
        .await;
    let late = async {
        for day in 1..19 {
            let hour = format!("2026-11-{day:02}T05:00:00Z");
            scene.record(&hour, &[figure("a", "2")]).await;
        }
    };
    let rolled = async { while scene.writes.roll_up(TVL).await.unwrap().is_some() {} };
    tokio::join!(late, rolled);
    scene.roll().await;
    for day in 1..19 {
        let at = format!("2026-11-{day:02}T00:00:00Z");
        let compared = scene.parity(Resolution::Day, &at).await;
        assert_eq!((compared.equal, compared.different.len()), (1, 0), "{at}");
    }
}

#[tokio::test]
async fn what_is_not_made_yet_or_whose_hours_are_gone_is_not_compared() {
    let scene = Scene::new().await;
    for hour in ["2026-11-28T10:00:00Z", "2026-11-29T10:00:00Z"] {
        scene.record(hour, &[figure("a", "3")]).await;
    }
    scene.roll().await;
    let open = scene.parity(Resolution::Day, "2026-11-29T00:00:00Z").await;
    assert_eq!(open, Compared::default(), "the day is not over");
    let day = "2026-11-28T00:00:00Z";
    assert_eq!(scene.parity(Resolution::Day, day).await.equal, 1);
    let gone = "update series_watermark set kept_from = '2026-11-28T12:00:00Z'
                 where resolution = 'hour'";
    assert_eq!(scene.db.run(gone).await, 1);
    scene
        .db
        .run("delete from series_fact where at < '2026-11-28T12:00:00Z'")
        .await;
    let late = scene.parity(Resolution::Day, day).await;
    assert_eq!(late, Compared::default(), "its hours are gone");
}
