//! Files that go to the store past the API.

use packtrain_core::limits::{FILE_BYTES_MAX, PROMISED_BYTES_MAX};
use packtrain_core::ports::Objects;
use sha2::{Digest, Sha256};

use super::*;

const PATH: &str = "/v2/premium/uploads";
const BYTES: &str = "a,b\n1,2\n";

fn wanted(bytes: &str) -> Value {
    json!({
        "sha256": hex::encode(Sha256::digest(bytes)),
        "size_bytes": bytes.len(),
        "about": { "name": "a.csv", "wallet": "main" },
    })
}

fn with_links() -> Client {
    let client = Client::new();
    client.world.links.store(true, Ordering::SeqCst);
    client
}

#[tokio::test]
async fn a_file_that_was_sent_to_the_store_becomes_one_file_however_often_that_is_said() {
    let client = with_links();
    let begun = client.post(PATH, None, &wanted(BYTES)).await;
    assert_eq!(begun.status, StatusCode::CREATED, "{}", begun.text());
    assert_eq!(begun.header("cache-control"), "no-store");
    let begun = begun.json();
    assert_eq!(begun["method"], "PUT");
    assert_eq!(begun["headers"], json!([{"name": "x-size", "value": "8"}]));
    assert_eq!(begun["expires_at"], "2026-06-15T12:15:00Z");
    let complete = format!("{PATH}/{}/complete", begun["id"].as_str().unwrap());
    let early = client.post(&complete, None, &wanted(BYTES)).await;
    assert_eq!(
        (early.status.as_u16(), early.code().as_str()),
        (409, "upload.missing")
    );
    assert!(client.world.asked.lock().unwrap().is_empty());
    client.world.put(client.tenant, BYTES.into()).await.unwrap();
    for _ in 0..2 {
        let done = client.post(&complete, None, &wanted(BYTES)).await;
        assert_eq!(done.status, StatusCode::CREATED, "{}", done.text());
        let file = done.json();
        assert_eq!(
            (&file["id"], &file["name"]),
            (&begun["id"], &json!("a.csv"))
        );
        assert_eq!(
            (&file["size_bytes"], &file["wallet"]),
            (&json!(8), &json!("main"))
        );
    }
    assert_eq!(client.world.asked.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn an_upload_is_completed_by_the_request_and_the_tenant_that_began_it() {
    let client = with_links();
    let begun = client.post(PATH, None, &wanted(BYTES)).await.json();
    let complete = format!("{PATH}/{}/complete", begun["id"].as_str().unwrap());
    let mut other_words = wanted(BYTES);
    other_words["about"]["wallet"] = "other".into();
    for other in [wanted("a,b\n1,3\n"), other_words] {
        let refused = client.post(&complete, None, &other).await;
        assert_eq!(refused.code(), "validation");
        assert_eq!(refused.json()["errors"][0]["code"], "upload_differs");
    }
    let stranger = Client::of(&client.world, 2, KeyScope::User);
    let refused = stranger.post(&complete, None, &wanted(BYTES)).await;
    assert_eq!(refused.json()["errors"][0]["code"], "upload_differs");
}

#[tokio::test]
async fn a_promise_that_cannot_be_kept_is_refused_at_once() {
    let client = with_links();
    for (field, value) in [
        ("sha256", json!("AB".repeat(32))),
        ("sha256", json!("ab")),
        ("sha256", json!("../..")),
        ("size_bytes", json!(0)),
        ("size_bytes", json!(67_108_865)),
    ] {
        let mut body = wanted(BYTES);
        body[field] = value;
        let refused = client.post(PATH, None, &body).await;
        assert_eq!(refused.code(), "validation");
        assert_eq!(refused.json()["errors"][0]["pointer"], format!("/{field}"));
    }
}

#[tokio::test]
async fn a_tenant_that_promised_too_much_may_promise_again_once_it_completed_some() {
    let client = with_links();
    let mut large = wanted(BYTES);
    large["size_bytes"] = FILE_BYTES_MAX.into();
    for count in 0..PROMISED_BYTES_MAX / FILE_BYTES_MAX - 1 {
        large["about"]["name"] = format!("{count}.csv").into();
        let begun = client.post(PATH, None, &large).await;
        assert_eq!(begun.status, StatusCode::CREATED, "{}", begun.text());
    }
    // The same promise twice is one.
    client.post(PATH, None, &large).await;
    let small = client.post(PATH, None, &wanted(BYTES)).await.json();
    large["about"]["name"] = "one more.csv".into();
    let refused = client.post(PATH, None, &large).await;
    assert_eq!(
        (refused.status.as_u16(), refused.code().as_str()),
        (409, "upload.too_many_open")
    );
    let said = refused.text();
    assert!(said.contains("POST /v2/premium/files"), "{said}");
    let other = Client::of(&client.world, 2, KeyScope::User);
    let theirs = other.post(PATH, None, &large).await;
    assert_eq!(theirs.status, StatusCode::CREATED, "a tenant of its own");
    let complete = format!("{PATH}/{}/complete", small["id"].as_str().unwrap());
    client.world.put(client.tenant, BYTES.into()).await.unwrap();
    let before = client.world.promises.lock().unwrap().len();
    client.post(&complete, None, &wanted(BYTES)).await;
    assert_eq!(client.world.promises.lock().unwrap().len(), before - 1);
}

#[tokio::test]
async fn a_store_without_a_door_of_its_own_sends_clients_to_the_api() {
    let client = Client::new();
    let refused = client.post(PATH, None, &wanted(BYTES)).await;
    assert_eq!(
        (refused.status.as_u16(), refused.code().as_str()),
        (501, "upload.not_direct")
    );
    assert!(refused.text().contains("POST /v2/premium/files"));
}
