//! Computes a tax report from imported files, renders it and stores its artefacts.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use bytes::Bytes;
use packtrain_core::fault::{Fault, Verdict, chain};
use packtrain_core::field::{FieldError, segment};
use packtrain_core::ids::{FileId, ReportId};
use packtrain_core::job::{Ctx, Done, Gate, Job, Kind, Lane, Stop};
use packtrain_core::limits::{REPORT_FILES_MAX, REPORT_ROWS_MAX};
use packtrain_core::ports::{ArtefactRecord, FileState, ImportedFile, ReportRecord, Write};
use packtrain_report::{Document, InputFile, Inventory, Progress, ReportError, YearSelection};
use packtrain_tax::outcome::{Outcome, TaxYear};
use packtrain_tax::request::{Country, Method, Request, Scope};
use packtrain_tax::{LedgerFile, TaxError};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

/// Tax years that one report may name.
const YEARS_MAX: usize = 50;
/// How soon a report looks again at a file that is still being read, and how late at most: a tenth
/// of the time that the file has been waiting.
const FILE_POLL_FIRST: Duration = Duration::from_millis(500);
const FILE_POLL_MOST: Duration = Duration::from_secs(15);
/// How long a report waits for a file to be read before it gives up.
const FILE_WAIT_MAX: chrono::Duration = chrono::Duration::hours(1);
/// Warnings that the summary of a report names one by one.
const SUMMARY_WARNINGS_MAX: usize = 50;

/// Computes a tax report and stores it as PDF, CSV and JSON.
///
/// A second run makes the same bytes under the same keys: the report's only clock is the time
/// at which it was asked for.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TaxReport)]
pub struct Report {
    /// Whose rules hold.
    #[schema(value_type = String, example = "us")]
    pub country: Country,
    /// Tax years to report on, by their first calendar year; none means all.
    #[serde(default)]
    #[schema(example = json!([2025]), max_items = 50)]
    pub years: Vec<i32>,
    /// Lot method; absent means the country's default.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "fifo")]
    pub method: Option<Method>,
    /// Lot scope; absent means the country's dated rule.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "wallet")]
    pub scope: Option<Scope>,
    /// The taxpayer's time zone by its IANA name; absent means the country's default.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "America/New_York")]
    pub timezone: Option<chrono_tz::Tz>,
    /// Options of the country's rules.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
    /// Uploaded files, in the order in which rows of equal time are taken.
    #[schema(min_items = 1, max_items = 100)]
    pub files: Vec<FileId>,
}

impl Job for Report {
    const KIND: Kind = Kind::new("tax.report");
    const LANE: Lane = Lane::Cpu;
    const TIME_LIMIT: Duration = Duration::from_secs(900);
    // One person's many reports leave cores to others.
    const GATE: Gate = Gate::Tenant { max: 4 };

    fn check(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let count = self.files.len();
        if count == 0 || count > REPORT_FILES_MAX {
            let said = format!("A report takes 1 to {REPORT_FILES_MAX} files.");
            errors.push(FieldError::new("/files", "file_count", said));
        }
        let mut seen = HashSet::new();
        for (place, file) in self.files.iter().enumerate().take(REPORT_FILES_MAX) {
            if !seen.insert(file) {
                let said = format!("{file} is named twice; its rows would count twice.");
                errors.push(FieldError::new(
                    format!("/files/{place}"),
                    "file_repeated",
                    said,
                ));
            }
        }
        if self.years.len() > YEARS_MAX {
            let said = format!("A report takes at most {YEARS_MAX} years; none means all.");
            errors.push(FieldError::new("/years", "year_count", said));
        }
        let settings = packtrain_tax::jurisdiction::of(self.country).settings(&self.request());
        errors.extend(settings.err().map(rule));
        errors
    }

