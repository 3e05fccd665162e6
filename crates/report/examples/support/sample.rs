//! A made-up outcome of any size, for tests, for looking at pages and for measuring.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Days, NaiveDate, Utc};
use packtrain_core::ledger::RowKind;
use packtrain_core::money::{Currency, Money};
use packtrain_core::quantity::Quantity;
use packtrain_tax::outcome::{
    Choice, Disposal, Holding, Income, Origin, Outcome, Removed, RuleNote, Settled, TaxYear, Term,
    Totals, ValueFrom, Warning, WarningCode, Way, Why,
};
use packtrain_tax::request::{Country, Method, Scope, Settings};

const ASSETS: [&str; 9] = [
    "ETH",
    "BTC",
    "SOL",
    "ARB",
    "LINK",
    "UNI",
    "STETH",
    "COOLCATS#4711",
    "Visit claim-your-airdrop.example now",
];
const WALLETS: [&str; 4] = [
    "Coinbase",
    "Kraken",
    "Łódź 钱包 🚀",
    "Ledger Nano X, the old one in the drawer",
];

/// An outcome with about so many lines of disposals, spread over two years.
pub fn outcome(lines: usize) -> Outcome {
    let mut dice = Dice(7);
    let disposals = disposals(lines, &mut dice);
    let income = income(lines / 9 + 2, &mut dice);
    let mut totals = BTreeMap::new();
    for line in &disposals {
        add(
            totals.entry(TaxYear(line.date.year())).or_insert_with(zero),
            line,
        );
    }
    for line in &income {
        let year = totals.entry(TaxYear(line.date.year())).or_insert_with(zero);
        year.income = year.income.checked_add(line.value).unwrap();
    }
    Outcome {
        disposals,
        income,
        totals,
        removed: removed(),
        holdings: holdings(),
        warnings: warnings(3, &mut dice),
        rules_used: rules(),
        ..empty()
    }
}

/// An outcome in which nothing happened.
pub fn empty() -> Outcome {
    Outcome {
        settings: Settings {
            country: Country::Us,
            method: Method::Fifo,
            scope: Some(Scope::Wallet),
            timezone: "America/New_York".parse().unwrap(),
            currency: Currency::USD,
            options: BTreeMap::from([("wrap".to_owned(), "carry".to_owned())]),
        },
        rule_set: "us-2025.1",
        rules_used: Vec::new(),
        disposals: Vec::new(),
        removed: Vec::new(),
        income: Vec::new(),
        transfers: Vec::new(),
        valuations: Vec::new(),
        assessments: BTreeMap::new(),
        rows: BTreeMap::new(),
        rows_answered: 0,
        totals: BTreeMap::new(),
        holdings: Vec::new(),
        open: Vec::new(),
        warnings: Vec::new(),
        settled: Vec::new(),
        rules_given: Vec::new(),
    }
}

/// When a sample report is made.
pub fn at() -> DateTime<Utc> {
    "2026-01-15T14:02:11Z".parse().unwrap()
}

/// The sum of what is in the lines: call after changing lines by hand.
pub fn summed(mut outcome: Outcome) -> Outcome {
    outcome.totals.clear();
    for line in &outcome.disposals {
        let year = TaxYear(line.date.year());
        add(outcome.totals.entry(year).or_insert_with(zero), line);
    }
    for line in &outcome.income {
        let year = outcome
            .totals
            .entry(TaxYear(line.date.year()))
            .or_insert_with(zero);
        year.income = year.income.checked_add(line.value).unwrap();
    }
    outcome
}

/// So many dollars.
pub fn usd(text: &str) -> Money {
    Money::parse(text, Currency::USD).unwrap()
}

/// So much of an asset.
pub fn quantity(text: &str) -> Quantity {
    text.parse().unwrap()
}

