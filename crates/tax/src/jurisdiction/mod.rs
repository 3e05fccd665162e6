//! Countries and their rules, as data. One country is one folder here and one arm in [`of`].

mod au;
mod ca;
mod de;
mod es;
mod fr;
mod r#in;
mod it;
mod jp;
mod nl;
mod uk;
mod us;

mod circle;
mod filled;
mod losses;
mod margin;
mod notes;
mod options;

use std::collections::BTreeMap;

use chrono::{Datelike, Days, Months, NaiveDate};
use chrono_tz::Tz;
use packtrain_core::ledger::RowKind;
use packtrain_core::money::Currency;
use packtrain_core::quantity::AmountError;

use crate::assess::{Assessment, Books};
use crate::error::TaxError;
use crate::methods::journal::{Leaving, PoolRules};
use crate::outcome::{TaxYear, Term};
use crate::request::{Country, Method, Request, Scope, Settings};
pub use ca::is_on_schedule_3;
pub use circle::Circle;
pub(crate) use circle::{Said, Special};
pub use de::ANLAGE_SO_LINES;
pub use fr::FORM_2086_LINES_FROM;
use notes::RuleText;
pub(crate) use notes::{Applied, chose};
pub use options::{OptionKind, OptionSpec, of_today};
pub(crate) use options::{by_wallet, wallet_key};
pub use us::schedule_d_line;

/// The rules of a country.
pub fn of(country: Country) -> &'static Jurisdiction {
    match country {
        Country::Us => &us::RULES,
        Country::Uk => &uk::RULES,
        Country::De => &de::RULES,
        Country::Ca => &ca::RULES,
        Country::Au => &au::RULES,
        Country::Es => &es::RULES,
        Country::In => &r#in::RULES,
        Country::Jp => &jp::RULES,
        Country::It => &it::RULES,
        Country::Nl => &nl::RULES,
        Country::Fr => &fr::RULES,
    }
}

/// The box of the form that a line belongs in; none where the year's form has none.
type FormBox = fn(&Settings, Option<&str>, NaiveDate, Term) -> Option<char>;

/// What a country's law says, as far as the engine asks.
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
    /// Methods that the law knows; the first is the default.
    pub methods: &'static [Method],
    /// Options, each with its values.
    pub options: &'static [OptionSpec],
    /// How far its rules go, and how well they were tested.
    pub circle: Circle,
    /// Which lots a disposal may draw on when nobody asks.
    pub scope: ScopeRule,
    /// Whether another scope may be asked for.
    pub may_choose_scope: bool,
    /// Month and day on which the tax year begins.
    pub year_begins: (u32, u32),
    /// The name of the assessment in figures, such as `net_capital`.
    pub assessment: &'static str,
    /// The figure of the assessment that says what the law taxes of disposals; none where the law
    /// taxes what is held.
    pub taxed: Option<&'static str>,
    /// Whether a loss with a purchase close by is worth a word, though it stands.
    pub(crate) warns_of_repurchases: bool,
    /// Whether the return asks for the gains and the losses of a year, and not for the net gain
    /// alone.
    pub(crate) asks_for_losses: bool,
    /// How the law tells lots apart by the time that they were held; none where it does not.
    pub terms: Option<Terms>,
    form_box: Option<FormBox>,
    pub(crate) treatment: Treatment,
    pub(crate) special: Special,
    pool: fn(&Settings) -> PoolRules,
    rules: &'static [RuleText],
    assess: fn(&Books<'_>) -> Result<BTreeMap<TaxYear, Assessment>, AmountError>,
}

/// Short and long, as a law has them.
pub struct Terms {
    /// What short is called.
    pub short: TermWords,
    /// What long is called.
    pub long: TermWords,
    /// First day on which a lot acquired on this date is long-term.
    long_from: fn(NaiveDate) -> Option<NaiveDate>,
}

