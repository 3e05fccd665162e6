//! Rules by which a person says something of many rows: which rows, and the kind that they are of,
//! or that they happened twice.

use std::cell::OnceCell;
use std::fmt;

use packtrain_core::ledger::{Leg, Row, RowKind};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::written::{NOTE_CHARS_MAX, Slip, Slips, VALUE_CHARS_MAX, WORD_CHARS_MAX, told};

/// A rule; every condition that it names must hold. As TOML:
///
/// ```toml
/// [[rule]]
/// wallet = "Kraken"
/// type = "deposit"
/// asset = "ADA"
/// note = "reward"
/// is = "staking"
///
/// [[rule]]
/// wallet = "Ledger"
/// answer = "keep"
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "WrittenRule")]
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
    pub note: Option<Words>,
    /// What it says of such a row.
    pub says: Says,
}

/// Words that are looked for in any case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    said: String,
    in_lower_case: String,
}

impl From<String> for Words {
    fn from(said: String) -> Self {
        let in_lower_case = said.to_lowercase();
        Self {
            said,
            in_lower_case,
        }
    }
}

/// A row that rules are tried on.
pub(crate) struct Tried<'a> {
    file: &'a str,
    row: &'a Row,
    /// Its note in lower case, once a rule asks for it.
    note: OnceCell<String>,
}

impl<'a> Tried<'a> {
    /// A row of a file.
    pub(crate) const fn new(file: &'a str, row: &'a Row) -> Self {
        let note = OnceCell::new();
        Self { file, row, note }
    }

    fn note(&self) -> &str {
        let note = || self.row.note.as_deref().unwrap_or_default().to_lowercase();
        self.note.get_or_init(note)
    }
}

/// What a rule says of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    /// The row is of this kind.
    Is(RowKind),
    /// The row happened, though an earlier file has the same.
    Keep,
}

impl Rule {
    /// Whether a row meets every condition. Names are compared in any case.
    pub(crate) fn fits(&self, tried: &Tried<'_>) -> bool {
        let row = tried.row;
        let is_leg = |asset: &str| {
            let mut legs = [&row.sent, &row.received].into_iter().flatten();
            legs.any(|leg: &Leg| leg.asset.eq_ignore_ascii_case(asset))
        };
        let is_same = |wanted: &Option<String>, found: &str| {
            (wanted.as_ref()).is_none_or(|wanted| wanted.eq_ignore_ascii_case(found))
        };
        let holds = |wanted: &Words| tried.note().contains(&wanted.in_lower_case);
        self.kind.is_none_or(|kind| kind == row.kind)
            && self.row.as_deref().is_none_or(|id| id == &*row.id)
            && is_same(&self.wallet, &row.wallet)
            && is_same(
                &self.to_wallet,
                row.rare.to_wallet.as_deref().unwrap_or_default(),
            )
            && self.file.as_deref().is_none_or(|name| name == tried.file)
            && self.asset.as_deref().is_none_or(is_leg)
            && self.note.as_ref().is_none_or(holds)
    }
}

/// Its conditions and what the rows are, in words; names in quotes, by which a fault's cause leaves
/// them out.
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
                write!(f, "{word}{name:?}")?;
            }
        }
        if let Some(note) = &self.note {
            write!(f, " with {:?} in its note", note.said)?;
        }
        match self.says {
            Says::Is(kind) => write!(f, " is of the kind {kind}"),
            Says::Keep => f.write_str(" counts, though an earlier file has the same"),
        }
    }
}

