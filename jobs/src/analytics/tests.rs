//! What is usual, and what is not.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::TimeDelta;
use packtrain_core::ports::{
    Held, Holding, Measured, Measurement, Measures, MovedBy, SourceError, Unusual,
};
use packtrain_core::series::Dataset;
use packtrain_core::time::Timestamp;

use super::anomaly;
use super::ingest::{self, POOL_USD_MIN, metric};
use super::why::{look_into, why};
use crate::world::World;

/// The score of figures of which each is an hour after the one before.
fn score(values: &[f64]) -> Option<Unusual> {
    anomaly::score(7, &hours(values))
}

fn hours(values: &[f64]) -> Vec<(Timestamp, f64)> {
    let times = (0..).map(|hour| Timestamp::UNIX_EPOCH + TimeDelta::hours(hour));
    times.zip(values.iter().copied()).collect()
}

/// Figures that begin at a hundred and move by these logarithms.
fn figures(moves: &[f64]) -> Vec<f64> {
    let mut all = vec![100.0];
    let mut sum = 0.0;
    for one in moves {
        sum += one;
        all.push(100.0 * f64::exp(sum));
    }
    all
}

/// Moves of a hundredth down, none and up, eight times, and then this one.
fn then(last: f64) -> Vec<f64> {
    let mut moves: Vec<f64> = [-0.01, 0.0, 0.01].repeat(8);
    moves.push(last);
    figures(&moves)
}

#[test]
fn a_score_is_the_distance_from_the_median_in_medians_of_the_distances() {
    // Their median is none, and that of their distances from it a hundredth.
    let fell = score(&then(-0.1)).unwrap();
    assert!((fell.z + 0.6745 * 10.0).abs() < 1e-6, "{fell:?}");
    assert!((fell.change_percent + 9.516_258).abs() < 1e-4, "{fell:?}");
    assert_eq!((fell.series, fell.support), (7, 24));
    assert!(score(&then(0.01)).unwrap().z < 1.0);
}

#[test]
fn outliers_of_the_past_do_not_hide_those_of_today() {
    let mut moves: Vec<f64> = [-0.01, 0.0, 0.01].repeat(8);
    for place in [3, 9, 15] {
        moves[place] = 2.0;
    }
    moves.push(-0.5);
    assert!(score(&figures(&moves)).unwrap().z < -20.0);
}

#[test]
fn a_move_that_nobody_would_see_is_not_told_however_evenly_a_figure_moved_before() {
    // Interest of some five percent a year, by the hour, and then of twice as much.
    let mut moves: Vec<f64> = [5.0e-6, 5.1e-6, 5.2e-6].repeat(8);
    let after = |last: f64| score(&figures(&[&moves[..], &[last]].concat())).unwrap();
    let more = after(10.0e-6);
    assert!(more.z > 30.0, "{more:?}");
    assert!(!anomaly::is_told(&more));
    assert!(anomaly::is_told(&after(-0.006)));
    moves = [-0.01, 0.0, 0.01].repeat(8);
    let after = |last: f64| score(&figures(&[&moves[..], &[last]].concat())).unwrap();
    assert!(!anomaly::is_told(&after(-0.05)), "it is usual");
    assert!(anomaly::is_told(&after(-0.1)));
}

#[test]
fn what_moved_over_hours_that_are_missing_is_no_move_of_an_hour() {
    let mut all = hours(&then(-0.1));
    let far = all.len() - 1;
    assert!(anomaly::score(7, &all).is_some());
    all[far].0 += TimeDelta::hours(1);
    assert_eq!(anomaly::score(7, &all), None, "the last");
    all[far].0 -= TimeDelta::hours(1);
    // Nor is it among those that are usual.
    for hour in &mut all[..9] {
        hour.0 -= TimeDelta::hours(5);
    }
    assert_eq!(anomaly::score(7, &all), None, "one is too few");
    let mut all = hours(&figures(
        &[[-0.01, 0.0, 0.01].repeat(9), vec![-0.1]].concat(),
    ));
    for hour in &mut all[..9] {
        hour.0 -= TimeDelta::hours(5);
    }
    assert_eq!(anomaly::score(7, &all).unwrap().support, 26);
}

#[test]
fn too_few_moves_or_figures_that_stand_still_say_nothing_of_what_is_usual() {
    let few: Vec<f64> = [-0.01, 0.0, 0.01].repeat(7);
    assert_eq!(score(&figures(&few)), None);
    assert_eq!(score(&[5.0; 60]), None);
    assert_eq!(score(&[]), None);
    assert_eq!(score(&[1.0]), None);
    let mut gone = then(0.0);
    gone.push(0.0);
    assert_eq!(
        score(&gone),
        None,
        "from something to nothing is no logarithm"
    );
}

