//! What is said of prices, and what it is worth.

use chrono::Timelike;
use packtrain_core::ports::{GasForecast, GasMedian, GasRecord, Judgeable};
use packtrain_core::time::Timestamp;
use proptest::prelude::*;

use super::super::bucket::BUCKET;
use super::super::judge::{COUNT_MIN, Verdict, score, verdict};
use super::super::predict::forecasts;

const GWEI: u64 = 1_000_000_000;
const DAY: i32 = 24 * 4;

/// So many buckets, whose prices a function of place and time tells.
fn prices(count: i32, price: impl Fn(i32, Timestamp) -> u64) -> Vec<GasMedian> {
    let first: Timestamp = "2026-06-15T00:00:00Z".parse().unwrap();
    let medians = (0..count).map(|place| {
        let at = first + BUCKET * place;
        let wei = price(place, at);
        GasMedian { at, wei }
    });
    medians.collect()
}

/// Numbers below a limit that look like chance and are the same every time.
fn noise(place: i32, below: u64) -> u64 {
    let mixed = u64::try_from(place)
        .unwrap()
        .wrapping_add(1)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed >> 33) % below
}

fn by_hour(at: Timestamp) -> u64 {
    GWEI * u64::from(1 + at.hour() % 12)
}

#[test]
fn a_price_that_never_moves_is_forecast_as_it_is_without_any_width() {
    let said = forecasts(&prices(14 * DAY, |_, _| 7 * GWEI));
    let hours: Vec<u8> = said.iter().map(|forecast| forecast.horizon_hours).collect();
    assert_eq!(hours, [1, 6, 24]);
    for forecast in said {
        let GasForecast {
            p10_wei,
            p50_wei,
            p90_wei,
            last_wei,
            ..
        } = forecast;
        assert_eq!([p10_wei, p50_wei, p90_wei, last_wei], [7 * GWEI; 4]);
        assert_eq!(forecast.week_ago_wei, Some(7 * GWEI));
    }
}

#[test]
fn a_price_that_follows_the_hour_is_forecast_by_the_usual_one_and_not_by_the_last() {
    let known = prices(21 * DAY, |_, at| by_hour(at));
    for forecast in forecasts(&known) {
        if forecast.horizon_hours != 24 {
            assert_eq!(forecast.last_percent, 0);
        }
        assert_eq!(forecast.p50_wei, by_hour(forecast.target_at));
        assert_eq!(forecast.target_at.minute(), 45);
    }
}

#[test]
fn a_price_that_goes_its_own_way_is_forecast_by_the_last_one() {
    // Up by a hundredth an hour, and never the same again.
    let known = prices(21 * DAY, |place, _| {
        GWEI + GWEI / 400 * u64::try_from(place).unwrap()
    });
    let said = forecasts(&known);
    assert_eq!(said[0].last_percent, 100);
    let next = GWEI + GWEI / 400 * u64::try_from(21 * DAY + 3).unwrap();
    // The errors of the past say that it rises.
    let off = said[0].p50_wei.abs_diff(next);
    assert!(off < next / 1_000, "{} and not {next}", said[0].p50_wei);
}

#[test]
fn with_too_little_of_the_past_nothing_is_said() {
    let count = |buckets: i32| forecasts(&prices(buckets, |_, _| GWEI)).len();
    assert_eq!(count(0), 0);
    // A horizon of an hour needs 96 pairs of buckets that lie four apart.
    assert_eq!(count(98), 0);
    assert_eq!(count(99), 1);
    assert_eq!(count(3 * DAY), 3);
    // Twice as much with a hole in every second place.
    let holes: Vec<GasMedian> = prices(99, |_, _| GWEI).into_iter().step_by(2).collect();
    assert_eq!(forecasts(&holes).len(), 0);
}

#[test]
fn of_prices_that_go_on_as_before_about_eighty_in_a_hundred_lie_within_the_interval() {
    let all = prices(35 * DAY, |place, at| by_hour(at) + noise(place, GWEI));
    let (mut within, mut count) = (0, 0);
    for known in (28 * DAY..34 * DAY).step_by(7) {
        let known = usize::try_from(known).unwrap();
        for said in forecasts(&all[..known]) {
            let actual = all
                .iter()
                .find(|median| median.at == said.target_at)
                .unwrap()
                .wei;
            within += i32::from((said.p10_wei..=said.p90_wei).contains(&actual));
            count += 1;
        }
    }
    let percent = within * 100 / count;
    assert!((72..=88).contains(&percent), "{percent} % of {count}");
}

