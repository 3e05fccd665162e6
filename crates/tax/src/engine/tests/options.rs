//! Fees of own transfers and rewards of staking, by the options that decide what they are.

use super::*;

fn by_wallet(rows: &[&str], name: &str, value: &str) -> Outcome {
    let request = Request {
        scope: Some(Scope::Wallet),
        options: [(name.to_owned(), value.to_owned())].into(),
        ..Request::default()
    };
    compute(&[ledger(rows)], Country::Us, &request).unwrap()
}

fn removed(outcome: &Outcome) -> Vec<String> {
    let line = |line: &crate::outcome::Removed| {
        let (kind, cost) = (line.kind, line.cost.to_cents());
        format!("{} {kind} {} {} {cost}", line.id, line.quantity, line.asset)
    };
    outcome.removed.iter().map(line).collect()
}

fn income(outcome: &Outcome) -> Vec<String> {
    let line = |line: &crate::outcome::Income| {
        let value = line.value.to_cents();
        format!("{} {} {} {value}", line.id, line.date, line.quantity)
    };
    outcome.income.iter().map(line).collect()
}

fn says(outcome: &Outcome, words: &str) -> bool {
    outcome
        .rules_used
        .iter()
        .any(|note| note.text.contains(words))
}

const ON_THE_WAY: &[&str] = &[
    "a 2024-02-01 buy A 100USD 1BTC -",
    "b 2024-03-01 buy A 300USD 1BTC -",
    "w 2024-04-01 withdrawal A 1.5BTC - - hash=x value=900",
    "d 2024-04-01T13:00:00Z deposit B - 1.4BTC - hash=x",
    "s 2024-05-01 sell B 1.4BTC 1400USD -",
];

#[test]
fn what_a_transfer_lost_on_its_way_is_a_fee_by_the_option() {
    let sold = by_wallet(ON_THE_WAY, "transfer_fee", "disposal");
    assert_eq!(
        lines(&sold),
        [
            "w<b 0.1 30.00 30.00",
            "s<a 1 100.00 900.00",
            "s<b 0.4 120.00 280.00"
        ]
    );
    assert!(says(
        &sold,
        "is a disposal of them at their value, which joins no cost"
    ));
    // 30 of cost over 1.4 units: 21.43 and 8.57.
    let joined = by_wallet(ON_THE_WAY, "transfer_fee", "cost");
    assert_eq!(
        lines(&joined),
        ["s<a 1 121.43 878.57", "s<b 0.4 128.57 271.43"]
    );
    assert!(says(&joined, "joins the cost of the units moved, as asked"));
    assert_eq!(removed(&joined), Vec::<String>::new());
    let lost = by_wallet(ON_THE_WAY, "transfer_fee", "lost");
    assert_eq!(
        lines(&lost),
        ["s<a 1 100.00 900.00", "s<b 0.4 120.00 280.00"]
    );
    assert_eq!(removed(&lost), ["w withdrawal 0.1 BTC 30.00"]);
    assert!(says(&lost, "deducted nowhere, as asked"));
    for outcome in [&sold, &joined, &lost] {
        assert_eq!(holdings(outcome), ["BTC A 0.5 150.00"]);
    }
}

#[test]
fn the_cost_of_a_fee_in_another_coin_joins_the_units_moved() {
    let rows = [
        "a 2024-02-01 buy A 100USD 1BTC -",
        "e 2024-02-01 buy A 50USD 1ETH -",
        "t 2024-04-01 transfer A>B 1BTC 1BTC 0.1ETH fee_value=20",
        "s 2024-05-01 sell B 1BTC 1000USD -",
    ];
    let joined = by_wallet(&rows, "transfer_fee", "cost");
    assert_eq!(lines(&joined), ["s<a 1 105.00 895.00"]);
    assert_eq!(holdings(&joined), ["ETH A 0.9 45.00"]);
}

#[test]
fn the_cost_of_a_fee_joins_units_without_a_record_that_were_moved_and_none_that_lay_there() {
    let rows = |last: &[&'static str]| {
        let first = [
            "b 2024-01-01 buy B 1000USD 1ETH -",
            "n 2024-01-01 buy A 30USD 10BNB -",
            "s 2024-03-01 sell B 2ETH 3000USD -",
        ];
        [&first, last].concat()
    };
    let of_one = rows(&["t 2024-02-01 transfer A>B 1ETH 1ETH 1BNB fee_value=5"]);
    let of_two = rows(&[
        "w 2024-02-01T10:00:00Z withdrawal A 1ETH - 1BNB hash=x fee_value=5",
        "t 2024-02-01T09:55:00Z deposit B - 1ETH - hash=x",
    ]);
    for rows in [of_one, of_two] {
        let joined = by_wallet(&rows, "transfer_fee", "cost");
        let expected = ["s<b 1 1000.00 500.00", "s<- 1 3.00 1497.00"];
        assert_eq!(lines(&joined), expected);
    }
    // A quarter of the units has a lot: it gets a quarter of the 3.
    let in_part = rows(&[
        "a 2024-01-02 buy A 200USD 0.25ETH -",
        "t 2024-02-01 transfer A>B 1ETH 1ETH 1BNB fee_value=5",
    ]);
    let joined = by_wallet(&in_part, "transfer_fee", "cost");
    let expected = [
        "s<b 1 1000.00 500.00",
        "s<a 0.25 200.75 174.25",
        "s<- 0.75 2.25 1122.75",
    ];
    assert_eq!(lines(&joined), expected);
}

