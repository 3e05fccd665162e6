//! Rules by which a person says what rows are: which rows, and the kind that they are of.

use std::fmt;

use packtrain_core::ledger::{Leg, Row, RowKind};
use serde::{Deserialize, Deserializer, de};

/// A rule; every condition that it names must hold. As TOML:
///
/// ```toml
/// [[rule]]
/// wallet = "Kraken"
/// type = "deposit"
/// asset = "ADA"
/// note = "reward"
/// is = "staking"
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Raw")]
pub struct Rule {
    /// The name of the file.
    pub file: Option<String>,
    /// The row's id.
    pub row: Option<String>,
    /// The kind that the row was read as.
    pub kind: Option<RowKind>,
    /// The account or wallet that the row happens in.
    pub wallet: Option<String>,
    /// An asset that is sent or received.
    pub asset: Option<String>,
    /// Where a transfer arrives.
    pub to_wallet: Option<String>,
    /// Words that the note holds, in any case: what a person wrote, or the source's own words for
    /// what the row is.
    pub note: Option<String>,
    /// What the row is.
    pub is: RowKind,
}

impl Rule {
    /// Whether a row of a file meets every condition. Names are compared in any case.
    pub(crate) fn fits(&self, file: &str, row: &Row) -> bool {
        let is_leg = |asset: &str| {
            let mut legs = [&row.sent, &row.received].into_iter().flatten();
            legs.any(|leg: &Leg| leg.asset.eq_ignore_ascii_case(asset))
        };
        let is_same = |wanted: &Option<String>, found: &str| {
            (wanted.as_ref()).is_none_or(|wanted| wanted.eq_ignore_ascii_case(found))
        };
        let holds = |wanted: &str| {
            let note = row.note.as_deref().unwrap_or_default().to_lowercase();
            note.contains(&wanted.to_lowercase())
        };
        self.kind.is_none_or(|kind| kind == row.kind)
            && self.row.as_deref().is_none_or(|id| id == &*row.id)
            && is_same(&self.wallet, &row.wallet)
            && is_same(
                &self.to_wallet,
                row.rare.to_wallet.as_deref().unwrap_or_default(),
            )
            && self.file.as_deref().is_none_or(|name| name == file)
            && self.asset.as_deref().is_none_or(is_leg)
            && self.note.as_deref().is_none_or(holds)
    }
}

/// Its conditions and what the rows are, in words.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Some(kind) => write!(f, "a {kind}")?,
            None => f.write_str("a row")?,
        }
        let named = [
            (" with the id ", &self.row),
            (" in file ", &self.file),
            (" of ", &self.asset),
            (" in wallet ", &self.wallet),
            (" to wallet ", &self.to_wallet),
        ];
        for (word, name) in named {
            if let Some(name) = name {
                write!(f, "{word}{name}")?;
            }
        }
        if let Some(note) = &self.note {
            write!(f, " with {note:?} in its note")?;
        }
        write!(f, " is of the kind {}", self.is)
    }
}

/// The table of a rule.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    file: Option<String>,
    row: Option<String>,
    #[serde(default, rename = "type", deserialize_with = "some_kind")]
    kind: Option<RowKind>,
    wallet: Option<String>,
    asset: Option<String>,
    to_wallet: Option<String>,
    note: Option<String>,
    #[serde(deserialize_with = "kind")]
    is: RowKind,
}

impl TryFrom<Raw> for Rule {
    type Error = &'static str;

    fn try_from(raw: Raw) -> Result<Self, Self::Error> {
        let rule = Self {
            file: raw.file,
            row: raw.row,
            kind: raw.kind,
            wallet: raw.wallet,
            asset: raw.asset,
            to_wallet: raw.to_wallet,
            note: raw.note,
            is: raw.is,
        };
        let names = [
            &rule.row,
            &rule.wallet,
            &rule.asset,
            &rule.to_wallet,
            &rule.note,
            &rule.file,
        ];
        // Without one, all that anybody ever did would be of one kind.
        match rule.kind.is_none() && names.iter().all(|name| name.is_none()) {
            true => Err("a rule without a condition; name file, row, type, wallet, asset or note"),
            false => Ok(rule),
        }
    }
}

fn kind<'de, D: Deserializer<'de>>(from: D) -> Result<RowKind, D::Error> {
    let word = String::deserialize(from)?;
    let unknown = |_| de::Error::custom(format!("there is no type {word:?}"));
    word.parse().map_err(unknown)
}

fn some_kind<'de, D: Deserializer<'de>>(from: D) -> Result<Option<RowKind>, D::Error> {
    kind(from).map(Some)
}

/// A rule as a computation used it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedRule {
    /// The rule in words.
    pub said: String,
    /// How many rows it changed.
    pub rows: usize,
}
