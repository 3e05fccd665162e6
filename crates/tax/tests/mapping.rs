//! Files of no known source, read by a mapping.

use packtrain_core::ledger::{Row, RowKind};
use packtrain_tax::import::{Import, ImportError, Mapping, Options, read_with};
use serde_json::json;

const FILE: &str = "\
Konto 17 vom 3. Januar
Datum;Art;Menge;Coin;Wert;Ort
10.03.2024 12:00;Kauf;0,5;BTC;-30.000,00;Bisq
11.03.2024 12:00;Verkauf;-0,25;BTC;16.000,00;Bisq
12.03.2024 09:30;Storno;-1;BTC;;Bisq
13.03.2024 09:30;;-0,1;BTC;;Bisq
";

fn mapping() -> Mapping {
    let mapping = json!({
        "time": "%d.%m.%Y %H:%M", "zone": "Europe/Berlin", "currency": "EUR",
        "columns": {
            "timestamp": "Datum", "type": "Art", "amount": "menge", "asset": "Coin",
            "value": "Wert", "wallet": "Ort",
        },
        "types": { "Kauf": "buy", "Verkauf": "sell", "Storno": "skip" },
    });
    match serde_json::from_value(mapping) {
        Ok(mapping) => mapping,
        Err(error) => panic!("{error}"),
    }
}

fn read(file: &str, mapping: Mapping) -> Result<Import, ImportError> {
    let options = Options {
        mapping: Some(mapping),
        ..Options::default()
    };
    read_with(file.as_bytes(), &options)
}

fn said(row: &Row) -> String {
    let leg = |leg: &Option<packtrain_core::ledger::Leg>| {
        let leg = leg.as_ref();
        leg.map_or_else(
            || "-".to_owned(),
            |leg| format!("{} {}", leg.amount, leg.asset),
        )
    };
    format!(
        "{} {} {} {} {} {}",
        row.at.to_rfc3339(),
        row.kind,
        row.wallet,
        leg(&row.sent),
        leg(&row.received),
        row.value
            .map_or_else(|| "-".to_owned(), |value| value.to_cents()),
    )
}

#[test]
fn a_mapping_reads_a_file_of_its_own_words_signs_forms_and_zone() {
    let import = read(FILE, mapping()).unwrap();
    assert_eq!(import.errors, []);
    assert_eq!(import.source, "mapped");
    let rows: Vec<_> = import.rows.iter().map(said).collect();
    assert_eq!(
        rows,
        [
            "2024-03-10T11:00:00+00:00 buy Bisq - 0.5 BTC 30000.00",
            "2024-03-11T11:00:00+00:00 sell Bisq 0.25 BTC - 16000.00",
            "2024-03-13T08:30:00+00:00 withdrawal Bisq 0.1 BTC - -",
        ]
    );
}

#[test]
fn a_word_without_a_meaning_is_an_error_with_its_line_and_the_rest_is_read() {
    let file = FILE.replace("Verkauf", "Tausch");
    let import = read(&file, mapping()).unwrap();
    let [error] = &import.errors[..] else {
        panic!("{:?}", import.errors);
    };
    assert_eq!((error.line, &*error.code), (4, "type_unknown"));
    assert!(error.help.as_ref().unwrap().contains("[types]"));
    let kinds: Vec<_> = import.rows.iter().map(|row| row.kind).collect();
    assert_eq!(kinds, [RowKind::Buy, RowKind::Withdrawal]);
}

#[test]
fn a_mapping_that_does_not_fit_says_which_column_is_not_there() {
    let renamed = FILE.replace("Datum", "Tag");
    let error = read(&renamed, mapping()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the mapping does not fit: no column \"Datum\" in the file"
    );
    let mut wrong = mapping();
    wrong.columns.insert("price".into(), "Wert".into());
    let error = read(FILE, wrong).unwrap_err().to_string();
    assert!(error.contains("there is no column \"price\""), "{error}");
    let mut empty = mapping();
    empty.columns.remove("amount");
    let error = read(FILE, empty).unwrap_err().to_string();
    assert!(error.contains("sent_amount"), "{error}");
}

#[test]
fn a_type_that_is_none_of_ours_is_refused_with_its_name() {
    let wrong = json!({ "columns": {}, "types": { "Kauf": "purchase" } });
    let error = serde_json::from_value::<Mapping>(wrong).unwrap_err();
    assert!(error.to_string().contains("\"purchase\""), "{error}");
}

/// What is said of a file of two rows: the value of the first, and the amount of the second.
fn amounts(value: &str, amount: &str) -> Result<String, String> {
    let file = format!(
        "Datum;Art;Menge;Coin;Wert;Ort\n\
         10.03.2024 12:00;Kauf;1;BTC;{value};Bisq\n\
         11.03.2024 12:00;Verkauf;{amount};BTC;100;Bisq\n"
    );
    let import = read(&file, mapping()).map_err(|error| error.to_string())?;
    let mut errors = import.errors.iter();
    if let Some(error) = errors.find(|error| error.code == "amount_ambiguous") {
        return Err(format!("line {}: {}", error.line, error.message));
    }
    assert_eq!(import.errors, []);
    let sent = import.rows[1].sent.as_ref();
    Ok(sent.map_or_else(String::new, |sent| sent.amount.to_string()))
}

