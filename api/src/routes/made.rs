//! What jobs make for a person, reports, comparisons and back-tests alike: asked for once per key,
//! followed, taken as files.

use std::fmt::Display;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use futures::{StreamExt, TryStreamExt, stream};
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, ETAG, LOCATION, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use packtrain_core::field::FieldError;
use packtrain_core::ids::{FileId, JobId, TenantId};
use packtrain_core::job::{About, Job, State as JobState};
use packtrain_core::ports::{ArtefactRecord, Download, JobRecord, Requested};
use packtrain_core::secret::Secret;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::job::FailureView;
use super::jobs::check_size;
use super::{id, locate, wake};
use crate::auth::User;
use crate::idempotency::{Key, RequiredKey};
use crate::problem::{KEY_REUSED, Problem};
use crate::request::Asked;
use crate::serve::Closing;
use crate::stages::{ProgressView, StageView, told};
use crate::stream::{self as events_stream, Seen, Subject};
use crate::wait::Wait;
use crate::{Api, Shared, conditional, file_name, finished};

/// Files that are looked up at the same time.
const LOOKUPS: usize = 4;
/// After how many seconds a client may look at an unfinished thing again.
const RETRY_AFTER_S: u32 = 1;

/// The way of a thing from the request to its files.
#[derive(Serialize, ToSchema)]
#[schema(as = Course)]
pub(crate) struct CourseView {
    /// Where it is in its life.
    state: JobState,
    created_at: DateTime<Utc>,
    /// When the last attempt began.
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    /// Attempts that began.
    attempts: u16,
    /// How far the present stage is.
    progress: Option<ProgressView>,
    /// What was done so far, in order.
    stages: Vec<StageView>,
    /// Attempts that failed, oldest first.
    failures: Vec<FailureView>,
    /// What a page shows first of it, once it succeeded.
    #[schema(value_type = Option<Object>)]
    summary: Option<Value>,
    /// What can be downloaded, once it succeeded.
    artifacts: Vec<ArtifactView>,
    links: Links,
}

impl CourseView {
    /// Takes out what a page shows first: the thing shows it itself.
    pub(super) const fn take_summary(&mut self) -> Option<Value> {
        self.summary.take()
    }
}

/// A file that was made.
#[derive(Serialize, ToSchema)]
#[schema(as = Artifact)]
struct ArtifactView {
    #[schema(example = "tax-2025-us.pdf")]
    name: String,
    #[schema(example = "application/pdf")]
    media_type: String,
    size_bytes: u64,
    /// SHA-256 of its bytes; also its entity tag.
    sha256: String,
    /// Where its bytes are.
    href: String,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ArtifactParams {
    /// Whether the answer may be a redirect to the store of files, where there is one. `false`: the
    /// bytes come through the API.
    #[serde(default = "yes")]
    #[param(default = true)]
    redirect: bool,
}

const fn yes() -> bool {
    true
}

/// Where to go from here.
#[derive(Serialize, ToSchema)]
struct Links {
    #[serde(rename = "self")]
    own: String,
    /// Its progress as server-sent events.
    events: String,
}

/// A thing that a job makes of files, as its routes show it.
pub(super) trait Thing: Serialize {
    /// The job that makes it.
    type Job: Job;
    /// Its id, which shares its UUID with the job's.
    type Id: FromStr + Display;
    /// The route of all of its kind.
    const PATH: &'static str;

    /// The id of the thing that a job makes.
    fn of_job(job: JobId) -> Self::Id;

    /// The job that makes a thing.
    fn job(id: &Self::Id) -> JobId;

    /// What a page shows first of it, where that is the result of its job and there are no files.
    fn summary(_: &JobRecord) -> Option<Value> {
        None
    }

