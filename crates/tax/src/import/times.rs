//! Cells to moments.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, SubsecRound, Utc};
use chrono_tz::Tz;
use packtrain_core::time::Timestamp;

use super::cells::Cell;
use super::sheet::{Flaw, Sheet};
use super::zone::Zone;

/// The first moment that a row may have: no coin is older.
const ROWS_FROM: Timestamp = start_of(2009);
/// The first moment after those that a row may have: a slip of the year must not make a report of
/// thousands of tax years.
const ROWS_BEFORE: Timestamp = start_of(2100);

const fn start_of(year: i32) -> Timestamp {
    let day = NaiveDate::from_ymd_opt(year, 1, 1).expect("a day of the calendar");
    day.and_time(NaiveTime::MIN).and_utc()
}

impl Sheet<'_> {
    /// The moment of a row with its offset, in whole microseconds.
    pub(super) fn timestamp(&mut self, column: usize) -> Cell<Timestamp> {
        match self.any_timestamp(column) {
            Cell::Good(at) => self.of_a_row(column, at).map_or(Cell::Bad, Cell::Good),
            other => other,
        }
    }

    /// The moment of a row, where it is one at which a row can be.
    pub(super) fn of_a_row(&mut self, column: usize, at: Timestamp) -> Option<Timestamp> {
        if ROWS_FROM <= at && at < ROWS_BEFORE {
            return Some(at);
        }
        let message = "the time is before 2009 or after 2099";
        let help = "check the year: the first coin is of January 2009";
        let flaw = Flaw::new("timestamp_out_of_range", message, help);
        self.flaw(Some(column), flaw);
        None
    }

    /// A moment with its offset, however long ago.
    fn any_timestamp(&mut self, column: usize) -> Cell<Timestamp> {
        let cell = self.cell(column);
        if cell.is_empty() {
            return Cell::Absent;
        }
        if let Some(at) = moment(cell) {
            return Cell::Good(at);
        }
        let help = "expected a form such as 2024-03-10T12:00:00Z or 2024-03-10T12:00:00+01:00";
        let flaw = if moment(&format!("{cell}Z")).is_some() {
            Flaw::new(
                "timestamp_without_offset",
                "the time has no offset from UTC",
                "add Z for UTC, or the offset, such as +01:00",
            )
        } else {
            Flaw::new("timestamp_malformed", "not a date and time", help)
        };
        self.flaw(Some(column), flaw);
        Cell::Bad
    }

    /// A moment, or a plain date, which is taken as noon UTC: the same date in nearly every zone.
    /// It is not that of the row, and may be older than any.
    pub(super) fn day(&mut self, column: usize) -> Cell<Timestamp> {
        if self.cell(column).len() == "2024-03-10".len()
            && let Ok(date) = self.cell(column).parse::<NaiveDate>()
            && let Some(noon) = NaiveTime::from_hms_opt(12, 0, 0)
        {
            return Cell::Good(date.and_time(noon).and_utc());
        }
        self.any_timestamp(column)
    }

    /// A moment as the source writes it: with its offset, or in the zone of the column or file by
    /// the first of these forms that fits, such as `%Y-%m-%d %H:%M:%S`.
    pub(super) fn time(&mut self, column: usize, forms: &[&str]) -> Option<Timestamp> {
        let cell = self.cell(column).to_owned();
        self.time_of(column, &cell, forms)
    }

    /// As [`Self::time`], where the text was put together of several cells.
    pub(super) fn time_of(
        &mut self,
        column: usize,
        text: &str,
        forms: &[&str],
    ) -> Option<Timestamp> {
        let cell = text.trim_end_matches("UTC").trim_end();
        if let Some(at) = moment(cell) {
            return self.of_a_row(column, at);
        }
        let local = forms
            .iter()
            .find_map(|form| NaiveDateTime::parse_from_str(cell, form).ok());
        let zone = match text.ends_with("UTC") {
            true => Zone::Named(Tz::UTC),
            false => self.zone(column),
        };
        if let Some(at) = local.and_then(|local| zone.at(local)) {
            return self.of_a_row(column, at);
        }
        let (code, message) = match cell.is_empty() {
            true => ("timestamp_missing", "the time is empty"),
            false => ("timestamp_malformed", "not a date and time of this export"),
        };
        let help = "export the file again without changes; spreadsheets rewrite dates";
        self.flaw(Some(column), Flaw::new(code, message, help));
        None
    }

    /// Seconds since 1970.
    pub(super) fn seconds(&mut self, column: usize) -> Option<Timestamp> {
        let at = self.cell(column).parse().ok();
        if let Some(at) = at.and_then(|seconds| Timestamp::from_timestamp(seconds, 0)) {
            return self.of_a_row(column, at);
        }
        let help = "expected seconds since 1970, such as 1672570800";
        let flaw = Flaw::new("timestamp_malformed", "not a time of this export", help);
        self.flaw(Some(column), flaw);
        None
    }
}

