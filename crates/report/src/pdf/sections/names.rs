//! The asset, what happened to it, and the wallet: broken into lines that fit one cell.

use packtrain_core::ledger::RowKind;
use packtrain_tax::outcome::Disposal;

use crate::pdf::row::{BESIDE, height_of};
use crate::pdf::table::ROW_OF_TWO;
use crate::pdf::theme::{CELL, SUB};
use crate::words;

/// Lines that the name of an asset or of a wallet may take.
const NAME_LINES_MAX: usize = 12;

/// What stands in the cell of the asset, in lines that fit.
pub(super) struct Names {
    /// The asset's name.
    pub(super) asset: Vec<String>,
    /// What happened, where it has room behind the asset.
    pub(super) beside: String,
    /// The wallet; what happened over it, where that has no room behind the asset.
    pub(super) under: Vec<String>,
}

impl Names {
    pub(super) fn new(asset: &str, what: &str, wallet: &str, width: f32) -> Self {
        let asset = CELL.strong().wrap_to(asset, width, NAME_LINES_MAX);
        let last = asset.last().map_or("", String::as_str);
        let taken = CELL.strong().width(last) + BESIDE + CELL.width(what);
        let beside = if taken <= width { what } else { "" };
        let under = match (beside.is_empty(), format!("{what} · {wallet}")) {
            (true, both) if SUB.width(&both) <= width => vec![both],
            // Each on lines of its own, and no dot at the end of one.
            (true, _) => {
                let mut lines = SUB.wrap_to(what, width, NAME_LINES_MAX);
                lines.extend(SUB.wrap_to(wallet, width, NAME_LINES_MAX));
                lines
            }
            (false, _) => SUB.wrap_to(wallet, width, NAME_LINES_MAX),
        };
        Self {
            asset,
            beside: beside.to_owned(),
            under,
        }
    }

    pub(super) fn height(&self) -> f32 {
        height_of(self.asset.len(), self.under.len()).max(ROW_OF_TWO)
    }
}

/// What [`Names`] are made of.
pub(super) type NamesKey<'a> = (&'a str, RowKind, bool, &'a str);

pub(super) fn key<'a>(line: &'a Disposal) -> NamesKey<'a> {
    (&line.asset, line.kind, line.is_fee, &line.wallet)
}

pub(super) fn what(line: &Disposal) -> String {
    if line.is_fee {
        "fee".to_owned()
    } else {
        words::kind(line.kind).to_lowercase()
    }
}
