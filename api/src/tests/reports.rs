//! How reports are asked for and shown.

use std::collections::HashSet;

use bytes::Bytes;
use packtrain_core::ids::ReportId;
use packtrain_core::job::State;
use packtrain_core::ports::{ArtefactRecord, JobEvents, Objects, ReportRecord};
use packtrain_core::time::Clock;
use packtrain_core::trace::{SpanId, TraceContext};

use super::*;

const PATH: &str = "/v2/premium/reports";

impl Client {
    /// A report that is finished, with one artefact.
    pub(super) async fn finished(&self) -> (String, JobId) {
        let (path, job) = self.report().await;
        let stored = self.world.put(self.tenant, "%PDF-".into()).await.unwrap();
        let report = ReportRecord {
            id: ReportId::of_job(job),
            summary: json!({"gain": "1.00"}),
            finished_at: fake::Noon.now(),
            artefacts: vec![ArtefactRecord {
                name: "tax-2025-us.pdf".to_owned(),
                media_type: "application/pdf".to_owned(),
                stored,
            }],
        };
        let mut reports = self.world.reports.lock().unwrap();
        reports.insert((self.tenant, report.id), report);
        drop(reports);
        self.world.set_state(job, State::Succeeded);
        (path, job)
    }

    /// Gives a finished report its figures, with one sale.
    async fn give_figures(&self, job: JobId) {
        let figures = "{\n  \"disposals\": [\n    {\"id\": \"s7\", \"lot\": \"b1\"}\n  ]\n}\n";
        let stored = self.world.put(self.tenant, figures.into()).await.unwrap();
        {
            let mut reports = self.world.reports.lock().unwrap();
            let report = reports
                .get_mut(&(self.tenant, ReportId::of_job(job)))
                .unwrap();
            report.artefacts.push(ArtefactRecord {
                name: "figures-2025-us.json".to_owned(),
                media_type: "application/json".to_owned(),
                stored,
            });
        }
        self.world.cached.lock().unwrap().clear();
    }
}

#[tokio::test]
async fn a_report_needs_a_key_against_repetition() {
    let client = Client::new();
    let answer = client.post(PATH, None, &json!({})).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.code(), "idempotency.key_missing");
}

#[tokio::test]
async fn the_same_key_and_body_are_one_report_and_another_body_is_refused() {
    let client = Client::new();
    let file = client.file().await;
    let first = client
        .post(PATH, Some("k"), &json!({"country": "us", "files": [file]}))
        .await;
    assert_eq!(first.status, StatusCode::ACCEPTED);
    assert_eq!(first.header("retry-after"), "1");
    // Another order and a default spelt out are the same request.
    let text = format!(
        r#"{{"files":["{file}"],"years":[],"country":"US","formats":["json","csv","pdf"]}}"#
    );
    let request = client
        .request(Method::POST, PATH)
        .header("idempotency-key", "\"k\"");
    let again = client
        .send(request.header(CONTENT_TYPE, "application/json"), text)
        .await;
    assert_eq!(again.json()["id"], first.json()["id"]);
    let other = json!({"country": "us", "files": [file], "years": [2025]});
    let other = client.post(PATH, Some("k"), &other).await;
    assert_eq!(
        (other.status, other.code().as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, "idempotency.key_reused")
    );
    // Other answers are another report.
    let answers = json!({"settle": [{"row": "a", "answer": "keep"}]});
    let answered = json!({"country": "us", "files": [file], "settlements": answers});
    let answered = client.post(PATH, Some("k"), &answered).await;
    assert_eq!(answered.code(), "idempotency.key_reused");
    assert_eq!(
        client.world.hints.lock().unwrap().len(),
        2,
        "one for the file, one for the report"
    );
}

