//! Which tax years a report covers, and which year a date falls in.

use std::collections::BTreeSet;

use chrono::{Datelike, NaiveDate};
use packtrain_tax::jurisdiction;
use packtrain_tax::outcome::{Outcome, TaxYear};
use packtrain_tax::request::Country;

use crate::words::MONTHS;

/// The tax years to report on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum YearSelection {
    /// Every year with rows.
    #[default]
    All,
    /// These years, whether they have rows or not.
    Only(BTreeSet<TaxYear>),
}

impl YearSelection {
    /// One year.
    pub fn one(year: TaxYear) -> Self {
        Self::Only(BTreeSet::from([year]))
    }

    /// The given years; none given means all.
    pub fn of(years: impl IntoIterator<Item = TaxYear>) -> Self {
        let years: BTreeSet<_> = years.into_iter().collect();
        if years.is_empty() {
            Self::All
        } else {
            Self::Only(years)
        }
    }

    /// Whether a year is reported on.
    pub fn has(&self, year: TaxYear) -> bool {
        match self {
            Self::All => true,
            Self::Only(years) => years.contains(&year),
        }
    }

    /// Whether a date falls into a year that is reported on.
    pub(crate) fn covers(&self, country: Country, date: NaiveDate) -> bool {
        matches!(self, Self::All) || self.has(tax_year(country, date))
    }

    /// Names of the years asked for in which no row falls and that have no figures, in order.
    pub fn without_rows(&self, outcome: &Outcome) -> Vec<String> {
        let is_bare =
            |year: &TaxYear| !outcome.rows.contains_key(year) && !outcome.totals.contains_key(year);
        let years = self.listed(outcome).into_iter().filter(is_bare);
        years
            .map(|year| year_name(outcome.settings.country, year))
            .collect()
    }

    /// The years in order: those asked for, else those with totals.
    pub(crate) fn listed(&self, outcome: &Outcome) -> Vec<TaxYear> {
        match self {
            Self::All => outcome.totals.keys().copied().collect(),
            Self::Only(years) => years.iter().copied().collect(),
        }
    }
}

/// The years of a file's name: one as it is written, more as the first and the last.
pub fn years_in_names(country: Country, years: &[TaxYear]) -> String {
    let (Some(first), Some(last)) = (years.first(), years.last()) else {
        return String::new();
    };
    let (from, to) = (year_name(country, *first), year_name(country, *last));
    match first == last {
        true => from,
        // A year such as 2024-25 has a hyphen of its own.
        false if from.contains('-') => format!("{from}-to-{to}"),
        false => format!("{from}-{to}"),
    }
}

/// The tax year that a local date falls in.
pub(crate) fn tax_year(country: Country, date: NaiveDate) -> TaxYear {
    jurisdiction::of(country).year_of(date)
}

/// How people write a tax year.
pub(crate) fn year_name(country: Country, year: TaxYear) -> String {
    jurisdiction::of(country).year_name(year)
}

/// First and last day of a tax year.
pub(crate) fn days_of_year(country: Country, year: TaxYear) -> Option<(NaiveDate, NaiveDate)> {
    Some((first_day(country, year)?, last_day(country, year)?))
}

/// First and last day of a tax year, in words.
pub(crate) fn year_span(country: Country, year: TaxYear) -> Option<String> {
    let (first, last) = days_of_year(country, year)?;
    let from = if first.year() == last.year() {
        "%-d %B"
    } else {
        "%-d %B %Y"
    };
    Some(format!(
        "{} to {}",
        first.format(from),
        last.format("%-d %B %Y")
    ))
}

/// The calendar months, by year and month, that a tax year touches.
pub(crate) fn months_of_year(country: Country, year: TaxYear) -> Vec<(i32, u32)> {
    let (Some(first), Some(last)) = (first_day(country, year), last_day(country, year)) else {
        return Vec::new();
    };
    let months = first.iter_days().take_while(|day| *day <= last);
    let mut months: Vec<_> = months.map(|day| (day.year(), day.month())).collect();
    months.dedup();
    months
}

