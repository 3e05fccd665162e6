//! The methods of a country side by side: what each makes of the years of a ledger.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use packtrain_core::money::{Currency, Money};
use packtrain_tax::Compared;
use packtrain_tax::jurisdiction;
use packtrain_tax::outcome::{Amount, TaxYear};
use packtrain_tax::request::Settings;
use serde::{Deserialize, Serialize};

use crate::figures::{AssessmentFigure, FileFigure, TotalsFigure, options};
use crate::years::year_name;
use crate::{ENGINE, InputFile, ReportError, YearSelection, words};

/// Everything a comparison is made of.
#[derive(Debug, Clone)]
pub struct ComparisonDocument<'a> {
    /// What all methods were computed with; its own method is the country's default.
    pub settings: &'a Settings,
    /// What each method gave, the country's default first.
    pub compared: &'a [Compared],
    /// The tax years to compare.
    pub years: YearSelection,
    /// The files that the computation read.
    pub inputs: &'a [InputFile],
}

/// What each method that the law knows makes of each tax year. It knows no clock: the same input
/// gives the same bytes whenever it is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison<'a> {
    /// Country code in capitals, such as `US`.
    pub jurisdiction: String,
    /// The scope that held: `universal`, `wallet`, or `dated` where the law changes from one to the
    /// other on a date; of pools and of a portfolio `universal`.
    pub scope: Cow<'a, str>,
    /// Currency of every amount of money.
    pub currency: Currency,
    /// The options in force, given or default, and the time zone.
    pub options: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    /// By tax year, the country's default method first.
    pub years: BTreeMap<String, Vec<MethodFigure<'a>>>,
    /// Program and version that computed them.
    pub engine: Cow<'a, str>,
    /// The rule set and its version.
    pub rule_set: Cow<'a, str>,
    /// The files that were read.
    pub files: Vec<FileFigure<'a>>,
}

/// What one method makes of a tax year.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MethodFigure<'a> {
    /// Lot method, such as `fifo`.
    pub method: Cow<'a, str>,
    /// Whether it is what the country takes where nobody chose.
    pub is_default: bool,
    /// What the law taxes of the year, where the country's assessment has such a figure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taxable: Option<String>,
    /// Its sums.
    pub totals: TotalsFigure,
    /// What the law makes of these sums, in the order of reading.
    pub assessment: Vec<AssessmentFigure<'a>>,
}

/// The figures of a comparison, of the years that it selects.
pub fn comparison<'a>(document: &ComparisonDocument<'a>) -> Comparison<'a> {
    let ComparisonDocument {
        settings, compared, ..
    } = *document;
    let years = document.listed().into_iter().map(|year| {
        let methods = compared
            .iter()
            .filter_map(|one| MethodFigure::of(one, year, settings));
        (year_name(settings.country, year), methods.collect())
    });
    Comparison {
        jurisdiction: settings.country.as_str().to_uppercase(),
        scope: words::scope(settings).into(),
        currency: settings.currency,
        options: options(settings),
        years: years.collect(),
        engine: ENGINE.into(),
        rule_set: jurisdiction::of(settings.country).rule_set.into(),
        files: document.inputs.iter().map(FileFigure::of).collect(),
    }
}

/// A comparison as JSON.
///
/// # Errors
/// [`ReportError::Json`] when it cannot be written.
pub fn comparison_json(comparison: &Comparison<'_>) -> Result<Vec<u8>, ReportError> {
    let mut json = serde_json::to_vec_pretty(comparison).map_err(ReportError::Json)?;
    json.push(b'\n');
    Ok(json)
}

/// What the law taxes of a year under a method, where the country's assessment has such a figure.
pub fn taxable(one: &Compared, year: TaxYear) -> Option<Money> {
    let key = jurisdiction::of(one.country).taxed?;
    let figures = &one.assessments.get(&year)?.figures;
    let figure = figures.iter().find(|figure| figure.key == key)?;
    match figure.amount {
        Amount::Money(money) => Some(money),
        Amount::Count(_) | Amount::YesNo(_) => None,
    }
}

impl ComparisonDocument<'_> {
    /// The years in order: those asked for, else those that any method has.
    pub fn listed(&self) -> BTreeSet<TaxYear> {
        match &self.years {
            YearSelection::Only(years) => years.clone(),
            YearSelection::All => {
                let years = self.compared.iter().flat_map(|one| one.totals.keys());
                years.copied().collect()
            }
        }
    }
}

