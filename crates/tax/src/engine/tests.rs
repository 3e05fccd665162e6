//! The engine on small ledgers: each test is named as the rule that it proves.

use packtrain_core::money::{Currency, Money};
use packtrain_core::quantity::AmountError;

use super::*;
use crate::import::{self, Limits};
use crate::outcome::{Choice, Disposal, Term, ValueFrom, WarningCode};
use crate::request::{Method, Scope};

const HEADER: &str = "id,timestamp,type,wallet,to_wallet,sent_amount,sent_asset,received_amount,\
                      received_asset,fee_amount,fee_asset,value,fee_value,currency,basis,acquired,\
                      tx_hash,lots";

/// A ledger of rows in a short form: `id day kind wallet>to sent received fee key=value...`.
///
/// An amount is `1BTC` or `-`; a day is `2024-03-10`, at noon UTC.
fn ledger(rows: &[&str]) -> LedgerFile {
    let mut text = format!("{HEADER}\n");
    for row in rows {
        let mut parts = row.split_whitespace();
        let mut next = || parts.next().unwrap();
        let (id, day, kind, wallets) = (next(), next(), next(), next());
        let (from, to) = wallets.split_once('>').unwrap_or((wallets, ""));
        let legs = [next(), next(), next()].map(|leg| {
            let end = leg.find(|letter: char| letter.is_alphabetic()).unwrap_or(0);
            let (amount, asset) = leg.split_at(end);
            if leg == "-" {
                ",".to_owned()
            } else {
                format!("{amount},{asset}")
            }
        });
        let more: Vec<_> = parts.filter_map(|part| part.split_once('=')).collect();
        let cell = |name: &str| {
            more.iter()
                .find(|(key, _)| *key == name)
                .map_or("", |(_, v)| v)
        };
        let day = if day.contains('T') {
            day.to_owned()
        } else {
            format!("{day}T12:00:00Z")
        };
        let (legs, currency) = (legs.join(","), cell("currency"));
        let currency = if currency.is_empty() { "USD" } else { currency };
        text.push_str(&format!(
            "{id},{day},{kind},{from},{to},{legs},{},{},{currency},{},{},{},{}\n",
            cell("value"),
            cell("fee_value"),
            cell("basis"),
            cell("acquired"),
            cell("hash"),
            cell("lots"),
        ));
    }
    let import = import::read(text.as_bytes(), Limits::default()).unwrap();
    assert_eq!(import.errors, []);
    import.into_ledger("ledger.csv")
}

fn outcome(rows: &[&str], method: Method, scope: Option<Scope>) -> Outcome {
    let request = Request {
        method: Some(method),
        scope,
        ..Request::default()
    };
    compute(&[ledger(rows)], Country::Us, &request).unwrap()
}

/// By the default method and the dated rule, with an option.
fn with_option(rows: &[&str], name: &str, value: &str) -> Outcome {
    let request = Request {
        options: [(name.to_owned(), value.to_owned())].into(),
        ..Request::default()
    };
    compute(&[ledger(rows)], Country::Us, &request).unwrap()
}

/// By the default method and the dated rule.
fn usual(rows: &[&str]) -> Outcome {
    outcome(rows, Method::Fifo, None)
}

/// Lot, quantity, cost and gain of each line.
fn lines(outcome: &Outcome) -> Vec<String> {
    let line = |line: &Disposal| {
        let lot = line.lot.as_deref().unwrap_or("-");
        let (cost, gain) = (line.cost.to_cents(), line.gain.to_cents());
        format!("{}<{lot} {} {cost} {gain}", line.id, line.quantity)
    };
    outcome.disposals.iter().map(line).collect()
}

fn warnings(outcome: &Outcome) -> Vec<(&str, &str, String)> {
    let warning = |w: &'_ crate::outcome::Warning| w.at_stake.to_cents();
    outcome
        .warnings
        .iter()
        .map(|w| (w.code.as_str(), &*w.id, warning(w)))
        .collect()
}

