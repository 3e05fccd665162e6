//! Incidents: what happened to rules, who was told, and every try to tell them.

use axum::extract::{Path, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode};
use packtrain_core::ids::{EndpointId, IncidentId, JobId, RuleId};
use packtrain_core::ports::{IncidentRecord, Step, Try};
use serde::Serialize;
use utoipa::ToSchema;

use super::id;
use crate::auth::User;
use crate::body::Params;
use crate::page::{self, PageParams};
use crate::problem::Problem;
use crate::{Shared, conditional};

/// Where incidents are.
pub const PATH: &str = "/v2/premium/alerts/incidents";
/// The name of the list in cursors.
const LIST: &str = "incidents";

/// From the firing of a rule to its end.
#[derive(Serialize, ToSchema)]
#[schema(as = Incident)]
pub(crate) struct IncidentView {
    id: IncidentId,
    rule: RuleId,
    /// What the rule was called then.
    name: String,
    /// `info`, `warning` or `critical`.
    severity: String,
    opened_at: DateTime<Utc>,
    /// Absent while the rule fires.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<DateTime<Utc>>,
}

/// A page of incidents.
#[derive(Serialize, ToSchema)]
pub(crate) struct IncidentPage {
    items: Vec<IncidentView>,
    /// Cursor of the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// An incident with all that belongs to it.
#[derive(Serialize, ToSchema)]
pub(crate) struct IncidentStory {
    #[serde(flatten)]
    incident: IncidentView,
    /// What happened, in order.
    steps: Vec<StepView>,
    /// Every try to tell somebody, in order of what was told.
    tries: Vec<TryView>,
}

/// Something that happened to a rule.
#[derive(Serialize, ToSchema)]
#[schema(as = IncidentStep)]
struct StepView {
    /// Its place among everything that happened to the rule.
    seq: u32,
    /// `fired`, `told`, `held`, `resolved` or `ended`.
    what: String,
    at: DateTime<Utc>,
    /// Values before and after, and why.
    facts: serde_json::Value,
}

/// One try to hand a message over.
#[derive(Serialize, ToSchema)]
#[schema(as = DeliveryTry)]
struct TryView {
    /// The step that is told.
    seq: u32,
    endpoint: EndpointId,
    /// The job that delivers; operators run a dead one again under this id.
    job: JobId,
    /// Which try of this job, from 1.
    number: u16,
    at: DateTime<Utc>,
    latency_ms: u32,
    /// `delivered`, `temporary`, `permanent` or `gone`; `untold` where nothing was sent, and why is
    /// the cause.
    result: String,
    #[serde(flatten)]
    answered: Answered,
    /// Why the rule's own words could not be said of it, so that the message was in ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "text, line 1, column 40: undefined value")]
    words_failed: Option<String>,
}

/// What the other side answered to a try, or why it could not.
#[derive(Default, Serialize, ToSchema)]
#[schema(as = DeliveryAnswer)]
pub(super) struct Answered {
    /// Status of HTTP, or reply code of SMTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// Why it did not deliver, in one word.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
    /// The beginning of what the other side said.
    #[serde(skip_serializing_if = "Option::is_none")]
    excerpt: Option<String>,
}

impl Answered {
    /// What became of this try.
    pub(super) fn of(tried: &mut Try) -> Self {
        Self {
            status: tried.status,
            cause: tried.cause.take(),
            excerpt: tried.excerpt.take(),
        }
    }
}

fn shown(record: IncidentRecord) -> IncidentView {
    IncidentView {
        id: record.id,
        rule: record.rule,
        name: record.name,
        severity: record.severity,
        opened_at: record.opened_at,
        ended_at: record.ended_at,
    }
}

fn step(step: Step) -> StepView {
    StepView {
        seq: step.seq,
        what: step.what,
        at: step.at,
        facts: step.facts,
    }
}

fn tried(mut tried: Try) -> TryView {
    TryView {
        answered: Answered::of(&mut tried),
        seq: tried.step.map_or(0, |(_, seq)| seq),
        endpoint: tried.endpoint,
        job: tried.job,
        number: tried.number,
        at: tried.at,
        latency_ms: tried.latency_ms,
        result: tried.result,
        words_failed: tried.words_failed,
    }
}

/// Lists incidents of all rules, newest first.
#[utoipa::path(
    get, path = "/v2/premium/alerts/incidents", tag = "alerts", operation_id = "listIncidents",
    params(PageParams),
    responses((status = 200, description = "A page of incidents.", body = IncidentPage,
        headers(("Link" = String, description = "The next page, if there is one.")))),
)]
pub(crate) async fn list(
    State(shared): State<Shared>,
    user: User,
    Params(params): Params<PageParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let limit = params.limit()?;
    let before = params.place::<IncidentId>(LIST)?;
    let rules = &shared.api.alerts.rules;
    let mut found = rules.incidents(user.tenant, before, limit + 1).await?;
    let next = page::cut(LIST, &mut found, limit, |record| record.id);
    let items = found.into_iter().map(shown).collect();
    let page = IncidentPage { items, next };
    page::answer(PATH, &page, limit, page.next.as_deref(), &headers)
}

/// Shows an incident: what happened, who was told, and every try to tell them.
#[utoipa::path(
    get, path = "/v2/premium/alerts/incidents/{id}", tag = "alerts",
    operation_id = "showIncident",
    params(("id" = IncidentId, Path)),
    responses((status = 200, description = "The incident.", body = IncidentStory)),
)]
pub(crate) async fn show(
    State(shared): State<Shared>,
    user: User,
    Path(text): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let incident = id::<IncidentId>(&text)?;
    let alerts = &shared.api.alerts;
    let found = alerts.rules.incident(user.tenant, incident).await?;
    let (record, steps) = found.ok_or_else(Problem::not_found)?;
    let tries = alerts.endpoints.tries(user.tenant, incident).await?;
    let story = IncidentStory {
        incident: shown(record),
        steps: steps.into_iter().map(step).collect(),
        tries: tries.into_iter().map(tried).collect(),
    };
    conditional::json(StatusCode::OK, &story, &headers)
}
