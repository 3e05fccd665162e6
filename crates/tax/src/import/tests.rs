//! Reading files, good and bad.

use std::fmt::Write;

use packtrain_core::ledger::RowKind;

use super::*;

const HEADER: &str =
    "id,timestamp,type,wallet,sent_amount,sent_asset,received_amount,received_asset,value,currency";

fn read_text(text: &str) -> Result<Import, ImportError> {
    read(text.as_bytes(), Limits::default())
}

/// Reads rows under the usual header.
fn rows(lines: &[&str]) -> Import {
    read_text(&format!("{HEADER}\n{}\n", lines.join("\n"))).unwrap()
}

/// Line, column and code of each error.
fn places(import: &Import) -> Vec<(u32, u32, &str)> {
    let errors = import.errors.iter();
    errors
        .map(|error| (error.line, error.column.unwrap_or(0), &*error.code))
        .collect()
}

#[test]
fn a_good_file_gives_its_rows_with_their_lines() {
    let import = rows(&[
        "a,2024-01-10T12:00:00Z,BUY,main,17000,USD,1,BTC,,USD",
        ",2024-01-11T12:00:00.123456789+02:00,sell,main,1,BTC,18000,usd,,usd",
    ]);
    assert_eq!(import.errors, []);
    assert_eq!(
        (import.source, import.rows_total, import.bad_rows),
        ("neutral", 2, 0)
    );
    assert_eq!(import.rows[0].kind, RowKind::Buy);
    assert_eq!((&*import.rows[1].id, import.rows[1].line), ("line-3", 3));
    assert_eq!(
        import.rows[1].at.to_rfc3339(),
        "2024-01-11T10:00:00.123456+00:00"
    );
    assert!(std::sync::Arc::ptr_eq(
        &import.rows[0].wallet,
        &import.rows[1].wallet
    ));
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(digest(b""), empty);
    assert_eq!(import.sha256.len(), 64);
}

#[test]
fn an_error_points_at_the_cell_and_repeats_the_line() {
    let import = rows(&["a,2025-06-02T10:11:12Z,sell,Łódź,,ETH,1893.20,USD,,USD"]);
    let error = &import.errors[0];
    assert_eq!((error.line, error.column), (2, Some(34)));
    assert_eq!(error.text.chars().nth(33), Some(','));
    assert_eq!(error.field.as_deref(), Some("sent_amount"));
    assert_eq!(
        (&*error.code, &*error.message),
        ("amount_missing", "amount is empty")
    );
    assert_eq!(
        error.help.as_deref(),
        Some("expected a number such as 0.42")
    );
    assert!(error.text.starts_with("a,2025-06-02"));
}

#[test]
fn a_row_tells_all_that_is_wrong_with_it_at_once() {
    let import = rows(&["a,yesterday,swap,,1e5,BTC,-1,ETH,1.000,XYZ"]);
    assert_eq!(
        places(&import),
        [
            (2, 3, "timestamp_malformed"),
            (2, 13, "type_unknown"),
            (2, 18, "wallet_missing"),
            (2, 19, "amount_malformed"),
            (2, 27, "amount_negative"),
            (2, 40, "currency_unknown"),
        ]
    );
    assert_eq!(
        import.errors[1].help.as_deref(),
        Some("did you mean trade?")
    );
    assert_eq!(
        (import.rows.len(), import.bad_rows, import.errors_total),
        (0, 1, 6)
    );
}

