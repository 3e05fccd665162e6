//! What reports and comparisons are asked for over HTTP: methods side by side, formats, files that
//! do not say all, prices.

use packtrain_core::ports::KeyScope;
use packtrain_tests::Yard;
use serde_json::json;

use super::kinds::LEDGER;

#[tokio::test(flavor = "multi_thread")]
async fn an_uploaded_ledger_becomes_a_comparison_of_methods() {
    let yard = Yard::start().await;
    let client = yard.client("ada", &[KeyScope::User]).await;
    let file = client.file("a.csv", LEDGER).await;
    let body = json!({ "country": "us", "years": [2024], "files": [file] });
    let headers = [("idempotency-key", "k"), ("prefer", "wait=20")];
    let path = "/v2/premium/comparisons";
    let made = client.post(path, &headers, &body).await.expect(200).json();
    assert_eq!(made["state"], "succeeded", "{made}");
    assert_eq!(made["summary"]["years"]["2024"][0]["net"], "11880.00");
    let artifact = &made["artifacts"][0];
    assert_eq!(artifact["name"], "comparison-2024-us.json");
    let file = client.get(artifact["href"].as_str().unwrap()).await;
    let comparison = file.expect(200).json();
    let methods = comparison["years"]["2024"].as_array().unwrap().iter();
    let methods: Vec<_> = methods.map(|one| one["method"].clone()).collect();
    assert_eq!(methods, ["fifo", "lifo", "hifo", "lofo"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_given_in_the_formats_that_were_asked_for() {
    let yard = Yard::start().await;
    let client = yard.client("ada", &[KeyScope::User]).await;
    let file = client.file("a.csv", LEDGER).await;
    let body = json!({
        "country": "us", "years": [2024], "files": [file], "formats": ["forms", "xlsx"],
    });
    let report = client.report("k", &body).await.expect(200).json();
    let artifacts = report["artifacts"].as_array().unwrap();
    let names: Vec<_> = artifacts.iter().map(|one| one["name"].clone()).collect();
    assert_eq!(
        names,
        [
            "audit-2024-us.xlsx",
            "form-8949-2024-us.csv",
            "form-8949-2024-us.txf",
            "schedule-d-2024-us.csv",
        ]
    );
    let audit = client.get(artifacts[0]["href"].as_str().unwrap()).await;
    let audit = audit.expect(200);
    assert!(audit.body.starts_with(b"PK"), "a workbook is a ZIP file");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_no_known_source_is_read_by_what_its_owner_says_of_it() {
    let yard = Yard::start().await;
    let client = yard.client("ada", &[KeyScope::User]).await;
    let mapping = "time = \"%d.%m.%Y %H:%M\"\ncurrency = \"USD\"\nwallet = \"Bisq\"\n\
                   [columns]\ntimestamp = \"Datum\"\namount = \"Menge\"\nasset = \"Coin\"\n\
                   value = \"Wert\"\n";
    let form = format!(
        "--x\r\nContent-Disposition: form-data; name=\"mapping\"\r\n\r\n{mapping}\r\n\
         --x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"bisq.csv\"\r\n\r\n\
         Datum;Menge;Coin;Wert\n01.01.2025 00:30;1;BTC;46000\n\r\n--x--\r\n"
    );
    let headers = [
        ("content-type", "multipart/form-data; boundary=x"),
        ("prefer", "wait=20"),
    ];
    let path = "/v2/premium/files?timezone=Europe%2FBerlin";
    let file = client.send("POST", path, &headers, form).await.expect(201);
    let file = file.json();
    assert_eq!(file["state"], "imported", "{file}");
    assert_eq!(
        (&file["rows_total"], &file["rows_bad"]),
        (&json!(1), &json!(0))
    );
    assert_eq!(file["timezone"], "Europe/Berlin");
    // Half past midnight in Berlin is still the year before in UTC.
    let at = "select count(*) from ledger_row where at = '2024-12-31T23:30:00Z'";
    assert_eq!(yard.database.number(at).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_state_no_value_are_valued_by_an_uploaded_list_of_prices() {
    let yard = Yard::start().await;
    let client = yard.client("ada", &[KeyScope::User]).await;
    let reward = "id,timestamp,type,wallet,received_amount,received_asset,currency\n\
                  r,2024-03-11T12:00:00Z,staking,main,2,ETH,USD\n";
    let file = client.file("a.csv", reward).await;
    let prices = "date,asset,currency,price\n2024-03-11,ETH,USD,3900.50\n";
    let prices = client.file("prices.csv", prices).await;
    let body = json!({ "country": "us", "years": [2024], "files": [file], "prices": prices });
    let report = client.report("k", &body).await.expect(200).json();
    assert_eq!(
        report["summary"]["totals"]["2024"]["income"], "7801.00",
        "{report}"
    );
}
