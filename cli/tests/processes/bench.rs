//! `packtrain bench tax`: what needs no server.

use std::fs;

use serde_json::Value;

use crate::binary::{command, folder};

#[test]
fn the_tax_bench_measures_every_shape_and_leaves_nothing_behind() {
    let folder = folder(&[]);
    let words = [
        "bench", "tax", "--rows", "1000", "--rounds", "1", "--json", "--quiet",
    ];
    let done = command(folder.path(), &words)
        .env("TMPDIR", folder.path())
        .assert()
        .success();
    let measured: Value = serde_json::from_slice(&done.get_output().stdout).unwrap();
    let figures = measured["figures"].as_array().unwrap();
    let shapes: std::collections::BTreeSet<_> = figures
        .iter()
        .map(|figure| figure["shape"].as_str().unwrap())
        .collect();
    assert_eq!(
        shapes.into_iter().collect::<Vec<_>>(),
        ["mover", "one-asset", "staker", "trader"]
    );
    for figure in figures {
        assert!(figure["cpu_s"].as_f64().unwrap() > 0.0, "{figure}");
        assert!(
            figure["memory_peak_bytes"].as_u64().unwrap() > 0,
            "{figure}"
        );
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn the_tax_bench_writes_the_same_ledgers_for_others_each_time() {
    let written = || {
        let folder = folder(&[]);
        let words = ["bench", "tax", "--write", "ledgers", "--rows", "200"];
        command(folder.path(), &words).assert().success();
        let read =
            |name: &str| fs::read_to_string(folder.path().join("ledgers").join(name)).unwrap();
        (read("trader-200-us.csv"), read("trader-200-uk.csv"))
    };
    let (us, uk) = written();
    assert_eq!(us.lines().count(), 201);
    assert!(uk.contains(",GBP") && !uk.contains("USD"));
    assert_eq!((us, uk), written());
}
