//! Pages of lists: a limit, an opaque cursor, and a `Link` to the next page.

use std::fmt::{Display, Write};
use std::str::FromStr;

use axum::response::Response;
use chrono::Datelike;
use http::header::LINK;
use http::{HeaderMap, HeaderValue, StatusCode};
use packtrain_core::limits::{PAGE_DEFAULT, PAGE_MAX};
use packtrain_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use crate::conditional;
use crate::problem::{CURSOR_MALFORMED, Problem, QUERY_MALFORMED};

/// The first byte of every cursor; a later form takes another.
const CURSOR_VERSION: &str = "1";
/// The years of times in requests.
const YEAR_MIN: i32 = 1;
const YEAR_MAX: i32 = 9999;

/// How many entries a request asks for.
pub(crate) fn limit(asked: Option<u32>) -> Result<u32, Problem> {
    match asked {
        None => Ok(PAGE_DEFAULT),
        Some(limit) if (1..=PAGE_MAX).contains(&limit) => Ok(limit),
        Some(_) => {
            let said = format!("`limit` is 1 to {PAGE_MAX}.");
            Err(Problem::said(&QUERY_MALFORMED, said))
        }
    }
}

/// What a request says of the page that it wants.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageParams {
    /// Entries in this answer, 1 to 200.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// `next` of the page before.
    cursor: Option<String>,
}

impl PageParams {
    /// How many entries are wanted.
    pub(crate) fn limit(&self) -> Result<u32, Problem> {
        limit(self.limit)
    }

    /// After which place of this list they are wanted.
    pub(crate) fn place<T: FromStr>(&self, list: &str) -> Result<Option<T>, Problem> {
        place(list, self.cursor.as_deref())
    }
}

/// Cuts a page from what was found, of which there is one more than the limit where the list goes
/// on, and gives the cursor of the next page if there is one.
pub(crate) fn cut<T, P: Display>(
    list: &str,
    found: &mut Vec<T>,
    limit: u32,
    place: impl Fn(&T) -> P,
) -> Option<String> {
    let has_more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let last = found.last().filter(|_| has_more)?;
    Some(cursor(list, place(last)))
}

/// An answer with a page, and the `Link` to the next one of a list without filters.
pub(crate) fn answer<T: Serialize>(
    path: &str,
    page: &T,
    limit: u32,
    next: Option<&str>,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let mut response = conditional::json(StatusCode::OK, page, headers)?;
    let link = next.and_then(|next| {
        let query = [("limit", limit.to_string()), ("cursor", next.to_owned())];
        next_link(path, &query)
    });
    if let Some(link) = link {
        response.headers_mut().insert(LINK, link);
    }
    Ok(response)
}

/// Writes the place in a list after which the next page begins. The list's name goes along, so
/// that a cursor of one list is refused by another.
pub(crate) fn cursor(list: &str, place: impl Display) -> String {
    hex::encode(format!("{CURSOR_VERSION}:{list}:{place}"))
}

/// Reads a cursor of this list.
pub(crate) fn place<T: FromStr>(list: &str, cursor: Option<&str>) -> Result<Option<T>, Problem> {
    let Some(cursor) = cursor else {
        return Ok(None);
    };
    let read = || {
        let text = String::from_utf8(hex::decode(cursor).ok()?).ok()?;
        let rest = text.strip_prefix(CURSOR_VERSION)?.strip_prefix(':')?;
        let place = rest.strip_prefix(list)?.strip_prefix(':')?;
        place.parse().ok()
    };
    read().map(Some).ok_or(Problem::of(&CURSOR_MALFORMED))
}

/// A time that a request names, if it is one that the store can have: four digits say its year.
pub(crate) fn moment(at: Option<Timestamp>) -> Result<Option<Timestamp>, Problem> {
    match at {
        Some(at) if !(YEAR_MIN..=YEAR_MAX).contains(&at.year()) => {
            let said = format!("Years are {YEAR_MIN} to {YEAR_MAX}.");
            Err(Problem::said(&QUERY_MALFORMED, said))
        }
        at => Ok(at),
    }
}

/// The `Link` to the next page. Names and values are plain words that need no escaping.
pub(crate) fn next_link(path: &str, query: &[(&str, String)]) -> Option<HeaderValue> {
    let mut link = format!("<{path}");
    for (place, (name, value)) in query.iter().enumerate() {
        let mark = if place == 0 { '?' } else { '&' };
        write!(link, "{mark}{name}={value}").ok()?;
    }
    link.push_str(">; rel=\"next\"");
    HeaderValue::from_str(&link).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_its_place_and_fits_no_other_list() {
        let made = cursor("errors", 4_711);
        assert_eq!(place::<u32>("errors", Some(&made)).unwrap(), Some(4_711));
        assert_eq!(place::<u32>("errors", None).unwrap(), None);
        for (list, given) in [
            ("jobs", made.as_str()),
            ("error", &made),
            ("errors", ""),
            ("errors", "zz"),
            ("errors", "313a"),
        ] {
            assert!(place::<u32>(list, Some(given)).is_err(), "{list} {given}");
        }
    }

    #[test]
    fn a_page_has_at_least_one_entry_and_at_most_the_limit() {
        assert_eq!(limit(None).unwrap(), PAGE_DEFAULT);
        assert_eq!(limit(Some(PAGE_MAX)).unwrap(), PAGE_MAX);
        assert!(limit(Some(0)).is_err());
        assert!(limit(Some(PAGE_MAX + 1)).is_err());
    }

    #[test]
    fn the_link_to_the_next_page_keeps_the_filters() {
        let query = [("state", "dead".to_owned()), ("cursor", "31".to_owned())];
        let link = next_link("/v2/admin/jobs", &query).unwrap();
        assert_eq!(link, "</v2/admin/jobs?state=dead&cursor=31>; rel=\"next\"");
    }
}
