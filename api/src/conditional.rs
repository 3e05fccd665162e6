//! Entity tags: a strong `ETag` on reads, and `304` when the client has the same already.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::problem::{Problem, STALE, TAG_MALFORMED};

/// The media type of lists of figures.
const CSV: &str = "text/csv; charset=utf-8";
/// Characters of a header that are said again.
const GIVEN_CHARS_MAX: usize = 60;
/// A tenant's data may be kept by its own client, which asks again each time.
const REVALIDATE: HeaderValue = HeaderValue::from_static("private, no-cache");

/// A JSON answer with a tag over its bytes, or `304` when the request has it already.
pub(crate) fn json<T: Serialize>(
    status: StatusCode,
    view: &T,
    request: &HeaderMap,
) -> Result<Response, Problem> {
    let body = serde_json::to_vec(view).map_err(|error| Problem::internal(error.to_string()))?;
    tagged(status, "application/json", body, request)
}

/// A list of figures with a tag over its bytes, or `304` when the request has it already.
pub(crate) fn csv(text: String, request: &HeaderMap) -> Result<Response, Problem> {
    tagged(StatusCode::OK, CSV, text.into_bytes(), request)
}

/// Whether the request would rather have a list of figures than JSON.
pub(crate) fn wants_csv(request: &HeaderMap) -> bool {
    let lines = request.get_all(ACCEPT).iter();
    let ranges = lines.filter_map(|line| line.to_str().ok());
    let ranges: Vec<&str> = ranges.flat_map(|line| line.split(',')).collect();
    let weight = |wanted: &str| {
        let weights = ranges.iter().filter_map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let is_wanted = parts.next()?.eq_ignore_ascii_case(wanted);
            let weight = parts.find_map(|part| part.strip_prefix("q="));
            is_wanted.then(|| weight.map_or(Some(1.0), |text| text.parse().ok()))?
        });
        weights.fold(0.0_f32, f32::max)
    };
    weight("text/csv") > weight("application/json")
}

fn tagged(
    status: StatusCode,
    media: &'static str,
    body: Vec<u8>,
    request: &HeaderMap,
) -> Result<Response, Problem> {
    let tag = tag(&hex::encode(Sha256::digest(&body)))?;
    if status == StatusCode::OK && is_known(request, &tag) {
        return Ok(not_modified(tag));
    }
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(media)),
        (CACHE_CONTROL, REVALIDATE),
        (ETAG, tag),
    ];
    Ok((status, headers, body).into_response())
}

/// A JSON answer for everybody, which caches between here and its reader may keep so long; with a
/// tag over its bytes, or `304` when the request has it already.
pub(crate) fn public<T: Serialize>(
    view: &T,
    request: &HeaderMap,
    fresh: Duration,
) -> Result<Response, Problem> {
    let mut answer = json(StatusCode::OK, view, request)?;
    let rule = format!("public, max-age={}", fresh.as_secs());
    let rule =
        HeaderValue::from_str(&rule).map_err(|error| Problem::internal(error.to_string()))?;
    answer.headers_mut().insert(CACHE_CONTROL, rule);
    Ok(answer)
}

/// A strong tag of a hash.
pub(crate) fn tag(sha256: &str) -> Result<HeaderValue, Problem> {
    HeaderValue::from_str(&format!("\"{sha256}\""))
        .map_err(|error| Problem::internal(error.to_string()))
}

/// Whether the request names this tag, or any, in `If-None-Match`.
pub(crate) fn is_known(request: &HeaderMap, tag: &HeaderValue) -> bool {
    let Ok(tag) = tag.to_str() else {
        return false;
    };
    request
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

/// The version that an edit was made on, from `If-Match`; none when the client does not care.
///
/// # Errors
/// A problem when the header is there and is no entity tag, or one that no version has.
pub(crate) fn version(request: &HeaderMap) -> Result<Option<i64>, Problem> {
    let Some(tag) = named(request)? else {
        return Ok(None);
    };
    // What is no number is no version.
    let number = tag.strong.and_then(|tag| tag.parse().ok());
    number.map(Some).ok_or_else(|| Problem::of(&STALE))
}

/// The tag in `If-Match`; none where the client does not care.
fn named(request: &HeaderMap) -> Result<Option<Tag<'_>>, Problem> {
    let mut lines = request.get_all(IF_MATCH).iter();
    let Some(given) = lines.next() else {
        return Ok(None);
    };
    let text = given.to_str().ok().map(str::trim);
    let text = text.filter(|_| lines.next().is_none());
    if text == Some("*") {
        return Ok(None);
    }
    let tag = text.and_then(opaque).ok_or_else(|| malformed(given))?;
    Ok(Some(tag))
}

