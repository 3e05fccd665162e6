//! What one transaction of a wallet did is one row, in how many files of an explorer it stands.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use packtrain_core::ledger::{Leg, NamedLot, Row};
use packtrain_core::money::Money;
use packtrain_tax::import::{Options, join_files, read_with};
use packtrain_tax::request::{Country, Request};
use packtrain_tax::settle::{Answer, RowName, Settlement, Settlements};
use packtrain_tax::{LedgerFile, compute};

const OWN: &str = "0x00000000000000000000000000000000000000a1";
const OTHER: &str = "0x00000000000000000000000000000000000000c1";
const USDC: &str = "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48";
const WETH: &str = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2";
const ZERO: &str = "0x0000000000000000000000000000000000000000";

/// Rows of the file of normal transactions: hash, to, what left and the fee.
fn normal(rows: &[(&str, &str, &str, &str)]) -> LedgerFile {
    let header = "Transaction Hash,UnixTimestamp,From,To,Value_IN(ETH),Value_OUT(ETH),TxnFee(ETH),\
                  Historical $Price/Eth,Status,ErrCode,Method";
    let row = |(hash, to, out, fee): &(&str, &str, &str, &str)| {
        format!("{hash},1700000000,{OWN},{to},0,{out},{fee},2000,,,Swap\n")
    };
    file("normal.csv", header, rows.iter().map(row).collect())
}

/// Rows of the file of internal transactions: hash, from, and what came.
fn internal(rows: &[(&str, &str, &str)]) -> LedgerFile {
    let header = "Transaction Hash,UnixTimestamp,ParentTxFrom,From,TxTo,Value_IN(ETH),\
                  Value_OUT(ETH),Historical $Price/Eth,Status,ErrCode,Type";
    let row = |(hash, from, amount): &(&str, &str, &str)| {
        format!("{hash},1700000000,{OWN},{from},{OWN},{amount},0,2000,0,,call\n")
    };
    file("internal.csv", header, rows.iter().map(row).collect())
}

/// Rows of the file of tokens: hash, from, to, amount, contract and symbol.
fn tokens(rows: &[(&str, &str, &str, &str, &str, &str)]) -> LedgerFile {
    let header = "Transaction Hash,UnixTimestamp,From,To,TokenValue,USDValueDayOfTx,\
                  ContractAddress,TokenName,TokenSymbol";
    let row =
        |(hash, from, to, amount, contract, symbol): &(&str, &str, &str, &str, &str, &str)| {
            format!("{hash},1700000000,{from},{to},{amount},N/A,{contract},{symbol},{symbol}\n")
        };
    file("tokens.csv", header, rows.iter().map(row).collect())
}

fn file(name: &str, header: &str, rows: String) -> LedgerFile {
    let options = Options {
        wallet: Some(OWN.to_owned()),
        ..Options::default()
    };
    let import = read_with(format!("{header}\n{rows}").as_bytes(), &options).unwrap();
    assert!(import.errors.is_empty(), "{:?}", import.errors);
    import.into_ledger(name)
}

/// What the files hold after they were joined, one line for each row, sorted.
fn told(files: &[LedgerFile], answers: &Settlements) -> Vec<String> {
    let mut files = files.to_vec();
    join_files(&mut files, answers);
    let rows = files.iter().flat_map(|file| &file.rows);
    let leg = |leg: &Option<Leg>| {
        let text = leg
            .as_ref()
            .map(|leg| format!("{} {}", leg.amount, leg.asset));
        text.unwrap_or_else(|| "-".to_owned())
    };
    let money = |money: Option<Money>| money.map_or_else(|| "-".to_owned(), Money::to_cents);
    let line = |row: &Row| {
        let (sent, received, fee) = (leg(&row.sent), leg(&row.received), leg(&row.fee));
        let values = [row.value, row.rare.fee_value].map(money).join(", ");
        format!(
            "{} {}: {sent} for {received}, fee {fee}, worth {values}",
            row.id, row.kind
        )
    };
    let mut lines: Vec<String> = rows.map(line).collect();
    lines.sort();
    lines
}