/// A date.
pub fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// One plain sale.
pub fn sale(id: &str, asset: &str, proceeds: &str, cost: &str) -> Disposal {
    Disposal {
        id: id.into(),
        origin: Origin { file: 0, line: 2 },
        kind: RowKind::Sell,
        asset: asset.into(),
        wallet: "Coinbase".into(),
        date: day("2025-03-14"),
        quantity: quantity("0.5"),
        proceeds: usd(proceeds),
        fees: usd("0"),
        cost: usd(cost),
        gain: usd(proceeds).checked_sub(usd(cost)).unwrap(),
        denied_loss: Money::zero(Currency::USD),
        form_box: None,
        term: Some(Term::Long),
        rule: "fifo",
        acquired: Some(day("2023-01-10")),
        lot: Some("t1".into()),
        is_fee: false,
        why: why(Term::Long, "2023-01-10"),
    }
}

fn why(term: Term, long_from: &str) -> Why {
    Why {
        choice: Choice::Method(Method::Fifo, Scope::Wallet),
        is_fee: false,
        held: Some((term, day(long_from))),
        value: ValueFrom::Money,
        gift: None,
    }
}

/// So many things to check.
pub fn warnings(count: usize, dice: &mut Dice) -> Vec<Warning> {
    let codes = [
        WarningCode::MissingCostBasis,
        WarningCode::MissingPrice,
        WarningCode::UnmatchedTransfer,
    ];
    let mut warnings: Vec<_> = (0..count)
        .map(|place| Warning {
            code: codes[place % codes.len()],
            id: format!("t{}", 100 + place).into(),
            origin: Origin {
                file: 0,
                line: 101 + u32::try_from(place).unwrap(),
            },
            year: TaxYear(2025),
            asset: Some("ETH".into()),
            at_stake: usd(&format!("{}.{:02}", dice.below(2_000), dice.below(100))),
            message: "0.42 ETH were sold, and no purchase of them is on record. They are counted \
                      at zero cost."
                .to_owned(),
            help: "Add the file that holds the purchase, or enter the purchase by hand.".to_owned(),
            is_exact: false,
            ways: &[Way::AddFile, Way::Purchase, Way::AcceptZero],
        })
        .collect();
    warnings.sort_by_key(|warning| std::cmp::Reverse(warning.at_stake.to_cents().len()));
    warnings
}

/// One answer to a finding.
pub fn settled() -> Settled {
    Settled {
        id: "t99".into(),
        origin: Origin { file: 0, line: 100 },
        answer: Way::Purchase,
        said: "2 ETH bought on 2020-01-01 for 10 USD".to_owned(),
        is_used: true,
        findings: Vec::new(),
    }
}

/// Numbers that look like chance and repeat.
pub struct Dice(pub u64);

