//! Every source reads its samples to the neutral rows beside them, however a file was touched. A
//! sample is named after its source, and after an `@` by what is special about it.
//!
//! `SNAPSHOTS=overwrite cargo test -p packtrain-tax --test imports` writes the rows anew.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};
use std::{env, fs};

use packtrain_core::ledger::{Leg, Row};
use packtrain_core::money::Money;
use packtrain_core::time::rfc3339;
use packtrain_tax::import::{self, Decision, Import, Options};

const HEADER: &str = "id,line,timestamp,type,wallet,to_wallet,sent,received,fee,value,fee_value,\
                      currency,tx_hash,note";

/// Samples in which columns of one name are told apart by their order alone.
const WITH_AN_ORDER: &[&str] = &["cointracking@table"];

/// The coin of the samples that do not name it.
const COINS: &[(&str, &str)] = &[("blockscout", "XDAI"), ("blockscout-internal", "XDAI")];

/// Samples with a word that nothing explains.
const WITH_UNKNOWN_WORDS: &[&str] = &[
    "binance",
    "bitfinex-ledger",
    "bitfinex-movements",
    "bitstamp@2025",
    "bittytax",
    "blockscout",
    "bybit",
    "bybit-funding",
    "coinbase",
    "cointracker",
    "cointracking",
    "crypto-com",
    "etherscan",
    "etherscan-nfts",
    "gemini",
    "koinly",
    "kraken",
    "kraken-trades",
    "kucoin-transfers",
    "ledger-live",
    "okx",
    "okx-funding",
    "rotki-events",
    "rotki-trades-older",
    "solscan",
    "trezor@ethereum",
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/imports")
}

/// The samples by the word of their source.
fn samples() -> Vec<(String, String)> {
    let mut samples = Vec::new();
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ext| ext == "csv") {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            samples.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
    samples.sort();
    assert!(!samples.is_empty());
    samples
}

fn read(name: &str, text: &str) -> Import {
    let coin = COINS.iter().find(|(sample, _)| *sample == name);
    let options = Options {
        coin: coin.map(|(_, coin)| (*coin).to_owned()),
        ..Options::default()
    };
    import::read_with(text.as_bytes(), &options).unwrap()
}

/// Rows and errors as lines of text.
fn lines(import: &Import) -> Vec<String> {
    let leg = |leg: &Option<Leg>| {
        let text = leg
            .as_ref()
            .map(|leg| format!("{} {}", leg.amount, leg.asset));
        text.unwrap_or_default()
    };
    let money = |money: Option<Money>| money.map(Money::to_plain).unwrap_or_default();
    let row = |row: &Row| {
        [
            row.id.to_string(),
            row.line.to_string(),
            rfc3339(row.at),
            row.kind.to_string(),
            row.wallet.to_string(),
            row.rare.to_wallet.as_deref().unwrap_or_default().to_owned(),
            leg(&row.sent),
            leg(&row.received),
            leg(&row.fee),
            money(row.value),
            money(row.rare.fee_value),
            row.currency.to_string(),
            row.tx_hash.as_deref().unwrap_or_default().to_owned(),
            row.note.as_deref().unwrap_or_default().to_owned(),
        ]
        .join(",")
    };
    let errors = import.errors.iter();
    let errors = errors.map(|error| format!("! {}: {} {}", error.line, error.code, error.message));
    import.rows.iter().map(row).chain(errors).collect()
}

fn codes(import: &Import) -> Vec<&str> {
    import.errors.iter().map(|error| &*error.code).collect()
}