    /// The thing: what was asked for, and its way until now.
    fn new(id: Self::Id, request: Value, course: CourseView) -> Self;
}

/// Who asks, under which key, and how long they would wait.
pub(crate) struct Order {
    pub(super) user: User,
    key: Key,
    asked: Asked,
    wait: Wait,
    closing: Closing,
}

impl FromRequestParts<Shared> for Order {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Problem> {
        let user = User::from_request_parts(parts, shared).await?;
        let RequiredKey(key) = RequiredKey::from_request_parts(parts, shared).await?;
        let Ok(asked) = Asked::from_request_parts(parts, shared).await;
        let Ok(wait) = Wait::from_request_parts(parts, shared).await;
        let Ok(closing) = Closing::from_request_parts(parts, shared).await;
        Ok(Self {
            user,
            key,
            asked,
            wait,
            closing,
        })
    }
}

/// Enqueues a job that makes a thing of files, once per key, and waits as long as is preferred.
/// The answer is `200` where it ended in time, else `202` and when to look again.
pub(super) async fn request<T: Thing>(
    shared: &Shared,
    order: Order,
    wanted: &T::Job,
    uploads: &[(String, FileId)],
) -> Result<Response, Problem> {
    let (api, tenant) = (&shared.api, order.user.tenant);
    valid(wanted.check())?;
    check_uploads(api, tenant, uploads).await?;
    let payload =
        serde_json::to_value(wanted).map_err(|error| Problem::internal(error.to_string()))?;
    check_size(&payload, "")?;
    let keyed = order.key.of_user(&payload, api.clock.now());
    let mut job = About::of::<T::Job>().job(api.ids.job(), tenant, payload);
    let enqueueing = order.asked.enqueues(&mut job, &*api.clock);
    let made = match api.jobs.request(&job, &keyed).await? {
        Requested::Created(made) => {
            wake(shared, &job, enqueueing);
            made
        }
        Requested::Repeated(made) => made,
        Requested::Conflict => return Err(Problem::of(&KEY_REUSED)),
    };
    let wait = order.wait;
    let is_final = wait.for_end(shared, &order.closing, tenant, made).await?;
    let status = match is_final {
        true => StatusCode::OK,
        false => StatusCode::ACCEPTED,
    };
    let view: T = view(api, tenant, T::of_job(made)).await?;
    // A tag that the client knows is no reason to answer a request to make something by 304.
    let mut response = conditional::json(status, &view, &HeaderMap::new())?;
    locate(&mut response, &path::<T>(&T::of_job(made)));
    wait.tell(response.headers_mut());
    if !is_final {
        let headers = response.headers_mut();
        headers.insert(RETRY_AFTER, RETRY_AFTER_S.into());
    }
    Ok(response)
}

/// Shows a thing.
pub(super) async fn show<T: Thing>(
    shared: &Shared,
    user: User,
    text: &str,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let view: T = view(&shared.api, user.tenant, id(text)?).await?;
    conditional::json(StatusCode::OK, &view, headers)
}

/// Follows a thing.
pub(super) async fn events<T: Thing>(
    shared: Shared,
    user: User,
    closing: Closing,
    text: &str,
    Seen(seen): Seen,
) -> Result<Response, Problem> {
    let (tenant, job) = (user.tenant, T::job(&id(text)?));
    find::<T>(&shared.api, tenant, job).await?;
    let subject = Subject { tenant, job, seen };
    events_stream::open(shared, closing, subject).await
}

async fn view<T: Thing>(api: &Api, tenant: TenantId, id: T::Id) -> Result<T, Problem> {
    let job = find::<T>(api, tenant, T::job(&id)).await?;
    let summary = T::summary(&job);
    let (request, course) = course(api, job, path::<T>(&id), summary).await?;
    Ok(T::new(id, request, course))
}

/// Where a thing is.
fn path<T: Thing>(id: &T::Id) -> String {
    format!("{}/{id}", T::PATH)
}

/// The tenant's job that makes a thing of this kind.
async fn find<T: Thing>(api: &Api, tenant: TenantId, job: JobId) -> Result<JobRecord, Problem> {
    let found = api.jobs.find(tenant, job).await?;
    found
        .filter(|job| job.kind == T::Job::KIND.as_str())
        .ok_or_else(Problem::not_found)
}

/// What was asked for, and the way of the thing at `own` until now. A summary that the job itself
/// has is all there is of it.
async fn course(
    api: &Api,
    job: JobRecord,
    own: String,
    summary: Option<Value>,
) -> Result<(Value, CourseView), Problem> {
    let made = match job.state {
        JobState::Succeeded if summary.is_none() => finished::find(api, job.tenant, job.id).await?,
        _ => None,
    };
    let (told, summary, artefacts) = match made {
        Some(made) => (made.told, Some(made.summary), made.artefacts),
        None => {
            let events = finished::events(api, job.tenant, job.id).await?;
            (told(&events, job.state), summary, Vec::new())
        }
    };
    let artifact = |artefact| artifact_view(&own, artefact);
    let course = CourseView {
        state: job.state,
        created_at: job.created_at,
        started_at: job.started_at,
        finished_at: job.finished_at,
        attempts: job.attempts,
        progress: told.progress,
        stages: told.stages,
        failures: job.failures.into_iter().map(FailureView::from).collect(),
        summary,
        artifacts: artefacts.into_iter().map(artifact).collect(),
        links: Links {
            events: format!("{own}/events"),
            own,
        },
    };
    Ok((job.payload, course))
}

/// The bytes of a file that a job made, or where they are, unless the client has them.
pub(super) async fn artifact<T: Thing>(
    shared: &Shared,
    user: User,
    (text, name): (&str, &str),
    params: &ArtifactParams,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let (api, tenant) = (&shared.api, user.tenant);
    let found = finished::find(api, tenant, T::job(&id(text)?)).await?;
    let artefacts = found.map(|made| made.artefacts).unwrap_or_default();
    let artefact = artefacts.into_iter().find(|artefact| artefact.name == name);
    let artefact = artefact.ok_or_else(Problem::not_found)?;
    let tag = conditional::tag(&artefact.stored.sha256)?;
    if conditional::is_known(headers, &tag) {
        return Ok(conditional::not_modified(tag));
    }
    let media_type = HeaderValue::from_str(&artefact.media_type)
        .map_err(|error| Problem::internal(error.to_string()))?;
    let disposition = file_name::attachment(&artefact.name)
        .ok_or_else(|| Problem::internal("an artefact's name fits no header"))?;
    let key = &artefact.stored.key;
    if params.redirect {
        let download = Download {
            media_type: artefact.media_type,
            disposition: String::from_utf8_lossy(disposition.as_bytes()).into_owned(),
        };
        if let Some(link) = api.objects.link(key, &download).await? {
            return elsewhere(&link);
        }
    }
    let bytes = api.objects.get(key).await?;
    let headers = [
        (CONTENT_TYPE, media_type),
        (CONTENT_DISPOSITION, disposition),
        (CACHE_CONTROL, conditional::revalidate()),
        (ETAG, tag),
    ];
    Ok((headers, bytes).into_response())
}

/// Sends the client to where the bytes are. The address is as good as a key, and short-lived.
fn elsewhere(link: &Secret<String>) -> Result<Response, Problem> {
    let mut location = HeaderValue::from_str(link.reveal())
        .map_err(|_| Problem::internal("the store's link fits no header"))?;
    location.set_sensitive(true);
    let headers = [
        (LOCATION, location),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}

fn valid(errors: Vec<FieldError>) -> Result<(), Problem> {
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Problem::invalid(errors))
    }
}

/// Every file must be there. Whether it can be read is the job's own business: a repeated request
/// must be answered as the first one was, and a file's state may change in between.
async fn check_uploads(
    api: &Api,
    tenant: TenantId,
    uploads: &[(String, FileId)],
) -> Result<(), Problem> {
    let files: Vec<FileId> = uploads.iter().map(|(_, file)| *file).collect();
    let found: Vec<_> = stream::iter(files)
        .map(|file| api.files.find(tenant, file))
        .buffered(LOOKUPS)
        .try_collect()
        .await?;
    let missing = found
        .iter()
        .zip(uploads)
        .filter(|(found, _)| found.is_none());
    let errors: Vec<_> = missing
        .map(|(_, (place, file))| {
            FieldError::new(place, "file_missing", format!("{file} does not exist."))
        })
        .collect();
    valid(errors)
}

fn artifact_view(own: &str, artefact: ArtefactRecord) -> ArtifactView {
    ArtifactView {
        href: format!("{own}/artifacts/{}", artefact.name),
        name: artefact.name,
        media_type: artefact.media_type,
        size_bytes: artefact.stored.size_bytes,
        sha256: artefact.stored.sha256,
    }
}
