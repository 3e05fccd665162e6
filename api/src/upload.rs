//! Uploads: the bytes of one file, streamed, from a raw body or from a form.

use std::io;
use std::time::Duration;

use axum::extract::Request;
use futures::{StreamExt, TryStreamExt, stream};
use http::HeaderMap;
use http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use multer::{Constraints, Field, Multipart, SizeLimit};
use packtrain_core::limits::{FILE_BYTES_MAX, MAPPING_BYTES_MAX};
use packtrain_core::ports::{ByteStream, ReadOptions};
use packtrain_jobs::tax::import;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::body::media_type;
use crate::file_name;
use crate::problem::{
    MEDIA_TYPE_UNKNOWN, Problem, REQUEST_MALFORMED, UPLOAD_BROKEN_OFF, too_large,
};

/// How long an upload may say nothing.
const SILENCE_MAX: Duration = Duration::from_secs(20);
/// Bytes of a form around the file.
const FORM_BYTES_MAX: u64 = 64 * 1024;
/// Fields of a form before the file, and behind it.
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

/// What is said of a file beside its bytes.
#[derive(Debug, Default, Deserialize, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct AboutFile {
    /// The file's name; else that of `Content-Disposition` or of the form is taken.
    pub(crate) name: Option<String>,
    /// Zone of times in the file that name none, by its IANA name.
    #[param(example = "Europe/Berlin")]
    pub(crate) timezone: Option<String>,
    /// The wallet of its rows, where the file names none; for a file of a chain the address that
    /// it is about.
    #[param(max_length = 200)]
    pub(crate) wallet: Option<String>,
    /// The coin in which a chain's fees are paid, where the file does not name it.
    #[param(example = "ETH", max_length = 200)]
    pub(crate) coin: Option<String>,
    /// Currencies' codes that are the symbols of coins in the file, separated by commas; at
    /// most 200.
    #[param(example = "RON,MNT")]
    pub(crate) coins: Option<String>,
    /// Coins' symbols that are currencies in the file, separated by commas; at most 200.
    #[param(example = "GEL")]
    pub(crate) money: Option<String>,
    /// Which of its columns hold what, for a file of no known source: TOML of at most 16 KiB, best
    /// sent as a field of a form.
    pub(crate) mapping: Option<String>,
}

/// The fields of a form that say something of its file.
const SAID: [&str; 7] = [
    "name", "timezone", "wallet", "coin", "coins", "money", "mapping",
];

impl AboutFile {
    /// How the file is to be read.
    pub(crate) fn options(self) -> Result<ReadOptions, Problem> {
        let options = ReadOptions {
            timezone: self.timezone,
            wallet: self.wallet,
            coin: self.coin,
            coins: codes(self.coins),
            money: codes(self.money),
            mapping: self.mapping,
        };
        let errors = import::check(&options);
        if errors.is_empty() {
            Ok(options)
        } else {
            Err(Problem::invalid(errors))
        }
    }

    /// The place of a form's field of this name.
    fn field(&mut self, name: &str) -> Option<&mut Option<String>> {
        match name {
            "name" => Some(&mut self.name),
            "timezone" => Some(&mut self.timezone),
            "wallet" => Some(&mut self.wallet),
            "coin" => Some(&mut self.coin),
            "coins" => Some(&mut self.coins),
            "money" => Some(&mut self.money),
            "mapping" => Some(&mut self.mapping),
            _ => None,
        }
    }
}

/// A file on its way in.
pub(crate) struct Upload {
    /// Its name, cleaned.
    pub(crate) name: String,
    /// How it is to be read.
    pub(crate) read_options: ReadOptions,
    /// Its bytes; at least one.
    pub(crate) bytes: ByteStream,
    /// What comes behind them.
    pub(crate) rest: Rest,
}

