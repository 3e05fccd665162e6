//! What rows of each kind mean.

use std::sync::Arc;

use super::*;
use crate::prices::Prices;

#[test]
fn a_fee_in_an_asset_is_sold_at_the_price_the_row_implies() {
    let rows = [
        "a 2024-01-01 buy A 1000USD 10ETH -",
        "b 2024-01-02 buy A 500USD 5BNB -",
        // 1 of 10 ETH worth 3000: the fee of 0.1 ETH is worth 300.
        "s 2024-06-01 sell A 1ETH 3000USD 0.1ETH",
        // A fee in a third asset takes the value that the row states for it.
        "t 2024-06-02 trade A 1ETH 2SOL 0.5BNB value=3000 fee_value=60",
        // A fee of buying joins the basis.
        "u 2024-06-03 buy A 900USD 1SOL 1BNB fee_value=100",
    ];
    let outcome = usual(&rows);
    assert_eq!(
        lines(&outcome),
        [
            "s<a 1 100.00 2600.00",
            "s<a 0.1 10.00 290.00",
            "t<a 1 100.00 2840.00",
            "t<b 0.5 50.00 10.00",
            "u<b 1 100.00 0.00",
        ]
    );
    assert_eq!(outcome.disposals[0].fees.to_cents(), "300.00");
    assert!(outcome.disposals[1].is_fee);
    assert_eq!(outcome.disposals[1].why.value, ValueFrom::Implied);
    assert_eq!(outcome.disposals[3].why.value, ValueFrom::FeeValue);
    let sol = outcome
        .holdings
        .iter()
        .find(|holding| &*holding.asset == "SOL")
        .unwrap();
    assert_eq!(sol.cost.to_cents(), "4000.00");
    assert_eq!(warnings(&outcome), []);
}

#[test]
fn what_is_given_away_or_lost_is_no_disposal() {
    let rows = [
        "a 2024-01-01 buy A 1000USD 10ETH -",
        "g 2024-02-01 gift_spouse A 1ETH - -",
        "l 2024-03-01 lost A 2ETH - -",
        "t 2024-04-01 stolen A 8ETH - -",
    ];
    let outcome = usual(&rows);
    assert_eq!(lines(&outcome), [""; 0]);
    let removed: Vec<_> = outcome
        .removed
        .iter()
        .map(|line| line.cost.to_cents())
        .collect();
    assert_eq!(removed, ["100.00", "200.00", "700.00"]);
    assert_eq!(
        warnings(&outcome),
        [
            ("loss_event_not_deducted", "t", "700.00".to_owned()),
            ("loss_event_not_deducted", "l", "200.00".to_owned()),
            ("negative_balance", "t", "0.00".to_owned()),
        ]
    );
    assert!(outcome.totals.is_empty());
}

#[test]
fn income_in_money_is_income_and_no_lot() {
    let outcome = usual(&["i 2024-01-01 interest A - 12.5USD -"]);
    assert_eq!(outcome.income[0].value.to_cents(), "12.50");
    assert_eq!(outcome.holdings, []);
}

#[test]
fn a_margin_result_is_a_line_without_a_lot_or_by_the_option_a_sum_apart() {
    let rows = [
        "a 2024-01-01 margin_pnl A - - 5USD value=-120",
        "b 2024-01-02 margin_pnl A - 50USDC - value=50",
    ];
    let sums = |outcome: &Outcome| {
        let totals = outcome.totals.values().next().unwrap();
        let sums = [totals.net, totals.short, totals.other].map(Money::to_cents);
        (sums.join(" "), totals.disposals)
    };
    let outcome = usual(&rows);
    assert_eq!(sums(&outcome), ("-75.00 -75.00 0.00".to_owned(), 2));
    assert_eq!(
        lines(&outcome),
        ["a<- 1 120.00 -125.00", "b<- 1 0.00 50.00"]
    );
    assert_eq!(holdings(&outcome), ["USDC * 50 50.00"]);
    assert_eq!(
        outcome.disposals[0].reason().to_string(),
        "The result of a margin position, a gain as proceeds and a loss as cost, as the row states \
         it."
    );
    let outcome = with_option(&rows, "margin", "income");
    assert_eq!(sums(&outcome), ("0.00 0.00 -75.00".to_owned(), 0));
    assert_eq!(holdings(&outcome), ["USDC * 50 50.00"]);
}

