//! How files come in and are shown.

use packtrain_core::ledger::RowError;
use packtrain_core::limits::FILE_BYTES_MAX;
use packtrain_core::ports::FileState;

use super::*;

const PATH: &str = "/v2/premium/files";

#[tokio::test]
async fn an_upload_is_stored_shown_and_hinted() {
    let client = Client::new();
    let answer = client
        .upload(&format!("{PATH}?name=..%2FB%C3%B6rse.csv"), "a,b\n1,2\n")
        .await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let file = answer.json();
    assert_eq!(file["name"], "Börse.csv");
    assert_eq!(
        (&file["state"], &file["size_bytes"]),
        (&json!("uploaded"), &json!(8))
    );
    let shown = client.get(answer.headers[LOCATION].to_str().unwrap()).await;
    assert_eq!(shown.json(), file);
    let id: FileId = file["id"].as_str().unwrap().parse().unwrap();
    {
        let asked = client.world.asked.lock().unwrap();
        assert_eq!(asked[0].id, id.import_job());
        assert_eq!(asked[0].payload, json!({"file": id}));
    }
    assert_eq!(client.world.hints.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn what_the_owner_says_of_a_file_is_kept_with_it_and_shown() {
    let client = Client::new();
    let mapping = "[columns]\ntimestamp = \"Datum\"\namount = \"Menge\"\n";
    let form = format!(
        "--x\r\nContent-Disposition: form-data; name=\"mapping\"\r\n\r\n{mapping}\r\n\
         --x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"t.csv\"\r\n\r\n\
         a,b\r\n--x--\r\n"
    );
    let path = format!("{PATH}?timezone=Europe%2FBerlin&wallet=0xa1&coin=XDAI&coins=RON,MNT");
    let request = client.request(Method::POST, &path);
    let request = request.header(CONTENT_TYPE, "multipart/form-data; boundary=x");
    let answer = client.send(request, form).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    let file = answer.json();
    assert_eq!(
        [
            &file["name"],
            &file["timezone"],
            &file["wallet"],
            &file["coin"],
            &file["coins"],
            &file["money"],
            &file["mapping"]
        ],
        [
            &json!("t.csv"),
            &json!("Europe/Berlin"),
            &json!("0xa1"),
            &json!("XDAI"),
            &json!(["RON", "MNT"]),
            &json!([]),
            &json!(mapping)
        ]
    );
    let shown = client.get(answer.header("location")).await;
    assert_eq!(shown.json(), file);
}

#[tokio::test]
async fn what_cannot_be_said_of_a_file_is_refused_before_it_is_stored() {
    let client = Client::new();
    for (query, pointer, code) in [
        ("timezone=Mars", "/timezone", "unknown_timezone"),
        ("wallet=", "/wallet", "name_malformed"),
        ("coin=%0A", "/coin", "name_malformed"),
        ("coins=BTC", "/coins", "unknown_currency"),
        ("coins=RON&money=RON", "/money", "code_repeated"),
        ("mapping=colour%3D1", "/mapping", "mapping_malformed"),
    ] {
        let answer = client.upload(&format!("{PATH}?{query}"), "a,b\n").await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        let error = &answer.json()["errors"][0];
        assert_eq!(
            (&error["pointer"], &error["code"]),
            (&json!(pointer), &json!(code))
        );
    }
    let unknown = client.upload(&format!("{PATH}?zone=UTC"), "a,b\n").await;
    assert_eq!(unknown.code(), "query.malformed");
    assert!(client.world.objects.lock().unwrap().is_empty());
    assert!(client.world.asked.lock().unwrap().is_empty());
}

/// A form with these fields before the file, and those behind it.
fn form(before: &[&str], behind: &[&str]) -> String {
    let field = |name: &&str| {
        format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\nUTC\r\n")
    };
    let fields = |names: &[&str]| names.iter().map(field).collect::<String>();
    let file = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"t.csv\"\r\n\r\n";
    format!("{}{file}a,b\r\n{}--x--\r\n", fields(before), fields(behind))
}

#[tokio::test]
async fn what_a_form_says_twice_or_too_late_is_refused_and_no_file_is_kept() {
    for (form, status, code) in [
        (form(&["timezone", "timezone"], &[]), 422, "field_repeated"),
        (form(&[], &["timezone"]), 422, "field_too_late"),
        (
            form(&[], &[&["x"; 9][..], &["timezone"]].concat()),
            400,
            "request.malformed",
        ),
    ] {
        let client = Client::new();
        let request = client
            .request(Method::POST, PATH)
            .header(CONTENT_TYPE, "multipart/form-data; boundary=x");
        let answer = client.send(request, form).await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.text());
        assert!(answer.text().contains(code), "{}", answer.text());
        assert!(client.world.asked.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn an_empty_a_foreign_and_a_large_file_leave_nothing_behind() {
    let client = Client::new();
    let empty = client.upload(PATH, "").await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(empty.json()["errors"][0]["code"], "file_empty");
    let image = client
        .request(Method::POST, PATH)
        .header(CONTENT_TYPE, "image/png");
    assert_eq!(
        client.send(image, "x").await.status,
        StatusCode::UNSUPPORTED_MEDIA_TYPE
    );
    // Said to be large: refused before a byte is read.
    let large = client
        .request(Method::POST, PATH)
        .header(CONTENT_TYPE, "text/csv");
    let large = large.header("content-length", FILE_BYTES_MAX * 2);
    let large = client.send(large, "x").await;
    assert_eq!(
        (large.status, large.code().as_str()),
        (StatusCode::PAYLOAD_TOO_LARGE, "body.too_large")
    );
    // Not said, but large all the same.
    let chunks =
        (0..=FILE_BYTES_MAX / (1 << 20)).map(|_| Ok::<_, std::io::Error>(vec![b'x'; 1 << 20]));
    let body = Body::from_stream(futures::stream::iter(chunks));
    assert_eq!(client.upload(PATH, body).await.code(), "body.too_large");
    assert!(client.world.objects.lock().unwrap().is_empty());
    assert!(client.world.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_upload_that_breaks_off_is_told_so() {
    let client = Client::new();
    let chunks = [Ok("a,b\n"), Err(std::io::Error::other("reset"))];
    let answer = client
        .upload(PATH, Body::from_stream(futures::stream::iter(chunks)))
        .await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (StatusCode::BAD_REQUEST, "upload.broken_off")
    );
    assert!(client.world.files.lock().unwrap().is_empty());
}

#[tokio::test]
async fn row_errors_are_paged_without_cutting_a_line() {
    let client = Client::new();
    let file = client.file().await;
    let lines = [2, 3, 3, 3, 3, 4, 9];
    for line in lines {
        client.world.row_errors.lock().unwrap().push(RowError {
            line,
            column: None,
            field: None,
            code: "amount_malformed".to_owned(),
            message: "not a number".to_owned(),
            help: None,
            text: "x".to_owned(),
        });
    }
    {
        let mut files = client.world.files.lock().unwrap();
        let record = files.get_mut(&(client.tenant, file)).unwrap();
        (record.state, record.rows_bad) = (FileState::Imported, 7);
    }
    let (mut pages, mut query) = (Vec::new(), "limit=2".to_owned());
    loop {
        let page = client.get(&format!("{PATH}/{file}?{query}")).await.json()["errors"].clone();
        let items = page["items"].as_array().unwrap().clone();
        pages.push(
            items
                .iter()
                .map(|error| error["line"].as_u64().unwrap())
                .collect::<Vec<_>>(),
        );
        let Some(next) = page["next"].as_str() else {
            break;
        };
        query = format!("limit=2&cursor={next}");
    }
    assert_eq!(pages, [vec![2], vec![3, 3, 3, 3], vec![4, 9]]);
}
