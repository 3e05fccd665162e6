//! Where a request stands in a trace: in its caller's, if there is one, else in one of its own.

use http::HeaderMap;
use packtrain_core::ids::RequestId;
use packtrain_core::time::Timestamp;
use packtrain_core::trace::{Caller, SpanId, TraceContext, TraceIds, TraceRules};

/// The header that carries a caller's trace, as W3C has it.
const TRACEPARENT: &str = "traceparent";
/// The header in which load balancers of AWS name a trace.
const XRAY: &str = "x-amzn-trace-id";

/// A request's place in a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// The request's own span.
    pub(crate) own: TraceContext,
    /// The span of its caller.
    pub(crate) caller: Option<SpanId>,
}

impl Place {
    /// What the headers say; one that cannot be read counts as none. Where traces have ids of
    /// X-Ray its header goes first: the load balancer before us writes it.
    pub(crate) fn of(
        rules: &TraceRules,
        headers: &HeaderMap,
        id: RequestId,
        at: Timestamp,
    ) -> Self {
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let w3c = || header(TRACEPARENT).and_then(Caller::w3c);
        let caller = match rules.ids {
            TraceIds::W3c => w3c(),
            TraceIds::XRay => header(XRAY).and_then(Caller::xray).or_else(w3c),
        };
        let trace = match &caller {
            Some(caller) => rules.go_on(caller),
            None => rules.begin(id.as_uuid(), at),
        };
        Self {
            own: TraceContext {
                trace,
                span: SpanId::of_request(id),
            },
            caller: caller.and_then(|caller| caller.span),
        }
    }
}

#[cfg(test)]
mod tests {
    use packtrain_core::time::{Clock, SystemClock};

    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const ROOT: &str = "Root=1-5759e988-bd862e3fe1be46a994272793";

    fn place(ids: TraceIds, headers: &[(&'static str, &str)]) -> Place {
        let rules = TraceRules {
            ids,
            ..TraceRules::default()
        };
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        let id = format!("req_{TRACE}").parse().unwrap();
        Place::of(&rules, &map, id, SystemClock.now())
    }

    #[test]
    fn a_request_without_a_trace_begins_one_named_after_itself_and_so_does_one_with_a_bad_one() {
        for headers in [&[][..], &[(TRACEPARENT, "00-1-2-01")], &[(XRAY, ROOT)]] {
            let made = place(TraceIds::W3c, headers);
            assert_eq!(
                made.own.to_string(),
                format!("00-{TRACE}-8448eb211c80319c-01")
            );
            assert_eq!(made.caller, None);
        }
    }

    #[test]
    fn a_caller_s_trace_goes_on_and_its_word_on_recording_holds() {
        let caller = format!("00-{}-b7ad6b7169203331-00", "ab".repeat(16));
        let made = place(TraceIds::W3c, &[(TRACEPARENT, &caller)]);
        assert_eq!(
            made.own.to_string(),
            format!("00-{}-8448eb211c80319c-00", "ab".repeat(16))
        );
        assert_eq!(made.caller.unwrap().to_string(), "b7ad6b7169203331");
    }

    #[test]
    fn with_ids_of_x_ray_the_header_of_the_load_balancer_goes_first() {
        let caller = format!("00-{}-b7ad6b7169203331-01", "ab".repeat(16));
        let both = place(TraceIds::XRay, &[(TRACEPARENT, &caller), (XRAY, ROOT)]);
        assert_eq!(
            both.own.trace.id.to_string(),
            "5759e988bd862e3fe1be46a994272793"
        );
        assert_eq!(both.caller, None);
        let one = place(TraceIds::XRay, &[(TRACEPARENT, &caller), (XRAY, "Root=?")]);
        assert_eq!(one.own.trace.id.to_string(), "ab".repeat(16));
    }
}
