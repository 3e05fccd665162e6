//! What the options say of single rows, looked up once: a large ledger asks a million times.

use crate::jurisdiction::chose;
use crate::request::Settings;

/// What the options say of single rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Choices {
    /// Wrapped tokens keep their lots.
    pub(super) wrap_carries: bool,
    /// A share in a pool of liquidity takes over the cost of what was put in.
    pub(super) lp_carries: bool,
    /// What is paid back is sold at its value.
    pub(super) loan_at_market: bool,
    /// Rewards of staking count when they leave their wallet.
    pub(super) rewards_wait: bool,
    /// Rewards that the law does not tax on receipt count as income all the same.
    pub(super) rewards_are_income: bool,
    /// Margin results are capital gains and losses.
    pub(super) margin_is_capital: bool,
    /// The costs of a swap belong to both sides, half and half.
    pub(super) splits_swap_fee: bool,
    /// The costs of a purchase are no part of what the units cost.
    pub(super) leaves_out_purchase_fee: bool,
    /// What becomes of the units that a transfer between own wallets costs.
    pub(super) transfer_fee: TransferFee,
}

/// What becomes of the units that a transfer between own wallets costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TransferFee {
    /// They are sold.
    Sold,
    /// Their cost joins that of the units that were moved.
    Cost,
    /// They are gone.
    Lost,
}

impl Choices {
    pub(super) fn of(settings: &Settings) -> Self {
        let chose = |option, value| chose(settings, option, value);
        Self {
            wrap_carries: chose("wrap", "carry"),
            lp_carries: chose("lp", "carry"),
            loan_at_market: chose("loan", "market"),
            rewards_wait: chose("staking", "withdrawal"),
            rewards_are_income: chose("rewards", "income"),
            margin_is_capital: chose("margin", "capital"),
            splits_swap_fee: chose("swap_fee", "split"),
            leaves_out_purchase_fee: chose("purchase_fee", "left_out"),
            transfer_fee: match () {
                () if chose("transfer_fee", "lost") => TransferFee::Lost,
                () if chose("transfer_fee", "cost") => TransferFee::Cost,
                () => TransferFee::Sold,
            },
        }
    }
}