#[test]
fn a_score_tells_errors_in_parts_of_what_the_price_became() {
    let at: Timestamp = "2026-06-15T00:00:00Z".parse().unwrap();
    let forecast = GasForecast {
        origin: at,
        horizon_hours: 1,
        target_at: at + BUCKET * 4,
        last_wei: 500,
        week_ago_wei: Some(2_000),
        p10_wei: 800,
        p50_wei: 1_100,
        p90_wei: 1_300,
        naive_p10_wei: 400,
        naive_p90_wei: 700,
        last_percent: 60,
        samples: 100,
    };
    let judged = score(&Judgeable {
        forecast,
        actual_wei: 1_000,
    });
    assert_eq!(judged.error_ppm, 100_000);
    assert_eq!(judged.naive_error_ppm, 500_000);
    assert_eq!(judged.week_ago_error_ppm, Some(1_000_000));
    // (0.1 * 200 + 0.5 * 100 + 0.1 * 300) / 3 of 1,000, in millionths.
    assert_eq!(judged.loss_ppm, 33_333);
    // (0.1 * 600 + 0.5 * 500 + 0.9 * 300) / 3.
    assert_eq!(judged.naive_loss_ppm, 193_333);
    assert!(judged.is_covered && !judged.is_naive_covered);
    // (0.1 * 1 + 0.5 * 1 + 0.1 * 2) / 3 of 7: less than a wei, and more than nothing.
    let cheap = GasForecast {
        p10_wei: 6,
        p50_wei: 8,
        p90_wei: 9,
        ..forecast
    };
    let judged = score(&Judgeable {
        forecast: cheap,
        actual_wei: 7,
    });
    assert_eq!(judged.loss_ppm, 38_095);
    for (actual_wei, is_covered) in [(799, false), (800, true), (1_300, true), (1_301, false)] {
        let judged = score(&Judgeable {
            forecast,
            actual_wei,
        });
        assert_eq!(judged.is_covered, is_covered, "{actual_wei}");
    }
}

#[test]
fn a_forecast_is_better_when_it_beats_each_naive_one_in_each_way_and_enough_were_judged() {
    let better = GasRecord {
        horizon_hours: 1,
        count: COUNT_MIN,
        error_ppm: 10,
        naive_error_ppm: 11,
        week_ago_count: 0,
        beside_week_ago_error_ppm: None,
        week_ago_error_ppm: None,
        loss_ppm: 3,
        naive_loss_ppm: 4,
        covered_ppm: 800_000,
        naive_covered_ppm: 800_000,
    };
    let with_week = GasRecord {
        week_ago_count: 9,
        beside_week_ago_error_ppm: Some(5),
        week_ago_error_ppm: Some(6),
        ..better
    };
    assert_eq!(verdict(&better), Verdict::Better);
    assert_eq!(verdict(&with_week), Verdict::Better);
    let few = GasRecord {
        count: COUNT_MIN - 1,
        ..better
    };
    assert_eq!(verdict(&few), Verdict::Unknown);
    for worse in [
        GasRecord {
            error_ppm: 11,
            ..better
        },
        GasRecord {
            loss_ppm: 4,
            ..better
        },
        GasRecord {
            week_ago_error_ppm: Some(5),
            ..with_week
        },
    ] {
        assert_eq!(verdict(&worse), Verdict::NotBetter, "{worse:?}");
    }
}

proptest! {
    #[test]
    fn the_middle_lies_within_the_interval_whatever_the_prices(
        all in prop::collection::vec(1_u64..1_000 * GWEI, 0..400),
    ) {
        let count = i32::try_from(all.len()).unwrap();
        for said in forecasts(&prices(count, |place, _| all[usize::try_from(place).unwrap()])) {
            prop_assert!(said.p10_wei <= said.p50_wei && said.p50_wei <= said.p90_wei);
            prop_assert!(said.naive_p10_wei <= said.naive_p90_wei);
        }
    }

    #[test]
    fn no_other_value_loses_less_than_the_percentile_itself(
        mut actual in prop::collection::vec(1_u64..100_000, 1..60),
        other in 1_u64..100_000,
    ) {
        use super::super::judge::pinball;
        use super::super::quantile::rank;
        actual.sort_unstable();
        for percent in [10, 50, 90] {
            let loss = |said: u64| -> u128 {
                actual.iter().map(|price| pinball(said, percent, *price)).sum()
            };
            prop_assert!(loss(*rank(&actual, percent).unwrap()) <= loss(other));
        }
    }
}
