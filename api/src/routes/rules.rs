//! Alert rules: what is watched, and who is told.

use axum::extract::{FromRequest, Path, Request, State};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode};
use packtrain_core::field::FieldError;
use packtrain_core::ids::{EndpointId, RuleId, TenantId};
use packtrain_core::ports::{NewRule, OwnWords, RuleError, RuleRecord};
use packtrain_jobs::alerts::rules::{self, Phase, Rule};
use packtrain_jobs::ops::observe;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{id, locate};
use crate::auth::User;
use crate::body::{self, Params};
use crate::idempotency::{OptionalKey, keyed};
use crate::page::{self, PageParams};
use crate::problem::{KEY_REUSED, LIMIT_REACHED, Problem, SCOPE_MISSING, STALE};
use crate::{Shared, conditional};

/// Where rules are.
const PATH: &str = "/v2/premium/alerts/rules";
/// How often a rule is put in place of one that is evaluated meanwhile.
const REPLACE_TRIES: usize = 5;
/// The name of the list in cursors.
const LIST: &str = "rules";

/// A rule that is to be watched, and who is told.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleRequest {
    /// What to watch, and when to tell.
    rule: Rule,
    /// Who is told: at most 10 endpoints; without any, incidents are only written down.
    #[serde(default)]
    endpoints: Vec<EndpointId>,
    /// In which words; without any in ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    words: Option<OwnWords>,
}

/// A rule, and how it stands.
#[derive(Serialize, ToSchema)]
#[schema(as = StoredRule)]
pub(crate) struct RuleView {
    id: RuleId,
    #[schema(value_type = Rule)]
    rule: serde_json::Value,
    endpoints: Vec<EndpointId>,
    /// In which words they are; absent where in ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    words: Option<OwnWords>,
    /// `inactive`, `pending` or `firing`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "inactive")]
    phase: Option<Phase>,
    /// Since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<DateTime<Utc>>,
    /// How often it fired.
    firings: u32,
    /// Whether it is done for good.
    ended: bool,
    /// What it watches of which nothing was observed since it was made or changed: it waits for
    /// that, for ever if there is no such coin, protocol or address. Empty when all was observed.
    #[schema(max_items = 20, example = json!(["tvl:nowhere"]))]
    waits_for: Vec<String>,
    /// Until when nothing is told of it; absent when it is not snoozed.
    #[serde(skip_serializing_if = "Option::is_none")]
    snoozed_until: Option<DateTime<Utc>>,
    /// Why it cannot be evaluated; absent when it can.
    #[serde(skip_serializing_if = "Option::is_none")]
    broken: Option<BrokenView>,
    /// Rises with every change.
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// A rule that cannot be evaluated: it stands as it stood, and is tried again every minute.
#[derive(Serialize, ToSchema)]
#[schema(as = BrokenRule)]
struct BrokenView {
    /// Why not, in words.
    why: String,
    /// Since when.
    since: DateTime<Utc>,
}

/// A page of rules.
#[derive(Serialize, ToSchema)]
pub(crate) struct RulePage {
    items: Vec<RuleView>,
    /// Cursor of the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A rule as its owner sees it at a moment.
pub(super) fn shown(record: RuleRecord, now: DateTime<Utc>) -> RuleView {
    let stands = rules::stands(&record);
    RuleView {
        id: record.id,
        rule: record.rule,
        endpoints: record.endpoints,
        words: record.words,
        phase: stands.as_ref().map(|stands| stands.phase),
        since: stands.as_ref().map(|stands| stands.since),
        firings: stands.as_ref().map_or(0, |stands| stands.firings),
        ended: stands.as_ref().is_some_and(|stands| stands.is_ended),
        waits_for: stands.map_or_else(Vec::new, |stands| stands.waits_for),
        snoozed_until: record.snoozed_until.filter(|until| *until > now),
        broken: record.broken.map(|(why, since)| BrokenView { why, since }),
        version: record.version,
        created_at: record.created_at,
        updated_at: record.updated_at,
    }
}

/// Makes a rule. It is evaluated at once with what its metrics are now. A request that is repeated
/// under its key gets the rule that it made.
#[utoipa::path(
    post, path = "/v2/premium/alerts/rules", tag = "alerts", operation_id = "createRule",
    params(("idempotency-key" = Option<String>, Header, description = "Names this request: a \
        repetition makes nothing twice. Kept for 24 hours.", max_length = 255)),
    request_body = RuleRequest,
    responses((status = 201, description = "The rule is watched.", body = RuleView,
        headers(("Location" = String, description = "Where the rule is.")))),
)]
pub(crate) async fn create(
    State(shared): State<Shared>,
    user: User,
    OptionalKey(key): OptionalKey,
    wanted: RuleBody,
) -> Result<Response, Problem> {
    let api = &shared.api;
    let keyed = keyed(key, &wanted.0, api.clock.now())?;
    operable(&user, &wanted.0.rule)?;
    let new = stored(&shared, RuleId::from_uuid(api.ids.uuid()), &wanted, None)?;
    let rule = api
        .alerts
        .rules
        .create(user.tenant, &new, keyed.as_ref())
        .await?;
    let record = find(&shared, user.tenant, rule).await?;
    let version = i64::from(record.version);
    let mut answer = conditional::versioned(&shown(record, api.clock.now()), version)?;
    *answer.status_mut() = StatusCode::CREATED;
    locate(&mut answer, &format!("{PATH}/{rule}"));
    Ok(answer)
}

