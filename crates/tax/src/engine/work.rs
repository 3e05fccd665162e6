//! What a computation is done on, whatever the settings.

use chrono::NaiveDate;

use super::LedgerFile;
use super::input::Input;
use super::twice::Twice;
use crate::allocation::Allocation;
use crate::jurisdiction::Jurisdiction;
use crate::prices::Prices;
use crate::request::Request;

/// What is computed, whatever the settings.
#[derive(Clone, Copy)]
pub(super) struct Work<'a> {
    pub(super) ledgers: &'a [LedgerFile],
    pub(super) rules: &'static Jurisdiction,
    pub(super) input: &'a Input<'a>,
    pub(super) prices: &'a Prices,
    pub(super) allocation: &'a Allocation,
    /// Exchanges that two sources tell of; none where nobody asks for findings.
    pub(super) twice: &'a [Twice],
    /// The last local day whose rows are taken; none where all are.
    pub(super) until: Option<NaiveDate>,
    pub(super) open_on: Option<NaiveDate>,
}

impl<'a> Work<'a> {
    /// All rows, without what only findings or a day ask for.
    pub(super) fn of(
        ledgers: &'a [LedgerFile],
        rules: &'static Jurisdiction,
        input: &'a Input<'a>,
        request: &'a Request,
    ) -> Self {
        Self {
            ledgers,
            rules,
            input,
            prices: &request.prices,
            allocation: &request.allocation,
            twice: &[],
            until: None,
            open_on: None,
        }
    }
}
