//! Tokens that wrap each other, where the law sees one asset in them.

use std::collections::HashMap;

use packtrain_core::ledger::{Asset, RowKind};

use super::input::Input;
use super::value::asset_leg;

/// Which tokens share a pool with which: those that a row wraps unit for unit.
pub(super) fn of(input: &Input<'_>) -> HashMap<Asset, Asset> {
    let mut roots: HashMap<Asset, Asset> = HashMap::new();
    for row in input.rows() {
        if !matches!(row.kind, RowKind::Wrap | RowKind::Unwrap) {
            continue;
        }
        if let (Some(sent), Some(received)) = (
            asset_leg(row.sent.as_ref()),
            asset_leg(row.received.as_ref()),
        ) {
            let a = root(&mut roots, &sent.asset);
            let b = root(&mut roots, &received.asset);
            if sent.amount == received.amount && a != b {
                roots.insert(b, a);
            }
        }
    }
    let names: Vec<_> = roots.keys().cloned().collect();
    names
        .into_iter()
        .map(|name| (Asset::clone(&name), root(&mut roots, &name)))
        .collect()
}

/// The token whose pool another one shares. What was passed on the way goes on to the next but one,
/// so that a chain of tokens is not walked again in full.
fn root(roots: &mut HashMap<Asset, Asset>, asset: &Asset) -> Asset {
    let mut root = Asset::clone(asset);
    while let Some(next) = roots.get(&root).cloned() {
        match roots.get(&next).cloned() {
            Some(after) => {
                roots.insert(root, Asset::clone(&after));
                root = after;
            }
            None => root = next,
        }
    }
    root
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many tokens are passed on the way to the one whose pool is shared.
    fn steps(roots: &HashMap<Asset, Asset>, asset: &str) -> usize {
        let (mut steps, mut at) = (0, asset);
        while let Some(next) = roots.get(at) {
            (steps, at) = (steps + 1, next);
        }
        steps
    }

    #[test]
    fn a_long_chain_of_tokens_is_halved_by_each_walk_and_ends_where_it_did() {
        let name = |place: usize| Asset::from(format!("X{place}"));
        let mut roots: HashMap<Asset, Asset> = (0..1_000)
            .map(|place| (name(place), name(place + 1)))
            .collect();
        let mut walked = Vec::new();
        for _ in 0..11 {
            walked.push(steps(&roots, "X0"));
            assert_eq!(root(&mut roots, &name(0)), name(1_000));
        }
        assert_eq!(walked, [1_000, 500, 250, 125, 63, 32, 16, 8, 4, 2, 1]);
    }
}
