//! Tokens that wrap each other, where the law sees one asset in them.

use std::collections::HashMap;

use packtrain_core::ledger::{Asset, RowKind};

use super::input::Input;
use super::value::asset_leg;

/// Which tokens share a pool with which: those that a row wraps unit for unit.
pub(super) fn of(input: &Input<'_>) -> HashMap<Asset, Asset> {
    let mut roots: HashMap<Asset, Asset> = HashMap::new();
    let root = |roots: &HashMap<Asset, Asset>, asset: &Asset| {
        let mut root = Asset::clone(asset);
        while let Some(next) = roots.get(&root) {
            root = Asset::clone(next);
        }
        root
    };
    for row in input.rows() {
        if !matches!(row.kind, RowKind::Wrap | RowKind::Unwrap) {
            continue;
        }
        if let (Some(sent), Some(received)) = (
            asset_leg(row.sent.as_ref()),
            asset_leg(row.received.as_ref()),
        ) {
            let (a, b) = (root(&roots, &sent.asset), root(&roots, &received.asset));
            if sent.amount == received.amount && a != b {
                roots.insert(b, a);
            }
        }
    }
    let names: Vec<_> = roots.keys().cloned().collect();
    names
        .into_iter()
        .map(|name| (Asset::clone(&name), root(&roots, &name)))
        .collect()
}
