//! What `packtrain report` says at the end.

use std::path::PathBuf;
use std::time::Duration;

use packtrain_core::money::Money;
use packtrain_core::quantity::counted;
use packtrain_report::Document;
use packtrain_tax::jurisdiction::{self, ScopeRule};
use packtrain_tax::outcome::{Amount, Figure, Warning};
use packtrain_tax::request::{Method, Scope};

use crate::args::Global;
use crate::terminal::{CHECK, QUIET, STRONG};
use crate::usage;

/// Things to check that are printed one by one.
const PRINTED_MAX: usize = 10;
const FOR_THE_RETURN: &str = "For the return";

pub(super) fn print(global: &Global, document: &Document<'_>, written: &[PathBuf], took: Duration) {
    if global.json {
        json(document, written, took);
    } else {
        people(document, written, took);
    }
}

fn json(document: &Document<'_>, written: &[PathBuf], took: Duration) {
    let figures = packtrain_report::figures_but_lists(document);
    let mut result = serde_json::json!({
        "type": "result",
        "totals": figures.totals,
        "warnings": figures.warnings,
        "settled": figures.settled,
        "rules_given": figures.rules_given,
        "bad_rows": document.inputs.iter().map(|file| file.bad_rows).sum::<u64>(),
        "files": written,
        "ms": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
    });
    let bare = figures.provenance.years_without_rows;
    if let Some(said) = packtrain_report::no_row_in(&bare) {
        result["years_without_rows"] = bare.into();
        result["hint"] = said.into();
    }
    let country = document.outcome.settings.country;
    if let Some(sentence) = jurisdiction::of(country).circle.sentence() {
        result["circle"] = sentence.into();
    }
    anstream::println!("{result}");
}

fn people(document: &Document<'_>, written: &[PathBuf], took: Duration) {
    let settings = &document.outcome.settings;
    let rules = jurisdiction::of(settings.country);
    let scope = match (settings.method, settings.scope, rules.scope) {
        (Method::Portfolio, ..) => "one portfolio of all wallets",
        (Method::Acb | Method::S104 | Method::TotalAverage, ..) => "pools over all wallets",
        (_, Some(Scope::Wallet), _) | (_, None, ScopeRule::Wallet) => "lots per wallet",
        (_, Some(Scope::Universal), _) | (_, None, ScopeRule::Universal) => "lots over all wallets",
        (_, None, ScopeRule::WalletFrom(_)) => "lots by the dated rule",
    };
    let method = settings.method.as_str().to_uppercase().replace('_', " ");
    for (year, totals) in &document.outcome.totals {
        if !document.years.has(*year) {
            continue;
        }
        let country = settings.country.as_str().to_uppercase();
        let (currency, name) = (settings.currency, rules.year_name(*year));
        anstream::println!("\n{STRONG}{country} {name}{STRONG:#}, {currency}, {method}, {scope}\n");
        let totals = packtrain_report::printed(totals, settings.country);
        if let Some(terms) = &rules.terms {
            line(terms.short.name, totals.short, false);
            line(terms.long.name, totals.long, false);
        }
        line("Net capital gain", totals.net, true);
        line("Income", totals.income, false);
        if !totals.other.is_zero() {
            line("Other results", totals.other, false);
        }
        if let Some(assessment) = document.outcome.assessments.get(year) {
            for_the_return(&assessment.figures);
        }
        if let Some(sentence) = packtrain_report::no_gain_no_loss(&totals) {
            anstream::println!("\n  {sentence}");
        }
    }
    let mut years = document.outcome.totals.keys();
    let bare = document.years.without_rows(document.outcome);
    if let Some(said) = packtrain_report::no_row_in(&bare) {
        anstream::println!("\n{said}");
    } else if document.outcome.rows.is_empty() {
        anstream::println!("\nThe files have no rows, so there is nothing to report.");
    } else if !years.any(|year| document.years.has(*year)) {
        anstream::println!("\nNo disposals and no income in the years asked for.");
    }
    if let Some(sentence) = rules.circle.sentence() {
        anstream::println!("\n{sentence}");
    }
    checks(document);
    answers(document);
    let names: Vec<_> = written
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    anstream::println!("\nWrote  {}", names.join("  "));
    let seconds = took.as_secs_f32();
    anstream::println!("{QUIET}Done in {seconds:.2} s. Calculations, not tax advice.{QUIET:#}");
}

/// What the command took of the machine, for programs.
pub(super) fn cost(global: &Global) {
    if global.json {
        let cost = serde_json::json!({
            "type": "cost",
            "cpu_us": u64::try_from(usage::own_cpu().as_micros()).unwrap_or(u64::MAX),
            "memory_peak_bytes": usage::memory_peak_bytes(std::process::id()),
        });
        anstream::println!("{cost}");
    }
}

