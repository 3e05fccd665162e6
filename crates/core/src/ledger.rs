//! The neutral ledger: what every import becomes and every tax computation starts from.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::money::{Currency, Money};
use crate::quantity::Quantity;
use crate::time::Timestamp;

/// An asset by its symbol, such as `BTC`; an NFT has the form `NAME#id`. Case is kept.
pub type Asset = std::sync::Arc<str>;

/// A row's own name, shared by all that tells of the row.
pub type RowId = std::sync::Arc<str>;

macro_rules! row_kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// What happened in a row.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum RowKind { $($(#[$doc])* $name,)* }

        impl RowKind {
            /// Every kind, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word in the `type` column.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }

        impl FromStr for RowKind {
            type Err = UnknownRowKind;

            fn from_str(text: &str) -> Result<Self, UnknownRowKind> {
                $(if text.eq_ignore_ascii_case($text) { return Ok(Self::$name); })*
                Err(UnknownRowKind)
            }
        }
    };
}

row_kinds! {
    /// Fiat for an asset.
    Buy = "buy",
    /// An asset for fiat.
    Sell = "sell",
    /// An asset for another asset.
    Trade = "trade",
    /// Between two wallets of the same person, in one row.
    Transfer = "transfer",
    /// The arriving half of a transfer, or fiat coming in.
    Deposit = "deposit",
    /// The leaving half of a transfer, or fiat going out.
    Withdrawal = "withdrawal",
    /// Income from staking.
    Staking = "staking",
    /// Income from mining.
    Mining = "mining",
    /// Income from lending.
    Interest = "interest",
    /// Units handed out for nothing.
    Airdrop = "airdrop",
    /// Units from a chain split.
    Fork = "fork",
    /// A reward of any other kind.
    Reward = "reward",
    /// Any other income, such as wages.
    Income = "income",
    /// A gift received.
    GiftIn = "gift_in",
    /// A gift made.
    GiftOut = "gift_out",
    /// A gift to a spouse.
    GiftSpouse = "gift_spouse",
    /// A gift to a charity.
    Donation = "donation",
    /// Units paid for goods or services.
    Spend = "spend",
    /// Units lost, such as with their keys.
    Lost = "lost",
    /// Units stolen.
    Stolen = "stolen",
    /// A fee on its own.
    Fee = "fee",
    /// The result of a margin position; `value` is signed.
    MarginPnl = "margin_pnl",
    /// Units borrowed.
    Borrow = "borrow",
    /// Units paid back.
    Repay = "repay",
    /// Units put into a liquidity pool.
    LpDeposit = "lp_deposit",
    /// Units taken out of a liquidity pool.
    LpWithdraw = "lp_withdraw",
    /// A token wrapped.
    Wrap = "wrap",
    /// A token unwrapped.
    Unwrap = "unwrap",
    /// Units moved to another chain.
    Bridge = "bridge",
    /// Units owned before the records begin.
    Opening = "opening",
}

/// The text names no row kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown type")]
pub struct UnknownRowKind;

impl RowKind {
    /// Whether the row is income at its value on receipt.
    pub const fn is_income(self) -> bool {
        matches!(
            self,
            Self::Staking
                | Self::Mining
                | Self::Interest
                | Self::Airdrop
                | Self::Fork
                | Self::Reward
                | Self::Income
        )
    }
}

impl fmt::Display for RowKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for RowKind {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for RowKind {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// An amount of an asset: one leg of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leg {
    /// How much; never negative.
    pub amount: Quantity,
    /// Of what.
    pub asset: Asset,
}

/// A named lot: so much of what the row with this id brought in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedLot {
    /// The row that acquired the lot.
    pub row: Box<str>,
    /// How much of it.
    pub quantity: Quantity,
}

/// One row of the neutral ledger, read and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The row's own name; unique in its file.
    pub id: RowId,
    /// Line of the file it stands in, counted from 1 with the header.
    pub line: u32,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub kind: RowKind,
    /// The account or wallet it happens in.
    pub wallet: Asset,
    /// What leaves, without the fee.
    pub sent: Option<Leg>,
    /// What arrives.
    pub received: Option<Leg>,
    /// The fee, on top of what is sent.
    pub fee: Option<Leg>,
    /// Market value of the row without its fee; signed for a margin result.
    pub value: Option<Money>,
    /// The reporting currency of the row's values.
    pub currency: Currency,
    /// The transaction's hash; pairs a withdrawal with its deposit.
    pub tx_hash: Option<Box<str>>,
    /// What a person wrote, or the source's own words for the row.
    pub note: Option<Box<str>>,
    /// What few rows have.
    pub rare: Rare,
}

/// The parts that few rows have, by reference: kept apart, so that all other rows stay small.
///
/// Changing a part makes room for all of them.
#[derive(Clone, Default)]
pub struct Rare(Option<Box<RareParts>>);

/// What stands in a [`Rare`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RareParts {
    /// Where a transfer arrives.
    pub to_wallet: Option<Asset>,
    /// Value of a fee that is not money.
    pub fee_value: Option<Money>,
    /// Cost that is carried over.
    pub basis: Option<Money>,
    /// Acquisition time that is carried over.
    pub acquired: Option<Timestamp>,
    /// Lots named for specific identification.
    pub lots: Vec<NamedLot>,
}

/// What a row without rare parts has.
static NO_PARTS: RareParts = RareParts {
    to_wallet: None,
    fee_value: None,
    basis: None,
    acquired: None,
    lots: Vec::new(),
};

impl RareParts {
    const fn is_none(&self) -> bool {
        self.to_wallet.is_none()
            && self.fee_value.is_none()
            && self.basis.is_none()
            && self.acquired.is_none()
            && self.lots.is_empty()
    }
}

impl Rare {
    /// No rare part.
    pub const NONE: Self = Self(None);
}

impl From<RareParts> for Rare {
    fn from(parts: RareParts) -> Self {
        Self((!parts.is_none()).then(|| Box::new(parts)))
    }
}

impl std::ops::Deref for Rare {
    type Target = RareParts;

    fn deref(&self) -> &RareParts {
        self.0.as_deref().unwrap_or(&NO_PARTS)
    }
}

impl std::ops::DerefMut for Rare {
    fn deref_mut(&mut self) -> &mut RareParts {
        self.0.get_or_insert_default()
    }
}

// Room that was made and not used is no difference.
impl PartialEq for Rare {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Rare {}

impl fmt::Debug for Rare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

/// A row of a file that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RowError {
    /// Line in the file, counted from 1 with the header.
    pub line: u32,
    /// Character in the line, counted from 1; absent where the whole row is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// The header of the cell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Stable word such as `amount_malformed`.
    pub code: String,
    /// What is wrong, for a person.
    pub message: String,
    /// What would have been right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The line as it stands in the file, cut to a readable length.
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_kind_reads_back_its_own_word_in_any_case() {
        for kind in RowKind::ALL {
            assert_eq!(kind.as_str().to_uppercase().parse(), Ok(*kind));
        }
        assert_eq!("swap".parse::<RowKind>(), Err(UnknownRowKind));
    }
}
