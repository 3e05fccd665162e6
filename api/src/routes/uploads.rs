//! Files that their clients send to the store itself, past the API.
//!
//! Between the two requests nothing is kept but how much is promised: the place of the bytes is
//! their hash, and the id of the file is derived from the request, which comes once more at the
//! end.

use axum::extract::{Path, State};
use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use http::header::CACHE_CONTROL;
use http::{HeaderMap, HeaderValue, StatusCode};
use packtrain_core::field::FieldError;
use packtrain_core::ids::{FileId, TenantId};
use packtrain_core::limits::{
    FILE_BYTES_MAX, PROMISED_BYTES_MAX, PROMISED_KEPT, PROMISES_OPEN_MAX,
};
use packtrain_core::ports::{NewFile, ObjectKey, Promise, Promised};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::files::{FileView, Hold, keep};
use super::id;
use crate::auth::User;
use crate::body::JsonBody;
use crate::problem::{Problem, UPLOAD_ELSEWHERE, UPLOAD_MISSING, UPLOADS_OPEN};
use crate::request::Asked;
use crate::serve::Closing;
use crate::upload::AboutFile;
use crate::wait::Wait;
use crate::{Shared, conditional, file_name};

/// Digits of a SHA-256.
const SHA256_DIGITS: usize = 64;

/// A file that is to come, and what is said of it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DirectUpload)]
pub(crate) struct UploadRequest {
    /// SHA-256 of its bytes, in small hexadecimal digits.
    #[schema(min_length = 64, max_length = 64, pattern = "^[0-9a-f]{64}$")]
    sha256: String,
    /// How many bytes it has, 64 MiB at most.
    #[schema(minimum = 1, maximum = 67_108_864)]
    size_bytes: u64,
    /// Its name, and how it is to be read.
    #[serde(default)]
    about: AboutFile,
}

/// Where and how to send a file.
#[derive(Serialize, ToSchema)]
#[schema(as = UploadPlace)]
pub(crate) struct UploadView {
    /// The file, once it is there.
    id: FileId,
    /// The method of the request that sends the bytes.
    #[schema(value_type = String, example = "PUT")]
    method: &'static str,
    /// Its address, which asks for no key: send none there.
    url: String,
    /// Headers that it must have.
    headers: Vec<HeaderView>,
    /// Until when it must have begun.
    expires_at: DateTime<Utc>,
}

/// A header.
#[derive(Serialize, ToSchema)]
#[schema(as = UploadHeader)]
struct HeaderView {
    #[schema(example = "x-amz-checksum-sha256")]
    name: String,
    value: String,
}

/// Says where and how to send a file to the store itself. Once it is there, complete the upload
/// with the same body. An answer of 412 of the store says that it has these bytes already.
#[utoipa::path(
    post, path = "/v2/premium/uploads", tag = "files", operation_id = "beginUpload",
    request_body = UploadRequest,
    responses(
        (status = 201, description = "Where to send it.", body = UploadView),
        (status = 409, description = "Too many files are promised and not completed."),
        (status = 501, description = "Files come through `POST /v2/premium/files` here."),
    ),
)]
pub(crate) async fn begin(
    State(shared): State<Shared>,
    user: User,
    JsonBody(wanted): JsonBody<UploadRequest>,
) -> Result<Response, Problem> {
    let api = &shared.api;
    let file = wanted.file(user.tenant)?;
    let entrance = api.objects.entrance(&promised(user.tenant, &file)).await?;
    let entrance = entrance.ok_or_else(not_direct)?;
    let lasts = TimeDelta::from_std(entrance.lasts).unwrap_or_default();
    let kept = TimeDelta::from_std(PROMISED_KEPT).unwrap_or_default();
    let promise = Promise {
        file: file.id,
        size_bytes: file.size_bytes,
        until: api.clock.now() + lasts + kept,
    };
    if !api.files.promise(user.tenant, &promise).await? {
        return Err(too_many_open());
    }
    let header = |(name, value)| HeaderView { name, value };
    let view = UploadView {
        id: file.id,
        method: "PUT",
        url: entrance.url.reveal().clone(),
        headers: entrance.headers.into_iter().map(header).collect(),
        expires_at: api.clock.now() + lasts,
    };
    let mut response = conditional::json(StatusCode::CREATED, &view, &HeaderMap::new())?;
    let secret = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, secret);
    Ok(response)
}