#[test]
fn the_cost_of_a_fee_joins_what_lies_there_when_the_method_took_the_units_moved_for_it() {
    let rows = [
        "a 2024-02-01 buy A 100USD 1BTC -",
        "b 2024-03-01 buy B 300USD 1BTC -",
        "c 2024-03-02 buy A 500USD 1BTC -",
        "t 2024-04-01 transfer A>B 1BTC 1BTC 1BTC fee_value=20",
    ];
    // Over all wallets the fee takes the oldest lot, which has just moved to B.
    let request = Request {
        options: [("transfer_fee".to_owned(), "cost".to_owned())].into(),
        ..Request::default()
    };
    let outcome = compute(&[ledger(&rows)], Country::Us, &request).unwrap();
    assert_eq!(holdings(&outcome), ["BTC * 2 900.00"]);
    assert_eq!(removed(&outcome), Vec::<String>::new());
}

#[test]
fn the_cost_of_a_fee_joins_the_lot_that_goes_next_when_a_sale_elsewhere_took_the_units_moved() {
    let rows = [
        "a 2024-01-01 buy A 100USD 1BTC -",
        "b 2024-01-02 buy B 300USD 1BTC -",
        "c 2024-01-02 buy D 700USD 1BTC -",
        "e 2024-01-03 buy C 50USD 1ETH -",
        "w 2024-02-01T10:00:00Z withdrawal A 1BTC - - hash=x",
        "s 2024-02-01T10:01:00Z sell B 1BTC 400USD -",
        "d 2024-02-01T10:05:00Z deposit C - 1BTC 0.1ETH hash=x fee_value=20",
        "t 2024-03-01 sell D 1BTC 1000USD -",
    ];
    let outcome = with_option(&rows, "transfer_fee", "cost");
    // The sale took lot a, which had moved to C; next goes lot b.
    assert_eq!(
        lines(&outcome),
        ["s<a 1 100.00 300.00", "t<b 1 305.00 695.00"]
    );
    assert_eq!(holdings(&outcome), ["BTC * 1 700.00", "ETH * 0.9 45.00"]);
    assert_eq!(removed(&outcome), Vec::<String>::new());
}

#[test]
fn a_fee_without_units_that_its_cost_could_join_is_listed() {
    let rows = [
        "e 2024-02-01 buy A 50USD 1ETH -",
        "m 2024-03-01 transfer A>B 0.2ETH 0.2ETH -",
        "t 2024-04-01 transfer A>A 0.5ETH 0.5ETH 0.1ETH fee_value=20",
    ];
    let joined = by_wallet(&rows, "transfer_fee", "cost");
    assert_eq!(removed(&joined), ["t transfer 0.1 ETH 5.00"]);
    assert_eq!(holdings(&joined), ["ETH A 0.7 35.00", "ETH B 0.2 10.00"]);
}

#[test]
fn a_fee_in_a_row_of_its_own_is_a_disposal_whatever_the_option() {
    let rows = [
        "e 2024-02-01 buy A 50USD 1ETH -",
        "f 2024-04-01 fee A - - 0.1ETH fee_value=20",
    ];
    let outcome = by_wallet(&rows, "transfer_fee", "lost");
    assert_eq!(lines(&outcome), ["f<e 0.1 5.00 15.00"]);
}

const STAKED: &[&str] = &[
    "a 2024-01-01 buy V 2000USD 2ETH -",
    "r 2024-02-01 staking V - 1ETH - value=1500",
    "q 2024-03-01 staking V - 1ETH - value=1600",
    "t 2024-06-01 transfer V>A 1.5ETH 1.5ETH - value=3000",
    "s 2024-07-01 sell A 1.5ETH 3600USD -",
];

#[test]
fn rewards_count_when_they_leave_their_wallet_the_oldest_first() {
    let outcome = with_option(STAKED, "staking", "withdrawal");
    assert_eq!(
        income(&outcome),
        ["r 2024-06-01 1 2000.00", "q 2024-06-01 0.5 1000.00"]
    );
    // The method still chooses what is moved and sold: the oldest lot.
    assert_eq!(lines(&outcome), ["s<a 1.5 1500.00 2100.00"]);
    assert_eq!(holdings(&outcome), ["ETH * 2 3500.00"]);
    assert!(says(
        &outcome,
        "Left there at the end of the records, and in no figure: 0.5 ETH."
    ));
    let usual = with_option(STAKED, "staking", "receipt");
    assert_eq!(
        income(&usual),
        ["r 2024-02-01 1 1500.00", "q 2024-03-01 1 1600.00"]
    );
    assert!(says(&usual, "are income when they are credited"));
}

