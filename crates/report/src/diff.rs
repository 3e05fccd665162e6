//! What changed between two reports, and why.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::figures::{DisposalFigure, Figures};

/// Changed lines that are listed one by one.
const LINES_MAX: usize = 50;

/// What changed from an earlier report to this one, in lines of text; `nothing changed` where
/// every figure is the same.
///
/// The causes come first (files, settings, rules), then the sums of each year, then the disposals
/// that are new, gone or other than before.
pub fn diff(before: &Figures<'_>, now: &Figures<'_>) -> String {
    let mut text = String::new();
    causes(&mut text, before, now);
    sums(&mut text, before, now);
    disposals(&mut text, before, now);
    if text.is_empty() {
        text.push_str("Nothing changed.\n");
    }
    text
}

fn causes(text: &mut String, before: &Figures<'_>, now: &Figures<'_>) {
    let mut lines = Vec::new();
    let mut changed = |what: &str, before: &str, now: &str| {
        if before != now {
            lines.push(format!("{what}: {before} before, {now} now"));
        }
    };
    changed("jurisdiction", &before.jurisdiction, &now.jurisdiction);
    changed("method", &before.method, &now.method);
    changed("scope", &before.scope, &now.scope);
    changed(
        "rules",
        &before.provenance.rule_set,
        &now.provenance.rule_set,
    );
    changed("engine", &before.provenance.engine, &now.provenance.engine);
    let names = before.options.keys().chain(now.options.keys());
    let names: std::collections::BTreeSet<_> = names.collect();
    for name in names {
        let value = |figures: &Figures<'_>| {
            let value = figures.options.get(name);
            value.map_or_else(|| "none".to_owned(), ToString::to_string)
        };
        changed(&format!("option {name}"), &value(before), &value(now));
    }
    let files = |figures: &Figures<'_>| -> BTreeMap<String, (String, u64)> {
        let files = figures.provenance.files.iter();
        files
            .map(|file| (file.name.to_string(), (file.sha256.to_string(), file.rows)))
            .collect()
    };
    let (old, new) = (files(before), files(now));
    for (name, (hash, rows)) in &new {
        match old.get(name) {
            None => lines.push(format!("file {name} is new, with {rows} rows")),
            Some((other, others)) if other != hash => {
                lines.push(format!(
                    "file {name} is another: {others} rows before, {rows} now"
                ));
            }
            Some(_) => {}
        }
    }
    let gone = old.keys().filter(|name| !new.contains_key(*name));
    lines.extend(gone.map(|name| format!("file {name} is gone")));
    write_lines(text, "Causes", &lines);
}

fn sums(text: &mut String, before: &Figures<'_>, now: &Figures<'_>) {
    let years = before.totals.keys().chain(now.totals.keys());
    let years: std::collections::BTreeSet<_> = years.collect();
    let mut lines = Vec::new();
    for year in years {
        let amounts = |figures: &Figures<'_>| {
            let totals = figures.totals.get(year);
            totals.map_or_else(
                || ["0.00".to_owned(), "0.00".to_owned(), "0.00".to_owned()],
                |totals| {
                    [
                        totals.net.clone(),
                        totals.income.clone(),
                        totals.other.clone(),
                    ]
                },
            )
        };
        let names = ["net gain", "income", "other results"];
        for ((name, old), new) in names.iter().zip(amounts(before)).zip(amounts(now)) {
            if old != new {
                lines.push(format!("{year} {name}: {old} before, {new} now"));
            }
        }
    }
    write_lines(text, "Sums", &lines);
}

/// The lines of a disposal by what they are, with how many are alike.
type Lines<'f> = BTreeMap<(String, String, String, String), Vec<&'f DisposalFigure<'f>>>;

fn disposals(text: &mut String, before: &Figures<'_>, now: &Figures<'_>) {
    let (old, new) = (by_key(before), by_key(now));
    let mut lines = Vec::new();
    let shown = |line: &DisposalFigure<'_>| {
        let lot = line
            .lot
            .as_ref()
            .map(|lot| format!(", lot {lot}"))
            .unwrap_or_default();
        format!(
            "{} on {}: {} {}{lot}, gain {}",
            line.id, line.date, line.quantity, line.asset, line.gain
        )
    };
    for (key, found) in &new {
        match old.get(key) {
            None => lines.extend(found.iter().map(|line| format!("new: {}", shown(line)))),
            Some(others) => {
                for (one, other) in found.iter().zip(others) {
                    if is_other(one, other) {
                        let (cost, was) = (&one.cost, &other.cost);
                        let gain = &other.gain;
                        lines.push(format!(
                            "changed: {}; gain {gain} and cost {was} before, cost {cost} now",
                            shown(one)
                        ));
                    }
                }
            }
        }
    }
    let gone = old.iter().filter(|(key, _)| !new.contains_key(*key));
    lines.extend(
        gone.flat_map(|(_, found)| found.iter().map(|line| format!("gone: {}", shown(line)))),
    );
    write_lines(text, "Disposals", &lines);
}

