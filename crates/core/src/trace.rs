//! Traces (W3C trace context): one trace leads from the request over the wait to the work.
//!
//! Ids are made here and not by what exports spans: a job's row carries them from process to
//! process, and the log names them whether anything is exported or not. The ids of a job's spans
//! are derived, so that whoever writes one twice writes the same one.
//!
//! A span is one of `tracing` with the fields `trace.id`, `span.id` and, below another one,
//! `span.parent`; `trace.sampled` stands there when it is false. One that is known only when it is
//! over has `span.start_us` and `span.end_us` and the target [`TARGET`], which the log leaves out.

use std::fmt;

use tracing::info_span;
use uuid::Uuid;

use crate::ids::{JobId, LeaseId, RequestId};
use crate::job::NewJob;
use crate::time::Timestamp;

/// The target of spans that are for a collector alone.
pub const TARGET: &str = "packtrain::trace";
/// Traces of a million of which [`TraceRules::sampled`] says how many are recorded.
pub const MILLION: u32 = 1_000_000;
/// The bits of a trace id that decide whether it is recorded: random ones in every form of id.
const DECIDING_BITS: u32 = 56;

/// What names a trace; never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId(u128);

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// What names a span within its trace; never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpanId(u64);

impl SpanId {
    /// The span of a request.
    pub const fn of_request(request: RequestId) -> Self {
        Self::of(request.as_uuid())
    }

    /// The span in which a job was enqueued.
    pub fn of_enqueue(job: JobId) -> Self {
        Self::of(job.derive("span:enqueue").as_uuid())
    }

    /// The span of the wait that ended with this lease.
    pub fn of_wait(job: JobId, lease: LeaseId) -> Self {
        Self::of(job.derive(&format!("span:wait:{lease}")).as_uuid())
    }

    /// The span of the attempt under this lease.
    pub fn of_run(job: JobId, lease: LeaseId) -> Self {
        Self::of(job.derive(&format!("span:run:{lease}")).as_uuid())
    }

    const fn of(uuid: Uuid) -> Self {
        // The variant of a UUID is among these bits: they are never all 0.
        Self(uuid.as_u64_pair().1)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// A trace, and whether it is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trace {
    /// Its name.
    pub id: TraceId,
    /// Whether its spans are exported.
    pub is_sampled: bool,
}

impl Trace {
    /// The field `trace.sampled`: there only when it says no.
    pub const fn unsampled(&self) -> Option<bool> {
        if self.is_sampled { None } else { Some(false) }
    }
}

/// A place in a trace: what comes of it hangs below this span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace.
    pub trace: Trace,
    /// The span.
    pub span: SpanId,
}

impl TraceContext {
    /// Reads the form that [`Display`](fmt::Display) writes: the header `traceparent`, as W3C has
    /// it. Later versions of that form may say more behind it.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let version = parts.next()?;
        let (trace, span) = (hex(parts.next()?, 32)?, hex(parts.next()?, 16)?);
        let flags = hex(parts.next()?, 2)?;
        let is_whole = version != "00" || parts.next().is_none();
        if hex(version, 2).is_none() || version == "ff" || !is_whole || trace == 0 || span == 0 {
            return None;
        }
        Some(Self {
            trace: Trace {
                id: TraceId(trace),
                is_sampled: flags & 1 == 1,
            },
            span: SpanId(u64::try_from(span).ok()?),
        })
    }

    /// The context that a job carries which is enqueued below this place.
    pub fn of_enqueue(&self, job: JobId) -> Self {
        Self {
            span: SpanId::of_enqueue(job),
            ..*self
        }
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { trace, span } = self;
        write!(
            f,
            "00-{}-{span}-{:02x}",
            trace.id,
            u8::from(trace.is_sampled)
        )
    }
}

/// Hexadecimal digits in lower case, exactly so many.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let is_hex = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let is_whole = text.len() == digits && text.bytes().all(is_hex);
    is_whole.then(|| u128::from_str_radix(text, 16).ok())?
}

/// What a caller says of its trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// Its trace.
    pub trace: TraceId,
    /// The span that calls; a load balancer has none.
    pub span: Option<SpanId>,
    /// Whether the trace is recorded, where that is decided already.
    pub is_sampled: Option<bool>,
}

