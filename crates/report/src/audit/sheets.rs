//! The sheets that list what the computation gave.

use packtrain_core::quantity::counted;
use packtrain_tax::outcome::{Amount, TaxYear, Totals};
use packtrain_tax::printed::printed;

use super::book::{Book, Cell, Column};
use crate::disposals::days_held;
use crate::entered::{as_entered, is_left_empty, shown};
use crate::figures::{disposals as lines, file_name};
use crate::years::year_name;
use crate::{Document, ENGINE, ReportError, words};

/// Sums and assessments of each year, and how they came about.
pub(super) fn summary(document: &Document<'_>, book: &mut Book) -> Result<(), ReportError> {
    let columns = [
        Column("tax year", 12),
        Column("what", 58),
        Column("amount", 20),
        Column("exact amount", 32),
        Column("to enter", 16),
        Column("goes to", 34),
        Column("by", 70),
    ];
    let mut records = about(document);
    for year in document.years.listed(document.outcome) {
        let name = year_name(document.outcome.settings.country, year);
        if let Some(totals) = document.outcome.totals.get(&year) {
            let cents = printed(totals, document.outcome.settings.country);
            records.extend(sums(&name, &cents, totals));
        }
        records.extend(assessment(document, year, &name));
    }
    book.sheet("Summary", &columns, records)
}

/// What the report is about: country, method, rules, files.
fn about(document: &Document<'_>) -> Vec<[Cell; 7]> {
    let settings = &document.outcome.settings;
    let line = |what: &str, text: String| {
        let (what, text) = (Cell::text(what), Cell::text(text));
        [
            Cell::Empty,
            what,
            text,
            Cell::Empty,
            Cell::Empty,
            Cell::Empty,
            Cell::Empty,
        ]
    };
    let mut records = vec![
        line("Country", words::country(settings.country).to_owned()),
        line("Method", words::method_name(settings.method)),
        line("Lots", words::scope_sentence(settings)),
        line("Currency", settings.currency.code().to_owned()),
        line("Time zone", settings.timezone.name().to_owned()),
        line("Rules", document.outcome.rule_set.to_owned()),
        line("Made by", ENGINE.to_owned()),
    ];
    let options = settings.options.iter();
    records.extend(options.map(|(name, value)| line(&format!("Option {name}"), value.clone())));
    for file in document.inputs {
        let rows = match file.bad_rows {
            0 => counted(file.rows, "row", "rows"),
            bad => format!("{}, {bad} not read", counted(file.rows, "row", "rows")),
        };
        records.push([
            Cell::Empty,
            Cell::text(format!("File {}", file.name)),
            Cell::text(rows),
            Cell::Empty,
            Cell::Empty,
            Cell::Empty,
            Cell::text(format!("SHA-256 {}", file.sha256)),
        ]);
    }
    records.push(line("", words::NOT_ADVICE.to_owned()));
    records
}

/// Sums in the cents of every output, and exact.
fn sums(year: &str, cents: &Totals, exact: &Totals) -> Vec<[Cell; 7]> {
    let money = [
        ("Proceeds", cents.proceeds, exact.proceeds),
        ("Costs of selling", cents.fees, exact.fees),
        ("Cost", cents.cost, exact.cost),
        ("Gains", cents.gains, exact.gains),
        ("Losses", cents.losses, exact.losses),
        ("Losses denied", cents.denied, exact.denied),
        ("Net capital gain", cents.net, exact.net),
        ("Income", cents.income, exact.income),
        ("Other results", cents.other, exact.other),
    ];
    let mut records: Vec<_> = money
        .into_iter()
        .map(|(what, cents, exact)| {
            let (year, what) = (Cell::text(year), Cell::text(what));
            let (cents, exact) = (Cell::Money(cents), Cell::Exact(exact));
            let none = || Cell::Empty;
            [year, what, cents, exact, none(), none(), none()]
        })
        .collect();
    let (year, what) = (Cell::text(year), Cell::text("Lines of disposals"));
    let count = Cell::some(exact.disposals);
    let none = || Cell::Empty;
    records.push([year, what, count, none(), none(), none(), none()]);
    records
}

fn assessment(document: &Document<'_>, year: TaxYear, name: &str) -> Vec<[Cell; 7]> {
    let Some(assessment) = document.outcome.assessments.get(&year) else {
        return Vec::new();
    };
    let figures = (assessment.figures.iter()).filter(|figure| !is_left_empty(figure));
    let figures = figures.map(|figure| {
        let (amount, exact) = match shown(figure) {
            Amount::Money(money) => (Cell::Money(money), Cell::Exact(money)),
            Amount::Count(count) => (Cell::some(count), Cell::Empty),
            Amount::YesNo(answer) => (Cell::text(words::yes_or_no(answer)), Cell::Empty),
        };
        let form = figure.form.map(|place| place.to_string());
        let (year, what) = (Cell::text(name), Cell::text(figure.label));
        [
            year,
            what,
            amount,
            exact,
            Cell::text(as_entered(figure).unwrap_or_default()),
            Cell::text(form.as_deref().unwrap_or_default()),
            Cell::text(figure.source),
        ]
    });
    figures.collect()
}

const DISPOSALS: [Column; 25] = [
    Column("row", 20),
    Column("type", 12),
    Column("fee of its row", 14),
    Column("asset", 14),
    Column("wallet", 24),
    Column("date", 12),
    Column("quantity", 30),
    Column("proceeds", 16),
    Column("costs of selling", 16),
    Column("cost", 16),
    Column("gain or loss", 16),
    Column("loss denied", 14),
    Column("exact proceeds", 32),
    Column("exact costs of selling", 32),
    Column("exact cost", 32),
    Column("exact gain or loss", 32),
    Column("term", 8),
    Column("rule", 14),
    Column("lot", 20),
    Column("acquired", 12),
    Column("days held", 10),
    Column("box", 6),
    Column("why", 90),
    Column("file", 28),
    Column("line", 8),
];

