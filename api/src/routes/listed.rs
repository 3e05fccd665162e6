//! Lists of what jobs make for a person, reports and comparisons alike: newest first, in pages.

use axum::response::Response;
use chrono::{DateTime, Utc};
use http::HeaderMap;
use packtrain_core::job::{Job, State as JobState};
use packtrain_core::ports::OwnJobs;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::made::Thing;
use crate::Shared;
use crate::auth::User;
use crate::page::{self, PageParams};
use crate::problem::Problem;

/// What a list shows of what was asked for.
const WORDS: &[&str] = &["country", "years"];

/// A page of reports or comparisons.
#[derive(Serialize, ToSchema)]
pub(crate) struct MadePage {
    /// Newest first.
    items: Vec<MadeSummary>,
    /// The cursor of the next page; absent on the last.
    next: Option<String>,
}

/// A report or a comparison in a list; what came of it is where `href` leads.
#[derive(Serialize, ToSchema)]
struct MadeSummary {
    #[schema(example = "rep_01980000000070008000000000000001")]
    id: String,
    /// Where it is in its life.
    state: JobState,
    /// Whose rules hold.
    #[schema(value_type = String, example = "us")]
    country: Value,
    /// The tax years that were asked for; none means all.
    #[schema(value_type = Vec<i32>, example = json!([2025]))]
    years: Value,
    created_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
    /// Where it is.
    href: String,
}

/// A page of the tenant's things of one kind.
pub(super) async fn list<T: Thing>(
    shared: &Shared,
    user: User,
    params: &PageParams,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let limit = params.limit()?;
    let before: Option<T::Id> = params.place(T::PATH)?;
    let wanted = OwnJobs {
        kind: T::Job::KIND.as_str(),
        before: before.map(|id| T::job(&id)),
        words: WORDS,
        limit: limit + 1,
    };
    let mut found = shared.api.jobs.list(user.tenant, wanted).await?;
    let next = page::cut(T::PATH, &mut found, limit, |job| T::of_job(job.id));
    let items = found.into_iter().map(|mut job| {
        let id = T::of_job(job.id).to_string();
        let mut said = |word: &str| job.asked.get_mut(word).map(Value::take);
        MadeSummary {
            country: said("country").unwrap_or_default(),
            years: said("years").unwrap_or_else(|| Value::Array(Vec::new())),
            href: format!("{}/{id}", T::PATH),
            id,
            state: job.state,
            created_at: job.created_at,
            finished_at: job.finished_at,
        }
    });
    let items = items.collect();
    let page = MadePage { items, next };
    page::answer(T::PATH, &page, limit, page.next.as_deref(), headers)
}