impl<'a> MethodFigure<'a> {
    fn of(one: &'a Compared, year: TaxYear, settings: &Settings) -> Option<Self> {
        let totals = one.totals.get(&year)?;
        let figures = one.assessments.get(&year).map(|all| all.figures.iter());
        Some(Self {
            method: one.method.as_str().into(),
            is_default: one.method == settings.method,
            taxable: taxable(one, year).map(Money::to_cents),
            totals: TotalsFigure::of(totals, one.country),
            assessment: figures
                .into_iter()
                .flatten()
                .map(AssessmentFigure::of)
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use packtrain_tax::import::{Limits, read};
    use packtrain_tax::request::{Country, Request};
    use packtrain_tax::{LedgerFile, compare};

    use super::*;

    const LEDGER: &str = "\
id,timestamp,type,wallet,sent_amount,sent_asset,received_amount,received_asset,currency
a,2024-01-10T12:00:00Z,buy,main,100,USD,1,BTC,USD
b,2024-02-10T12:00:00Z,buy,main,300,USD,1,BTC,USD
c,2024-06-10T12:00:00Z,sell,main,1,BTC,500,USD,USD
d,2025-06-10T12:00:00Z,sell,main,1,BTC,500,USD,USD
";

    fn compared(years: &[i32]) -> String {
        let ledger = read(LEDGER.as_bytes(), Limits::default()).unwrap();
        let ledgers: [LedgerFile; 1] = [ledger.into_ledger("a.csv")];
        let request = Request::default();
        let compared = compare(&ledgers, Country::Us, &request).unwrap();
        let settings = jurisdiction::of(Country::Us).settings(&request).unwrap();
        let comparison = comparison(&ComparisonDocument {
            settings: &settings,
            compared: &compared,
            years: YearSelection::of(years.iter().copied().map(TaxYear)),
            inputs: &[],
        });
        String::from_utf8(comparison_json(&comparison).unwrap()).unwrap()
    }

    #[test]
    fn every_method_of_the_country_stands_beside_the_others_its_default_first() {
        let text = compared(&[]);
        let read: Comparison<'_> = serde_json::from_str(&text).unwrap();
        let nets = |year: &str| {
            let methods = read.years[year].iter();
            let net = |one: &MethodFigure<'_>| format!("{} {}", one.method, one.totals.net);
            methods.map(net).collect::<Vec<_>>()
        };
        assert_eq!(
            nets("2024"),
            ["fifo 400.00", "lifo 200.00", "hifo 200.00", "lofo 400.00"]
        );
        assert_eq!(
            nets("2025"),
            ["fifo 200.00", "lifo 400.00", "hifo 400.00", "lofo 200.00"]
        );
        let first = &read.years["2024"][0];
        assert!(first.is_default && !read.years["2024"][1].is_default);
        assert_eq!(first.taxable.as_deref(), Some("400.00"));
        assert!(!first.assessment.is_empty());
        assert_eq!(comparison_json(&read).unwrap(), text.into_bytes());
    }

    #[test]
    fn only_the_years_that_were_asked_for_are_compared() {
        let text = compared(&[2019, 2025]);
        let read: Comparison<'_> = serde_json::from_str(&text).unwrap();
        let years: Vec<_> = read
            .years
            .iter()
            .map(|(year, all)| (&**year, all.len()))
            .collect();
        assert_eq!(years, [("2019", 0), ("2025", 4)]);
    }

    #[test]
    fn every_country_but_one_that_taxes_what_is_held_says_what_it_taxes_of_a_year() {
        for country in Country::ALL {
            let currency = jurisdiction::of(*country).currency;
            let text = LEDGER.replace("USD", &currency.to_string());
            let ledger = read(text.as_bytes(), Limits::default()).unwrap();
            let ledgers = [ledger.into_ledger("a.csv")];
            let compared = compare(&ledgers, *country, &Request::default()).unwrap();
            for one in &compared {
                let year = TaxYear(2024);
                let taxed = taxable(one, year);
                assert_eq!(taxed.is_some(), *country != Country::Nl, "{country}");
            }
        }
    }

    #[test]
    fn japan_spain_and_india_tax_the_gain_of_a_year_without_other_income() {
        for country in [Country::Jp, Country::Es, Country::In] {
            let currency = jurisdiction::of(country).currency;
            let text = LEDGER.replace("USD", &currency.to_string());
            let ledger = read(text.as_bytes(), Limits::default()).unwrap();
            let ledgers = [ledger.into_ledger("a.csv")];
            let compared = compare(&ledgers, country, &Request::default()).unwrap();
            let gain = compared[0].totals[&TaxYear(2024)].net;
            assert!(!gain.is_zero());
            assert_eq!(taxable(&compared[0], TaxYear(2024)), Some(gain));
        }
    }
}
