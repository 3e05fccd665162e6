//! How requests are refused.

use super::*;

#[tokio::test]
async fn an_unknown_route_and_a_wrong_method_are_problems_too() {
    let client = Client::new();
    let answer = client.get("/v2/premium/nothing").await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (StatusCode::NOT_FOUND, "not_found")
    );
    let delete = client.request(Method::DELETE, "/v2/premium/reports");
    let answer = client.send(delete, Body::empty()).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.code(), "method_not_allowed");
    let allowed = answer.header("allow");
    assert!(
        ["GET,HEAD,POST", "POST,GET,HEAD"].contains(&allowed),
        "{allowed}"
    );
}

#[tokio::test]
async fn who_has_no_key_does_not_learn_what_there_is_behind_a_door() {
    let client = Client::new();
    for (method, path) in [
        (Method::GET, "/v2/premium/nothing"),
        (Method::GET, "/v2/premium"),
        (Method::DELETE, "/v2/premium/reports"),
        (Method::PUT, "/v2/premium/files"),
        (Method::GET, "/v2/admin/nothing"),
        (Method::PUT, "/v2/admin/jobs"),
    ] {
        let bare = Request::builder().method(method.clone()).uri(path);
        let answer = client.send(bare, Body::empty()).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (StatusCode::UNAUTHORIZED, "auth.required"),
            "{method} {path}"
        );
        assert_eq!(answer.header("allow"), "", "{method} {path}");
    }
    let anywhere = Request::builder().uri("/v2/premiums");
    let answer = client.send(anywhere, Body::empty()).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    let answer = client.get("/v2/admin/nothing").await;
    assert_eq!(answer.code(), "auth.scope_missing");
}

#[tokio::test]
async fn every_answer_names_its_request_and_may_not_be_sniffed_or_kept() {
    let client = Client::new();
    for path in ["/healthz", "/v2/premium/nothing", "/v2/openapi.json"] {
        let answer = client.get(path).await;
        assert!(answer.header("x-request-id").starts_with("req_"));
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert!(!answer.headers.contains_key("access-control-allow-origin"));
    }
}

#[tokio::test]
async fn only_a_known_key_with_its_own_secret_gets_in() {
    let client = Client::new();
    let path = "/v2/premium/reports/rep_00000000000000000000000000000001";
    let bare = Request::builder().uri(path);
    let answer = client.send(bare, Body::empty()).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (StatusCode::UNAUTHORIZED, "auth.required")
    );
    assert_eq!(
        answer.header("www-authenticate"),
        "Bearer realm=\"packtrain\""
    );
    let (id, secret) = client.key.rsplit_once('_').unwrap();
    let wrong_secret = format!("{id}_{}", secret.replace('5', "6"));
    let unknown = client.key.replace("0001_", "0002_");
    let without_secret = format!("pt_{}_{}", "0".repeat(32), "0".repeat(64));
    for key in [wrong_secret, unknown, without_secret, "hello".to_owned()] {
        let request = Request::builder()
            .uri(path)
            .header(AUTHORIZATION, format!("Bearer {key}"));
        let answer = client.send(request, Body::empty()).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{key}");
        assert_eq!(answer.code(), "auth.key_unknown");
        assert!(!answer.text().contains(&key));
    }
}

#[tokio::test]
async fn a_key_opens_only_what_its_scope_says() {
    let user = Client::new();
    let answer = user.get("/v2/admin/jobs").await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (StatusCode::FORBIDDEN, "auth.scope_missing")
    );
    let operator = Client::operator();
    let answer = operator.upload("/v2/premium/files", "a,b").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(operator.world.objects.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_viewer_reads_what_operators_see_and_changes_nothing() {
    let document: Value = serde_json::from_str(&crate::openapi_json()).unwrap();
    let (mut reads, mut changes) = (0, 0);
    for (path, methods) in document["paths"].as_object().unwrap() {
        let is_operators = path.starts_with("/v2/admin");
        // What is in braces may be anything: whether it is there is asked later than who asks.
        let path = path.replace(['{', '}'], "");
        for method in methods.as_object().unwrap().keys() {
            let viewer = Client::of(&Arc::new(World::default()), 1, KeyScope::Viewer);
            let method: Method = method.to_uppercase().parse().unwrap();
            let request = viewer.request(method.clone(), &path);
            let request = request.header(CONTENT_TYPE, "application/json");
            let answer = viewer.send(request, "{}").await;
            let is_refused =
                answer.status == StatusCode::FORBIDDEN && answer.code() == "auth.scope_missing";
            // A socket is opened with a ticket, and no key is looked at.
            let is_ticketed = path == "/v2/premium/stream";
            let is_keyed = path.starts_with("/v2/admin") || path.starts_with("/v2/premium");
            let is_open = is_ticketed || !is_keyed;
            let may = is_open || (is_operators && method == Method::GET);
            assert_eq!(is_refused, !may, "{method} {path}: {}", answer.status);
            reads += usize::from(is_operators && may);
            changes += usize::from(is_operators && !may);
        }
    }
    assert!(
        reads >= 8 && changes >= 8,
        "{reads} reads, {changes} changes"
    );
    let operator = Client::operator();
    assert_eq!(operator.get("/v2/admin/lanes").await.status, StatusCode::OK);
}

#[tokio::test]
async fn another_tenants_things_do_not_exist() {
    let client = Client::new();
    let file = client.file().await;
    let (report, _) = client.report().await;
    let other = Client::of(&client.world, 2, KeyScope::User);
    for path in [
        format!("/v2/premium/files/{file}"),
        report.clone(),
        format!("{report}/events"),
        format!("{report}/artifacts/tax-2025-us.pdf"),
        "/v2/premium/files/fil_7".to_owned(),
        report.replace("rep_", "job_"),
    ] {
        let answer = other.get(&path).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (StatusCode::NOT_FOUND, "not_found"),
            "{path}"
        );
    }
    let body = json!({"country": "us", "files": [file]});
    let answer = other.post("/v2/premium/reports", Some("k"), &body).await;
    assert_eq!(answer.json()["errors"][0]["code"], "file_missing");
}

