//! The files that a computation leaves: their names, their media types, and where they are kept.

use bytes::Bytes;
use packtrain_core::fault::Fault;
use packtrain_core::job::Ctx;
use packtrain_core::ports::ArtefactRecord;
use packtrain_report::{Document, YearSelection};
use packtrain_tax::outcome::TaxYear;
use packtrain_tax::request::Country;

/// A file that was made.
pub(super) struct Artefact {
    pub(super) name: String,
    pub(super) media_type: &'static str,
    pub(super) bytes: Bytes,
}

/// Keeps files under their hashes; a second run finds the same bytes there.
pub(super) async fn store(
    ctx: &Ctx,
    artefacts: Vec<Artefact>,
) -> Result<Vec<ArtefactRecord>, Fault> {
    let mut records = Vec::with_capacity(artefacts.len());
    for artefact in artefacts {
        let stored = ctx.world.objects.put(ctx.tenant, artefact.bytes).await?;
        records.push(ArtefactRecord {
            name: artefact.name,
            media_type: artefact.media_type.to_owned(),
            stored,
        });
    }
    Ok(records)
}

/// The names of files, as a job's result tells them.
pub(super) fn names(records: &[ArtefactRecord]) -> Vec<&str> {
    records.iter().map(|record| record.name.as_str()).collect()
}

/// The files that a report consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// The report to read and print.
    Pdf,
    /// One line per disposal and lot.
    Csv,
    /// All figures.
    Json,
    /// The audit log.
    Xlsx,
}

/// The name of a report's file, such as `tax-2025-us.pdf`.
pub fn file_name(kind: FileKind, document: &Document<'_>) -> String {
    let country = document.outcome.settings.country;
    let years = match &document.years {
        YearSelection::All => document.outcome.totals.keys().copied().collect::<Vec<_>>(),
        YearSelection::Only(years) => years.iter().copied().collect(),
    };
    match kind {
        FileKind::Pdf => named("tax", &years, country, "pdf"),
        FileKind::Csv => named("disposals", &years, country, "csv"),
        FileKind::Json => named("figures", &years, country, "json"),
        FileKind::Xlsx => named("audit", &years, country, "xlsx"),
    }
}

/// What it is, the years that it is about, in order, and the country.
pub(super) fn named(word: &str, years: &[TaxYear], country: Country, ending: &str) -> String {
    let span = match (years.first(), years.last()) {
        (Some(first), Some(last)) if first == last => format!("{first}-"),
        (Some(first), Some(last)) => format!("{first}-{last}-"),
        _ => String::new(),
    };
    format!("{word}-{span}{country}.{ending}")
}