#[test]
fn margin_results_among_pools_stand_in_order_of_time() {
    let rows = [
        "a 2024-05-01 buy A 100GBP 2ETH - currency=GBP",
        "s 2024-06-01 sell A 1ETH 80GBP - currency=GBP",
        "m 2024-07-01 margin_pnl A - - - value=10 currency=GBP",
        "t 2024-08-01 sell A 1ETH 90GBP - currency=GBP",
    ];
    let outcome = compute(&[ledger(&rows)], Country::Uk, &Request::default()).unwrap();
    let ids = outcome.disposals.iter().map(|line| &*line.id);
    assert_eq!(ids.collect::<Vec<_>>(), ["s", "m", "t"]);
}

#[test]
fn a_report_that_goes_by_wallet_says_what_was_taken_for_which_and_which_sold_nothing() {
    let rows = [
        "a 2025-01-01 buy Kraken 100USD 1ETH -",
        "s 2025-02-01 sell Kraken 1ETH 150USD -",
    ];
    let outcome = with_option(
        &rows,
        "form_1099_da",
        "kraken:with_basis,Coinbas:without_basis",
    );
    assert_eq!(outcome.disposals[0].form_box, Some('G'));
    assert_eq!(
        statements(&outcome),
        Some(
            "kraken: with_basis; Coinbas: without_basis; all others: none. Nothing was sold from \
             Coinbas."
        )
    );
}

#[test]
fn a_margin_result_is_on_no_statement_and_is_no_sale_of_its_wallet() {
    let rows = [
        "a 2025-01-01 buy Börse 100USD 1ETH -",
        "s 2025-02-01 sell Börse 1ETH 150USD -",
        "m 2025-03-01 margin_pnl Kraken - - - value=10 currency=USD",
    ];
    let said = "BÖRSE:with_basis,Kraken:with_basis";
    let outcome = with_option(&rows, "form_1099_da", said);
    let boxes: Vec<_> = outcome.disposals.iter().map(|line| line.form_box).collect();
    assert_eq!(boxes, [Some('G'), Some('I')]);
    let ends = "all others: none. Nothing was sold from Kraken.";
    assert!(statements(&outcome).is_some_and(|said| said.ends_with(ends)));
}

/// What a report says of the statements of brokers.
fn statements(outcome: &Outcome) -> Option<&str> {
    outcome.rules_used.iter().find_map(|rule| {
        let (_, said) = rule.text.split_once("units leave: ")?;
        Some(said)
    })
}

#[test]
fn wrapping_carries_lots_over_unless_it_is_asked_for_as_a_trade() {
    let rows = [
        "a 2024-01-01 buy A 1000USD 10ETH -",
        "w 2024-02-01 wrap A 4ETH 4WETH - value=800",
        "s 2024-07-01 sell A 4WETH 1200USD -",
    ];
    assert_eq!(lines(&usual(&rows)), ["s<a 4 400.00 800.00"]);
    let options = [("wrap".to_owned(), "trade".to_owned())].into();
    let request = Request {
        options,
        ..Request::default()
    };
    let trade = compute(&[ledger(&rows)], Country::Us, &request).unwrap();
    assert_eq!(
        lines(&trade),
        ["w<a 4 400.00 400.00", "s<w 4 800.00 400.00"]
    );
}

