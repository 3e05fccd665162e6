//! JSON bodies: limited in size and time, and refused with a pointer to the place that is wrong.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::HeaderMap;
use futures::StreamExt;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use packtrain_core::field;
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
        if !is_json(request.headers()) {
            let said = "Send the body as application/json.";
            return Err(Problem::said(&MEDIA_TYPE_UNKNOWN, said));
        }
        let bytes = timeout(BODY_TIME_MAX, collect(request.into_body()))
            .await
            .map_err(|_| Problem::of(&TOO_SLOW))??;
        decode(&bytes).map(Self)
    }
}

/// A decoded query.
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<Shared> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, Problem> {
        let Query(params) = Query::try_from_uri(&parts.uri)
            .map_err(|rejection| Problem::said(&QUERY_MALFORMED, rejection.body_text()))?;
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

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = field::decode(&mut reader).map_err(|error| match error {
        Ok(error) => Problem::invalid(vec![error]),
        Err(error) => Problem::said(&JSON_MALFORMED, error.to_string()),
    })?;
    reader
        .end()
        .map_err(|error| Problem::said(&JSON_MALFORMED, error.to_string()))?;
    Ok(value)
}
