//! One total cost of all assets, and the value of all that is held.

use std::sync::Arc;

use super::*;
use crate::engine::compute_days;
use crate::prices::Prices;

fn france(rows: &[&str], prices: &str) -> Outcome {
    let prices = format!("date,asset,currency,price\n{prices}");
    let request = Request {
        prices: Arc::new(Prices::read(prices.as_bytes()).unwrap()),
        ..Request::default()
    };
    compute(&[ledger(rows)], Country::Fr, &request).unwrap()
}

/// Code, row, what is at stake, and whether that was computed.
fn findings(outcome: &Outcome) -> Vec<(&'static str, &str, String, bool)> {
    let warnings = outcome.warnings.iter();
    warnings
        .map(|one| {
            let stake = one.at_stake.to_cents();
            (one.code.as_str(), &*one.id, stake, one.is_exact)
        })
        .collect()
}

const TWO: [&str; 3] = [
    "b 2024-01-05 buy A 1000EUR 1BTC - currency=EUR",
    "e 2024-01-06 buy A 1000EUR 10ETH - currency=EUR",
    "s 2024-06-01 sell A 0.5BTC 1500EUR - currency=EUR",
];

#[test]
fn the_sentence_of_a_disposal_names_its_figures_and_the_price_of_all_that_was_held() {
    let why = |prices| france(&TWO, prices).disposals[0].reason().to_string();
    assert_eq!(
        why("2024-05-30,ETH,EUR,300\n"),
        "Part of the total cost of the portfolio: 2000.00 x price 1500.00 / value 6000.00 = \
         500.00; held were 1 BTC worth 3000.00 (by this row), 10 ETH worth 3000.00 (listed price \
         of 2024-05-30, 2 days before); proceeds as received in money."
    );
    let last = "10 ETH worth 1000.00 (last price in the records, of 2024-01-06, 147 days before);";
    assert!(why("").contains(last));
}

#[test]
fn at_most_ten_assets_are_named_the_most_valuable_of_all() {
    let mut rows: Vec<String> = (1..=12)
        .map(|n| format!("b{n} 2024-06-01 buy A {n}EUR 1C{n} - currency=EUR"))
        .collect();
    rows.push("s 2024-06-02 sell A 1C1 1EUR - currency=EUR".to_owned());
    let rows: Vec<_> = rows.iter().map(String::as_str).collect();
    let outcome = france(&rows, "");
    let Choice::Portfolio(state) = &outcome.disposals[0].why.choice else {
        panic!("{:?}", outcome.disposals[0].why);
    };
    assert_eq!(
        (state.value.to_cents(), state.more),
        ("78.00".to_owned(), 2)
    );
    let names: Vec<_> = state.parts.iter().map(|part| &*part.asset).collect();
    let wanted = [
        "C12", "C11", "C10", "C9", "C8", "C7", "C6", "C5", "C4", "C3",
    ];
    assert_eq!(names, wanted);
    assert_eq!(outcome.warnings, []);
}

#[test]
fn an_old_price_is_at_stake_with_what_the_gain_would_be_without_it() {
    // 2,000 x 1,500 / 4,000 = 750; without the ETH 2,000 x 1,500 / 3,000 = 1,000.
    let outcome = france(&TWO, "");
    let wanted = ("missing_portfolio_price", "s", "250.00".to_owned(), true);
    assert_eq!(findings(&outcome), [wanted]);
    let finding = &outcome.warnings[0];
    assert!(
        finding.message.contains("10 were held"),
        "{}",
        finding.message
    );
    assert!(
        finding
            .message
            .ends_with("the nearest was taken: 147 days old, the last price in the records"),
        "{}",
        finding.message
    );
    assert_eq!(france(&TWO, "2024-05-25,ETH,EUR,100\n").warnings, []);
    assert_eq!(france(&TWO, "2024-05-24,ETH,EUR,100\n").warnings.len(), 1);
}