#[test]
fn each_type_asks_for_the_parts_it_cannot_do_without() {
    let at = "2024-01-10T12:00:00Z";
    let code = |row: &str| {
        let header = "timestamp,type,wallet,to_wallet,sent_amount,sent_asset,received_amount,\
                      received_asset,fee_amount,fee_asset,value,currency";
        let import = read_text(&format!("{header}\n{at},{row},USD\n")).unwrap();
        import
            .errors
            .iter()
            .map(|error| error.code.clone())
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(code("buy,main,,100,USD,,,,,"), "received_missing");
    assert_eq!(code("sell,main,,,,100,USD,,,"), "sent_missing");
    assert_eq!(code("trade,main,,,,,,,,5"), "sent_missing received_missing");
    assert_eq!(code("transfer,main,,1,BTC,,,,,"), "to_wallet_missing");
    assert_eq!(code("staking,main,,1,ETH,,,,,"), "received_missing");
    assert_eq!(code("margin_pnl,main,,,,,,,,"), "value_missing");
    assert_eq!(code("fee,main,,,,,,,,"), "fee_missing");
    assert_eq!(code("fee,main,,,,,,0.1,ETH,"), "");
    assert_eq!(code("margin_pnl,main,,,,,,,,-12.5"), "");
    assert_eq!(code("buy,main,,100,USD,1,BTC,,,-5"), "amount_negative");
    // A part that is there and bad is one error and not two.
    assert_eq!(code("buy,main,,100,USD,x,BTC,,,"), "amount_malformed");
}

#[test]
fn amounts_keep_every_digit() {
    let exact = "12345678901234567890.123456789012345678";
    let import = rows(&[&format!(
        "a,2024-01-10T12:00:00Z,staking,main,,,{exact},SHIB,1,USD"
    )]);
    assert_eq!(
        import.rows[0].received.as_ref().unwrap().amount.to_string(),
        exact
    );
}

#[test]
fn a_time_without_an_offset_says_what_to_add() {
    let import = rows(&["a,2024-01-10T12:00:00,staking,main,,,1,ETH,1,USD"]);
    assert_eq!(places(&import), [(2, 3, "timestamp_without_offset")]);
}

#[test]
fn an_id_that_was_used_before_is_an_error_in_its_place_among_the_others() {
    let import = rows(&[
        "a,2024-01-10T12:00:00Z,staking,main,,,1,ETH,1,USD",
        "b,2024-01-10T12:00:00Z,staking,main,,,x,ETH,1,USD",
        "a,2024-01-11T12:00:00Z,staking,main,,,2,ETH,1,USD",
        "c,2024-01-10T12:00:00Z,staking,main,,,x,ETH,1,USD",
    ]);
    let expected = [
        (3, 39, "amount_malformed"),
        (4, 1, "duplicate_id"),
        (5, 39, "amount_malformed"),
    ];
    assert_eq!(places(&import), expected);
    assert_eq!(
        import.errors[1].message,
        "id \"a\" is already used on line 2"
    );
    assert!(import.errors[1].text.starts_with("a,2024-01-11"));
    assert_eq!(
        (import.rows.len(), import.bad_rows, import.errors_total),
        (1, 3, 3)
    );
}

#[test]
fn blank_lines_and_quoted_line_breaks_do_not_shift_the_lines_of_errors() {
    let text = "timestamp,type,wallet,received_amount,received_asset,value,currency,note\r\n\r\n\
                2024-01-10T12:00:00Z,staking,main,1,ETH,1,USD,\
                \"two\r\nlines, one \"\"cell\"\"\"\r\n\
                \r\n2024-01-10T12:00:00Z,staking,main,x,ETH,1,USD,\r\n\
                2024-01-10T12:00:00Z,staking,\"a,\r\nb\",x,ETH,1,USD,";
    let import = read_text(text).unwrap();
    assert_eq!(import.rows[0].line, 3);
    assert_eq!(
        import.rows[0].note.as_deref(),
        Some("two\r\nlines, one \"cell\"")
    );
    assert_eq!(
        places(&import),
        [(6, 35, "amount_malformed"), (8, 4, "amount_malformed")]
    );
    assert_eq!(import.errors[1].text, "b\",x,ETH,1,USD,");
}

#[test]
fn a_row_with_too_many_or_too_few_cells_is_an_error() {
    let import = rows(&[
        "a,2024-01-10T12:00:00Z,sell,main,1,BTC,18,000,USD,,USD",
        "b,2024-01-10T12:00:00Z,sell,main,1,BTC",
    ]);
    assert_eq!(
        places(&import),
        [(2, 0, "cell_count"), (3, 0, "cell_count")]
    );
    assert_eq!(
        import.errors[0].message,
        "the row has 11 cells, the header 10"
    );
}

#[test]
fn errors_beyond_the_limit_are_counted_and_not_kept() {
    let lines: Vec<_> = (0..10)
        .map(|row| format!("{row},x,buy,main,,,1,BTC,1,USD"))
        .collect();
    let limits = Limits {
        row_errors_max: 3,
        ..Limits::default()
    };
    let import = read(format!("{HEADER}\n{}", lines.join("\n")).as_bytes(), limits).unwrap();
    assert_eq!(
        (import.errors.len(), import.errors_total, import.bad_rows),
        (3, 10, 10)
    );
}

#[test]
fn a_file_over_the_row_limit_is_refused_and_one_at_the_limit_is_read() {
    let text = format!("{HEADER}\n{}", "a,x,,,,,,,,\n".repeat(3));
    let limits = |rows_max| Limits {
        rows_max,
        ..Limits::default()
    };
    assert_eq!(read(text.as_bytes(), limits(3)).unwrap().rows_total, 3);
    let error = read(text.as_bytes(), limits(2)).unwrap_err();
    assert_eq!(error, ImportError::TooManyRows { max: 2 });
}

#[test]
fn an_unknown_header_says_what_was_found_what_is_needed_and_what_may_be_meant() {
    let error = read_text("Date,Typ,wallet,Currency,Bemerkung\n").unwrap_err();
    assert_eq!(error.code(), "import.unknown_header");
    assert_eq!(
        error.to_string(),
        "the header row is of no known source: timestamp, type missing"
    );
    assert_eq!(
        error.help(),
        "found: Date, Typ, wallet, Currency, Bemerkung; needed: timestamp, type, wallet, \
         currency; did you mean \"timestamp\" by \"Date\"?; did you mean \"type\" by \"Typ\"?"
    );
    let error = read_text(&format!("{HEADER},Value\n")).unwrap_err();
    assert_eq!(
        error,
        ImportError::DoubleColumn {
            column: "value".to_owned()
        }
    );
}

#[test]
fn files_without_anything_are_empty() {
    for text in ["", " \n\n", "\u{feff}"] {
        assert_eq!(read_text(text).unwrap_err(), ImportError::Empty);
    }
    assert_eq!(rows(&[]).rows_total, 0);
}

#[test]
fn a_line_below_the_header_that_holds_the_mark_of_an_encoding_alone_is_blank() {
    let import = rows(&[
        "\u{feff}",
        "a,2024-01-10T12:00:00Z,staking,main,,,1,ETH,1,USD",
    ]);
    assert_eq!((import.rows_total, places(&import)), (1, vec![]));
    assert_eq!(import.rows[0].line, 3);
}

#[test]
fn a_sources_own_word_is_noted_by_its_characters_and_not_by_its_bytes() {
    let note = |word: &str| {
        let header = "txid,refid,time,type,subtype,asset,amount,fee";
        let row = format!("L,Q,2023-01-04 09:15:02,deposit,{word},ZUSD,5,0");
        let import = read_text(&format!("{header}\n{row}\n")).unwrap();
        import.rows[0].note.clone()
    };
    let long = "é".repeat(200);
    assert_eq!(note(&long).as_deref(), Some(&*long));
    assert_eq!(note(&format!("{long}é")), None);
}

#[test]
fn the_usual_encodings_give_the_same_rows() {
    let text = format!("{HEADER}\na,2024-01-10T12:00:00Z,staking,Łódź,,,1,ETH,1,USD\n");
    let plain = read_text(&text).unwrap();
    let marked = read(format!("\u{feff}{text}").as_bytes(), Limits::default()).unwrap();
    assert_eq!(marked.encoding, Encoding::Utf8Marked);
    let wide = |bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        format!("\u{feff}{text}")
            .encode_utf16()
            .flat_map(bytes)
            .collect()
    };
    let little = read(&wide(u16::to_le_bytes), Limits::default()).unwrap();
    let big = read(&wide(u16::to_be_bytes), Limits::default()).unwrap();
    assert_eq!(
        (little.encoding, big.encoding),
        (Encoding::Utf16Le, Encoding::Utf16Be)
    );
    for other in [marked, little, big] {
        assert_eq!(other.rows, plain.rows);
        assert_ne!(other.sha256, plain.sha256);
    }
}