#[tokio::test]
async fn a_panic_is_a_problem_that_tells_nothing_of_it() {
    let client = Client::new();
    client.world.panics.store(true, Ordering::Relaxed);
    let answer = client.get("/v2/admin/jobs").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answer.code(), "internal");
    assert!(!answer.text().contains("hunter2"));
}

#[tokio::test]
async fn an_unreachable_database_is_worth_another_try_and_keeps_its_address_to_itself() {
    let client = Client::new();
    client.world.is_away.store(true, Ordering::Relaxed);
    let answer = client.get("/v2/admin/jobs").await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
    );
    assert_eq!(answer.header("retry-after"), "1");
    assert!(!answer.text().contains("10.0.0.7"));
}

#[tokio::test]
async fn a_body_that_is_large_foreign_or_broken_is_refused_for_what_it_is() {
    let client = Client::new();
    let path = "/v2/premium/reports";
    let send = async |content_type: &str, body: String| {
        let request = client
            .request(Method::POST, path)
            .header(CONTENT_TYPE, content_type);
        client
            .send(request.header("idempotency-key", "k"), body)
            .await
            .code()
    };
    let large = "x".repeat(packtrain_core::limits::BODY_BYTES_MAX + 1);
    assert_eq!(send("application/json", large).await, "body.too_large");
    assert_eq!(send("text/plain", "{}".to_owned()).await, "body.media_type");
    assert_eq!(
        send("application/json", "{".to_owned()).await,
        "json.malformed"
    );
    assert_eq!(
        send("application/json; charset=utf-8", "{}".to_owned()).await,
        "validation"
    );
}

#[tokio::test]
async fn a_query_that_is_not_understood_is_not_passed_over() {
    let client = Client::operator();
    for (query, code) in [
        ("limit=0", "query.malformed"),
        ("limit=201", "query.malformed"),
        ("limit=x", "query.malformed"),
        ("sate=dead", "query.malformed"),
        ("state=asleep", "query.malformed"),
        ("kind=A%20b", "query.malformed"),
        ("cursor=zz", "cursor.malformed"),
    ] {
        let answer = client.get(&format!("/v2/admin/jobs?{query}")).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (StatusCode::BAD_REQUEST, code),
            "{query}"
        );
    }
}

#[tokio::test]
async fn the_type_of_every_problem_is_an_address_that_describes_it() {
    let client = Client::new();
    for sort in crate::SORTS {
        let answer = client.get(&format!("/docs/problems/{}", sort.code)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", sort.code);
        let text = answer.text();
        assert!(
            text.starts_with(sort.code) && text.contains(sort.title),
            "{text}"
        );
    }
    let unknown = client.get("/docs/problems/nothing").await;
    assert_eq!(unknown.code(), "not_found");
}

#[tokio::test]
async fn times_that_no_store_can_have_are_refused() {
    let client = Client::new();
    let series = "/v2/premium/analytics/series?dataset=tvl&key=a";
    let history = "/v2/premium/gas/ethereum/history";
    for query in [
        format!("{series}&from=-9999-01-01T00:00:00Z"),
        format!("{series}&to=%2B99999-01-01T00:00:00Z"),
        format!("{history}?to=-9999-01-02T00:00:00Z"),
        format!("{history}?from=0000-01-01T00:00:00Z&to=0000-01-02T00:00:00Z"),
        format!("{history}?to=0001-01-01T00:00:00Z"),
    ] {
        let answer = client.get(&query).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(answer.code(), "query.malformed", "{query}");
    }
    // The last moment that a program can have, the last number, and one before all years.
    for place in [8_210_266_876_799_999_999, i64::MAX, -i64::MAX] {
        let cursor = crate::page::cursor("series", place);
        let answer = client.get(&format!("{series}&cursor={cursor}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{place}");
        assert_eq!(answer.code(), "cursor.malformed", "{place}");
    }
}