/// What goes into the return and what else the law makes of the sums: what is not zero.
fn for_the_return(figures: &[Figure]) {
    let is_shown = |figure: &&Figure| match figure.amount {
        Amount::Money(money) => !money.is_zero(),
        Amount::Count(_) => figure.form.is_some(),
        Amount::YesNo(answer) => answer,
    };
    let shown = figures.iter().filter(is_shown);
    let (asked, others): (Vec<_>, Vec<_>) = shown.partition(|figure| figure.form.is_some());
    let labels = figures.iter().filter(is_shown);
    let widest = labels.map(|figure| figure.label.chars().count()).max();
    let width = widest.unwrap_or_default().max(FOR_THE_RETURN.len());
    if !asked.is_empty() {
        let (title, column) = (format!("{FOR_THE_RETURN:<width$}"), "To enter");
        anstream::println!("\n  {STRONG}{title}{STRONG:#} {QUIET}{column:>14}{QUIET:#}");
    }
    for figure in asked {
        let entered = packtrain_report::as_entered(figure).unwrap_or_default();
        let place = figure.form.map(|place| place.to_string());
        let place = place.unwrap_or_default();
        let label = figure.label;
        anstream::println!("  {label:<width$} {entered:>14}  {QUIET}{place}{QUIET:#}");
    }
    if !others.is_empty() {
        anstream::println!("\n  {STRONG}Behind it, entered nowhere{STRONG:#}");
    }
    for figure in others {
        let amount = match figure.amount {
            Amount::Money(money) => grouped(money),
            Amount::Count(count) => count.to_string(),
            Amount::YesNo(_) => "yes".to_owned(),
        };
        anstream::println!("  {:<width$} {amount:>14}", figure.label);
    }
}

fn line(name: &str, money: Money, main: bool) {
    let style = if main { STRONG } else { anstyle::Style::new() };
    anstream::println!("  {name:<18} {style}{:>18}{style:#}", grouped(money));
}

fn checks(document: &Document<'_>) {
    let all: Vec<&Warning> = super::warnings(document.outcome, &document.years).collect();
    let unread: Vec<_> = (document.inputs.iter())
        .filter(|file| file.bad_rows > 0)
        .collect();
    if all.is_empty() && unread.is_empty() {
        return;
    }
    anstream::println!("\n{STRONG}Check before you file{STRONG:#}");
    for file in unread {
        let (one, many) = (
            "row could not be read and is left out",
            "rows could not be read and are left out",
        );
        let rows = counted(file.bad_rows, one, many);
        anstream::println!("  {CHECK}!{CHECK:#} {rows}");
        let help = "mend them as listed above, and run again without --skip-bad-rows";
        anstream::println!("    {QUIET}{}{QUIET:#}  {help}", file.name);
    }
    for warning in all.iter().take(PRINTED_MAX) {
        let stake = if warning.at_stake.is_zero() {
            String::new()
        } else {
            let estimated = if warning.is_exact { "" } else { ", estimated" };
            format!("  ({} at stake{estimated})", grouped(warning.at_stake))
        };
        let place = document
            .inputs
            .get(usize::try_from(warning.origin.file).unwrap_or(usize::MAX))
            .map(|file| format!("{}:{}", file.name, warning.origin.line))
            .unwrap_or_default();
        anstream::println!("  {CHECK}!{CHECK:#} {}{stake}", warning.message);
        let (id, code) = (&warning.id, warning.code.as_str());
        anstream::println!("    {QUIET}{place}  row {id}  {code}{QUIET:#}");
        anstream::println!("    {}", warning.help);
        if let Some(ways) = packtrain_report::settling(warning.ways) {
            anstream::println!("    {QUIET}{ways}{QUIET:#}");
        }
    }
    if all.len() > PRINTED_MAX {
        anstream::println!("  and {} more in the report", all.len() - PRINTED_MAX);
    }
}

/// What the person's answers settled.
fn answers(document: &Document<'_>) {
    for rule in &document.outcome.rules_given {
        let rows = counted(rule.rows as u64, "row", "rows");
        let idle = match rule.rows {
            0 => "; it does nothing, so take the rule out",
            _ => "",
        };
        anstream::println!("\nYour rule met {rows}: {}{idle}", rule.said);
    }
    let all = &document.outcome.settled;
    if all.is_empty() {
        return;
    }
    anstream::println!("\n{STRONG}Settled by your answers{STRONG:#}");
    for answer in all.iter().take(PRINTED_MAX) {
        anstream::println!("  {}  {answer}", answer.id);
    }
    if all.len() > PRINTED_MAX {
        anstream::println!("  and {} more in the report", all.len() - PRINTED_MAX);
    }
}

/// Cents with separators of thousands, such as `-13,500.00`.
pub(super) fn grouped(money: Money) -> String {
    let text = money.to_cents();
    let (sign, digits) = text
        .strip_prefix('-')
        .map_or(("", text.as_str()), |rest| ("-", rest));
    let (whole, cents) = digits.split_once('.').unwrap_or((digits, "00"));
    let mut grouped = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{sign}{grouped}.{cents}")
}

#[cfg(test)]
mod tests {
    use packtrain_core::money::Currency;

    use super::*;

    #[test]
    fn thousands_are_grouped_and_the_sign_stays_in_front() {
        let usd = |text| Money::parse(text, Currency::USD).unwrap();
        assert_eq!(grouped(usd("-1234567.5")), "-1,234,567.50");
        assert_eq!(grouped(usd("999")), "999.00");
        assert_eq!(grouped(usd("0")), "0.00");
    }
}
