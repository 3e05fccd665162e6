//! Pages of lists: a limit, an opaque cursor, and a `Link` to the next page.

use std::fmt::{Display, Write};
use std::str::FromStr;

use http::HeaderValue;
use packtrain_core::limits::{PAGE_DEFAULT, PAGE_MAX};

use crate::problem::{CURSOR_MALFORMED, Problem, QUERY_MALFORMED};

/// The first byte of every cursor; a later form takes another.
const CURSOR_VERSION: &str = "1";

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