    async fn run(self, ctx: &Ctx) -> Result<Done, Fault> {
        self.await_files(ctx).await?;
        ctx.stage("read").await?;
        let files = ctx.world.files.load(ctx.tenant, &self.files).await?;
        ctx.stage("compute").await?;
        let (request, country, years) = (self.request(), self.country, self.years());
        let asked_at = ctx.asked_at;
        let for_years = years.clone();
        let computed = ctx.cpu(move |stop| compute(files, country, &request, &for_years, stop));
        let computed = computed.await??;
        ctx.stage("render").await?;
        let made = ctx.cpu(move |stop| {
            let document = Document {
                outcome: &computed.outcome,
                years,
                inputs: &computed.inputs,
                inventories: &computed.inventories,
                generated_at: asked_at,
                taxpayer: None,
            };
            render(&document, stop)
        });
        let made = made.await??;
        ctx.stage("store").await?;
        let report = ReportId::of_job(ctx.job);
        let mut artefacts = Vec::with_capacity(made.artefacts.len());
        for artefact in made.artefacts {
            let stored = ctx.world.objects.put(ctx.tenant, artefact.bytes).await?;
            let (name, media_type) = (artefact.name, artefact.media_type.to_owned());
            artefacts.push(ArtefactRecord {
                name,
                media_type,
                stored,
            });
        }
        let names: Vec<&str> = artefacts
            .iter()
            .map(|artefact| artefact.name.as_str())
            .collect();
        let result = json!({ "report": report, "artifacts": names });
        let summary = made.summary;
        let record = ReportRecord {
            id: report,
            summary,
            finished_at: ctx.clock.now(),
            artefacts,
        };
        Ok(Done {
            writes: vec![Write::Report(record)],
            ..Done::with(result)
        })
    }
}

impl Report {
    /// What the engine is asked.
    pub fn request(&self) -> Request {
        Request {
            method: self.method,
            scope: self.scope,
            timezone: self.timezone,
            options: self.options.clone(),
            ..Request::default()
        }
    }

    fn years(&self) -> YearSelection {
        YearSelection::of(self.years.iter().map(|year| TaxYear(*year)))
    }

    /// Goes on once every file was read and their rows together are not too many.
    async fn await_files(&self, ctx: &Ctx) -> Result<(), Fault> {
        let mut rows = 0;
        for id in &self.files {
            let Some(file) = ctx.world.files.find(ctx.tenant, *id).await? else {
                let said = format!("file {id} does not exist");
                return Err(Fault::said(Verdict::Fatal, "tax.file_missing", said));
            };
            match file.state {
                FileState::Imported => rows += (file.rows_total - file.rows_bad) as usize,
                FileState::Rejected => {
                    let said = format!(
                        "file {} cannot be read: {}",
                        file.file.name,
                        file.problem.unwrap_or_default()
                    );
                    return Err(Fault::said(Verdict::Fatal, "tax.file_rejected", said));
                }
                FileState::Uploaded if ctx.clock.now() - file.created_at > FILE_WAIT_MAX => {
                    let said = format!("file {} was not read within an hour", file.file.name);
                    return Err(Fault::said(Verdict::Fatal, "tax.file_not_read", said));
                }
                FileState::Uploaded => {
                    let why = format!("file {} is still being read", file.file.name);
                    let waited = (ctx.clock.now() - file.created_at)
                        .to_std()
                        .unwrap_or_default();
                    let pause = (waited / 10).clamp(FILE_POLL_FIRST, FILE_POLL_MOST);
                    return Err(Fault::snooze("tax.file_waiting", pause, why));
                }
            }
        }
        if rows > REPORT_ROWS_MAX {
            let said = format!("{rows} rows in one report; at most {REPORT_ROWS_MAX}");
            return Err(Fault::said(Verdict::Fatal, "tax.too_many_rows", said));
        }
        Ok(())
    }
}

/// Where the body asks for what the country's rules do not have.
fn rule(error: TaxError) -> FieldError {
    let (place, code) = match &error {
        TaxError::UnknownOption { option, .. } => {
            (format!("/options{}", segment(option)), "unknown_option")
        }
        TaxError::UnknownOptionValue { option, .. } => (
            format!("/options{}", segment(option)),
            "unknown_option_value",
        ),
        TaxError::UnknownMethod { .. } => ("/method".to_owned(), "unknown_method"),
        _ => (String::new(), "invalid"),
    };
    FieldError::new(place, code, chain(&error))
}

/// What a report is made of, all but the moment.
struct Computed {
    outcome: Outcome,
    inputs: Vec<InputFile>,
    inventories: Vec<Inventory>,
}

