//! From where quantities are counted on, and why series moved.

use std::slice::from_ref;

use packtrain_core::ports::{
    Anchor, MovedBy, MovedParts, SeriesReads, SeriesWrites, Unusual, WhyMoved,
};
use packtrain_tests::until;

use super::{Scene, TVL, figure, time};

fn anchor(protocol: &str, at: &str, value: &str) -> Anchor {
    Anchor {
        protocol: protocol.to_owned(),
        at: time(at),
        value: value.parse().unwrap(),
    }
}

#[tokio::test]
async fn an_anchor_moves_forward_alone_and_one_that_nobody_moves_goes_after_a_quarter_of_a_year() {
    let scene = Scene::new().await;
    scene.db.set_clock("2026-11-30T12:00:00Z").await;
    let (first, later) = ("2026-08-29T00:00:00Z", "2026-11-30T00:00:00Z");
    let known = async |protocol: &str| {
        let found = scene.writes.anchors(&[protocol.to_owned()]).await;
        found.unwrap().pop()
    };
    let old = [anchor("a", first, "1.5"), anchor("b", first, "2")];
    scene.writes.anchor(&old).await.unwrap();
    assert_eq!(known("a").await, Some(old[0].clone()));
    let moved = anchor("a", later, "1234567890.000000000000000001");
    scene.writes.anchor(from_ref(&moved)).await.unwrap();
    assert_eq!(known("a").await, Some(moved.clone()));
    assert_eq!(known("b").await, None, "nobody watches it");
    scene.writes.anchor(&old[..1]).await.unwrap();
    assert_eq!(known("a").await, Some(moved));
}

#[tokio::test]
async fn an_anchor_of_nothing_gives_way_to_one_of_the_same_day() {
    let scene = Scene::new().await;
    let day = "2026-11-30T00:00:00Z";
    let something = anchor("a", day, "7");
    for one in [anchor("a", day, "0"), something.clone()] {
        scene.writes.anchor(from_ref(&one)).await.unwrap();
    }
    let found = scene.writes.anchors(&["a".to_owned()]).await.unwrap();
    assert_eq!(found, [something]);
}

#[tokio::test]
async fn what_moved_in_a_dataset_is_read_without_what_moved_in_others() {
    let scene = Scene::new().await;
    let hour = "2026-11-30T11:00:00Z";
    scene.record(hour, &[figure("a", "1")]).await;
    let series = scene.reads.find(TVL, "a").await.unwrap().unwrap().id;
    let moved = Unusual {
        series,
        z: -7.0,
        change_percent: -30.0,
        support: 30,
        why: None,
    };
    scene.writes.note(time(hour), &[moved]).await.unwrap();
    let others = "with other as (
                      insert into series (dataset, key, name, unit)
                      values ('fees', 'b', 'B', 'USD')
                      returning id
                  )
                  insert into series_anomaly (at, series_id, z, change_percent, support, dataset)
                  select now_utc() + n * interval '1 hour', id, 9, 1, 30, ''
                    from other cross join generate_series(1, 20000) as n";
    scene.db.run(others).await;
    scene.db.run("analyze series_anomaly").await;
    let read = scene.reads.anomalies(TVL, None, 10).await.unwrap();
    assert_eq!(read.len(), 1);
    let mut counts = Vec::new();
    until("the database says what was read", async || {
        let sql = "select idx_tup_read::text from pg_stat_user_indexes
                    where indexrelname = 'series_anomaly_dataset' and idx_tup_read > 0";
        counts = scene.db.texts(sql).await;
        !counts.is_empty()
    })
    .await;
    assert_eq!(counts, ["1"]);
}

#[tokio::test]
async fn why_a_series_moved_is_kept_to_the_last_figure() {
    let scene = Scene::new().await;
    let hour = "2026-11-30T11:00:00Z";
    scene
        .record(hour, &["a", "b", "c"].map(|key| figure(key, "1")))
        .await;
    let parts = MovedParts {
        from: time("2026-11-30T00:00:00Z"),
        to: time(hour),
        quantity_usd: "0.000000000000000001".parse().unwrap(),
        price_usd: "-12345678901234567.5".parse().unwrap(),
        unexplained_usd: "0".parse().unwrap(),
    };
    let whys = [
        None,
        Some(WhyMoved {
            by: MovedBy::Unknown,
            parts: None,
        }),
        Some(WhyMoved {
            by: MovedBy::Price,
            parts: Some(parts),
        }),
    ];
    let mut moved = Vec::new();
    for (key, why) in ["a", "b", "c"].into_iter().zip(whys) {
        let series = scene.reads.find(TVL, key).await.unwrap().unwrap().id;
        moved.push(Unusual {
            series,
            z: -7.0,
            change_percent: -30.0,
            support: 30,
            why,
        });
    }
    assert_eq!(scene.writes.note(time(hour), &moved).await.unwrap(), 3);
    let mut read = scene.reads.anomalies(TVL, None, 10).await.unwrap();
    read.sort_by(|one, other| one.key.cmp(&other.key));
    let told: Vec<_> = read.iter().map(|one| one.moved).collect();
    assert_eq!(told, moved);
}
