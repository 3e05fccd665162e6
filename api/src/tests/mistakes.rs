//! What a new user gets wrong, and what he is told: every mistake, where it is, what to do.

use super::*;

const RULES: &str = "/v2/premium/alerts/rules";

/// The places of a refusal with their codes.
fn places(answer: &Answer) -> Vec<(String, String)> {
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer.code(), "validation");
    let body = answer.json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let errors = body["errors"].as_array().unwrap().iter();
    let mut places: Vec<_> = errors
        .map(|error| (text(&error["pointer"]), text(&error["code"])))
        .collect();
    places.sort();
    places
}

fn wanted(places: &[(&str, &str)]) -> Vec<(String, String)> {
    let places = places.iter();
    places
        .map(|(place, code)| ((*place).to_owned(), (*code).to_owned()))
        .collect()
}

#[tokio::test]
async fn all_mistakes_of_a_rule_are_told_at_once() {
    let client = Client::new();
    // Each fits its type.
    let leaf = |metric: &str| json!({"metric": metric, "op": ">", "value": "5", "clear": "6"});
    let mut windowed = leaf("tvl:aave");
    windowed["aggregate"] = "mean".into();
    windowed["window_s"] = 61.into();
    let end = "end_00000000000000000000000000000001";
    let body = json!({"rule": {
        "name": "", "for_s": 60, "repeat_every_s": 1, "max_per_day": 0, "auto_disable": {},
        "when": {"all": [windowed, {"not": leaf("transfer:1:nobody")}, {"any": []}]},
    }, "endpoints": [end, end]});
    let answer = client.post(RULES, None, &body).await;
    assert_eq!(
        places(&answer),
        wanted(&[
            ("/endpoints/1", "twice"),
            ("/rule/auto_disable", "empty"),
            ("/rule/for_s", "momentary"),
            ("/rule/max_per_day", "out_of_range"),
            ("/rule/name", "empty"),
            ("/rule/repeat_every_s", "out_of_range"),
            ("/rule/when/all/0/clear", "wrong_side"),
            ("/rule/when/all/0/window_s", "window"),
            ("/rule/when/all/1/not/clear", "wrong_side"),
            ("/rule/when/all/1/not/metric", "unknown_owner"),
            ("/rule/when/all/2/any", "empty"),
        ])
    );
    assert_eq!(answer.json()["detail"], "11 fields need a change.");
    // Some do not, and what can be read beside them is looked at all the same.
    let body = json!({"rule": {
        "name": "\u{202e}", "severity": "bad", "colour": 1, "for_s": "soon", "max_per_day": 0,
        "when": {"any": [{"metric": "prize:x", "op": "=", "value": "x"}, leaf("tvl:aave")]},
        "no_data": {"after_s": 60}, "quiet_hours": {"from": "25:00", "to": "07:00"},
        "timezone": "Mars/Base",
    }, "endpoints": ["end_7", end, end], "tell": true});
    let answer = client.post(RULES, None, &body).await;
    assert_eq!(
        places(&answer),
        wanted(&[
            ("/endpoints/0", "invalid"),
            ("/endpoints/2", "twice"),
            ("/rule/colour", "unknown"),
            ("/rule/for_s", "invalid"),
            ("/rule/max_per_day", "out_of_range"),
            ("/rule/name", "control"),
            ("/rule/no_data/then", "missing"),
            ("/rule/quiet_hours/from", "invalid"),
            ("/rule/severity", "invalid"),
            ("/rule/timezone", "invalid"),
            ("/rule/when/any/0/metric", "invalid"),
            ("/rule/when/any/0/op", "invalid"),
            ("/rule/when/any/0/value", "invalid"),
            ("/rule/when/any/1/clear", "wrong_side"),
            ("/tell", "unknown"),
        ])
    );
    let said = answer.text();
    for wanted in [
        "This is the text \\\"bad\\\"; it must be one of info, warning, critical.",
        "This is the text \\\"soon\\\"; it must be a whole number from 0 to 4294967295.",
        "it must be the IANA name of a time zone, such as Europe/Berlin.",
    ] {
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
}

#[tokio::test]
async fn of_many_mistakes_in_a_body_that_can_be_read_the_first_are_told_and_how_many_there_are() {
    let client = Client::new();
    let leaf = json!({ "metric": "transfer:1:nobody", "op": ">", "value": "5" });
    let body = json!({ "rule": { "name": "", "when": { "all": vec![leaf; 100] } } });
    let answer = client.post(RULES, None, &body).await;
    let told = places(&answer);
    assert_eq!(told.len(), 20);
    assert!(told.contains(&("/rule/name".to_owned(), "empty".to_owned())));
    let said = answer.json()["detail"].as_str().unwrap().to_owned();
    let (count, rest) = said.split_once(' ').unwrap();
    assert!(count.parse::<usize>().unwrap() > 100, "{said}");
    assert_eq!(rest, "fields need a change; here are the first 20.");
}

#[tokio::test]
async fn no_refusal_of_a_body_or_a_query_has_words_of_the_program() {
    let client = Client::new();
    let mut said = Vec::new();
    for path in [
        RULES,
        "/v2/premium/reports",
        "/v2/premium/alerts/backtests",
        "/v2/premium/endpoints",
    ] {
        for body in [
            json!(7),
            json!([]),
            json!({}),
            json!({"rule": 1, "country": 1, "name": 1}),
            json!({"rule": {"name": [], "when": 3, "for_s": -1}, "files": 1, "colour": 1}),
        ] {
            let answer = client.post(path, Some("k"), &body).await;
            assert_eq!(answer.code(), "validation", "{path} {body}");
            said.push(answer.text());
        }
        for text in ["", "{", "[1 2]", "{\"a\": nul}"] {
            let request = client
                .request(Method::POST, path)
                .header(CONTENT_TYPE, "application/json");
            let answer = client
                .send(request.header("idempotency-key", "k"), text)
                .await;
            assert_eq!(answer.code(), "json.malformed");
            said.push(answer.text());
        }
    }
    for query in [
        "limit=x",
        "cursor=a&cursor=b",
        "colour=1",
        "limit=1&limit=2",
    ] {
        let answer = client.get(&format!("{RULES}?{query}")).await;
        assert_eq!(answer.code(), "query.malformed", "{query}");
        said.push(answer.text());
    }
    for said in said {
        for word in [
            "struct",
            "Request",
            "invalid type",
            "invalid value",
            "u32",
            "u8",
            "i64",
            "enum ",
            "sequence",
            "deserialize",
            "`",
            "missing field",
            "unknown field",
            "at line 1 column",
        ] {
            assert!(!said.contains(word), "{word}: {said}");
        }
    }
    let answer = client.get(&format!("{RULES}?limt=5")).await;
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    assert_eq!(
        detail,
        "limt: \"limt\" is not known here; there are limit, cursor. Is limit meant?"
    );
}

#[tokio::test]
async fn a_malformed_if_match_is_told_apart_from_a_version_that_is_gone() {
    let client = Client::operator();
    let edit = async |tag: &str| {
        let request = client.request(Method::PATCH, "/v2/admin/lanes/io");
        let request = request.header(CONTENT_TYPE, "application/json");
        client
            .send(request.header("if-match", tag), "{\"paused\": true}")
            .await
    };
    for tag in ["3", "banana", "\"3"] {
        let answer = edit(tag).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (StatusCode::BAD_REQUEST, "edit.tag_malformed"),
            "{tag}"
        );
        assert!(
            answer.json()["detail"]
                .as_str()
                .unwrap()
                .contains("quotation marks")
        );
    }
    for tag in ["\"99\"", "\"banana\""] {
        let answer = edit(tag).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (StatusCode::PRECONDITION_FAILED, "edit.stale"),
            "{tag}"
        );
    }
}