#[test]
fn a_loan_paid_back_settles_the_debt_at_its_value_when_it_was_made() {
    let rows = [
        "b 2024-01-01 borrow A - 10ETH - value=20000",
        "s 2024-01-02 sell A 10ETH 20000USD -",
        "c 2024-06-01 buy A 16500USD 11ETH -",
        // Ten settle the debt, the eleventh is interest.
        "r 2024-06-02 repay A 11ETH - - value=17600",
    ];
    let outcome = usual(&rows);
    assert_eq!(
        lines(&outcome),
        [
            "s<b 10 20000.00 0.00",
            "r<c 10 15000.00 5000.00",
            "r<c 1 1500.00 100.00"
        ]
    );
    assert_eq!(warnings(&outcome), []);
    let market = with_option(&rows, "loan", "market");
    assert_eq!(
        lines(&market),
        ["s<b 10 20000.00 0.00", "r<c 11 16500.00 1100.00"]
    );
}

#[test]
fn a_pool_that_is_entered_in_two_rows_costs_and_yields_what_both_are_worth() {
    let rows = [
        "a 2024-01-01 buy A 1000USD 1ETH -",
        "b 2024-01-01 buy A 1000USD 1000USDC -",
        "i 2024-02-01 lp_deposit A 1ETH 10LP - value=1500 hash=x",
        "j 2024-02-01 lp_deposit A 1000USDC - - value=1000 hash=x",
        "o 2024-03-01 lp_withdraw A 10LP 1ETH - value=1700 hash=y",
        "p 2024-03-01 lp_withdraw A - 1100USDC - value=1100 hash=y",
    ];
    let outcome = usual(&rows);
    assert_eq!(
        lines(&outcome),
        [
            "i<a 1 1000.00 500.00",
            "j<b 1000 1000.00 0.00",
            "o<i 10 2500.00 300.00"
        ]
    );
    let held: Vec<_> = outcome
        .holdings
        .iter()
        .map(|holding| format!("{} {}", holding.asset, holding.cost.to_cents()))
        .collect();
    assert_eq!(held, ["ETH 1700.00", "USDC 1100.00"]);
}

#[test]
fn a_share_in_a_pool_takes_over_the_cost_where_that_is_asked_for() {
    let rows = [
        "a 2023-01-01 buy A 1000USD 1ETH -",
        "i 2024-02-01 lp_deposit A 1ETH 10LP - value=1500",
        "o 2024-03-01 lp_withdraw A 10LP 1.1ETH - value=1700",
        "s 2024-04-01 sell A 1.1ETH 2000USD -",
    ];
    let outcome = with_option(&rows, "lp", "carry");
    assert_eq!(lines(&outcome), ["s<o 1.1 1000.00 1000.00"]);
    assert_eq!(outcome.disposals[0].term, Some(Term::Long));
}

#[test]
fn what_gives_neither_gain_nor_loss_is_summed_apart_and_says_so_in_its_line() {
    let rows = [
        "a 2024-05-01 buy A 4000GBP 4ETH -",
        "g 2024-06-01 gift_spouse A 1ETH - - value=9000",
        "d 2024-06-02 donation A 0.5ETH - - value=4500",
        "s 2024-07-01 sell A 1ETH 3000GBP -",
    ];
    let rows = rows.map(|row| format!("{row} currency=GBP"));
    let rows: Vec<_> = rows.iter().map(String::as_str).collect();
    let outcome = compute(&[ledger(&rows)], Country::Uk, &Request::default()).unwrap();
    let totals = &outcome.totals[&TaxYear(2024)];
    assert_eq!(totals.proceeds.to_cents(), "4500.00");
    assert_eq!(totals.no_gain_no_loss.to_cents(), "1500.00");
    let told: Vec<_> = (outcome.disposals.iter())
        .filter(|line| line.reason().to_string().contains("neither gain nor loss"))
        .map(|line| (&*line.id, line.proceeds.to_cents()))
        .collect();
    assert_eq!(
        told,
        [("g", "1000.00".to_owned()), ("d", "500.00".to_owned())]
    );
}

