//! Uploads: the bytes of one file, streamed, from a raw body or from a form.

use std::io;
use std::time::Duration;

use axum::extract::Request;
use futures::{StreamExt, TryStreamExt, stream};
use http::HeaderMap;
use http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use multer::{Constraints, Multipart, SizeLimit};
use packtrain_core::limits::FILE_BYTES_MAX;
use packtrain_core::ports::ByteStream;

use crate::body::media_type;
use crate::file_name;
use crate::problem::{
    MEDIA_TYPE_UNKNOWN, Problem, REQUEST_MALFORMED, UPLOAD_BROKEN_OFF, too_large,
};

/// How long an upload may say nothing.
const SILENCE_MAX: Duration = Duration::from_secs(20);
/// Bytes of a form around the file.
const FORM_BYTES_MAX: u64 = 64 * 1024;
/// Fields of a form that are passed over before the file comes.
const FORM_FIELDS_MAX: usize = 8;
/// The form field that holds the file.
const FORM_FIELD: &str = "file";
/// What browsers and scripts call the files that are read here.
const MEDIA_TYPES: [&str; 4] = [
    "text/csv",
    "text/plain",
    "application/octet-stream",
    "application/vnd.ms-excel",
];

/// A file on its way in.
pub(crate) struct Upload {
    /// Its name, cleaned.
    pub(crate) name: String,
    /// Its bytes; at least one.
    pub(crate) bytes: ByteStream,
}

/// Opens the file that a request carries; a name in the query goes before one in the headers.
pub(crate) async fn open(request: Request, name: Option<String>) -> Result<Upload, Problem> {
    let headers = request.headers().clone();
    if content_length(&headers).is_some_and(|bytes| bytes > FILE_BYTES_MAX + FORM_BYTES_MAX) {
        return Err(too_large(FILE_BYTES_MAX));
    }
    let body =
        tokio_stream::StreamExt::timeout(request.into_body().into_data_stream(), SILENCE_MAX);
    let chunks = body.map(|chunk| match chunk {
        Ok(chunk) => chunk.map_err(io::Error::other),
        Err(_) => Err(io::Error::from(io::ErrorKind::TimedOut)),
    });
    let (sent_name, bytes) = match media_type(&headers).as_deref() {
        Some("multipart/form-data") => of_form(&headers, Box::pin(chunks)).await?,
        None => (disposition_name(&headers), Box::pin(chunks) as ByteStream),
        Some(essence) if MEDIA_TYPES.contains(&essence) => {
            (disposition_name(&headers), Box::pin(chunks) as ByteStream)
        }
        Some(_) => {
            let said = "Send the file as text/csv, application/octet-stream or in a form.";
            return Err(Problem::said(&MEDIA_TYPE_UNKNOWN, said));
        }
    };
    let name = file_name::clean(&name.or(sent_name).unwrap_or_default());
    let bytes = not_empty(bytes).await?;
    Ok(Upload { name, bytes })
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn disposition_name(headers: &HeaderMap) -> Option<String> {
    file_name::of_disposition(headers.get(CONTENT_DISPOSITION)?)
}

/// The form's field `file`. Its bytes are read from the request as they are asked for.
async fn of_form(
    headers: &HeaderMap,
    chunks: ByteStream,
) -> Result<(Option<String>, ByteStream), Problem> {
    let header = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let boundary = multer::parse_boundary(header.unwrap_or_default())
        .map_err(|error| Problem::said(&REQUEST_MALFORMED, error.to_string()))?;
    let limit = SizeLimit::new().whole_stream(FILE_BYTES_MAX + FORM_BYTES_MAX);
    let constraints = Constraints::new().size_limit(limit);
    let mut form = Multipart::with_constraints(chunks, boundary, constraints);
    for _ in 0..=FORM_FIELDS_MAX {
        let Some(field) = form
            .next_field()
            .await
            .map_err(|error| form_problem(&error))?
        else {
            break;
        };
        if field.name() == Some(FORM_FIELD) {
            let name = field.file_name().map(str::to_owned);
            return Ok((name, Box::pin(field.map_err(io::Error::other))));
        }
    }
    let said = format!("The form has no file in a field named `{FORM_FIELD}`.");
    Err(Problem::field("", "file_missing", said))
}

fn form_problem(error: &multer::Error) -> Problem {
    match error {
        multer::Error::StreamSizeExceeded { .. } => too_large(FILE_BYTES_MAX),
        multer::Error::StreamReadFailed(_) | multer::Error::IncompleteStream => {
            Problem::of(&UPLOAD_BROKEN_OFF)
        }
        other => Problem::said(&REQUEST_MALFORMED, other.to_string()),
    }
}

/// The same bytes, once it is known that there are any.
async fn not_empty(mut bytes: ByteStream) -> Result<ByteStream, Problem> {
    while let Some(chunk) = bytes.next().await {
        let is_empty = chunk.as_ref().is_ok_and(bytes::Bytes::is_empty);
        if !is_empty {
            return Ok(Box::pin(stream::iter([chunk]).chain(bytes)));
        }
    }
    Err(Problem::field("", "file_empty", "The file is empty."))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use bytes::Bytes;

    use super::*;

    async fn read(content_type: &str, body: &'static str) -> Result<(String, Vec<u8>), Problem> {
        let request = Request::builder()
            .header(CONTENT_TYPE, content_type)
            .header(CONTENT_DISPOSITION, "attachment; filename=a.csv")
            .body(Body::from(body))
            .unwrap();
        let upload = open(request, None).await?;
        let chunks: Vec<Bytes> = upload.bytes.try_collect().await.unwrap();
        Ok((upload.name, chunks.concat()))
    }

    #[tokio::test]
    async fn a_raw_body_is_the_file() {
        let (name, bytes) = read("text/csv; charset=utf-8", "a,b\n").await.unwrap();
        assert_eq!((name.as_str(), bytes.as_slice()), ("a.csv", &b"a,b\n"[..]));
        assert!(read("text/csv", "").await.is_err());
        assert!(read("image/png", "a").await.is_err());
    }

    #[tokio::test]
    async fn a_form_gives_its_one_file_and_the_files_name() {
        let form = "--x\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n\
                    --x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"../t.csv\"\r\n\
                    Content-Type: text/csv\r\n\r\na,b\r\n1,2\r\n--x--\r\n";
        let (name, bytes) = read("multipart/form-data; boundary=x", form).await.unwrap();
        assert_eq!(
            (name.as_str(), bytes.as_slice()),
            ("t.csv", &b"a,b\r\n1,2"[..])
        );
        let without = "--x\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhi\r\n--x--\r\n";
        assert!(
            read("multipart/form-data; boundary=x", without)
                .await
                .is_err()
        );
        assert!(read("multipart/form-data", form).await.is_err());
    }
}
