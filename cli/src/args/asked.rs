//! Tax years as they are asked for.

use std::str::FromStr;

use packtrain_tax::outcome::{NoTaxYear, TaxYear};

use super::Report;

/// A tax year, and whether it was written as one of two calendar years, such as 2024-25.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AskedYear {
    pub(crate) year: TaxYear,
    pub(crate) is_of_two: bool,
}

impl FromStr for AskedYear {
    type Err = NoTaxYear;

    fn from_str(text: &str) -> Result<Self, NoTaxYear> {
        Ok(Self {
            year: text.parse()?,
            is_of_two: text.contains('-'),
        })
    }
}

impl Report {
    /// The tax years that are asked for; none where all are.
    pub(crate) fn years(&self) -> impl Iterator<Item = TaxYear> {
        self.asked_years.iter().map(|asked| asked.year)
    }
}
