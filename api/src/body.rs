//! JSON bodies: limited in size and time, and refused with a pointer to the place that is wrong.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::HeaderMap;
use futures::StreamExt;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use packtrain_core::field::{self, FieldError, Unread};
use packtrain_core::job::Job;
use packtrain_core::limits::BODY_BYTES_MAX;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::Shared;
use crate::problem::{
    JSON_MALFORMED, MEDIA_TYPE_UNKNOWN, Problem, QUERY_MALFORMED, TOO_SLOW, UPLOAD_BROKEN_OFF,
    too_large,
};

/// How long a JSON body may take to arrive.
const BODY_TIME_MAX: Duration = Duration::from_secs(10);

/// A decoded JSON body.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Shared> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Shared) -> Result<Self, Problem> {
        read(request, |_| Vec::new()).await.map(Self)
    }
}

/// Reads a JSON body; of one that is not what it should be, `check` looks at the rest, so that all
/// that is wrong is told at once.
pub(crate) async fn read<T: DeserializeOwned>(
    request: Request,
    check: impl FnOnce(&T) -> Vec<FieldError>,
) -> Result<T, Problem> {
    if !is_json(request.headers()) {
        let said = "Send the body as application/json.";
        return Err(Problem::said(&MEDIA_TYPE_UNKNOWN, said));
    }
    let bytes = timeout(BODY_TIME_MAX, collect(request.into_body()))
        .await
        .map_err(|_| Problem::of(&TOO_SLOW))??;
    field::read_text(&bytes).map_err(|unread| match unread {
        Unread::NotJson(said) => Problem::said(&JSON_MALFORMED, said),
        Unread::Misread(misread) => Problem::invalid(misread.and(check)),
    })
}

/// A decoded payload of a job, of which all that is wrong is told at once.
pub(crate) struct JobBody<J>(pub(crate) J);

impl<J: Job> FromRequest<Shared> for JobBody<J> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Shared) -> Result<Self, Problem> {
        read(request, J::check).await.map(Self)
    }
}

/// A decoded query.
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<Shared> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, Problem> {
        let read = Query::<T>::try_from_uri(&parts.uri);
        let Query(params) = read.map_err(|rejection| {
            let pairs = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
            let pairs = pairs.map_or_else(|_| Vec::new(), |Query(pairs)| pairs);
            misread(field::misread_pairs::<T>(pairs, &rejection).errors())
        })?;
        Ok(Self(params))
    }
}

/// The essence of the body's media type, in lower case.
pub(crate) fn media_type(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let essence = text.split(';').next().unwrap_or_default();
    Some(essence.trim().to_ascii_lowercase())
}

fn is_json(headers: &HeaderMap) -> bool {
    media_type(headers).is_some_and(|essence| essence == "application/json")
}

async fn collect(body: Body) -> Result<Vec<u8>, Problem> {
    let (mut chunks, mut bytes) = (body.into_data_stream(), Vec::new());
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| Problem::of(&UPLOAD_BROKEN_OFF))?;
        if bytes.len() + chunk.len() > BODY_BYTES_MAX {
            return Err(too_large(BODY_BYTES_MAX as u64));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// What is wrong with a query, each parameter by its name.
fn misread(errors: Vec<FieldError>) -> Problem {
    let said = errors.into_iter().map(|error| {
        let name = error.pointer.trim_start_matches('/');
        format!("{name}: {}", error.detail)
    });
    Problem::said(&QUERY_MALFORMED, said.collect::<Vec<_>>().join(" "))
}