impl Caller {
    /// Reads the header `traceparent`.
    pub fn w3c(text: &str) -> Option<Self> {
        let TraceContext { trace, span } = TraceContext::parse(text)?;
        Some(Self {
            trace: trace.id,
            span: Some(span),
            is_sampled: Some(trace.is_sampled),
        })
    }

    /// Reads the header `X-Amzn-Trace-Id`, such as
    /// `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1`.
    pub fn xray(text: &str) -> Option<Self> {
        let value = |name: &str| {
            let mut pairs = text
                .split(';')
                .filter_map(|pair| pair.trim().split_once('='));
            pairs.find_map(|(key, value)| (key == name).then_some(value))
        };
        let mut root = value("Root")?.split('-');
        let (version, time) = (root.next()?, hex(root.next()?, 8)?);
        let (rest, end) = (hex(root.next()?, 24)?, root.next());
        let trace = time << 96 | rest;
        if version != "1" || end.is_some() || trace == 0 {
            return None;
        }
        let span = value("Parent").and_then(|text| hex(text, 16));
        let span = span.and_then(|span| u64::try_from(span).ok());
        Some(Self {
            trace: TraceId(trace),
            span: span.filter(|span| *span != 0).map(SpanId),
            is_sampled: match value("Sampled") {
                Some("1") => Some(true),
                Some("0") => Some(false),
                // `?` asks whoever is asked to decide.
                _ => None,
            },
        })
    }
}

/// The form of the ids of new traces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TraceIds {
    /// The id of what the trace begins with: who knows the request or the job knows the trace.
    #[default]
    W3c,
    /// As AWS X-Ray wants it: the first 8 digits are the time in seconds.
    XRay,
}

/// How new traces are named, and how many of them are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceRules {
    /// The form of ids.
    pub ids: TraceIds,
    /// Of a [`MILLION`] traces that begin here, so many are recorded.
    pub sampled: u32,
}

impl Default for TraceRules {
    fn default() -> Self {
        Self {
            ids: TraceIds::default(),
            sampled: MILLION,
        }
    }
}

impl TraceRules {
    /// The trace that begins with the thing of this id, at this time: the same whoever begins it.
    pub fn begin(&self, named: Uuid, at: Timestamp) -> Trace {
        let id = named.as_u128();
        self.decided(TraceId(match self.ids {
            TraceIds::W3c => id,
            TraceIds::XRay => {
                let seconds = u32::try_from(at.timestamp()).unwrap_or_default();
                u128::from(seconds) << 96 | (id << 32) >> 32
            }
        }))
    }

    /// The trace of a caller; whether it is recorded is decided here unless the caller did.
    pub fn go_on(&self, caller: &Caller) -> Trace {
        match caller.is_sampled {
            Some(is_sampled) => Trace {
                id: caller.trace,
                is_sampled,
            },
            None => self.decided(caller.trace),
        }
    }

    /// Decided by the id alone, so that every process decides alike.
    fn decided(&self, id: TraceId) -> Trace {
        let lot = id.0 & ((1 << DECIDING_BITS) - 1);
        let share = u128::from(self.sampled) << DECIDING_BITS;
        Trace {
            id,
            is_sampled: lot * u128::from(MILLION) < share,
        }
    }
}