/// What a term is called, for a person.
pub struct TermWords {
    /// In a narrow cell.
    pub brief: &'static str,
    /// As the head of a column.
    pub name: &'static str,
    /// What it means.
    pub meaning: &'static str,
}

const fn words(brief: &'static str, name: &'static str, meaning: &'static str) -> TermWords {
    TermWords {
        brief,
        name,
        meaning,
    }
}

/// Which lots a disposal may draw on when nobody asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScopeRule {
    /// Those of all wallets.
    Universal,
    /// Those of the wallet that disposes.
    Wallet,
    /// Those of all wallets before this day, and of the wallet that disposes from it on.
    WalletFrom(NaiveDate),
}

/// What the law makes of rows that are neither a purchase nor a sale.
pub(crate) struct Treatment {
    pub(crate) gift_in: GiftIn,
    pub(crate) gift_out: Leaving,
    pub(crate) gift_spouse: Leaving,
    pub(crate) donation: Leaving,
    /// Kinds of receipts that are no income here, with the cost that they have.
    pub(crate) untaxed: &'static [(RowKind, UntaxedCost)],
}

/// The cost of a gift received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GiftIn {
    /// The giver's; for a loss, the market value at the gift if lower.
    DualBasis,
    /// The giver's, with the giver's date.
    CarriedOver,
    /// The market value at the gift; the giver's cost only where the row states that and no value.
    MarketValue,
}

/// The cost of units that came for nothing and are no income.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UntaxedCost {
    /// The market value on receipt.
    MarketValue,
    /// Nothing.
    Nothing,
}

impl Jurisdiction {
    /// Its name within a sentence, such as `the United States`.
    pub fn named(&self) -> String {
        let article = match self.country {
            Country::Us | Country::Uk | Country::Nl => "the ",
            _ => "",
        };
        format!("{article}{}", self.name)
    }

    /// The tax year of a local date.
    pub fn year_of(&self, date: NaiveDate) -> TaxYear {
        let has_begun = (date.month(), date.day()) >= self.year_begins;
        TaxYear(date.year() - i32::from(!has_begun))
    }

    /// The name of a tax year, such as `2025`, or `2024-25` where it is not a calendar year.
    pub fn year_name(&self, year: TaxYear) -> String {
        if self.year_begins == (1, 1) {
            return year.to_string();
        }
        format!("{year}-{:02}", year.0.saturating_add(1).rem_euclid(100))
    }

    /// First and last day of a tax year; none beyond the calendar.
    pub fn year_span(&self, year: TaxYear) -> Option<(NaiveDate, NaiveDate)> {
        let (month, day) = self.year_begins;
        let first = NaiveDate::from_ymd_opt(year.0, month, day)?;
        let next = NaiveDate::from_ymd_opt(year.0.checked_add(1)?, month, day)?;
        Some((first, next.pred_opt()?))
    }

    /// First day on which a disposal of a lot acquired on `acquired` is long-term.
    pub(crate) fn long_from(&self, acquired: NaiveDate) -> Result<Option<NaiveDate>, NoSuchDate> {
        match &self.terms {
            Some(terms) => (terms.long_from)(acquired).map(Some).ok_or(NoSuchDate),
            None => Ok(None),
        }
    }

    /// The box of the form that a line belongs in; of a wallet, if its sales may be on a statement
    /// of its broker.
    pub(crate) fn form_box(
        &self,
        settings: &Settings,
        wallet: Option<&str>,
        date: NaiveDate,
        term: Option<Term>,
    ) -> Option<char> {
        (self.form_box?)(settings, wallet, date, term?)
    }

    pub(crate) fn pool_rules(&self, settings: &Settings) -> PoolRules {
        (self.pool)(settings)
    }

    pub(crate) fn assess(
        &self,
        books: &Books<'_>,
    ) -> Result<BTreeMap<TaxYear, Assessment>, AmountError> {
        (self.assess)(books)
    }

