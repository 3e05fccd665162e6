//! What is usual, and what is not.

use packtrain_core::ports::Unusual;
use packtrain_core::series::Dataset;

use super::anomaly;
use super::ingest::metric;

fn score(values: &[f64]) -> Option<Unusual> {
    anomaly::score(7, values)
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
fn protocols_are_metrics_and_chains_are_none() {
    let tvl = |key: &str| metric(Dataset::Tvl, key);
    assert_eq!(tvl("protocol:aave-v3").as_deref(), Some("tvl:aave-v3"));
    assert_eq!(tvl("chain:Ethereum"), None);
}