/// An entity tag.
struct Tag<'a> {
    /// What stands between its quotation marks, unless it is a weak one, which matches nothing here
    /// (RFC 9110, 13.1.1).
    strong: Option<&'a str>,
}

/// Reads one entity tag (RFC 9110, 8.8.3).
fn opaque(text: &str) -> Option<Tag<'_>> {
    let (text, is_weak) = match text.strip_prefix("W/") {
        Some(text) => (text, true),
        None => (text, false),
    };
    let tag = text.strip_prefix('"')?.strip_suffix('"')?;
    let is_tag = tag
        .chars()
        .all(|letter| letter != '"' && !letter.is_whitespace());
    let strong = (!is_weak).then_some(tag);
    is_tag.then_some(Tag { strong })
}

fn malformed(given: &HeaderValue) -> Problem {
    let given = String::from_utf8_lossy(given.as_bytes());
    let given: String = given.chars().take(GIVEN_CHARS_MAX).collect();
    let said = format!(
        "If-Match is {given}; it must be one ETag as an answer had it, with its quotation marks, \
         such as \"3\", or * for any version."
    );
    Problem::said(&TAG_MALFORMED, said)
}

/// A JSON answer with a version as its tag.
pub(crate) fn versioned<T: Serialize>(view: &T, version: i64) -> Result<Response, Problem> {
    let body = serde_json::to_vec(view).map_err(|error| Problem::internal(error.to_string()))?;
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (CACHE_CONTROL, REVALIDATE),
        (ETAG, tag(&version.to_string())?),
    ];
    Ok((headers, Bytes::from(body)).into_response())
}

/// What can be read and edited, without a number that rises: its tag is one over its bytes, and
/// over what else tells one version from another and is not shown.
pub(crate) struct Editable {
    body: Vec<u8>,
    tag: HeaderValue,
}

impl Editable {
    /// This view, and what it does not show.
    pub(crate) fn new<T: Serialize>(view: &T, unseen: &[u8]) -> Result<Self, Problem> {
        let body =
            serde_json::to_vec(view).map_err(|error| Problem::internal(error.to_string()))?;
        let hash = Sha256::new().chain_update(&body).chain_update(unseen);
        let tag = tag(&hex::encode(hash.finalize()))?;
        Ok(Self { body, tag })
    }

    /// Lets a request edit this version that names it in `If-Match`, or names none.
    ///
    /// # Errors
    /// A problem when it names another one, or what is no entity tag.
    pub(crate) fn expect(&self, request: &HeaderMap) -> Result<(), Problem> {
        let named = named(request)?;
        let is_meant = named.is_none_or(|tag| {
            let quoted = tag.strong.map(|tag| format!("\"{tag}\""));
            quoted.is_some_and(|quoted| self.tag == quoted)
        });
        is_meant.then_some(()).ok_or_else(|| Problem::of(&STALE))
    }

    /// It, or `304` when the request has it already.
    pub(crate) fn read(self, request: &HeaderMap) -> Response {
        match is_known(request, &self.tag) {
            true => not_modified(self.tag),
            false => self.edited(),
        }
    }

    /// It, as it is after an edit.
    pub(crate) fn edited(self) -> Response {
        let headers = [
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (CACHE_CONTROL, REVALIDATE),
            (ETAG, self.tag),
        ];
        (headers, self.body).into_response()
    }
}

/// The answer to a client that has the same bytes already.
pub(crate) fn not_modified(tag: HeaderValue) -> Response {
    let headers = [(CACHE_CONTROL, REVALIDATE), (ETAG, tag)];
    (StatusCode::NOT_MODIFIED, headers).into_response()
}