/// Asset, wallet, quantity and cost of what is left.
fn holdings(outcome: &Outcome) -> Vec<String> {
    let holdings = outcome.holdings.iter();
    holdings
        .map(|h| {
            let wallet = h.wallet.as_deref().unwrap_or("*");
            format!("{} {wallet} {} {}", h.asset, h.quantity, h.cost.to_cents())
        })
        .collect()
}

#[test]
fn the_dated_rule_pools_all_wallets_through_2024_and_keeps_them_apart_from_2025() {
    let rows = [
        "a 2024-02-01 buy A 100USD 1BTC -",
        "b 2024-03-01 buy B 200USD 1BTC -",
        "c 2024-04-01 buy B 300USD 1BTC -",
        // Local New Year's Eve: UTC is already in 2025.
        "s 2025-01-01T04:59:59Z sell B 1BTC 1000USD -",
        "t 2025-01-01T05:00:00Z sell B 1BTC 1000USD -",
    ];
    // The first sale uses A's lot; what is left lies with B, where the units are one too many, so
    // the newer lot goes to A.
    let outcome = usual(&rows);
    assert_eq!(
        lines(&outcome),
        ["s<a 1 100.00 900.00", "t<b 1 200.00 800.00"]
    );
    assert_eq!(holdings(&outcome), ["BTC A 1 300.00"]);
    assert_eq!(outcome.disposals[0].date.to_string(), "2024-12-31");
    assert_eq!(warnings(&outcome), []);
    let note = outcome
        .rules_used
        .iter()
        .find(|note| note.source == "Rev. Proc. 2024-28")
        .unwrap();
    assert!(
        note.text.contains("Lots of 1 BTC changed wallets."),
        "{}",
        note.text
    );
}

#[test]
fn an_explicit_scope_holds_for_all_dates() {
    let rows = [
        "a 2024-02-01 buy A 100USD 1BTC -",
        "b 2024-03-01 buy B 200USD 1BTC -",
        "s 2024-05-01 sell B 1BTC 1000USD -",
        "t 2025-05-01 sell A 1BTC 1000USD -",
    ];
    let wallet = outcome(&rows, Method::Fifo, Some(Scope::Wallet));
    assert_eq!(
        lines(&wallet),
        ["s<b 1 200.00 800.00", "t<a 1 100.00 900.00"]
    );
    let universal = outcome(&rows, Method::Fifo, Some(Scope::Universal));
    assert_eq!(
        lines(&universal),
        ["s<a 1 100.00 900.00", "t<b 1 200.00 800.00"]
    );
}

#[test]
fn lots_that_did_not_stray_stay_in_their_wallets_at_the_turn_to_2025() {
    let rows = [
        "a 2024-02-01 buy Z 100USD 1BTC -",
        "b 2024-03-01 buy A 200USD 1BTC -",
        "m 2024-04-01 transfer A>Y 0.5BTC 0.5BTC -",
        "s 2025-05-01 sell Y 0.5BTC 1000USD -",
        "t 2025-05-01 sell A 0.5BTC 1000USD -",
        "u 2025-05-01 sell Z 1BTC 1000USD -",
    ];
    let outcome = usual(&rows);
    let expected = [
        "s<b 0.5 100.00 900.00",
        "t<b 0.5 100.00 900.00",
        "u<a 1 100.00 900.00",
    ];
    assert_eq!(lines(&outcome), expected);
    let note = outcome
        .rules_used
        .iter()
        .find(|note| note.source == "Rev. Proc. 2024-28")
        .unwrap();
    assert!(note.text.contains("Every lot was where its units were."));
}

#[test]
fn strayed_lots_go_oldest_first_to_the_wallets_in_the_order_of_their_names() {
    let rows = [
        "a 2023-01-01 buy M 100USD 2BTC -",
        "b 2023-02-01 buy B 300USD 1BTC -",
        "c 2023-03-01 buy A 500USD 1BTC -",
        "d 2023-04-01 buy M 700USD 1BTC -",
        // LIFO over all wallets uses d, c and half of b, though the units leave M.
        "s 2024-05-01 sell M 2.5BTC 2500USD -",
        "x 2025-05-01 sell A 1BTC 1000USD -",
        "y 2025-05-01 sell B 1BTC 1000USD -",
        "z 2025-05-01 sell M 0.5BTC 1000USD -",
    ];
    let outcome = outcome(&rows, Method::Lifo, None);
    assert_eq!(
        lines(&outcome)[3..],
        [
            "x<a 1 50.00 950.00",
            "y<b 0.5 150.00 350.00",
            "y<a 0.5 25.00 475.00",
            "z<a 0.5 25.00 975.00",
        ]
    );
    assert_eq!(outcome.holdings, []);
}