#[test]
fn every_source_reads_its_sample_to_the_rows_beside_it() {
    for (name, text) in samples() {
        let import = read(&name, &text);
        assert_eq!(import.source, name.split('@').next().unwrap());
        assert_eq!(import.decision, None, "{name}");
        let found = format!("{HEADER}\n{}\n", lines(&import).join("\n"));
        let path = folder().join(format!("{name}.rows"));
        if env::var_os("SNAPSHOTS").is_some_and(|how| how == "overwrite") {
            fs::write(&path, &found).unwrap();
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(found, expected, "{name}");
    }
}

/// A sample as the lines over its header, its records as cells, and the mark between them.
struct Cells {
    over: String,
    records: Vec<Vec<String>>,
    mark: u8,
}

fn cells(text: &str) -> Cells {
    let most = |mark: char| text.lines().map(|line| line.matches(mark).count()).max();
    let (mark, width) = [(b',', most(',')), (b';', most(';'))]
        .into_iter()
        .max_by_key(|(_, count)| *count)
        .unwrap();
    let width = width.unwrap();
    let start = text
        .lines()
        .take_while(|line| line.matches(char::from(mark)).count() < width / 2);
    let over: String = start.map(|line| format!("{line}\n")).collect();
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .delimiter(mark)
        .flexible(true)
        .from_reader(&text.as_bytes()[over.len()..]);
    let records = reader.records().map(Result::unwrap);
    let records = records.map(|record| record.iter().map(str::to_owned).collect());
    Cells {
        records: records.collect(),
        over,
        mark,
    }
}

fn written(cells: &Cells) -> String {
    let mut writer = csv::WriterBuilder::new()
        .delimiter(cells.mark)
        .from_writer(Vec::new());
    for record in &cells.records {
        writer.write_record(record).unwrap();
    }
    let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
    format!("{}{text}", cells.over)
}

#[test]
fn columns_may_stand_in_any_order() {
    for (name, text) in samples() {
        if WITH_AN_ORDER.contains(&name.as_str()) {
            continue;
        }
        let mut cells = cells(&text);
        cells.records.iter_mut().for_each(|record| record.reverse());
        let turned = read(&name, &written(&cells));
        assert_eq!(lines(&turned), lines(&read(&name, &text)), "{name}");
    }
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_change_nothing() {
    for (name, text) in samples() {
        let touched = format!("\u{feff}{}", text.replace('\n', "\r\n"));
        let touched = read(&name, &touched);
        assert_eq!(lines(&touched), lines(&read(&name, &text)), "{name}");
    }
}

#[test]
fn a_byte_order_mark_on_every_cell_changes_nothing() {
    for name in ["okx", "okx-funding"] {
        let text = fs::read_to_string(folder().join(format!("{name}.csv"))).unwrap();
        let touched = format!("\u{feff}{}", text.replace(',', ",\u{feff}"));
        let touched = touched.replace('\n', "\n\u{feff}");
        let touched = touched.trim_end_matches('\u{feff}');
        assert_eq!(lines(&read(name, touched)), lines(&read(name, &text)));
    }
}

#[test]
fn semicolons_between_the_cells_change_nothing() {
    // Where semicolons part the cells a comma alone marks decimals, so thousands go.
    let is_number = |cell: &str| {
        let mark = |letter: char| matches!(letter, '$' | ',' | '.') || letter.is_ascii_digit();
        cell.contains(',') && cell.chars().all(mark)
    };
    for (name, text) in samples() {
        let mut cells = cells(&text);
        let plain = cells.records.iter_mut().flatten();
        let thousands = plain.filter(|cell| is_number(cell));
        thousands.for_each(|cell| *cell = cell.replace(',', ""));
        cells.mark = b';';
        let touched = read(&name, &written(&cells));
        assert_eq!(lines(&touched), lines(&read(&name, &text)), "{name}");
    }
}

#[test]
fn decimal_commas_are_read_in_the_file_of_every_source() {
    for (name, text) in samples() {
        let mut cells = cells(&text);
        let is_number = |cell: &str| cell.parse::<f64>().is_ok();
        // Of both marks for thousands and decimals none can stay as it is.
        let plain = cells.records.iter_mut().flatten();
        let grouped = plain.filter(|cell| is_number(&cell.replace(',', "")));
        grouped.for_each(|cell| *cell = cell.replace(',', ""));
        let all = cells.records.iter_mut().flatten();
        let numbers = all.filter(|cell| is_number(cell));
        numbers.for_each(|cell| *cell = cell.replace('.', ","));
        cells.mark = b';';
        let touched = read(&name, &written(&cells));
        assert_eq!(lines(&touched), lines(&read(&name, &text)), "{name}");
    }
}

#[test]
fn a_word_that_nothing_explains_is_an_error_with_its_line_and_the_rest_is_read() {
    for (name, text) in samples() {
        let import = read(&name, &text);
        let unknown = import.errors.iter().find(|it| it.code == "type_unknown");
        let is_expected = WITH_UNKNOWN_WORDS.contains(&name.as_str());
        assert_eq!(unknown.is_some(), is_expected, "{name}");
        let Some(unknown) = unknown else { continue };
        let line = text.lines().nth(unknown.line as usize - 1);
        assert_eq!(Some(&*unknown.text), line, "{name}");
        assert!(!import.rows.is_empty(), "{name}");
    }
}

#[test]
fn a_row_without_an_amount_is_an_error_and_one_of_nothing_is_left_out() {
    let header = "Type,Location,Currency,Amount,Timestamp";
    let row = |amount: &str| format!("{header}\nDeposit,kraken,EUR,{amount},1672570800000\n");
    let read = |amount: &str| read("", &row(amount));
    let (missing, nothing, some) = (read(""), read("0.00"), read("1e-8"));
    assert_eq!(codes(&missing), ["received_missing"]);
    assert_eq!((codes(&nothing), nothing.rows.len()), (vec![], 0));
    assert_eq!((codes(&some), some.rows.len()), (vec![], 1));
}

#[test]
fn a_trade_with_one_half_is_an_error_and_one_that_was_not_filled_is_left_out() {
    let header = "Order ID,Symbol,Side,Filled Amount,Filled Volume,Fee,Fee Currency,Filled Time";
    let row =
        |amounts: &str| format!("{header}\na,ETH-BTC,BUY,{amounts},0,BTC,2024-01-10 12:00:00\n");
    let read = |amounts: &str| read("", &row(amounts));
    let (half, unfilled) = (read("0.00000001,0"), read("0,0"));
    assert_eq!(codes(&half), ["amount_missing"]);
    assert_eq!((codes(&unfilled), unfilled.rows.len()), (vec![], 0));
}

#[test]
fn a_header_that_fits_two_sources_is_decided_and_the_deciding_columns_are_named() {
    let text = "Type,Location,Currency,Amount,Timestamp,Wallet\n\
                Deposit,kraken,EUR,1000,1672570800000,mine\n";
    let import = read("", text);
    let expected = Decision {
        over: vec!["neutral"],
        columns: vec!["location", "amount"],
    };
    assert_eq!((import.source, import.rows.len()), ("rotki-events", 1));
    assert_eq!(import.decision, Some(expected));
}

#[test]
fn a_file_that_does_not_tell_whose_it_is_is_read_with_the_address_as_its_wallet() {
    let text = fs::read_to_string(folder().join("etherscan-tokens.csv")).unwrap();
    let first: String = text
        .lines()
        .take(2)
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(codes(&read("", &first)), ["owner_unknown"]);
    let told = |wallet: &str| {
        let options = Options {
            wallet: Some(wallet.to_owned()),
            ..Options::default()
        };
        import::read_with(first.as_bytes(), &options).unwrap()
    };
    let received = told("0x00000000000000000000000000000000000000A1");
    let sent = told("0x00000000000000000000000000000000000000b1");
    assert_eq!((codes(&received), codes(&sent)), (vec![], vec![]));
    assert!(received.rows[0].received.is_some() && sent.rows[0].sent.is_some());
}

#[test]
fn a_file_that_does_not_name_its_coin_says_so_and_is_read_with_the_coin_in_its_header() {
    let text = fs::read_to_string(folder().join("blockscout.csv")).unwrap();
    let blind = read("", &text);
    assert!(blind.rows.is_empty());
    assert!(
        blind
            .errors
            .iter()
            .any(|error| error.code == "asset_missing")
    );
    let named = text.replace("Value,Fee,", "Value(XDAI),Fee(XDAI),");
    assert_eq!(lines(&read("", &named)), lines(&read("blockscout", &text)));
}

#[test]
fn a_symbol_that_begins_with_a_figure_is_told_from_the_amount_before_it() {
    let renamed = |text: &str| text.replace("BTC", "1INCH");
    for name in ["binance-trades", "bitstamp", "gemini"] {
        let text = fs::read_to_string(folder().join(format!("{name}.csv"))).unwrap();
        let expected = lines(&read(name, &text));
        let expected: Vec<_> = expected.iter().map(|line| renamed(line)).collect();
        assert_eq!(lines(&read(name, &renamed(&text))), expected, "{name}");
    }
}

#[test]
fn a_group_of_thousands_belongs_to_the_amount_before_a_symbol() {
    let header = "Type,Datetime,Account,Amount,Value,Rate,Fee,Sub Type";
    let day = "\"Jan. 05, 2023, 09:15 AM\"";
    for amount in ["1 000 EUR", "1 000EUR", "1 000.00EUR", "1000EUR"] {
        let row = format!("{header}\nDeposit,{day},Main Account,{amount},,,,\n");
        let row = read("", &row).rows.remove(0);
        let leg = row.received.unwrap();
        assert_eq!(
            format!("{} {}", leg.amount, leg.asset),
            "1000 EUR",
            "{amount}"
        );
    }
}

#[test]
fn halves_of_conversions_of_one_moment_are_joined_in_their_order() {
    let header = "ID,Timestamp,Transaction Type,Asset,Quantity Transacted,Price Currency,\
                  Subtotal,Fees and/or Spread,Notes";
    let halves = [
        ("a", "BTC", "-1"),
        ("b", "ETH", "20"),
        ("c", "BTC", "-2"),
        ("d", "SOL", "-3"),
        ("e", "ETH", "40"),
        ("f", "ADA", "5"),
    ];
    let rows: String = halves
        .iter()
        .map(|(id, asset, units)| {
            format!("{id},2023-03-15 18:22:41 UTC,Convert,{asset},{units},USD,$1.00,$0.00,\n")
        })
        .collect();
    let import = read("coinbase", &format!("{header}\n{rows}"));
    assert_eq!(import.errors, []);
    let leg = |leg: &Option<Leg>| {
        leg.as_ref()
            .map(|leg| format!("{} {}", leg.amount, leg.asset))
    };
    let joined: Vec<_> = (import.rows.iter())
        .filter_map(|row| Some(format!("{}>{}", leg(&row.sent)?, leg(&row.received)?)))
        .collect();
    assert_eq!(joined, ["1 BTC>20 ETH", "2 BTC>40 ETH", "3 SOL>5 ADA"]);
    // The other half of the first is what comes first, whichever way it goes.
    let turned = rows.replace(",-", ",").replace(",20,", ",-20,");
    let turned = turned.replace(",40,", ",-40,").replace(",5,", ",-5,");
    let import = read("coinbase", &format!("{header}\n{turned}"));
    let joined: Vec<_> = (import.rows.iter())
        .filter_map(|row| Some(format!("{}>{}", leg(&row.sent)?, leg(&row.received)?)))
        .collect();
    assert_eq!(joined, ["20 ETH>1 BTC", "40 ETH>2 BTC", "5 ADA>3 SOL"]);
}
