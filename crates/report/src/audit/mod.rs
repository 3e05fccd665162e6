//! The audit log: one workbook in which a person follows every sum down to the rows of the ledger.

mod book;
mod rows;
mod sheets;

use crate::{Document, ReportError};
use book::Book;

/// The audit log of the years that the document selects, as an XLSX workbook.
///
/// Sheets: Summary, Disposals, Income, Transfers, Findings, Rows. The same document gives the same
/// bytes.
///
/// # Errors
/// [`ReportError::Workbook`] when the workbook cannot be put together, [`ReportError::Amount`] when
/// the sums of a row leave the range of exact arithmetic.
pub fn audit(document: &Document<'_>) -> Result<Vec<u8>, ReportError> {
    let mut book = Book::new(document)?;
    sheets::summary(document, &mut book)?;
    sheets::disposals(document, &mut book)?;
    sheets::income(document, &mut book)?;
    sheets::transfers(document, &mut book)?;
    sheets::findings(document, &mut book)?;
    rows::rows(document, &mut book)?;
    book.into_bytes()
}

#[cfg(test)]
mod tests;