fn compute(
    files: Vec<ImportedFile>,
    country: Country,
    request: &Request,
    years: &YearSelection,
    stop: &Stop,
) -> Result<Computed, Fault> {
    let (mut ledgers, mut inputs) = (Vec::new(), Vec::new());
    for file in files {
        let (name, sha256) = (file.record.file.name, file.record.file.sha256);
        inputs.push(InputFile {
            name: name.clone(),
            sha256: sha256.clone(),
            rows: u64::from(file.record.rows_total - file.record.rows_bad),
            bad_rows: u64::from(file.record.rows_bad),
        });
        ledgers.push(LedgerFile {
            name,
            sha256,
            rows: file.rows,
        });
    }
    let is_stopped = || stop.requested();
    let failed = |error: TaxError| match error {
        TaxError::Stopped => Fault::retry("job.stopped", error),
        error => Fault::said(Verdict::Fatal, error.code(), chain(&error)),
    };
    let outcome = packtrain_tax::compute_until(&ledgers, country, request, &is_stopped);
    let outcome = outcome.map_err(failed)?;
    let held = packtrain_report::inventories(ledgers, request, &outcome, years, &is_stopped);
    Ok(Computed {
        inventories: held.map_err(failed)?,
        outcome,
        inputs,
    })
}

/// A rendered file.
struct Artefact {
    name: String,
    media_type: &'static str,
    bytes: Bytes,
}

struct Made {
    artefacts: Vec<Artefact>,
    summary: Value,
}

fn render(document: &Document<'_>, stop: &Stop) -> Result<Made, Fault> {
    let failed = |error: ReportError| match error {
        ReportError::Cancelled => Fault::retry("job.stopped", error),
        error => Fault::fatal("tax.render", error),
    };
    let on_page = |done: usize, total: usize| stop.progress(done as u64, total as u64);
    let is_cancelled = || stop.requested();
    let progress = Progress {
        on_page: &on_page,
        is_cancelled: &is_cancelled,
    };
    let pdf = packtrain_report::pdf(document, &progress).map_err(failed)?;
    let (mut csv, mut json) = (Vec::new(), Vec::new());
    packtrain_report::write_csv(document, &mut csv).map_err(failed)?;
    packtrain_report::write_json(document, &mut json).map_err(failed)?;
    let summary = summary(document).map_err(|error| Fault::fatal("tax.summary", error))?;
    let artefact = |kind, media_type, bytes: Vec<u8>| Artefact {
        name: file_name(kind, document),
        media_type,
        bytes: bytes.into(),
    };
    Ok(Made {
        artefacts: vec![
            artefact(FileKind::Pdf, "application/pdf", pdf),
            artefact(FileKind::Csv, "text/csv; charset=utf-8", csv),
            artefact(FileKind::Json, "application/json", json),
        ],
        summary,
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
}

/// The name of a report's file, such as `tax-2025-us.pdf`.
pub fn file_name(kind: FileKind, document: &Document<'_>) -> String {
    let country = document.outcome.settings.country;
    let years = match &document.years {
        YearSelection::All => document.outcome.totals.keys().copied().collect::<Vec<_>>(),
        YearSelection::Only(years) => years.iter().copied().collect(),
    };
    let span = match (years.first(), years.last()) {
        (Some(first), Some(last)) if first == last => format!("{first}-"),
        (Some(first), Some(last)) => format!("{first}-{last}-"),
        _ => String::new(),
    };
    match kind {
        FileKind::Pdf => format!("tax-{span}{country}.pdf"),
        FileKind::Csv => format!("disposals-{span}{country}.csv"),
        FileKind::Json => format!("figures-{span}{country}.json"),
        FileKind::Xlsx => format!("audit-{span}{country}.xlsx"),
    }
}

/// What a page shows first: totals, counts, and the warnings with the most money at stake.
fn summary(document: &Document<'_>) -> Result<Value, serde_json::Error> {
    let figures = packtrain_report::figures(document);
    let warnings = figures.warnings.len();
    let first = &figures.warnings[..warnings.min(SUMMARY_WARNINGS_MAX)];
    Ok(json!({
        "country": document.outcome.settings.country,
        "method": document.outcome.settings.method,
        "scope": figures.scope,
        "currency": figures.currency,
        "timezone": document.outcome.settings.timezone.name(),
        "rule_set": document.outcome.rule_set,
        "totals": figures.totals,
        "disposals": figures.disposals.len(),
        "income": figures.income.len(),
        "warnings": first,
        "warnings_total": warnings,
        "inputs": figures.provenance.files,
    }))
}