/// Lists rules, newest first.
#[utoipa::path(
    get, path = "/v2/premium/alerts/rules", tag = "alerts", operation_id = "listRules",
    params(PageParams),
    responses((status = 200, description = "A page of rules.", body = RulePage,
        headers(("Link" = String, description = "The next page, if there is one.")))),
)]
pub(crate) async fn list(
    State(shared): State<Shared>,
    user: User,
    Params(params): Params<PageParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let limit = params.limit()?;
    let before = params.place::<RuleId>(LIST)?;
    let rules = &shared.api.alerts.rules;
    let mut found = rules.list(user.tenant, before, limit + 1).await?;
    let next = page::cut(LIST, &mut found, limit, |record| record.id);
    let now = shared.api.clock.now();
    let items = found.into_iter().map(|record| shown(record, now));
    let items = items.collect();
    let page = RulePage { items, next };
    page::answer(PATH, &page, limit, page.next.as_deref(), &headers)
}

/// Shows a rule, and how it stands.
#[utoipa::path(
    get, path = "/v2/premium/alerts/rules/{id}", tag = "alerts", operation_id = "showRule",
    params(("id" = RuleId, Path)),
    responses((status = 200, description = "The rule.", body = RuleView,
        headers(("ETag" = String, description = "The rule's version.")))),
)]
pub(crate) async fn show(
    State(shared): State<Shared>,
    user: User,
    Path(text): Path<String>,
) -> Result<Response, Problem> {
    let record = find(&shared, user.tenant, id(&text)?).await?;
    let version = i64::from(record.version);
    conditional::versioned(&shown(record, shared.api.clock.now()), version)
}

/// Puts a changed rule in the place of what it was. It is evaluated anew; what it told today, and
/// its cooldown, go on.
#[utoipa::path(
    put, path = "/v2/premium/alerts/rules/{id}", tag = "alerts", operation_id = "replaceRule",
    params(
        ("id" = RuleId, Path),
        ("if-match" = Option<String>, Header, description = "The version that is replaced."),
    ),
    request_body = RuleRequest,
    responses((status = 200, description = "The rule as it is now.", body = RuleView,
        headers(("ETag" = String, description = "The rule's version.")))),
)]
pub(crate) async fn replace(
    State(shared): State<Shared>,
    user: User,
    Path(text): Path<String>,
    headers: HeaderMap,
    wanted: RuleBody,
) -> Result<Response, Problem> {
    let rule = id::<RuleId>(&text)?;
    let expected = conditional::version(&headers)?;
    operable(&user, &wanted.0.rule)?;
    let rules = &shared.api.alerts.rules;
    let mut tries = 0;
    loop {
        let known = find(&shared, user.tenant, rule).await?;
        if expected.is_some_and(|version| version != i64::from(known.version)) {
            return Err(Problem::of(&STALE));
        }
        let new = stored(&shared, rule, &wanted, Some(&known))?;
        tries += 1;
        match rules.replace(user.tenant, &known, &new).await {
            // It was evaluated between the two: what it knows goes on from there.
            Err(RuleError::Moved) if tries < REPLACE_TRIES => {}
            done => break done?,
        }
    }
    let record = find(&shared, user.tenant, rule).await?;
    let version = i64::from(record.version);
    conditional::versioned(&shown(record, shared.api.clock.now()), version)
}