#[test]
fn of_the_list_and_the_records_the_nearer_price_holds_and_one_too_old_is_a_finding() {
    let first = |prices| {
        let outcome = france(&TWO, prices);
        let said = outcome.warnings.iter().map(|one| one.message.clone());
        (
            outcome.disposals[0].reason().to_string(),
            said.collect::<Vec<_>>(),
        )
    };
    // The purchase is of 6 January, the sale of 1 June.
    let (why, said) = first("2024-05-20,ETH,EUR,300\n");
    assert!(
        why.contains("(listed price of 2024-05-20, 12 days before)"),
        "{why}"
    );
    assert!(
        said[0].ends_with("the nearest was taken: 12 days old, of the list of prices"),
        "{said:?}"
    );
    let (why, said) = first("2024-01-05,ETH,EUR,300\n");
    assert!(
        why.contains("(last price in the records, of 2024-01-06,"),
        "{why}"
    );
    assert_eq!(said.len(), 1);
    let (why, _) = first("2024-01-06,ETH,EUR,300\n");
    assert!(
        why.contains("(listed price of 2024-01-06, 147 days before)"),
        "{why}"
    );
    // A price of a later day was not known.
    let (why, _) = first("2024-06-02,ETH,EUR,300\n");
    assert!(
        why.contains("(last price in the records, of 2024-01-06,"),
        "{why}"
    );
}

#[test]
fn an_old_price_of_the_list_is_at_stake_with_what_the_gain_would_be_without_it() {
    // 2,000 x 1,500 / 6,000 = 500; without the ETH 2,000 x 1,500 / 3,000 = 1,000.
    let outcome = france(&TWO, "2024-05-20,ETH,EUR,300\n");
    let wanted = ("missing_portfolio_price", "s", "500.00".to_owned(), true);
    assert_eq!(findings(&outcome), [wanted]);
}

#[test]
fn units_that_a_wallet_lacked_count_at_the_nearest_price_and_change_that_of_no_others() {
    let rows = [
        "b 2024-01-05 buy A 1000EUR 1BTC - currency=EUR",
        "e 2024-01-06 buy B 1000EUR 10ETH - currency=EUR",
        "t 2024-05-31 trade A 0.1ETH 100ADA - currency=EUR",
        "s 2024-06-01 sell A 0.5BTC 1500EUR - currency=EUR",
    ];
    let outcome = france(&rows, "2024-05-20,ETH,EUR,300\n");
    let lacked = outcome.warnings.iter().find(|one| one.id.as_ref() == "t");
    // ADA of 30 is held. Bought for 30, so are 0.1 ETH more: 2,030 x 1,500 / 6,030 in place of
    // 2,000 x 1,500 / 6,000.
    let lacked = lacked.unwrap();
    assert_eq!(
        (lacked.at_stake.to_cents(), lacked.is_exact),
        ("4.98".to_owned(), true)
    );
}

#[test]
fn a_fee_in_units_is_named_with_what_it_was_worth() {
    let rows = [
        "b 2024-06-01 buy A 1000EUR 1BTC - currency=EUR",
        "c 2024-06-01 buy A 100EUR 1BNB - currency=EUR",
        "s 2024-06-02 sell A 0.5BTC 1000EUR 0.01BNB currency=EUR",
    ];
    let outcome = france(&rows, "2024-05-31,BNB,EUR,200\n");
    let why = outcome.disposals[0].reason().to_string();
    let fee = "; costs were 0.01 BNB worth 2.00 (listed price of 2024-05-31, 2 days before);";
    assert!(why.contains(fee), "{why}");
    assert_eq!(outcome.disposals[0].fees.to_cents(), "2.00");
}

#[test]
fn a_gift_says_how_the_part_that_it_used_came_about() {
    let rows = [
        "b 2024-06-01 buy A 1000EUR 1BTC - currency=EUR",
        "e 2024-06-01 buy A 1000EUR 10ETH - currency=EUR",
        "g 2024-06-02 gift_out A 5ETH - - value=500 currency=EUR",
    ];
    let outcome = france(&rows, "");
    let part = outcome.removed[0].part.as_ref().unwrap().to_string();
    let said = "2000.00 x price 500.00 / value 2000.00 = 500.00; held were 1 BTC worth 1000.00 \
                (last price in the records, of 2024-06-01, 1 day before), 10 ETH worth 1000.00 \
                (by this row)";
    assert!(part.ends_with(said), "{part}");
}

