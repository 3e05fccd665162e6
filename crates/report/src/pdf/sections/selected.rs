//! What of an outcome a report is about: the lines of the chosen years and their sums.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{Datelike, Days};
use packtrain_core::ledger::RowKind;
use packtrain_core::money::{Currency, Money};
use packtrain_core::quantity::AmountError;
use packtrain_tax::jurisdiction::{self, Terms};
use packtrain_tax::outcome::{
    Disposal, Income, Origin, Removed, TaxYear, Totals, Transfer, Valuation, Warning,
};
use packtrain_tax::printed::printed;
use packtrain_tax::request::{Method, Settings};

use crate::figures::file_name;
use crate::pdf::fonts;
use crate::pdf::places::Anchor;
use crate::years::{tax_year, year_name, year_span};
use crate::{Document, words};

/// The lines of the chosen years.
pub(in crate::pdf) struct Selected<'a> {
    pub(super) document: &'a Document<'a>,
    pub(super) years: Vec<TaxYear>,
    pub(super) disposals: Vec<&'a Disposal>,
    pub(super) income: Vec<&'a Income>,
    pub(super) removed: Vec<&'a Removed>,
    pub(super) transfers: Vec<&'a Transfer>,
    /// What was valued by prices from elsewhere and is no line of its own.
    pub(super) valuations: Vec<&'a Valuation>,
    pub(super) warnings: Vec<&'a Warning>,
    /// Sums over the years, in cents that add up.
    pub(super) totals: Totals,
    /// Disposals, of which one may have several lines.
    pub(super) disposed: usize,
    /// Income by its kind.
    pub(super) income_kinds: BTreeMap<RowKind, (usize, Money)>,
    /// Rows that something in the report leads to.
    linked: HashSet<Origin>,
    /// The first disposal of each asset.
    first_of: HashMap<&'a str, Origin>,
}

impl<'a> Selected<'a> {
    /// Takes what the document's years cover.
    pub(in crate::pdf) fn of(document: &'a Document<'a>) -> Result<Self, AmountError> {
        let (outcome, years) = (document.outcome, &document.years);
        let country = outcome.settings.country;
        let currency = outcome.settings.currency;
        let mut totals = Totals::zero(currency);
        for (year, of_year) in &outcome.totals {
            if years.has(*year) {
                totals = added(&totals, &printed(of_year, country))?;
            }
        }
        let covers = |date| years.covers(country, date);
        let income: Vec<_> = outcome
            .income
            .iter()
            .filter(|line| covers(line.date))
            .collect();
        let mut income_kinds = BTreeMap::new();
        for line in &income {
            let kind = income_kinds
                .entry(line.kind)
                .or_insert((0, Money::zero(currency)));
            *kind = (kind.0 + 1, kind.1.checked_add(line.value)?);
        }
        let disposals: Vec<_> = (outcome.disposals.iter())
            .filter(|line| covers(line.date))
            .collect();
        let warnings: Vec<_> = (outcome.warnings.iter())
            .filter(|line| years.has(line.year))
            .collect();
        let mut first_of = HashMap::new();
        for line in &disposals {
            first_of.entry(&*line.asset).or_insert(line.origin);
        }
        let linked = warnings.iter().map(|line| line.origin);
        let linked = linked.chain(first_of.values().copied()).collect();
        Ok(Self {
            document,
            years: years.listed(outcome),
            linked,
            first_of,
            removed: (outcome.removed.iter())
                .filter(|line| covers(line.date))
                .collect(),
            transfers: (outcome.transfers.iter())
                .filter(|line| covers(line.date))
                .collect(),
            warnings,
            valuations: valuations(document, &disposals),
            disposed: disposed(&disposals),
            disposals,
            income,
            totals,
            income_kinds,
        })
    }

