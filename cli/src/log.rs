//! The log: events on standard error, for a person who watches or for a collector.

use std::fmt;

use anstyle::{AnsiColor, Style};
use packtrain_core::time::{Clock, SystemClock};
use packtrain_core::trace::TARGET;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::filter::{FilterExt, FilterFn};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::failure::{FAILED, Failure, USAGE};
use crate::settings::{Log, LogFormat, Settings};
use crate::telemetry::{self, Telemetry};
use crate::terminal::QUIET;

/// What libraries write of secrets stays out, whatever the filter asks for: a part of an address
/// that sqlx does not know is written with its value.
const DISCREET: [&str; 1] = ["sqlx_postgres::options::parse=off"];

/// Who says that a worker of apalis begins and ends, and writes an error for each poll of a queue
/// that is away: of each lane and at each try. Whoever runs these workers is given the same, and
/// says it once in a while.
const REPEATING: &str = "apalis_core::worker";

/// Begins to log on standard error, and to send spans to a collector if the settings name one. What
/// is returned sends the last of them.
pub(crate) fn start(settings: &Settings, brief: bool) -> Result<Telemetry, Failure> {
    let (spans, telemetry) = telemetry::start(&settings.telemetry)?;
    let log = lines(&settings.log, brief, std::io::stderr)?;
    let subscriber = tracing_subscriber::registry().with(spans).with(log);
    subscriber
        .try_init()
        .map_err(|error| Failure::new(FAILED, format!("the log: {error}")))?;
    Ok(telemetry)
}

/// Spans of a trace that the log shows: whatever the filter says of events, it is to be seen which
/// request or attempt an event is of.
pub(crate) const SPANS: [&str; 2] = ["http.request", "job.run"];

/// Which spans are there for every filter.
fn is_context(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && SPANS.contains(&metadata.name())
}

/// Whether nobody says the same, and less often.
fn repeats_nobody(metadata: &Metadata<'_>) -> bool {
    let is_below = metadata.target().starts_with(REPEATING);
    metadata.target() != REPEATING && !(is_below && *metadata.level() > Level::WARN)
}

/// Events as lines: as JSON, with their spans, or briefly.
fn lines<S, W>(log: &Log, brief: bool, to: W) -> Result<impl Layer<S> + use<S, W>, Failure>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let refused = |error: &dyn fmt::Display| Failure::new(USAGE, format!("log.filter: {error}"));
    let filter = EnvFilter::try_new(&log.filter).map_err(|error| refused(&error))?;
    let mut filter = filter;
    for rule in [format!("{TARGET}=off")]
        .iter()
        .map(String::as_str)
        .chain(DISCREET)
    {
        let rule = rule.parse().map_err(|error| refused(&error))?;
        filter = filter.add_directive(rule);
    }
    let colors = anstream::AutoStream::choice(&std::io::stderr());
    let lines = tracing_subscriber::fmt::layer::<S>()
        .with_ansi(colors != anstream::ColorChoice::Never)
        .with_writer(to);
    let lines = match (log.format, brief) {
        (LogFormat::Json, _) => NoteTrace
            .and_then(lines.json().map_event_format(WithTrace))
            .boxed(),
        (LogFormat::Text, true) => lines.event_format(Brief).boxed(),
        (LogFormat::Text, false) => lines.boxed(),
    };
    let context = FilterFn::new(is_context as fn(&Metadata<'_>) -> bool)
        .with_max_level_hint(LevelFilter::INFO);
    let once = FilterFn::new(repeats_nobody as fn(&Metadata<'_>) -> bool);
    Ok(lines.with_filter(filter.and(once).or(context)))
}

/// The trace and the span that events belong to, noted at the span.
#[derive(Default)]
struct Trace {
    trace: Option<String>,
    span: Option<String>,
}

impl Visit for Trace {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "trace.id" => self.trace = Some(format!("{value:?}")),
            "span.id" => self.span = Some(format!("{value:?}")),
            _ => {}
        }
    }
}

/// Notes at each span of a trace which it is.
struct NoteTrace;

impl<S> Layer<S> for NoteTrace
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut trace = Trace::default();
        attributes.record(&mut trace);
        if let Some(span) = context.span(id).filter(|_| trace.trace.is_some()) {
            span.extensions_mut().insert(trace);
        }
    }
}

/// Puts the trace of an event before all else of its line: collectors of logs look for it there.
struct WithTrace<F>(F);

impl<S, N, F> FormatEvent<S, N> for WithTrace<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = String::new();
        self.0
            .format_event(context, Writer::new(&mut line), event)?;
        for span in context.event_scope().into_iter().flatten() {
            let extensions = span.extensions();
            if let Some(Trace {
                trace: Some(trace),
                span: Some(span),
            }) = extensions.get()
                && let Some(rest) = line.strip_prefix('{')
            {
                return write!(
                    writer,
                    r#"{{"trace_id":"{trace}","span_id":"{span}",{rest}"#
                );
            }
        }
        writer.write_str(&line)
    }
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

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use tracing::{error, info, info_span, warn};

    use super::*;

    /// A page on which lines are written.
    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// What is written of these events under this filter.
    fn written(filter: &str, act: impl FnOnce()) -> String {
        let (format, filter) = (LogFormat::Json, filter.to_owned());
        let page = Page::default();
        let to = page.clone();
        let lines = lines(&Log { format, filter }, false, move || to.clone()).unwrap();
        let subscriber = tracing_subscriber::registry().with(lines);
        tracing::subscriber::with_default(subscriber, act);
        let bytes = page.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_line_says_its_trace_whatever_the_filter_lets_through() {
        let act = || {
            let (trace, id) = ("0af7651916cd43dd8448eb211c80319c", "00000000000000ff");
            let span = info_span!("job.run", trace.id = %trace, span.id = %id);
            let _within = span.enter();
            let _other = info_span!("other").entered();
            info!("not of interest");
            warn!("of interest");
        };
        for filter in ["info", "warn", "error,packtrain=warn"] {
            let shown = written(filter, act);
            let last = shown.lines().last().unwrap();
            let begins = r#"{"trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"#;
            assert!(last.starts_with(begins), "{filter}: {last}");
            assert!(
                last.contains("of interest") && !last.contains("not of"),
                "{last}"
            );
            assert_eq!(
                shown.contains("not of interest"),
                filter == "info",
                "{shown}"
            );
        }
        assert_eq!(written("off", act), "");
    }

    #[test]
    fn what_apalis_says_at_each_poll_is_left_to_who_runs_its_workers() {
        let shown = written("trace", || {
            error!(target: "apalis_core::worker", "at each poll");
            info!(target: "apalis_core::worker::context", "at each poll of each lane");
            error!(target: "apalis_core::worker::context", "seldom");
        });
        assert!(
            shown.contains("seldom") && !shown.contains("at each poll"),
            "{shown}"
        );
    }
}
