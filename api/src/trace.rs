//! Trace context (W3C): one trace covers the request, the wait and the work.

use http::HeaderMap;
use packtrain_core::ids::RequestId;

/// The header that carries a caller's trace.
const TRACEPARENT: &str = "traceparent";

/// The trace context of what a request causes: the caller's trace if there is a valid one, else
/// one named after the request; the span is the request's own.
pub(crate) fn parent(headers: &HeaderMap, id: RequestId) -> String {
    let own = id.as_uuid().simple().to_string();
    let span = own.get(16..).unwrap_or_default();
    let caller = headers
        .get(TRACEPARENT)
        .and_then(|value| value.to_str().ok());
    match caller.and_then(read) {
        Some((trace, flags)) => format!("00-{trace}-{span}-{flags}"),
        None => format!("00-{own}-{span}-01"),
    }
}

/// Trace id and flags of a context, if it is one.
fn read(text: &str) -> Option<(&str, &str)> {
    let mut parts = text.split('-');
    let (version, trace) = (parts.next()?, parts.next()?);
    let (span, flags) = (parts.next()?, parts.next()?);
    let is_hex = |part: &str, digits: usize| {
        part.len() == digits && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_zero = |part: &str| part.bytes().all(|b| b == b'0');
    // Later versions may append parts; version 00 has exactly four.
    let is_known = is_hex(version, 2) && version != "ff";
    let is_whole = version != "00" || parts.next().is_none();
    let has_ids = is_hex(trace, 32) && is_hex(span, 16) && !is_zero(trace) && !is_zero(span);
    (is_known && is_whole && has_ids && is_hex(flags, 2)).then_some((trace, flags))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

    #[test]
    fn a_callers_trace_is_kept_and_a_malformed_one_is_not() {
        let whole = format!("00-{TRACE}-b7ad6b7169203331-01");
        assert_eq!(read(&whole), Some((TRACE, "01")));
        for wrong in [
            "",
            "00",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_request_without_a_trace_begins_one_named_after_itself() {
        let id: RequestId = format!("req_{TRACE}").parse().unwrap();
        let made = parent(&HeaderMap::new(), id);
        assert_eq!(made, format!("00-{TRACE}-8448eb211c80319c-01"));
        assert!(read(&made).is_some());
    }
}
