//! What went wrong in a job, and what happens next.

use std::error::Error;
use std::time::Duration;

use crate::limits::FAULT_CHARS_MAX;

/// The shortest and the longest pause of a job for which something is away, before jitter.
const AWAY_PAUSE_MIN: Duration = Duration::from_secs(2);
const AWAY_PAUSE_MAX: Duration = Duration::from_secs(60);
/// Characters by which causes are told apart.
const CAUSE_CHARS_MAX: usize = 300;

/// What the worker does with a job that did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Tries again after a backoff, or not before the given delay; spends an attempt.
    Retry(Option<Duration>),
    /// Tries again after the delay and spends no attempt: the world was not ready.
    Snooze(Duration),
    /// Something that the job needs is away, which is no fault of the job: it tries again after
    /// [`away_pause`] and spends no attempt until it was asked for [`AWAY_MAX`] ago; from then on
    /// this is a retry.
    ///
    /// [`AWAY_MAX`]: crate::limits::AWAY_MAX
    Away,
    /// Goes to the dead letters now: another try would end the same way.
    Fatal,
}

/// A failed attempt: verdict, a stable code to group by, and the chain of causes for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What happens next.
    pub verdict: Verdict,
    /// Stable word such as `tax.unknown_jurisdiction`; dead letters are grouped by it.
    pub code: &'static str,
    /// The error and its sources, joined by `: `, cut at [`FAULT_CHARS_MAX`].
    pub message: String,
}

impl Fault {
    /// A fault that a later attempt may not meet.
    pub fn retry(code: &'static str, error: impl Error) -> Self {
        Self {
            verdict: Verdict::Retry(None),
            code,
            message: chain(&error),
        }
    }

    /// A fault that says itself when to come back, such as an answer with `Retry-After`.
    pub fn retry_after(code: &'static str, delay: Duration, error: impl Error) -> Self {
        Self {
            verdict: Verdict::Retry(Some(delay)),
            code,
            message: chain(&error),
        }
    }

    /// Not an error of the job: it waits for something and pays no attempt.
    pub fn snooze(code: &'static str, delay: Duration, why: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Snooze(delay),
            code,
            message: cut(why.into()),
        }
    }

    /// Something that the job needs is away.
    pub fn away(code: &'static str, error: impl Error) -> Self {
        Self {
            verdict: Verdict::Away,
            code,
            message: chain(&error),
        }
    }

    /// A fault that every attempt would meet.
    pub fn fatal(code: &'static str, error: impl Error) -> Self {
        Self {
            verdict: Verdict::Fatal,
            code,
            message: chain(&error),
        }
    }

    /// A fault told in words alone.
    pub fn said(verdict: Verdict, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            verdict,
            code,
            message: cut(message.into()),
        }
    }
}

impl Fault {
    /// What faults of one cause share: the code, and the message without what differs from job to
    /// job (numbers, ids, whatever stands in quotes).
    pub fn cause(&self) -> String {
        let mut form = format!("{} ", self.code);
        let mut is_quoted = false;
        for word in self
            .message
            .split_inclusive([' ', '"', ',', ':', '/', '(', ')'])
        {
            if !is_quoted {
                // An id or a number: any word with a digit in it.
                match word.contains(|c: char| c.is_ascii_digit()) {
                    true => form.push('#'),
                    false => form.push_str(word),
                }
            }
            is_quoted ^= word.ends_with('"') && !(is_quoted && is_escaped(word));
        }
        form.chars().take(CAUSE_CHARS_MAX).collect()
    }
}

/// Whether the quote that ends a word is a part of what is quoted.
fn is_escaped(word: &str) -> bool {
    let before = word.strip_suffix('"').unwrap_or(word);
    let backslashes = before.len() - before.trim_end_matches('\\').len();
    backslashes % 2 == 1
}