/// Reads RFC 3339; the usual form in UTC takes a short way.
fn moment(cell: &str) -> Option<Timestamp> {
    if let Some(at) = utc_seconds(cell.as_bytes()) {
        return Some(at);
    }
    let at = DateTime::parse_from_rfc3339(cell).ok()?;
    Some(at.with_timezone(&Utc).trunc_subsecs(6))
}

/// Exactly `2024-03-10T12:00:00Z`.
fn utc_seconds(text: &[u8]) -> Option<Timestamp> {
    let [
        y1,
        y2,
        y3,
        y4,
        b'-',
        m1,
        m2,
        b'-',
        d1,
        d2,
        b'T',
        h1,
        h2,
        b':',
        n1,
        n2,
        b':',
        s1,
        s2,
        b'Z',
    ] = text
    else {
        return None;
    };
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| u32::from(byte - b'0'));
    let two = |tens: &u8, ones: &u8| Some(digit(tens)? * 10 + digit(ones)?);
    let year = i32::try_from(two(y1, y2)? * 100 + two(y3, y4)?).ok()?;
    let date = NaiveDate::from_ymd_opt(year, two(m1, m2)?, two(d1, d2)?)?;
    let time = NaiveTime::from_hms_opt(two(h1, h2)?, two(n1, n2)?, two(s1, s2)?)?;
    Some(date.and_time(time).and_utc())
}

#[cfg(test)]
mod tests {
    use super::super::{Limits, read};

    /// The codes of the errors of a file of one row.
    fn codes(at: &str, acquired: &str) -> Vec<(u32, String)> {
        let text = format!(
            "timestamp,type,wallet,received_amount,received_asset,basis,acquired,currency\n\
             {at},opening,main,1,ETH,100,{acquired},USD\n"
        );
        let import = read(text.as_bytes(), Limits::default()).unwrap();
        let errors = import.errors.iter();
        errors
            .map(|error| (error.line, error.code.to_string()))
            .collect()
    }

    #[test]
    fn a_row_before_2009_or_after_2099_is_an_error_of_its_line() {
        let at = |at: &str| codes(at, "");
        let out = [(2, "timestamp_out_of_range".to_owned())];
        assert_eq!(at("2008-12-31T23:59:59Z"), out);
        assert_eq!(at("2009-01-01T00:00:00Z"), []);
        assert_eq!(at("2099-12-31T23:59:59.5Z"), []);
        assert_eq!(at("2100-01-01T00:30:00+01:00"), []);
        assert_eq!(at("2100-01-01T00:00:00Z"), out);
        assert_eq!(at("0202-03-10T12:00:00Z"), out);
    }

    #[test]
    fn what_was_carried_over_may_be_older_than_any_row() {
        let at = "2024-01-10T12:00:00Z";
        assert_eq!(codes(at, "1999-01-01"), []);
        assert_eq!(codes(at, "1999-01-01T00:00:00Z"), []);
    }
}
