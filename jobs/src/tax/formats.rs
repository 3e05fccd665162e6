//! The formats of a report, and how each is made.

use std::collections::BTreeSet;

use packtrain_core::fault::Fault;
use packtrain_core::field::FieldError;
use packtrain_core::job::Stop;
use packtrain_report::{Document, Progress, ReportError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::artefacts::{Artefact, FileKind, file_name};

/// A form in which a report is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ReportFormat)]
pub enum Format {
    /// The report to read and print.
    Pdf,
    /// A line for each pair of disposal and lot.
    Csv,
    /// All figures.
    Json,
    /// The files for the return, such as Form 8949, for each year.
    Forms,
    /// The audit log, a workbook.
    Xlsx,
    /// What could be sold at the end of the last year: open lots with their gains, as JSON.
    Harvest,
}

/// What a report is given in where nobody chose.
pub(super) fn usual() -> BTreeSet<Format> {
    [Format::Pdf, Format::Csv, Format::Json].into()
}

/// Whether somebody chose otherwise; the usual formats are left out of a payload, so that a
/// request that names them is the same as one that does not.
pub(super) fn is_usual(formats: &BTreeSet<Format>) -> bool {
    *formats == usual()
}

/// Whether one of them tells what was held at the ends of years.
pub(super) fn show_holdings(formats: &BTreeSet<Format>) -> bool {
    formats.contains(&Format::Pdf) || formats.contains(&Format::Harvest)
}

/// What is wrong with a choice of formats.
pub(super) fn check(formats: &BTreeSet<Format>) -> Option<FieldError> {
    let said = "A report is given in at least one format; leave the field out for the usual ones.";
    formats
        .is_empty()
        .then(|| FieldError::new("/formats", "format_count", said))
}

/// Renders a document in each of the formats.
pub(super) fn render(
    document: &Document<'_>,
    formats: &BTreeSet<Format>,
    stop: &Stop,
) -> Result<Vec<Artefact>, Fault> {
    let mut made = Vec::new();
    for format in formats {
        if stop.requested() {
            return Err(failed(ReportError::Cancelled));
        }
        made.extend(one(document, *format, stop).map_err(failed)?);
    }
    Ok(made)
}

fn failed(error: ReportError) -> Fault {
    match error {
        ReportError::Cancelled => Fault::retry("job.stopped", error),
        error => Fault::fatal("tax.render", error),
    }
}

fn one(document: &Document<'_>, format: Format, stop: &Stop) -> Result<Vec<Artefact>, ReportError> {
    let (kind, media_type, bytes) = match format {
        Format::Pdf => (FileKind::Pdf, "application/pdf", pdf(document, stop)?),
        Format::Csv => {
            let mut csv = Vec::new();
            packtrain_report::write_csv(document, &mut csv)?;
            (FileKind::Csv, "text/csv; charset=utf-8", csv)
        }
        Format::Json => {
            let mut json = Vec::new();
            packtrain_report::write_json(document, &mut json)?;
            (FileKind::Json, "application/json", json)
        }
        Format::Harvest => {
            let mut json = Vec::new();
            packtrain_report::write_harvest(document, &mut json)?;
            (FileKind::Harvest, "application/json", json)
        }
        Format::Forms => return forms(document),
        Format::Xlsx => {
            let media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
            (
                FileKind::Xlsx,
                media_type,
                packtrain_report::audit(document)?,
            )
        }
    };
    Ok(vec![Artefact {
        name: file_name(kind, document),
        media_type,
        bytes: bytes.into(),
    }])
}

fn pdf(document: &Document<'_>, stop: &Stop) -> Result<Vec<u8>, ReportError> {
    let on_page = |done: usize, total: usize| stop.progress(done as u64, total as u64);
    let is_cancelled = || stop.requested();
    let progress = Progress {
        on_page: &on_page,
        is_cancelled: &is_cancelled,
    };
    packtrain_report::pdf(document, &progress)
}

/// The files for the return, one or more for each year; none for a year with nothing to file.
fn forms(document: &Document<'_>) -> Result<Vec<Artefact>, ReportError> {
    let forms = packtrain_report::forms(document)?.into_iter();
    let artefact = |form: packtrain_report::FormFile| Artefact {
        name: form.name,
        media_type: form.media_type,
        bytes: form.bytes.into(),
    };
    Ok(forms.map(artefact).collect())
}
