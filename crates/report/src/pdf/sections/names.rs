//! The asset, what happened to it, and the wallet: broken into lines that fit one cell.

use packtrain_core::ledger::RowKind;
use packtrain_tax::outcome::Disposal;

use crate::pdf::table::{BESIDE, ROW_OF_TWO, height_of};
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
    /// Else what happened, and the wallet.
    pub(super) under: Vec<String>,
}

impl Names {
    pub(super) fn new(asset: &str, what: &str, wallet: &str, width: f32) -> Self {
        let asset = CELL.strong().wrap_to(asset, width, NAME_LINES_MAX);
        let last = asset.last().map_or("", String::as_str);
        let taken = CELL.strong().width(last) + BESIDE + CELL.width(what);
        let (beside, under) = if taken <= width {
            (what.to_owned(), wallet.to_owned())
        } else {
            (String::new(), format!("{what} · {wallet}"))
        };
        Self {
            asset,
            beside,
            under: SUB.wrap_to(&under, width, NAME_LINES_MAX),
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
