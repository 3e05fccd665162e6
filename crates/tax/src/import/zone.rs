//! Zones of times that name none.

use chrono::{DateTime, FixedOffset, NaiveDateTime, SubsecRound, TimeZone, Utc};
use chrono_tz::Tz;
use packtrain_core::time::Timestamp;

const SECONDS_PER_MINUTE: i32 = 60;
const MINUTES_PER_HOUR: i32 = 60;

/// A zone by its name, or an offset from UTC as exports write it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Zone {
    Named(Tz),
    Offset(FixedOffset),
}

impl Zone {
    /// Reads `UTC`, `UTC+8`, `UTC-03:00` or `GMT+9`, in any case.
    pub(super) fn of_offset(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_uppercase();
        let rest = text
            .strip_prefix("UTC")
            .or_else(|| text.strip_prefix("GMT"))?;
        let (sign, size) = match rest.split_at_checked(1) {
            None => return Some(Self::Named(Tz::UTC)),
            Some(("+", size)) => (1, size),
            Some(("-", size)) => (-1, size),
            Some(_) => return None,
        };
        let (hours, minutes) = size.split_once(':').unwrap_or((size, "0"));
        let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
        let is_offset = (0..=14).contains(&hours) && (0..60).contains(&minutes);
        let seconds = sign * (hours * MINUTES_PER_HOUR + minutes) * SECONDS_PER_MINUTE;
        FixedOffset::east_opt(seconds)
            .filter(|_| is_offset)
            .map(Self::Offset)
    }

    /// The moment of a local time. An hour that the clocks skip or repeat is taken as its first.
    pub(super) fn at(self, local: NaiveDateTime) -> Option<Timestamp> {
        let at: DateTime<Utc> = match self {
            Self::Named(zone) => zone.from_local_datetime(&local).earliest()?.to_utc(),
            Self::Offset(offset) => offset.from_local_datetime(&local).earliest()?.to_utc(),
        };
        Some(at.trunc_subsecs(6))
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::Zone;

    #[test]
    fn an_offset_is_read_as_exports_write_it() {
        let noon = NaiveDate::from_ymd_opt(2024, 7, 1).and_then(|day| day.and_hms_opt(12, 0, 0));
        let hour = |text: &str| {
            let at = Zone::of_offset(text)?.at(noon?)?;
            Some(at.format("%H:%M").to_string())
        };
        for (text, expected) in [
            ("UTC", Some("12:00")),
            ("UTC+0", Some("12:00")),
            ("utc+08:00", Some("04:00")),
            ("UTC-03:00", Some("15:00")),
            ("GMT+5:30", Some("06:30")),
            ("UTC+99", None),
            ("UTCnull", None),
            ("ETH", None),
        ] {
            assert_eq!(hour(text).as_deref(), expected, "{text}");
        }
    }
}
