//! The same request twice makes one report.

use packtrain_core::ports::KeyScope;
use packtrain_tests::Yard;
use serde_json::json;

use super::kinds::LEDGER;

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_gives_the_same_report_and_another_body_a_conflict() {
    let yard = Yard::start().await;
    let client = yard.client("ada", &[KeyScope::User]).await;
    let file = client.file("a.csv", LEDGER).await;
    let body = json!({ "country": "us", "years": [2024], "files": [file] });
    let first = client.report("k", &body).await.expect(200).json();
    let again = client.report("k", &body).await.expect(200).json();
    assert_eq!(first["id"], again["id"]);
    let other = json!({ "country": "us", "years": [2025], "files": [file] });
    client.report("k", &other).await.expect(422);
    let reports = "select count(*) from job where kind = 'tax.report'";
    assert_eq!(yard.database.number(reports).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_without_a_key_is_refused() {
    let yard = Yard::without_workers().await;
    let client = yard.client("ada", &[KeyScope::User]).await;
    let body = json!({ "country": "us", "files": [yard.database.ids().file()] });
    client
        .post("/v2/premium/reports", &[], &body)
        .await
        .expect(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_equal_requests_at_once_make_one_report() {
    let yard = Yard::start().await;
    let client = yard.client("ada", &[KeyScope::User]).await;
    let file = client.file("a.csv", LEDGER).await;
    let body = json!({ "country": "us", "years": [2024], "files": [file] });
    let asking = (0..10).map(|_| async {
        client.report("k", &body).await.expect(200).json()["id"]
            .as_str()
            .unwrap()
            .to_owned()
    });
    let mut ids = futures::future::join_all(asking).await;
    ids.dedup();
    assert_eq!(ids.len(), 1);
    let reports = "select count(*) from job where kind = 'tax.report'";
    assert_eq!(yard.database.number(reports).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_bodies_under_one_key_at_once_one_is_taken_and_one_refused() {
    let yard = Yard::start().await;
    let client = yard.client("ada", &[KeyScope::User]).await;
    let file = client.file("a.csv", LEDGER).await;
    let bodies =
        [2024, 2025].map(|year| json!({ "country": "us", "years": [year], "files": [file] }));
    let (a, b) = tokio::join!(
        client.report("k", &bodies[0]),
        client.report("k", &bodies[1])
    );
    let mut statuses = [a.status.as_u16(), b.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 422]);
}
