//! What only its owner knows of a file is heeded when it is read.

use packtrain_core::job::About;
use packtrain_core::limits::{FILE_CODES_MAX, FILE_WORD_CHARS_MAX, MAPPING_BYTES_MAX};
use packtrain_core::ports::{FileState, ReadOptions};

use super::super::import::check;
use super::*;

/// A file of no known source, with local times.
const BISQ: &str = "\
Datum;Art;Menge;Coin;Wert
10.01.2024 00:30;Kauf;1;BTC;46000
11.01.2024 00:30;Storno;1;BTC;46000
";

const MAPPING: &str = r#"
time = "%d.%m.%Y %H:%M"
currency = "EUR"
wallet = "Bisq"

[columns]
timestamp = "Datum"
type = "Art"
amount = "Menge"
asset = "Coin"
value = "Wert"

[types]
"Kauf" = "buy"
"Storno" = "skip"
"#;

fn said(timezone: Option<&str>, mapping: Option<&str>) -> ReadOptions {
    ReadOptions {
        timezone: timezone.map(str::to_owned),
        mapping: mapping.map(str::to_owned),
        ..ReadOptions::default()
    }
}

#[tokio::test]
async fn a_file_of_no_known_source_is_read_by_the_mapping_of_its_owner() {
    let world = World::new();
    let file = world
        .upload_as("bisq.csv", BISQ, said(None, Some(MAPPING)))
        .await;
    Import { file }.run(&world.attempt(1)).await.unwrap();
    let read = world.file(file);
    assert_eq!(
        read.record.state,
        FileState::Imported,
        "{:?}",
        read.record.problem
    );
    assert_eq!((read.record.rows_bad, read.rows.len()), (0, 1));
    assert_eq!(&*read.rows[0].wallet, "Bisq");
    assert_eq!(read.rows[0].at.to_rfc3339(), "2024-01-10T00:30:00+00:00");
}

#[tokio::test]
async fn times_without_a_zone_are_taken_in_the_zone_that_the_owner_names() {
    let world = World::new();
    let options = said(Some("Europe/Berlin"), Some(MAPPING));
    let file = world.upload_as("bisq.csv", BISQ, options).await;
    Import { file }.run(&world.attempt(1)).await.unwrap();
    let read = world.file(file);
    assert_eq!(read.rows[0].at.to_rfc3339(), "2024-01-09T23:30:00+00:00");
}

#[tokio::test]
async fn a_file_of_a_chain_is_about_the_address_and_in_the_coin_that_the_owner_names() {
    // One row, two addresses, no word on the coin.
    let text = "\
TxHash,Index,BlockNumber,BlockHash,TxIndex,BlockIndex,UnixTimestamp,FromAddress,ToAddress,\
ContractAddress,Type,CallType,Gas,GasUsed,Value,Input,Output,ErrCode,Fee
0xef01,1,30000010,0x01,0,5,2024-02-05 10:00:00.000000Z,0xc1,0xa1,,call,call,100000,21000,\
750000000000000000,,,,21000000000000
";
    let world = World::new();
    let options = ReadOptions {
        wallet: Some("0xa1".to_owned()),
        coin: Some("XDAI".to_owned()),
        ..ReadOptions::default()
    };
    let file = world.upload_as("internal.csv", text, options).await;
    Import { file }.run(&world.attempt(1)).await.unwrap();
    let read = world.file(file);
    assert_eq!(read.record.rows_bad, 0, "{:?}", read.record.problem);
    let received = read.rows[0].received.as_ref().unwrap();
    assert_eq!(&*read.rows[0].wallet, "0xa1");
    assert_eq!(
        (received.amount.to_string(), &*received.asset),
        ("0.75".to_owned(), "XDAI")
    );
}

#[tokio::test]
async fn a_mapping_that_does_not_fit_its_file_rejects_it_with_the_reason() {
    let world = World::new();
    let file = world
        .upload_as("a.csv", LEDGER, said(None, Some(MAPPING)))
        .await;
    Import { file }.run(&world.attempt(1)).await.unwrap();
    let read = world.file(file);
    assert_eq!(read.record.state, FileState::Rejected);
    let problem = read.record.problem.unwrap();
    assert!(
        problem.starts_with("the mapping does not fit: "),
        "{problem}"
    );
}

#[test]
fn a_worker_that_would_not_heed_the_owner_does_not_claim_the_import() {
    assert_eq!(About::of::<Import>().schema, 3);
}