#[tokio::test]
async fn a_place_in_a_stream_that_is_none_is_refused_and_not_passed_over() {
    let client = Client::new();
    let (report, _) = client.finished().await;
    let job = format!("{report}/events");
    let streams = "/v2/premium/stream/events?streams=alerts".to_owned();
    for (path, query) in [(&job, "?after="), (&streams, "&after=")] {
        for place in ["banana", "-1", "1.5", "alerts=-1", "alerts=x"] {
            let after = client.get(&format!("{path}{query}{place}")).await;
            let request = client.request(Method::GET, path);
            let header = client
                .send(request.header("last-event-id", place), Body::empty())
                .await;
            for answer in [after, header] {
                assert_eq!(
                    (answer.status, answer.code().as_str()),
                    (StatusCode::BAD_REQUEST, "stream.resume_malformed"),
                    "{path} {place}"
                );
                assert!(answer.json()["detail"].as_str().unwrap().contains(place));
            }
        }
    }
    for path in [
        format!("{job}?since=3"),
        format!("{streams}&since=3"),
        "/v2/premium/stream?ticket=x&after=3".to_owned(),
    ] {
        assert_eq!(client.get(&path).await.code(), "query.malformed", "{path}");
    }
}

#[tokio::test]
async fn a_stream_begins_after_the_event_that_the_query_names_unless_the_header_knows_better() {
    let client = Client::new();
    let (path, job) = client.finished().await;
    super::streams::two_stages(&client, job).await;
    let path = format!("{path}/events?after=1");
    let text = client.get(&path).await.text();
    assert!(
        !text.contains("id: 1\n") && text.contains("id: 2\n"),
        "{text}"
    );
    let request = client
        .request(Method::GET, &path)
        .header("last-event-id", "2");
    let text = client.send(request, Body::empty()).await.text();
    assert!(
        !text.contains("id: 2\n") && text.contains("id: 3\n"),
        "{text}"
    );
    let request = client
        .request(Method::GET, &path)
        .header("last-event-id", "");
    let text = client.send(request, Body::empty()).await.text();
    assert!(text.contains("id: 2\n"), "{text}");
}

#[tokio::test]
async fn every_sort_of_problem_has_a_page_and_an_answer_of_it_says_what_to_do() {
    let client = Client::new();
    let id = packtrain_core::ids::RequestId::from_uuid(uuid::Uuid::from_u128(1));
    for sort in crate::SORTS {
        let page = client
            .get(&format!("/docs/problems/{}", sort.code))
            .await
            .text();
        assert!(page.contains(sort.advice), "{page}");
        let is_sentence = sort.advice.ends_with('.') && sort.advice.len() > 15;
        assert!(is_sentence, "{}: {}", sort.code, sort.advice);
        let bare = axum::response::IntoResponse::into_response(crate::problem::Problem::of(sort));
        let (_, body) = crate::problem::render(bare, id).into_parts();
        let body: Value =
            serde_json::from_slice(&to_bytes(body, usize::MAX).await.unwrap()).unwrap();
        assert_eq!(
            (&body["code"], &body["detail"]),
            (&json!(sort.code), &json!(sort.advice))
        );
    }
}
