//! Which points windows count.

use super::*;

#[tokio::test]
async fn a_point_that_comes_late_moves_nothing_and_windows_of_later_points_count_it() {
    let mut bench = Bench::new();
    let mean = json!({ "when": {
        "metric": "tvl:a", "op": ">", "value": "20", "aggregate": "mean", "window_s": 60,
    }});
    bench.make(1, &above("0", &mean)).await;
    for (second, value) in [(0, 10), (50, 10), (100, 10)] {
        bench.observe("tvl:a", &[(at(second), value)]).await;
    }
    bench.observe("tvl:a", &[(at(90), 70)]).await;
    assert_eq!(bench.happened(), []);
    bench.observe("tvl:a", &[(at(110), 10)]).await;
    let told = [(1, "fired".to_owned()), (1, "told fired".to_owned())];
    assert_eq!(words(bench.happened()), told);
}

#[tokio::test]
async fn of_a_window_of_days_the_last_point_of_each_minute_counts() {
    let mut bench = Bench::new();
    let long = |window_s: u32| {
        json!({ "when": {
            "metric": "tvl:a", "op": ">", "value": "20", "aggregate": "mean", "window_s": window_s,
        }})
    };
    bench.make(1, &above("0", &long(259_200))).await;
    bench.make(2, &above("0", &long(172_800))).await;
    // A value each half minute for over three days: 40, and 10 at the end of each minute.
    let tick = JobId::from_uuid(Uuid::from_u128(9));
    let halves = (0..74 * 120).map(|half| {
        let value = if half % 2 == 0 { "40" } else { "10" };
        (at(half * 30), value.to_owned())
    });
    bench.with(|kept| kept.observe("tvl:a", tick, halves));
    // 25 is above 20, and 10 is not.
    bench.observe("tvl:a", &[(at(74 * 3_600 - 1), 10)]).await;
    let told = [(2, "fired".to_owned()), (2, "told fired".to_owned())];
    assert_eq!(words(bench.happened()), told);
    let known = |key: &str| bench.with(|kept| kept.metrics[key].value.clone());
    assert_eq!(known("tvl:a|mean:259200"), "10");
    assert!(known("tvl:a|mean:172800").starts_with("24.99"));
}
