//! Where an attempt stands in its trace: below the enqueueing of its job, beside its wait.

use packtrain_core::ids::LeaseId;
use packtrain_core::job::{Lane, NewJob};
use packtrain_core::ports::{Claimed, End, Settlement};
use packtrain_core::time::Timestamp;
use packtrain_core::trace::{self, SpanId, TARGET, TraceContext, TraceRules};
use tracing::field::{self, Empty};
use tracing::{Span, info_span};

/// Follow-ups of one end whose enqueueing is told to a collector; a large batch would drown all
/// else, and its members' own spans show them.
const TOLD_MAX: usize = 64;

/// An attempt's place.
pub(crate) struct Traced {
    /// The attempt's own span.
    pub(crate) own: TraceContext,
    /// The span in which its job was enqueued; none when the trace begins with the job.
    parent: Option<SpanId>,
}

impl Traced {
    /// In the trace that the job carries. A job without one begins a trace that is named after it,
    /// so that all its attempts are in one.
    pub(crate) fn of(job: &Claimed, lease: LeaseId, rules: &TraceRules) -> Self {
        let carried = job.trace_parent.as_deref().and_then(TraceContext::parse);
        let trace = match &carried {
            Some(carried) => carried.trace,
            None => rules.begin(job.id.as_uuid(), job.created_at),
        };
        Self {
            own: TraceContext {
                trace,
                span: SpanId::of_run(job.id, lease),
            },
            parent: carried.map(|carried| carried.span),
        }
    }

    /// The attempt's span.
    pub(crate) fn span(&self, job: &Claimed, lane: Option<Lane>) -> Span {
        let trace = &self.own.trace;
        info_span!(
            "job.run",
            job.id = %job.id,
            job.kind = %job.kind,
            job.lane = lane.map(Lane::as_str),
            job.attempt = job.attempts + 1,
            job.outcome = Empty,
            job.fault = Empty,
            trace.id = %trace.id,
            trace.sampled = trace.unsampled(),
            span.id = %self.own.span,
            span.parent = self.parent.map(field::display),
        )
    }

    /// Tells of the wait before it, from when the job was ready.
    pub(crate) fn tell_wait(
        &self,
        job: &Claimed,
        lease: LeaseId,
        lane: Option<Lane>,
        claimed_at: Timestamp,
    ) {
        let began = claimed_at - job.waited;
        let trace = &self.own.trace;
        info_span!(
            target: TARGET,
            "job.wait",
            trace.id = %trace.id,
            trace.sampled = trace.unsampled(),
            span.id = %SpanId::of_wait(job.id, lease),
            span.parent = self.parent.map(field::display),
            span.start_us = began.timestamp_micros(),
            span.end_us = claimed_at.timestamp_micros(),
            job.id = %job.id,
            job.kind = %job.kind,
            job.lane = lane.map(Lane::as_str),
            job.attempt = job.attempts + 1,
            job.ready_ms = u64::try_from(job.waited.as_millis()).unwrap_or(u64::MAX),
        );
    }
}

/// Notes on the span of an attempt how it ended. What a fault says may be a person's own: its code
/// is enough.
pub(crate) fn note_end(end: &End) {
    let span = Span::current();
    span.record("job.outcome", outcome(end));
    if let End::Retry { fault, .. } | End::Snooze { fault, .. } | End::Dead { fault } = end {
        span.record("job.fault", fault.code);
    }
}

/// How an attempt ended, in one word.
pub(crate) const fn outcome(end: &End) -> &'static str {
    match end {
        End::Succeeded(_) => "succeeded",
        End::Retry { .. } => "retry",
        End::Snooze { .. } => "snooze",
        End::Dead { .. } => "dead",
        End::Cancelled => "cancelled",
        End::Expired => "expired",
        End::Released => "released",
    }
}

/// Tells that jobs were enqueued with the end of the one that caused them.
pub(crate) fn tell_follow_ups(
    settlement: &Settlement,
    then: &[NewJob],
    began: Timestamp,
    ended: Timestamp,
) {
    let cause = SpanId::of_run(settlement.job, settlement.lease);
    for job in then.iter().take(TOLD_MAX) {
        trace::enqueued(job, Some(cause), began, ended);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use packtrain_core::ids::{ClockIds, IdSource, TenantId};
    use packtrain_core::job::Bound;
    use packtrain_core::ports::Due;
    use packtrain_core::time::{Clock, SystemClock};

    use super::*;

    fn job(ids: &dyn IdSource, trace_parent: Option<String>) -> Claimed {
        Claimed {
            id: ids.job(),
            tenant: TenantId::SYSTEM,
            kind: "test.step".into(),
            schema: 1,
            payload: serde_json::Value::Null,
            attempts: 0,
            attempts_max: 3,
            created_at: SystemClock.now(),
            waited: Duration::ZERO,
            trace_parent,
            due: Due::Run,
            bound: Bound::default(),
        }
    }

    #[test]
    fn the_attempts_of_a_job_are_several_runs_in_one_trace() {
        let ids: &dyn IdSource = &ClockIds::new(SystemClock);
        let rules = TraceRules::default();
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
        for carried in [Some(parent.to_owned()), None, Some("00-1-2-01".to_owned())] {
            let job = job(ids, carried.clone());
            let [one, two] =
                [ids.lease(), ids.lease()].map(|lease| Traced::of(&job, lease, &rules));
            assert_eq!(one.own.trace, two.own.trace);
            assert_ne!(one.own.span, two.own.span);
            let Some(read) = carried.as_deref().and_then(TraceContext::parse) else {
                let id = one.own.trace.id.to_string();
                assert_eq!(
                    (id, one.parent),
                    (job.id.as_uuid().simple().to_string(), None)
                );
                continue;
            };
            assert_eq!((one.own.trace, one.parent), (read.trace, Some(read.span)));
        }
    }
}
