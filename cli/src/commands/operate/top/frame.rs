//! One frame: figures to lines, and nothing else.

use std::time::Duration;

use anstyle::Style;
use packtrain_core::job::Lane;
use packtrain_core::ports::WorkerView;

use super::view::View;
use crate::table::Table;
use crate::terminal::{CHECK, ERROR, QUIET, STRONG};

/// Workers that are shown.
const WORKERS: usize = 8;
/// Schedules that are shown.
const SCHEDULES: usize = 6;
/// Characters of a dead letter's message.
const MESSAGE_CHARS: usize = 60;

/// A line in one style.
#[derive(Clone)]
pub(super) struct Line {
    pub(super) style: Style,
    pub(super) text: String,
}

/// The frame of a moment.
pub(super) fn lines(view: &View) -> Vec<Line> {
    let mut lines = vec![line(STRONG, head(view)), line(Style::new(), String::new())];
    lines.extend(lanes(view));
    let unserved = &view.figures.unserved;
    lines.extend(unserved.iter().map(|one| {
        let (count, kind, schema) = (one.count, &one.kind, one.schema);
        line(
            CHECK,
            format!("! no worker serves {kind} v{schema}: {count} jobs wait"),
        )
    }));
    // What a person must see stands first: a small screen cuts the end.
    for section in [causes(view), workers(view), schedules(view)] {
        lines.push(line(Style::new(), String::new()));
        lines.extend(section);
    }
    lines
}

fn line(style: Style, text: String) -> Line {
    Line { style, text }
}

fn head(view: &View) -> String {
    let now = view.figures.now.format("%Y-%m-%d %H:%M:%S UTC");
    let canary = match &view.figures.service_level {
        Some(level) => {
            let (took, ago) = (span(level.last), span(view.ago(level.last_at)));
            let p95 = level.lately.map(|lately| span(lately.p95));
            let lately = p95.map(|p95| format!("; p95 of the hour {p95}"));
            let lately = lately.unwrap_or_default();
            format!("canary took {took}, {ago} ago{lately}")
        }
        None => "no canary yet".to_owned(),
    };
    format!("packtrain top   {now}   {canary}")
}

fn lanes(view: &View) -> Vec<Line> {
    let mut table = Table::new(&[
        "LANE",
        "STATE",
        "QUEUED ",
        "OLDEST ",
        "RUN ",
        "LATER ",
        "WAIT ",
        "DEAD ",
        "DONE/MIN ",
        "FAIL/MIN ",
    ]);
    let a_minute = |count| view.figures.a_minute(count).to_string();
    for lane in &view.lanes {
        let pace = view.figures.pace(lane.lane);
        let oldest = lane.oldest.map(|since| span(view.ago(since)));
        let is_paused = lane.paused_at.is_some();
        table.row([
            lane.lane.to_string(),
            if is_paused { "paused" } else { "open" }.to_owned(),
            lane.queued.to_string(),
            oldest.unwrap_or_default(),
            lane.running.to_string(),
            lane.scheduled.to_string(),
            lane.waiting.to_string(),
            lane.dead.to_string(),
            pace.map(|pace| a_minute(pace.done)).unwrap_or_default(),
            pace.map(|pace| a_minute(pace.failed)).unwrap_or_default(),
        ]);
    }
    let style = |row: usize| match view.lanes.get(row) {
        Some(lane) if lane.paused_at.is_some() => CHECK,
        _ => Style::new(),
    };
    styled(&table, "No lanes.", style)
}

fn workers(view: &View) -> Vec<Line> {
    let mut table = Table::new(&["WORKER", "VERSION", "STATE", "RUNNING ", "SEEN ", "LANES"]);
    let shown: Vec<&WorkerView> = view.workers.iter().take(WORKERS).collect();
    let state = |worker: &WorkerView| match worker.drain_at {
        _ if !view.is_alive(worker) => "silent",
        Some(_) => "draining",
        None => "alive",
    };
    for worker in &shown {
        let lanes: Vec<&str> = worker.lanes.iter().copied().map(Lane::as_str).collect();
        table.row([
            worker.name.clone(),
            worker.version.clone(),
            state(worker).to_owned(),
            worker.running.to_string(),
            span(view.ago(worker.seen_at)),
            lanes.join(","),
        ]);
    }
    let style = |row: usize| match shown.get(row).map(|worker| state(worker)) {
        Some("silent") => ERROR,
        Some("draining") => CHECK,
        _ => Style::new(),
    };
    let mut lines = styled(&table, "No workers.", style);
    let rest = view.workers.len().saturating_sub(WORKERS);
    if rest > 0 {
        lines.push(line(QUIET, format!("and {rest} more: packtrain workers")));
    }
    lines
}

fn schedules(view: &View) -> Vec<Line> {
    let mut table = Table::new(&["SCHEDULE", "NEXT", "CRON", "ZONE"]);
    for (next, schedule) in view.next().into_iter().take(SCHEDULES) {
        let now = view.figures.now;
        let when = match next.map(|next| (next - now).to_std()) {
            None => "rests".to_owned(),
            Some(Ok(ahead)) => format!("in {}", span(ahead)),
            // The next look of a scheduler is a moment away, or there is none.
            Some(Err(_)) => format!(
                "late by {}",
                span(next.map_or(Duration::ZERO, |at| view.ago(at)))
            ),
        };
        let (kind, cron, zone) = (&schedule.kind, &schedule.cron, &schedule.zone);
        table.row([kind.clone(), when, cron.clone(), zone.clone()]);
    }
    styled(&table, "No schedules.", |_| Style::new())
}

fn causes(view: &View) -> Vec<Line> {
    let mut table = Table::new(&["DEAD LETTERS", "COUNT ", "KIND", "CODE", "LAST ", "MESSAGE"]);
    for cause in &view.causes {
        table.row([
            cause.fingerprint.clone(),
            cause.count.to_string(),
            cause.kind.clone(),
            cause.code.clone(),
            span(view.ago(cause.last_at)),
            cause.message.chars().take(MESSAGE_CHARS).collect(),
        ]);
    }
    styled(&table, "No dead letters.", |_| ERROR)
}

/// A table under its heads, each row in its style; or what is said when there is nothing.
fn styled(table: &Table, nothing: &str, style: impl Fn(usize) -> Style) -> Vec<Line> {
    let mut all = table.lines().into_iter();
    let Some(heads) = all.next() else {
        return vec![line(QUIET, nothing.to_owned())];
    };
    let rows = all.enumerate().map(|(row, text)| line(style(row), text));
    [line(QUIET, heads)].into_iter().chain(rows).collect()
}

/// A time as a person reads it in passing.
fn span(time: Duration) -> String {
    let (ms, s) = (time.as_millis(), time.as_secs());
    match s {
        0 => format!("{ms} ms"),
        1..120 => format!("{s} s"),
        120..7_200 => format!("{} min", s / 60),
        7_200..172_800 => format!("{} h", s / 3_600),
        _ => format!("{} d", s / 86_400),
    }
}

#[cfg(test)]
mod tests;