#[tokio::test]
async fn a_body_that_is_wrong_is_told_where() {
    let client = Client::new();
    let file = client.file().await;
    let absent = FileId::from_uuid(uuid::Uuid::from_u128(9));
    let many: Vec<_> = (0..101)
        .map(|n| FileId::from_uuid(uuid::Uuid::from_u128(n)))
        .collect();
    let of = |files: Value| json!({"country": "us", "files": files});
    let (mut coloured, mut aged) = (of(json!([file])), of(json!([file])));
    coloured["color"] = json!(1);
    aged["years"] = json!(vec![2020; 51]);
    let (mut formless, mut printed) = (of(json!([file])), of(json!([file])));
    formless["formats"] = json!([]);
    printed["formats"] = json!(["pdf", "paper"]);
    let (mut unpriced, mut doubled) = (of(json!([file])), of(json!([file])));
    unpriced["prices"] = json!(absent);
    doubled["prices"] = json!(file);
    let (mut answered, mut allocated) = (of(json!([file])), of(json!([file])));
    let keep = json!({"row": "a", "answer": "keep", "price": "1"});
    answered["settlements"] = json!({ "settle": [keep] });
    // What a database would refuse.
    let (mut nul_answer, mut nul_rule, mut nul_line) =
        (answered.clone(), answered.clone(), of(json!([file])));
    nul_answer["settlements"] = json!({ "settle": [{"row": "a\0", "answer": "keep"}] });
    nul_rule["settlements"] = json!({ "rule": [{"note": "a\0", "is": "airdrop"}] });
    nul_line["allocation"] = json!([{"asset": "BTC", "lot": "a", "wallet": "\0", "quantity": "1"}]);
    allocated["allocation"] = json!([{"asset": "BTC"}]);
    for (body, pointer, code) in [
        (json!({"files": [file]}), "/country", "missing"),
        (json!({"country": "xx"}), "/country", "invalid"),
        (of(json!([file, 7])), "/files/1", "invalid"),
        (coloured, "/color", "unknown"),
        (aged, "/years", "year_count"),
        (formless, "/formats", "format_count"),
        (printed, "/formats/1", "invalid"),
        (unpriced, "/prices", "file_missing"),
        (answered, "/settlements/settle/0/price", "invalid"),
        (allocated, "/allocation/0/lot", "invalid"),
        (nul_answer, "/settlements/settle/0/row", "invalid"),
        (nul_rule, "/settlements/rule/0/note", "invalid"),
        (nul_line, "/allocation/0/wallet", "invalid"),
        (doubled, "/prices", "file_repeated"),
        (of(json!([])), "/files", "file_count"),
        (of(json!(many)), "/files", "file_count"),
        (of(json!([file, absent])), "/files/1", "file_missing"),
        (of(json!([file, file])), "/files/1", "file_repeated"),
    ] {
        let answer = client.post(PATH, Some("k"), &body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert_eq!(answer.code(), "validation");
        let error = &answer.json()["errors"][0];
        assert_eq!(
            (&error["pointer"], &error["code"]),
            (&json!(pointer), &json!(code)),
            "{body}"
        );
    }
    assert_eq!(client.world.keyed.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn the_callers_trace_goes_along_with_the_job() {
    let client = Client::new();
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let request = client.request(Method::POST, "/v2/premium/files");
    let request = request.header("traceparent", format!("00-{trace}-b7ad6b7169203331-01"));
    client.send(request, "a,b").await;
    let asked = client.world.asked.lock().unwrap();
    let told = asked[0].trace_parent.as_deref().unwrap();
    assert!(told.starts_with(&format!("00-{trace}-")), "{told}");
    assert!(
        !told.contains("b7ad6b7169203331"),
        "the span is that of the enqueueing"
    );
    let context = TraceContext::parse(told).unwrap();
    assert_eq!(context.span, SpanId::of_enqueue(asked[0].id));
}

#[tokio::test]
async fn an_answer_waits_only_when_it_is_preferred_and_comes_at_once_when_all_is_done() {
    let client = Client::new();
    let (_, job) = client.report().await;
    client.world.set_state(job, State::Dead);
    let file = client.world.files.lock().unwrap().keys().next().unwrap().1;
    let body = json!({"country": "us", "files": [file]});
    let request = client
        .request(Method::POST, PATH)
        .header("idempotency-key", "k");
    let request = request
        .header("prefer", "wait=20")
        .header(CONTENT_TYPE, "application/json");
    let answer = client.send(request, body.to_string()).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("preference-applied"), "wait=20");
    assert_eq!(answer.json()["state"], "dead");
    assert!(!answer.headers.contains_key("retry-after"));
}

#[tokio::test]
async fn a_report_is_shown_with_its_stages_and_only_when_it_changed() {
    let client = Client::new();
    let (path, job) = client.report().await;
    client.world.set_state(job, State::Running);
    let stage = json!({"name": "read", "state": "running"});
    client
        .world
        .append(client.tenant, job, "stage", &stage)
        .await
        .unwrap();
    let first = client.get(&path).await;
    assert_eq!(first.json()["stages"], json!([stage]));
    assert_eq!(first.json()["created_at"], "2026-06-15T12:00:00Z");
    let tag = first.header("etag").to_owned();
    let again = client
        .request(Method::GET, &path)
        .header(IF_NONE_MATCH, &tag);
    let again = client.send(again, Body::empty()).await;
    assert_eq!(
        (again.status, again.body.len()),
        (StatusCode::NOT_MODIFIED, 0)
    );
    client.world.set_state(job, State::Dead);
    let changed = client
        .request(Method::GET, &path)
        .header(IF_NONE_MATCH, &tag);
    let changed = client.send(changed, Body::empty()).await;
    assert_eq!(changed.json()["stages"][0]["state"], "stopped");
    assert_ne!(changed.header("etag"), tag);
}

#[tokio::test]
async fn a_finished_report_is_read_from_the_database_once_and_shown_as_before_to_its_owner_alone() {
    let client = Client::new();
    let (path, job) = client.finished().await;
    let stage = json!({"name": "read", "state": "running"});
    let written = client.world.append(client.tenant, job, "stage", &stage);
    written.await.unwrap();
    let first = client.get(&path).await;
    assert_eq!(first.json()["stages"][0]["state"], "done");
    let href = first.json()["artifacts"][0]["href"]
        .as_str()
        .unwrap()
        .to_owned();
    let rows = std::mem::take(&mut *client.world.reports.lock().unwrap());
    let events = std::mem::take(&mut *client.world.events.lock().unwrap());
    let again = client.get(&path).await;
    assert_eq!(
        (again.status, again.body),
        (StatusCode::OK, first.body.clone())
    );
    assert_eq!(client.get(&href).await.body, b"%PDF-");
    let stranger = Client::of(&client.world, 2, KeyScope::User);
    assert_eq!(stranger.get(&path).await.code(), "not_found");
    assert_eq!(stranger.get(&href).await.code(), "not_found");
    // A cache that was emptied, or holds garbage, costs the reading anew.
    *client.world.reports.lock().unwrap() = rows;
    *client.world.events.lock().unwrap() = events;
    for garbage in [None, Some(Bytes::from_static(b"{}"))] {
        {
            let mut cached = client.world.cached.lock().unwrap();
            assert_eq!(cached.len(), 1);
            match garbage {
                Some(garbage) => cached.values_mut().for_each(|one| *one = garbage.clone()),
                None => cached.clear(),
            }
        }
        assert_eq!(client.get(&path).await.body, first.body);
    }
}

#[tokio::test]
async fn a_report_that_is_not_finished_is_read_each_time() {
    let client = Client::new();
    let (path, job) = client.report().await;
    for state in [State::Queued, State::Running, State::Dead] {
        client.world.set_state(job, state);
        assert_eq!(client.get(&path).await.json()["state"], state.as_str());
    }
    assert!(client.world.cached.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_artefact_is_saved_under_its_name_and_tagged_by_its_hash() {
    let client = Client::new();
    let (path, _) = client.finished().await;
    let report = client.get(&path).await.json();
    assert_eq!(report["summary"]["gain"], "1.00");
    let artifact = &report["artifacts"][0];
    let answer = client.get(artifact["href"].as_str().unwrap()).await;
    assert_eq!(answer.body, b"%PDF-");
    assert_eq!(answer.header("content-type"), "application/pdf");
    assert_eq!(
        answer.header("content-disposition"),
        "attachment; filename=\"tax-2025-us.pdf\""
    );
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(
        answer.headers[ETAG],
        format!("\"{}\"", artifact["sha256"].as_str().unwrap())
    );
    let missing = client
        .get(&format!("{path}/artifacts/..%2F..%2Fsecret"))
        .await;
    assert_eq!(missing.code(), "not_found");
}

#[tokio::test]
async fn an_artefact_of_a_store_with_links_is_fetched_there_unless_the_client_wants_it_here() {
    let client = Client::new();
    let (path, _) = client.finished().await;
    let report = client.get(&path).await.json();
    let artifact = &report["artifacts"][0];
    let (href, sha256) = (&artifact["href"], artifact["sha256"].as_str().unwrap());
    let href = href.as_str().unwrap();
    client.world.links.store(true, Ordering::SeqCst);
    let answer = client.get(href).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let location = answer.header("location");
    assert!(location.starts_with("https://store/ten_"), "{location}");
    assert!(location.ends_with(&format!("{sha256}?application/pdf")));
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(format!("{:?}", answer.headers[LOCATION]) == "Sensitive");
    let here = client.get(&format!("{href}?redirect=false")).await;
    assert_eq!(
        (here.status, &here.body[..]),
        (StatusCode::OK, &b"%PDF-"[..])
    );
    let known = client
        .request(Method::GET, href)
        .header(IF_NONE_MATCH, format!("\"{sha256}\""));
    let known = client.send(known, Body::empty()).await;
    assert_eq!(known.status, StatusCode::NOT_MODIFIED);
}

/// The ids on every page of a list; before each page but the first `meanwhile` happens.
async fn pages(client: &Client, path: &str, meanwhile: impl AsyncFn()) -> Vec<String> {
    let (mut path, mut seen) = (format!("{path}?limit=2"), Vec::new());
    loop {
        let answer = client.get(&path).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        let page = answer.json();
        let items = page["items"].as_array().unwrap().clone();
        seen.extend(
            items
                .iter()
                .map(|item| item["id"].as_str().unwrap().to_owned()),
        );
        if page["next"].is_null() {
            assert!(!answer.headers.contains_key("link"));
            return seen;
        }
        let link = answer.header("link").trim_start_matches('<');
        path = link.split('>').next().unwrap().to_owned();
        meanwhile().await;
    }
}

#[tokio::test]
async fn a_persons_lists_have_each_thing_of_theirs_once_while_new_ones_come_in() {
    let client = Client::new();
    let other = Client::of(&client.world, 2, KeyScope::User);
    let mut made = [Vec::new(), Vec::new(), Vec::new()];
    let paths = ["files", "reports", "comparisons"].map(|list| format!("/v2/premium/{list}"));
    let ask = async |client: &Client, path: &str, key: &str, file: FileId| {
        let body = json!({"country": "uk", "years": [2024], "files": [file]});
        let answer = client.post(path, Some(key), &body).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
        answer.json()["id"].as_str().unwrap().to_owned()
    };
    for key in ["1", "2", "3", "4", "5"] {
        let file = client.file().await;
        made[0].insert(0, file.to_string());
        made[1].insert(0, ask(&client, &paths[1], key, file).await);
        made[2].insert(0, ask(&client, &paths[2], key, file).await);
        let file = other.file().await;
        ask(&other, &paths[1], key, file).await;
    }
    for (path, made) in paths.iter().zip(made) {
        let seen = pages(&client, path, async || {
            let file = client.file().await;
            let key = file.to_string();
            ask(&client, &paths[1], &key, file).await;
            ask(&client, &paths[2], &key, file).await;
        });
        let seen = seen.await;
        assert!(seen.ends_with(&made), "{path}: {seen:?}");
        let each: HashSet<_> = seen.iter().collect();
        assert_eq!(each.len(), seen.len(), "{path}: {seen:?}");
    }
    let page = client.get(&paths[1]).await.json();
    let item = &page["items"].as_array().unwrap().last().unwrap();
    assert_eq!(item["country"], "uk");
    assert_eq!(item["years"], json!([2024]));
    assert_eq!(item["state"], "queued");
    assert_eq!(item["created_at"], "2026-06-15T12:00:00Z");
    let shown = client.get(item["href"].as_str().unwrap()).await;
    assert_eq!(shown.json()["id"], item["id"]);
    let of_files = client.get(&format!("{}?limit=1", paths[0])).await.json()["next"].clone();
    let strange = format!("{}?cursor={}", paths[1], of_files.as_str().unwrap());
    assert_eq!(client.get(&strange).await.code(), "cursor.malformed");
}

#[tokio::test]
async fn a_row_of_a_finished_report_is_explained_to_its_owner_alone() {
    let client = Client::new();
    let (path, job) = client.finished().await;
    let told = format!("{path}/rows/s7");
    assert_eq!(
        client.get(&told).await.code(),
        "not_found",
        "it has no JSON"
    );
    client.give_figures(job).await;
    let story = client.get(&told).await;
    assert_eq!(story.status, StatusCode::OK, "{}", story.text());
    assert_eq!(story.json()["disposals"][0]["lot"], "b1");
    let lot = client.get(&format!("{path}/rows/b1")).await.json();
    assert_eq!(lot["uses"][0]["id"], "s7");
    assert_eq!(
        client.get(&format!("{path}/rows/x")).await.code(),
        "not_found"
    );
    let stranger = Client::of(&client.world, 2, KeyScope::User);
    assert_eq!(stranger.get(&told).await.code(), "not_found");
}

#[tokio::test]
async fn an_id_of_a_row_longer_than_any_is_refused() {
    let client = Client::new();
    let (path, job) = client.finished().await;
    client.give_figures(job).await;
    let of_chars = |count: usize| format!("{path}/rows/{}", "%C3%A9".repeat(count));
    let codes = [
        client.get(&of_chars(300)).await.code(),
        client.get(&of_chars(301)).await.code(),
    ];
    assert_eq!(codes, ["not_found", "request.malformed"]);
}

#[tokio::test(start_paused = true)]
async fn stories_that_are_asked_for_at_once_are_told_a_few_at_a_time() {
    let client = Client::new();
    let (path, job) = client.finished().await;
    client.give_figures(job).await;
    let told = format!("{path}/rows/s7");
    let turns = std::iter::repeat_with(|| client.get(&told)).take(30);
    let answers = futures::future::join_all(turns).await;
    assert!(answers.iter().all(|answer| answer.status == StatusCode::OK));
    let most = client.world.loads_most.load(Ordering::SeqCst);
    assert!(most <= crate::routes::STORIES_MAX, "{most} at once");
}