#[test]
fn what_is_wrong_with_a_mapping_is_told_without_words_of_the_reader_of_toml() {
    let told = |mapping: &str| check(&said(None, Some(mapping))).remove(0).detail;
    assert_eq!(
        told("wallet = \"x\"\ncolumns\n"),
        "Line 2 is no TOML; a line of a mapping is such as wallet = \"Bisq\"."
    );
    let told = told("colour = 1\nwallet = 7");
    assert!(
        told.contains("/colour: ") && told.contains("/wallet: This is the number 7"),
        "{told}"
    );
    assert!(!told.contains("invalid type"), "{told}");
}

#[test]
fn what_cannot_be_meant_is_told_with_its_place() {
    let places = |options: ReadOptions| {
        let errors = check(&options).into_iter();
        errors
            .map(|error| (error.pointer, error.code.into_owned()))
            .collect::<Vec<_>>()
    };
    let told = |pointer: &str, code: &str| vec![(pointer.to_owned(), code.to_owned())];
    assert_eq!(places(ReadOptions::default()), []);
    assert_eq!(places(said(Some("Europe/Berlin"), Some(MAPPING))), []);
    assert_eq!(
        places(said(Some("Mars/Olympus"), None)),
        told("/timezone", "unknown_timezone")
    );
    for mapping in [
        "= 1",
        "colour = 1",
        "[columns]\namount = \"Menge\"\n",
        "zone = \"Mars\"",
    ] {
        let found = places(said(None, Some(mapping)));
        assert_eq!(found, told("/mapping", "mapping_malformed"), "{mapping}");
    }
    let large = format!("{MAPPING}\n# {}", "x".repeat(MAPPING_BYTES_MAX));
    assert_eq!(
        places(said(None, Some(&large))),
        told("/mapping", "mapping_malformed")
    );
    for word in ["", " ", "a\nb", &"x".repeat(FILE_WORD_CHARS_MAX + 1)] {
        let wallet = ReadOptions {
            wallet: Some(word.to_owned()),
            ..ReadOptions::default()
        };
        assert_eq!(
            places(wallet),
            told("/wallet", "name_malformed"),
            "{word:?}"
        );
        let coin = ReadOptions {
            coin: Some(word.to_owned()),
            ..ReadOptions::default()
        };
        assert_eq!(places(coin), told("/coin", "name_malformed"), "{word:?}");
    }
}

#[tokio::test]
async fn codes_are_coins_or_money_as_the_owner_says() {
    const PAIR: &str = "id,timestamp,type,wallet,sent_amount,sent_asset,received_amount,\
                        received_asset,value,currency\n\
                        a,2024-03-10T12:00:00Z,trade,main,1,RON,2,GEL,10,USD\n";
    let world = World::new();
    let options = ReadOptions {
        coins: vec!["ron".to_owned()],
        money: vec!["GEL".to_owned()],
        ..ReadOptions::default()
    };
    assert_eq!(check(&options), []);
    let file = world.upload_as("a.csv", PAIR, options).await;
    Import { file }.run(&world.attempt(1)).await.unwrap();
    let row = &world.file(file).rows[0];
    let asset = |leg: &Option<packtrain_core::ledger::Leg>| leg.as_ref().unwrap().asset.to_string();
    assert_eq!(
        (asset(&row.sent), asset(&row.received)),
        ("RON@coin".to_owned(), "GEL@money".to_owned())
    );
}

#[test]
fn codes_that_are_none_too_many_or_both_are_told_all_at_once() {
    let codes = |codes: &[&str]| codes.iter().map(|code| (*code).to_owned()).collect();
    let told = |coins: Vec<String>, money: Vec<String>| {
        let options = ReadOptions {
            coins,
            money,
            ..ReadOptions::default()
        };
        let errors = check(&options).into_iter();
        let told = errors.map(|error| format!("{} {}", error.pointer, error.code));
        told.collect::<Vec<_>>()
    };
    assert_eq!(
        told(codes(&["RON", "BTC"]), codes(&["ron", "coin"])),
        [
            "/coins unknown_currency",
            "/money unknown_currency",
            "/money code_repeated"
        ]
    );
    let many = vec!["RON".to_owned(); FILE_CODES_MAX + 1];
    assert_eq!(told(many.clone(), Vec::new()), ["/coins code_count"]);
    // Not compared where there are too many.
    assert_eq!(
        told(many.clone(), many),
        ["/coins code_count", "/money code_count"]
    );
}
