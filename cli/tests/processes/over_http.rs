//! What a person says beside the files gives the same figures over HTTP as by the command.

use std::fs;
use std::path::Path;

use packtrain_core::ports::KeyScope;
use packtrain_tests::{Client, Yard};
use serde_json::{Value, json};

use crate::cases::{cases, figures};

#[tokio::test(flavor = "multi_thread")]
async fn answers_rules_and_allocations_give_over_http_what_they_give_by_the_command() {
    let yard = Yard::start().await;
    let client = yard.client("ada", &[KeyScope::User]).await;
    let mut seen = 0;
    for case in fs::read_dir(cases().join("own")).unwrap() {
        let case = case.unwrap().path();
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        let is_said = ["settle-", "rule-", "us-allocation-"];
        if !is_said.iter().any(|begin| name.starts_with(begin)) {
            continue;
        }
        let expected = fs::read_to_string(case.join("expected.json")).unwrap();
        let expected: Value = serde_json::from_str(&expected).unwrap();
        let by_command = comparable(figures(&case, &expected));
        let over_http = comparable(requested(&client, &name, &case, &expected).await);
        assert_eq!(over_http, by_command, "{name}");
        seen += 1;
    }
    assert_eq!(seen, 22, "cases");
}

/// The figures of a report on a case, asked for over HTTP.
async fn requested(client: &Client, name: &str, case: &Path, expected: &Value) -> Value {
    let mut body = json!({
        "country": expected["jurisdiction"], "method": expected["method"],
        "files": [], "formats": ["json"], "options": expected["options"],
        "settlements": {"settle": expected["settle"], "rule": expected["rule"]},
    });
    let said = body.as_object_mut().unwrap();
    if let Some(scope) = expected["scope"].as_str() {
        said.insert("scope".to_owned(), scope.into());
    }
    for key in ["options", "settlements"] {
        drop_nulls(&mut said[key]);
    }
    said.retain(|_, value| !value.is_null());
    for file in ["ledger.csv", "ledger-2.csv"] {
        if let Ok(bytes) = fs::read(case.join(file)) {
            let file = client.file(file, bytes).await;
            body["files"].as_array_mut().unwrap().push(file.into());
        }
    }
    if let Ok(text) = fs::read_to_string(case.join("allocation.csv")) {
        let (header, lines) = text.split_once('\n').unwrap();
        let line = |line: &str| -> Value {
            let cells = header.trim().split(',').zip(line.trim().split(','));
            cells.map(|(key, cell)| (key.to_owned(), cell)).collect()
        };
        body["allocation"] = lines.lines().map(line).collect();
    }
    let report = client.report(name, &body).await.expect(200).json();
    assert_eq!(report["state"], "succeeded", "{name}: {report}");
    let href = report["artifacts"][0]["href"].as_str().unwrap();
    client.get(href).await.expect(200).json()
}

fn drop_nulls(value: &mut Value) {
    if let Some(object) = value.as_object_mut() {
        object.retain(|_, value| !value.is_null());
    }
}

/// Figures without what is each way's own: when they were made, and what answers are called.
fn comparable(mut figures: Value) -> Value {
    figures["provenance"]["generated_at"] = Value::Null;
    for file in figures["provenance"]["files"].as_array_mut().unwrap() {
        if !file["name"].as_str().unwrap().starts_with("ledger") {
            file["sha256"] = Value::Null;
        }
    }
    let text = figures.to_string();
    let text = text.replace("answers.toml", "settlements");
    let text = text.replace("allocation.csv", "allocation");
    serde_json::from_str(&text).unwrap()
}
