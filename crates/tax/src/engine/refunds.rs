//! What a transaction gives back to the wallet that sent it, such as the rest of a swap: it comes
//! from what was sent, whichever of the two rows stands first.

use std::collections::HashMap;

use packtrain_core::ledger::{Row, RowKind};

/// The hash, wallet and asset of half a transfer, and whether it leaves; none of other rows.
fn half(row: &Row) -> Option<((&str, &str, &str), bool)> {
    let (leg, leaves) = match row.kind {
        RowKind::Withdrawal => (&row.sent, true),
        RowKind::Deposit => (&row.received, false),
        _ => return None,
    };
    let key = (row.tx_hash.as_deref()?, &*row.wallet, &*leg.as_ref()?.asset);
    Some((key, leaves))
}

/// The order with each deposit behind the withdrawals of the same hash, wallet, asset and moment;
/// all other rows keep their order. None where no deposit stands before such a withdrawal.
pub(super) fn behind<'r, P: Copy>(order: &[P], row: impl Fn(&P) -> &'r Row) -> Option<Vec<P>> {
    let mut moved = Vec::new();
    let moments = order.chunk_by(|a, b| row(a).at == row(b).at);
    let mut start = 0;
    for moment in moments {
        if moment.len() > 1 {
            moved.extend(targets(moment, &row).map(|(from, to)| (start + from, start + to)));
        }
        start += moment.len();
    }
    if moved.is_empty() {
        return None;
    }
    let mut ranks: Vec<(usize, bool)> = (0..order.len()).map(|index| (index, false)).collect();
    for (from, to) in moved {
        ranks[from] = (to, true);
    }
    let mut order: Vec<_> = ranks.into_iter().zip(order.iter().copied()).collect();
    // Stable: deposits behind one withdrawal keep their order.
    order.sort_by_key(|(rank, _)| *rank);
    Some(order.into_iter().map(|(_, place)| place).collect())
}

/// Of each deposit of a moment that stands before such a withdrawal: its place, and that of the
/// last withdrawal.
fn targets<'r, P>(
    moment: &[P],
    row: impl Fn(&P) -> &'r Row,
) -> impl Iterator<Item = (usize, usize)> {
    let mut last = HashMap::new();
    let mut deposits = Vec::new();
    for (index, place) in moment.iter().enumerate() {
        match half(row(place)) {
            Some((key, true)) => _ = last.insert(key, index),
            Some((key, false)) => deposits.push((key, index)),
            None => {}
        }
    }
    deposits.into_iter().filter_map(move |(key, index)| {
        let last = *last.get(&key)?;
        (index < last).then_some((index, last))
    })
}
