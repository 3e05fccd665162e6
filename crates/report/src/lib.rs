//! The report: pure rendering of a computed [`Outcome`] to figures (JSON), disposals (CSV), the
//! files for the return, an audit log (XLSX) and a PDF. No file, no clock, no network: the same
//! document gives the same bytes.

mod amounts;
mod audit;
mod cells;
mod comparison;
mod diff;
mod disposals;
mod entered;
mod explain;
mod figures;
mod forms;
mod harvest;
mod inventory;
mod json;
mod limits;
mod lines;
mod pdf;
#[cfg(test)]
#[path = "../examples/support/sample.rs"]
#[allow(
    unreachable_pub,
    dead_code,
    reason = "the file is shared with the examples"
)]
mod sample;
mod sources;
mod words;
mod years;

use std::io;

use packtrain_core::time::Timestamp;
use packtrain_tax::outcome::Outcome;

pub use crate::audit::audit;
pub use crate::comparison::{
    Comparison, ComparisonDocument, MethodFigure, comparison, comparison_json, taxable,
};
pub use crate::diff::diff;
pub use crate::disposals::write_csv;
pub use crate::entered::{as_entered, is_left_empty, shown};
pub use crate::explain::{explain, near};
pub use crate::figures::{
    AssessmentFigure, AssessmentValue, DisposalFigure, Figures, FileFigure, GivenRuleFigure,
    HoldingFigure, IncomeFigure, PriceFigure, Provenance, RemovedFigure, RemovedLotFigure,
    RuleFigure, SettledFigure, TotalsFigure, TransferFigure, ValuationFigure, WarningFigure,
    disposals_total, figures, figures_but_lists, income_total,
};
pub use crate::forms::{Form, FormFile, forms};
pub use crate::harvest::{HarvestFigures, OpenLotFigure, harvest, write_harvest};
pub use crate::inventory::{Inventory, InventoryLine, inventories};
pub use crate::json::write_json;
pub use crate::limits::*;
pub use crate::pdf::pdf;
pub use crate::words::{no_gain_no_loss, no_row_in, settling};
pub use crate::years::{YearSelection, years_in_names};
pub use packtrain_tax::printed::printed;

/// The engine's name and version, as every report states it.
pub const ENGINE: &str = concat!("packtrain ", env!("CARGO_PKG_VERSION"));

/// Everything a report is made of.
#[derive(Debug, Clone)]
pub struct Document<'a> {
    /// The computed figures.
    pub outcome: &'a Outcome,
    /// The tax years to report on.
    pub years: YearSelection,
    /// The files that the computation read; a row's origin points into them.
    pub inputs: &'a [InputFile],
    /// What was held at the start and at the end of these years, in order of time; none where
    /// nobody computed it.
    pub inventories: &'a [Inventory],
    /// When the report is made: the only clock that it knows.
    pub generated_at: Timestamp,
    /// Whose report it is, where that is to be printed.
    pub taxpayer: Option<&'a str>,
}

/// A file that was read, as a report names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputFile {
    /// Its name, without folders.
    pub name: String,
    /// SHA-256 of its bytes, in lower-case hexadecimal.
    pub sha256: String,
    /// Rows that were read and counted.
    pub rows: u64,
    /// Rows that could not be read and are not in the report.
    pub bad_rows: u64,
}

/// Who watches a rendering, and who may stop it.
#[derive(Clone, Copy)]
pub struct Progress<'a> {
    /// Told after every page: pages done, pages in all. Comes from several threads.
    pub on_page: &'a (dyn Fn(usize, usize) + Sync),
    /// Asked before every page; `true` ends the rendering with [`ReportError::Cancelled`].
    pub is_cancelled: &'a (dyn Fn() -> bool + Sync),
}

impl Progress<'static> {
    /// Nobody watches and nobody stops.
    pub const UNWATCHED: Self = Self {
        on_page: &|_, _| {},
        is_cancelled: &|| false,
    };
}

/// Why a report could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// Somebody asked to stop.
    #[error("report was cancelled")]
    Cancelled,
    /// The figures do not add up to something that can be printed.
    #[error("could not sum the figures")]
    Amount(#[from] packtrain_core::quantity::AmountError),
    /// The figures could not be written as JSON.
    #[error("could not write figures")]
    Json(#[source] serde_json::Error),
    /// The disposals could not be written as CSV.
    #[error("could not write disposals")]
    Csv(#[source] csv::Error),
    /// A file for the return could not be written.
    #[error("could not write a form")]
    Form(#[source] io::Error),
    /// The audit log could not be put together.
    #[error("could not build the audit log")]
    Workbook(#[from] rust_xlsxwriter::XlsxError),
    /// The PDF could not be put together.
    #[error("could not build the PDF: {what}")]
    Pdf {
        /// What was missing or refused.
        what: String,
    },
    /// The PDF could not be written.
    #[error("could not write the PDF")]
    Write(#[source] io::Error),
}
