//! What is open when the records end, lot by lot.

use chrono::NaiveDate;
use packtrain_core::ledger::{Asset, RowId};
use packtrain_core::money::Money;
use packtrain_core::quantity::Quantity;

use crate::why::ValueFrom;

/// A lot, or a part of one, that is open when the records end; a pool where the method keeps pools.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenLot {
    /// The asset.
    pub asset: Asset,
    /// The wallet, where lots are kept per wallet.
    pub wallet: Option<Asset>,
    /// The row that acquired it; none for a pool, and where no purchase is on record.
    pub lot: Option<RowId>,
    /// Local date of its acquisition.
    pub acquired: Option<NaiveDate>,
    /// First day on which selling it is long-term, where the law knows terms.
    pub long_from: Option<NaiveDate>,
    /// How much.
    pub quantity: Quantity,
    /// What it cost.
    pub cost: Money,
    /// What it is worth; none where no price is known.
    pub value: Option<Valued>,
}

/// A value, where it comes from, and of which day the price is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Valued {
    /// The value.
    pub money: Money,
    /// The list of prices, or a row of the ledger.
    pub from: ValueFrom,
    /// The day of the price.
    pub day: NaiveDate,
}