/// As [`told`], in whatever order the files stand.
fn joined(files: &[LedgerFile]) -> Vec<String> {
    let answers = Settlements::default();
    let expected = told(files, &answers);
    let mut turned = files.to_vec();
    for _ in files {
        turned.rotate_left(1);
        assert_eq!(told(&turned, &answers), expected, "another order");
    }
    turned.reverse();
    assert_eq!(told(&turned, &answers), expected, "the order turned round");
    expected
}

#[test]
fn coins_for_tokens_are_a_trade_whose_fee_is_that_of_the_one_transaction() {
    let files = [
        normal(&[("0xAA01", OTHER, "1", "0.01")]),
        internal(&[("0xaa01", OTHER, "0.05")]),
        tokens(&[("0xaa01", OTHER, OWN, "1900", USDC, "USDC")]),
    ];
    assert_eq!(
        joined(&files),
        [
            "etherscan-2+etherscan-internal-2+etherscan-tokens-2 trade: 0.95 ETH for 1900 USDC, \
             fee 0.01 ETH, worth 1900.00, 20.00"
        ]
    );
}

#[test]
fn tokens_for_coins_are_a_trade_with_the_fee_of_the_row_that_moved_nothing() {
    let files = [
        normal(&[("0xaa02", OTHER, "0", "0.01")]),
        internal(&[("0xaa02", OTHER, "0.5")]),
        tokens(&[("0xaa02", OWN, OTHER, "1000", USDC, "USDC")]),
    ];
    assert_eq!(
        joined(&files),
        [
            "etherscan-2+etherscan-internal-2+etherscan-tokens-2 trade: 1000 USDC for 0.5 ETH, \
             fee 0.01 ETH, worth 1000.00, 20.00"
        ]
    );
}

#[test]
fn a_trade_of_two_tokens_gets_the_fee_that_stands_in_another_file() {
    let files = [
        normal(&[("0xaa03", OTHER, "0", "0.01")]),
        tokens(&[
            ("0xaa03", OWN, OTHER, "1000", USDC, "USDC"),
            ("0xaa03", OTHER, OWN, "2", OTHER, "EXT"),
        ]),
    ];
    assert_eq!(
        joined(&files),
        [
            "etherscan-2+etherscan-tokens-2 trade: 1000 USDC for 2 EXT, fee 0.01 ETH, \
             worth -, 20.00"
        ]
    );
}

#[test]
fn what_moves_three_assets_or_none_against_another_stays_as_it_is() {
    let files = [
        normal(&[
            ("0xaa04", OTHER, "1", "0.01"),
            ("0xaa05", OTHER, "0", "0.02"),
        ]),
        tokens(&[
            ("0xaa04", OWN, OTHER, "1900", USDC, "USDC"),
            ("0xaa04", OTHER, OWN, "40", OTHER, "LP"),
            ("0xaa05", OWN, OTHER, "7", USDC, "USDC"),
        ]),
    ];
    let rows = joined(&files);
    assert_eq!(rows.len(), 4, "{rows:?}");
    assert!(rows.iter().all(|row| !row.contains('+')), "{rows:?}");
}

#[test]
fn coins_of_the_wrapping_contract_are_wrapped_with_and_without_a_row_of_the_token() {
    let wrap = normal(&[("0xaa06", WETH, "1", "0.01")]);
    let alone = [
        wrap.clone(),
        tokens(&[("0xaa07", OWN, OTHER, "1", WETH, "WETH")]),
    ];
    let both = [wrap, tokens(&[("0xaa06", ZERO, OWN, "1", WETH, "WETH")])];
    let told = "wrap: 1 ETH for 1 WETH, fee 0.01 ETH, worth 2000.00, 20.00";
    assert_eq!(joined(&alone)[0], format!("etherscan-2 {told}"));
    assert_eq!(
        joined(&both),
        [format!("etherscan-2+etherscan-tokens-2 {told}")]
    );
}

#[test]
fn coins_that_the_wrapping_contract_sends_are_unwrapped_and_cost_the_fee() {
    let files = [
        normal(&[("0xaa08", WETH, "0", "0.01")]),
        internal(&[("0xaa08", WETH, "1")]),
        tokens(&[("0xaa08", OWN, ZERO, "1", WETH, "WETH")]),
    ];
    let told = "unwrap: 1 WETH for 1 ETH, fee 0.01 ETH, worth 2000.00, 20.00";
    assert_eq!(
        joined(&files),
        [format!(
            "etherscan-2+etherscan-internal-2+etherscan-tokens-2 {told}"
        )]
    );
    assert_eq!(
        joined(&files[..2]),
        [format!("etherscan-2+etherscan-internal-2 {told}")]
    );
}

