//! Arrival files: at which time how many jobs arrive.

use packtrain_core::time::Timestamp;

use super::Ms;

/// Jobs of one file, at most.
pub(crate) const JOBS_MAX: u64 = 5_000_000;
/// The first line of a file; `service_ms` may be left out.
const COLUMNS: [&str; 3] = ["time", "count", "service_ms"];
/// How long the jobs of a file with one time take to arrive.
const GAP_ALONE: Ms = 60_000;

/// A job that arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Job {
    /// When, after the begin of the file.
    pub(crate) at: Ms,
    /// How long it holds a slot.
    pub(crate) service: Ms,
}

/// What a file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Arrivals {
    /// The jobs, in order of time.
    pub(crate) jobs: Vec<Job>,
    /// When the file ends.
    pub(crate) until: Ms,
}

/// A line that cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub(crate) struct ArrivalsError {
    line: usize,
    what: String,
}

/// A line: so many jobs from this time on.
struct Group {
    at: Ms,
    count: u64,
    service: Ms,
}

/// Reads a file. The jobs of a line arrive evenly until the next later time; those of the last
/// time within as long as those of the time before.
pub(crate) fn read(text: &str, service: Ms) -> Result<Arrivals, ArrivalsError> {
    let groups = groups(text, service)?;
    let mut times: Vec<Ms> = groups.iter().map(|group| group.at).collect();
    times.dedup();
    let last_gap = match times.as_slice() {
        [.., before, last] => last - before,
        _ => GAP_ALONE,
    };
    let until = times.last().copied().unwrap_or(0) + last_gap;
    let mut jobs = Vec::new();
    for group in &groups {
        let later = times.partition_point(|time| *time <= group.at);
        let gap = times.get(later).copied().unwrap_or(until) - group.at;
        jobs.extend((0..group.count).map(|place| Job {
            at: group.at + evenly(gap, place, group.count),
            service: group.service,
        }));
    }
    jobs.sort_by_key(|job| job.at);
    Ok(Arrivals { jobs, until })
}

fn evenly(gap: Ms, place: u64, count: u64) -> Ms {
    let at = u128::from(gap) * u128::from(place) / u128::from(count);
    u64::try_from(at).unwrap_or(gap)
}

fn groups(text: &str, service: Ms) -> Result<Vec<Group>, ArrivalsError> {
    let mut lines = (1..).zip(text.lines());
    let head = lines.next().map_or("", |(_, line)| line);
    let columns: Vec<&str> = head.split(',').map(str::trim).collect();
    if columns.len() < 2 || columns.len() > 3 || columns != COLUMNS[..columns.len()] {
        let what = format!("{head:?} is not `time,count` or `time,count,service_ms`");
        return Err(ArrivalsError { line: 1, what });
    }
    let (mut groups, mut first, mut jobs) = (Vec::<Group>::new(), None, 0_u64);
    for (line, row) in lines.filter(|(_, row)| !row.trim().is_empty()) {
        let refused = |what: String| ArrivalsError { line, what };
        let cells: Vec<&str> = row.split(',').map(str::trim).collect();
        if cells.len() != columns.len() {
            let (has, needs) = (cells.len(), columns.len());
            return Err(refused(format!("{has} cells where {needs} columns are")));
        }
        let at = moment(cells[0]).map_err(refused)?;
        let at = at
            .checked_sub(*first.get_or_insert(at))
            .filter(|at| groups.last().is_none_or(|group| group.at <= *at))
            .ok_or_else(|| refused(format!("{} is before the line above", cells[0])))?;
        let count = number(cells[1]).map_err(refused)?;
        jobs = jobs.saturating_add(count);
        if jobs > JOBS_MAX {
            return Err(refused(format!("more than {JOBS_MAX} jobs so far")));
        }
        let service = match cells.get(2) {
            Some(cell) => number(cell).map_err(refused)?,
            None => service,
        };
        groups.push(Group { at, count, service });
    }
    Ok(groups)
}

/// Seconds, or a time with its offset.
fn moment(text: &str) -> Result<Ms, String> {
    if let Ok(seconds) = text.parse::<u32>() {
        return Ok(u64::from(seconds) * 1_000);
    }
    let time = text
        .parse::<Timestamp>()
        .map(|time| time.timestamp_millis());
    let ms = time.ok().and_then(|ms| u64::try_from(ms).ok());
    ms.ok_or_else(|| {
        format!("{text:?} is neither whole seconds nor a time such as 2026-01-31T18:00:00Z")
    })
}

fn number(text: &str) -> Result<u64, String> {
    let number = text.parse::<u32>().map(u64::from);
    number.map_err(|_| format!("{text:?} is not a whole number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_jobs_of_a_line_arrive_evenly_until_the_next_time() {
        let read = read("time,count\n0,2\n10,4\n", 25).unwrap();
        let at: Vec<Ms> = read.jobs.iter().map(|job| job.at).collect();
        assert_eq!(at, [0, 5_000, 10_000, 12_500, 15_000, 17_500]);
        assert_eq!(read.until, 20_000);
    }

    #[test]
    fn lines_of_one_time_may_hold_slots_for_different_times() {
        let text = "time,count,service_ms\n\
            2026-01-01T00:00:00Z,1,20\n2026-01-01T00:00:00Z,1,9000\n2026-01-01T00:01:00Z,0,0\n";
        let read = read(text, 1).unwrap();
        let job = |service| Job { at: 0, service };
        assert_eq!(read.jobs, [job(20), job(9_000)]);
        assert_eq!(read.until, 120_000);
    }

    #[test]
    fn a_line_that_cannot_be_read_is_named() {
        for (text, line) in [
            ("when,count\n", 1),
            ("time,count\n0,1\nsoon,1\n", 3),
            ("time,count\n5,1\n4,1\n", 3),
            ("time,count\n0,1\n9,1\n5,1\n", 4),
            ("time,count\n0,-1\n", 2),
            ("time,count\n0\n", 2),
            ("time,count\n0,4000000\n1,4000000\n", 3),
        ] {
            assert_eq!(read(text, 1).unwrap_err().line, line, "{text}");
        }
    }
}
