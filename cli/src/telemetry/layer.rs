//! Hears of spans as the product opens and closes them, and queues those that are over.

use std::fmt::{Debug, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use packtrain_core::time::{Clock, SystemClock};
use packtrain_core::trace::TARGET;
use tokio::sync::mpsc;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::FilterFn;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::log::SPANS;

/// Which spans are for a collector.
pub(super) fn wanted() -> FilterFn {
    let is_wanted = |metadata: &Metadata<'_>| {
        let is_ours = metadata.target() == TARGET || SPANS.contains(&metadata.name());
        metadata.is_span() && is_ours
    };
    FilterFn::new(is_wanted as fn(&Metadata<'_>) -> bool).with_max_level_hint(LevelFilter::INFO)
}

/// A value of a span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Number(i64),
    Truth(bool),
}

/// A span of a trace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Traced {
    pub(super) name: &'static str,
    pub(super) trace: u128,
    pub(super) span: u64,
    pub(super) parent: Option<u64>,
    /// In microseconds since 1970.
    pub(super) start_us: i64,
    pub(super) end_us: i64,
    pub(super) values: Vec<(&'static str, Value)>,
    is_unsampled: bool,
}

impl Traced {
    fn take(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("trace.id", Value::Text(id)) => self.trace = number(&id),
            ("span.id", Value::Text(id)) => self.span = number(&id),
            ("span.parent", Value::Text(id)) => self.parent = Some(number(&id)),
            ("span.start_us", Value::Number(us)) => self.start_us = us,
            ("span.end_us", Value::Number(us)) => self.end_us = us,
            ("trace.sampled", Value::Truth(is_sampled)) => self.is_unsampled = !is_sampled,
            (name, value) => self.values.push((name, value)),
        }
    }
}

/// An id in hexadecimal digits; 0, which no id is, for anything else.
fn number<T: TryFrom<u128> + Default>(digits: &str) -> T {
    let number = u128::from_str_radix(digits, 16).unwrap_or_default();
    T::try_from(number).unwrap_or_default()
}

impl Visit for Traced {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let mut text = String::new();
        // Writing to a text does not fail.
        let _ = write!(text, "{value:?}");
        self.take(field, Value::Text(text));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.take(field, Value::Text(value.to_owned()));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.take(field, Value::Number(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.take(
            field,
            Value::Number(i64::try_from(value).unwrap_or(i64::MAX)),
        );
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.take(field, Value::Truth(value));
    }
}

/// The layer.
pub(super) struct Spans {
    queue: mpsc::Sender<Traced>,
    overflow: Arc<AtomicU64>,
}

impl Spans {
    /// Queues what is over; what does not fit is counted in `overflow` as well.
    pub(super) const fn new(queue: mpsc::Sender<Traced>, overflow: Arc<AtomicU64>) -> Self {
        Self { queue, overflow }
    }
}

impl<S> Layer<S> for Spans
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut traced = Traced::default();
        attributes.record(&mut traced);
        let is_recorded = traced.trace != 0 && traced.span != 0 && !traced.is_unsampled;
        let Some(span) = context.span(id).filter(|_| is_recorded) else {
            return;
        };
        traced.name = attributes.metadata().name();
        if traced.start_us == 0 {
            traced.start_us = SystemClock.now().timestamp_micros();
        }
        span.extensions_mut().insert(traced);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else {
            return;
        };
        if let Some(traced) = span.extensions_mut().get_mut::<Traced>() {
            values.record(traced);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let span = context.span(&id);
        let Some(mut traced) = span.and_then(|span| span.extensions_mut().remove::<Traced>())
        else {
            return;
        };
        if traced.end_us == 0 {
            traced.end_us = SystemClock.now().timestamp_micros();
        }
        // A clock that stepped back must not make a span that ends before it begins.
        traced.end_us = traced.end_us.max(traced.start_us);
        if self.queue.try_send(traced).is_err() {
            self.overflow.fetch_add(1, Ordering::Relaxed);
            metrics::counter!("packtrain_spans_dropped_total", "reason" => "queue_full")
                .increment(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;
    use tracing::{info_span, subscriber};
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

    /// What is queued of what `act` does, with room for so many.
    fn queued(room: usize, act: impl FnOnce()) -> Vec<Traced> {
        let (queue, mut spans) = mpsc::channel(room);
        let layer = Spans::new(queue, Arc::default()).with_filter(wanted());
        subscriber::with_default(tracing_subscriber::registry().with(layer), act);
        std::iter::from_fn(|| spans.try_recv().ok()).collect()
    }

    #[test]
    fn a_span_is_queued_when_it_is_over_with_what_was_noted_on_it() {
        let all = queued(8, || {
            let outer = info_span!(
                "job.run",
                trace.id = TRACE,
                span.id = "00000000000000ff",
                span.parent = tracing::field::display("b7ad6b7169203331"),
                job.attempt = 2_u16,
                job.outcome = tracing::field::Empty,
            );
            info_span!(
                target: TARGET,
                "job.wait",
                trace.id = TRACE,
                span.id = "0000000000000001",
                span.start_us = 5_i64,
                span.end_us = 7_i64,
            );
            outer.record("job.outcome", "retry");
        });
        let [wait, run] = &all[..] else {
            panic!("{all:?}");
        };
        assert_eq!((wait.name, wait.start_us, wait.end_us), ("job.wait", 5, 7));
        assert_eq!(
            format!("{:032x} {:x}", run.trace, run.span),
            format!("{TRACE} ff")
        );
        assert_eq!(run.parent, Some(0xb7ad_6b71_6920_3331));
        let values = [
            ("job.attempt", Value::Number(2)),
            ("job.outcome", Value::Text("retry".to_owned())),
        ];
        assert_eq!(run.values, values);
        assert!(run.start_us > 7 && run.end_us >= run.start_us);
    }

    #[test]
    fn what_is_not_sampled_or_no_span_of_a_trace_is_not_queued() {
        let all = queued(8, || {
            info_span!(
                "job.run",
                trace.id = TRACE,
                span.id = "01",
                trace.sampled = false
            );
            info_span!("job.run", job.attempt = 1_u16);
            info_span!("other", trace.id = TRACE, span.id = "01");
            tracing::info!(target: TARGET, "an event");
        });
        assert_eq!(all, []);
    }

    #[test]
    fn what_does_not_fit_is_dropped_and_counted() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let all = metrics::with_local_recorder(&recorder, || {
            queued(2, || {
                for _ in 0..5 {
                    info_span!("job.run", trace.id = TRACE, span.id = "01");
                }
            })
        });
        assert_eq!(all.len(), 2);
        let shown = recorder.handle().render();
        let line = "packtrain_spans_dropped_total{reason=\"queue_full\"} 3\n";
        assert!(shown.contains(line), "{shown}");
    }
}