    pub(super) fn settings(&self) -> &'a Settings {
        &self.document.outcome.settings
    }

    pub(super) fn currency(&self) -> Currency {
        self.settings().currency
    }

    /// How many disposals there are, and how many lots they used.
    pub(super) fn disposals_and_lots(&self) -> String {
        words::disposals_and_lots(self.disposed, self.disposals.len(), self.settings().method)
    }

    /// Totals of one year, as they are printed; a year without rows has zeros.
    pub(super) fn totals_of(&self, year: TaxYear) -> Totals {
        let totals = self.document.outcome.totals.get(&year);
        totals.map_or_else(
            || Totals::zero(self.currency()),
            |totals| printed(totals, self.settings().country),
        )
    }

    pub(super) fn year_name(&self, year: TaxYear) -> String {
        year_name(self.settings().country, year)
    }

    /// Says that no row falls in some of the years asked for.
    pub(super) fn no_rows(&self) -> Option<String> {
        let document = self.document;
        words::no_row_in(&document.years.without_rows(document.outcome))
    }

    /// Says that nothing happened.
    pub(super) fn nothing(&self) -> String {
        if self.years.is_empty() {
            return "The records hold no disposal and no income.".to_owned();
        }
        let years = self.years_in_words();
        format!("The records hold no disposal and no income for {years}.")
    }

    /// The years in a word or two, such as `2025`, `2023 to 2025`, or `2021, 2023`.
    pub(super) fn years_in_words(&self) -> String {
        let names: Vec<_> = self
            .years
            .iter()
            .map(|year| self.year_name(*year))
            .collect();
        match (self.years.as_slice(), names.as_slice()) {
            ([], _) => String::new(),
            (_, [one]) => one.clone(),
            ([first, .., last], [from, .., to]) if follows_up(*first, *last, names.len()) => {
                format!("{from} to {to}")
            }
            _ if names.len() > 4 => {
                format!(
                    "{} years from {} to {}",
                    names.len(),
                    names[0],
                    names[names.len() - 1]
                )
            }
            _ => names.join(", "),
        }
    }

    /// The span of days, where one year is reported on.
    pub(super) fn span(&self) -> Option<String> {
        match self.years.as_slice() {
            [year] => year_span(self.settings().country, *year),
            _ => None,
        }
    }

    /// The title of the report.
    pub(in crate::pdf) fn title(&self) -> String {
        if self.years.is_empty() {
            return "Tax report".to_owned();
        }
        format!("Tax report {}", self.years_in_words())
    }

    /// The title with its country, for page heads and metadata.
    pub(in crate::pdf) fn full_title(&self) -> String {
        format!(
            "{}, {}",
            self.title(),
            words::country(self.settings().country)
        )
    }

    /// Whose report it is, ready for print.
    pub(in crate::pdf) fn taxpayer(&self) -> Option<std::borrow::Cow<'a, str>> {
        self.document.taxpayer.map(fonts::clean)
    }

    /// Whether nothing happened in the years reported on.
    pub(super) fn is_empty(&self) -> bool {
        self.disposals.is_empty() && self.income.is_empty() && self.removed.is_empty()
    }

    /// Whether the records have nothing at all that a figure, a holding or a finding comes from.
    pub(super) fn is_blank(&self) -> bool {
        let outcome = self.document.outcome;
        let has_lines = !outcome.disposals.is_empty() || !outcome.income.is_empty();
        let has_units = !outcome.holdings.is_empty() || !outcome.removed.is_empty();
        !has_lines && !has_units && outcome.warnings.is_empty()
    }

    /// What lots are told apart by how long they were held; none where the law does not.
    pub(super) fn terms(&self) -> Option<&'static Terms> {
        jurisdiction::of(self.settings().country).terms.as_ref()
    }

    /// Files with rows that are not in the report.
    pub(super) fn bad_rows(&self) -> u64 {
        self.document.inputs.iter().map(|file| file.bad_rows).sum()
    }

    /// How many things are to be checked.
    pub(super) fn checks(&self) -> usize {
        let files = self.document.inputs.iter().filter(|file| file.bad_rows > 0);
        self.warnings.len() + files.count()
    }

    /// All that is at stake in the things to check.
    pub(super) fn at_stake(&self) -> Option<Money> {
        let none = Money::zero(self.currency());
        let sum = self
            .warnings
            .iter()
            .try_fold(none, |sum, warning| sum.checked_add(warning.at_stake));
        sum.ok()
    }

    /// Whether all of that was computed.
    pub(super) fn is_stake_exact(&self) -> bool {
        self.warnings.iter().all(|warning| warning.is_exact)
    }

    /// A row by its name and place, such as `t5 · line 12 of trades.csv`.
    pub(super) fn place(&self, id: &str, origin: Origin) -> String {
        format!("{id} · {}", self.line_of(origin))
    }

    /// The place of a row alone.
    pub(super) fn line_of(&self, origin: Origin) -> String {
        match file_name(origin, self.document.inputs) {
            Some(file) => format!("line {} of {file}", origin.line),
            None => format!("line {}", origin.line),
        }
    }

    /// Where a row stands in the report, if something else in it leads there.
    pub(super) fn anchor(&self, origin: Origin) -> Option<Anchor> {
        (self.linked.contains(&origin)).then_some(Anchor::Row(origin))
    }

    /// The lines of a list that something else leads to, in order.
    pub(super) fn anchors(&self, origins: impl Iterator<Item = Origin>) -> Vec<(usize, Anchor)> {
        let anchors = origins.map(|origin| self.anchor(origin)).enumerate();
        anchors
            .filter_map(|(place, anchor)| Some((place, anchor?)))
            .collect()
    }

    /// The first disposal of an asset.
    pub(super) fn first_of(&self, asset: &str) -> Option<Anchor> {
        self.first_of.get(asset).copied().map(Anchor::Row)
    }

    /// The first month of a year with disposals.
    pub(super) fn first_month(&self, year: TaxYear) -> Option<Anchor> {
        let country = self.settings().country;
        let of_year = |line: &&&Disposal| tax_year(country, line.date) == year;
        let first = self.disposals.iter().find(of_year)?.date;
        Some(Anchor::Month(first.year(), first.month()))
    }

    /// Whether some name holds a character that the font lacks.
    pub(super) fn has_lost_characters(&self) -> bool {
        let outcome = self.document.outcome;
        let inputs = self
            .document
            .inputs
            .iter()
            .any(|file| fonts::lacks(&file.name));
        inputs
            || self.document.taxpayer.is_some_and(fonts::lacks)
            || (self.disposals.iter()).any(|line| {
                fonts::lacks(&line.asset) || fonts::lacks(&line.wallet) || fonts::lacks(&line.id)
            })
            || self
                .income
                .iter()
                .any(|line| fonts::lacks(&line.asset) || fonts::lacks(&line.id))
            || self
                .removed
                .iter()
                .any(|line| fonts::lacks(&line.asset) || fonts::lacks(&line.id))
            || (self.transfers.iter()).any(|line| {
                fonts::lacks(&line.asset) || fonts::lacks(&line.from) || fonts::lacks(&line.to)
            })
            || self.warnings.iter().any(|line| fonts::lacks(&line.message))
            || outcome.settled.iter().any(|line| fonts::lacks(&line.said))
            || outcome.holdings.iter().any(|line| {
                fonts::lacks(&line.asset) || line.wallet.as_deref().is_some_and(fonts::lacks)
            })
    }
}

