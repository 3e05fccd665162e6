//! Questions about a report: the story of a row, what changed, and what other methods would give.

use std::fs;
use std::path::Path;

use chrono::NaiveDate;
use packtrain_report::{Document, Figures, taxable};
use packtrain_tax::jurisdiction;
use packtrain_tax::outcome::TaxYear;
use packtrain_tax::request::Request;
use packtrain_tax::{Compared, LedgerFile};

use super::settle::{self, AnswersFile};
use super::summary::grouped;
use crate::args::{Global, Report};
use crate::failure::{Failure, INPUT};
use crate::terminal::STRONG;

/// The local day of the last row: what is open is told as it stands when the records end.
pub(super) fn last_day(
    args: &Report,
    request: &Request,
    ledgers: &[LedgerFile],
) -> Option<NaiveDate> {
    let usual = jurisdiction::of(args.country).timezone;
    let zone = request.timezone.unwrap_or(usual);
    let rows = ledgers.iter().flat_map(|ledger| &ledger.rows);
    let last = rows.map(|row| row.at).max()?;
    Some(last.with_timezone(&zone).date_naive())
}

pub(super) fn explain(
    global: &Global,
    document: &Document<'_>,
    ledgers: &[LedgerFile],
    row: &str,
) -> Result<(), Failure> {
    match packtrain_report::explain(document, ledgers, row) {
        Some(story) if global.json => {
            let story = serde_json::json!({ "type": "story", "row": row, "story": story });
            anstream::println!("{story}");
            Ok(())
        }
        Some(story) => {
            anstream::print!("{story}");
            Ok(())
        }
        None => {
            let near = packtrain_report::near(ledgers, row);
            let help = match near.is_empty() {
                true => "a row's name is its id, or line-N where the file has none; the disposals \
                         of a report name theirs"
                    .to_owned(),
                false => format!("rows with such a name: {}", near.join(", ")),
            };
            Err(Failure::new(INPUT, format!("the files have no row {row:?}")).help(help))
        }
    }
}

pub(super) fn diff(global: &Global, document: &Document<'_>, old: &Path) -> Result<(), Failure> {
    let shown = old.display();
    let text = fs::read_to_string(old)
        .map_err(|error| Failure::new(INPUT, format!("{shown} cannot be read: {error}")))?;
    let before: Figures<'_> = serde_json::from_str(&text).map_err(|error| {
        Failure::new(INPUT, format!("{shown} is no report of packtrain: {error}"))
            .help("give the JSON file that an earlier report wrote")
    })?;
    let told = packtrain_report::diff(&before, document);
    if global.json {
        anstream::println!("{}", parts(&told));
    } else {
        anstream::print!("{told}");
    }
    Ok(())
}

/// What changed as one line of JSON: each heading with the lines below it.
fn parts(told: &str) -> serde_json::Value {
    let mut parts: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in told.lines() {
        match (line.strip_prefix("  "), parts.last_mut()) {
            (Some(line), Some((_, lines))) => lines.push(line),
            _ => parts.push((line, Vec::new())),
        }
    }
    let parts = parts.into_iter();
    let parts = parts.map(|(said, lines)| serde_json::json!({ "said": said, "lines": lines }));
    serde_json::json!({ "type": "diff", "parts": parts.collect::<Vec<_>>() })
}

pub(super) fn compare(
    global: &Global,
    args: &Report,
    ledgers: &[LedgerFile],
    request: &Request,
    answers: Option<&AnswersFile>,
) -> Result<(), Failure> {
    let compared = packtrain_tax::compare(ledgers, args.country, request)
        .map_err(|error| settle::refused(answers, error))?;
    if let Some(one) = compared.first() {
        one.check_years(args.years()).map_err(super::refused)?;
    }
    if global.json {
        json(args, &compared);
    } else {
        people(args, &compared);
    }
    Ok(())
}

fn json(args: &Report, compared: &[Compared]) {
    let rules = jurisdiction::of(args.country);
    for one in compared {
        for (year, totals) in &one.totals {
            if !is_asked(args, *year) {
                continue;
            }
            let totals = packtrain_report::printed(totals, args.country);
            let line = serde_json::json!({
                "type": "method",
                "method": one.method,
                "year": rules.year_name(*year),
                "net": totals.net.to_cents(),
                "short": totals.short.to_cents(),
                "long": totals.long.to_cents(),
                "taxable": taxable(one, *year).map(|money| money.to_cents()),
            });
            anstream::println!("{line}");
        }
    }
}

fn is_asked(args: &Report, year: TaxYear) -> bool {
    args.asked_years.is_empty() || args.years().any(|asked| asked == year)
}

fn people(args: &Report, compared: &[Compared]) {
    let rules = jurisdiction::of(args.country);
    let years: std::collections::BTreeSet<_> =
        compared.iter().flat_map(|one| one.totals.keys()).collect();
    let bare = args.years().filter(|year| {
        !years.contains(year) && !compared.iter().any(|one| one.rows.contains_key(year))
    });
    let bare: Vec<_> = bare.map(|year| rules.year_name(year)).collect();
    if let Some(said) = packtrain_report::no_row_in(&bare) {
        anstream::println!("\n{said}");
    }
    for year in years {
        if !is_asked(args, *year) {
            continue;
        }
        anstream::println!(
            "\n{STRONG}{} {}{STRONG:#}\n",
            rules.name,
            rules.year_name(*year)
        );
        let (short, long) = match &rules.terms {
            Some(terms) => (terms.short.name, terms.long.name),
            None => ("", ""),
        };
        anstream::println!(
            "  {:<8}{:>18}{short:>18}{long:>18}{:>18}",
            "Method",
            "Net gain",
            "Taxable"
        );
        for one in compared {
            let Some(totals) = one.totals.get(year) else {
                continue;
            };
            let totals = packtrain_report::printed(totals, args.country);
            let terms = rules.terms.as_ref();
            let term = |money| terms.map_or_else(String::new, |_| grouped(money));
            anstream::println!(
                "  {:<8}{:>18}{:>18}{:>18}{:>18}",
                one.method.as_str().to_uppercase(),
                grouped(totals.net),
                term(totals.short),
                term(totals.long),
                taxable(one, *year).map_or_else(String::new, grouped),
            );
        }
    }
}
