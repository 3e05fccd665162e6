//! Prices that are given, and those that are found.

use super::*;

const FILE: &str = "\
price,currency,asset,date
60000.50,USD,btc,2024-03-10
61000,USD,BTC,2024-03-12
50,EUR,SOL,2016-01-04
";

fn worth(amount: &str, asset: &str, date: &str) -> Option<(String, String)> {
    let prices = Prices::read(FILE.as_bytes()).unwrap();
    let (money, day) = prices.worth(
        &Asset::from(asset),
        amount.parse().unwrap(),
        Currency::USD,
        date.parse().unwrap(),
    )?;
    Some((money.to_cents(), day.to_string()))
}

#[test]
fn a_currency_without_a_reference_rate_has_that_of_the_list() {
    let prices = Prices::read(
        "date,asset,currency,price
2026-01-05,EUR,USD,1.25
2026-01-05,THB,EUR,0.025
2026-01-05,GBP,USD,1.5
2026-01-06,USD,EUR,0.5
2024-03-11,THB,USD,0.03
2024-03-11,USD,EUR,99
2026-01-05,BTC,EUR,1000
2026-01-05,MNT@money,USD,0.0003
2026-01-05,MNT,USD,2
"
        .as_bytes(),
    );
    let prices = prices.unwrap();
    let found = |amount: &str, from: &str, to: &str, date: &str| {
        let money = Money::parse(amount, from.parse().unwrap()).unwrap();
        let found = prices.convert(money, to.parse().unwrap(), date.parse().unwrap());
        found.map(|(money, rate)| (money.to_cents(), rate))
    };
    let day = |text: &str| text.parse::<NaiveDate>().unwrap();
    let listed = |money: &str, on: &str| Some((money.to_owned(), Rate::Listed(day(on))));
    // Told either way, through euros, and through dollars; the nearer of two.
    assert_eq!(
        found("8", "EUR", "USD", "2026-01-05"),
        listed("10.00", "2026-01-05")
    );
    assert_eq!(
        found("10", "USD", "EUR", "2026-01-05"),
        listed("8.00", "2026-01-05")
    );
    assert_eq!(
        found("10", "USD", "EUR", "2026-01-06"),
        listed("5.00", "2026-01-06")
    );
    assert_eq!(
        found("400", "THB", "USD", "2026-01-05"),
        listed("12.50", "2026-01-05")
    );
    assert_eq!(
        found("12", "EUR", "GBP", "2026-01-05"),
        listed("10.00", "2026-01-05")
    );
    // Seven days old, and eight.
    assert!(found("1", "GBP", "USD", "2026-01-12").is_some());
    assert_eq!(found("1", "GBP", "USD", "2026-01-13"), None);
    // The last reference rate is behind the list's once the table has ended.
    let old = Some(("9.40".to_owned(), Rate::Reference(day("2025-12-31"))));
    assert_eq!(found("8", "EUR", "USD", "2026-01-03"), old);
    // Before, the table goes first, and does the step that the list does not.
    let shipped = Some(("0.92".to_owned(), Rate::Reference(day("2024-03-11"))));
    assert_eq!(found("1", "USD", "EUR", "2024-03-11"), shipped);
    assert!(found("100", "THB", "GBP", "2024-03-11").is_some());
    // The coin of that symbol is no rate.
    assert_eq!(
        found("10000", "MNT", "USD", "2026-01-05"),
        listed("3.00", "2026-01-05")
    );
    // A price in another currency is converted by the list as well.
    let one = Quantity::from_units(1, 0).unwrap();
    let btc = prices.worth(&Asset::from("BTC"), one, Currency::USD, day("2026-01-05"));
    assert_eq!(btc.unwrap().0.to_cents(), "1250.00");
}

#[test]
fn a_price_is_that_of_the_day_or_of_the_last_day_before_it() {
    let found = |money: &str, day: &str| Some((money.to_owned(), day.to_owned()));
    assert_eq!(
        worth("2", "BTC", "2024-03-10"),
        found("120001.00", "2024-03-10")
    );
    assert_eq!(
        worth("2", "BTC", "2024-03-11"),
        found("120001.00", "2024-03-10")
    );
    assert_eq!(
        worth("0.5", "BTC", "2024-03-19"),
        found("30500.00", "2024-03-12")
    );
    assert_eq!(worth("0.5", "BTC", "2024-03-20"), None);
    assert_eq!(worth("0.5", "BTC", "2024-03-09"), None);
    assert_eq!(worth("1", "ETH", "2024-03-10"), None);
}