#[test]
fn a_number_of_a_mapped_file_that_may_mean_two_is_told_and_not_guessed() {
    let doubt = |line, cell: &str, why: &str| {
        Err(format!("line {line}: {cell:?} may mean two numbers: {why}"))
    };
    let (comma, point) = (
        "elsewhere a comma marks decimals",
        "elsewhere a point marks decimals",
    );
    let unknown = "no other number of the file shows its mark of decimals; 1234.00 or 1.2340 has \
                   one meaning";
    assert_eq!(amounts("1.234,56", "-1.500"), doubt(3, "-1.500", comma));
    assert_eq!(amounts("€ 0,50", "-1.500"), doubt(3, "-1.500", comma));
    assert_eq!(amounts("1,234.56", "-1,500"), doubt(3, "-1,500", point));
    assert_eq!(amounts("100", "-1.500"), doubt(3, "-1.500", unknown));
    assert_eq!(amounts("100", "-1,500"), doubt(3, "-1,500", unknown));
    let several = "it has more than one mark";
    assert_eq!(amounts("1.23,5", "-1"), doubt(2, "1.23,5", several));
    // What another number shows is no guess, nor are four figures or a power of ten.
    assert_eq!(amounts("1.234,56", "-1,500"), Ok("1.5".to_owned()));
    assert_eq!(amounts("1,234.56", "-1.500"), Ok("1.5".to_owned()));
    assert_eq!(amounts("(0,50)", "-1,500"), Ok("1.5".to_owned()));
    assert_eq!(amounts("100", "-1 500,25"), Ok("1500.25".to_owned()));
    assert_eq!(amounts("100", "-1,500e3"), Ok("1500".to_owned()));
    // A comma may stand where a point may, before all figures or behind them.
    for (comma, read_as) in [
        ("-,5", "0.5"),
        ("(€ ,5)", "0.5"),
        ("-5,", "5"),
        ("(5,)", "5"),
    ] {
        assert_eq!(amounts("0,1", comma), Ok(read_as.to_owned()), "{comma}");
        let point = comma.replace(',', ".");
        assert_eq!(amounts("0.1", &point), Ok(read_as.to_owned()), "{point}");
    }
}

#[test]
fn a_number_of_an_exchanges_file_that_may_mean_two_is_told_and_not_guessed() {
    let header = "Timestamp;Date;Time;Type;Transaction ID;Fee;Fee unit;Address;Label;Amount;\
                  Amount unit;Fiat (USD);Other";
    let row = "1672570800;1/1/2023;11:00:00 GMT+0;RECV;aa11;;;bc1qexampleone;savings;1.500;BTC;;";
    let import = read_with(format!("{header}\n{row}\n").as_bytes(), &Options::default());
    let import = import.unwrap();
    let codes: Vec<_> = import.errors.iter().map(|error| &*error.code).collect();
    assert_eq!(codes, ["amount_ambiguous"]);
    let shown = format!("{header}\n{row}\n{}\n", row.replace("1.500", "0.05"));
    let import = read_with(shown.as_bytes(), &Options::default()).unwrap();
    assert_eq!(import.errors, []);
}

/// Codes of what is said of one row.
fn said_of(row: &str) -> Vec<(u32, String)> {
    said_by(row, mapping())
}

fn said_by(row: &str, mapping: Mapping) -> Vec<(u32, String)> {
    let file = format!("Datum;Art;Menge;Coin;Wert;Ort\n{row}\n");
    let errors = read(&file, mapping).expect("a file").errors.into_iter();
    errors.map(|error| (error.line, error.code)).collect()
}

#[test]
fn a_value_of_a_mapped_file_that_money_cannot_hold_is_an_error_of_its_row() {
    let row = |value: &str| format!("10.03.2024 12:00;Kauf;1;BTC;{value};Bisq");
    let error = |code: &str| vec![(2, code.to_owned())];
    let decimals = format!("1,{}1", "0".repeat(18));
    assert_eq!(said_of(&row(&decimals)), error("amount_too_precise"));
    let large = format!("1{}", "0".repeat(37));
    assert_eq!(said_of(&row(&large)), error("amount_malformed"));
    assert_eq!(said_of(&row("1,000000000000000001")), []);
}

#[test]
fn a_bad_cell_of_a_mapped_file_is_told_once() {
    let once = |code: &str| vec![(2, code.to_owned())];
    for row in [
        "10.03.2024 12:00;Kauf;1x2;BTC;100;Bisq",
        "10.03.2024 12:00;Verkauf;1x2;BTC;100;Bisq",
        "10.03.2024 12:00;;1x2;BTC;100;Bisq",
        "10.03.2024 12:00;Kauf;1;BTC;1x2;Bisq",
    ] {
        assert_eq!(said_of(row), once("amount_malformed"), "{row}");
    }
    // The money that moved could have told the value's currency.
    let without = Mapping {
        currency: None,
        ..mapping()
    };
    let row = "10.03.2024 12:00;Kauf;1x2;EUR;100;Bisq";
    assert_eq!(said_by(row, without.clone()), once("amount_malformed"));
    let row = row.replace("1x2;EUR", "1;BTC");
    assert_eq!(said_by(&row, without), once("currency_missing"));
    let nameless = "10.03.2024 12:00;Kauf;1;;100;Bisq";
    assert_eq!(said_of(nameless), once("asset_missing"));
    // Two cells that are bad are two errors, and an amount that is not there is one.
    let both = said_of("10.03.2024 12:00;Kauf;1x2;BTC;3x4;Bisq");
    assert_eq!(
        both,
        [once("amount_malformed"), once("amount_malformed")].concat()
    );
    assert_eq!(said_of("10.03.2024 12:00;Kauf;;BTC;100;Bisq").len(), 1);
}
