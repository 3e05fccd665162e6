//! Answers to GET that were written down, by host, path and query.

use bytes::Bytes;

/// A host by its short name, a path, and the answer; none of them has a query.
const FILES: [(&str, &str, &[u8]); 4] = [
    (
        "llama-api",
        "/v2/chains",
        include_bytes!("../../fixtures/llama/chains.json"),
    ),
    (
        "llama-api",
        "/overview/fees",
        include_bytes!("../../fixtures/llama/fees.json"),
    ),
    (
        "llama-api",
        "/overview/dexs",
        include_bytes!("../../fixtures/llama/dexs.json"),
    ),
    (
        "llama-yields",
        "/pools",
        include_bytes!("../../fixtures/llama/pools.json"),
    ),
];

/// The answer of a host to a path such as `/v2/chains`. What a path names beyond the one that is
/// written down are things that the answer has or has not.
pub(super) fn answer(host: &str, path: &str) -> Option<Bytes> {
    let is_meant = |(one, known, _): &&(&str, &str, &'static [u8])| {
        let rest = path.strip_prefix(known);
        *one == host && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let (_, _, text) = FILES.iter().find(is_meant)?;
    Some(Bytes::from_static(text))
}
