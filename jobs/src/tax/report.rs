//! Computes a tax report from imported files, renders it and stores its artefacts.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use packtrain_core::fault::Fault;
use packtrain_core::field::FieldError;
use packtrain_core::ids::{FileId, ReportId};
use packtrain_core::job::{Ctx, Done, Gate, Job, Kind, Lane, Stop};
use packtrain_report::{Document, InputFile, Inventory, YearSelection};
use packtrain_tax::allocation::Written as AllocationLine;
use packtrain_tax::outcome::{Outcome, TaxYear};
use packtrain_tax::request::{Country, Method, Request, Scope};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::artefacts;
use super::formats::{self, Format};
use super::inputs::{self, Given, Loaded, watched};
use super::said::{Answers, Said, Sent};
use super::taxpayer::Taxpayer;

pub use super::artefacts::{FileKind, file_name};

/// Warnings that the summary of a report names one by one.
const SUMMARY_WARNINGS_MAX: usize = 50;
/// Answers, and rules, without an effect that it names.
const SUMMARY_ANSWERS_MAX: usize = 10;

/// Computes a tax report and stores it in the formats asked for.
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
    /// Tax years to report on, by their first calendar year; none means all. A year before all rows
    /// or after them fails with `tax.year_outside`; one between them may have none.
    #[serde(default, deserialize_with = "super::years::read")]
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
    /// Whose report it is, as it is printed on it; absent means that nobody is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, max_length = 200, example = "Mira Kowalska")]
    pub taxpayer: Option<Taxpayer>,
    /// Options of the country's rules.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
    /// What it is given in; absent means `pdf`, `csv` and `json`.
    #[serde(default = "formats::usual", skip_serializing_if = "formats::is_usual")]
    #[schema(value_type = Vec<Format>, min_items = 1, example = json!(["pdf", "forms", "xlsx"]))]
    pub formats: BTreeSet<Format>,
    /// Uploaded files, in the order in which rows of equal time are taken.
    #[schema(min_items = 1, max_items = 100)]
    pub files: Vec<FileId>,
    /// An uploaded list of prices for rows that state no value: a CSV file with the columns `date`,
    /// `asset`, `currency` and `price` of one unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prices: Option<FileId>,
    /// Answers to findings of earlier reports, and rules on what rows are. A request takes 64 KiB
    /// in all.
    #[serde(default, skip_serializing_if = "Answers::is_empty")]
    pub settlements: Answers,
    /// Which unused lots go to which wallet on the day on which the law turns to lots of each
    /// wallet (us: 1 January 2025). Where it does not add up, an error names lines as if it were a
    /// file: line 2, below the header, is entry 0.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<AllocationLine>, max_items = 10000)]
    pub allocation: Vec<Sent>,
}

impl Job for Report {
    const KIND: Kind = Kind::new("tax.report");
    const LANE: Lane = Lane::Cpu;
    // A worker of before refuses fields that it does not know, and the job would be dead.
    const SCHEMA: u16 = 4;
    const TIME_LIMIT: Duration = Duration::from_secs(900);
    // One person's many reports leave cores to others.
    const GATE: Gate = Gate::Tenant { max: 4 };

    fn check(&self) -> Vec<FieldError> {
        let mut errors = inputs::check(self.given(), &self.years, self.country, self.request());
        errors.extend(formats::check(&self.formats));
        errors.extend(self.taxpayer.as_ref().and_then(Taxpayer::check));
        errors
    }

