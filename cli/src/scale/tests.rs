//! What holds for every replay, and what the examples lead to.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "random times are made, and a mean is compared within five in a hundred"
)]

use packtrain_core::money::{Currency, Money};

use super::Ms;
use super::arrivals::{Arrivals, Job, read};
use super::outcome::{Outcome, Price};
use super::policy::Policy;
use super::replay::{Fleet, replay};

const CRASH: &str = include_str!("../../../examples/arrivals/market-crash.csv");
const SEASON: &str = include_str!("../../../examples/arrivals/tax-season.csv");
const HALF_AN_HOUR: Ms = 1_800_000;

fn policy(target: Ms, min: u64, max: u64) -> Policy {
    Policy {
        target,
        busy_percent: 70,
        min,
        max,
        out_after: 3,
        in_after: 15,
        out_cooldown: 120_000,
        in_cooldown: 300_000,
    }
}

const fn fleet(slots: u64) -> Fleet {
    Fleet {
        slots,
        start: 60_000,
        period: 30_000,
    }
}

/// As many tasks as are said, all the time.
fn fixed(arrivals: &Arrivals, slots: u64, tasks: u64) -> Outcome {
    replay(arrivals, fleet(slots), policy(30_000, tasks, tasks))
}

/// The same numbers in every run: a linear congruence, by the constants of Knuth's MMIX.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// An exponential time with this mean.
    fn exponential(&mut self, mean: f64) -> f64 {
        let unit = (self.next() as f64 + 0.5) / f64::from(1_u32 << 31);
        -mean * unit.ln()
    }
}

fn of(jobs: Vec<Job>) -> Arrivals {
    let until = jobs.last().map_or(0, |job| job.at);
    Arrivals { jobs, until }
}

/// Quiet and busy stretches, short and long jobs.
fn some(random: &mut Random) -> Arrivals {
    let (mut at, mut jobs) = (0, Vec::new());
    for _ in 0..random.below(3_000) {
        let longest = if random.below(50) == 0 { 300_000 } else { 200 };
        at += random.below(longest);
        let service = random.below(4_000);
        jobs.push(Job { at, service });
    }
    of(jobs)
}

#[test]
fn every_job_that_arrives_is_served_once_and_the_same_replay_ends_the_same() {
    let mut random = Random(7);
    for _ in 0..40 {
        let arrivals = some(&mut random);
        let (slots, min) = (1 + random.below(4), random.below(3));
        let policy = policy(1_000 + random.below(60_000), min, 1 + min + random.below(9));
        let outcome = replay(&arrivals, fleet(slots), policy);
        let jobs = arrivals.jobs.len();
        assert_eq!((outcome.waits.len(), outcome.finished), (jobs, jobs as u64));
        for sample in &outcome.samples {
            assert!((policy.min..=policy.max).contains(&sample.desired));
            assert!(sample.serving <= policy.max);
        }
        // A slot is paid for whenever it works.
        let work: u128 = arrivals
            .jobs
            .iter()
            .map(|job| u128::from(job.service))
            .sum();
        assert!(outcome.task_ms * u128::from(slots) >= work);
        assert_eq!(outcome, replay(&arrivals, fleet(slots), policy));
    }
}

#[test]
fn without_load_there_is_the_minimum_and_it_is_paid_for_by_the_hour() {
    let day = read("time,count\n0,0\n43200,0\n", 25).unwrap();
    let outcome = replay(&day, fleet(32), policy(30_000, 2, 50));
    assert!(outcome.changes.is_empty());
    assert!(outcome.samples.iter().all(|sample| sample.serving == 2));
    let end = u128::from(outcome.took);
    assert_eq!((outcome.task_ms, outcome.took), (2 * end, 86_400_000));
    let usd = |text| Money::parse(text, Currency::USD).unwrap();
    let price = Price {
        milli_cores: 2_000,
        memory_mb: 4_096,
        core_hour: usd("0.03238"),
        gb_hour: usd("0.00356"),
    };
    // 48 task-hours of 2 x 0.03238 + 4 x 0.00356.
    assert_eq!(outcome.cost(price).unwrap(), usd("3.792"));
}

#[test]
fn the_longer_jobs_take_the_longer_they_wait() {
    let mut random = Random(11);
    for _ in 0..10 {
        let arrivals = some(&mut random);
        let mut before = (0, 0, 0);
        for factor in 1..6 {
            let jobs = arrivals.jobs.iter().map(|job| Job {
                service: job.service * factor,
                ..*job
            });
            let outcome = fixed(&of(jobs.collect()), 2, 2);
            let now = (outcome.wait(50), outcome.wait(99), outcome.wait(100));
            assert!(now.0 >= before.0 && now.1 >= before.1 && now.2 >= before.2);
            before = now;
        }
    }
}

