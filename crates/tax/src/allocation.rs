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

use crate::table::{self, TableError};

const COLUMNS: [&str; 4] = ["asset", "lot", "wallet", "quantity"];
/// Lines in one file.
const LINES_MAX: usize = 1_000_000;

/// Which units of which lots belong to which wallet, by asset.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allocation {
    by_asset: BTreeMap<Asset, Vec<Units>>,
    count: usize,
}

/// Units of one lot that belong to one wallet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Units {
    /// The line of the file, counted from 1 with the header.
    pub line: u64,
    /// The row that acquired the lot.
    pub lot: Box<str>,
    /// The wallet; none where the units are outside the records.
    pub wallet: Option<Asset>,
    /// How many.
    pub quantity: Quantity,
}

impl Allocation {
    /// Reads a file: comma separated, with a header, the columns in any order.
    ///
    /// # Errors
    /// [`TableError`] at the first line that is wrong: half an allocation is none.
    pub fn read(bytes: &[u8]) -> Result<Self, TableError> {
        let mut by_asset: BTreeMap<Asset, Vec<Units>> = BTreeMap::new();
        let count = table::read(bytes, COLUMNS, LINES_MAX, |line, cells| {
            let (asset, units) = units(line, cells)?;
            by_asset.entry(asset).or_default().push(units);
            Ok(())
        })?;
        Ok(Self { by_asset, count })
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

/// The asset and its units, or what is wrong.
fn units(line: u64, [asset, lot, wallet, quantity]: [&str; 4]) -> Result<(Asset, Units), String> {
    if asset.is_empty() {
        return Err("the asset is empty".to_owned());
    }
    if lot.is_empty() {
        return Err("the lot is empty; it is the id of the row that acquired it".to_owned());
    }
    let positive = quantity.parse().ok();
    let Some(quantity) = positive.filter(|units: &Quantity| units.is_positive()) else {
        return Err(format!("{quantity:?} is no quantity such as 0.5"));
    };
    let units = Units {
        line,
        lot: lot.into(),
        wallet: (!wallet.is_empty()).then(|| Asset::from(wallet)),
        quantity,
    };
    Ok((Asset::from(asset), units))
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
        let said = "the header has no column wallet; needed: asset, lot, wallet, quantity";
        assert_eq!(error.to_string(), said);
    }
}
