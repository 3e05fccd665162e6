//! How comparisons are asked for, followed and taken.

use packtrain_core::ids::ReportId;
use packtrain_core::job::{Lane, State};
use packtrain_core::ports::{ArtefactRecord, JobEvents, Objects, ReportRecord};
use packtrain_core::time::Clock;

use super::*;

const PATH: &str = "/v2/premium/comparisons";

impl Client {
    /// A comparison that was asked for, by its path and its job.
    async fn comparison(&self) -> (String, JobId) {
        let body = json!({"country": "us", "files": [self.file().await]});
        let answer = self.post(PATH, Some("k"), &body).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        assert_eq!(answer.header("location"), format!("{PATH}/{id}"));
        let job = id.replace("cmp_", "job_").parse().unwrap();
        (format!("{PATH}/{id}"), job)
    }

    /// The end of a comparison.
    async fn compared(&self, job: JobId) {
        let stored = self.world.put(self.tenant, "{}".into()).await.unwrap();
        let record = ReportRecord {
            id: ReportId::of_job(job),
            summary: json!({"years": {"2025": []}}),
            finished_at: fake::Noon.now(),
            artefacts: vec![ArtefactRecord {
                name: "comparison-2025-us.json".to_owned(),
                media_type: "application/json".to_owned(),
                stored,
            }],
        };
        let mut reports = self.world.reports.lock().unwrap();
        reports.insert((self.tenant, record.id), record);
        drop(reports);
        self.world.set_state(job, State::Succeeded);
    }
}

#[tokio::test]
async fn a_comparison_is_one_job_in_the_lane_of_the_cores_however_often_it_is_asked_for() {
    let client = Client::new();
    let file = client.file().await;
    let body = json!({"country": "us", "files": [file], "years": [2025]});
    let first = client.post(PATH, Some("k"), &body).await;
    assert_eq!(first.status, StatusCode::ACCEPTED);
    assert_eq!(first.header("retry-after"), "1");
    assert_eq!(first.json()["request"]["years"], json!([2025]));
    let again = client.post(PATH, Some("k"), &body).await;
    assert_eq!(again.json()["id"], first.json()["id"]);
    let other = json!({"country": "us", "files": [file]});
    let other = client.post(PATH, Some("k"), &other).await;
    assert_eq!(other.code(), "idempotency.key_reused");
    let bare = client.post(PATH, None, &body).await;
    assert_eq!(bare.code(), "idempotency.key_missing");
    let asked = client.world.asked.lock().unwrap();
    let compared: Vec<_> = asked
        .iter()
        .filter(|job| &*job.kind == "tax.compare")
        .collect();
    assert_eq!(compared.len(), 1);
    assert_eq!(compared[0].lane, Lane::Cpu);
    assert!(
        compared[0].ties.gate.is_some(),
        "one tenant leaves cores to others"
    );
}

#[tokio::test]
async fn a_comparison_that_is_wrong_is_told_where() {
    let client = Client::new();
    let file = client.file().await;
    let of = |files: Value| json!({"country": "us", "files": files});
    let absent = FileId::from_uuid(uuid::Uuid::from_u128(9));
    let mut by_method = of(json!([file]));
    by_method["method"] = json!("fifo");
    for (body, pointer, code) in [
        (of(json!([])), "/files", "file_count"),
        (of(json!([file, absent])), "/files/1", "file_missing"),
        (by_method, "/method", "unknown"),
    ] {
        let answer = client.post(PATH, Some("k"), &body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        let error = &answer.json()["errors"][0];
        assert_eq!(
            (&error["pointer"], &error["code"]),
            (&json!(pointer), &json!(code)),
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_comparison_is_followed_to_its_end_and_its_file_is_taken() {
    let client = Client::new();
    let (path, job) = client.comparison().await;
    let stage = json!({"name": "compute", "state": "running"});
    let events = &client.world;
    events
        .append(client.tenant, job, "stage", &stage)
        .await
        .unwrap();
    client.world.set_state(job, State::Running);
    assert_eq!(client.get(&path).await.json()["stages"], json!([stage]));
    client.compared(job).await;
    let shown = client.get(&path).await.json();
    assert_eq!(shown["state"], "succeeded");
    assert_eq!(shown["summary"]["years"], json!({"2025": []}));
    let artifact = &shown["artifacts"][0];
    let answer = client.get(artifact["href"].as_str().unwrap()).await;
    assert_eq!(answer.body, b"{}");
    assert_eq!(answer.header("content-type"), "application/json");
    let told = client.get(shown["links"]["events"].as_str().unwrap()).await;
    assert!(
        told.text().contains("comparison-2025-us.json"),
        "{}",
        told.text()
    );
}

#[tokio::test]
async fn a_comparison_is_no_report_and_no_one_elses() {
    let client = Client::new();
    let (path, job) = client.comparison().await;
    client.compared(job).await;
    let as_report = path.replace("comparisons/cmp_", "reports/rep_");
    assert_eq!(client.get(&as_report).await.code(), "not_found");
    let (report, _) = client.finished().await;
    let as_comparison = report.replace("reports/rep_", "comparisons/cmp_");
    assert_eq!(client.get(&as_comparison).await.code(), "not_found");
    let events = client.get(&format!("{as_comparison}/events")).await;
    assert_eq!(events.code(), "not_found");
    let other = Client::of(&client.world, 2, KeyScope::User);
    for path in [
        path.clone(),
        format!("{path}/events"),
        format!("{path}/artifacts/comparison-2025-us.json"),
    ] {
        assert_eq!(other.get(&path).await.code(), "not_found", "{path}");
    }
}