/// Tells that a job was enqueued below `cause`, in the context that it carries.
pub fn enqueued(job: &NewJob, cause: Option<SpanId>, began: Timestamp, ended: Timestamp) {
    let context = job.trace_parent.as_deref().and_then(TraceContext::parse);
    let Some(TraceContext { trace, span }) = context else {
        return;
    };
    info_span!(
        target: TARGET,
        "job.enqueue",
        trace.id = %trace.id,
        trace.sampled = trace.unsampled(),
        span.id = %span,
        span.parent = cause.map(tracing::field::display),
        span.start_us = began.timestamp_micros(),
        span.end_us = ended.timestamp_micros(),
        job.id = %job.id,
        job.kind = &*job.kind,
        job.lane = job.lane.as_str(),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{ClockIds, IdSource};
    use crate::time::{Clock, SystemClock};

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

    #[test]
    fn a_context_reads_back_what_it_wrote_and_a_malformed_one_is_none() {
        for flags in ["00", "01"] {
            let whole = format!("00-{TRACE}-b7ad6b7169203331-{flags}");
            let read = TraceContext::parse(&whole).unwrap();
            assert_eq!(read.to_string(), whole);
        }
        let later = TraceContext::parse(&format!("01-{TRACE}-b7ad6b7169203331-03-more"));
        assert!(later.unwrap().trace.is_sampled);
        for wrong in [
            "",
            "00",
            "00-1-2-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
            "00-0af7651916cd43dd8448eb211c80319c-+7ad6b7169203331-01",
        ] {
            assert_eq!(TraceContext::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_header_of_x_ray_is_read_whole_or_in_part_and_a_malformed_one_is_none() {
        let root = "Root=1-5759e988-bd862e3fe1be46a994272793";
        let read = Caller::xray(&format!("{root};Parent=53995c3f42cd8ad8;Sampled=0")).unwrap();
        assert_eq!(read.trace.to_string(), "5759e988bd862e3fe1be46a994272793");
        assert_eq!(read.span.unwrap().to_string(), "53995c3f42cd8ad8");
        assert_eq!(read.is_sampled, Some(false));
        // As a load balancer writes it, alone or before what it found.
        for text in [
            root.to_owned(),
            format!("Self=1-67891234-12456789abcdef012345678; {root}"),
        ] {
            let read = Caller::xray(&text).unwrap();
            assert_eq!((read.span, read.is_sampled), (None, None), "{text}");
        }
        for wrong in [
            "",
            "Root=1-5759e988",
            "Root=2-5759e988-bd862e3fe1be46a994272793",
            "Root=x",
        ] {
            assert_eq!(Caller::xray(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn x_ray_ids_begin_with_the_time() {
        let ids = ClockIds::new(SystemClock);
        let rules = TraceRules {
            ids: TraceIds::XRay,
            ..TraceRules::default()
        };
        let (named, at) = (ids.uuid(), SystemClock.now());
        let id = rules.begin(named, at).id.to_string();
        assert_eq!(id[..8], format!("{:08x}", at.timestamp()));
        assert_eq!(id[8..], named.simple().to_string()[8..]);
        let w3c = TraceRules::default().begin(named, at).id;
        assert_eq!(w3c.to_string(), named.simple().to_string());
    }

    #[test]
    fn the_share_of_recorded_traces_is_kept_and_decided_by_the_id_alone() {
        let ids = ClockIds::new(SystemClock);
        let all: Vec<Uuid> = (0..4_000).map(|_| ids.uuid()).collect();
        let recorded = |sampled, form| {
            let rules = TraceRules { ids: form, sampled };
            let mut count = 0;
            for named in &all {
                let trace = rules.begin(*named, SystemClock.now());
                let caller = Caller {
                    trace: trace.id,
                    span: None,
                    is_sampled: None,
                };
                assert_eq!(rules.go_on(&caller), trace);
                count += usize::from(trace.is_sampled);
            }
            count
        };
        for form in [TraceIds::W3c, TraceIds::XRay] {
            assert_eq!(recorded(0, form), 0);
            assert_eq!(recorded(MILLION, form), all.len());
            // 1,000 are expected; 7 times the standard deviation of 27 either way.
            let quarter = recorded(MILLION / 4, form);
            assert!((810..=1_190).contains(&quarter), "{quarter}");
        }
    }

    #[test]
    fn the_spans_of_a_job_have_ids_of_their_own_that_repeat() {
        let ids: &dyn IdSource = &ClockIds::new(SystemClock);
        let (job, one, two) = (ids.job(), ids.lease(), ids.lease());
        let spans = [
            SpanId::of_enqueue(job),
            SpanId::of_wait(job, one),
            SpanId::of_run(job, one),
            SpanId::of_wait(job, two),
            SpanId::of_run(job, two),
        ];
        let distinct: std::collections::HashSet<_> = spans.into_iter().collect();
        assert_eq!(distinct.len(), spans.len());
        assert_eq!(SpanId::of_run(job, one), spans[2]);
    }
}