#[test]
fn the_last_price_is_known_however_old_it_is_and_none_of_a_later_day() {
    let prices = Prices::read(FILE.as_bytes()).unwrap();
    let last = |date: &str| {
        let (btc, two) = (Asset::from("BTC"), "2".parse().unwrap());
        let (money, day) = prices.last_worth(&btc, two, Currency::USD, date.parse().unwrap())?;
        Some((money.to_cents(), day.to_string()))
    };
    let found = |money: &str, day: &str| Some((money.to_owned(), day.to_owned()));
    assert_eq!(last("2025-01-01"), found("122000.00", "2024-03-12"));
    assert_eq!(last("2024-03-11"), found("120001.00", "2024-03-10"));
    assert_eq!(last("2024-03-09"), None);
}

#[test]
fn a_price_in_another_currency_is_converted_at_the_rate_of_its_day() {
    // 4 January 2016: 1.0898 dollars for a euro.
    let found = Some(("54.49".to_owned(), "2016-01-04".to_owned()));
    assert_eq!(worth("1", "SOL", "2016-01-04"), found);
}

#[test]
fn of_several_currencies_of_a_day_the_wanted_one_goes_first_then_one_that_converts() {
    let worth = |lines: &str, currency: Currency| {
        let file = format!("date,asset,currency,price\n{lines}");
        let prices = Prices::read(file.as_bytes()).unwrap();
        let one = Quantity::from_units(1, 0).unwrap();
        let date = "2016-01-04".parse().unwrap();
        let found = prices.worth(&Asset::from("BTC"), one, currency, date);
        found.map(|(money, _)| money.to_cents())
    };
    let own = "2016-01-04,BTC,USD,400\n2016-01-04,BTC,EUR,50\n";
    assert_eq!(worth(own, Currency::USD).as_deref(), Some("400.00"));
    assert_eq!(worth(own, Currency::EUR).as_deref(), Some("50.00"));
    // No reference rate of the Georgian lari is known.
    let unknown = "2016-01-04,BTC,EUR,50\n2016-01-04,BTC,GEL,999\n";
    assert_eq!(worth(unknown, Currency::USD).as_deref(), Some("54.49"));
    let repeated = "2016-01-04,BTC,USD,400\n2016-01-04,BTC,USD,400\n";
    assert_eq!(worth(repeated, Currency::USD).as_deref(), Some("400.00"));
}

#[test]
fn a_line_that_is_no_price_is_told_with_its_place() {
    let said = |line: &str| {
        let file = format!("date,asset,currency,price\n2024-03-10,BTC,USD,1\n{line}\n");
        Prices::read(file.as_bytes()).unwrap_err().to_string()
    };
    assert_eq!(
        said("10.03.2024,BTC,USD,1"),
        "line 3: \"10.03.2024\" is no date such as 2024-03-10"
    );
    assert_eq!(said("2024-03-10,,USD,1"), "line 3: the asset is empty");
    assert_eq!(
        said("2024-03-10,BTC,XYZ,1"),
        "line 3: \"XYZ\" is no currency such as USD"
    );
    assert_eq!(
        said("2024-03-10,BTC,USD,-1"),
        "line 3: \"-1\" is no price such as 1234.56"
    );
    let error = Prices::read(b"date,asset,price\n").unwrap_err();
    let said = "line 1: the header \"date,asset,price\" has no column currency; needed: date, \
                asset, currency, price";
    assert_eq!(error.to_string(), said);
}

#[test]
fn two_prices_of_one_day_that_differ_are_told_with_both_lines_and_equal_ones_are_fine() {
    let read = |lines: &str| {
        let file = format!("date,asset,currency,price\n{lines}");
        Prices::read(file.as_bytes())
    };
    let twice = "2024-03-10,BTC,USD,1\n2024-03-11,BTC,USD,2\n2024-03-10,btc,USD,3.50\n";
    let error = read(twice).unwrap_err().to_string();
    let said = "line 4: BTC on 2024-03-10 is 3.5 USD here and 1 USD on line 2; keep one of them";
    assert_eq!(error, said);
    let fine = "2024-03-10,BTC,USD,1\n2024-03-10,BTC,EUR,2\n2024-03-10,BTC,USD,1.00\n";
    assert_eq!(read(fine).unwrap().len(), 3);
}