#[test]
fn bytes_that_are_no_text_say_where() {
    let mut bytes = format!("{HEADER}\na,2024-01-10T12:00:00Z,staking,").into_bytes();
    bytes.extend(b"M\xfcnchen,,,1,ETH,1,USD\n");
    let error = read(&bytes, Limits::default()).unwrap_err();
    assert_eq!(error.to_string(), "line 2, byte 33 is not UTF-8 text");
    let unmarked: Vec<u8> = HEADER.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let error = read(&unmarked, Limits::default()).unwrap_err();
    assert_eq!(error.code(), "import.encoding");
}

#[test]
fn semicolons_and_other_column_orders_are_read_too() {
    let text = "Currency;VALUE;type;wallet;timestamp;received asset;received-amount;extra\n\
                USD;5;interest;main;2024-01-10T12:00:00Z;USDC;5;whatever\n";
    let import = read_text(text).unwrap();
    assert_eq!(import.errors, []);
    assert_eq!(
        import.rows[0].received.as_ref().unwrap().asset.as_ref(),
        "USDC"
    );
    assert_eq!(import.header[5], "received asset");
}

#[test]
fn carried_over_dates_may_be_plain_dates_and_lots_may_be_named() {
    let text = "timestamp,type,wallet,received_amount,received_asset,basis,acquired,lots,currency\n\
                2024-01-10T12:00:00Z,opening,main,1,ETH,100,2022-01-01,,USD\n\
                2024-01-10T12:00:00Z,opening,main,1,ETH,100,2022-01-01T00:00:00Z,a:0.5; b:c:1,USD\n\
                2024-01-10T12:00:00Z,opening,main,1,ETH,100,last year,a:,USD\n";
    let import = read_text(text).unwrap();
    let noon = import.rows[0].rare.acquired.unwrap().to_rfc3339();
    assert_eq!(noon, "2022-01-01T12:00:00+00:00");
    let lots = &import.rows[1].rare.lots;
    assert_eq!((&*lots[0].row, &*lots[1].row), ("a", "b:c"));
    assert_eq!(
        places(&import),
        [(4, 45, "timestamp_malformed"), (4, 55, "lots_malformed")]
    );
}

