//! What changed between two reports, and why.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use chrono::NaiveDate;
use packtrain_core::quantity::counted;
use packtrain_tax::jurisdiction::of_today;
use packtrain_tax::outcome::NO_GAIN_NO_LOSS;
use packtrain_tax::request::Country;

use crate::Document;
use crate::figures::{DisposalFigure, Figures, figures};
use crate::years::{YearSelection, tax_year, year_name};

/// Changed lines that are listed one by one.
const LINES_MAX: usize = 50;

/// What changed from an earlier report to this one, in lines of text; `nothing changed` where
/// every figure is the same.
///
/// The causes come first (files, settings, rules), then the sums of each year, then the disposals
/// that are new, gone or other than before. Only years that the document selects and the earlier
/// report covered are compared: another year has nothing to be compared with.
pub fn diff(before: &Figures<'_>, document: &Document<'_>) -> String {
    let now = figures(document);
    let compared = Compared::of(before, &now, document);
    let mut text = String::new();
    causes(&mut text, before, &now);
    let mut years = String::new();
    compared.tell(&mut years, before, &now);
    let mut changes = String::new();
    sums(&mut changes, &compared, before, &now);
    disposals(&mut changes, &compared, before, &now);
    let nothing = match (
        changes.is_empty(),
        years.is_empty(),
        compared.both.is_empty(),
    ) {
        (false, ..) => "",
        (true, true, _) if text.is_empty() => "Nothing changed.\n",
        (true, true, _) => "No figure changed.\n",
        (true, false, false) => "In the years of both reports no figure changed.\n",
        (true, false, true) => "No year is in both reports.\n",
    };
    for part in [&years, &changes, nothing] {
        text.push_str(part);
    }
    text
}

/// The years of two reports by their names.
struct Compared<'f> {
    country: Country,
    /// Those that are compared.
    both: BTreeSet<&'f str>,
    /// Those that the earlier report did not cover.
    new: BTreeSet<&'f str>,
    /// Those of the earlier report that were not asked for now.
    left_out: BTreeSet<&'f str>,
}

impl<'f> Compared<'f> {
    fn of(before: &'f Figures<'_>, now: &'f Figures<'_>, document: &Document<'_>) -> Self {
        let names = |figures: &'f Figures<'_>| -> BTreeSet<&'f str> {
            let years = figures.provenance.years.iter();
            years.map(String::as_str).collect()
        };
        let (old, mut asked) = (names(before), names(now));
        // All years were asked for: one that is not there any more has lost its rows.
        if document.years == YearSelection::All && before.jurisdiction == now.jurisdiction {
            asked.extend(&old);
        }
        Self {
            country: document.outcome.settings.country,
            both: asked.intersection(&old).copied().collect(),
            new: asked.difference(&old).copied().collect(),
            left_out: old.difference(&asked).copied().collect(),
        }
    }

    /// Whether a disposal is of a year that is compared.
    fn has(&self, date: NaiveDate) -> bool {
        let year = year_name(self.country, tax_year(self.country, date));
        self.both.contains(year.as_str())
    }

    /// Says which years are not compared, and what is in those that are new.
    fn tell(&self, text: &mut String, before: &Figures<'_>, now: &Figures<'_>) {
        let mut lines = Vec::new();
        for year in &self.new {
            let told = now.totals.get(*year).map(|totals| {
                let count = counted(totals.disposals as u64, "line", "lines");
                let (net, income) = (&totals.net, &totals.income);
                format!("; now net gain {net}, income {income}, {count} of disposals")
            });
            let told = told.unwrap_or_else(|| "; it has no figures now either".to_owned());
            lines.push(format!("{year} is not in the earlier report{told}"));
        }
        if !self.left_out.is_empty() {
            let years: Vec<_> = self.left_out.iter().copied().collect();
            let why = match before.jurisdiction == now.jurisdiction {
                true => "not asked for now",
                false => "of another country",
            };
            let (one, many) = (
                "year of the earlier report is",
                "years of the earlier report are",
            );
            let count = counted(years.len() as u64, one, many);
            lines.push(format!("{count} {why} and left out: {}", years.join(", ")));
        }
        write_lines(text, "Years", &lines);
    }
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
    let names: BTreeSet<_> = names.collect();
    for name in names {
        // A word that was only called otherwise before says the same.
        let value = |figures: &Figures<'_>| {
            let value = figures.options.get(name);
            value.map_or_else(|| "none".to_owned(), |word| of_today(name, word).to_owned())
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
            None => lines.push(format!(
                "file {name} is new, with {}",
                counted(*rows, "row", "rows")
            )),
            Some((other, others)) if other != hash => {
                lines.push(format!(
                    "file {name} is another: {} before, {rows} now",
                    counted(*others, "row", "rows")
                ));
            }
            Some(_) => {}
        }
    }
    let gone = old.keys().filter(|name| !new.contains_key(*name));
    lines.extend(gone.map(|name| format!("file {name} is gone")));
    write_lines(text, "Causes", &lines);
}

