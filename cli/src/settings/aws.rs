//! Settings of what lies with AWS.

use serde::Deserialize;

use super::{Address, Problem};

/// The longest that SQS lets a poll wait and a message be hidden, in seconds.
const WAIT_S_MAX: u64 = 20;
const VISIBILITY_S_MAX: u64 = 43_200;
/// A message must stay hidden until its receiver has claimed and deleted it.
const VISIBILITY_S_MIN: u64 = 10;

/// Where, and with whose rights: those that the SDK finds.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Aws {
    pub(crate) region: String,
    pub(crate) endpoint_url: Address,
    /// Whether it is a server of this process's own, which asks nobody who he is. No setting.
    #[serde(skip)]
    pub(crate) is_own: bool,
}

/// Queues of hints.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(
    not(feature = "aws"),
    expect(dead_code, reason = "a build without AWS checks the times alone")
)]
pub(crate) struct Sqs {
    pub(crate) pulse_queue: String,
    pub(crate) notify_queue: String,
    pub(crate) prefix: String,
    pub(crate) wait_s: u64,
    pub(crate) visibility_s: u64,
    pub(crate) kms_key: String,
    pub(crate) dlq: bool,
}

impl Sqs {
    /// A setting that SQS would refuse, and why.
    pub(super) fn problem(&self) -> Option<Problem> {
        if self.wait_s > WAIT_S_MAX {
            let what = format!("{} is not between 0 and {WAIT_S_MAX}", self.wait_s);
            return Some(("sqs.wait_s".to_owned(), what));
        }
        let hidden = VISIBILITY_S_MIN..=VISIBILITY_S_MAX;
        (!hidden.contains(&self.visibility_s)).then(|| {
            let what = format!(
                "{} is not between {VISIBILITY_S_MIN} and {VISIBILITY_S_MAX}",
                self.visibility_s
            );
            ("sqs.visibility_s".to_owned(), what)
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::settings::load;

    #[test]
    fn a_time_that_sqs_would_refuse_is_refused_at_once() {
        for (key, value) in [
            ("sqs.wait_s", "21"),
            ("sqs.visibility_s", "43201"),
            ("sqs.visibility_s", "0"),
        ] {
            let Err(error) = load(None, &[(key, value.to_owned())]) else {
                panic!("{key} = {value} was taken");
            };
            assert!(error.to_string().contains(key), "{error}");
        }
    }
}
