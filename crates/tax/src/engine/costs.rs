//! What a row's fee comes to, to what it belongs, and the units it is given in.

use packtrain_core::ledger::{Row, RowKind};
use packtrain_core::money::Money;
use packtrain_core::quantity::{AmountError, Quantity};

use super::moves::Sale;
use super::run::Run;
use super::transfer_fees::is_transfer;
use super::value::asset_leg;
use super::{At, Stop};

impl<'a> Run<'a> {
    /// What the row's fee comes to.
    pub(super) fn costs(&mut self, at: &At<'a>) -> Result<Money, AmountError> {
        let buys = asset_leg(at.row.sent.as_ref()).is_none();
        let costs = match &at.row.fee {
            // Units given as a fee of buying are no money that was paid.
            Some(fee) if buys && self.is_in_portfolio(fee) => self.zero(),
            Some(_) => self.of_fee?.money,
            None => self.zero(),
        };
        self.applied.costs |= !costs.is_zero();
        Ok(costs)
    }

    /// Which part of the costs belongs to what leaves, and which to what arrives.
    pub(super) fn divide_costs(
        &self,
        costs: Money,
        sells: bool,
        buys: bool,
    ) -> Result<(Money, Money), AmountError> {
        let none = self.zero();
        if sells && (self.rules.special.ignores_sale_costs)(self.stated.date) {
            return Ok((none, none));
        }
        Ok(match (sells, buys) {
            (false, _) if self.choices.leaves_out_purchase_fee => (none, none),
            (true, true) if self.choices.splits_swap_fee => {
                let half = costs.share(Quantity::from_units(1, 0)?, Quantity::from_units(2, 0)?)?;
                (half, costs.checked_sub(half)?)
            }
            (true, _) => (costs, none),
            (false, _) => (none, costs),
        })
    }

    /// The fee of a row, where it is given in an asset: those units are sold.
    pub(super) fn fee_in_kind(&mut self, at: &At<'a>) -> Result<(), Stop> {
        let Some(fee) = &at.row.fee else {
            return Ok(());
        };
        let value = self.of_fee?;
        if asset_leg(Some(fee)).is_some() && is_transfer(at.row.kind) {
            return self.transfer_fee(at, fee, value);
        }
        // Of a portfolio, the fee is one operation with its row: where that is a sale, its value is
        // a cost of it, and else it counts for nothing.
        let is_joined = self.is_in_portfolio(fee);
        if value.is_missing() && (!is_joined || is_sale(at.row)) {
            self.warn_missing_price(at, fee);
        }
        if is_joined {
            self.applied.fees_in_kind = true;
            return self.part_with(at, fee);
        }
        if asset_leg(Some(fee)).is_none() {
            return Ok(());
        }
        self.applied.fees_in_kind = true;
        let fees = self.zero();
        self.dispose(
            at,
            &Sale {
                leg: fee,
                worth: value,
                fees,
                is_fee: true,
            },
        )
    }
}

/// Whether a row gives units for money, goods or services.
pub(super) fn is_sale(row: &Row) -> bool {
    let is_exchange = matches!(
        row.kind,
        RowKind::Buy | RowKind::Sell | RowKind::Trade | RowKind::Spend
    );
    is_exchange
        && asset_leg(row.sent.as_ref()).is_some()
        && asset_leg(row.received.as_ref()).is_none()
}
