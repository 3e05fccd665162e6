//! From blocks to quarters of an hour, and to those who ask for them.

use chrono::TimeDelta;
use packtrain_core::ports::{GasBucket, KeyScope};
use packtrain_core::time::{Timestamp, rfc3339};
use packtrain_jobs::gas::bucket::BUCKET;
use serde_json::{Value, json};

use super::scene::{GWEI, Made, Scene, one_each};

#[tokio::test]
async fn blocks_become_quarters_of_an_hour_that_late_blocks_and_reorganisations_mend() {
    let scene = Scene::new().await;
    let first = scene.quarter - BUCKET * 3;
    let made = |number: u64, branch: u8, parent: u8, minutes: i64, base_fee_wei: u64| Made {
        number,
        branch,
        parent,
        at: first + TimeDelta::minutes(minutes),
        base_fee_wei,
    };
    // Block 12 is missing yet; 15 is of the bucket that is not over.
    let one = [
        made(10, 1, 1, 0, 10),
        made(11, 1, 1, 14, 20),
        made(13, 1, 1, 20, 30),
        made(14, 1, 1, 35, 40),
        made(15, 1, 1, 45, 50),
    ];
    scene.keep(&one).await;
    assert_eq!(scene.roll_up().await, 3);
    let fees = |buckets: &[GasBucket]| -> Vec<(u32, u64, u64, u64)> {
        let all = buckets.iter();
        all.map(|it| {
            let fees = it.base_fee_wei;
            (it.blocks, fees.min, fees.p50, fees.max)
        })
        .collect()
    };
    let wanted = [(2, 10, 15, 20), (1, 30, 30, 30), (1, 40, 40, 40)];
    let buckets = scene.buckets(first).await;
    assert_eq!(fees(&buckets), wanted);
    assert_eq!((buckets[0].at, buckets[0].tip_wei), (first, Some(3)));
    assert_eq!(scene.roll_up().await, 0, "a second one changes nothing");
    // The one that is late.
    scene
        .keep(&[made(12, 1, 1, 16, 70), made(16, 1, 1, 46, 50)])
        .await;
    assert_eq!(scene.roll_up().await, 1);
    let wanted = [(2, 10, 15, 20), (2, 30, 50, 70), (1, 40, 40, 40)];
    assert_eq!(fees(&scene.buckets(first).await), wanted);
    // Another branch from 12 on, one block of which comes in place of two.
    let other = [made(13, 2, 1, 25, 90), made(14, 2, 2, 47, 90)];
    scene.keep(&other).await;
    assert_eq!(scene.roll_up().await, 2);
    let wanted = [(2, 10, 15, 20), (2, 70, 80, 90)];
    assert_eq!(
        fees(&scene.buckets(first).await),
        wanted,
        "its last block is gone"
    );
    // And back.
    scene.keep(&[made(17, 1, 1, 48, 50)]).await;
    assert_eq!(scene.roll_up().await, 2);
    let wanted = [(2, 10, 15, 20), (2, 30, 50, 70), (1, 40, 40, 40)];
    assert_eq!(fees(&scene.buckets(first).await), wanted);
    let revisions = "select revision::text from gas_bucket order by at";
    let revisions = scene.yard.database.texts(revisions).await;
    assert_eq!(revisions, ["1", "4", "1"]);
    scene.yard.stop().await;
}

#[tokio::test]
async fn what_gas_cost_is_shown_by_hour_of_the_week_and_as_json_and_csv() {
    let scene = Scene::new().await;
    let unseen = scene.get("ethereum/heatmap").await.expect(404).json();
    assert_eq!(unseen["code"], "gas.unseen");
    let first = scene.quarter - BUCKET * 96;
    let made = one_each(first, 100, 97, |at| {
        GWEI + u64::try_from((at - first).num_minutes() / 15).unwrap()
    });
    scene.keep(&made).await;
    assert_eq!(scene.roll_up().await, 96);
    let map = scene
        .get("1/heatmap?tz=Asia/Kathmandu")
        .await
        .expect(200)
        .json();
    let cells = map["cells"].as_array().unwrap();
    assert_eq!((cells.len(), &map["tz"]), (168, &json!("Asia/Kathmandu")));
    let samples = |cell: &Value| cell["samples"].as_u64().unwrap();
    assert_eq!(cells.iter().map(samples).sum::<u64>(), 96);
    for cell in cells {
        assert_eq!(cell["p50_wei"].is_null(), samples(cell) == 0, "{cell}");
    }
    assert_eq!(map["from"], json!(rfc3339(first)));
    let is_later = |answer: &Value| {
        let time = |name: &str| answer[name].as_str().unwrap().parse::<Timestamp>().unwrap();
        time("next_update") > time("as_of")
    };
    assert!(is_later(&map));
    let utc = scene.get("1/heatmap").await.expect(200).json();
    assert_ne!(utc["cells"], map["cells"]);
    let two = rfc3339(first + BUCKET * 2);
    let path = format!("ethereum/history?from={}&to={two}", rfc3339(first));
    let shown = scene.get(&path).await.expect(200).json();
    assert!(is_later(&shown));
    assert_eq!(shown["buckets"].as_array().unwrap().len(), 2);
    assert_eq!(shown["buckets"][1]["p50_wei"], "1000000001");
    let client = scene.yard.client("bob", &[KeyScope::User]).await;
    let uri = format!("/v2/premium/gas/{path}");
    let csv = client
        .send("GET", &uri, &[("accept", "text/csv")], "")
        .await;
    let csv = csv.expect(200);
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(csv.header("as-of"), shown["as_of"].as_str().unwrap());
    assert!(!csv.header("next-update").is_empty());
    let at = rfc3339(first);
    let wanted = format!(
        "at,blocks,min_wei,p10_wei,p50_wei,p90_wei,max_wei,tip_wei\r\n\
         {at},1,1000000000,1000000000,1000000000,1000000000,1000000000,3\r\n"
    );
    assert!(csv.text().starts_with(&wanted), "{}", csv.text());
    for wrong in [
        "ethereum/heatmap?tz=Berlin",
        "ethereum/history?from=yesterday",
        "ethereum/history?from=2026-01-01T00:00:00Z&to=2026-02-02T00:00:00Z",
        "ethereum/history?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
    ] {
        let answer = scene.get(wrong).await.expect(400).json();
        assert_eq!(answer["code"], "query.malformed", "{wrong}");
    }
    for path in ["heatmap", "history", "forecast"] {
        let path = format!("/v2/premium/gas/ethereum/{path}");
        scene.yard.stranger().get(&path).await.expect(401);
    }
    scene.yard.stop().await;
}
