//! The person's own allocation of unused cost to wallets, where a law turns from lots of all
//! wallets to lots of each: a file with the columns `asset`, `lot`, `wallet` and `quantity`.
//!
//! ```csv
//! asset,lot,wallet,quantity
//! BTC,t1,Kraken,0.5
//! BTC,t1,Ledger,1.5
//! BTC,t2,Ledger,1
//! ```
//!
//! `lot` is the id of the row that acquired the units, `wallet` the wallet that holds them from
//! then on; an empty one is where units went that left the records. An asset is allocated whole or
//! not at all: every unit that is left of each lot, and every unit that each wallet holds.

use std::collections::BTreeMap;

use packtrain_core::ledger::Asset;
use packtrain_core::quantity::Quantity;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::table::{self, Form, TableError};
use crate::written::{Amount, Slip, Slips, WORD_CHARS_MAX, told};

/// Lines in one file.
const LINES_MAX: usize = 1_000_000;

const FORM: Form<4> = Form {
    columns: ["asset", "lot", "wallet", "quantity"],
    amount: 3,
    lines_max: LINES_MAX,
};

/// Which units of which lots belong to which wallet, by asset.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allocation {
    by_asset: BTreeMap<Asset, Vec<Units>>,
    count: usize,
}

/// Units of one lot that belong to one wallet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Units {
    /// The line of the file, counted from 1 with the header; of a list as if it were a file, whose
    /// entry 0 is line 2.
    pub line: u64,
    /// The row that acquired the lot.
    pub lot: Box<str>,
    /// The wallet; none where the units are outside the records.
    pub wallet: Option<Asset>,
    /// How many.
    pub quantity: Quantity,
}

impl Allocation {
    /// Reads a file: cells parted by commas, semicolons or tabs, with a header, the columns in any
    /// order.
    ///
    /// # Errors
    /// [`TableError`] at the first line that is wrong: half an allocation is none.
    pub fn read(bytes: &[u8]) -> Result<Self, TableError> {
        let mut allocation = Self::default();
        table::read(bytes, &FORM, |line, cells| {
            let [asset, lot, wallet, quantity] = cells.map(str::to_owned);
            let written = Written {
                asset,
                lot,
                wallet,
                quantity: Amount(quantity),
            };
            allocation.add(written.read(line).map_err(|slips| told(&slips))?);
            Ok(())
        })?;
        Ok(allocation)
    }

    /// Adds a line.
    fn add(&mut self, (asset, units): (Asset, Units)) {
        self.count += 1;
        self.by_asset.entry(asset).or_default().push(units);
    }

    /// How many lines there are.
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether nothing is allocated.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The lines of an asset; none where it is not allocated.
    pub fn of(&self, asset: &Asset) -> Option<&[Units]> {
        self.by_asset.get(asset).map(Vec::as_slice)
    }

    /// Every asset that is allocated, in the order of their names, each with its lines.
    pub fn assets(&self) -> impl Iterator<Item = (&Asset, &[Units])> {
        let all = self.by_asset.iter();
        all.map(|(asset, units)| (asset, units.as_slice()))
    }
}

impl FromIterator<(Asset, Units)> for Allocation {
    fn from_iter<I: IntoIterator<Item = (Asset, Units)>>(lines: I) -> Self {
        let mut allocation = Self::default();
        lines.into_iter().for_each(|line| allocation.add(line));
        allocation
    }
}

/// A line as it is written: units of a lot that belong to a wallet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AllocationLine)]
pub struct Written {
    /// The asset.
    #[serde(default)]
    #[schema(required = true, max_length = 300, example = "BTC")]
    pub asset: String,
    /// The id of the row that acquired the units.
    #[serde(default)]
    #[schema(required = true, max_length = 300, example = "row-17")]
    pub lot: String,
    /// The wallet that holds them from then on; empty where they left the records.
    #[serde(default)]
    #[schema(max_length = 300, example = "Kraken")]
    pub wallet: String,
    /// How many, as a decimal string.
    #[serde(default)]
    #[schema(required = true, value_type = String, example = "0.5")]
    pub quantity: Amount,
}

impl Written {
    /// The asset and its units.
    ///
    /// # Errors
    /// All that is wrong with the line.
    pub fn read(self, line: u64) -> Result<(Asset, Units), Vec<Slip>> {
        let mut slips = Slips::default();
        let words = [
            ("asset", &self.asset),
            ("lot", &self.lot),
            ("wallet", &self.wallet),
        ];
        for (key, text) in words {
            slips.limit(key, Some(text), WORD_CHARS_MAX);
        }
        if self.asset.is_empty() {
            slips.add("asset", "the asset is empty");
        }
        if self.lot.is_empty() {
            let what = "the lot is empty; it is the id of the row that acquired it";
            slips.add("lot", what);
        }
        let text = self.quantity.0.as_str();
        let said = |text: &str| format!("{text:?} is no quantity such as 0.5");
        let quantity = slips.parse("quantity", Some(text), |text, _| said(text));
        let quantity = quantity.filter(|quantity: &Quantity| {
            let is_good = quantity.is_positive();
            if !is_good {
                slips.add("quantity", said(text));
            }
            is_good
        });
        slips.end(quantity.map(|quantity| {
            let units = Units {
                line,
                lot: self.lot.into(),
                wallet: (!self.wallet.is_empty()).then(|| Asset::from(self.wallet)),
                quantity,
            };
            (Asset::from(self.asset), units)
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_allocation_is_read_whatever_the_order_of_its_columns() {
        let file = "\u{feff}Quantity,wallet,lot,asset\n0.5,Kraken,t1,BTC\n1,,t2,BTC\n";
        let allocation = Allocation::read(file.as_bytes()).unwrap();
        assert_eq!(allocation.len(), 2);
        let all: Vec<_> = allocation.assets().collect();
        assert_eq!(&**all[0].0, "BTC");
        assert_eq!(all[0].1[0].wallet.as_deref(), Some("Kraken"));
        assert_eq!((all[0].1[1].line, &*all[0].1[1].lot), (3, "t2"));
        assert_eq!(all[0].1[1].wallet, None);
    }

    #[test]
    fn a_line_that_allocates_nothing_is_told_with_its_place() {
        let said = |line: &str| {
            let file = format!("asset,lot,wallet,quantity\nBTC,t1,A,1\n{line}\n");
            Allocation::read(file.as_bytes()).unwrap_err().to_string()
        };
        assert_eq!(said(",t1,A,1"), "line 3: the asset is empty");
        assert_eq!(
            said("BTC,,A,1"),
            "line 3: the lot is empty; it is the id of the row that acquired it"
        );
        for quantity in ["0", "-1", "all"] {
            assert_eq!(
                said(&format!("BTC,t1,A,{quantity}")),
                format!("line 3: {quantity:?} is no quantity such as 0.5")
            );
        }
        let error = Allocation::read(b"asset,lot,quantity\n").unwrap_err();
        let said = "line 1: the header \"asset,lot,quantity\" has no column wallet; needed: asset, \
                    lot, wallet, quantity";
        assert_eq!(error.to_string(), said);
    }
}