fn by_key<'f>(figures: &'f Figures<'_>) -> Lines<'f> {
    let mut lines = Lines::new();
    for line in &figures.disposals {
        let key = (
            line.date.to_string(),
            line.id.to_string(),
            line.asset.to_string(),
            line.lot.as_deref().unwrap_or(&line.rule).to_owned(),
        );
        lines.entry(key).or_default().push(line);
    }
    lines
}

fn is_other(a: &DisposalFigure<'_>, b: &DisposalFigure<'_>) -> bool {
    (&a.quantity, &a.proceeds, &a.fees, &a.cost, &a.gain, &a.term)
        != (&b.quantity, &b.proceeds, &b.fees, &b.cost, &b.gain, &b.term)
}

fn write_lines(text: &mut String, title: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(text, "{title}");
    for line in lines.iter().take(LINES_MAX) {
        let _ = writeln!(text, "  {line}");
    }
    if lines.len() > LINES_MAX {
        let _ = writeln!(text, "  and {} more", lines.len() - LINES_MAX);
    }
}

#[cfg(test)]
mod tests {
    use packtrain_tax::import::{self, Limits};
    use packtrain_tax::request::{Country, Method, Request};
    use packtrain_tax::{compute, outcome::Outcome};

    use super::*;
    use crate::{Document, YearSelection, sample};

    const ROWS: &str = "id,timestamp,type,wallet,sent_amount,sent_asset,received_amount,\
                        received_asset,currency\n\
                        a,2023-01-10T12:00:00Z,buy,main,1000,USD,1,BTC,USD\n\
                        b,2023-02-10T12:00:00Z,buy,main,1500,USD,1,BTC,USD\n\
                        s,2023-06-10T12:00:00Z,sell,main,1,BTC,2400,USD,USD\n";

    fn outcome(rows: &str, method: Method) -> Outcome {
        let import = import::read(rows.as_bytes(), Limits::default()).unwrap();
        let request = Request {
            method: Some(method),
            ..Request::default()
        };
        compute(&[import.into_ledger("a.csv")], Country::Us, &request).unwrap()
    }

    fn document(outcome: &Outcome) -> Document<'_> {
        Document {
            outcome,
            years: YearSelection::All,
            inputs: &[],
            inventories: &[],
            generated_at: sample::at(),
            taxpayer: None,
        }
    }

    #[test]
    fn two_reports_of_the_same_rows_and_settings_differ_in_nothing() {
        let outcome = outcome(ROWS, Method::Fifo);
        let figures = crate::figures(&document(&outcome));
        assert_eq!(diff(&figures, &figures), "Nothing changed.\n");
    }

    #[test]
    fn another_method_is_the_cause_of_other_lots_and_another_gain() {
        let (before, now) = (outcome(ROWS, Method::Fifo), outcome(ROWS, Method::Lifo));
        let (before, now) = (document(&before), document(&now));
        assert_eq!(
            diff(&crate::figures(&before), &crate::figures(&now)),
            "Causes\n  method: fifo before, lifo now\n\
             Sums\n  2023 net gain: 1400.00 before, 900.00 now\n\
             Disposals\n  new: s on 2023-06-10: 1 BTC, lot b, gain 900.00\n  \
             gone: s on 2023-06-10: 1 BTC, lot a, gain 1400.00\n"
        );
    }

    #[test]
    fn a_row_that_was_mended_shows_as_a_changed_disposal() {
        let mended = ROWS.replace("buy,main,1000", "buy,main,1100");
        let (before, now) = (outcome(ROWS, Method::Fifo), outcome(&mended, Method::Fifo));
        let (before, now) = (document(&before), document(&now));
        assert_eq!(
            diff(&crate::figures(&before), &crate::figures(&now)),
            "Sums\n  2023 net gain: 1400.00 before, 1300.00 now\n\
             Disposals\n  changed: s on 2023-06-10: 1 BTC, lot a, gain 1300.00; gain 1400.00 and \
             cost 1000.00 before, cost 1100.00 now\n"
        );
    }
}