#[test]
fn what_was_never_priced_counts_as_zero_and_is_told_once_a_year() {
    let rows = [
        "b 2023-01-05 buy A 1000EUR 4BTC - currency=EUR",
        "a 2023-01-06 airdrop A - 5SOL - currency=EUR",
        "s 2023-06-01 sell A 1BTC 1000EUR - currency=EUR",
        "t 2023-07-01 sell A 1BTC 1000EUR - currency=EUR",
        "u 2024-06-01 sell A 1BTC 1000EUR - currency=EUR",
    ];
    let outcome = france(&rows, "");
    // As much of the cost as these disposals used, 1,000 / 4 each, may be used too much.
    let one = |row, used: &str| ("missing_portfolio_price", row, used.to_owned(), false);
    assert_eq!(findings(&outcome), [one("s", "500.00"), one("u", "250.00")]);
    let gains = outcome.disposals.iter().map(|line| line.gain.to_cents());
    assert_eq!(gains.collect::<Vec<_>>(), ["750.00"; 3]);
}

/// What each disposal used of the total cost.
fn used(rows: &[&str], prices: &str) -> Vec<String> {
    let outcome = france(rows, prices);
    let costs = outcome.disposals.iter().map(|line| line.cost.to_cents());
    costs.collect()
}

#[test]
fn a_margin_result_is_no_price_of_the_units_that_settle_it() {
    // 2,000 x 100 / 2,000 settles; 1,900 x 1,000 / (2,000 + 900) = 655.17.
    let rows = [
        "b 2024-06-01 buy A 1000EUR 1BTC - currency=EUR",
        "e 2024-06-01 buy A 1000EUR 1000USDC - currency=EUR",
        "m 2024-06-02 margin_pnl A 100USDC - - value=-100 currency=EUR",
        "s 2024-06-03 sell A 0.5BTC 1000EUR - currency=EUR",
    ];
    assert_eq!(used(&rows, ""), ["100.00", "655.17"]);
}

#[test]
fn a_price_of_zero_or_of_dust_takes_the_place_of_no_better_one_near() {
    let with = |row| {
        let rows = [
            "b 2024-06-01 buy A 1000EUR 1BTC - currency=EUR",
            "e 2024-06-01 buy A 1000EUR 10ETH - currency=EUR",
            row,
            "s 2024-06-11 sell A 1ETH 100EUR - currency=EUR",
        ];
        used(&rows, "")
    };
    let zero = "a 2024-06-02 staking A - 0.00000001BTC - value=0 currency=EUR";
    assert_eq!(with(zero), ["100.00"]);
    // 500 for one: within seven days of the 1,000 it counts for nothing, on the eighth it is all.
    let near = "a 2024-06-08 staking A - 0.00002BTC - value=0.01 currency=EUR";
    assert_eq!(with(near), ["100.00"]);
    let later = "a 2024-06-09 staking A - 0.00002BTC - value=0.01 currency=EUR";
    assert_eq!(with(later), ["133.33"]);
    let whole = "a 2024-06-08 staking A - 0.002BTC - value=1 currency=EUR";
    assert_eq!(with(whole), ["133.24"]);
}

#[test]
fn a_price_of_zero_alone_is_no_price() {
    let rows = [
        "b 2024-06-01 buy A 1000EUR 2BTC - currency=EUR",
        "a 2024-06-02 airdrop A - 5SOL - value=0 currency=EUR",
        "s 2024-06-03 sell A 1BTC 500EUR - currency=EUR",
    ];
    let wanted = ("missing_portfolio_price", "s", "500.00".to_owned(), false);
    assert_eq!(findings(&france(&rows, "")), [wanted]);
}

