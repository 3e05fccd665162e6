//! Whoever has no right sees nothing.

use packtrain_core::ports::KeyScope;
use packtrain_tests::Yard;
use serde_json::json;

use super::kinds::LEDGER;

#[tokio::test(flavor = "multi_thread")]
async fn another_tenants_files_and_reports_do_not_exist() {
    let yard = Yard::start().await;
    let ada = yard.client("ada", &[KeyScope::User]).await;
    let eve = yard.client("eve", &[KeyScope::User]).await;
    let report = ada.finished_report(LEDGER, 2024).await;
    let id = report["id"].as_str().unwrap();
    let file = ada.file("b.csv", LEDGER).await;
    for path in [
        format!("/v2/premium/files/{file}"),
        format!("/v2/premium/reports/{id}"),
        format!("/v2/premium/reports/{id}/events"),
        format!("/v2/premium/reports/{id}/artifacts/tax-2024-us.pdf"),
    ] {
        assert_eq!(ada.get(&path).await.status, 200, "{path}");
        eve.get(&path).await.expect(404);
    }
    for list in ["files", "reports", "comparisons"] {
        let path = format!("/v2/premium/{list}");
        let page = eve.get(&path).await.expect(200).json();
        assert_eq!(page["items"], json!([]), "{path}");
    }
    let page = ada.get("/v2/premium/reports").await.expect(200).json();
    let of = |key: &str| page["items"][0][key].clone();
    assert_eq!(of("id"), report["id"]);
    assert_eq!(
        (of("state"), of("country")),
        (json!("succeeded"), json!("us"))
    );
    assert_eq!(of("years"), json!([2024]));
    let page = ada.get("/v2/premium/files").await.expect(200).json();
    assert_eq!(page["items"][0]["id"], json!(file));
    assert_eq!(page["items"].as_array().map(Vec::len), Some(2));
    let body = json!({ "country": "us", "files": [file] });
    eve.report("k", &body).await.expect(422);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_a_key_or_with_a_wrong_one_is_refused_alike() {
    let yard = Yard::without_workers().await;
    let stranger = yard.stranger();
    let path = "/v2/premium/files/fil_00000000000070008000000000000001";
    for unknown in ["/v2/premium/nothing", "/v2/premium/files/x/y"] {
        stranger.get(unknown).await.expect(401);
    }
    stranger
        .send("DELETE", "/v2/premium/reports", &[], "")
        .await
        .expect(401);
    let none = stranger.get(path).await.expect(401);
    assert!(none.header("www-authenticate").starts_with("Bearer"));
    let wrong = format!("Bearer pt_{}_{}", "0".repeat(32), "0".repeat(64));
    stranger
        .send("GET", path, &[("authorization", &wrong)], "")
        .await
        .expect(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_users_key_does_not_open_the_operators_door_nor_the_other_way_round() {
    let yard = Yard::without_workers().await;
    let user = yard.client("ada", &[KeyScope::User]).await;
    user.get("/v2/admin/jobs").await.expect(403);
    let operator = yard.client("ops", &[KeyScope::Operator]).await;
    operator.get("/v2/admin/jobs").await.expect(200);
    operator
        .get("/v2/premium/reports/rep_00000000000070008000000000000001")
        .await
        .expect(403);
}