#[test]
fn a_large_file_gives_the_same_whether_it_is_read_in_one_stretch_or_in_many() {
    let mut text = format!("{HEADER},note\n");
    for row in 0..12_000 {
        let amount = if row % 1_000 == 7 { "x" } else { "1.5" };
        let id = if row % 2_000 == 9 { 9 } else { row };
        writeln!(
            text,
            "{id},2024-01-10T12:00:00Z,staking,w{},,,{amount},ETH,1,USD,",
            row % 7
        )
        .unwrap();
    }
    let many = read_text(&text).unwrap();
    assert!(text.len() > 2 * STRETCH_BYTES_MIN);
    // A single quoted cell keeps the file in one stretch.
    let one = read_text(&format!("{}\"\"\n", text.trim_end())).unwrap();
    assert_eq!((many.rows_total, many.bad_rows), (12_000, 17));
    assert_eq!(many.rows, one.rows);
    assert_eq!(places(&many), places(&one));
    assert!(many.rows.is_sorted_by_key(|row| row.line));
}

#[test]
fn a_zero_character_anywhere_in_a_file_is_broken_encoding_with_its_line() {
    let mut text = "id,timestamp,type,wallet\n".to_owned();
    text.push_str(&"a,2024-01-10T12:00:00Z,buy,main\n".repeat(300));
    text.push_str("b,2024-01-10T12:00:00Z,buy,ma\0in\n");
    let marked = |low_first: bool| {
        let units = text.encode_utf16();
        let bytes = units.flat_map(|unit| match low_first {
            true => unit.to_le_bytes(),
            false => unit.to_be_bytes(),
        });
        let mark: [u8; 2] = if low_first {
            [0xFF, 0xFE]
        } else {
            [0xFE, 0xFF]
        };
        mark.into_iter().chain(bytes).collect::<Vec<u8>>()
    };
    for bytes in [text.as_bytes().to_vec(), marked(true), marked(false)] {
        let Err(ImportError::Encoding { line, .. }) = read(&bytes, Limits::default()) else {
            panic!("taken");
        };
        assert_eq!(line, 302);
    }
}
