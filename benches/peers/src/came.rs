//! What came of a part of a round: its figure, or why there is none. A peer that stands still or
//! whose worker dies is said to have done so, and the bench goes on.

use std::fmt;
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

/// Why a part was not brought to its end.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Lapse {
    /// What did not happen in time.
    Late(&'static str, Duration),
    /// Who is gone without having been killed.
    Ended(&'static str, ExitStatus),
    /// What it needs did not come to its end.
    Untried,
}

impl fmt::Display for Lapse {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Late(what, limit) => write!(formatter, "{what} within {} s", limit.as_secs()),
            Self::Ended(who, status) => write!(formatter, "{who} ended by itself ({status})"),
            Self::Untried => write!(formatter, "not tried"),
        }
    }
}

impl std::error::Error for Lapse {}

/// Waits so long, and says else what did not happen.
pub(crate) async fn within<T>(
    what: &'static str,
    limit: Duration,
    happens: impl Future<Output = Result<T>>,
) -> Result<T> {
    let happened = tokio::time::timeout(limit, happens).await;
    happened.map_err(|_| Lapse::Late(what, limit))?
}

/// A part that has no figure.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Short {
    why: String,
    /// Jobs that were not done when it was given up, unless even counting took too long.
    left: Option<usize>,
    of: usize,
    /// Rounds in which it came to no end, of all.
    rounds: (usize, usize),
}

impl Short {
    fn new(lapse: &Lapse, left: Option<usize>, of: usize) -> Self {
        Self {
            why: lapse.to_string(),
            left,
            of,
            rounds: (1, 1),
        }
    }
}

impl fmt::Display for Short {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left = self.left.map_or_else(|| "some".to_owned(), grouped);
        write!(
            formatter,
            "{}, {left} of {} left",
            self.why,
            grouped(self.of)
        )?;
        match self.rounds {
            (some, all) if some < all => write!(formatter, " (in {some} of {all} rounds)"),
            _ => Ok(()),
        }
    }
}

/// A figure, or why there is none.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub(crate) enum Came<T> {
    Whole(T),
    Short { short: Short },
}

impl<T> Came<T> {
    /// What was done, or a lapse with the jobs left of so many; other errors stay errors.
    pub(crate) fn or_short(done: Result<T>, left: Option<usize>, of: usize) -> Result<Self> {
        match done {
            Ok(done) => Ok(Self::Whole(done)),
            Err(error) => {
                let lapse = error.downcast::<Lapse>()?;
                let short = Short::new(&lapse, left, of);
                Ok(Self::Short { short })
            }
        }
    }

    /// A part whose jobs did not get in.
    pub(crate) fn untried(of: usize) -> Self {
        let short = Short::new(&Lapse::Untried, Some(of), of);
        Self::Short { short }
    }

    pub(crate) const fn is_whole(&self) -> bool {
        matches!(self, Self::Whole(_))
    }

    pub(crate) fn whole(&self) -> Option<&T> {
        match self {
            Self::Whole(figure) => Some(figure),
            Self::Short { .. } => None,
        }
    }

    pub(crate) fn map<U>(self, change: impl FnOnce(T) -> U) -> Came<U> {
        match self {
            Self::Whole(figure) => Came::Whole(change(figure)),
            Self::Short { short } => Came::Short { short },
        }
    }

    /// One figure of all rounds: a round that has none leaves none to all, since a median of the
    /// others would flatter; of several the one with the most jobs left is shown.
    pub(crate) fn over(all: &[&Self], one: impl FnOnce(&[&T]) -> T) -> Self {
        let shorts = all.iter().filter_map(|came| match came {
            Self::Short { short } => Some(short),
            Self::Whole(_) => None,
        });
        let count = shorts.clone().count();
        match shorts.max_by_key(|short| short.left.unwrap_or(short.of)) {
            Some(worst) => Self::Short {
                short: Short {
                    rounds: (count, all.len()),
                    ..worst.clone()
                },
            },
            None => {
                let figures: Vec<&T> = all.iter().filter_map(|came| came.whole()).collect();
                Self::Whole(one(&figures))
            }
        }
    }

    /// The figure in words, or why there is none.
    pub(crate) fn told(&self, words: impl FnOnce(&T) -> String) -> String {
        match self {
            Self::Whole(figure) => words(figure),
            Self::Short { short } => short.to_string(),
        }
    }
}

impl<T> From<&Short> for Came<T> {
    fn from(short: &Short) -> Self {
        let short = short.clone();
        Self::Short { short }
    }
}

/// With commas between the thousands.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut words = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            words.push(',');
        }
        words.push(digit);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn late(left: usize) -> Came<f64> {
        let lapse = Lapse::Late("not finished", Duration::from_secs(300));
        let error = anyhow::Error::from(lapse);
        Came::or_short(Err(error), Some(left), 100_000).expect("a lapse is no error")
    }

    #[test]
    fn one_round_without_an_end_leaves_no_median() {
        let rounds = [Came::Whole(5.0), late(12), late(4_000)];
        let all: Vec<&Came<f64>> = rounds.iter().collect();
        let came = Came::over(&all, |figures| figures.iter().copied().sum());
        assert_eq!(
            came.told(f64::to_string),
            "not finished within 300 s, 4,000 of 100,000 left (in 2 of 3 rounds)"
        );
    }

    #[test]
    fn an_error_that_is_no_lapse_ends_the_bench() {
        let came = Came::<f64>::or_short(Err(anyhow::anyhow!("no such table")), None, 1);
        assert_eq!(came.expect_err("an error").to_string(), "no such table");
    }
}
