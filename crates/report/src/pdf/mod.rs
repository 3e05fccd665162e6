//! The PDF: laid out first, then its pages made in parallel, then put together.
//!
//! A page is written as its stream and compressed at once; printpdf makes the fonts and the file
//! around them.

mod assemble;
mod content;
mod decimals;
mod flow;
mod fonts;
mod page;
mod paragraph;
mod placed;
mod places;
mod render;
mod row;
mod sections;
mod shown;
mod structure;
mod table;
mod tags;
mod theme;
mod update;

use sections::Selected;
use theme::Paper;

use crate::{Document, Progress, ReportError};

/// Renders the report as PDF. The same document gives the same bytes.
///
/// # Errors
/// [`ReportError::Cancelled`] when `progress` says so, [`ReportError::Amount`] when a sum is out
/// of range, [`ReportError::Pdf`] when the file could not be put together.
pub fn pdf(document: &Document<'_>, progress: &Progress<'_>) -> Result<Vec<u8>, ReportError> {
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
    assemble::assemble(made, &plan.marks, &identity, paper)
}

#[cfg(test)]
mod tests;
