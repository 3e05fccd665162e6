//! Tax years: how they are written, and which of them records can tell of.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use packtrain_core::quantity::counted;

use crate::error::TaxError;
use crate::jurisdiction;
use crate::outcome::Totals;
use crate::request::Country;

/// Years that an error names one by one.
const YEARS_TOLD_MAX: usize = 20;

/// A tax year by its first calendar year; jurisdictions give it its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaxYear(pub i32);

impl fmt::Display for TaxYear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The text is no tax year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no tax year; one is written 2025, or 2024-25 where it begins in 2024 and ends in 2025")]
pub struct NoTaxYear;

/// `2025`, or `2024-25` for a year that begins in 2024 and ends in 2025.
impl FromStr for TaxYear {
    type Err = NoTaxYear;

    fn from_str(text: &str) -> Result<Self, NoTaxYear> {
        let (first, last) = match text.split_once('-') {
            Some((first, last)) => (first, Some(last)),
            None => (text, None),
        };
        let is_year = |text: &str| text.len() == 4 && text.bytes().all(|b| b.is_ascii_digit());
        let year: i32 = first
            .parse()
            .ok()
            .filter(|_| is_year(first))
            .ok_or(NoTaxYear)?;
        match last {
            None => Ok(Self(year)),
            Some(last) if last == format!("{:02}", (year + 1) % 100) => Ok(Self(year)),
            Some(last) if last == format!("{:04}", year + 1) => Ok(Self(year)),
            Some(_) => Err(NoTaxYear),
        }
    }
}

/// Whether each year lies between the first row and the last, or has figures all the same, such as
/// of what was held when it began. Records without a row know no year, and refuse none.
///
/// # Errors
/// [`TaxError::YearOutside`] for the first that does not.
pub(crate) fn check(
    country: Country,
    rows: &BTreeMap<TaxYear, usize>,
    totals: &BTreeMap<TaxYear, Totals>,
    years: impl IntoIterator<Item = TaxYear>,
) -> Result<(), TaxError> {
    let (Some((first, _)), Some((last, _))) = (rows.first_key_value(), rows.last_key_value())
    else {
        return Ok(());
    };
    for year in years {
        let side = match year {
            year if totals.contains_key(&year) => continue,
            year if year < *first => "before all rows",
            year if year > *last => "after all rows",
            _ => continue,
        };
        return Err(TaxError::YearOutside {
            year: jurisdiction::of(country).year_name(year),
            side,
            known: known(country, rows, totals),
        });
    }
    Ok(())
}

/// What each year has, the latest last, such as `there are 2 rows (1 disposal) in 2024`.
fn known(
    country: Country,
    rows: &BTreeMap<TaxYear, usize>,
    totals: &BTreeMap<TaxYear, Totals>,
) -> String {
    let told = rows.iter().skip(rows.len().saturating_sub(YEARS_TOLD_MAX));
    let told: Vec<_> = told
        .map(|(year, rows)| {
            let disposals = totals.get(year).map_or(0, |totals| totals.disposals);
            format!(
                "{} ({}) in {}",
                counted(*rows as u64, "row", "rows"),
                counted(disposals as u64, "disposal", "disposals"),
                jurisdiction::of(country).year_name(*year),
            )
        })
        .collect();
    let before = match rows.len() - told.len() {
        0 => String::new(),
        years => format!(
            ", and more in {} before",
            counted(years as u64, "year", "years")
        ),
    };
    let verb = match (told.len(), rows.values().next()) {
        (1, Some(1)) => "is",
        _ => "are",
    };
    format!("there {verb} {}{before}", told.join(", "))
}

#[cfg(test)]
mod tests {
    use packtrain_core::money::Currency;

    use super::*;

    fn refused(rows: &[(i32, usize)], year: i32) -> Option<String> {
        let rows = rows.iter().map(|(year, rows)| (TaxYear(*year), *rows));
        let sums = Totals {
            disposals: 1,
            ..Totals::zero(Currency::GBP)
        };
        let totals = [2023, 2025].map(|year| (TaxYear(year), sums.clone()));
        let (rows, totals) = (rows.collect(), totals.into());
        let checked = check(Country::Uk, &rows, &totals, [TaxYear(2023), TaxYear(year)]);
        checked.err().map(|error| error.to_string())
    }

    #[test]
    fn a_year_before_or_after_all_rows_is_refused_with_the_years_that_have_data() {
        let rows = [(2021, 1), (2023, 2)];
        assert_eq!(
            refused(&rows, 2031).unwrap(),
            "nothing is known of 2031-32, which is after all rows; there are 1 row (0 disposals) \
             in 2021-22, 2 rows (1 disposal) in 2023-24"
        );
        assert!(refused(&rows, 2020).unwrap().contains("before all rows"));
    }

    #[test]
    fn a_year_between_rows_or_with_figures_of_its_own_is_not_refused() {
        let rows = [(2021, 1), (2023, 2)];
        assert_eq!(refused(&rows, 2022), None);
        assert_eq!(refused(&rows, 2025), None);
        assert_eq!(refused(&[], 2031), None);
    }

    #[test]
    fn of_very_many_years_the_latest_are_named() {
        let rows: Vec<_> = (1990..=2023).map(|year| (year, 1)).collect();
        let said = refused(&rows, 2031).unwrap();
        assert!(
            said.ends_with("in 2023-24, and more in 14 years before"),
            "{said}"
        );
        assert!(
            said.contains("there are 1 row (0 disposals) in 2004-05,"),
            "{said}"
        );
    }

    #[test]
    fn a_tax_year_is_read_as_people_write_it() {
        let read = |text: &str| text.parse::<TaxYear>().map(|year| year.0);
        assert_eq!(read("2025"), Ok(2025));
        assert_eq!(read("2024-25"), Ok(2024));
        assert_eq!(read("1999-00"), Ok(1999));
        assert_eq!(read("2024-2025"), Ok(2024));
        for text in ["2024-26", "24", "2024-", "", "+024", "20245"] {
            assert_eq!(read(text), Err(NoTaxYear), "{text}");
        }
    }
}