    /// The scope of a day: what was asked for, else the country's rule.
    pub(crate) fn scope_on(&self, asked: Option<Scope>, date: NaiveDate) -> Scope {
        asked.unwrap_or(match self.scope {
            ScopeRule::Universal => Scope::Universal,
            ScopeRule::Wallet => Scope::Wallet,
            ScopeRule::WalletFrom(from) if date >= from => Scope::Wallet,
            ScopeRule::WalletFrom(_) => Scope::Universal,
        })
    }

    /// Whether lots turn from all wallets to each, where the person allocates them.
    fn check_allocation(&self, request: &Request) -> Result<(), TaxError> {
        let what = match (self.scope, request.scope) {
            _ if request.allocation.is_empty() => return Ok(()),
            (ScopeRule::WalletFrom(_), None) => return Ok(()),
            (ScopeRule::WalletFrom(_), Some(scope)) => format!("scope {scope} was asked for"),
            _ => format!("{} has no such rule", self.name),
        };
        Err(TaxError::NoAllocation { what })
    }

    /// A request with every default filled in.
    ///
    /// # Errors
    /// [`TaxError`] when the method, the scope, an option or its value is not known here.
    pub fn settings(&self, request: &Request) -> Result<Settings, TaxError> {
        let method = request.method.unwrap_or(self.methods[0]);
        if !self.methods.contains(&method) {
            let known: Vec<_> = self.methods.iter().map(|method| method.as_str()).collect();
            return Err(TaxError::UnknownMethod {
                method: method.as_str(),
                country: self.country.as_str(),
                known: known.join(", "),
            });
        }
        if !self.may_choose_scope && request.scope == Some(Scope::Wallet) {
            return Err(TaxError::UnknownScope {
                scope: Scope::Wallet.as_str(),
                country: self.country.as_str(),
                known: Scope::Universal.as_str().to_owned(),
            });
        }
        self.check_allocation(request)?;
        Ok(Settings {
            country: self.country,
            method,
            scope: request.scope,
            timezone: request.timezone.unwrap_or(self.timezone),
            currency: self.currency,
            options: options::resolve(self, &request.options)?,
        })
    }
}

/// A date beyond the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoSuchDate;

/// The day after the anniversary of a date, which is the last day of the month where the month has
/// no such day: the period of a year does not count the day on which it begins.
fn day_after_anniversary(acquired: NaiveDate) -> Option<NaiveDate> {
    acquired
        .checked_add_months(Months::new(12))?
        .checked_add_days(Days::new(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_jurisdiction_has_a_default_method_and_a_default_for_each_option() {
        for country in Country::ALL {
            let rules = of(*country);
            assert_eq!(rules.country, *country);
            assert!(!rules.methods.is_empty());
            assert!(rules.settings(&Request::default()).is_ok());
        }
    }

    fn year(country: Country, date: &str) -> String {
        let rules = of(country);
        rules.year_name(rules.year_of(date.parse().unwrap()))
    }

    #[test]
    fn a_tax_year_begins_where_the_law_begins_it() {
        assert_eq!(year(Country::Us, "2024-12-31"), "2024");
        assert_eq!(year(Country::Uk, "2024-04-05"), "2023-24");
        assert_eq!(year(Country::Uk, "2024-04-06"), "2024-25");
        assert_eq!(year(Country::Au, "2024-06-30"), "2023-24");
        assert_eq!(year(Country::Au, "2024-07-01"), "2024-25");
        assert_eq!(year(Country::Uk, "1999-12-31"), "1999-00");
    }

    #[test]
    fn the_first_long_day_is_the_day_after_the_anniversary() {
        let after = |date: &str| {
            day_after_anniversary(date.parse().unwrap())
                .unwrap()
                .to_string()
        };
        assert_eq!(after("2023-03-01"), "2024-03-02");
        assert_eq!(after("2023-02-28"), "2024-02-29");
        assert_eq!(after("2024-02-29"), "2025-03-01");
    }
}