#[test]
fn a_fleet_that_is_too_small_falls_behind_by_the_formula() {
    // A job every 100 ms for 4 slots that need 500 ms each: one job in five is one too many.
    let jobs = (0..1_000).map(|place| Job {
        at: place * 100,
        service: 500,
    });
    let outcome = fixed(&of(jobs.collect()), 2, 2);
    // The n-th group of four begins after n services, and its last came at 100 (4 n + 3).
    assert_eq!(outcome.wait(100), 249 * 500 - 249 * 400);
    let enough = (0..1_000).map(|place| Job {
        at: place * 125,
        service: 500,
    });
    assert_eq!(fixed(&of(enough.collect()), 2, 2).wait(100), 0);
}

/// Erlang's formula for the share of jobs that wait, of `c` servers under the load `a`.
fn erlang_c(c: u32, a: f64) -> f64 {
    let (mut term, mut sum) = (1.0, 0.0);
    for k in 0..c {
        sum += term;
        term *= a / f64::from(k + 1);
    }
    let last = term * f64::from(c) / (f64::from(c) - a);
    last / (sum + last)
}

#[test]
fn the_mean_wait_of_random_jobs_agrees_with_the_formula_of_erlang() {
    let mut random = Random(3);
    let (mut at, mut jobs) = (0.0, Vec::new());
    for _ in 0..400_000 {
        at += random.exponential(312.5);
        jobs.push(Job {
            at: at as Ms,
            service: random.exponential(1_000.0).round() as Ms,
        });
    }
    let (servers, load) = (4, 1_000.0 / 312.5);
    let outcome = fixed(&of(jobs), 2, 2);
    let mean = outcome.waits.iter().sum::<Ms>() as f64 / outcome.waits.len() as f64;
    let expected = erlang_c(servers, load) * 1_000.0 / (f64::from(servers) - load);
    assert!(
        (mean / expected - 1.0).abs() < 0.05,
        "{mean} and {expected}"
    );
}

#[test]
fn the_crash_brings_half_of_a_days_alerts_within_five_minutes() {
    let crash = read(CRASH, 25).unwrap();
    assert_eq!((crash.jobs.len(), crash.until), (375_000, 86_400_000));
    let burst = 52_200_000..52_500_000;
    let within = crash.jobs.iter().filter(|job| burst.contains(&job.at));
    assert_eq!(within.count(), 187_500);
}

#[test]
fn the_season_brings_three_fifths_of_a_months_reports_within_ten_days() {
    let season = read(SEASON, 20_000).unwrap();
    let day = 86_400_000;
    assert_eq!((season.jobs.len(), season.until), (200_000, 30 * day));
    let within = season
        .jobs
        .iter()
        .filter(|job| (5 * day..15 * day).contains(&job.at));
    assert_eq!(within.count(), 120_000);
}

#[test]
fn neither_the_crash_nor_the_season_makes_the_fleet_flap() {
    let crash = replay(&read(CRASH, 25).unwrap(), fleet(2), policy(30_000, 2, 50));
    assert!(crash.changes.iter().any(|change| change.is_up()));
    assert_eq!(crash.samples.last().map(|sample| sample.desired), Some(2));
    assert_eq!(crash.flaps(HALF_AN_HOUR), 0, "{:?}", crash.changes);
    let season = read(SEASON, 20_000).unwrap();
    let season = replay(&season, fleet(2), policy(300_000, 2, 50));
    assert!(season.changes.iter().any(|change| change.is_up()));
    assert_eq!(season.flaps(HALF_AN_HOUR), 0, "{:?}", season.changes);
}

#[test]
fn by_the_backlog_alone_a_steady_load_would_make_the_fleet_swing() {
    // 20 slots' worth of work, evenly, for six hours.
    let jobs = (0..216_000).map(|place| Job {
        at: place * 100,
        service: 2_000,
    });
    let load = of(jobs.collect());
    let both = replay(&load, fleet(4), policy(30_000, 2, 50));
    let alone = Policy {
        busy_percent: 1_000,
        ..policy(30_000, 2, 50)
    };
    let alone = replay(&load, fleet(4), alone);
    assert!(
        alone.changes.len() >= 3 * both.changes.len(),
        "{} {}",
        alone.changes.len(),
        both.changes.len()
    );
    assert!(alone.flaps(HALF_AN_HOUR) > 10, "{:?}", alone.changes);
    assert_eq!(both.flaps(HALF_AN_HOUR), 0);
    let late = both.changes.iter().filter(|change| change.at > 3_600_000);
    assert_eq!(
        late.count(),
        0,
        "settled within an hour: {:?}",
        both.changes
    );
}