/// Every lot that a disposal used up.
pub(super) fn disposals(document: &Document<'_>, book: &mut Book) -> Result<(), ReportError> {
    let records = lines(document).map(|line| {
        let acquired = line.acquired.map(|date| date.to_string());
        let days = days_held(line).and_then(|days| u32::try_from(days).ok());
        let file = file_name(line.origin, document.inputs).unwrap_or_default();
        [
            Cell::text(&*line.id),
            Cell::text(line.kind.as_str()),
            Cell::text(if line.is_fee { "yes" } else { "" }),
            Cell::text(&*line.asset),
            Cell::text(&*line.wallet),
            Cell::text(line.date.to_string()),
            Cell::text(line.quantity.to_string()),
            Cell::Money(line.proceeds),
            Cell::Money(line.fees),
            Cell::Money(line.cost),
            Cell::Money(line.gain),
            Cell::Money(line.denied_loss),
            Cell::Exact(line.proceeds),
            Cell::Exact(line.fees),
            Cell::Exact(line.cost),
            Cell::Exact(line.gain),
            Cell::text(line.term.map_or("", |term| term.as_str())),
            Cell::text(line.rule),
            Cell::text(line.lot.as_deref().unwrap_or_default()),
            Cell::text(acquired.unwrap_or_default()),
            days.map_or(Cell::Empty, Cell::Count),
            Cell::text(line.form_box.map(String::from).unwrap_or_default()),
            Cell::text(line.reason().to_string()),
            Cell::text(file),
            Cell::Count(line.origin.line),
        ]
    });
    book.sheet("Disposals", &DISPOSALS, records)
}

/// Income at its value on receipt.
pub(super) fn income(document: &Document<'_>, book: &mut Book) -> Result<(), ReportError> {
    let columns = [
        Column("row", 20),
        Column("type", 12),
        Column("asset", 14),
        Column("date", 12),
        Column("quantity", 30),
        Column("value", 16),
        Column("exact value", 32),
        Column("file", 28),
        Column("line", 8),
    ];
    let country = document.outcome.settings.country;
    let all = document.outcome.income.iter();
    let chosen = all.filter(|line| document.years.covers(country, line.date));
    let records = chosen.map(|line| {
        let file = file_name(line.origin, document.inputs).unwrap_or_default();
        [
            Cell::text(&*line.id),
            Cell::text(line.kind.as_str()),
            Cell::text(&*line.asset),
            Cell::text(line.date.to_string()),
            Cell::text(line.quantity.to_string()),
            Cell::Money(line.value),
            Cell::Exact(line.value),
            Cell::text(file),
            Cell::Count(line.origin.line),
        ]
    });
    book.sheet("Income", &columns, records)
}

/// Withdrawals and deposits that were taken as one transfer.
pub(super) fn transfers(document: &Document<'_>, book: &mut Book) -> Result<(), ReportError> {
    let columns = [
        Column("row sent", 20),
        Column("row received", 20),
        Column("asset", 14),
        Column("from", 24),
        Column("to", 24),
        Column("date", 12),
        Column("quantity", 30),
        Column("did not arrive", 30),
        Column("told by", 10),
        Column("file", 28),
        Column("line", 8),
    ];
    let country = document.outcome.settings.country;
    let all = document.outcome.transfers.iter();
    let chosen = all.filter(|line| document.years.covers(country, line.date));
    let records = chosen.map(|line| {
        let file = file_name(line.origin, document.inputs).unwrap_or_default();
        [
            Cell::text(&*line.sent),
            Cell::text(&*line.received),
            Cell::text(&*line.asset),
            Cell::text(&*line.from),
            Cell::text(&*line.to),
            Cell::text(line.date.to_string()),
            Cell::text(line.quantity.to_string()),
            Cell::text(line.lost.to_string()),
            Cell::text(words::matched_by(line.by)),
            Cell::text(file),
            Cell::Count(line.origin.line),
        ]
    });
    book.sheet("Transfers", &columns, records)
}

/// Things to check, the most money at stake first.
pub(super) fn findings(document: &Document<'_>, book: &mut Book) -> Result<(), ReportError> {
    let columns = [
        Column("code", 26),
        Column("row", 20),
        Column("tax year", 12),
        Column("asset", 14),
        Column("at stake", 16),
        Column("estimated", 11),
        Column("what was found", 90),
        Column("what to do", 70),
        Column("file", 28),
        Column("line", 8),
    ];
    let country = document.outcome.settings.country;
    let all = document.outcome.warnings.iter();
    let chosen = all.filter(|warning| document.years.has(warning.year));
    let records = chosen.map(|warning| {
        let file = file_name(warning.origin, document.inputs).unwrap_or_default();
        [
            Cell::text(warning.code.as_str()),
            Cell::text(&*warning.id),
            Cell::text(year_name(country, warning.year)),
            Cell::text(warning.asset.as_deref().unwrap_or_default()),
            Cell::Money(warning.at_stake),
            Cell::text(if warning.is_exact { "" } else { "yes" }),
            Cell::text(warning.message.as_str()),
            Cell::text(words::advice(warning)),
            Cell::text(file),
            Cell::Count(warning.origin.line),
        ]
    });
    book.sheet("Findings", &columns, records)
}
