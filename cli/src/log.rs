//! The log: events on standard error, for a person who watches or for a collector.

use std::fmt;

use anstyle::{AnsiColor, Style};
use packtrain_core::time::{Clock, SystemClock};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::failure::{Failure, USAGE};
use crate::settings::{Log, LogFormat};
use crate::terminal::QUIET;

/// Sends events to standard error: as JSON, as lines with their spans, or briefly.
pub(crate) fn to_stderr(log: &Log, brief: bool) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(&log.filter)
        .map_err(|error| Failure::new(USAGE, format!("log.filter: {error}")))?;
    let colors = anstream::AutoStream::choice(&std::io::stderr());
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(colors != anstream::ColorChoice::Never)
        .with_writer(std::io::stderr);
    match (log.format, brief) {
        (LogFormat::Json, _) => builder.json().init(),
        (LogFormat::Text, true) => builder.event_format(Brief).init(),
        (LogFormat::Text, false) => builder.init(),
    }
    Ok(())
}

/// One short line an event, for a person who watches: the time of day, what happened, and the
/// event's own values. Spans, with their ids, are for the other formats.
struct Brief;

impl<S, N> FormatEvent<S, N> for Brief
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let style = |style: Style| {
            if writer.has_ansi_escapes() {
                style
            } else {
                Style::new()
            }
        };
        let (quiet, level) = (style(QUIET), *event.metadata().level());
        let loud = match level {
            Level::ERROR => style(AnsiColor::Red.on_default().bold()),
            Level::WARN => style(AnsiColor::Yellow.on_default()),
            _ => Style::new(),
        };
        write!(
            writer,
            "{quiet}{}{quiet:#}  ",
            SystemClock.now().format("%H:%M:%S")
        )?;
        if level <= Level::WARN {
            write!(writer, "{loud}{}{loud:#} ", level.as_str().to_lowercase())?;
        }
        context.format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}