/// Waiting time before attempt `attempt + 1`: full jitter under an exponential ceiling.
///
/// The ceiling is 1 s, 2 s, 4 s, ... up to five minutes; the delay is uniform between zero and
/// the ceiling, so that jobs that failed together do not come back together. `random` is any
/// number, as [`IdSource::random`](crate::ids::IdSource::random) gives it.
pub fn backoff(attempt: u16, random: u64) -> Duration {
    let ceiling_ms = u64::try_from(backoff_ceiling(attempt).as_millis()).unwrap_or(u64::MAX - 1);
    // Some minutes have so few milliseconds that the remainder prefers none of them.
    Duration::from_millis(random % (ceiling_ms + 1))
}

/// The longest wait after failed attempt number `attempt`, counted from 1.
pub fn backoff_ceiling(attempt: u16) -> Duration {
    const FIRST: Duration = Duration::from_secs(1);
    const MOST: Duration = Duration::from_secs(300);
    let doublings = u32::from(attempt.saturating_sub(1)).min(16);
    (FIRST * 2_u32.pow(doublings)).min(MOST)
}

/// Waiting time of a job of this age for which something is away: about a tenth of its age, so that
/// a short outage costs little time and a long one few tries. `random` is any number; it moves the
/// time by up to a half either way, so that jobs do not come back together.
pub fn away_pause(age: Duration, random: u64) -> Duration {
    let pause = (age / 10).clamp(AWAY_PAUSE_MIN, AWAY_PAUSE_MAX);
    let ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX - 1);
    Duration::from_millis(ms / 2 + random % (ms + 1))
}

/// An error and its sources in one line, each said once.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        // Some libraries repeat their source at the end of their own text.
        if !text.ends_with(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        source = cause.source();
    }
    cut(text)
}

fn cut(text: String) -> String {
    match text.char_indices().nth(FAULT_CHARS_MAX) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{ClockIds, IdSource};
    use crate::time::SystemClock;

    #[test]
    fn backoff_stays_under_a_doubling_ceiling_and_uses_all_of_it() {
        let ids = ClockIds::new(SystemClock);
        for attempt in 1..=20 {
            let ceiling = backoff_ceiling(attempt);
            let waits: Vec<_> = (0..400).map(|_| backoff(attempt, ids.random())).collect();
            assert!(waits.iter().all(|wait| *wait <= ceiling));
            assert!(
                waits.iter().any(|wait| *wait < ceiling / 4),
                "jitter reaches down"
            );
            assert!(
                waits.iter().any(|wait| *wait > ceiling * 3 / 4),
                "jitter reaches up"
            );
        }
        assert_eq!(backoff_ceiling(1), Duration::from_secs(1));
        assert_eq!(backoff_ceiling(3), Duration::from_secs(4));
        assert_eq!(backoff_ceiling(60), Duration::from_secs(300));
    }

    #[test]
    fn a_job_for_which_something_is_away_pauses_longer_as_it_grows_older() {
        let (second, day) = (Duration::from_secs(1), Duration::from_secs(86_400));
        for (age, least, most) in [(second, 1, 3), (second * 100, 5, 15), (day, 30, 90)] {
            for random in [0, 1, 999, 123_456_789, u64::MAX] {
                let pause = away_pause(age, random);
                assert!(
                    pause >= second * least && pause <= second * most,
                    "{pause:?}"
                );
            }
        }
        assert_ne!(away_pause(day, 1), away_pause(day, 2));
    }

    #[test]
    fn faults_that_differ_in_ids_numbers_and_quotes_alone_have_one_cause() {
        let cause = |message: &str| Fault::said(Verdict::Fatal, "x.y", message).cause();
        let first =
            cause("object ten_01/ab3 is gone: read 12 of 40 bytes of \"a file\", status 503");
        let second = cause("object ten_02/f7 is gone: read 9 of 40 bytes of \"other\", status 502");
        assert_eq!(first, second);
        assert_ne!(first, cause("object ten_01/ab3 is damaged"));
        let named = |name: &str| cause(&format!("row {name:?} of {name:?} is bad"));
        assert_eq!(named("plain"), named("my \"own\" wallet \\"));
    }

    #[test]
    fn a_fault_tells_the_whole_chain_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("could not write object a/b")]
        struct Outer(#[source] std::io::Error);
        let fault = Fault::retry("objects.write", Outer(std::io::Error::other("disk full")));
        assert_eq!(fault.message, "could not write object a/b: disk full");
    }
}
