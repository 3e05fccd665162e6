//! Records that are parts of one transaction, put together into one row.

use std::collections::HashMap;

use packtrain_core::ledger::{Asset, Leg, Row, RowId, RowKind};
use packtrain_core::quantity::Quantity;
use rayon::prelude::*;

use super::entry;
use super::sheet::{Flaw, Report};
use super::sources::neutral::needs;

/// Rows after they were put together, and what did not fit.
#[derive(Default)]
pub(super) struct Joined {
    pub(super) rows: Vec<Row>,
    /// Lines whose records are no transaction, each with what is wrong.
    pub(super) flaws: Vec<(u32, Flaw)>,
}

impl From<Vec<Row>> for Joined {
    fn from(rows: Vec<Row>) -> Self {
        Self {
            rows,
            flaws: Vec::new(),
        }
    }
}

/// Rows by a key, in order of the first row of each; rows without a key stand alone.
pub(super) fn groups(rows: Vec<Row>, mut key: impl FnMut(&Row) -> Option<String>) -> Vec<Vec<Row>> {
    let mut groups: Vec<Vec<Row>> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for row in rows {
        match key(&row) {
            None => groups.push(vec![row]),
            Some(key) => match places.get(&key) {
                Some(place) => groups[*place].push(row),
                None => {
                    places.insert(key, groups.len());
                    groups.push(vec![row]);
                }
            },
        }
    }
    groups
}

/// Gives rows that share an id, such as the fills of one order, ids of their own.
pub(super) fn number(rows: &mut [Row]) {
    let mut counts: HashMap<RowId, u32> = HashMap::new();
    for row in rows {
        let count = counts.entry(row.id.clone()).or_insert(0);
        *count += 1;
        if *count > 1 {
            row.id = format!("{}-{count}", row.id).into();
        }
    }
}

/// Rows as they are but for [`number`].
pub(super) fn numbered(mut rows: Vec<Row>) -> Joined {
    number(&mut rows);
    Joined::from(rows)
}

/// One row of what was sent and what was received in one moment, and further fees as rows.
pub(super) fn net(group: Vec<Row>) -> Option<Vec<Row>> {
    let mut sums: Vec<(Asset, Quantity)> = Vec::new();
    let mut fees = Fees::default();
    let mut row = group.first()?.clone();
    for part in group {
        if let Some(fee) = part.fee {
            fees.add(fee)?;
        }
        let (leg, leaves) = match (part.sent, part.received) {
            (Some(leg), _) => (leg, true),
            (_, Some(leg)) => (leg, false),
            _ => continue,
        };
        let signed = if leaves {
            Quantity::ZERO.checked_sub(leg.amount).ok()?
        } else {
            leg.amount
        };
        let has_two = sums.len() == 2;
        match sums.iter_mut().find(|(asset, _)| *asset == leg.asset) {
            Some((_, sum)) => *sum = sum.checked_add(signed).ok()?,
            // One asset for another is a swap; what moves three is none, however many more.
            None if has_two => return None,
            None => sums.push((leg.asset, signed)),
        }
    }
    let [(first, a), (second, b)] = sums.as_slice() else {
        return None;
    };
    let (out, back) = match (a.is_negative(), b.is_negative()) {
        (true, false) => ((first, a), (second, b)),
        (false, true) => ((second, b), (first, a)),
        _ => return None,
    };
    let leg = |(asset, amount): (&Asset, &Quantity)| Leg {
        amount: amount.abs(),
        asset: Asset::clone(asset),
    };
    let (sent, received) = (leg(out), leg(back));
    row.kind = entry::exchange(&sent, &received);
    (row.sent, row.received) = (Some(sent), Some(received));
    let mut fees = fees.legs.into_iter();
    row.fee = fees.next();
    let more = fees.enumerate().map(|(index, fee)| Row {
        id: format!("{}-fee-{}", row.id, index + 2).into(),
        kind: RowKind::Fee,
        sent: None,
        received: None,
        fee: Some(fee),
        ..row.clone()
    });
    let more: Vec<_> = more.collect();
    Some([vec![row], more].concat())
}

/// Fees of one moment, one of each asset, in order of the first of each.
#[derive(Default)]
struct Fees {
    legs: Vec<Leg>,
    place_of: HashMap<Asset, usize>,
}

impl Fees {
    /// None where the sum leaves the range of exact arithmetic.
    fn add(&mut self, fee: Leg) -> Option<()> {
        match self.place_of.get(&fee.asset) {
            Some(place) => {
                let known = &mut self.legs[*place];
                known.amount = known.amount.checked_add(fee.amount).ok()?;
            }
            None => {
                let place = self.legs.len();
                self.place_of.insert(Asset::clone(&fee.asset), place);
                self.legs.push(fee);
            }
        }
        Some(())
    }
}

/// Takes out the rows that lack what their kind cannot do without, each with an error.
pub(super) fn complete(joined: &mut Joined) {
    if joined.rows.par_iter().all(|row| missing(row).is_none()) {
        return;
    }
    let flaws = &mut joined.flaws;
    joined.rows.retain(|row| {
        let Some((code, part)) = missing(row) else {
            return true;
        };
        let message = format!("a row of the kind {} without {part}", row.kind);
        let help = "write the row in the product's own format";
        flaws.push((row.line, Flaw::new(code, message, help)));
        false
    });
}

/// The part that a row lacks.
fn missing(row: &Row) -> Option<(&'static str, &'static str)> {
    let (sent, received) = needs(row.kind);
    match row.kind {
        _ if sent && row.sent.is_none() => Some(("sent_missing", "what was sent")),
        _ if received && row.received.is_none() => Some(("received_missing", "what was received")),
        RowKind::Fee if row.fee.is_none() && row.sent.is_none() => {
            Some(("fee_missing", "its amount"))
        }
        RowKind::MarginPnl if row.value.is_none() => Some(("value_missing", "its result")),
        _ => None,
    }
}

/// Adds the errors of records that did not fit, in file order.
pub(super) fn tell(text: &str, mut flaws: Vec<(u32, Flaw)>, report: &mut Report) {
    if flaws.is_empty() {
        return;
    }
    flaws.sort_by_key(|(line, _)| *line);
    let mut lines = (1_u32..).zip(text.split_inclusive('\n'));
    for (number, flaw) in flaws {
        let raw = lines
            .find(|(line, _)| *line == number)
            .map_or("", |(_, raw)| raw);
        report.bad_rows = report.bad_rows.saturating_add(1);
        report.errors_total = report.errors_total.saturating_add(1);
        report.errors.push(flaw.into_error(number, raw, None, None));
    }
    // Stable: errors of one row keep the order in which they were found.
    report.errors.sort_by_key(|error| error.line);
}
