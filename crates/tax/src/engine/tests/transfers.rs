//! Moves between wallets, in one row or in two halves.

use super::*;

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
fn what_a_wallet_gets_back_from_its_own_transaction_is_no_transfer() {
    let rows = [
        "a 2024-01-01 buy 0xa 10000USD 2ETH -",
        "w 2024-02-01 withdrawal 0xa 1ETH - - hash=0x1 value=2500",
        "d 2024-02-01 deposit 0xa - 0.15ETH - hash=0x1 value=375",
    ];
    let outcome = usual(&rows);
    assert_eq!(lines(&outcome), [""; 0]);
    assert!(outcome.transfers.is_empty(), "{:?}", outcome.transfers);
    let mut told: Vec<_> = warnings(&outcome)
        .into_iter()
        .map(|(code, id, _)| format!("{code} {id}"))
        .collect();
    told.sort();
    assert_eq!(told, ["unmatched_transfer d", "unmatched_transfer w"]);
}

#[test]
fn what_a_wallet_gets_back_comes_from_what_it_sent_in_whichever_order_rows_and_files_stand() {
    let sent = "w 2024-02-01 withdrawal A 1ETH - - hash=0x1 value=2500";
    let back = "d 2024-02-01 deposit A - 0.15ETH - hash=0x1 value=375";
    let bought = "a 2024-01-01 buy A 10000USD 4ETH -";
    let sold = "s 2024-03-01 sell A 0.15ETH 400USD -";
    let told = |files: &[LedgerFile], method| {
        let request = Request {
            method: Some(method),
            ..Request::default()
        };
        let outcome = compute(files, Country::Us, &request).unwrap();
        let mut told = [lines(&outcome), holdings(&outcome)].concat();
        let warnings = warnings(&outcome).into_iter();
        let mut warnings: Vec<_> = warnings.map(|one| format!("{one:?}")).collect();
        warnings.sort();
        told.extend(warnings);
        told
    };
    for method in [Method::Fifo, Method::Lifo] {
        let first = told(&[ledger(&[bought, sent, back, sold])], method);
        assert_eq!(first[0], "s<a 0.15 375.00 25.00", "{method:?}");
        let mirrored = told(&[ledger(&[bought, back, sent, sold])], method);
        assert_eq!(mirrored, first, "{method:?}");
        let files = [ledger(&[bought, sold]), ledger(&[back]), ledger(&[sent])];
        assert_eq!(told(&files, method), first, "{method:?}");
    }
}

#[test]
fn rows_of_one_moment_that_are_no_refund_keep_the_order_of_the_file() {
    let order = |rows: &[&str]| {
        let ledger = ledger(rows);
        let all: Vec<_> = (0..ledger.rows.len()).collect();
        let behind = refunds::behind(&all, |index| &ledger.rows[*index]);
        let behind = behind.unwrap_or(all).into_iter();
        let ids: Vec<_> = behind.map(|index| &*ledger.rows[index].id).collect();
        ids.concat()
    };
    let (sent, back) = ("withdrawal A 1ETH - - hash=0x1", "deposit A - 1ETH -");
    let of = |other: &str| {
        order(&[
            &format!("d 2024-02-01 {other}"),
            "b 2024-02-01 buy A 100USD 1ETH -",
            &format!("w 2024-02-01 {sent}"),
            "c 2024-02-01 buy A 100USD 1ETH -",
            &format!("e 2024-02-01 {back} hash=0x1"),
        ])
    };
    assert_eq!(of(&format!("{back} hash=0x1")), "bwdce");
    for other in [
        format!("{back} hash=0x2"),
        back.to_owned(),
        "deposit B - 1ETH - hash=0x1".to_owned(),
        "deposit A - 1BTC - hash=0x1".to_owned(),
        "staking A - 1ETH - hash=0x1".to_owned(),
    ] {
        assert_eq!(of(&other), "dbwce", "{other}");
    }
    let earlier = [
        &*format!("d 2024-02-01 {back} hash=0x1"),
        &*format!("w 2024-02-02 {sent}"),
    ];
    assert_eq!(order(&earlier), "dw", "another moment");
}

/// The transfers among halves of one transaction, which are named by their places.
fn moved(halves: &[&str]) -> Vec<String> {
    let mut rows = vec!["a 2024-01-01 buy A 1000USD 30ETH -".to_owned()];
    for (index, half) in halves.iter().enumerate() {
        rows.push(format!("h{index} 2024-02-01 {half} hash=0x1"));
    }
    let rows: Vec<_> = rows.iter().map(String::as_str).collect();
    let outcome = usual(&rows);
    let moved = outcome.transfers.iter();
    let mut moved: Vec<_> = moved
        .map(|it| format!("{}>{} {} -{}", it.sent, it.received, it.quantity, it.lost))
        .collect();
    moved.sort();
    moved
}