#[test]
fn a_token_that_only_has_the_symbol_of_a_wrapped_coin_does_not_take_it() {
    let rows = [
        ("0xaa09", OTHER, OWN, "5", OTHER, "WETH"),
        ("0xaa10", OTHER, OWN, "5", OTHER, "WETH"),
        ("0xaa11", OTHER, OWN, "1", WETH, "WETH"),
    ];
    let file = tokens(&rows);
    let assets: Vec<_> = file.rows.iter().map(|row| row.received.as_ref()).collect();
    let assets: Vec<_> = assets.iter().flatten().map(|leg| &*leg.asset).collect();
    assert_eq!(assets, ["WETH@0x00000000", "WETH@0x00000000", "WETH"]);
}

fn swap() -> [LedgerFile; 2] {
    [
        normal(&[("0xaa01", OTHER, "1", "0.01")]),
        tokens(&[("0xaa01", OTHER, OWN, "1900", USDC, "USDC")]),
    ]
}

#[test]
fn a_joined_row_says_in_which_files_and_lines_its_parts_stand() {
    let mut files = swap();
    join_files(&mut files, &Settlements::default());
    assert_eq!((files[0].rows.len(), files[1].rows.len()), (1, 0));
    assert_eq!(
        files[0].rows[0].note.as_deref(),
        Some(
            "Swap; one transaction: etherscan-2 (normal.csv, line 2), \
             etherscan-tokens-2 (tokens.csv, line 2)"
        )
    );
}

#[test]
fn a_file_that_is_given_twice_is_still_a_copy() {
    let [coins, tokens] = swap();
    let named = |name: &str, file: &LedgerFile| LedgerFile {
        name: name.to_owned(),
        ..file.clone()
    };
    let mut files = [
        coins.clone(),
        tokens.clone(),
        named("again.csv", &coins),
        named("tokens again.csv", &tokens),
    ];
    join_files(&mut files, &Settlements::default());
    assert_eq!(files[0].rows, files[2].rows);
    assert_eq!(files[1].rows, files[3].rows);
    assert_eq!((files[0].rows.len(), files[1].rows.len()), (1, 0));
}

#[test]
fn a_transaction_of_which_exports_that_overlap_have_a_part_twice_is_one_trade() {
    let [coins, tokens] = swap();
    let longer = LedgerFile {
        name: "longer.csv".to_owned(),
        ..normal(&[
            ("0xbb01", OTHER, "0", "0.01"),
            ("0xaa01", OTHER, "1", "0.01"),
        ])
    };
    let mut files = vec![coins, tokens, longer];
    for part in ["etherscan-2", "etherscan-3", "etherscan-3"] {
        let trade = format!(
            "{part}+etherscan-tokens-2 trade: 1 ETH for 1900 USDC, fee 0.01 ETH, \
             worth 2000.00, 20.00"
        );
        let fee = "etherscan-2 fee: - for -, fee 0.01 ETH, worth -, 20.00".to_owned();
        let mut expected = vec![trade.clone(), trade, fee];
        expected.sort();
        assert_eq!(told(&files, &Settlements::default()), expected);
        // The second trade is a copy, and counts for nothing.
        let mut joined = files.clone();
        join_files(&mut joined, &Settlements::default());
        let outcome = compute(&joined, Country::Us, &Request::default()).unwrap();
        let lines = outcome.disposals.iter().filter(|line| !line.is_fee);
        let lines: Vec<_> = lines
            .map(|line| {
                format!(
                    "{} {} {}",
                    line.quantity,
                    line.asset,
                    line.proceeds.to_cents()
                )
            })
            .collect();
        assert_eq!(lines, ["1 ETH 2000.00"]);
        files.rotate_left(1);
    }
}