#[test]
fn lots_that_strayed_from_several_wallets_are_placed_in_one_order() {
    let rows = [
        "a 2023-01-01 buy M 100USD 1BTC -",
        "b 2023-02-01 buy N 200USD 1BTC -",
        "c 2023-03-01 buy B 300USD 1BTC -",
        "d 2023-04-01 buy A 400USD 1BTC -",
        // The newest lots, c and d, go; the units leave M and N.
        "s 2024-05-01 sell N 1BTC 1000USD -",
        "t 2024-05-01 sell M 1BTC 1000USD -",
        "x 2025-05-01 sell A 1BTC 1000USD -",
        "y 2025-05-01 sell B 1BTC 1000USD -",
    ];
    let outcome = outcome(&rows, Method::Lifo, None);
    assert_eq!(
        lines(&outcome)[2..],
        ["x<a 1 100.00 900.00", "y<b 1 200.00 800.00"]
    );
}

#[test]
fn a_wallet_that_gave_more_than_it_had_starts_2025_with_nothing() {
    let rows = [
        "a 2024-02-01 buy A 100USD 2BTC -",
        "s 2024-03-01 sell B 1BTC 1000USD -",
        "t 2025-03-01 sell A 2BTC 2000USD -",
    ];
    let outcome = usual(&rows);
    assert_eq!(
        lines(&outcome),
        [
            "s<a 1 50.00 950.00",
            "t<a 1 50.00 950.00",
            "t<- 1 0.00 1000.00"
        ]
    );
    let expected = [
        ("missing_cost_basis", "t", "1000.00".to_owned()),
        ("negative_balance", "s", "0.00".to_owned()),
    ];
    assert_eq!(warnings(&outcome), expected);
}

#[test]
fn a_transfer_takes_its_lots_along_with_cost_and_date() {
    let rows = [
        "a 2023-02-01 buy A 100USD 1BTC -",
        "b 2024-03-01 buy A 300USD 1BTC -",
        "m 2024-05-01 transfer A>B 1.5BTC 1.5BTC -",
        "s 2024-06-01 sell B 1.25BTC 1250USD -",
        "t 2024-06-01 sell A 0.5BTC 500USD -",
    ];
    let fifo = outcome(&rows, Method::Fifo, Some(Scope::Wallet));
    let expected = [
        "s<a 1 100.00 900.00",
        "s<b 0.25 75.00 175.00",
        "t<b 0.5 150.00 350.00",
    ];
    assert_eq!(lines(&fifo), expected);
    assert_eq!(
        fifo.disposals[0].acquired.unwrap().to_string(),
        "2023-02-01"
    );
    assert_eq!(fifo.disposals[0].term, Some(Term::Long));
    assert_eq!(holdings(&fifo), ["BTC B 0.25 75.00"]);
    // The method chooses the lots of a transfer as it chooses those of a sale.
    let hifo = outcome(&rows, Method::Hifo, Some(Scope::Wallet));
    let expected = [
        "s<b 1 300.00 700.00",
        "s<a 0.25 25.00 225.00",
        "t<a 0.5 50.00 450.00",
    ];
    assert_eq!(lines(&hifo), expected);
}

#[test]
fn parts_of_a_lot_that_meet_again_are_one_lot() {
    let rows = [
        "a 2023-02-01 buy A 100USD 3BTC -",
        "m 2024-05-01 transfer A>B 1BTC 1BTC -",
        "n 2024-05-02 transfer A>B 1BTC 1BTC -",
        "s 2024-06-01 sell B 2BTC 2000USD -",
    ];
    let outcome = outcome(&rows, Method::Fifo, Some(Scope::Wallet));
    assert_eq!(lines(&outcome), ["s<a 2 66.67 1933.33"]);
}