/// How many disposals lines are of, which stand in order.
pub(super) fn disposed(lines: &[&Disposal]) -> usize {
    lines.chunk_by(|one, other| one.is_of_same(other)).count()
}

fn follows_up(first: TaxYear, last: TaxYear, count: usize) -> bool {
    usize::try_from(last.0.saturating_sub(first.0)).is_ok_and(|span| span + 1 == count)
}

fn added(sum: &Totals, year: &Totals) -> Result<Totals, AmountError> {
    Ok(Totals {
        proceeds: sum.proceeds.checked_add(year.proceeds)?,
        no_gain_no_loss: sum.no_gain_no_loss.checked_add(year.no_gain_no_loss)?,
        cost: sum.cost.checked_add(year.cost)?,
        fees: sum.fees.checked_add(year.fees)?,
        gains: sum.gains.checked_add(year.gains)?,
        losses: sum.losses.checked_add(year.losses)?,
        denied: sum.denied.checked_add(year.denied)?,
        net: sum.net.checked_add(year.net)?,
        short: sum.short.checked_add(year.short)?,
        long: sum.long.checked_add(year.long)?,
        income: sum.income.checked_add(year.income)?,
        other: sum.other.checked_add(year.other)?,
        disposals: sum.disposals + year.disposals,
    })
}

/// What was valued by prices from elsewhere in the years, and before them where disposals of the
/// years used it: their lots, or what went into their pools.
fn valuations<'a>(document: &Document<'a>, disposals: &[&Disposal]) -> Vec<&'a Valuation> {
    let outcome = document.outcome;
    let lots: HashSet<&str> = disposals
        .iter()
        .filter_map(|line| line.lot.as_deref())
        .collect();
    let has_lots = !matches!(
        outcome.settings.method,
        Method::Acb | Method::S104 | Method::TotalAverage | Method::Portfolio
    );
    let last = disposals.iter().map(|line| line.date).max();
    let last = last.and_then(|last| last.checked_add_days(MATCHED_DAYS));
    let is_used = |one: &&Valuation| {
        document.years.covers(outcome.settings.country, one.date)
            || lots.contains(&*one.id)
            || (!has_lots && last.is_some_and(|last| one.date <= last))
    };
    outcome.valuations.iter().filter(is_used).collect()
}

/// How long after a disposal a purchase can be matched with it.
const MATCHED_DAYS: Days = Days::new(30);
