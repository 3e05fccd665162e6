//! What a computation is asked for: jurisdiction, method, scope, time zone, options.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use chrono::NaiveDate;
use chrono_tz::Tz;
use packtrain_core::money::Currency;
use serde::{Deserialize, Serialize};

use crate::allocation::Allocation;
use crate::prices::Prices;
use crate::settle::Settlements;

/// A country whose rules are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Country {
    /// United States, federal.
    Us,
    /// United Kingdom.
    Uk,
    /// Germany.
    De,
    /// Canada.
    Ca,
    /// Australia.
    Au,
    /// Spain.
    Es,
    /// India.
    In,
    /// Japan.
    Jp,
    /// Italy.
    It,
    /// Netherlands.
    Nl,
    /// France.
    Fr,
}

/// Which lot a disposal uses up first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// First in, first out.
    Fifo,
    /// Last in, first out.
    Lifo,
    /// Highest unit cost first; equal cost: oldest first.
    Hifo,
    /// Lowest unit cost first; equal cost: oldest first.
    Lofo,
    /// Average cost of all units, the adjusted cost base.
    Acb,
    /// Matching with purchases near the disposal, then the section 104 pool.
    S104,
    /// Average cost of all units that were there or came in during a calendar year.
    TotalAverage,
    /// The part of one total cost of all assets that the price is of the value of all of them.
    Portfolio,
}

/// Which lots a disposal may draw on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Lots of all wallets together.
    Universal,
    /// Lots of the wallet that disposes.
    Wallet,
}

/// The text is not one of the words that are known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} {given:?}; known: {known}")]
pub struct UnknownWord {
    /// What kind of word was expected.
    pub what: &'static str,
    /// What was given.
    pub given: String,
    /// What is known, separated by commas.
    pub known: String,
}

macro_rules! words {
    ($type:ident, $what:literal, $($variant:ident = $text:literal),*) => {
        impl $type {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word in requests, figures and file names.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }

        impl FromStr for $type {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                let same = |word: &Self| word.as_str().eq_ignore_ascii_case(text);
                Self::ALL.iter().copied().find(same).ok_or_else(|| {
                    let known: Vec<_> = Self::ALL.iter().map(|word| word.as_str()).collect();
                    UnknownWord { what: $what, given: text.to_owned(), known: known.join(", ") }
                })
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use words;

words!(
    Country,
    "country",
    Us = "us",
    Uk = "uk",
    De = "de",
    Ca = "ca",
    Au = "au",
    Es = "es",
    In = "in",
    Jp = "jp",
    It = "it",
    Nl = "nl",
    Fr = "fr"
);
words!(
    Method,
    "method",
    Fifo = "fifo",
    Lifo = "lifo",
    Hifo = "hifo",
    Lofo = "lofo",
    Acb = "acb",
    S104 = "s104",
    TotalAverage = "total_average",
    Portfolio = "portfolio"
);
words!(Scope, "scope", Universal = "universal", Wallet = "wallet");

/// What a person asks for; what is absent takes the jurisdiction's default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// Lot method.
    pub method: Option<Method>,
    /// Lot scope; absent means the jurisdiction's dated rule.
    pub scope: Option<Scope>,
    /// The taxpayer's time zone, by its IANA name.
    pub timezone: Option<Tz>,
    /// Options of the jurisdiction, by name.
    pub options: BTreeMap<String, String>,
    /// Prices for rows that state no value.
    pub prices: Arc<Prices>,
    /// The person's own allocation of unused lots to wallets, on the day on which the law turns
    /// to lots of each wallet; an asset that it does not name goes by the option `allocation`.
    pub allocation: Arc<Allocation>,
    /// Answers to findings of earlier runs.
    pub settlements: Settlements,
    /// The local day on which what is open is valued; none where nobody asks for it.
    pub open_on: Option<NaiveDate>,
}

/// A request with every default resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The jurisdiction.
    pub country: Country,
    /// Lot method.
    pub method: Method,
    /// Lot scope; none is the dated rule.
    pub scope: Option<Scope>,
    /// The taxpayer's time zone.
    pub timezone: Tz,
    /// Currency of every figure.
    pub currency: Currency,
    /// Options, each with the value used, given or default.
    pub options: BTreeMap<String, String>,
}