/// The short name of a month; of one that begins or ends within the tax year, with its days of
/// the year, since the year has two of it.
pub(crate) fn month_name(country: Country, year: TaxYear, (in_year, month): (i32, u32)) -> String {
    let name = MONTHS[month as usize - 1];
    let is_here = |day: &NaiveDate| (day.year(), day.month()) == (in_year, month);
    match days_of_year(country, year) {
        Some((first, _)) if is_here(&first) && first.day() > 1 => {
            let last = first.iter_days().take_while(is_here).last();
            let last = last.map_or(first.day(), |last| last.day());
            format!("{}–{last} {name}", first.day())
        }
        Some((_, last)) if is_here(&last) && last.succ_opt().is_some_and(|next| is_here(&next)) => {
            format!("1–{} {name}", last.day())
        }
        _ => name.to_owned(),
    }
}

/// A tax year is named by the calendar year in which it begins.
fn first_day(country: Country, year: TaxYear) -> Option<NaiveDate> {
    let mut days = NaiveDate::from_ymd_opt(year.0, 1, 1)?.iter_days().take(366);
    days.find(|day| tax_year(country, *day) == year)
}

fn last_day(country: Country, year: TaxYear) -> Option<NaiveDate> {
    first_day(country, TaxYear(year.0.checked_add(1)?))?.pred_opt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_calendar_year_has_twelve_months_and_is_told_in_one_span() {
        let months = months_of_year(Country::Us, TaxYear(2024));
        assert_eq!(
            (months.len(), months[0], months[11]),
            (12, (2024, 1), (2024, 12))
        );
        let span = year_span(Country::Us, TaxYear(2024));
        assert_eq!(span.as_deref(), Some("1 January to 31 December 2024"));
    }

    #[test]
    fn a_year_beyond_the_calendar_has_no_days() {
        assert_eq!(year_span(Country::Us, TaxYear(i32::MAX)), None);
        assert!(months_of_year(Country::Us, TaxYear(i32::MIN)).is_empty());
    }

    #[test]
    fn a_file_is_named_by_its_years_as_the_country_writes_them() {
        let name = |country, years: &[i32]| {
            let years: Vec<_> = years.iter().copied().map(TaxYear).collect();
            years_in_names(country, &years)
        };
        assert_eq!(name(Country::Uk, &[2024]), "2024-25");
        assert_eq!(name(Country::Au, &[2022, 2024]), "2022-23-to-2024-25");
        assert_eq!(name(Country::In, &[1999]), "1999-00");
        assert_eq!(name(Country::Us, &[2024]), "2024");
        assert_eq!(name(Country::Us, &[2023, 2025]), "2023-2025");
        assert_eq!(name(Country::Us, &[]), "");
    }

    #[test]
    fn no_years_given_means_all_years() {
        assert_eq!(YearSelection::of([]), YearSelection::All);
        assert!(YearSelection::one(TaxYear(2024)).has(TaxYear(2024)));
        assert!(!YearSelection::one(TaxYear(2024)).has(TaxYear(2025)));
    }

    #[test]
    fn the_two_parts_of_a_month_that_a_tax_year_cuts_have_names_of_their_own() {
        let names = |country, year| -> Vec<String> {
            let months = months_of_year(country, TaxYear(year));
            let name = |month| month_name(country, TaxYear(year), month);
            months.into_iter().map(name).collect()
        };
        let uk = names(Country::Uk, 2024);
        assert_eq!((&*uk[0], &*uk[1], &*uk[12]), ("6–30 Apr", "May", "1–5 Apr"));
        assert_eq!(names(Country::Us, 2024), MONTHS);
        assert_eq!(names(Country::Au, 2024)[0], "Jul");
        assert_eq!(names(Country::Au, 2024)[11], "Jun");
    }
}