#[test]
fn rewards_that_are_sold_where_they_lie_count_on_that_day() {
    let rows = [
        "r 2024-02-01 staking V - 1ETH - value=1500",
        "s 2024-07-01 sell V 1ETH 3600USD -",
    ];
    let outcome = with_option(&rows, "staking", "withdrawal");
    assert_eq!(income(&outcome), ["r 2024-07-01 1 3600.00"]);
    assert_eq!(lines(&outcome), ["s<r 1 3600.00 0.00"]);
}

#[test]
fn rewards_that_left_for_a_deposit_that_is_booked_before_count_once() {
    let rows = [
        "r 2024-02-01 staking V - 2ETH - value=1500",
        "d 2024-06-01T11:55:00Z deposit A - 1ETH - hash=x value=2000",
        "w 2024-06-01 withdrawal V 1ETH - - hash=x value=2000",
        "s 2024-07-01 sell A 1ETH 3600USD -",
    ];
    let outcome = with_option(&rows, "staking", "withdrawal");
    assert_eq!(income(&outcome), ["r 2024-06-01 1 2000.00"]);
    assert_eq!(lines(&outcome), ["s<r 1 2000.00 1600.00"]);
}

#[test]
fn rewards_without_a_value_when_they_leave_are_a_thing_to_check() {
    let rows = [
        "r 2024-02-01 staking V - 1ETH - value=1500",
        "t 2024-06-01 transfer V>A 1ETH 1ETH -",
    ];
    let outcome = with_option(&rows, "staking", "withdrawal");
    assert_eq!(income(&outcome), ["r 2024-06-01 1 0.00"]);
    assert_eq!(
        warnings(&outcome),
        [("missing_price", "t", "1500.00".to_owned())]
    );
}

#[test]
fn a_coin_with_a_currencys_code_is_bought_and_sold_as_a_coin() {
    let rows = [
        "a 2024-02-01 buy A 100USD 100MNT -",
        "t 2024-03-01 trade A 50MNT 1SOL - value=70",
    ];
    let outcome = usual(&rows);
    assert_eq!(lines(&outcome), ["t<a 50 50.00 20.00"]);
    assert_eq!(holdings(&outcome), ["MNT * 50 50.00", "SOL * 1 70.00"]);
}

#[test]
fn a_withdrawals_fee_joins_the_units_that_its_deposit_moved_ahead_of_it() {
    let rows = [
        "a 2024-01-01 buy A 110USD 1.1ETH -",
        "d 2024-02-01T10:00:00Z deposit B - 1ETH - hash=x",
        "w 2024-02-01T10:05:00Z withdrawal A 1ETH - 0.1ETH hash=x",
    ];
    let outcome = with_option(&rows, "transfer_fee", "cost");
    assert_eq!(holdings(&outcome), ["ETH * 1 110.00"]);
    assert!(outcome.removed.is_empty());
    let lost = with_option(&rows, "transfer_fee", "lost");
    assert_eq!(holdings(&lost), ["ETH * 1 100.00"]);
}

#[test]
fn the_schedule_of_a_company_has_the_net_gain_of_its_return() {
    let boxes = |gain: &str, loss: &str, before: &str| {
        let rows = [
            "a 2024-07-10 buy A 1000AUD 2ETH - currency=AUD".to_owned(),
            format!("s 2024-08-10 sell A 1ETH {gain}AUD - currency=AUD"),
            format!("t 2024-08-11 sell A 1ETH {loss}AUD - currency=AUD"),
        ];
        let rows: Vec<_> = rows.iter().map(String::as_str).collect();
        let options = [("person", "company"), ("loss_before", before)];
        let options = options.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let request = Request {
            options: options.into(),
            ..Request::default()
        };
        let outcome = compute(&[ledger(&rows)], Country::Au, &request).unwrap();
        let assessment = &outcome.assessments[&TaxYear(2024)];
        let figure = |key: &&str| {
            let mut figures = assessment.figures.iter();
            let figure = figures.find(|figure| figure.key == *key).unwrap();
            let crate::assess::Amount::Money(money) = figure.amount else {
                panic!("{key} is money");
            };
            // Labels have no cents.
            let cents = money.to_cents();
            cents.split_once('.').unwrap().0.to_owned()
        };
        let keys = [
            "net_capital_gain",
            "schedule_1j",
            "schedule_2a",
            "schedule_2b",
            "schedule_2c",
            "schedule_2e",
            "schedule_6a",
            "schedule_3b",
        ];
        keys.iter().map(figure).collect::<Vec<_>>().join(" ")
    };
    // Gains of 100.20 and losses of 50.90 of the year; of 60 before 10.70 are left.
    assert_eq!(boxes("600.20", "449.10", "60"), "0 100 50 50 50 100 0 10");
    assert_eq!(
        boxes("600.20", "449.10", "20.90"),
        "28 100 51 51 21 72 28 0"
    );
    assert_eq!(boxes("600.20", "449.10", "0"), "49 100 51 51 0 51 49 0");
}