/// A pool entered and left in two rows of one transaction, without a value in any of them.
const UNVALUED: [&str; 6] = [
    "a 2024-01-01 buy A 1000USD 1ETH -",
    "b 2024-01-01 buy A 3000USD 3000USDC -",
    "i 2024-02-01 lp_deposit A 1ETH 10LP - hash=x",
    "j 2024-02-01 lp_deposit A 3000USDC - - hash=x",
    "o 2024-03-01 lp_withdraw A 10LP 1ETH - hash=y",
    "p 2024-03-01 lp_withdraw A - 3100USDC - hash=y",
];

fn by_prices(rows: &[&str], prices: &str) -> Outcome {
    let prices = format!("date,asset,currency,price\n{prices}");
    let request = Request {
        prices: Arc::new(Prices::read(prices.as_bytes()).unwrap()),
        ..Request::default()
    };
    compute(&[ledger(rows)], Country::Us, &request).unwrap()
}

#[test]
fn a_pool_that_is_entered_in_two_rows_is_worth_what_the_list_of_prices_says_of_both() {
    let prices = "2024-02-01,ETH,USD,3000\n2024-02-01,USDC,USD,1\n\
                  2024-03-01,ETH,USD,3200\n2024-03-01,USDC,USD,1\n";
    let expected = [
        "i<a 1 1000.00 2000.00",
        "j<b 3000 3000.00 0.00",
        "o<i 10 6000.00 300.00",
    ];
    let outcome = by_prices(&UNVALUED, prices);
    assert_eq!(lines(&outcome), expected);
    assert_eq!(warnings(&outcome), []);
    let day = |month| NaiveDate::from_ymd_opt(2024, month, 1).unwrap();
    assert_eq!(
        outcome.disposals[0].why.value,
        ValueFrom::Listed(day(2)),
        "the price is the list's and not the row's"
    );
    assert_eq!(outcome.disposals[2].why.value, ValueFrom::Listed(day(3)));
    // A list's price of the share is that of all that went in.
    let share = format!("{prices}2024-02-01,LP,USD,600\n2024-03-01,LP,USD,630\n");
    assert_eq!(lines(&by_prices(&UNVALUED, &share)), expected);
    let alone = "2024-02-01,USDC,USD,1\n2024-03-01,USDC,USD,1\n\
                 2024-02-01,LP,USD,600\n2024-03-01,LP,USD,630\n";
    let outcome = by_prices(&UNVALUED, alone);
    assert_eq!(lines(&outcome)[2], expected[2]);
}

#[test]
fn a_row_of_a_pool_that_has_no_price_is_told_whether_it_names_the_share_or_not() {
    let prices = "2024-02-01,USDC,USD,1\n2024-03-01,USDC,USD,1\n";
    let outcome = by_prices(&UNVALUED, prices);
    let told = warnings(&outcome)
        .into_iter()
        .filter(|(code, ..)| *code == "missing_price")
        .map(|(_, id, _)| id.to_owned())
        .collect::<std::collections::BTreeSet<_>>();
    assert_eq!(told, ["i".to_owned(), "o".to_owned()].into());
}

#[test]
fn what_goes_into_a_pool_in_two_rows_is_exchanged_also_where_costs_are_carried() {
    let rows = [
        "a 2024-01-01 buy A 1000USD 1ETH -",
        "b 2024-01-01 buy A 1000USD 1000USDC -",
        "i 2024-02-01 lp_deposit A 1ETH 10LP - value=1500 hash=x",
        "j 2024-02-01 lp_deposit A 1000USDC - - value=1000 hash=x",
        "o 2024-03-01 lp_withdraw A 10LP 1ETH - value=1700 hash=y",
        "p 2024-03-01 lp_withdraw A - 1100USDC - value=1100 hash=y",
    ];
    // 2,000 went in and 2,800 is what the units cost that came out: 800 of gains between them.
    let outcome = with_option(&rows, "lp", "carry");
    assert_eq!(
        lines(&outcome),
        [
            "i<a 1 1000.00 500.00",
            "j<b 1000 1000.00 0.00",
            "o<i 10 2500.00 300.00"
        ]
    );
    let costs: Vec<_> = outcome.holdings.iter().map(|h| h.cost.to_cents()).collect();
    assert_eq!(costs, ["1700.00", "1100.00"]);
}