#[test]
fn a_swap_without_a_worth_gives_the_price_of_one_leg_to_the_other_with_its_day() {
    let why = |swap, sold| {
        let rows = [
            "b 2024-06-01 buy A 1000EUR 1BTC - currency=EUR",
            "a 2024-06-01 airdrop A - 8SOL - currency=EUR",
            swap,
            sold,
        ];
        let outcome = france(&rows, "");
        assert_eq!(outcome.warnings, []);
        outcome.disposals[0].reason().to_string()
    };
    // 1,000 x 500 / (1,000 + 13 SOL at 100) = 217.39.
    let received = why(
        "t 2024-06-02 trade A 0.5BTC 5SOL - currency=EUR",
        "s 2024-06-03 sell A 0.25BTC 500EUR - currency=EUR",
    );
    assert!(received.contains("value 2300.00 = 217.39;"), "{received}");
    let last = "13 SOL worth 1300.00 (last price in the records, of 2024-06-01, 2 days before)";
    assert!(received.contains(last), "{received}");
    // And back: 5 SOL went for half a coin, so the 3 left are worth 300.
    let sent = why(
        "t 2024-06-02 trade A 5SOL 0.5BTC - currency=EUR",
        "s 2024-06-03 sell A 0.5BTC 500EUR - currency=EUR",
    );
    assert!(sent.contains("value 1800.00 = 277.78;"), "{sent}");
}

#[test]
fn what_stays_of_the_asset_that_is_sold_has_the_price_of_the_day_where_the_list_has_one() {
    let why = |prices| france(&TWO, prices).disposals[0].reason().to_string();
    // 2,000 x 1,500 / (1,500 + 1,400 + 3,000) = 508.47.
    let listed = why("2024-06-01,ETH,EUR,300\n2024-06-01,BTC,EUR,2800\n");
    let parts = "price 1500.00 / value 5900.00 = 508.47; held were 10 ETH worth 3000.00 (listed \
                 price of 2024-06-01, the same day), 0.5 BTC worth 1500.00 (by this row), 0.5 BTC \
                 worth 1400.00 (listed price of 2024-06-01, the same day);";
    assert!(listed.contains(parts), "{listed}");
    let before = why("2024-06-01,ETH,EUR,300\n2024-05-31,BTC,EUR,2800\n");
    assert!(
        before.contains("1 BTC worth 3000.00 (by this row)"),
        "{before}"
    );
}

#[test]
fn an_asset_in_two_parts_counts_once() {
    let mut rows: Vec<String> = (1..=12)
        .map(|n| format!("b{n} 2024-06-01 buy A {n}EUR 2C{n} - currency=EUR"))
        .collect();
    rows.push("s 2024-06-02 sell A 1C12 7EUR - currency=EUR".to_owned());
    let rows: Vec<_> = rows.iter().map(String::as_str).collect();
    let outcome = france(&rows, "2024-06-02,C12,EUR,6\n");
    let Choice::Portfolio(state) = &outcome.disposals[0].why.choice else {
        panic!("{:?}", outcome.disposals[0].why);
    };
    // C4 to C12 are named, C12 twice.
    assert_eq!((state.parts.len(), state.more), (10, 3));
}

#[test]
fn a_disposal_without_a_price_says_so() {
    let rows = [
        "b 2024-06-01 buy A 1000EUR 2BTC - currency=EUR",
        "s 2024-06-04 spend A 1BTC - - currency=EUR",
    ];
    let why = france(&rows, "").disposals[0].reason().to_string();
    assert!(
        why.contains("2 BTC worth 0.00 (without a price, so zero)"),
        "{why}"
    );
}

#[test]
fn a_gift_without_a_value_adds_its_listed_one_unless_its_cost_is_stated() {
    let with = |more: &str| {
        let gift = format!("g 2024-02-01 gift_in A - 6ETH - currency=EUR{more}");
        let rows = [&*gift, "s 2024-02-02 sell A 6ETH 1000EUR - currency=EUR"];
        let outcome = france(&rows, "2024-01-31,ETH,EUR,100\n");
        assert_eq!(outcome.warnings, []);
        outcome.disposals[0].cost.to_cents()
    };
    assert_eq!(with(""), "600.00");
    assert_eq!(with(" basis=400"), "400.00");
}

#[test]
fn what_is_lost_uses_no_part_of_the_total_cost() {
    let rows = [
        "b 2024-06-01 buy A 1000EUR 2BTC - currency=EUR",
        "x 2024-06-04 lost A 1BTC - - currency=EUR",
    ];
    let outcome = france(&rows, "");
    let message = "1 BTC lost; they use no part of the total cost";
    assert_eq!(outcome.warnings[0].message, message);
    assert_eq!(outcome.holdings[0].cost.to_cents(), "1000.00");
}

