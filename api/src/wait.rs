//! `Prefer: wait=N` (RFC 7240): the answer waits a while for the job to end.

use std::time::Duration;

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use packtrain_core::ids::{JobId, TenantId};
use tokio::time::{Instant, sleep};

use crate::problem::Problem;
use crate::serve::Closing;
use crate::{Inner, Shared};

/// The longest that an answer waits, whatever the client prefers.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(30);
/// How soon a waiting answer looks at its job; the time between looks doubles up to the next.
const JOB_POLL_FIRST: Duration = Duration::from_millis(5);
/// How often a waiting answer looks at its job.
pub(crate) const JOB_POLL: Duration = Duration::from_millis(200);
/// Answers that wait at the same time; beyond it an answer comes at once.
pub(crate) const WAITS_MAX: usize = 128;
/// The header that says which preference was honoured.
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// How long the client would wait for the end of what it asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Wait(Duration);

impl FromRequestParts<Shared> for Wait {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        _: &Shared,
    ) -> Result<Self, std::convert::Infallible> {
        Ok(Self::read(&parts.headers))
    }
}

impl Wait {
    /// The preference of a request; what cannot be read is no preference.
    pub(crate) fn read(headers: &HeaderMap) -> Self {
        let lines = headers.get_all("prefer").iter();
        let preferences = lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split([',', ';']));
        for preference in preferences {
            let Some((name, value)) = preference.split_once('=') else {
                continue;
            };
            if name.trim().eq_ignore_ascii_case("wait") {
                let seconds = value.trim().trim_matches('"').parse().unwrap_or(0);
                return Self(Duration::from_secs(seconds).min(WAIT_MAX));
            }
        }
        Self::default()
    }

    /// The time that this adds to a request.
    pub(crate) const fn time(self) -> Duration {
        self.0
    }

    /// Says in the answer which preference was honoured.
    pub(crate) fn tell(self, answer: &mut HeaderMap) {
        let seconds = self.0.as_secs();
        if seconds > 0
            && let Ok(applied) = HeaderValue::from_str(&format!("wait={seconds}"))
        {
            answer.insert(PREFERENCE_APPLIED, applied);
        }
    }

    /// Waits until the job is final, the time is over, or the process stops; true for the first.
    pub(crate) async fn for_end(
        self,
        inner: &Inner,
        closing: &Closing,
        tenant: TenantId,
        job: JobId,
    ) -> Result<bool, Problem> {
        if self.0.is_zero() {
            return Ok(false);
        }
        let Ok(_place) = inner.waits.try_acquire() else {
            return Ok(false);
        };
        let end = Instant::now() + self.0;
        let mut pause = JOB_POLL_FIRST;
        loop {
            tokio::select! {
                () = sleep(pause) => pause = (pause * 2).min(JOB_POLL),
                () = closing.closed() => return Ok(false),
            }
            let found = inner.api.jobs.find(tenant, job).await?;
            if found.is_none_or(|record| record.state.is_final()) {
                return Ok(true);
            }
            if Instant::now() >= end {
                return Ok(false);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(prefer: &str) -> u64 {
        let mut headers = HeaderMap::new();
        headers.insert("prefer", prefer.parse().unwrap());
        Wait::read(&headers).time().as_secs()
    }

    #[test]
    fn the_wish_to_wait_is_read_among_other_preferences_and_capped() {
        assert_eq!(read("wait=5"), 5);
        assert_eq!(read("respond-async, Wait = \"12\""), 12);
        assert_eq!(read("respond-async; wait=2"), 2);
        assert_eq!(read("wait=3600"), WAIT_MAX.as_secs());
    }

    #[test]
    fn what_is_no_wish_to_wait_means_to_answer_at_once() {
        for none in ["respond-async", "wait", "wait=", "wait=-1", "waiting=5"] {
            assert_eq!(read(none), 0, "{none}");
        }
        let mut answer = HeaderMap::new();
        Wait::default().tell(&mut answer);
        assert!(answer.is_empty());
    }
}
