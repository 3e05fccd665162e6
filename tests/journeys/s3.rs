//! Files and reports in a bucket.

use std::sync::Arc;
use std::time::Duration;

use packtrain_core::ids::{ClockIds, IdSource};
use packtrain_core::ports::{KeyScope, Objects};
use packtrain_core::secret::Secret;
use packtrain_core::time::SystemClock;
use packtrain_jobs::catalogue::KINDS;
use packtrain_objects::{FolderObjects, S3Access, S3Objects, S3Patience, S3Settings};
use packtrain_tests::{Program, Yard, plain_http};
use serde_json::json;

use super::kinds::LEDGER;

/// The product on a new bucket of moto, and the bucket's address.
async fn yard(test: &str) -> Option<(Yard, String)> {
    let url = Program::Moto.find(test)?;
    let folder = tempfile::tempdir().unwrap();
    let ids: &dyn IdSource = &ClockIds::new(SystemClock);
    let bucket = format!("t{:016x}", ids.random());
    let objects = S3Objects::new(S3Settings {
        region: "eu-central-1".to_owned(),
        endpoint_url: Some(Secret::new(url.clone())),
        access: S3Access::Key {
            id: "test".to_owned(),
            secret: Secret::new("test".to_owned()),
        },
        bucket: bucket.clone(),
        prefix: String::new(),
        kms_key: String::new(),
        download: Duration::from_secs(300),
        upload: Duration::from_secs(900),
        path_style: true,
        patience: S3Patience::default(),
        spool: folder.path().join("spool"),
    });
    // Bare: moto reads no condition of a policy, and would refuse us as it does who has no TLS.
    let bucket = format!("{}/{bucket}", url.trim_end_matches('/'));
    let made = plain_http("PUT", &bucket, &[], "").await;
    assert_eq!(made.status(), 200, "{}", made.text());
    let yard = Yard::on(folder, "s3", Arc::new(objects)).await;
    yard.worker(KINDS).await;
    Some((yard, bucket))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_becomes_a_pdf_in_the_bucket_and_the_api_leads_to_it() {
    let test = "an_upload_becomes_a_pdf_in_the_bucket_and_the_api_leads_to_it";
    let Some((yard, bucket)) = yard(test).await else {
        return;
    };
    let client = yard.client("ada", &[KeyScope::User]).await;
    let report = client.finished_report(LEDGER, 2024).await;
    assert_eq!(report["state"], "succeeded");
    let pdf = report["artifacts"].as_array().unwrap();
    let pdf = pdf.iter().find(|made| made["name"] == "tax-2024-us.pdf");
    let pdf = pdf.expect("the report has a PDF");
    // The key's end says what is in it: nothing of this was told by the API.
    let list = plain_http("GET", &format!("{bucket}?list-type=2"), &[], "").await;
    let sha256 = pdf["sha256"].as_str().unwrap();
    assert!(
        list.text().contains(&format!("/{sha256}</Key>")),
        "{}",
        list.text()
    );
    let href = pdf["href"].as_str().unwrap();
    let answer = client.get(href).await.expect(303);
    assert!(answer.body.is_empty());
    let there = plain_http("GET", answer.header("location"), &[], "").await;
    assert!(there.body.starts_with(b"%PDF-"));
    assert_eq!(there.header("content-type"), "application/pdf");
    assert_eq!(
        there.header("content-disposition"),
        "attachment; filename=\"tax-2024-us.pdf\""
    );
    let here = client
        .get(&format!("{href}?redirect=false"))
        .await
        .expect(200);
    assert_eq!(here.body, there.body);
    assert!(
        !yard.folder().join("files").exists(),
        "nothing lies in the folder"
    );
    yard.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_its_client_puts_into_the_bucket_is_read_like_any_other() {
    let test = "a_file_that_its_client_puts_into_the_bucket_is_read_like_any_other";
    let Some((yard, _)) = yard(test).await else {
        return;
    };
    let client = yard.client("ada", &[KeyScope::User]).await;
    // The store that knows the hash of the ledger stands elsewhere.
    let folder = tempfile::tempdir().unwrap();
    let known = FolderObjects::open(folder.path()).unwrap();
    let tenant = packtrain_core::ids::TenantId::SYSTEM;
    let known = known.put(tenant, LEDGER.into()).await.unwrap();
    let body = json!({
        "sha256": known.sha256,
        "size_bytes": known.size_bytes,
        "about": { "name": "ledger.csv" },
    });
    let begun = client.post("/v2/premium/uploads", &[], &body).await;
    let begun = begun.expect(201).json();
    let complete = format!(
        "/v2/premium/uploads/{}/complete",
        begun["id"].as_str().unwrap()
    );
    let early = client.post(&complete, &[], &body).await.expect(409).json();
    assert_eq!(early["code"], "upload.missing");
    let headers: Vec<(&str, &str)> = begun["headers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|header| (&header["name"], &header["value"]))
        .map(|(name, value)| (name.as_str().unwrap(), value.as_str().unwrap()))
        .filter(|(name, _)| *name != "content-length")
        .collect();
    let names: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
    for name in ["if-none-match", "x-amz-checksum-sha256", "x-amz-tagging"] {
        assert!(names.contains(&name), "{names:?}");
    }
    let put = plain_http("PUT", begun["url"].as_str().unwrap(), &headers, LEDGER).await;
    assert_eq!(put.status(), 200, "{}", put.text());
    for _ in 0..2 {
        let done = client
            .post(&complete, &[("prefer", "wait=20")], &body)
            .await
            .expect(201)
            .json();
        assert_eq!(
            (&done["id"], &done["state"]),
            (&begun["id"], &json!("imported"))
        );
    }
    yard.stop().await;
}