#[test]
fn years_before_2021_name_no_lines_of_the_forms() {
    let rows = [
        "b 2020-06-01 buy A 1000EUR 2BTC - currency=EUR",
        "s 2020-12-31 sell A 1BTC 1000EUR - currency=EUR",
        "t 2021-01-01 sell A 1BTC 1000EUR - currency=EUR",
    ];
    let outcome = france(&rows, "");
    let forms = |year| {
        let figures = outcome.assessments[&TaxYear(year)].figures.iter();
        let places = figures.filter_map(|figure| figure.form);
        places.filter(|place| !place.number.is_empty()).count()
    };
    assert_eq!((forms(2020), forms(2021)), (0, 4));
}

#[test]
fn units_sold_beyond_the_records_were_held_and_are_settled_by_a_purchase() {
    let rows = [
        "b 2024-01-05 buy A 1000EUR 1BTC - currency=EUR",
        "s 2024-06-01 sell A 2BTC 3000EUR - currency=EUR",
    ];
    let outcome = france(&rows, "");
    assert_eq!(outcome.disposals[0].gain.to_cents(), "2000.00");
    // Bought for what they were sold for: the total cost has 1,500 more.
    let wanted = ("missing_cost_basis", "s", "1500.00".to_owned(), true);
    assert_eq!(findings(&outcome), [wanted]);
}

#[test]
fn what_moves_between_wallets_or_leaves_the_records_is_held() {
    let rows = [
        "b 2024-06-01 buy A 1000EUR 2BTC - currency=EUR",
        "t 2024-06-02 transfer A>B 0.5BTC 0.5BTC - currency=EUR",
        "w 2024-06-03 withdrawal A 0.5BTC - - currency=EUR",
        "s 2024-06-04 sell A 1BTC 1000EUR - currency=EUR",
    ];
    let outcome = france(&rows, "");
    assert_eq!(outcome.disposals[0].cost.to_cents(), "500.00");
    let held: Vec<_> = outcome
        .holdings
        .iter()
        .map(|held| (held.quantity.to_string(), held.cost.to_cents()))
        .collect();
    assert_eq!(held, [("1".to_owned(), "500.00".to_owned())]);
}

#[test]
fn a_sale_for_nothing_uses_no_cost() {
    let rows = [
        "b 2024-06-01 buy A 1000EUR 2BTC - currency=EUR",
        "s 2024-06-04 spend A 1BTC - - value=0 currency=EUR",
        "u 2024-06-05 sell A 1BTC 1500EUR - currency=EUR",
    ];
    let outcome = france(&rows, "");
    let costs = outcome.disposals.iter().map(|line| line.cost.to_cents());
    assert_eq!(costs.collect::<Vec<_>>(), ["0.00", "1000.00"]);
}

#[test]
fn what_is_left_has_shares_of_the_total_cost_by_value_and_loses_none_of_it() {
    let rows = [
        "b 2024-06-01 buy A 100EUR 3BTC - currency=EUR",
        "e 2024-06-01 buy A 200EUR 7ETH - currency=EUR",
        "a 2024-06-01 airdrop A - 5SOL - currency=EUR",
        "s 2024-06-02 sell A 1ETH 29EUR - currency=EUR",
    ];
    let outcome = france(&rows, "");
    let left = outcome.holdings.iter().map(|held| held.cost);
    let sum = left.fold(outcome.disposals[0].cost, |sum, cost| {
        sum.checked_add(cost).unwrap()
    });
    assert_eq!(sum.to_plain(), "300");
    assert_eq!(outcome.holdings.len(), 3);
    assert!(outcome.holdings[2].cost.is_zero());
}

#[test]
fn holdings_of_a_day_are_those_of_the_rows_up_to_it() {
    let day = "2024-05-31".parse().unwrap();
    let request = Request::default();
    let held = compute_days(&[ledger(&TWO)], Country::Fr, &request, &[day], &|| false).unwrap();
    let costs = held[0].holdings.iter().map(|held| held.cost.to_cents());
    assert_eq!(costs.collect::<Vec<_>>(), ["1000.00", "1000.00"]);
}