/// The caching rule of a tenant's data.
pub(crate) const fn revalidate() -> HeaderValue {
    REVALIDATE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_known_in_a_list_as_weak_or_as_any_but_not_when_it_is_another() {
        let tag = tag("ab").unwrap();
        for known in ["\"ab\"", "W/\"ab\"", "\"x\", \"ab\"", "*"] {
            let headers = HeaderMap::from_iter([(IF_NONE_MATCH, known.parse().unwrap())]);
            assert!(is_known(&headers, &tag), "{known}");
        }
        for other in ["\"abc\"", "ab", ""] {
            let headers = HeaderMap::from_iter([(IF_NONE_MATCH, other.parse().unwrap())]);
            assert!(!is_known(&headers, &tag), "{other}");
        }
    }

    #[test]
    fn an_edit_is_meant_for_the_version_that_it_names_also_where_that_looks_the_same() {
        let (one, other) = (Editable::new(&7, b"a"), Editable::new(&7, b"b"));
        let (one, other) = (one.unwrap(), other.unwrap());
        let tag = one.tag.to_str().unwrap().to_owned();
        let asked = |named: &str| HeaderMap::from_iter([(IF_MATCH, named.parse().unwrap())]);
        for named in [&*tag, "*"] {
            assert!(one.expect(&asked(named)).is_ok(), "{named}");
            assert_eq!(other.expect(&asked(named)).is_ok(), named == "*", "{named}");
        }
        assert!(one.expect(&HeaderMap::new()).is_ok());
        // A weak tag says that something else means the same.
        assert!(one.expect(&asked(&format!("W/{tag}"))).is_err());
        assert!(one.expect(&asked(&tag.replace('"', ""))).is_err());
    }

    #[test]
    fn a_tag_that_is_none_is_told_apart_from_one_that_does_not_match() {
        let read = |given: &str| {
            let headers = HeaderMap::from_iter([(IF_MATCH, given.parse().unwrap())]);
            version(&headers).map_err(|problem| problem.into_response().status())
        };
        assert_eq!(version(&HeaderMap::new()).unwrap(), None);
        assert_eq!(
            [read("*"), read("\"3\""), read(" \"17\" ")],
            [Ok(None), Ok(Some(3)), Ok(Some(17))]
        );
        for other in ["\"abc\"", "W/\"3\"", "\"\"", "\"99999999999999999999\""] {
            assert_eq!(read(other), Err(StatusCode::PRECONDITION_FAILED), "{other}");
        }
        for none in [
            "3",
            "banana",
            "\"3",
            "3\"",
            "\"",
            "",
            "\"1\", \"2\"",
            "w/\"3\"",
        ] {
            assert_eq!(read(none), Err(StatusCode::BAD_REQUEST), "{none}");
        }
        let twice = [(IF_MATCH, "\"3\""), (IF_MATCH, "\"4\"")];
        let mut headers = HeaderMap::new();
        for (name, tag) in twice {
            headers.append(name, tag.parse().unwrap());
        }
        assert!(version(&headers).is_err());
    }

    #[test]
    fn a_list_of_figures_is_for_those_who_would_rather_have_it_than_json() {
        let wants =
            |accept: &str| wants_csv(&HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]));
        for accept in [
            "text/csv",
            "Text/CSV; charset=utf-8",
            "text/csv, */*",
            "application/json;q=0.5, text/csv",
        ] {
            assert!(wants(accept), "{accept}");
        }
        for accept in [
            "*/*",
            "application/json",
            "application/json, text/csv",
            "text/csv;q=0",
            "text/csv;q=0.5, application/json",
            "",
        ] {
            assert!(!wants(accept), "{accept}");
        }
        assert!(!wants_csv(&HeaderMap::new()));
    }

    #[test]
    fn an_answer_that_the_client_has_already_comes_without_its_body() {
        let first = json(StatusCode::OK, &7, &HeaderMap::new()).unwrap();
        let tag = first.headers()[ETAG].clone();
        let headers = HeaderMap::from_iter([(IF_NONE_MATCH, tag.clone())]);
        let again = json(StatusCode::OK, &7, &headers).unwrap();
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(again.headers()[ETAG], tag);
        let other = json(StatusCode::OK, &8, &headers).unwrap();
        assert_eq!(other.status(), StatusCode::OK);
    }
}
