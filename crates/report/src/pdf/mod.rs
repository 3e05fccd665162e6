//! The PDF: laid out first, then its pages made in parallel, then put together.
//!
//! Only a few pages are ever held as operations: a chunk of pages is drawn, written as content
//! streams by printpdf and compressed before the next chunk begins.

mod assemble;
mod flow;
mod fonts;
mod page;
mod paragraph;
mod render;
mod sections;
mod table;
mod theme;

use sections::Selected;
use theme::Paper;

use crate::{Document, Progress, ReportError};

/// Renders the report as PDF. The same document gives the same bytes.
///
/// # Errors
/// [`ReportError::Cancelled`] when `progress` says so, [`ReportError::Amount`] when a sum is out
/// of range, [`ReportError::Pdf`] when the file could not be put together.
pub fn pdf(document: &Document<'_>, progress: &Progress<'_>) -> Result<Vec<u8>, ReportError> {
    rendered(document, progress).map(|rendered| rendered.bytes)
}

/// A PDF with what printpdf had to say about it; a test holds that it is nothing.
struct Rendered {
    bytes: Vec<u8>,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "tests treat every warning as an error")
    )]
    warnings: Vec<String>,
}

fn rendered(document: &Document<'_>, progress: &Progress<'_>) -> Result<Rendered, ReportError> {
    let selected = Selected::of(document)?;
    let paper = Paper::of(document.outcome.settings.country);
    let sections = sections::sections(&selected, paper)?;
    let plan = flow::plan(&sections, paper, 1);
    let job = render::Job {
        selected: &selected,
        sections: &sections,
        plan: &plan,
        paper,
    };
    let made = job.run(progress)?;
    let identity = assemble::Identity {
        title: selected.full_title(),
        author: document.taxpayer.unwrap_or_default().to_owned(),
        at: document.generated_at,
    };
    let warnings = made.warnings.clone();
    let bytes = assemble::assemble(made, &plan.marks, &identity, paper)?;
    Ok(Rendered { bytes, warnings })
}

#[cfg(test)]
mod tests;
