//! A row in its place, and what ends a computation there.

use chrono::NaiveDate;
use packtrain_core::ledger::Row;
use packtrain_core::quantity::AmountError;

use super::LedgerFile;
use crate::error::TaxError;
use crate::jurisdiction::NoSuchDate;
use crate::outcome::{Origin, TaxYear};

/// A row in its place: where it stands, and its local date and tax year.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    pub(super) row: &'a Row,
    pub(super) origin: Origin,
    /// Place in the order of time.
    pub(super) index: usize,
    pub(super) date: NaiveDate,
    pub(super) year: TaxYear,
}

/// Why a row ends the whole computation.
#[derive(Debug, Clone)]
pub(super) enum Stop {
    Amount(AmountError),
    Date,
    /// The allocation of an asset, with all that is wrong with it.
    Allocation(String, Vec<String>),
}

impl From<NoSuchDate> for Stop {
    fn from(_: NoSuchDate) -> Self {
        Self::Date
    }
}

impl From<AmountError> for Stop {
    fn from(error: AmountError) -> Self {
        Self::Amount(error)
    }
}

impl Stop {
    pub(super) fn at(self, at: &At<'_>, ledgers: &[LedgerFile]) -> TaxError {
        let file = usize::try_from(at.origin.file)
            .ok()
            .and_then(|file| ledgers.get(file));
        let file = file.map_or_else(|| "answers".to_owned(), |ledger| ledger.name.clone());
        let (id, line) = (at.row.id.clone(), at.origin.line);
        match self {
            Self::Amount(source) => TaxError::Amount {
                id,
                file,
                line,
                source,
            },
            Self::Date => TaxError::Date { id, file, line },
            Self::Allocation(asset, wrong) => TaxError::Allocation { asset, wrong },
        }
    }
}
