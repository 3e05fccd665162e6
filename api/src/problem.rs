//! Problems: the one place where an error meets a status code. Bodies follow RFC 9457.
//!
//! A [`Problem`] travels as an extension of an empty answer; [`render`] writes its body at the
//! outermost layer, where the request id is known, and logs there what no client may see.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use packtrain_core::fault::chain;
use packtrain_core::field::{FieldError, MISTAKES_MAX};
use packtrain_core::ids::RequestId;
use packtrain_core::ports::{ObjectError, StoreError};
use serde::Serialize;
use tracing::{error, warn};
use utoipa::ToSchema;

mod sorts;

pub(crate) use sorts::*;
pub use sorts::{SORTS, Sort};

/// The media type of every problem.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";
/// Where the descriptions of problems are served, each under its code.
const DOCS: &str = "/docs/problems/";
/// After how many seconds a client may try again when a part is away for a moment.
const RETRY_AFTER_S: u32 = 1;
/// After how many seconds an endpoint may be tried out again.
const TEST_AGAIN_S: u32 = 10;
/// After how many it may be sent another code.
const CODE_AGAIN_S: u32 = 60;

/// The body of a problem (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody<'a> {
    /// Where the problem is described, relative to this server.
    #[schema(example = "/docs/problems/validation")]
    r#type: String,
    /// The problem in a few words.
    title: &'a str,
    /// The status of the answer.
    status: u16,
    /// Stable word for programs.
    code: &'a str,
    /// What happened this time, and what to do.
    detail: &'a str,
    /// What is wrong where.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
    /// The request, as the log knows it.
    #[schema(value_type = packtrain_core::ids::RequestId)]
    request_id: String,
}

/// Why a request is refused.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    sort: &'static Sort,
    detail: Option<String>,
    errors: Vec<FieldError>,
    /// For the log alone.
    cause: Option<String>,
}

impl Problem {
    /// A problem that needs no more words.
    pub(crate) const fn of(sort: &'static Sort) -> Self {
        Self {
            sort,
            detail: None,
            errors: Vec::new(),
            cause: None,
        }
    }

    /// A problem with a sentence on what happened this time.
    pub(crate) fn said(sort: &'static Sort, detail: impl Into<String>) -> Self {
        Self {
            detail: Some(detail.into()),
            ..Self::of(sort)
        }
    }

    /// Places in the body that need a change; of many the first are named.
    pub(crate) fn invalid(mut errors: Vec<FieldError>) -> Self {
        let detail = match errors.len() {
            1 => "1 field needs a change.".to_owned(),
            count if count > MISTAKES_MAX => {
                format!("{count} fields need a change; here are the first {MISTAKES_MAX}.")
            }
            count => format!("{count} fields need a change."),
        };
        errors.truncate(MISTAKES_MAX);
        Self {
            errors,
            ..Self::said(&INVALID, detail)
        }
    }

    /// One place in the body that needs a change.
    pub(crate) fn field(
        pointer: impl Into<String>,
        code: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self::invalid(vec![FieldError::new(pointer, code, detail)])
    }

    /// Nothing is there, or nothing that this tenant may know of.
    pub(crate) const fn not_found() -> Self {
        Self::of(&NOT_FOUND)
    }

    /// A fault of ours; the cause goes to the log.
    pub(crate) fn internal(cause: impl Into<String>) -> Self {
        Self {
            cause: Some(cause.into()),
            ..Self::of(&INTERNAL)
        }
    }

    fn because(sort: &'static Sort, error: &dyn std::error::Error) -> Self {
        Self {
            cause: Some(chain(error)),
            ..Self::of(sort)
        }
    }

    /// What a refusal that did not come from here says: the first sort of its status.
    fn of_status(status: StatusCode) -> Self {
        let known = SORTS.iter().find(|sort| sort.status == status);
        Self::of(match known {
            Some(sort) => sort,
            None if status.is_client_error() => &REQUEST_MALFORMED,
            None => &INTERNAL,
        })
    }

    fn retry_after_s(&self) -> Option<u32> {
        match self.sort.status {
            StatusCode::SERVICE_UNAVAILABLE => Some(RETRY_AFTER_S),
            StatusCode::TOO_MANY_REQUESTS if self.sort == &CODE_SENT => Some(CODE_AGAIN_S),
            StatusCode::TOO_MANY_REQUESTS => Some(TEST_AGAIN_S),
            _ => None,
        }
    }