fn sums(text: &mut String, compared: &Compared<'_>, before: &Figures<'_>, now: &Figures<'_>) {
    let mut lines = Vec::new();
    for year in &compared.both {
        let amounts = |figures: &Figures<'_>| {
            let totals = figures.totals.get(*year);
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

fn disposals(text: &mut String, compared: &Compared<'_>, before: &Figures<'_>, now: &Figures<'_>) {
    let (old, new) = (by_key(compared, before), by_key(compared, now));
    let mut lines = Vec::new();
    let shown = |line: &DisposalFigure<'_>| {
        let lot = line
            .lot
            .as_ref()
            .map(|lot| format!(", lot {lot}"))
            .unwrap_or_default();
        format!(
            "{} on {}: {} {}{lot}, gain {}{}",
            line.id,
            line.date,
            line.quantity,
            line.asset,
            line.gain,
            match &*line.rule {
                NO_GAIN_NO_LOSS => " (by law neither gain nor loss)",
                _ => "",
            },
        )
    };
    for (key, found) in &new {
        let others = old.get(key).map_or(&[][..], Vec::as_slice);
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
        let more = found.iter().skip(others.len());
        lines.extend(more.map(|line| format!("new: {}", shown(line))));
    }
    for (key, found) in &old {
        let kept = new.get(key).map_or(0, Vec::len);
        let gone = found.iter().skip(kept);
        lines.extend(gone.map(|line| format!("gone: {}", shown(line))));
    }
    write_lines(text, "Disposals", &lines);
}

fn by_key<'f>(compared: &Compared<'_>, figures: &'f Figures<'_>) -> Lines<'f> {
    let mut lines = Lines::new();
    let of_both = figures.disposals.iter();
    for line in of_both.filter(|line| compared.has(line.date)) {
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
    use packtrain_tax::compute;
    use packtrain_tax::import::{self, Limits};
    use packtrain_tax::outcome::{Outcome, TaxYear};
    use packtrain_tax::request::{Method, Request};

    use super::*;
    use crate::sample;

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
        let document = document(&outcome);
        assert_eq!(diff(&figures(&document), &document), "Nothing changed.\n");
    }

    #[test]
    fn an_options_former_word_in_an_earlier_report_is_no_change() {
        let import = import::read(ROWS.as_bytes(), Limits::default()).unwrap();
        let ledgers = [import.into_ledger("a.csv")];
        let outcome = compute(&ledgers, Country::It, &Request::default()).unwrap();
        let document = document(&outcome);
        let mut before = figures(&document);
        let told = |before: &Figures<'_>| diff(before, &document);
        before
            .options
            .insert("threshold".into(), "franchise".into());
        assert_eq!(told(&before), "Nothing changed.\n");
        before.options.insert("threshold".into(), "all".into());
        assert_eq!(
            told(&before),
            "Causes\n  option threshold: all before, exempt_amount now\nNo figure changed.\n"
        );
    }

    #[test]
    fn another_method_is_the_cause_of_other_lots_and_another_gain() {
        let (before, now) = (outcome(ROWS, Method::Fifo), outcome(ROWS, Method::Lifo));
        let (before, now) = (document(&before), document(&now));
        assert_eq!(
            diff(&figures(&before), &now),
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
            diff(&figures(&before), &now),
            "Sums\n  2023 net gain: 1400.00 before, 1300.00 now\n\
             Disposals\n  changed: s on 2023-06-10: 1 BTC, lot a, gain 1300.00; gain 1400.00 and \
             cost 1000.00 before, cost 1100.00 now\n"
        );
    }

    const NEXT: &str = "t,2024-06-10T12:00:00Z,sell,main,1,BTC,2500,USD,USD\n";

    fn of_years<'o>(outcome: &'o Outcome, years: &[i32]) -> Document<'o> {
        Document {
            years: YearSelection::of(years.iter().copied().map(TaxYear)),
            ..document(outcome)
        }
    }

    #[test]
    fn a_year_that_the_earlier_report_did_not_cover_is_new_and_not_compared_with_zero() {
        let outcome = outcome(&format!("{ROWS}{NEXT}"), Method::Fifo);
        let before = figures(&of_years(&outcome, &[2023]));
        assert_eq!(
            diff(&before, &of_years(&outcome, &[2023, 2024])),
            "Years\n  2024 is not in the earlier report; now net gain 1000.00, income 0.00, 1 \
             line of disposals\nIn the years of both reports no figure changed.\n"
        );
        assert_eq!(
            diff(&before, &of_years(&outcome, &[2024])),
            "Years\n  2024 is not in the earlier report; now net gain 1000.00, income 0.00, 1 \
             line of disposals\n  1 year of the earlier report is not asked for now and left out: \
             2023\nNo year is in both reports.\n"
        );
    }

    #[test]
    fn years_that_are_not_asked_for_now_are_left_out_in_one_line_and_have_not_vanished() {
        let all = outcome(&format!("{ROWS}{NEXT}"), Method::Fifo);
        let before = figures(&document(&all));
        let mended = outcome(
            &format!("{ROWS}{NEXT}").replace("2400", "2300"),
            Method::Fifo,
        );
        assert_eq!(
            diff(&before, &of_years(&mended, &[2023])),
            "Years\n  1 year of the earlier report is not asked for now and left out: 2024\n\
             Sums\n  2023 net gain: 1400.00 before, 1300.00 now\n\
             Disposals\n  changed: s on 2023-06-10: 1 BTC, lot a, gain 1300.00; gain 1400.00 and \
             cost 1000.00 before, cost 1000.00 now\n"
        );
    }

    #[test]
    fn a_year_that_lost_its_rows_is_compared_where_all_years_are_asked_for() {
        let all = outcome(&format!("{ROWS}{NEXT}"), Method::Fifo);
        let less = outcome(ROWS, Method::Fifo);
        assert_eq!(
            diff(&figures(&document(&all)), &document(&less)),
            "Sums\n  2024 net gain: 1000.00 before, 0.00 now\n\
             Disposals\n  gone: t on 2024-06-10: 1 BTC, lot b, gain 1000.00\n"
        );
    }

    #[test]
    fn a_line_more_or_less_under_the_name_of_another_is_new_or_gone() {
        let outcome = outcome(ROWS, Method::Fifo);
        let document = document(&outcome);
        let once = figures(&document);
        let mut twice = figures(&document);
        let line = twice.disposals[0].clone();
        twice.disposals.push(line);
        let compared = Compared::of(&once, &once, &document);
        let told = |before: &Figures<'_>, now: &Figures<'_>| {
            let mut text = String::new();
            disposals(&mut text, &compared, before, now);
            text
        };
        let line = "s on 2023-06-10: 1 BTC, lot a, gain 1400.00\n";
        assert_eq!(told(&once, &twice), format!("Disposals\n  new: {line}"));
        assert_eq!(told(&twice, &once), format!("Disposals\n  gone: {line}"));
    }
}
