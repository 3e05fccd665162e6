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
mod tests;
