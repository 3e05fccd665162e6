//! The tax cases of `tests/cases/tax`, one test each: records in, the law's figures out.
//!
//! They run here and not in the product's test binary because they need this crate alone.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use packtrain_core::money::Money;
use packtrain_core::quantity::Quantity;
use packtrain_tax::compute;
use packtrain_tax::import::{self, Limits};
use packtrain_tax::jurisdiction;
use packtrain_tax::outcome::{Amount, Outcome, Totals};
use packtrain_tax::request::{Country, Request};
use serde_json::Value;

macro_rules! cases {
    ($($test:ident: $folder:literal,)*) => {
        $(#[test] fn $test() { run($folder); })*

        /// The folders that are run.
        const RUN: &[&str] = &[$($folder),*];
    };
}

cases! {
    au_discount_gives_the_expected_figures: "au-discount",
    ca_acb_gives_the_expected_figures: "ca-acb",
    ca_inclusion_gives_the_expected_figures: "ca-inclusion",
    de_freigrenze_2023_2024_gives_the_expected_figures: "de-freigrenze-2023-2024",
    de_one_year_gives_the_expected_figures: "de-one-year",
    uk_30_day_gives_the_expected_figures: "uk-30-day",
    uk_crypto_to_crypto_gives_the_expected_figures: "uk-crypto-to-crypto",
    uk_day_30_and_31_gives_the_expected_figures: "uk-day-30-and-31",
    uk_exempt_amounts_gives_the_expected_figures: "uk-exempt-amounts",
    uk_fee_in_token_gives_the_expected_figures: "uk-fee-in-token",
    uk_s104_basic_gives_the_expected_figures: "uk-s104-basic",
    uk_same_day_gives_the_expected_figures: "uk-same-day",
    uk_split_year_2024_25_gives_the_expected_figures: "uk-split-year-2024-25",
    us_8949_boxes_gives_the_expected_figures: "us-8949-boxes",
    us_crypto_to_crypto_gives_the_expected_figures: "us-crypto-to-crypto",
    us_fees_gives_the_expected_figures: "us-fees",
    us_fifo_basic_gives_the_expected_figures: "us-fifo-basic",
    us_gift_in_dual_basis_gives_the_expected_figures: "us-gift-in-dual-basis",
    us_gift_out_donation_gives_the_expected_figures: "us-gift-out-donation",
    us_hifo_basic_gives_the_expected_figures: "us-hifo-basic",
    us_income_kinds_gives_the_expected_figures: "us-income-kinds",
    us_lifo_basic_gives_the_expected_figures: "us-lifo-basic",
    us_lofo_basic_gives_the_expected_figures: "us-lofo-basic",
    us_loss_cap_carryforward_gives_the_expected_figures: "us-loss-cap-carryforward",
    us_missing_basis_gives_the_expected_figures: "us-missing-basis",
    us_no_wash_sale_gives_the_expected_figures: "us-no-wash-sale",
    us_one_year_boundary_gives_the_expected_figures: "us-one-year-boundary",
    us_per_wallet_2025_gives_the_expected_figures: "us-per-wallet-2025",
    us_spec_id_gives_the_expected_figures: "us-spec-id",
    us_transfer_fee_gives_the_expected_figures: "us-transfer-fee",
    us_universal_2025_contrast_gives_the_expected_figures: "us-universal-2025-contrast",
}

/// Blocks that say what the case is, and those that are compared.
const BLOCKS: &[&str] = &[
    "case",
    "jurisdiction",
    "method",
    "scope",
    "currency",
    "options",
    "tolerance",
    "why",
    "source",
    "hand_checked",
    "disposals",
    "removed",
    "income",
    "totals",
    "holdings",
    "warnings",
    "form_8949_box",
];

#[test]
fn every_case_is_run() {
    for folder in fs::read_dir(root()).unwrap() {
        let name = folder.unwrap().file_name().into_string().unwrap();
        let is_run = RUN.contains(&name.as_str());
        assert!(is_run || name == "README.md", "{name} is not run");
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases/tax")
}

fn run(folder: &str) {
    let expected = fs::read_to_string(root().join(folder).join("expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&expected).unwrap();
    let bytes = fs::read(root().join(folder).join("ledger.csv")).unwrap();
    let import = import::read(&bytes, Limits::default()).unwrap();
    assert_eq!(import.errors, [], "rows that cannot be read");
    let outcome = compute(
        &[import.into_ledger("ledger.csv")],
        country(&expected),
        &request(&expected),
    );
    Case {
        expected: &expected,
        outcome: &outcome.unwrap(),
    }
    .compare();
}

fn country(expected: &Value) -> Country {
    text(&expected["jurisdiction"]).parse().unwrap()
}

fn request(expected: &Value) -> Request {
    let options = expected["options"].as_object().into_iter().flatten();
    let (zone, options): (Vec<_>, Vec<_>) = options.partition(|(name, _)| *name == "timezone");
    Request {
        method: Some(text(&expected["method"]).parse().unwrap()),
        scope: Some(text(&expected["scope"]).parse().unwrap()),
        timezone: zone.first().map(|(_, zone)| text(zone).parse().unwrap()),
        options: options
            .into_iter()
            .map(|(name, value)| (name.clone(), text(value)))
            .collect(),
        ..Request::default()
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

struct Case<'c> {
    expected: &'c Value,
    outcome: &'c Outcome,
}

impl Case<'_> {
    fn compare(&self) {
        let assessment = jurisdiction::of(self.outcome.settings.country).assessment;
        for block in self.expected.as_object().unwrap().keys() {
            assert!(
                block == assessment || BLOCKS.contains(&block.as_str()),
                "block {block} is not compared"
            );
        }
        self.compare_disposals();
        self.compare_removed_and_income();
        self.compare_totals();
        self.compare_holdings();
        self.compare_assessments(assessment);
        self.compare_boxes();
        let found: BTreeSet<_> = self
            .outcome
            .warnings
            .iter()
            .map(|w| (w.code.as_str(), &*w.id))
            .collect();
        for warning in self.lines("warnings") {
            let wanted = (text(&warning["code"]), text(&warning["id"]));
            assert!(
                found.contains(&(&*wanted.0, &*wanted.1)),
                "{wanted:?} is not in {found:?}"
            );
        }
    }

    fn lines(&self, block: &str) -> &[Value] {
        self.expected[block].as_array().unwrap()
    }

    fn amount(&self, what: &str, expected: &Value, found: Money) {
        let currency = found.currency();
        let expected = Money::parse(expected.as_str().unwrap_or("0"), currency).unwrap();
        let tolerance = Money::parse(&text(&self.expected["tolerance"]), currency).unwrap();
        let off = found.round(2).checked_sub(expected).unwrap().abs();
        assert!(
            off <= tolerance,
            "{what}: expected {expected:?}, found {found:?}"
        );
    }

    fn quantity(what: &str, expected: &Value, found: Quantity) {
        assert_eq!(text(expected).parse::<Quantity>().unwrap(), found, "{what}");
    }

    fn compare_disposals(&self) {
        let mut found: Vec<_> = self.outcome.disposals.iter().collect();
        for line in self.lines("disposals") {
            let key = |part: &str| text(&line[part]);
            let place = found.iter().position(|other| {
                *other.id == *key("id")
                    && *other.asset == *key("asset")
                    && other.lot.as_deref().unwrap_or_default() == key("lot")
                    && other
                        .acquired
                        .map(|date| date.to_string())
                        .unwrap_or_default()
                        == key("acquired")
            });
            let Some(place) = place else {
                panic!("no line for {line}, but {found:#?}")
            };
            let other = found.swap_remove(place);
            let what = |part: &str| format!("{part} of {}", other.id);
            Self::quantity(&what("quantity"), &line["quantity"], other.quantity);
            self.amount(&what("proceeds"), &line["proceeds"], other.proceeds);
            self.amount(&what("fees"), &line["fees"], other.fees);
            self.amount(&what("cost"), &line["cost"], other.cost);
            self.amount(&what("gain"), &line["gain"], other.gain);
            assert_eq!(other.date.to_string(), key("date"));
            assert_eq!(
                other.term.map_or("", |term| term.as_str()),
                key("term"),
                "{}",
                other.id
            );
            assert_eq!(other.rule, key("rule"));
        }
        assert!(found.is_empty(), "lines that nobody expects: {found:#?}");
    }

    fn compare_removed_and_income(&self) {
        assert_eq!(self.lines("removed").len(), self.outcome.removed.len());
        for (line, found) in self.lines("removed").iter().zip(&self.outcome.removed) {
            let key = |part: &str| text(&line[part]);
            assert_eq!((&*found.id, &*found.asset), (&*key("id"), &*key("asset")));
            assert_eq!(
                (found.kind.as_str(), found.date.to_string()),
                (&*key("kind"), key("date"))
            );
            Self::quantity("quantity removed", &line["quantity"], found.quantity);
            self.amount("cost removed", &line["cost"], found.cost);
        }
        assert_eq!(self.lines("income").len(), self.outcome.income.len());
        for (line, found) in self.lines("income").iter().zip(&self.outcome.income) {
            let key = |part: &str| text(&line[part]);
            assert_eq!((&*found.id, &*found.asset), (&*key("id"), &*key("asset")));
            assert_eq!(
                (found.kind.as_str(), found.date.to_string()),
                (&*key("type"), key("date"))
            );
            Self::quantity("quantity received", &line["quantity"], found.quantity);
            self.amount("value received", &line["value"], found.value);
        }
    }

    fn compare_totals(&self) {
        let rules = jurisdiction::of(self.outcome.settings.country);
        let expected = self.expected["totals"].as_object().unwrap();
        let years: Vec<_> = self
            .outcome
            .totals
            .keys()
            .map(|year| rules.year_name(*year))
            .collect();
        assert_eq!(
            years.iter().collect::<Vec<_>>(),
            expected.keys().collect::<Vec<_>>()
        );
        for (year, found) in years.iter().zip(self.outcome.totals.values()) {
            let line = &expected[year];
            for (name, amount) in amounts(found) {
                self.amount(&format!("{name} of {year}"), &line[name], amount);
            }
            assert_eq!(
                line["disposals"].as_u64(),
                u64::try_from(found.disposals).ok()
            );
        }
    }

    fn compare_assessments(&self, block: &str) {
        let rules = jurisdiction::of(self.outcome.settings.country);
        for (year, wanted) in self.expected[block].as_object().into_iter().flatten() {
            let found = self.outcome.assessments.iter();
            let (_, found) = found
                .into_iter()
                .find(|(other, _)| rules.year_name(**other) == *year)
                .unwrap();
            for (key, wanted) in wanted.as_object().unwrap() {
                let figure = found.figures.iter().find(|figure| figure.key == key);
                match figure.unwrap_or_else(|| panic!("no figure {key}")).amount {
                    Amount::Money(money) => self.amount(key, wanted, money),
                    Amount::Count(count) => {
                        assert_eq!(wanted.as_u64(), u64::try_from(count).ok(), "{key}");
                    }
                    Amount::YesNo(answer) => assert_eq!(wanted.as_bool(), Some(answer), "{key}"),
                }
            }
        }
    }

    fn compare_boxes(&self) {
        for (id, wanted) in self.expected["form_8949_box"]
            .as_object()
            .into_iter()
            .flatten()
        {
            let lines = self
                .outcome
                .disposals
                .iter()
                .filter(|line| *line.id == **id);
            let boxes: BTreeSet<_> = lines.filter_map(|line| line.form_box).collect();
            assert_eq!(boxes, text(wanted).chars().collect(), "box of {id}");
        }
    }

    fn compare_holdings(&self) {
        assert_eq!(self.lines("holdings").len(), self.outcome.holdings.len());
        for (line, found) in self.lines("holdings").iter().zip(&self.outcome.holdings) {
            assert_eq!(*found.asset, *text(&line["asset"]));
            assert_eq!(
                found.wallet.as_deref().unwrap_or_default(),
                text(&line["wallet"])
            );
            Self::quantity("quantity held", &line["quantity"], found.quantity);
            self.amount("cost held", &line["cost"], found.cost);
        }
    }
}

fn amounts(totals: &Totals) -> [(&'static str, Money); 10] {
    [
        ("proceeds", totals.proceeds),
        ("cost", totals.cost),
        ("fees", totals.fees),
        ("gains", totals.gains),
        ("losses", totals.losses),
        ("net", totals.net),
        ("short", totals.short),
        ("long", totals.long),
        ("income", totals.income),
        ("other", totals.other),
    ]
}
