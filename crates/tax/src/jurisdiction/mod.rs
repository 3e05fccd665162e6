//! Countries and their rules, as data. One country is one file here and one arm in [`of`].

mod us;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use chrono_tz::Tz;
use packtrain_core::money::Currency;

use crate::error::TaxError;
use crate::outcome::{RuleNote, TaxYear};
use crate::request::{Country, Method, Request, Scope, Settings};

/// The rules of a country.
pub fn of(country: Country) -> &'static Jurisdiction {
    match country {
        Country::Us => &us::RULES,
    }
}

/// What a country's law says, as far as the engine asks.
#[derive(Debug)]
pub struct Jurisdiction {
    /// Which country this is.
    pub country: Country,
    /// Its name for a person.
    pub name: &'static str,
    /// Currency of every figure.
    pub currency: Currency,
    /// Time zone of taxpayers who give none.
    pub timezone: Tz,
    /// Version of these rules, such as `us-2025.1`; it grows with every change of a figure.
    pub rule_set: &'static str,
    /// Lot methods that the law knows; the first is the default.
    pub methods: &'static [Method],
    /// Options, each with its values.
    pub options: &'static [OptionSpec],
    /// First day on which lots are kept per wallet when nobody asks for a scope; none: never.
    pub wallet_scope_from: Option<NaiveDate>,
    year_of: fn(NaiveDate) -> TaxYear,
    year_name: fn(TaxYear) -> String,
    long_from: fn(NaiveDate) -> Option<NaiveDate>,
    notes: fn(&Settings, &Applied) -> Vec<RuleNote>,
}

/// An option of a jurisdiction.
#[derive(Debug)]
pub struct OptionSpec {
    /// Its name.
    pub name: &'static str,
    /// Its values; the first is the default.
    pub values: &'static [&'static str],
    /// What it decides, for a person.
    pub meaning: &'static str,
}

/// Which rules came to bear in a computation; each asks for its note.
#[derive(Debug, Clone, Default)]
pub(crate) struct Applied {
    pub(crate) universal: bool,
    pub(crate) wallet: bool,
    /// Units that changed wallets when lots were allocated to wallets, by asset.
    pub(crate) allocated: Option<BTreeMap<String, String>>,
    pub(crate) named_lots: bool,
    pub(crate) swaps: bool,
    pub(crate) costs: bool,
    pub(crate) fees_in_kind: bool,
    pub(crate) transfers: bool,
    pub(crate) transfer_differences: bool,
    pub(crate) income: bool,
    pub(crate) gifts_received: bool,
    pub(crate) given_away: bool,
    pub(crate) lost: bool,
    pub(crate) losses: bool,
    pub(crate) wraps: bool,
    pub(crate) missing_basis: bool,
    pub(crate) margin: bool,
}

impl Jurisdiction {
    /// The tax year of a local date.
    pub fn year_of(&self, date: NaiveDate) -> TaxYear {
        (self.year_of)(date)
    }

    /// The name of a tax year, such as `2025`.
    pub fn year_name(&self, year: TaxYear) -> String {
        (self.year_name)(year)
    }

    /// First day on which a disposal of a lot acquired on `acquired` is long-term.
    pub(crate) fn long_from(&self, acquired: NaiveDate) -> Option<NaiveDate> {
        (self.long_from)(acquired)
    }

    pub(crate) fn notes(&self, settings: &Settings, applied: &Applied) -> Vec<RuleNote> {
        (self.notes)(settings, applied)
    }

    /// The scope of a day: what was asked for, else the dated rule.
    pub(crate) fn scope_on(&self, asked: Option<Scope>, date: NaiveDate) -> Scope {
        asked.unwrap_or(match self.wallet_scope_from {
            Some(from) if date >= from => Scope::Wallet,
            _ => Scope::Universal,
        })
    }

    /// A request with every default filled in.
    ///
    /// # Errors
    /// [`TaxError`] when the method, an option or its value is not known here.
    pub fn settings(&self, request: &Request) -> Result<Settings, TaxError> {
        let method = request.method.unwrap_or(self.methods[0]);
        if !self.methods.contains(&method) {
            return Err(TaxError::UnknownMethod {
                method: method.as_str(),
                country: self.country.as_str(),
                known: self
                    .methods
                    .iter()
                    .map(|m| m.as_str())
                    .collect::<Vec<_>>()
                    .join(", "),
            });
        }
        Ok(Settings {
            country: self.country,
            method,
            scope: request.scope,
            timezone: request.timezone.unwrap_or(self.timezone),
            currency: self.currency,
            options: self.options(&request.options)?,
        })
    }

    fn options(
        &self,
        given: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>, TaxError> {
        let spec = |name: &str| self.options.iter().find(|option| option.name == name);
        if let Some(unknown) = given.keys().find(|name| spec(name).is_none()) {
            let known: Vec<_> = self.options.iter().map(|option| option.name).collect();
            return Err(TaxError::UnknownOption {
                option: unknown.clone(),
                country: self.country.as_str(),
                known: known.join(", "),
            });
        }
        let resolved = self.options.iter().map(|option| {
            let value = given
                .get(option.name)
                .map_or(option.values[0], String::as_str);
            if option.values.contains(&value) {
                return Ok((option.name.to_owned(), value.to_owned()));
            }
            Err(TaxError::UnknownOptionValue {
                option: option.name.to_owned(),
                value: value.to_owned(),
                known: option.values.join(", "),
            })
        });
        resolved.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_option_or_value_is_an_error_that_names_what_is_known() {
        let ask = |name: &str, value: &str| {
            let options = [(name.to_owned(), value.to_owned())].into();
            of(Country::Us).settings(&Request {
                options,
                ..Request::default()
            })
        };
        let error = ask("wrapp", "carry").unwrap_err().to_string();
        assert_eq!(error, "unknown option \"wrapp\" for us; known: wrap");
        let error = ask("wrap", "maybe").unwrap_err().to_string();
        assert_eq!(
            error,
            "unknown value \"maybe\" of option \"wrap\"; known: carry, trade"
        );
        assert_eq!(ask("wrap", "trade").unwrap().options["wrap"], "trade");
    }

    #[test]
    fn every_jurisdiction_has_a_default_method_and_a_default_for_each_option() {
        for country in Country::ALL {
            let rules = of(*country);
            assert_eq!(rules.country, *country);
            assert!(!rules.methods.is_empty());
            assert!(rules.options.iter().all(|option| !option.values.is_empty()));
            assert!(rules.settings(&Request::default()).is_ok());
        }
    }
}
