//! Decimal commas in ledgers of one's own that semicolons part.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use packtrain_tax::import::{self, Import, Limits};

const HEADER: &str = "timestamp;type;wallet;sent_amount;sent_asset;received_amount;received_asset;\
                      fee_amount;fee_asset;value;currency;lots";

fn read(rows: &[&str]) -> Import {
    let file = format!("{HEADER}\n{}\n", rows.join("\n"));
    import::read(file.as_bytes(), Limits::default()).unwrap()
}

/// Line, code and text of each error.
fn errors(rows: &[&str]) -> Vec<(u32, String, String)> {
    let errors = read(rows).errors.into_iter();
    let told = errors.map(|error| (error.line, error.code, error.message));
    told.collect()
}

const SOLD: &str =
    "2024-03-10T12:00:00Z;sell;A;0,50000001;BTC;30000,5;EUR;0,1;EUR;30000,5;EUR;\"a:0,5\"";

#[test]
fn a_comma_alone_marks_decimals_in_a_ledger_that_semicolons_part() {
    let import = read(&[SOLD]);
    assert_eq!(import.errors, []);
    let row = &import.rows[0];
    let amount = |leg: &Option<packtrain_core::ledger::Leg>| {
        leg.as_ref()
            .map(|leg| leg.amount.to_string())
            .unwrap_or_default()
    };
    assert_eq!(amount(&row.sent), "0.50000001");
    assert_eq!(amount(&row.received), "30000.5");
    assert_eq!(amount(&row.fee), "0.1");
    assert_eq!(
        row.value.map(|value| value.to_cents()).as_deref(),
        Some("30000.50")
    );
    assert_eq!(row.rare.lots[0].quantity.to_string(), "0.5");
    let points = SOLD.replace(',', ".");
    assert_eq!(read(&[&points]).rows[0].sent, row.sent);
}

#[test]
fn a_comma_without_figures_before_or_behind_it_is_read_where_a_point_is() {
    for (amount, read_as) in [(",5", "0.5"), ("5,", "5"), ("+,5", "0.5"), (",500", "0.5")] {
        let received = |text: &str| {
            let import = read(&[&SOLD.replace("30000,5;EUR;0,1", &format!("{text};EUR;0,1"))]);
            assert_eq!(import.errors, [], "{text}");
            import.rows[0].received.as_ref().unwrap().amount.to_string()
        };
        assert_eq!(received(amount), read_as);
        assert_eq!(received(&amount.replace(',', ".")), read_as);
    }
    let none = SOLD.replace("30000,5;EUR;0,1", ",;EUR;0,1");
    let codes: Vec<_> = errors(&[&none]).into_iter().map(|it| it.1).collect();
    assert_eq!(codes, ["amount_malformed"]);
}

#[test]
fn an_amount_that_may_mean_two_numbers_is_an_error_with_its_line_and_text() {
    for amount in ["1.234,56", "1,234.56"] {
        let row = SOLD.replace("30000,5;EUR;0,1", &format!("{amount};EUR;0,1"));
        let found = errors(&[SOLD, &row]);
        let said = format!("{amount:?} may mean two numbers: it has more than one mark");
        assert_eq!(found, [(3, "amount_ambiguous".to_owned(), said)]);
    }
    let value = SOLD.replace("EUR;30000,5;EUR", "EUR;1.234;EUR");
    let said = "\"1.234\" may mean two numbers: elsewhere a comma marks decimals".to_owned();
    assert_eq!(
        errors(&[SOLD, &value]),
        [(3, "amount_ambiguous".to_owned(), said)]
    );
}

#[test]
fn a_ledger_whose_every_mark_may_be_one_of_thousands_is_an_error_that_says_how_to_write_it() {
    let row = "2024-03-10T12:00:00Z;sell;A;12;BTC;1.234;EUR;;;;EUR;";
    let found = errors(&[row]);
    let said = "\"1.234\" may mean two numbers: no other number of the file shows its mark of \
                decimals; 1234.00 or 1.2340 has one meaning";
    assert_eq!(found, [(2, "amount_ambiguous".to_owned(), said.to_owned())]);
    for (amount, read_as) in [
        ("1234.00", "1234"),
        ("1.2340", "1.234"),
        ("1234,00", "1234"),
    ] {
        let import = read(&[&row.replace("1.234", amount)]);
        let received = import.rows[0].received.as_ref().unwrap();
        assert_eq!(received.amount.to_string(), read_as);
    }
}

#[test]
fn a_quoted_decimal_comma_where_commas_part_the_cells_is_an_error() {
    let file = format!("{}\n", HEADER.replace(';', ","))
        + "2024-03-10T12:00:00Z,buy,A,10,EUR,\"0,5\",BTC,,,,EUR,\n";
    let import = import::read(file.as_bytes(), Limits::default()).unwrap();
    let codes: Vec<_> = import.errors.iter().map(|error| &*error.code).collect();
    assert_eq!(codes, ["amount_malformed"]);
}