    fn challenge(&self) -> Option<&'static str> {
        match self.sort.code {
            "auth.required" => Some(r#"Bearer realm="packtrain""#),
            "auth.key_unknown" => Some(r#"Bearer realm="packtrain", error="invalid_token""#),
            "auth.scope_missing" => Some(r#"Bearer realm="packtrain", error="insufficient_scope""#),
            _ => None,
        }
    }

    fn log(&self, id: RequestId) {
        let cause = self.cause.as_deref().unwrap_or("not said");
        if self.sort.status == StatusCode::INTERNAL_SERVER_ERROR {
            error!(request.id = %id, problem.code = self.sort.code, cause, "request failed");
        } else if self.cause.is_some() {
            warn!(request.id = %id, problem.code = self.sort.code, cause, "request refused");
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.sort.status.into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after_s() {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if let Some(challenge) = self.challenge() {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Unavailable(_) => Self::because(&UNAVAILABLE, &error),
            StoreError::Refused { .. }
            | StoreError::Missing { .. }
            | StoreError::Sealed { .. }
            | StoreError::Unreadable { .. } => Self::because(&INTERNAL, &error),
        }
    }
}

impl From<ObjectError> for Problem {
    fn from(error: ObjectError) -> Self {
        match &error {
            ObjectError::TooLarge { bytes_max } => too_large(*bytes_max),
            ObjectError::BrokenOff(source) if source.kind() == std::io::ErrorKind::TimedOut => {
                Self::of(&TOO_SLOW)
            }
            ObjectError::BrokenOff(_) => Self::of(&UPLOAD_BROKEN_OFF),
            ObjectError::NoSpace(_) => Self::because(&UNAVAILABLE, &error),
            error if error.is_away() => Self::because(&UNAVAILABLE, error),
            ObjectError::Missing { .. }
            | ObjectError::Write(_)
            | ObjectError::Read { .. }
            | ObjectError::Damaged { .. } => Self::because(&INTERNAL, &error),
        }
    }
}

/// The refusal of a body beyond its limit.
pub(crate) fn too_large(bytes_max: u64) -> Problem {
    Problem::said(&TOO_LARGE, format!("At most {bytes_max} bytes are taken."))
}

/// Gives a refusal its body: that of its problem, or one made from the bare status.
pub(crate) fn render(mut response: Response, id: RequestId) -> Response {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let problem = response.extensions_mut().remove::<Problem>();
    let problem = problem.unwrap_or_else(|| Problem::of_status(status));
    problem.log(id);
    let body = Json(ProblemBody {
        r#type: format!("{DOCS}{}", problem.sort.code),
        title: problem.sort.title,
        status: status.as_u16(),
        code: problem.sort.code,
        detail: problem.detail.as_deref().unwrap_or(problem.sort.advice),
        errors: &problem.errors,
        request_id: id.to_string(),
    });
    let (mut head, _) = response.into_parts();
    let (made, body) = body.into_response().into_parts();
    head.headers.extend(made.headers);
    head.headers
        .insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    head.headers.remove(http::header::CONTENT_LENGTH);
    Response::from_parts(head, body)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_sort_of_problem_has_a_code_of_its_own_and_the_status_of_a_refusal() {
        let codes: HashSet<_> = SORTS.iter().map(|sort| sort.code).collect();
        assert_eq!(codes.len(), SORTS.len());
        assert!(SORTS.iter().all(|sort| sort.status.as_u16() >= 400));
    }

    #[test]
    fn an_unreachable_database_is_worth_another_try_and_a_refusal_of_it_is_not() {
        let away = StoreError::Unavailable("no route to 10.0.0.7".into());
        let response = Problem::from(away).into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[RETRY_AFTER], "1");
        // An answer of the database that is lost may be that of a commit.
        assert!(UNAVAILABLE.advice.contains("may have been done"));
        let missing = StoreError::Missing {
            what: "file".into(),
        };
        let response = Problem::from(missing).into_response();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!response.headers().contains_key(RETRY_AFTER));
    }
}