#[test]
fn hifo_ranks_by_cost_with_fees_and_takes_the_older_of_equals() {
    let rows = [
        "a 2024-01-01 buy A 100USD 1BTC 5USD",
        "b 2024-01-02 buy A 104USD 1BTC -",
        "c 2024-01-03 buy A 315USD 3BTC -",
        "s 2024-06-01 sell A 1.5BTC 1500USD -",
    ];
    let outcome = outcome(&rows, Method::Hifo, None);
    assert_eq!(
        lines(&outcome),
        ["s<a 1 105.00 895.00", "s<c 0.5 52.50 447.50"]
    );
}

#[test]
fn hifo_ranks_a_lot_by_what_it_cost_when_acquired_after_it_was_cut_too() {
    // A third of 100 cannot be written exactly; the rank must not drift with the rounding.
    let rows = [
        "a 2024-01-01 buy A 100USD 3BTC -",
        "b 2024-01-02 buy A 200USD 6BTC -",
        "s 2024-06-01 sell A 1BTC 100USD -",
        "t 2024-06-02 sell A 1BTC 100USD -",
        "u 2024-06-03 sell A 2BTC 200USD -",
    ];
    let outcome = outcome(&rows, Method::Hifo, None);
    let lots: Vec<_> = outcome
        .disposals
        .iter()
        .map(|line| line.lot.as_deref())
        .collect();
    assert_eq!(lots, [Some("a"), Some("a"), Some("a"), Some("b")]);
}

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
fn units_that_do_not_arrive_are_the_fee_of_the_transfer() {
    let rows = [
        "a 2024-01-01 buy A 1000USD 10ETH -",
        "m 2024-06-01 transfer A>B 5ETH 4.9ETH - value=1500",
        "n 2024-06-02 transfer B>A 4ETH 4.5ETH -",
    ];
    let outcome = outcome(&rows, Method::Fifo, Some(Scope::Wallet));
    assert_eq!(lines(&outcome), ["m<a 0.1 10.00 20.00"]);
    assert!(outcome.disposals[0].is_fee);
    // Units that arrive on top have no cost and are said so.
    assert_eq!(holdings(&outcome), ["ETH A 9.5 900.00", "ETH B 0.9 90.00"]);
    assert_eq!(
        warnings(&outcome),
        [("unmatched_transfer", "n", "150.00".to_owned())]
    );
}

#[test]
fn a_withdrawal_and_a_deposit_of_one_hash_are_a_transfer_in_whichever_order_they_stand() {
    for (out, back) in [("2024-06-01", "2024-06-02"), ("2024-06-02", "2024-06-01")] {
        let rows = [
            "a 2024-01-01 buy A 1000USD 10ETH -",
            &format!("m {out} withdrawal A 5ETH - 0.1ETH hash=0x1 fee_value=20"),
            &format!("n {back} deposit B - 5ETH - hash=0x1"),
            "s 2024-07-01 sell B 5ETH 1500USD -",
        ];
        let outcome = outcome(&rows, Method::Fifo, Some(Scope::Wallet));
        assert_eq!(
            lines(&outcome),
            ["m<a 0.1 10.00 10.00", "s<a 5 500.00 1000.00"]
        );
        assert_eq!(holdings(&outcome), ["ETH A 4.9 490.00"]);
        assert_eq!(warnings(&outcome), []);
    }
}

#[test]
fn halves_of_transfers_without_a_partner_stay_the_persons_own_and_are_told() {
    let rows = [
        "a 2024-01-01 buy A 1000USD 10ETH -",
        "c 2024-01-02 deposit A - 500USD -",
        "m 2024-06-01 withdrawal A 5ETH - -",
        "n 2024-06-05 deposit B - 6ETH - hash=0x9",
        "s 2024-07-01 sell B 6ETH 1800USD -",
        "d 2024-07-02 withdrawal A 500USD - -",
    ];
    let outcome = outcome(&rows, Method::Fifo, Some(Scope::Wallet));
    assert_eq!(
        lines(&outcome),
        ["s<a 5 500.00 1000.00", "s<- 1 0.00 300.00"]
    );
    assert_eq!(outcome.disposals[1].why.choice, Choice::NoPurchase);
    assert_eq!(outcome.disposals[1].acquired, None);
    assert_eq!(
        warnings(&outcome),
        [
            ("unmatched_transfer", "m", "500.00".to_owned()),
            ("missing_cost_basis", "s", "300.00".to_owned()),
            ("unmatched_transfer", "n", "100.00".to_owned()),
        ]
    );
}

