//! Compares the methods that a country's law knows on imported files.

use std::collections::BTreeMap;
use std::time::Duration;

use packtrain_core::fault::Fault;
use packtrain_core::field::FieldError;
use packtrain_core::ids::{ComparisonId, FileId};
use packtrain_core::job::{Ctx, Done, Gate, Job, Kind, Lane, Stop};
use packtrain_report::{Comparison, ComparisonDocument, YearSelection};
use packtrain_tax::allocation::Written as AllocationLine;
use packtrain_tax::jurisdiction;
use packtrain_tax::outcome::TaxYear;
use packtrain_tax::request::{Country, Request, Scope};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::artefacts::{self, Artefact, named};
use super::inputs::{self, Given, Loaded, watched};
use super::said::{Answers, Said, Sent};

/// Computes the years of a ledger under every method that the country's law knows, in one pass,
/// and stores them side by side as JSON.
///
/// A second run makes the same bytes under the same key, and so does another comparison of the
/// same files: there is no clock in them.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TaxCompare)]
pub struct Compare {
    /// Whose rules hold; they say which methods there are.
    #[schema(value_type = String, example = "us")]
    pub country: Country,
    /// Tax years to compare, by their first calendar year; none means all.
    #[serde(default, deserialize_with = "super::years::read")]
    #[schema(example = json!([2025]), max_items = 50)]
    pub years: Vec<i32>,
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

impl Job for Compare {
    const KIND: Kind = Kind::new("tax.compare");
    const LANE: Lane = Lane::Cpu;
    // A worker of before refuses fields that it does not know, and the job would be dead.
    const SCHEMA: u16 = 2;
    const TIME_LIMIT: Duration = Duration::from_secs(900);
    // Each takes as many cores as its country has methods: half as many at once as reports.
    const GATE: Gate = Gate::Tenant { max: 2 };

    fn check(&self) -> Vec<FieldError> {
        inputs::check(self.given(), &self.years, self.country, self.request())
    }

    async fn run(self, ctx: &Ctx) -> Result<Done, Fault> {
        let loaded = inputs::load(ctx, self.given()).await?;
        ctx.stage("compute").await?;
        let computed = ctx.cpu(move |stop| self.compute(loaded, stop));
        let (artefact, summary) = computed.await??;
        let comparison = ("comparison", json!(ComparisonId::of_job(ctx.job)));
        artefacts::end(ctx, vec![artefact], summary, comparison).await
    }
}

impl Compare {
    /// What the engine is asked, whatever the method.
    pub fn request(&self) -> Request {
        Request {
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

    fn compute(&self, loaded: Loaded, stop: &Stop) -> Result<(Artefact, Value), Fault> {
        let mut request = self.request();
        let (ledgers, inputs) = loaded.open(&mut request)?;
        let asked: Vec<_> = self.years.iter().map(|year| TaxYear(*year)).collect();
        let compared = watched(stop, |watch| {
            let compared = packtrain_tax::compare_watched(&ledgers, self.country, &request, watch)?;
            let years = asked.iter().copied();
            compared
                .first()
                .map_or(Ok(()), |one| one.check_years(years))?;
            Ok(compared)
        })?;
        let settings = watched(stop, |_| jurisdiction::of(self.country).settings(&request))?;
        let document = ComparisonDocument {
            settings: &settings,
            compared: &compared,
            years: YearSelection::of(asked),
            inputs: &inputs,
        };
        let comparison = packtrain_report::comparison(&document);
        let json = packtrain_report::comparison_json(&comparison)
            .map_err(|error| Fault::fatal("tax.render", error))?;
        let years: Vec<_> = document.listed().into_iter().collect();
        let artefact = Artefact {
            name: named("comparison", &years, self.country, "json"),
            media_type: "application/json",
            bytes: json.into(),
        };
        Ok((artefact, self.summary(&comparison)))
    }

    /// What a page shows first: of each year and method the gain and what the law taxes of it.
    fn summary(&self, comparison: &Comparison<'_>) -> Value {
        let years = comparison.years.iter().map(|(year, methods)| {
            let methods = methods.iter().map(|one| {
                json!({
                    "method": one.method,
                    "is_default": one.is_default,
                    "net": one.totals.net,
                    "short": one.totals.short,
                    "long": one.totals.long,
                    "income": one.totals.income,
                    "taxable": one.taxable,
                })
            });
            (year.clone(), methods.collect())
        });
        json!({
            "country": self.country,
            "scope": comparison.scope,
            "currency": comparison.currency,
            "timezone": comparison.options.get("timezone"),
            "rule_set": comparison.rule_set,
            "years": years.collect::<BTreeMap<String, Value>>(),
            "inputs": comparison.files,
        })
    }
}
