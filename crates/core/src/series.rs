//! Time series: figures by the hour, and what days, weeks and months make of them.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, TimeDelta, Timelike, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::quantity::{AmountError, Quantity};
use crate::time::Timestamp;

/// What is measured.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Dataset {
    /// What is locked in protocols (`protocol:<slug>`) and chains (`chain:<name>`), in US dollars.
    Tvl,
    /// What users of protocols paid in the last 24 hours (`protocol:<slug>`), in US dollars.
    Fees,
    /// What was traded on exchanges in the last 24 hours (`protocol:<slug>`), in US dollars.
    Dexs,
    /// What circulates of stablecoins (`coin:<id>`), in US dollars, and their prices in units of
    /// what they are pegged to (`peg:<id>`).
    Stablecoins,
    /// What pools yield in percent a year (`apy:<id>`), and what is locked in them, in US dollars
    /// (`tvl:<id>`).
    Yields,
}

/// What keys of protocols begin with; what follows is the protocol's own word.
pub const PROTOCOL: &str = "protocol:";
/// What keys of chains begin with.
pub const CHAIN: &str = "chain:";
/// What keys of stablecoins begin with: of what circulates, and of the price by the peg.
pub const COIN: &str = "coin:";
/// See [`COIN`].
pub const PEG: &str = "peg:";
/// What keys of pools begin with: of the yield, and of what is locked.
pub const APY: &str = "apy:";
/// See [`APY`].
pub const POOL_TVL: &str = "tvl:";

impl Dataset {
    /// Every dataset.
    pub const ALL: [Self; 5] = [
        Self::Tvl,
        Self::Fees,
        Self::Dexs,
        Self::Stablecoins,
        Self::Yields,
    ];

    /// The word in payloads, routes and tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tvl => "tvl",
            Self::Fees => "fees",
            Self::Dexs => "dexs",
            Self::Stablecoins => "stablecoins",
            Self::Yields => "yields",
        }
    }

    /// What the figures under a key count.
    pub fn unit(self, key: &str) -> &'static str {
        match self {
            Self::Yields if key.starts_with(APY) => "%",
            Self::Stablecoins if key.starts_with(PEG) => "peg",
            _ => "USD",
        }
    }
}

impl fmt::Display for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How long the time is that one figure stands for. All begin in UTC, weeks on Monday.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Resolution {
    /// As it is measured.
    Hour,
    /// Made of hours.
    Day,
    /// Made of days.
    Week,
    /// Made of days.
    Month,
}

impl Resolution {
    /// Every resolution.
    pub const ALL: [Self; 4] = [Self::Hour, Self::Day, Self::Week, Self::Month];
    /// Those that are made of others, each after what it is made of.
    pub const MADE: [Self; 3] = [Self::Day, Self::Week, Self::Month];

    /// The word in payloads, routes and tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// What it is made of: a bucket closes when all of these have.
    pub const fn source(self) -> Self {
        match self {
            Self::Hour | Self::Day => Self::Hour,
            Self::Week | Self::Month => Self::Day,
        }
    }

    /// The beginning of the bucket in which a moment lies.
    pub fn floor(self, at: Timestamp) -> Timestamp {
        let day = at.date_naive();
        let first = match self {
            Self::Hour => {
                let hour = TimeDelta::hours(i64::from(at.hour()));
                return midnight(day) + hour;
            }
            Self::Day => Some(day),
            Self::Week => {
                day.checked_sub_days(Days::new(day.weekday().num_days_from_monday().into()))
            }
            Self::Month => day.with_day(1),
        };
        midnight(first.unwrap_or(day))
    }

    /// Where the bucket ends in which a moment lies, and the next begins.
    pub fn end(self, at: Timestamp) -> Timestamp {
        let first = self.floor(at);
        let next = match self {
            Self::Hour => first.checked_add_signed(TimeDelta::hours(1)),
            Self::Day => first.checked_add_days(Days::new(1)),
            Self::Week => first.checked_add_days(Days::new(7)),
            Self::Month => first.checked_add_months(Months::new(1)),
        };
        next.unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

fn midnight(day: NaiveDate) -> Timestamp {
    day.and_time(NaiveTime::MIN).and_utc()
}

impl fmt::Display for Resolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Resolution {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|one| one.as_str() == text);
        found.ok_or_else(|| format!("{text:?} is none of hour, day, week, month"))
    }
}

/// What a time was like: made of the figures in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// The first figure.
    pub open: Quantity,
    /// The last.
    pub close: Quantity,
    /// The least.
    pub low: Quantity,
    /// The greatest.
    pub high: Quantity,
    /// All together.
    pub sum: Quantity,
    /// How many there are; one at least.
    pub count: u64,
}

/// Figures of one time as they come, in any order; each hour once.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally(Option<Counted>);

#[derive(Debug, Clone, Copy)]
struct Counted {
    first: Timestamp,
    last: Timestamp,
    bucket: Bucket,
}

impl Tally {
    /// Takes a figure.
    ///
    /// # Errors
    /// [`AmountError`] when the sum leaves what a [`Quantity`] holds.
    pub fn take(&mut self, at: Timestamp, value: Quantity) -> Result<(), AmountError> {
        let Some(Counted {
            first,
            last,
            bucket,
        }) = &mut self.0
        else {
            self.0 = Some(Counted {
                first: at,
                last: at,
                bucket: Bucket {
                    open: value,
                    close: value,
                    low: value,
                    high: value,
                    sum: value,
                    count: 1,
                },
            });
            return Ok(());
        };
        bucket.sum = bucket.sum.checked_add(value)?;
        bucket.count += 1;
        bucket.low = bucket.low.min(value);
        bucket.high = bucket.high.max(value);
        if at < *first {
            (*first, bucket.open) = (at, value);
        }
        if at > *last {
            (*last, bucket.close) = (at, value);
        }
        Ok(())
    }

    /// What they make; nothing when there are none.
    pub fn bucket(&self) -> Option<Bucket> {
        self.0.map(|counted| counted.bucket)
    }
}

#[cfg(test)]
mod tests;