/// The same by amounts and wallets, in whichever order the halves stand.
fn moved_in_any_order(halves: [&str; 4]) -> Vec<String> {
    let told = |order: [usize; 4]| {
        let rows = order.map(|index| halves[index]);
        let rows = rows.map(|half| match half.split_once('<') {
            Some((amount, wallet)) => format!("deposit {wallet} - {amount}ETH -"),
            None => {
                let (amount, wallet) = half.split_once('>').unwrap();
                format!("withdrawal {wallet} {amount}ETH - -")
            }
        });
        let rows: Vec<_> = rows.iter().map(String::as_str).collect();
        let pairs = moved(&rows).into_iter().map(|pair| {
            let half = |at: usize| {
                let place: usize = pair[at..=at].parse().unwrap();
                halves[order[place]]
            };
            format!("{} {}", half(1), half(4))
        });
        let mut pairs: Vec<_> = pairs.collect();
        pairs.sort();
        pairs
    };
    let first = told([0, 1, 2, 3]);
    for a in 0..4 {
        for b in (0..4).filter(|b| *b != a) {
            for c in (0..4).filter(|c| ![a, b].contains(c)) {
                let order = [a, b, c, 6 - a - b - c];
                assert_eq!(told(order), first, "{order:?}");
            }
        }
    }
    first
}

#[test]
fn where_more_arrives_than_left_halves_go_together_by_the_nearest_amounts_in_any_order() {
    let near = moved_in_any_order(["3>A", "5>A", "3.5<B", "5.5<B"]);
    assert_eq!(near, ["3>A 3.5<B", "5>A 5.5<B"]);
    // Equal ones stay together, whatever the others are.
    let equal = moved_in_any_order(["4>A", "5>A", "5<B", "6<B"]);
    assert_eq!(equal, ["4>A 6<B", "5>A 5<B"]);
    let equal = moved_in_any_order(["2>A", "5>A", "2.5<B", "5<B"]);
    assert_eq!(equal, ["2>A 2.5<B", "5>A 5<B"]);
    // Nor does the order decide who finds a deposit in another wallet.
    let wallets = moved_in_any_order(["5>C", "5>A", "5<B", "5<A"]);
    assert_eq!(wallets, ["5>A 5<B", "5>C 5<A"]);
    // The nearest deposit of the smaller one is in its own wallet.
    let own = moved_in_any_order(["3>A", "5>B", "3.5<A", "5.5<C"]);
    assert_eq!(own, ["3>A 5.5<C", "5>B 3.5<A"]);
}

#[test]
fn halves_of_one_transaction_go_together_by_the_fewest_units_lost() {
    let (out, back) = ("withdrawal A", "deposit B");
    let crossed = [
        &*format!("{out} 10ETH - -"),
        &*format!("{out} 5ETH - -"),
        &*format!("{back} - 5ETH -"),
        &*format!("{back} - 10ETH -"),
    ];
    assert_eq!(moved(&crossed), ["h0>h3 10 -0", "h1>h2 5 -0"]);
    let less = [
        &*format!("{out} 10ETH - -"),
        &*format!("{out} 5ETH - -"),
        &*format!("{back} - 4.9ETH -"),
        &*format!("{back} - 8ETH -"),
    ];
    assert_eq!(moved(&less), ["h0>h3 8 -2", "h1>h2 4.9 -0.1"]);
    let more = [
        &*format!("{out} 5ETH - -"),
        &*format!("{out} 3ETH - -"),
        &*format!("{back} - 5.5ETH -"),
        &*format!("{back} - 3ETH -"),
    ];
    assert_eq!(moved(&more), ["h0>h2 5.5 -0", "h1>h3 3 -0"]);
}

#[test]
fn halves_that_do_not_fit_are_not_looked_at_one_by_one() {
    const HALVES: usize = 3_000;
    let asked = |row: &dyn Fn(usize, &str) -> String| {
        let withdrawals = (0..HALVES).map(|index| row(index, "withdrawal"));
        let deposits = (0..HALVES).map(|index| row(index, "deposit"));
        let rows: Vec<_> = withdrawals.chain(deposits).collect();
        let rows: Vec<_> = rows.iter().map(String::as_str).collect();
        let ledger = ledger(&rows);
        let asked = std::cell::Cell::new(0);
        let is_stopped = || {
            asked.set(asked.get() + 1);
            false
        };
        let pairs = pairs::pair(ledger.rows.iter(), &pairs::Given::default(), &is_stopped);
        assert_eq!(pairs.unwrap().len(), 0);
        asked.get()
    };
    let legs = |kind: &str, amount: &str| match kind {
        "withdrawal" => "1ETH - -".to_owned(),
        _ => format!("- {amount}ETH -"),
    };
    let in_one_wallet =
        |index: usize, kind: &str| format!("{kind}{index} 2024-01-01 {kind} A {}", legs(kind, "1"));
    let of_other_hashes = |index: usize, kind: &str| {
        let wallet = &kind[..1];
        let legs = legs(kind, "1");
        format!("{kind}{index} 2024-01-01 {kind} {wallet} {legs} hash={wallet}{index}")
    };
    let of_other_amounts = |index: usize, kind: &str| {
        let (wallet, legs) = (&kind[..1], legs(kind, &format!("0.5{index:04}")));
        format!("{kind}{index} 2024-01-01 {kind} {wallet} {legs}")
    };
    // Each with each would be nine million looks, and the watch asked 137 times.
    assert_eq!(asked(&in_one_wallet), 0);
    assert_eq!(asked(&of_other_hashes), 0);
    assert_eq!(asked(&of_other_amounts), 0);
}
