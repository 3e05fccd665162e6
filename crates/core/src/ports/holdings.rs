//! What protocols hold of their tokens, and what it says of a move of what is locked in them.

use std::collections::BTreeMap;

use crate::quantity::Quantity;
use crate::time::Timestamp;

/// What a protocol held of its tokens at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// When.
    pub at: Timestamp,
    /// By the tokens' names at the source.
    pub tokens: BTreeMap<String, Held>,
}

/// What was held of a token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    /// How much; none where the source does not say.
    pub amount: Option<Quantity>,
    /// What that was worth in US dollars; none where the source does not say.
    pub usd: Option<Quantity>,
}

/// A time from which the quantity of a protocol is counted on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// The protocol's own word.
    pub protocol: String,
    /// When.
    pub at: Timestamp,
    /// The quantity then, in dollars at prices held still.
    pub value: Quantity,
}

/// What moved what is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MovedBy {
    /// Tokens came or went.
    Quantity,
    /// Prices moved.
    Price,
    /// Both, neither by far more than the other.
    Both,
    /// The source does not say enough.
    Unknown,
}

impl MovedBy {
    /// The word in tables and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Quantity => "quantity",
            Self::Price => "price",
            Self::Both => "both",
            Self::Unknown => "unknown",
        }
    }

    /// What a word says; none of a word that is none of these.
    pub fn of(word: &str) -> Option<Self> {
        let all = [Self::Quantity, Self::Price, Self::Both, Self::Unknown];
        all.into_iter().find(|one| one.as_str() == word)
    }
}

/// Why what is locked in a protocol moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WhyMoved {
    /// What moved it.
    pub by: MovedBy,
    /// The move in its parts; none where the source told too little.
    pub parts: Option<MovedParts>,
}

/// A change of what is locked, in US dollars: the parts add up exactly to the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MovedParts {
    /// From when.
    pub from: Timestamp,
    /// To when.
    pub to: Timestamp,
    /// What came and went, at the prices before.
    pub quantity_usd: Quantity,
    /// What prices did to what is there now.
    pub price_usd: Quantity,
    /// Of tokens that the source tells at one of the two times alone.
    pub unexplained_usd: Quantity,
}
