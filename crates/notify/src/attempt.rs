//! What an answer over HTTP means for a delivery, and the record of it.

use std::time::Duration;

use chrono::DateTime;
use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use packtrain_core::ids::RequestId;
use packtrain_core::ports::{DeliveryAttempt, DeliveryCause, DeliveryOutcome};
use packtrain_core::time::Timestamp;
use tokio::time::Instant;

use crate::reach::{Answer, ReachError};

/// Bytes of an answer that are kept with an attempt.
const EXCERPT_BYTES_MAX: usize = 1_024;
/// The longest pause that another side may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(12 * 60 * 60);

/// An attempt that has begun.
pub(crate) struct Begun {
    request: RequestId,
    at: Instant,
}

impl Begun {
    pub(crate) fn new(request: RequestId) -> Self {
        Self {
            request,
            at: Instant::now(),
        }
    }

    /// It ended like this.
    pub(crate) fn ended(
        &self,
        outcome: DeliveryOutcome,
        cause: Option<DeliveryCause>,
        status: Option<u16>,
        said: &[u8],
    ) -> DeliveryAttempt {
        DeliveryAttempt {
            request: self.request,
            outcome,
            cause,
            status,
            latency: self.at.elapsed(),
            excerpt: excerpt(said),
        }
    }

    /// Nothing was sent, and nothing ever will be.
    pub(crate) fn refused(&self, cause: DeliveryCause, why: &str) -> DeliveryAttempt {
        self.ended(
            DeliveryOutcome::Permanent,
            Some(cause),
            None,
            why.as_bytes(),
        )
    }

    /// Nothing was sent: its turn comes later.
    pub(crate) fn not_before(&self, turn: Timestamp) -> DeliveryAttempt {
        let outcome = DeliveryOutcome::NotBefore(turn);
        self.ended(outcome, Some(DeliveryCause::Rate), None, b"")
    }

    /// There was no answer.
    pub(crate) fn unanswered(&self, error: &ReachError) -> DeliveryAttempt {
        let temporary = DeliveryOutcome::Temporary(None);
        let (outcome, cause) = match error {
            ReachError::Refused(_) => (DeliveryOutcome::Permanent, DeliveryCause::Address),
            ReachError::Resolve(_) => (temporary, DeliveryCause::Dns),
            ReachError::Connect(_) => (temporary, DeliveryCause::Connect),
            ReachError::Tls(_) => (temporary, DeliveryCause::Tls),
            ReachError::Late => (temporary, DeliveryCause::Late),
            ReachError::Broken(_) => (temporary, DeliveryCause::Broken),
        };
        self.ended(outcome, Some(cause), None, error.to_string().as_bytes())
    }

    /// There was one.
    pub(crate) fn answered(&self, answer: &Answer, now: Timestamp) -> DeliveryAttempt {
        let (outcome, cause) = judge(answer.status, || retry_after(&answer.headers, now));
        self.ended(outcome, cause, Some(answer.status.as_u16()), &answer.body)
    }
}

/// What a status means. Redirects are not followed, since nobody has looked at where they lead.
pub(crate) fn judge(
    status: StatusCode,
    retry_after: impl FnOnce() -> Option<Duration>,
) -> (DeliveryOutcome, Option<DeliveryCause>) {
    match status.as_u16() {
        200..=299 => (DeliveryOutcome::Delivered, None),
        300..=399 => (DeliveryOutcome::Permanent, Some(DeliveryCause::Redirected)),
        410 => (DeliveryOutcome::Gone, Some(DeliveryCause::Gone)),
        408 | 409 | 425 | 429 => (
            DeliveryOutcome::Temporary(retry_after()),
            Some(DeliveryCause::Throttled),
        ),
        400..=499 => (DeliveryOutcome::Permanent, Some(DeliveryCause::Rejected)),
        _ => (
            DeliveryOutcome::Temporary(retry_after()),
            Some(DeliveryCause::ServerError),
        ),
    }
}

/// The pause that a header asks for, in seconds or as a date (RFC 9110, 10.2.3).
pub(crate) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let pause = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let date = DateTime::parse_from_rfc2822(text).ok()?;
            (date.to_utc() - now).to_std().unwrap_or_default()
        }
    };
    Some(pause.min(RETRY_AFTER_MAX))
}

/// A pause in seconds with a fraction, as JSON and headers of the chats have it.
pub(crate) fn pause(seconds: f64) -> Option<Duration> {
    let pause = Duration::try_from_secs_f64(seconds).ok()?;
    Some(pause.min(RETRY_AFTER_MAX))
}

/// The beginning of what was said, as one text without control characters.
fn excerpt(said: &[u8]) -> String {
    let begin = &said[..said.len().min(EXCERPT_BYTES_MAX)];
    let text = String::from_utf8_lossy(begin);
    let is_shown = |letter: &char| !letter.is_control() || matches!(letter, '\n' | '\t');
    text.chars().filter(is_shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_class() {
        let class = |status: u16| judge(StatusCode::from_u16(status).unwrap(), || None);
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(
                class(status),
                (DeliveryOutcome::Delivered, None),
                "{status}"
            );
        }
        for status in [300, 301, 302, 303, 304, 307, 308] {
            let expected = (DeliveryOutcome::Permanent, Some(DeliveryCause::Redirected));
            assert_eq!(class(status), expected, "{status}");
        }
        for status in [400, 401, 403, 404, 405, 413, 415, 422, 451, 499] {
            let expected = (DeliveryOutcome::Permanent, Some(DeliveryCause::Rejected));
            assert_eq!(class(status), expected, "{status}");
        }
        for status in [408, 409, 425, 429] {
            let expected = (
                DeliveryOutcome::Temporary(None),
                Some(DeliveryCause::Throttled),
            );
            assert_eq!(class(status), expected, "{status}");
        }
        for status in [500, 501, 502, 503, 504, 599, 999] {
            let expected = (
                DeliveryOutcome::Temporary(None),
                Some(DeliveryCause::ServerError),
            );
            assert_eq!(class(status), expected, "{status}");
        }
        assert_eq!(
            class(410),
            (DeliveryOutcome::Gone, Some(DeliveryCause::Gone))
        );
    }

    #[test]
    fn a_pause_is_read_in_seconds_or_as_a_date_and_has_an_end() {
        let now = DateTime::from_timestamp(1_445_412_420, 0).unwrap();
        for (text, seconds) in [
            ("7", Some(7)),
            ("Wed, 21 Oct 2015 07:28:00 GMT", Some(60)),
            ("Wed, 21 Oct 2015 07:20:00 GMT", Some(0)),
            ("999999999", Some(12 * 60 * 60)),
            ("-1", None),
            ("soon", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            let expected = seconds.map(Duration::from_secs);
            assert_eq!(retry_after(&headers, now), expected, "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
        assert_eq!(pause(0.25), Some(Duration::from_millis(250)));
        assert_eq!(pause(1e300), None);
        assert_eq!(pause(-1.0), None);
    }

    #[test]
    fn an_excerpt_is_short_and_has_no_control_characters() {
        let said = [b"\x1b[31mno\0\n", "ä".repeat(2_000).as_bytes()].concat();
        let excerpt = excerpt(&said);
        assert!(excerpt.starts_with("[31mno\nää"), "{excerpt}");
        assert!(excerpt.len() <= EXCERPT_BYTES_MAX + 3);
    }
}