/// The rows in every order of three.
fn orders<'r>(rows: &[&'r str; 3]) -> impl Iterator<Item = [&'r str; 3]> {
    let [a, b, c] = *rows;
    let all = [
        [a, b, c],
        [a, c, b],
        [b, a, c],
        [b, c, a],
        [c, a, b],
        [c, b, a],
    ];
    all.into_iter()
}

const HELD: [&str; 2] = [
    "a 2024-01-01 buy A 1000USD 1ETH -",
    "b 2024-01-01 buy A 1000USD 1000USDC -",
];

#[test]
fn a_share_in_a_row_of_its_own_costs_what_the_others_are_worth_in_whichever_order_they_stand() {
    let rows = [
        "i 2024-02-01 lp_deposit A 1ETH - - value=1500 hash=x",
        "j 2024-02-01 lp_deposit A 1000USDC - - value=1000 hash=x",
        "k 2024-02-01 lp_deposit A - 10LP - hash=x",
    ];
    for option in ["trade", "carry"] {
        for entered in orders(&rows) {
            let rows = [&HELD[..], &entered].concat();
            let outcome = with_option(&rows, "lp", option);
            let mut sold = lines(&outcome);
            sold.sort();
            assert_eq!(sold, ["i<a 1 1000.00 500.00", "j<b 1000 1000.00 0.00"]);
            assert_eq!(holdings(&outcome), ["LP * 10 2500.00"], "{entered:?}");
            assert_eq!(warnings(&outcome), []);
        }
    }
}

#[test]
fn a_share_that_leaves_in_a_row_of_its_own_is_sold_for_what_the_others_are_worth() {
    let rows = [
        "o 2024-03-01 lp_withdraw A 10LP - - hash=y",
        "p 2024-03-01 lp_withdraw A - 1ETH - value=1700 hash=y",
        "q 2024-03-01 lp_withdraw A - 1100USDC - value=1100 hash=y",
    ];
    for left in orders(&rows) {
        let rows = [&["s 2024-02-01 buy A 2500USD 10LP -"][..], &left].concat();
        let outcome = usual(&rows);
        assert_eq!(lines(&outcome), ["o<s 10 2500.00 300.00"], "{left:?}");
        let mut held = holdings(&outcome);
        held.sort();
        assert_eq!(held, ["ETH * 1 1700.00", "USDC * 1100 1100.00"]);
        assert_eq!(warnings(&outcome), []);
    }
}

#[test]
fn what_a_pool_gives_back_of_what_went_in_is_no_share_and_lowers_what_the_share_costs() {
    let rows = [
        "i 2024-02-01 lp_deposit A 1ETH - - value=1500 hash=x",
        "k 2024-02-01 lp_deposit A - 10LP - hash=x",
        "r 2024-02-01 lp_deposit A - 0.02ETH - value=30 hash=x",
    ];
    for entered in orders(&rows) {
        let rows = [&HELD[..1], &entered].concat();
        let outcome = usual(&rows);
        let mut held = holdings(&outcome);
        held.sort();
        assert_eq!(held, ["ETH * 0.02 30.00", "LP * 10 1470.00"], "{entered:?}");
    }
    // Of several shares none can be told to take what the others are worth.
    let two = [
        "a 2024-01-01 buy A 1000USD 1ETH -",
        "i 2024-02-01 lp_deposit A 1ETH - - value=1500 hash=x",
        "k 2024-02-01 lp_deposit A - 10LP - value=900 hash=x",
        "l 2024-02-01 lp_deposit A - 5LQ - value=600 hash=x",
    ];
    let costs = holdings(&usual(&two));
    assert_eq!(costs, ["LP * 10 900.00", "LQ * 5 600.00"]);
}