    async fn run(self, ctx: &Ctx) -> Result<Done, Fault> {
        let loaded = inputs::load(ctx, self.given()).await?;
        ctx.stage("compute").await?;
        let (request, country, years) = (self.request(), self.country, self.years());
        let asked_at = ctx.asked_at;
        let asked: Vec<_> = self.years.iter().map(|year| TaxYear(*year)).collect();
        let shown = formats::show_holdings(&self.formats).then(|| years.clone());
        let computed =
            ctx.cpu(move |stop| compute(loaded, (country, request), &asked, shown, stop));
        let computed = computed.await??;
        ctx.stage("render").await?;
        let (formats, taxpayer) = (self.formats, self.taxpayer);
        let made = ctx.cpu(move |stop| {
            let document = Document {
                outcome: &computed.outcome,
                years,
                inputs: &computed.inputs,
                inventories: &computed.inventories,
                generated_at: asked_at,
                taxpayer: taxpayer.as_ref().map(Taxpayer::reveal),
            };
            let artefacts = formats::render(&document, &formats, stop)?;
            let summary = summary(&document).map_err(|error| Fault::fatal("tax.summary", error))?;
            Ok::<_, Fault>((artefacts, summary))
        });
        let (artefacts, summary) = made.await??;
        let report = ("report", json!(ReportId::of_job(ctx.job)));
        artefacts::end(ctx, artefacts, summary, report).await
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

    /// The uploaded files that it names, each with its place.
    pub fn uploads(&self) -> Vec<(String, FileId)> {
        self.given().places()
    }

    fn given(&self) -> Given<'_> {
        Given {
            files: &self.files,
            prices: self.prices,
            said: Said {
                settlements: &self.settlements,
                allocation: &self.allocation,
            },
        }
    }

    fn years(&self) -> YearSelection {
        YearSelection::of(self.years.iter().map(|year| TaxYear(*year)))
    }
}

/// What a report is made of, all but the moment.
struct Computed {
    outcome: Outcome,
    inputs: Vec<InputFile>,
    inventories: Vec<Inventory>,
}

fn compute(
    loaded: Loaded,
    (country, mut request): (Country, Request),
    asked: &[TaxYear],
    shown: Option<YearSelection>,
    stop: &Stop,
) -> Result<Computed, Fault> {
    let (ledgers, inputs) = loaded.open(&mut request)?;
    let outcome = watched(stop, |watch| {
        let outcome = packtrain_tax::compute_watched(&ledgers, country, &request, watch)?;
        outcome.check_years(asked.iter().copied())?;
        Ok(outcome)
    })?;
    let inventories = shown.map(|years| {
        watched(stop, |watch| {
            let is_stopped = watch.is_stopped;
            packtrain_report::inventories(&ledgers, &request, &outcome, &years, is_stopped)
        })
    });
    Ok(Computed {
        inventories: inventories.transpose()?.unwrap_or_default(),
        outcome,
        inputs,
    })
}

/// What a page shows first: totals, counts, the warnings with the most money at stake, and which
/// answers and rules did nothing and can be taken out.
fn summary(document: &Document<'_>) -> Result<Value, serde_json::Error> {
    // A line is not written out only to be counted.
    let figures = packtrain_report::figures_but_lists(document);
    let warnings = figures.warnings.len();
    let first = &figures.warnings[..warnings.min(SUMMARY_WARNINGS_MAX)];
    let idle = figures.settled.iter().filter(|answer| !answer.is_used);
    let idle_rules = figures.rules_given.iter().filter(|rule| rule.rows == 0);
    Ok(json!({
        "country": document.outcome.settings.country,
        "method": document.outcome.settings.method,
        "scope": figures.scope,
        "currency": figures.currency,
        "timezone": document.outcome.settings.timezone.name(),
        "rule_set": document.outcome.rule_set,
        "totals": figures.totals,
        "years_without_rows": figures.provenance.years_without_rows,
        "disposals": packtrain_report::disposals_total(document),
        "income": packtrain_report::income_total(document),
        "warnings": first,
        "warnings_total": warnings,
        "answers_unused": idle.take(SUMMARY_ANSWERS_MAX).collect::<Vec<_>>(),
        "rules_unused": idle_rules.take(SUMMARY_ANSWERS_MAX).collect::<Vec<_>>(),
        "inputs": figures.provenance.files,
    }))
}