#[test]
fn protocols_pegs_and_yields_are_metrics_and_the_rest_is_none() {
    for (dataset, key, wanted) in [
        (Dataset::Tvl, "protocol:aave-v3", Some("tvl:aave-v3")),
        (Dataset::Tvl, "chain:Ethereum", None),
        (Dataset::Stablecoins, "peg:usd-coin", Some("peg:usd-coin")),
        (Dataset::Stablecoins, "coin:usd-coin", None),
        (Dataset::Yields, "apy:0a5e", Some("apy:0a5e")),
        (Dataset::Yields, "tvl:0a5e", None),
        (Dataset::Fees, "protocol:aave-v3", None),
        (Dataset::Dexs, "protocol:aave-v3", None),
    ] {
        assert_eq!(metric(dataset, key).as_deref(), wanted, "{key}");
    }
}

#[test]
fn figures_of_small_pools_are_no_series_and_are_counted() {
    let figures = [
        ("apy:large", "1"),
        ("apy:small", "900"),
        ("apy:unsaid", "2"),
        ("tvl:large", POOL_USD_MIN),
        ("tvl:small", "999999.99"),
    ];
    let measured = figures.map(|(key, value)| Measured {
        key: key.to_owned(),
        name: key.to_owned(),
        value: value.parse().unwrap(),
    });
    let (kept, small) = ingest::kept(Dataset::Yields, measured.to_vec());
    let keys: Vec<&str> = kept.iter().map(|one| &*one.key).collect();
    assert_eq!((keys, small), (vec!["apy:large", "tvl:large"], 3));
    let (kept, small) = ingest::kept(Dataset::Tvl, measured.to_vec());
    assert_eq!((kept.len(), small), (5, 0));
}

/// What a protocol held of its ether, an hour apart.
fn held(hour: u32, amount: &str, usd: &str) -> Holding {
    let held = Held {
        amount: amount.parse().ok(),
        usd: usd.parse().ok(),
    };
    Holding {
        at: format!("2026-06-15T{hour:02}:00:00Z").parse().unwrap(),
        tokens: [("WETH".to_owned(), held)].into(),
    }
}

#[test]
fn why_a_series_moved_is_told_by_the_two_newest_times_with_parts_that_add_up() {
    let times = [held(0, "9", "9"), held(1, "4", "8"), held(2, "4", "2")];
    let told = why(&times, -75.0).unwrap();
    assert_eq!(told.by, MovedBy::Price);
    let parts = told.parts.unwrap();
    assert_eq!((parts.from, parts.to), (times[1].at, times[2].at));
    let parts = [parts.quantity_usd, parts.price_usd, parts.unexplained_usd];
    assert_eq!(parts.map(|part| part.to_string()), ["0", "-6", "0"]);
    assert_eq!(why(&times[..1], -75.0), None);
    assert_eq!(why(&times, f64::INFINITY), None);
}

/// A source that knows one protocol, and what it was asked.
#[derive(Default)]
struct Source {
    times: Vec<Holding>,
    asked: Mutex<Vec<String>>,
}

#[async_trait]
impl Measures for Source {
    async fn measure(&self, dataset: Dataset) -> Result<Measurement, SourceError> {
        Err(SourceError::NotConfigured(dataset))
    }

    async fn holdings(&self, protocol: &str) -> Result<Vec<Holding>, SourceError> {
        self.asked.lock().unwrap().push(protocol.to_owned());
        match protocol {
            "known" => Ok(self.times.clone()),
            "unknown" => Ok(Vec::new()),
            _ => Err(SourceError::Away {
                dataset: Dataset::Tvl,
                source: Box::new(std::io::Error::other("down")),
            }),
        }
    }
}

#[tokio::test]
async fn the_strongest_moves_of_protocols_are_looked_into_until_the_source_fails_too_often() {
    let source = Arc::new(Source {
        times: vec![held(1, "4", "8"), held(2, "2", "4")],
        asked: Mutex::default(),
    });
    let mut ctx = World::new().attempt(1);
    let world = Arc::get_mut(&mut ctx.world).expect("nobody else has it yet");
    world.measures = source.clone();
    let moved = |key: &str| {
        let unusual = Unusual {
            series: 1,
            z: -9.0,
            change_percent: -50.0,
            support: 30,
            why: None,
        };
        (key.to_owned(), unusual)
    };
    let keys = ["known", "unknown", "a", "b", "c", "d"].map(|slug| format!("protocol:{slug}"));
    let mut found: Vec<_> = keys.iter().map(|key| moved(key)).collect();
    found.insert(1, moved("chain:known"));
    look_into(&ctx, Dataset::Tvl, &mut found).await;
    let by: Vec<_> = found
        .iter()
        .map(|(_, one)| one.why.map(|why| why.by))
        .collect();
    let unknown = Some(MovedBy::Unknown);
    let mut wanted = vec![Some(MovedBy::Quantity), None];
    wanted.extend([unknown; 5]);
    assert_eq!(by, wanted);
    let asked = source.asked.lock().unwrap().clone();
    assert_eq!(
        asked,
        ["known", "unknown", "a", "b", "c"],
        "and no more after three"
    );
    let mut others = vec![moved("protocol:known")];
    look_into(&ctx, Dataset::Fees, &mut others).await;
    assert_eq!(others[0].1.why, None);
}