/// Makes a file of what was sent to the store, and has it read. Doing it twice makes it once.
#[utoipa::path(
    post, path = "/v2/premium/uploads/{id}/complete", tag = "files",
    operation_id = "completeUpload",
    params(
        ("id" = FileId, Path),
        ("prefer" = Option<String>, Header, description = "`wait=N`: wait up to N seconds, at most \
            30, until the file was read.", example = "wait=10"),
    ),
    request_body(content = UploadRequest, description = "The body that the upload began with."),
    responses((status = 201, description = "The file is there and will be read.", body = FileView,
        headers(("Location" = String, description = "Where the file is."))),
    ),
)]
pub(crate) async fn complete(
    State(shared): State<Shared>,
    user: User,
    asked: Asked,
    wait: Wait,
    closing: Closing,
    Path(text): Path<String>,
    JsonBody(wanted): JsonBody<UploadRequest>,
) -> Result<Response, Problem> {
    let file = wanted.file(user.tenant)?;
    let named: FileId = id(&text)?;
    if file.id != named {
        let said = "This is not the body that the upload began with.";
        return Err(Problem::field("", "upload_differs", said));
    }
    let promised = promised(user.tenant, &file);
    let arrived = shared.api.objects.arrived(&promised).await?;
    if arrived.is_none() {
        return Err(Problem::of(&UPLOAD_MISSING));
    }
    let hold = Hold {
        asked,
        wait,
        closing,
    };
    keep(&shared, user.tenant, &file, hold, &HeaderMap::new()).await
}

fn too_many_open() -> Problem {
    let said = format!(
        "At most {PROMISES_OPEN_MAX} files of {PROMISED_BYTES_MAX} bytes together may be promised \
         and not completed. Complete them, or wait until those that never came are forgotten, \
         within days; POST /v2/premium/files has no such limit.",
    );
    Problem::said(&UPLOADS_OPEN, said)
}

fn not_direct() -> Problem {
    Problem::said(
        &UPLOAD_ELSEWHERE,
        "Send the file to POST /v2/premium/files.",
    )
}

impl UploadRequest {
    /// The file that this request makes, the same for the same request.
    fn file(self, tenant: TenantId) -> Result<NewFile, Problem> {
        let Self {
            sha256,
            size_bytes,
            mut about,
        } = self;
        let is_digit = |digit: u8| matches!(digit, b'0'..=b'9' | b'a'..=b'f');
        let mut errors = Vec::new();
        if sha256.len() != SHA256_DIGITS || !sha256.bytes().all(is_digit) {
            let said = "A SHA-256 has 64 small hexadecimal digits.";
            errors.push(FieldError::new("/sha256", "sha256", said.to_owned()));
        }
        if !(1..=FILE_BYTES_MAX).contains(&size_bytes) {
            let said = format!("A file has 1 to {FILE_BYTES_MAX} bytes.");
            errors.push(FieldError::new("/size_bytes", "size", said));
        }
        if !errors.is_empty() {
            return Err(Problem::invalid(errors));
        }
        let name = file_name::clean(&about.name.take().unwrap_or_default());
        let read_options = about.options()?;
        let words = serde_json::to_string(&(&sha256, size_bytes, &name, &read_options))
            .map_err(|error| Problem::internal(error.to_string()))?;
        Ok(NewFile {
            id: FileId::of_upload(tenant, &words),
            name,
            object: ObjectKey::of_content(tenant, &sha256),
            sha256,
            size_bytes,
            read_options,
        })
    }
}

fn promised(tenant: TenantId, file: &NewFile) -> Promised {
    Promised {
        tenant,
        sha256: file.sha256.clone(),
        size_bytes: file.size_bytes,
    }
}
