//! The files that a computation leaves: their names, their media types, and how a job ends that
//! made them.

use bytes::Bytes;
use packtrain_core::fault::Fault;
use packtrain_core::ids::ReportId;
use packtrain_core::job::{Ctx, Done};
use packtrain_core::ports::{ArtefactRecord, ReportRecord, Write};
use packtrain_report::{Document, YearSelection, years_in_names};
use packtrain_tax::outcome::TaxYear;
use packtrain_tax::request::Country;
use serde_json::{Value, json};

/// A file that was made.
pub(super) struct Artefact {
    pub(super) name: String,
    pub(super) media_type: &'static str,
    pub(super) bytes: Bytes,
}

/// The end of a job that made files: keeps them under their hashes, where a second run finds the
/// same bytes, and has what was made written down with the end. The result names it by its own
/// word and id.
pub(super) async fn end(
    ctx: &Ctx,
    made: Vec<Artefact>,
    summary: Value,
    (word, id): (&str, Value),
) -> Result<Done, Fault> {
    ctx.stage("store").await?;
    let mut artefacts = Vec::with_capacity(made.len());
    for artefact in made {
        let stored = ctx.world.objects.put(ctx.tenant, artefact.bytes).await?;
        artefacts.push(ArtefactRecord {
            name: artefact.name,
            media_type: artefact.media_type.to_owned(),
            stored,
        });
    }
    let names: Vec<_> = artefacts.iter().map(|one| one.name.as_str()).collect();
    let result = json!({ word: id, "artifacts": names });
    let record = ReportRecord {
        id: ReportId::of_job(ctx.job),
        summary,
        finished_at: ctx.clock.now(),
        artefacts,
    };
    Ok(Done {
        writes: vec![Write::Report(record)],
        ..Done::with(result)
    })
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
    /// What could be sold.
    Harvest,
}

/// The name of a report's file, such as `tax-2025-us.pdf` or `tax-2024-25-uk.pdf`.
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
        FileKind::Harvest => named("harvest", &years, country, "json"),
    }
}

/// What it is, the years that it is about, in order, and the country.
pub(super) fn named(word: &str, years: &[TaxYear], country: Country, ending: &str) -> String {
    match years_in_names(country, years).as_str() {
        "" => format!("{word}-{country}.{ending}"),
        span => format!("{word}-{span}-{country}.{ending}"),
    }
}