/// A rule: conditions, all of which must hold, and what it says of such a row. At least one
/// condition is named; and either `is` or `answer`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SettlementRule)]
pub struct WrittenRule {
    /// The name of the row's file.
    #[schema(max_length = 300)]
    pub file: Option<String>,
    /// The row's id.
    #[schema(max_length = 300)]
    pub row: Option<String>,
    /// The kind that the row was read as.
    #[serde(rename = "type")]
    #[schema(max_length = 100, example = "deposit")]
    pub kind: Option<String>,
    /// The account or wallet that the row happens in, in any case.
    #[schema(max_length = 300, example = "Kraken")]
    pub wallet: Option<String>,
    /// An asset that is sent or received, in any case.
    #[schema(max_length = 300)]
    pub asset: Option<String>,
    /// Where a transfer arrives, in any case.
    #[schema(max_length = 300)]
    pub to_wallet: Option<String>,
    /// Words that the row's note holds, in any case.
    #[schema(max_length = 2000)]
    pub note: Option<String>,
    /// The kind that the row is of.
    #[schema(max_length = 100, example = "staking")]
    pub is: Option<String>,
    /// `keep`: the row happened, though an earlier file has the same.
    #[schema(max_length = 100, example = "keep")]
    pub answer: Option<String>,
}

impl WrittenRule {
    /// The rule.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn read(self) -> Result<Rule, Vec<Slip>> {
        let mut slips = Slips::default();
        for (key, text, chars_max) in [
            ("file", &self.file, WORD_CHARS_MAX),
            ("row", &self.row, WORD_CHARS_MAX),
            ("wallet", &self.wallet, WORD_CHARS_MAX),
            ("asset", &self.asset, WORD_CHARS_MAX),
            ("to_wallet", &self.to_wallet, WORD_CHARS_MAX),
            ("note", &self.note, NOTE_CHARS_MAX),
        ] {
            slips.limit(key, text.as_deref(), chars_max);
            // It would fit every row, as if it were no condition.
            if text.as_deref().is_some_and(|text| text.trim().is_empty()) {
                slips.add(key, format!("{key} is empty; leave it out"));
            }
        }
        let kind = kind_of("type", self.kind.as_deref(), &mut slips);
        let says = self.says(&mut slips);
        let names = [
            &self.row,
            &self.wallet,
            &self.asset,
            &self.to_wallet,
            &self.note,
            &self.file,
        ];
        // Without one, all that anybody ever did would be of one kind.
        if self.kind.is_none() && names.iter().all(|name| name.is_none()) {
            let what = "a rule without a condition; name file, row, type, wallet, to_wallet, asset \
                        or note";
            slips.add_whole(what);
        }
        slips.end(says.map(|says| Rule {
            file: self.file,
            row: self.row,
            kind,
            wallet: self.wallet,
            asset: self.asset,
            to_wallet: self.to_wallet,
            note: self.note.map(Words::from),
            says,
        }))
    }

    fn says(&self, slips: &mut Slips) -> Option<Says> {
        let is = kind_of("is", self.is.as_deref(), slips);
        match (&self.is, self.answer.as_deref()) {
            (Some(_), None) => is.map(Says::Is),
            (None, Some("keep")) => Some(Says::Keep),
            (None, Some(word)) => {
                if slips.limit("answer", Some(word), VALUE_CHARS_MAX) {
                    let what = format!(
                        "a rule answers keep and not {word:?}; answer for one row in `settle`, by \
                         its id"
                    );
                    slips.add("answer", what);
                }
                None
            }
            (Some(_), Some(_)) => {
                slips.add("answer", "a rule says is or answer, not both");
                None
            }
            (None, None) => {
                slips.add_whole("a rule that says nothing; say is = a type, or answer = keep");
                None
            }
        }
    }
}

fn kind_of(key: &'static str, word: Option<&str>, slips: &mut Slips) -> Option<RowKind> {
    slips.parse(key, word, |word, _| format!("there is no type {word:?}"))
}

/// As a file is read: all slips of a rule are one error.
impl TryFrom<WrittenRule> for Rule {
    type Error = String;

    fn try_from(written: WrittenRule) -> Result<Self, String> {
        written.read().map_err(|slips| told(&slips))
    }
}

/// A rule as a computation used it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedRule {
    /// The rule in words.
    pub said: String,
    /// How many rows it changed, or kept.
    pub rows: usize,
}
