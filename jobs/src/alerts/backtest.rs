//! Says what a rule would have done with what was observed.

mod history;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use packtrain_core::fault::Fault;
use packtrain_core::field::FieldError;
use packtrain_core::ids::EndpointId;
use packtrain_core::job::{Ctx, Done, Gate, Job, Kind, Lane};
use packtrain_core::limits::RESULT_BYTES_MAX;
use packtrain_core::quantity::counted;
use packtrain_core::time::Timestamp;
use packtrain_rules::backtest::{self as past, Advice, Firing, Question};
use packtrain_rules::rule::SPAN_S_MAX;
use packtrain_rules::value::Value;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::rules::{self, Rule};
use history::{Asked, Read};

/// The longest time that a rule is tried out on.
const DAYS_MAX: u32 = 366;
/// How often a rule may be wanted to fire.
const FIRINGS_WANTED_MAX: u32 = 100_000;
/// Firings that are listed; the count goes on.
const FIRINGS_LISTED_MAX: usize = 100;
/// Bytes that they take, at most: the rest of the result needs room too.
const LISTED_BYTES_MAX: usize = RESULT_BYTES_MAX / 4 * 3;

/// Plays what was observed through a rule that is not made: how often it would have fired, when and
/// on what values, and which value would have fired as seldom as one likes. There is no second
/// logic: what fires here would have fired.
///
/// It reads and writes nothing, so a second run differs by what came since.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AlertsBacktest)]
pub struct Backtest {
    /// The rule, as it would be made.
    pub rule: Rule,
    /// As in a rule that is made; nobody is told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<EndpointId>,
    /// Over how many days until now; those of which nothing is kept are left out.
    #[serde(default = "days")]
    #[schema(minimum = 1, maximum = 366, default = 90)]
    pub days: u32,
    /// A firing that resolves within so many seconds is noise.
    #[serde(default = "noise_within_s")]
    #[schema(minimum = 1, maximum = 31_622_400, default = 900)]
    pub noise_within_s: u32,
    /// How often the rule should fire in this time, at most: a value that would have done so is
    /// suggested.
    #[serde(default = "firings_max")]
    #[schema(maximum = 100_000, default = 10)]
    pub firings_max: u32,
}

const fn days() -> u32 {
    90
}

const fn noise_within_s() -> u32 {
    900
}

const fn firings_max() -> u32 {
    10
}

/// What a rule would have done.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BacktestResult)]
pub struct Tested {
    /// The answer in a sentence.
    #[schema(example = "It would have fired 12 times in 90 days.")]
    said: String,
    /// Where the rule begins: where it was asked for, or where there is data of all its metrics.
    from: DateTime<Utc>,
    /// Where it is looked at for the last time.
    until: DateTime<Utc>,
    /// How often it would have fired.
    fired: u32,
    /// How many messages it would have sent: firings, reminders and ends.
    messages: u32,
    /// How many firings resolved within the time that is noise.
    noisy: u32,
    /// How many percent of all firings those are; none without firings.
    noise_percent: Option<Value>,
    /// The firings, the first 100, or fewer where they name very many values.
    firings: Vec<Firing>,
    /// What value would have fired no more often than asked for.
    advice: Advice,
    /// What there is of each metric.
    data: Vec<Data>,
}

/// What there is of a metric.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BacktestData)]
pub struct Data {
    /// The metric.
    metric: String,
    /// How many points were played.
    points: usize,
    /// The first of them.
    first: Option<DateTime<Utc>>,
    /// The last of them.
    last: Option<DateTime<Utc>>,
    /// Whether of each minute the last point alone was taken: there are very many.
    of_minutes: bool,
}

impl Job for Backtest {
    const KIND: Kind = Kind::new("alerts.backtest");
    const LANE: Lane = Lane::Cpu;
    const ATTEMPTS_MAX: u16 = 3;
    const TIME_LIMIT: Duration = Duration::from_secs(300);
    const GATE: Gate = Gate::Tenant { max: 2 };

    fn check(&self) -> Vec<FieldError> {
        let mut errors = rules::check(&self.rule);
        for (place, number, least, most) in [
            ("/days", self.days, 1, DAYS_MAX),
            ("/noise_within_s", self.noise_within_s, 1, SPAN_S_MAX),
            ("/firings_max", self.firings_max, 0, FIRINGS_WANTED_MAX),
        ] {
            if !(least..=most).contains(&number) {
                let said = format!("{number} is not from {least} to {most}");
                errors.push(FieldError::new(place, "out_of_range", said));
            }
        }
        errors
    }

    async fn run(self, ctx: &Ctx) -> Result<Done, Fault> {
        let until = ctx.clock.now();
        let asked = Asked {
            from: until - TimeDelta::days(i64::from(self.days)),
            until,
        };
        ctx.stage("read").await?;
        let read = history::read(ctx, &self.rule, asked).await?;
        ctx.stage("play").await?;
        let tested = ctx.cpu(move |_| self.test(read, asked)).await??;
        Ok(Done::with(json!(tested)))
    }
}

impl Backtest {
    fn test(&self, read: Read, asked: Asked) -> Result<Tested, Fault> {
        let from = read.from(asked.from);
        let answer = past::run(Question {
            rule: &self.rule,
            history: &read.history,
            from,
            until: asked.until,
            noise_within_s: self.noise_within_s,
            firings_max: self.firings_max,
        });
        let answer = answer.map_err(|error| Fault::fatal("alerts.backtest", error))?;
        Ok(Tested {
            said: said(answer.fired, from, asked, &read.unobserved()),
            from,
            until: asked.until,
            fired: answer.fired,
            messages: answer.messages,
            noisy: answer.noisy,
            noise_percent: answer.noise_percent,
            firings: listed(answer.firings),
            advice: answer.advice,
            data: read.data(),
        })
    }
}

/// As many of the firings as a result has room for.
fn listed(firings: Vec<Firing>) -> Vec<Firing> {
    let mut bytes = 0;
    let fits = |firing: &Firing| {
        bytes += serde_json::to_string(firing).map_or(LISTED_BYTES_MAX, |text| text.len());
        bytes <= LISTED_BYTES_MAX
    };
    let firings = firings.into_iter().take(FIRINGS_LISTED_MAX);
    firings.take_while(fits).collect()
}

/// The answer in a sentence, which says so where there is less data than was asked for.
fn said(fired: u32, from: Timestamp, asked: Asked, unobserved: &[String]) -> String {
    let fired = counted(fired.into(), "time", "times");
    let whole = |time: TimeDelta| match u64::try_from(time.num_hours()).unwrap_or(0) {
        hours @ 0..48 => counted(hours, "hour", "hours"),
        hours => counted(hours / 24, "day", "days"),
    };
    let mut said = format!(
        "It would have fired {fired} in {}",
        whole(asked.until - from)
    );
    if from != asked.from {
        let wanted = whole(asked.until - asked.from);
        said = format!("{said}; of the {wanted} asked for there is no more data");
    }
    if !unobserved.is_empty() {
        let metrics = unobserved.join(" and ");
        said = format!("{said}; nothing is kept of {metrics}");
    }
    format!("{said}.")
}

#[cfg(test)]
mod tests;
