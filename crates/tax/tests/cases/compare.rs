//! What came out beside what a case says.

use std::collections::BTreeSet;

use packtrain_core::money::Money;
use packtrain_core::quantity::Quantity;
use packtrain_tax::jurisdiction;
use packtrain_tax::outcome::{Amount, Outcome, Totals};
use packtrain_tax::printed::printed;
use serde_json::Value;

use super::text;

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
    "unread",
    "form_8949_box",
    "settle",
    "settled",
    "rule",
    "rules_given",
];

/// What a case says, and what came out.
pub(super) struct Case<'c> {
    pub(super) expected: &'c Value,
    pub(super) outcome: &'c Outcome,
}

impl Case<'_> {
    /// Every figure of the case came out, and no line that it does not have.
    pub(super) fn compare(&self) {
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
        if self.expected.get("rules_given").is_some() {
            let rules = self.outcome.rules_given.iter();
            let rules: Vec<_> = rules.map(|rule| (&*rule.said, rule.rows)).collect();
            let wanted = self.lines("rules_given").iter();
            let wanted = wanted.map(|line| {
                let rows = line["rows"].as_u64().and_then(|rows| rows.try_into().ok());
                (line["said"].as_str().unwrap(), rows.unwrap())
            });
            assert_eq!(rules, wanted.collect::<Vec<_>>());
        }
        if self.expected.get("settled").is_some() {
            self.compare_settled();
            assert_eq!(found.len(), self.lines("warnings").len(), "{found:?}");
        }
    }

    /// Every answer was used as the case says, in its order.
    fn compare_settled(&self) {
        let settled = self.outcome.settled.iter().map(|answer| {
            let codes = answer.findings.iter().map(|finding| finding.code.as_str());
            assert!(answer.is_used, "{answer}");
            (&*answer.id, answer.answer.as_str(), codes.collect())
        });
        let settled: Vec<(_, _, Vec<_>)> = settled.collect();
        let wanted = self.lines("settled").iter().map(|line| {
            let codes = line["findings"].as_array().into_iter().flatten();
            let codes = codes.filter_map(Value::as_str).collect();
            let word = |key: &str| line[key].as_str().unwrap();
            (word("id"), word("answer"), codes)
        });
        assert_eq!(settled, wanted.collect::<Vec<_>>());
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
            self.amount(
                &what("denied loss"),
                &line["denied_loss"],
                other.denied_loss,
            );
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
            let found = printed(found, rules.country);
            for (name, amount) in amounts(&found) {
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
