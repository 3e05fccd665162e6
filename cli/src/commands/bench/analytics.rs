//! `packtrain bench analytics`: a month of hourly figures is loaded, made into days, weeks and a
//! month, read, compared with its hours, and repaired when an hour comes late.

use std::time::Instant;

use chrono::{TimeDelta, TimeZone, Utc};
use packtrain_core::ports::{SeriesId, SeriesReads, SeriesWrites, StoreError};
use packtrain_core::series::{Dataset, Resolution};
use packtrain_core::time::Timestamp;
use packtrain_jobs::analytics::parity::{self, Compared};
use packtrain_store::{PgSeries, PgSeriesReads, PgSeriesStage};
use serde_json::json;

use self::walks::Walks;
use super::cost::load;
use super::ground::Ground;
use super::spread::Spread;
use crate::args::{BenchAnalytics, Global};
use crate::failure::{FAILED, Failure};
use crate::table::Table;

mod walks;

/// The dataset that is made up.
const DATASET: Dataset = Dataset::Tvl;
/// Hours of the month, which has thirty days.
const HOURS: i64 = 30 * 24;
/// The hour of it that comes late: one o'clock in the afternoon of its eleventh day.
const LATE: i64 = 10 * 24 + 13;

/// What was measured.
struct Figures {
    rows: u64,
    load_s: f64,
    bytes: u64,
    made: Vec<(Resolution, Spread)>,
    asked: Vec<(&'static str, Spread)>,
    compared: Vec<(Resolution, Spread, Compared)>,
    late: Late,
}

/// What became of the hour that came late.
struct Late {
    rows: u64,
    record_s: f64,
    dirty: u64,
    repaired: u64,
    repair_s: f64,
    after: Compared,
}

/// Runs the command.
pub(crate) async fn run(
    global: &Global,
    args: &BenchAnalytics,
    ground: &Ground,
) -> Result<(), Failure> {
    let owner = ground.owner()?;
    let mut stage = PgSeriesStage::open(owner).await?;
    let from = Utc.with_ymd_and_hms(2026, 9, 1, 0, 0, 0).earliest();
    let from = from.ok_or_else(|| Failure::new(FAILED, "the month has no beginning"))?;
    let until = from + TimeDelta::hours(HOURS);
    let ids = stage.prepare(DATASET, (from, until), args.series).await?;
    let mut walks = Walks::new(&ids);
    let (rows, load_s) = loaded(ground, &mut stage, &mut walks, from).await?;
    let bytes = stage.settle_down().await?;
    let pool = &ground.parts.pools.worker;
    let writes = PgSeries::new(pool.clone());
    let made = roll(ground, &writes).await?;
    let reads = PgSeriesReads::new(ground.parts.pools.app.clone());
    let asked = ask(&reads, &ids, args.rounds, (from, until)).await?;
    let mut compared = Vec::new();
    for resolution in Resolution::MADE {
        ground.steps.begin("parity", resolution.as_str());
        compared.push(compare(&writes, resolution, (from, until)).await?);
    }
    let late = late(&writes, &walks, from).await?;
    ground.steps.finish();
    let figures = Figures {
        rows,
        load_s,
        bytes,
        made,
        asked,
        compared,
        late,
    };
    print(global, args, &figures);
    figures.verdict()
}

/// Loads the month but for an hour, a COPY a day.
async fn loaded(
    ground: &Ground,
    stage: &mut PgSeriesStage,
    walks: &mut Walks,
    from: Timestamp,
) -> Result<(u64, f64), Failure> {
    ground.steps.begin("hours", "rows");
    let (mut rows, began) = (0, Instant::now());
    for day in 0..HOURS / 24 {
        let hours = (24 * day..24 * (day + 1)).filter_map(|hour| {
            walks.step();
            if hour == LATE {
                walks.hold_back();
                return None;
            }
            Some(walks.lines(from + TimeDelta::hours(hour)))
        });
        rows += stage.load(hours).await?;
        let (done, all) = (usize::try_from(day + 1), usize::try_from(HOURS / 24));
        ground.steps.at(done.unwrap_or(0), all.unwrap_or(0));
    }
    Ok((rows, began.elapsed().as_secs_f64()))
}

/// Makes everything that has closed, and says how long each took.
async fn roll(ground: &Ground, writes: &PgSeries) -> Result<Vec<(Resolution, Spread)>, StoreError> {
    ground.steps.begin("roll-ups", "buckets");
    let mut took = Vec::new();
    loop {
        let began = Instant::now();
        let Some(rolled) = writes.roll_up(DATASET).await? else {
            break;
        };
        took.push((rolled.resolution, ms(began)));
    }
    let of = |wanted: Resolution| {
        let times = took.iter().filter(|(one, _)| *one == wanted);
        (wanted, Spread::of_ms(times.map(|(_, ms)| *ms)))
    };
    Ok(Resolution::MADE.map(of).to_vec())
}

/// Asks for series one after the other, far from each other.
async fn ask(
    reads: &PgSeriesReads,
    ids: &[SeriesId],
    rounds: u32,
    (from, until): (Timestamp, Timestamp),
) -> Result<Vec<(&'static str, Spread)>, StoreError> {
    let mut asked = Vec::new();
    for (what, resolution) in [
        ("720 hours of a series", Resolution::Hour),
        ("30 days of a series", Resolution::Day),
    ] {
        let mut times = Vec::new();
        for id in ids.iter().cycle().step_by(37).take(rounds as usize) {
            let began = Instant::now();
            reads.points(*id, resolution, from, until, 1_000).await?;
            times.push(ms(began));
        }
        asked.push((what, Spread::of_ms(times)));
    }
    let mut times = Vec::new();
    for round in 0..rounds {
        let hour = until - TimeDelta::hours(1 + i64::from(round) % (HOURS - 1));
        let began = Instant::now();
        reads.greatest(DATASET, hour, "protocol:", 200).await?;
        times.push(ms(began));
    }
    asked.push(("the 200 greatest of an hour", Spread::of_ms(times)));
    Ok(asked)
}

/// Compares every bucket that was made with its hours.
async fn compare(
    writes: &PgSeries,
    resolution: Resolution,
    (from, until): (Timestamp, Timestamp),
) -> Result<(Resolution, Spread, Compared), Failure> {
    let (mut times, mut sum) = (Vec::new(), Compared::default());
    let mut at = resolution.floor(from);
    while resolution.end(at) <= until {
        let began = Instant::now();
        let one = compared(writes, resolution, at).await?;
        times.push(ms(began));
        sum.equal += one.equal;
        sum.dirty += one.dirty;
        sum.different.extend(one.different);
        at = resolution.end(at);
    }
    Ok((resolution, Spread::of_ms(times), sum))
}

async fn compared(
    writes: &PgSeries,
    resolution: Resolution,
    at: Timestamp,
) -> Result<Compared, Failure> {
    let compared = parity::compare(writes, DATASET, resolution, at).await;
    compared.map_err(|error| Failure::new(FAILED, error.to_string()))
}

/// Records the hour that is missing, and repairs what it makes wrong.
async fn late(writes: &PgSeries, walks: &Walks, from: Timestamp) -> Result<Late, Failure> {
    let hour = from + TimeDelta::hours(LATE);
    let began = Instant::now();
    let recorded = writes
        .record(DATASET, hour, hour, &walks.measured())
        .await?;
    let record_s = began.elapsed().as_secs_f64();
    let day = compared(writes, Resolution::Day, Resolution::Day.floor(hour)).await?;
    let (began, mut repaired) = (Instant::now(), 0);
    loop {
        match writes.repair(DATASET).await? {
            0 => break,
            some => repaired += some,
        }
    }
    let repair_s = began.elapsed().as_secs_f64();
    let mut after = Compared::default();
    for resolution in Resolution::MADE {
        let one = compared(writes, resolution, resolution.floor(hour)).await?;
        after.equal += one.equal;
        after.dirty += one.dirty;
        after.different.extend(one.different);
    }
    Ok(Late {
        rows: recorded.late,
        record_s,
        dirty: day.dirty,
        repaired,
        repair_s,
        after,
    })
}

fn ms(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1_000.0
}

impl Figures {
    /// What must hold whatever it took.
    fn verdict(&self) -> Result<(), Failure> {
        let differences: usize = self
            .compared
            .iter()
            .map(|(_, _, it)| it.different.len())
            .sum();
        let left = self.late.after.different.len();
        let is_marked = self.late.dirty == self.late.rows && self.late.after.dirty == 0;
        if differences + left > 0 || !is_marked {
            let what = format!(
                "{differences} buckets were made wrong, and {left} are wrong after the repair"
            );
            return Err(Failure::new(FAILED, what));
        }
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate for a person")]
    fn rows_per_s(&self) -> f64 {
        self.rows as f64 / self.load_s
    }
}

fn print(global: &Global, args: &BenchAnalytics, figures: &Figures) {
    if global.json {
        print_json(figures);
        return;
    }
    anstream::println!(
        "{} hours of {} series loaded by COPY in {:.1} s: {:.0} rows/s, {} MB with indexes\n",
        figures.rows,
        args.series,
        figures.load_s,
        figures.rows_per_s(),
        figures.bytes / 1_000_000,
    );
    table(figures).print("Nothing was measured.");
    let late = &figures.late;
    anstream::println!(
        "\nAn hour that came late: {} rows in {:.2} s, {} days dirty; {} buckets made anew in \
         {:.2} s, then {} equal, {} different. Load averages at the end: {}",
        late.rows,
        late.record_s,
        late.dirty,
        late.repaired,
        late.repair_s,
        late.after.equal,
        late.after.different.len(),
        load()
    );
}

fn table(figures: &Figures) -> Table {
    let mut table = Table::new(&["WHAT", "TIMES ", "P50 MS ", "P99 MS ", "MAX MS ", ""]);
    let mut row = |what: String, took: &Spread, said: String| {
        table.row([
            what,
            took.count().to_string(),
            format!("{:.1}", took.p50()),
            format!("{:.1}", took.p99()),
            format!("{:.1}", took.max()),
            said,
        ]);
    };
    for (resolution, took) in &figures.made {
        let what = format!("a {resolution} made, all series");
        row(what, took, String::new());
    }
    for (what, took) in &figures.asked {
        row((*what).to_owned(), took, String::new());
    }
    for (resolution, took, compared) in &figures.compared {
        let (equal, different) = (compared.equal, compared.different.len());
        let said = format!("{equal} equal, {different} different");
        row(
            format!("a {resolution} compared with its hours"),
            took,
            said,
        );
    }
    table
}

fn print_json(figures: &Figures) {
    let made = figures.made.iter();
    let made =
        made.map(|(resolution, took)| json!({ "resolution": resolution, "took": took.json() }));
    let asked = figures.asked.iter();
    let asked = asked.map(|(what, took)| json!({ "what": what, "took": took.json() }));
    let compared = figures.compared.iter().map(|(resolution, took, it)| {
        json!({
            "resolution": resolution, "took": took.json(), "equal": it.equal,
            "different": it.different.len(),
        })
    });
    let late = &figures.late;
    anstream::println!(
        "{}",
        json!({
            "rows": figures.rows, "load_s": figures.load_s, "rows_per_s": figures.rows_per_s(),
            "bytes": figures.bytes,
            "made": made.collect::<Vec<_>>(),
            "asked": asked.collect::<Vec<_>>(),
            "compared": compared.collect::<Vec<_>>(),
            "late": {
                "rows": late.rows, "record_s": late.record_s, "dirty": late.dirty,
                "repaired": late.repaired, "repair_s": late.repair_s,
                "equal": late.after.equal, "different": late.after.different.len(),
            },
            "load": load(),
        })
    );
}