#[test]
fn a_transfer_of_units_that_are_not_on_record_keeps_the_books_straight() {
    let rows = [
        "a 2024-01-01 buy A 1000USD 10ETH -",
        "m 2024-06-01 transfer A>B 12ETH 12ETH -",
        "b 2024-06-02 buy A 100USD 1ETH -",
        "s 2024-07-01 sell B 12ETH 2400USD -",
    ];
    let wallet = outcome(&rows, Method::Fifo, Some(Scope::Wallet));
    assert_eq!(
        lines(&wallet),
        ["s<a 10 1000.00 1000.00", "s<- 2 0.00 400.00"]
    );
    assert_eq!(holdings(&wallet), ["ETH A 1 100.00"]);
    assert_eq!(
        warnings(&wallet)[1],
        ("negative_balance", "m", "200.00".to_owned())
    );
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
fn a_cost_that_is_not_known_is_zero_and_told_when_it_matters() {
    let rows = [
        "a 2024-01-01 opening A - 10ETH - acquired=2021-01-01",
        "s 2024-07-01 sell A 1ETH 300USD -",
    ];
    let outcome = usual(&rows);
    assert_eq!(lines(&outcome), ["s<a 1 0.00 300.00"]);
    assert_eq!(outcome.disposals[0].term, Some(Term::Long));
    assert_eq!(
        warnings(&outcome),
        [("missing_cost_basis", "s", "300.00".to_owned())]
    );
}

#[test]
fn a_price_that_is_not_known_is_zero_with_an_estimate_of_what_is_at_stake() {
    let rows = [
        "a 2024-01-01 buy A 1000USD 10ETH -",
        "s 2024-07-01 spend A 2ETH - -",
        "r 2024-07-02 staking A - 1ETH -",
        "f 2024-07-03 fee A - - 0.5ETH",
    ];
    let outcome = usual(&rows);
    assert_eq!(
        lines(&outcome),
        ["s<a 2 200.00 -200.00", "f<a 0.5 50.00 -50.00"]
    );
    assert_eq!(
        warnings(&outcome),
        [
            ("missing_price", "s", "200.00".to_owned()),
            ("missing_price", "r", "100.00".to_owned()),
            ("missing_price", "f", "50.00".to_owned()),
        ]
    );
}

#[test]
fn money_in_another_currency_is_converted_at_the_reference_rate_of_the_day() {
    let rows = [
        "a 2024-01-10 buy A 1000EUR 10ETH 10EUR",
        "e 2024-01-13 staking A - 1ETH - value=90 currency=EUR",
        "x 2024-03-04 sell A 10ETH 1200EUR -",
    ];
    let outcome = usual(&rows);
    let rate = |date: &str| {
        let euro = Money::parse("1", Currency::EUR).unwrap();
        crate::rates::convert(euro, Currency::USD, date.parse().unwrap()).unwrap()
    };
    let (bought, sold) = (rate("2024-01-10"), rate("2024-03-04"));
    let line = &outcome.disposals[0];
    let times = |money: Money, count: i128| {
        let one = packtrain_core::quantity::Quantity::from_units(1, 0).unwrap();
        money
            .share(
                packtrain_core::quantity::Quantity::from_units(count, 0).unwrap(),
                one,
            )
            .unwrap()
    };
    assert_eq!(
        (line.cost, line.proceeds),
        (times(bought.0, 1010), times(sold.0, 1200))
    );
    let why = line.why.to_string();
    assert!(
        why.ends_with("proceeds from EUR at the reference rate of 2024-03-04."),
        "{why}"
    );
    assert_eq!(
        outcome.income[0].value,
        times(rate("2024-01-12").0, 90),
        "a Saturday has Friday's"
    );
    assert_eq!(warnings(&outcome), []);
    assert!(
        outcome
            .rules_used
            .iter()
            .any(|note| note.text.contains("European Central Bank"))
    );
}

#[test]
fn rows_in_a_currency_without_a_rate_are_left_out_and_told() {
    let rows = [
        "a 2024-01-01 buy A 1000USD 10ETH -",
        "e 2024-02-01 staking A - 1ETH - value=90 currency=THB",
        // Nothing of this row is in baht.
        "m 2024-03-03 transfer A>B 1ETH 1ETH - currency=THB",
        // Money in a currency without a rate, and no value in dollars.
        "x 2024-03-04 sell A 1ETH 90THB -",
    ];
    let outcome = usual(&rows);
    assert_eq!(
        warnings(&outcome),
        [
            ("currency_mismatch", "e", "100.00".to_owned()),
            ("missing_price", "x", "100.00".to_owned()),
        ]
    );
    assert_eq!(outcome.income.len(), 0);
}

#[test]
fn income_in_money_is_income_and_no_lot() {
    let outcome = usual(&["i 2024-01-01 interest A - 12.5USD -"]);
    assert_eq!(outcome.income[0].value.to_cents(), "12.50");
    assert_eq!(outcome.holdings, []);
}

#[test]
fn a_margin_result_counts_apart_from_lots() {
    let rows = [
        "a 2024-01-01 margin_pnl A - - - value=-120",
        "b 2024-01-02 margin_pnl A - 50USDC - value=50",
    ];
    let outcome = usual(&rows);
    let totals = outcome.totals.values().next().unwrap();
    assert_eq!(
        (totals.other.to_cents(), totals.disposals),
        ("-70.00".to_owned(), 0)
    );
    assert_eq!(holdings(&outcome), ["USDC * 50 50.00"]);
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
fn named_lots_that_are_not_there_leave_the_rest_to_the_method() {
    let rows = [
        "a 2024-01-01 buy A 100USD 1ETH -",
        "b 2024-01-02 buy A 200USD 1ETH -",
        "s 2024-07-01 sell A 1.5ETH 600USD - lots=b:0.5;z:1",
    ];
    let outcome = usual(&rows);
    assert_eq!(
        lines(&outcome),
        ["s<b 0.5 100.00 100.00", "s<a 1 100.00 300.00"]
    );
    assert_eq!(outcome.disposals[0].why.choice, Choice::Named);
    assert_eq!(
        warnings(&outcome),
        [("named_lot_missing", "s", "400.00".to_owned())]
    );
}

#[test]
fn a_row_that_stands_in_two_files_counts_once() {
    let first = ledger(&[
        "a 2024-01-01 buy A 100USD 1ETH -",
        "b 2024-01-02 buy A 200USD 1ETH -",
    ]);
    let mut second = ledger(&[
        "b 2024-01-02 buy A 200USD 1ETH -",
        "a 2024-01-01 buy A 100USD 2ETH -",
        "s 2024-07-01 sell A 1ETH 600USD -",
    ]);
    second.name = "second.csv".to_owned();
    let outcome = compute(&[first, second], Country::Us, &Request::default()).unwrap();
    assert_eq!(holdings(&outcome), ["ETH * 3 300.00"]);
    assert_eq!(
        warnings(&outcome),
        [("duplicate_row", "b", "0.00".to_owned())]
    );
    assert_eq!(outcome.warnings[0].origin, Origin { file: 1, line: 2 });
}

#[test]
fn losses_with_purchases_close_by_are_one_hint_for_each_asset_and_year() {
    let rows = [
        "a 2024-01-01 buy A 300USD 3ETH -",
        "s 2024-07-01 sell A 1ETH 60USD -",
        "b 2024-07-10 buy A 50USD 1ETH -",
        "t 2024-07-20 sell A 1ETH 40USD -",
        // A loss long after every other purchase.
        "u 2024-12-20 sell A 1ETH 40USD -",
    ];
    let outcome = usual(&rows);
    assert_eq!(
        warnings(&outcome),
        [("repurchase_near_loss", "s", "0.00".to_owned())]
    );
    assert!(
        outcome.warnings[0]
            .message
            .starts_with("2 lines of ETH with losses of -100.00 USD")
    );
}

#[test]
fn a_loss_of_less_than_half_a_cent_is_no_hint() {
    let rows = [
        "a 2024-01-01 buy A 300USD 3ETH -",
        "s 2024-07-01 sell A 1ETH 99.999USD -",
        "b 2024-07-10 buy A 50USD 1ETH -",
    ];
    assert_eq!(warnings(&usual(&rows)), []);
}

#[test]
fn an_amount_out_of_range_is_an_error_that_names_the_row() {
    let mut ledger = ledger(&[
        "a 2024-01-01 buy A 100USD 1ETH -",
        "b 2024-01-01 buy A 1USD 1ETH -",
    ]);
    let huge = Money::parse("170000000000000000000", Currency::USD).unwrap();
    for row in &mut ledger.rows {
        row.sent = None;
        row.value = Some(huge);
    }
    ledger.rows[1].fee = ledger.rows[0].received.clone();
    ledger.rows[1].fee_value = Some(huge);
    let error = compute(&[ledger], Country::Us, &Request::default()).unwrap_err();
    let source = AmountError::Overflow;
    let (id, file) = ("b".into(), "ledger.csv".to_owned());
    assert_eq!(
        error,
        TaxError::Amount {
            id,
            file,
            line: 3,
            source
        }
    );
}

#[test]
fn amounts_with_a_sign_are_left_out_and_told() {
    let mut ledger = ledger(&["a 2024-01-01 buy A 100USD 1ETH -"]);
    ledger.rows[0].sent.as_mut().unwrap().amount = "-1".parse().unwrap();
    let outcome = compute(&[ledger], Country::Us, &Request::default()).unwrap();
    assert_eq!(outcome.warnings[0].code, WarningCode::UnusableRow);
    assert_eq!(outcome.holdings, []);
}

#[test]
fn dates_and_years_are_those_of_the_taxpayers_zone() {
    let rows = [
        "a 2024-01-01 buy A 100USD 2ETH -",
        "s 2025-01-01T03:00:00Z sell A 1ETH 300USD -",
    ];
    assert_eq!(usual(&rows).totals.keys().next().unwrap().0, 2024);
    let request = Request {
        timezone: Some(chrono_tz::UTC),
        ..Request::default()
    };
    let outcome = compute(&[ledger(&rows)], Country::Us, &request).unwrap();
    assert_eq!(outcome.totals.keys().next().unwrap().0, 2025);
}

#[test]
fn every_line_says_why_in_one_sentence() {
    let rows = [
        "a 2023-01-01 buy A 1000USD 10ETH -",
        "s 2024-07-01 sell A 1ETH 3000USD 0.1ETH",
        "t 2024-07-02 spend B 20ETH - - value=40000",
    ];
    let outcome = outcome(&rows, Method::Hifo, None);
    let why: Vec<_> = outcome
        .disposals
        .iter()
        .map(|line| line.why.to_string())
        .collect();
    assert_eq!(
        why,
        [
            "Dearest lot first of all wallets; long since 2024-01-02; proceeds as received in \
             money.",
            "Units given as a fee count as sold; dearest lot first of all wallets; long since \
             2024-01-02; proceeds at the price the row implies.",
            "Dearest lot first of all wallets; long since 2024-01-02; proceeds at the market value \
             in the row.",
            "No purchase on record, so zero cost; proceeds at the market value in the row.",
        ]
    );
}

#[test]
fn a_withdrawal_and_a_deposit_without_a_hash_are_a_transfer_by_amount_and_time() {
    let rows = [
        "a 2024-01-01 buy A 1000USD 1BTC -",
        "w 2024-02-01T10:00:00Z withdrawal A 0.5BTC - - value=600",
        "x 2024-02-01T11:00:00Z deposit B - 0.2BTC -",
        "d 2024-02-01T12:00:00Z deposit B - 0.499BTC -",
        "s 2024-03-01 sell B 0.499BTC 700USD -",
    ];
    let outcome = usual(&rows);
    let transfers: Vec<_> = outcome
        .transfers
        .iter()
        .map(|one| {
            format!(
                "{}>{} {} {} {:?}",
                one.sent, one.received, one.quantity, one.lost, one.by
            )
        })
        .collect();
    assert_eq!(transfers, ["w>d 0.499 0.001 Amount"]);
    assert_eq!(
        lines(&outcome),
        ["w<a 0.001 1.00 0.20", "s<a 0.499 499.00 201.00"],
        "the network's fee was sold, and the rest kept its cost"
    );
    let codes: Vec<_> = warnings(&outcome)
        .into_iter()
        .map(|(code, id, _)| (code, id))
        .collect();
    assert_eq!(codes, [("unmatched_transfer", "x")]);
}

#[test]
fn halves_that_are_too_far_apart_in_time_or_amount_are_no_transfer() {
    let apart = |deposit: &str| {
        let rows = [
            "a 2024-01-01 buy A 1000USD 1BTC -",
            "w 2024-02-01 withdrawal A 0.5BTC - -",
            deposit,
        ];
        usual(&rows).transfers.len()
    };
    assert_eq!(
        apart("d 2024-02-03 deposit B - 0.475BTC -"),
        1,
        "the edges count"
    );
    assert_eq!(
        apart("d 2024-02-03T12:00:01Z deposit B - 0.5BTC -"),
        0,
        "too late"
    );
    assert_eq!(apart("d 2024-02-01 deposit B - 0.4749BTC -"), 0, "too few");
    assert_eq!(
        apart("d 2024-02-01 deposit B - 0.5001BTC -"),
        0,
        "more than left"
    );
    assert_eq!(
        apart("d 2024-02-01 deposit A - 0.5BTC -"),
        0,
        "the same wallet"
    );
    assert_eq!(
        apart("d 2024-02-01 deposit B - 0.5ETH -"),
        0,
        "another asset"
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
fn every_rule_that_was_used_has_a_note_with_its_source() {
    let rows = [
        "a 2024-01-01 buy A 1000USD 10ETH 1USD",
        "s 2024-07-01 sell A 1ETH 3000USD -",
    ];
    let outcome = usual(&rows);
    assert_eq!(outcome.rule_set, "us-2025.2");
    assert!(
        outcome
            .rules_used
            .iter()
            .all(|note| !note.text.is_empty() && !note.source.is_empty())
    );
    let has = |text: &str| {
        outcome
            .rules_used
            .iter()
            .any(|note| note.text.contains(text))
    };
    assert!(
        has("First in, first out") && has("Costs of buying") && has("Through 31 December 2024")
    );
    assert!(!has("Theft") && !has("Wrapping") && !has("From 1 January 2025"));
}

#[test]
fn many_wallets_give_the_same_as_a_few() {
    // Forty wallets hold a lot each; the sales go through the method's order, not the wallets'.
    let mut rows: Vec<String> = (0..40)
        .map(|n| format!("b{n} 2024-01-01 buy W{n} {}USD 1BTC -", (n * 7) % 40 + 1))
        .collect();
    rows.extend((0..40).map(|n| format!("s{n} 2024-02-01 sell W{n} 1BTC 100USD -")));
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let outcome = outcome(&rows, Method::Hifo, None);
    let costs: Vec<_> = outcome
        .disposals
        .iter()
        .map(|line| line.cost.to_cents())
        .collect();
    let expected: Vec<_> = (1..=40).rev().map(|cost| format!("{cost}.00")).collect();
    assert_eq!(costs, expected);
    assert_eq!(outcome.holdings, []);
}

#[test]
fn a_computation_that_is_wanted_no_more_stops() {
    let ledgers = [ledger(&["b 2024-01-10 buy main 10USD 1BTC -"])];
    let computed = |is_stopped: bool| {
        compute_until(&ledgers, Country::Us, &Request::default(), &|| is_stopped)
    };
    assert_eq!(computed(true).unwrap_err(), TaxError::Stopped);
    assert!(computed(false).is_ok());
}