#[test]
fn equal_rows_of_two_sources_are_not_joined_with_a_third() {
    let [coins, tokens] = swap();
    let mut other = coins.clone();
    other.rows[0].id = "own".into();
    let rows = joined(&[coins, tokens, other]);
    assert_eq!(rows.len(), 3, "{rows:?}");
    assert!(rows.iter().all(|row| !row.contains('+')), "{rows:?}");
}

#[test]
fn a_transaction_of_as_many_rows_as_an_id_can_name_is_joined_and_one_of_more_stays() {
    let token = ("0xaa01", OTHER, OWN, "1", USDC, "USDC");
    let rows: Vec<_> = (0..151).map(|_| token).collect();
    let mut many = tokens(&rows);
    let ids = (0..).map(|id| char::from_u32(0x4e00 + id).unwrap());
    for (row, id) in many.rows.iter_mut().zip(ids) {
        row.id = id.to_string().into();
    }
    let mut coins = normal(&[("0xaa01", OTHER, "1", "0.01")]);
    coins.rows[0].id = "c".into();
    let few = LedgerFile {
        rows: many.rows[..149].to_vec(),
        ..many.clone()
    };
    assert_eq!(joined(&[coins.clone(), few]).len(), 1);
    assert_eq!(joined(&[coins, many]).len(), 152);
}

#[test]
fn a_lot_that_is_named_by_the_id_of_a_part_is_that_of_the_joined_row() {
    let [coins, tokens] = swap();
    let header = "id,timestamp,type,wallet,sent_amount,sent_asset,received_amount,received_asset,\
                  value,currency,lots";
    let rows = |lots: &str| {
        format!(
            "b,2023-01-01T00:00:00Z,buy,{OWN},1000,USD,1000,USDC,,USD,\n\
             s,2024-02-01T00:00:00Z,sell,{OWN},1000,USDC,1500,USD,,USD,{lots}\n"
        )
    };
    let lots = |file: Option<&str>| Settlements {
        settle: vec![Settlement {
            row: RowName {
                id: "s".to_owned(),
                file: None,
            },
            answer: Answer::Lots(
                vec![NamedLot {
                    row: "etherscan-tokens-2".into(),
                    quantity: "950".parse().unwrap(),
                }],
                file.map(str::to_owned),
            ),
        }],
        ..Settlements::default()
    };
    let part = "etherscan-tokens-2:950";
    for (column, answers) in [
        ("", lots(None)),
        ("", lots(Some("tokens.csv"))),
        (part, Settlements::default()),
    ] {
        let own = file("own.csv", header, rows(column));
        let mut files = vec![coins.clone(), tokens.clone(), own];
        join_files(&mut files, &answers);
        let request = Request {
            settlements: answers,
            ..Request::default()
        };
        let outcome = compute(&files, Country::Us, &request).unwrap();
        let lines = outcome.disposals.iter().filter(|line| *line.id == *"s");
        let lines: Vec<_> = lines
            .map(|line| (line.quantity.to_string(), line.cost.to_cents()))
            .collect();
        // Half of what the trade of 2000 brought, and the rest of the first purchase.
        let expected = [("950", "1000.00"), ("50", "50.00")];
        let expected = expected.map(|(units, cost)| (units.to_owned(), cost.to_owned()));
        assert_eq!(lines, expected, "{column:?}");
    }
}

#[test]
fn rows_of_two_wallets_stay_apart() {
    let [coins, mut tokens] = swap();
    tokens.rows[0].wallet = OTHER.into();
    assert_eq!(joined(&[coins, tokens]).len(), 2);
}

#[test]
fn a_row_that_an_answer_names_by_itself_stays_by_itself() {
    let answer = |row: &str, file: Option<&str>| Settlements {
        settle: vec![Settlement {
            row: RowName {
                id: row.to_owned(),
                file: file.map(str::to_owned),
            },
            answer: Answer::NotTransfer(None),
        }],
        ..Settlements::default()
    };
    let files = swap();
    for (row, file, rows) in [
        ("etherscan-2", None, 2),
        ("etherscan-tokens-2", Some("tokens.csv"), 2),
        ("etherscan-tokens-2", Some("normal.csv"), 1),
        ("etherscan-9", None, 1),
    ] {
        assert_eq!(told(&files, &answer(row, file)).len(), rows, "{row}");
    }
}