/// What comes behind the file in a form.
#[derive(Default)]
pub(crate) struct Rest(Option<Multipart<'static>>);

/// Opens the file that a request carries. What the query says goes before what the form says, and
/// that before the headers.
pub(crate) async fn open(request: Request, mut said: AboutFile) -> Result<Upload, Problem> {
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
    let (sent_name, bytes, rest) = match media_type(&headers).as_deref() {
        Some("multipart/form-data") => of_form(&headers, Box::pin(chunks), &mut said).await?,
        Some(essence) if !MEDIA_TYPES.contains(&essence) => {
            let said = "Send the file as text/csv, application/octet-stream or in a form.";
            return Err(Problem::said(&MEDIA_TYPE_UNKNOWN, said));
        }
        _ => (
            disposition_name(&headers),
            Box::pin(chunks) as ByteStream,
            Rest::default(),
        ),
    };
    let name = file_name::clean(&said.name.take().or(sent_name).unwrap_or_default());
    let read_options = said.options()?;
    let bytes = not_empty(bytes).await?;
    Ok(Upload {
        name,
        read_options,
        bytes,
        rest,
    })
}

/// The codes of a list with commas between them.
fn codes(text: Option<String>) -> Vec<String> {
    let text = text.unwrap_or_default();
    let codes = text.split(',').map(str::trim);
    codes
        .filter(|code| !code.is_empty())
        .map(str::to_owned)
        .collect()
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn disposition_name(headers: &HeaderMap) -> Option<String> {
    file_name::of_disposition(headers.get(CONTENT_DISPOSITION)?)
}

/// The form's field `file`, and what fields before it say. Its bytes are read from the request as
/// they are asked for.
async fn of_form(
    headers: &HeaderMap,
    chunks: ByteStream,
    said: &mut AboutFile,
) -> Result<(Option<String>, ByteStream, Rest), Problem> {
    let mut form = form(headers, chunks)?;
    let mut seen = Vec::new();
    for _ in 0..=FORM_FIELDS_MAX {
        let Some(field) = next_field(&mut form).await? else {
            break;
        };
        let field_name = field.name().unwrap_or_default().to_owned();
        if field_name == FORM_FIELD {
            let name = field.file_name().map(str::to_owned);
            let bytes = Box::pin(field.map_err(io::Error::other));
            return Ok((name, bytes, Rest(Some(form))));
        }
        if let Some(place) = said.field(&field_name) {
            if seen.contains(&field_name) {
                let said = format!("The form says `{field_name}` twice.");
                let place = format!("/{field_name}");
                return Err(Problem::field(place, "field_repeated", said));
            }
            let text = field.text().await.map_err(|error| form_problem(&error))?;
            place.get_or_insert(text);
            seen.push(field_name);
        }
    }
    let said = format!("The form has no file in a field named `{FORM_FIELD}`.");
    Err(Problem::field("", "file_missing", said))
}

fn form(headers: &HeaderMap, chunks: ByteStream) -> Result<Multipart<'static>, Problem> {
    let header = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let boundary = multer::parse_boundary(header.unwrap_or_default())
        .map_err(|error| Problem::said(&REQUEST_MALFORMED, error.to_string()))?;
    let whole = SizeLimit::new().whole_stream(FILE_BYTES_MAX + FORM_BYTES_MAX);
    // These are held in memory; the file is not.
    let limit = SAID.iter().fold(whole, |limit, name| {
        limit.for_field(*name, MAPPING_BYTES_MAX as u64)
    });
    let constraints = Constraints::new().size_limit(limit);
    Ok(Multipart::with_constraints(chunks, boundary, constraints))
}

async fn next_field(form: &mut Multipart<'static>) -> Result<Option<Field<'static>>, Problem> {
    form.next_field()
        .await
        .map_err(|error| form_problem(&error))
}

impl Rest {
    /// Refuses what is said of the file behind it: it would not be heeded.
    pub(crate) async fn says_nothing(self) -> Result<(), Problem> {
        let Some(mut form) = self.0 else {
            return Ok(());
        };
        for _ in 0..=FORM_FIELDS_MAX {
            let Some(field) = next_field(&mut form).await? else {
                return Ok(());
            };
            let name = field.name().unwrap_or_default();
            if SAID.contains(&name) {
                let said = format!("Send `{name}` before the file, which is read as it comes.");
                return Err(Problem::field(format!("/{name}"), "field_too_late", said));
            }
        }
        let said = format!("The form has more than {FORM_FIELDS_MAX} fields behind the file.");
        Err(Problem::said(&REQUEST_MALFORMED, said))
    }
}

fn form_problem(error: &multer::Error) -> Problem {
    match error {
        multer::Error::StreamSizeExceeded { .. } => too_large(FILE_BYTES_MAX),
        multer::Error::FieldSizeExceeded { limit, .. } => too_large(*limit),
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
        let upload = open(request, AboutFile::default()).await?;
        let chunks: Vec<Bytes> = upload.bytes.try_collect().await.unwrap();
        upload.rest.says_nothing().await?;
        Ok((upload.name, chunks.concat()))
    }

    /// A form with these fields, in this order.
    fn form(fields: &[(&str, &str)]) -> String {
        let field = |(name, text): &(&str, &str)| {
            format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n")
        };
        let fields: String = fields.iter().map(field).collect();
        format!("{fields}--x--\r\n")
    }

    async fn read_form(said: AboutFile, fields: &[(&str, &str)]) -> Result<Upload, Problem> {
        let request = Request::builder()
            .header(CONTENT_TYPE, "multipart/form-data; boundary=x")
            .body(Body::from(form(fields)))
            .unwrap();
        open(request, said).await
    }

    #[tokio::test]
    async fn fields_before_the_file_say_how_it_is_read_and_the_query_goes_before_them() {
        let said = AboutFile {
            wallet: Some("main".to_owned()),
            ..AboutFile::default()
        };
        let fields = [
            ("name", "b.csv"),
            ("timezone", "Europe/Berlin"),
            ("wallet", "other"),
            ("coin", "XDAI"),
            ("coins", "RON, mnt"),
            ("money", "GEL,"),
            ("file", "a,b\n"),
        ];
        let upload = read_form(said, &fields).await.unwrap();
        assert_eq!(upload.name, "b.csv");
        assert_eq!(
            upload.read_options,
            ReadOptions {
                timezone: Some("Europe/Berlin".to_owned()),
                wallet: Some("main".to_owned()),
                coin: Some("XDAI".to_owned()),
                coins: vec!["RON".to_owned(), "mnt".to_owned()],
                money: vec!["GEL".to_owned()],
                mapping: None,
            }
        );
    }

    #[tokio::test]
    async fn a_field_behind_the_file_is_refused_and_not_passed_over() {
        let late = form(&[("file", "a,b\n"), ("timezone", "Europe/Berlin")]);
        let late: &'static str = Box::leak(late.into_boxed_str());
        assert!(read("multipart/form-data; boundary=x", late).await.is_err());
        let foreign = form(&[("file", "a,b\n"), ("submit", "yes")]);
        let foreign: &'static str = Box::leak(foreign.into_boxed_str());
        let (_, bytes) = read("multipart/form-data; boundary=x", foreign)
            .await
            .unwrap();
        assert_eq!(bytes, b"a,b\n");
    }

    #[tokio::test]
    async fn a_form_that_is_too_large_around_its_file_is_refused() {
        let long = "x".repeat(packtrain_core::limits::MAPPING_BYTES_MAX + 1);
        let fields = [("mapping", long.as_str()), ("file", "a,b\n")];
        assert!(read_form(AboutFile::default(), &fields).await.is_err());
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