/// Takes a rule away. What came of it stays.
#[utoipa::path(
    delete, path = "/v2/premium/alerts/rules/{id}", tag = "alerts", operation_id = "removeRule",
    params(
        ("id" = RuleId, Path),
        ("if-match" = Option<String>, Header, description = "The version that is taken away."),
    ),
    responses((status = 204, description = "The rule is gone.")),
)]
pub(crate) async fn remove(
    State(shared): State<Shared>,
    user: User,
    Path(text): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let rules = &shared.api.alerts.rules;
    let expected = conditional::version(&headers)?;
    match rules.remove(user.tenant, id(&text)?, expected).await? {
        true => Ok(StatusCode::NO_CONTENT.into_response()),
        false => Err(Problem::not_found()),
    }
}

/// The body of a request for a rule, with which nothing is wrong that can be seen in it.
pub(crate) struct RuleBody(RuleRequest);

impl FromRequest<Shared> for RuleBody {
    type Rejection = Problem;

    async fn from_request(request: Request, shared: &Shared) -> Result<Self, Problem> {
        let check = |wanted: &RuleRequest| wanted.check(shared);
        let wanted = body::read(request, check).await?;
        match check(&wanted) {
            errors if errors.is_empty() => Ok(Self(wanted)),
            errors => Err(Problem::invalid(errors)),
        }
    }
}

impl RuleRequest {
    /// What is wrong with it, each with its place.
    fn check(&self, shared: &Shared) -> Vec<FieldError> {
        let mut errors = rules::check(&self.rule);
        errors.extend(rules::unknown_owners(&self.rule, &shared.api.alerts.owners));
        let operated = rules::operated(&self.rule).into_iter();
        let unknown = operated.filter(|(_, metric)| !observe::is_known(metric));
        errors.extend(unknown.map(|(place, metric)| {
            let said = format!("{metric} is no figure; {}", observe::FIGURES);
            FieldError::new(place, "unknown_figure", said)
        }));
        errors.extend(rules::check_endpoints(&self.endpoints));
        let words = self.words.as_ref();
        errors.extend(words.and_then(|own| unwritable(shared, own)));
        errors
    }
}

fn stored(
    shared: &Shared,
    id: RuleId,
    RuleBody(wanted): &RuleBody,
    before: Option<&RuleRecord>,
) -> Result<NewRule, Problem> {
    let now = shared.api.clock.now();
    let endpoints = wanted.endpoints.clone();
    let stored = rules::stored(id, &wanted.rule, endpoints, before, now);
    Ok(NewRule {
        words: wanted.words.clone().and_then(OwnWords::said),
        ..stored.map_err(Problem::invalid)?
    })
}

/// What is wrong with somebody's own words, and where in which part.
fn unwritable(shared: &Shared, own: &OwnWords) -> Option<FieldError> {
    let wrong = shared.api.alerts.editor.check(own).err()?;
    let place = format!("/words/{}", wrong.part.as_str());
    Some(FieldError::new(place, "template", sentence(&wrong)))
}

/// Refuses a rule on jobs or on the platform whose maker may not read their figures, which are of
/// all tenants together.
pub(super) fn operable(user: &User, rule: &Rule) -> Result<(), Problem> {
    if rules::operated(rule).is_empty() || user.views_platform {
        return Ok(());
    }
    let said = "Rules on jobs and on the platform need a key that has the scope `viewer` or \
                `operator` beside `user`.";
    Err(Problem::said(&SCOPE_MISSING, said))
}

pub(super) async fn find(
    shared: &Shared,
    tenant: TenantId,
    id: RuleId,
) -> Result<RuleRecord, Problem> {
    let found = shared.api.alerts.rules.find(tenant, id).await?;
    found.ok_or_else(Problem::not_found)
}

impl From<RuleError> for Problem {
    fn from(error: RuleError) -> Self {
        match error {
            RuleError::Store(error) => error.into(),
            RuleError::KeyReused => Self::of(&KEY_REUSED),
            RuleError::Missing => Self::not_found(),
            RuleError::Changed(_) | RuleError::Moved => Self::of(&STALE),
            RuleError::Many(_) | RuleError::Windows(..) => {
                Self::said(&LIMIT_REACHED, sentence(&error))
            }
            RuleError::Endpoint(place, _) => {
                let place = format!("/endpoints/{place}");
                Self::field(place, "unknown_endpoint", sentence(&error))
            }
        }
    }
}

/// An error as a sentence.
pub(super) fn sentence(error: &dyn std::error::Error) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), letters.as_str()),
        None => text,
    }
}