impl Dice {
    /// A number below a bound.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

fn disposals(lines: usize, dice: &mut Dice) -> Vec<Disposal> {
    let mut made = Vec::with_capacity(lines);
    let mut row = 0_usize;
    while made.len() < lines {
        row += 1;
        let lots = [1, 1, 1, 2, 1, 4][row % 6].min(lines - made.len());
        let asset = ASSETS[usize::try_from(dice.below(36)).unwrap() / (row % 3 + 4) % ASSETS.len()];
        let wallet = WALLETS[usize::try_from(dice.below(4)).unwrap()];
        let start =
            day("2024-01-02").checked_add_days(Days::new((made.len() * 720 / lines) as u64));
        for lot in 0..lots {
            made.push(disposal(row, lot, asset, wallet, start.unwrap(), dice));
        }
    }
    made
}

fn disposal(
    row: usize,
    lot: usize,
    asset: &str,
    wallet: &str,
    date: NaiveDate,
    dice: &mut Dice,
) -> Disposal {
    let held = dice.below(700);
    let proceeds = usd(&format!("{}.{:03}", dice.below(9_000), dice.below(1_000)));
    let cost = usd(&format!("{}.{:03}", dice.below(7_000), dice.below(1_000)));
    let fees = usd(&format!("{}.{:02}", dice.below(9), dice.below(100)));
    let gain = proceeds
        .checked_sub(fees)
        .unwrap()
        .checked_sub(cost)
        .unwrap();
    let is_known = !row.is_multiple_of(29);
    Disposal {
        id: format!("t{row}").into(),
        origin: Origin {
            file: 0,
            line: u32::try_from(row).unwrap() + 1,
        },
        kind: [RowKind::Sell, RowKind::Trade, RowKind::Spend][row % 3],
        asset: asset.into(),
        wallet: wallet.into(),
        date,
        quantity: quantity(&format!(
            "{}.{:08}",
            dice.below(12),
            dice.below(100_000_000)
        )),
        proceeds,
        fees,
        cost,
        gain,
        denied_loss: Money::zero(Currency::USD),
        form_box: None,
        term: Some(if held > 365 { Term::Long } else { Term::Short }),
        rule: "fifo",
        acquired: is_known.then(|| date.checked_sub_days(Days::new(held)).unwrap()),
        lot: is_known.then(|| format!("t{}", row / 2 + lot).into()),
        is_fee: row.is_multiple_of(17),
        why: why(Term::Long, "2023-01-10"),
    }
}

fn income(count: usize, dice: &mut Dice) -> Vec<Income> {
    let kinds = [RowKind::Staking, RowKind::Interest, RowKind::Airdrop];
    (0..count)
        .map(|place| Income {
            id: format!("i{place}").into(),
            origin: Origin {
                file: 1,
                line: u32::try_from(place).unwrap() + 2,
            },
            kind: kinds[place % 3],
            asset: ASSETS[place % 5].into(),
            date: day("2024-01-05")
                .checked_add_days(Days::new((place * 700 / count) as u64))
                .unwrap(),
            quantity: quantity(&format!(
                "0.{:018}",
                dice.below(1_000_000_000) * 1_000_000 + 1
            )),
            value: usd(&format!("{}.{:02}", dice.below(90), dice.below(100))),
            from: ValueFrom::RowValue,
        })
        .collect()
}

fn removed() -> Vec<Removed> {
    let line = |id: &str, kind, date: &str, cost: &str| Removed {
        id: id.into(),
        origin: Origin { file: 1, line: 77 },
        kind,
        asset: "ETH".into(),
        date: day(date),
        quantity: quantity("1.25"),
        cost: usd(cost),
        part: None,
        lots: Box::default(),
    };
    vec![
        line("g1", RowKind::GiftOut, "2025-02-01", "2500"),
        line("g2", RowKind::Donation, "2025-06-11", "310.4"),
    ]
}

fn holdings() -> Vec<Holding> {
    let line = |asset: &str, wallet: &str, amount: &str, cost: &str| Holding {
        asset: asset.into(),
        wallet: Some(wallet.into()),
        quantity: quantity(amount),
        cost: usd(cost),
    };
    vec![
        line("BTC", "Coinbase", "0.75", "31200.11"),
        line("ETH", "Kraken", "12.000000000000000001", "24020.5"),
        line("ETH", WALLETS[2], "3.2", "9100"),
        line("USDC", "Kraken", "1234567.89", "1234567.89"),
    ]
}

fn rules() -> Vec<RuleNote> {
    let rule = |text: &str, source| RuleNote {
        rule: 0,
        text: text.to_owned(),
        source,
    };
    vec![
        rule(
            "A holding is long-term when it was held for more than one year; the day of purchase \
             does not count, the day of sale does.",
            "IRS digital-asset FAQ; Pub. 544",
        ),
        rule(
            "From 1 January 2025 a sale uses up lots of the wallet or account that sells.",
            "Treas. Reg. 1.1012-1(j)",
        ),
        rule(
            "Fees of buying are part of the cost; fees of selling reduce the proceeds.",
            "Treas. Reg. 1.1001-7(b), 1.1012-1(h)",
        ),
    ]
}

fn zero() -> Totals {
    Totals::zero(Currency::USD)
}

fn add(totals: &mut Totals, line: &Disposal) {
    let plus = |sum: &mut Money, amount: Money| *sum = sum.checked_add(amount).unwrap();
    plus(&mut totals.proceeds, line.proceeds);
    plus(&mut totals.cost, line.cost);
    plus(&mut totals.fees, line.fees);
    plus(&mut totals.net, line.gain);
    plus(
        if line.gain.is_negative() {
            &mut totals.losses
        } else {
            &mut totals.gains
        },
        line.gain,
    );
    plus(
        if line.term == Some(Term::Long) {
            &mut totals.long
        } else {
            &mut totals.short
        },
        line.gain,
    );
    totals.disposals += 1;
}
