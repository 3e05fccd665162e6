//! How a file of no known source is read: which of its columns hold what, by the person's word.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use packtrain_core::ledger::RowKind;
use packtrain_core::money::Currency;
use serde::{Deserialize, Deserializer, de};

use super::ImportError;
use super::sources::MAPPED;
use crate::fiat::is_currency;

/// The mapping of one kind of file. As a file of its own it is TOML, such as
///
/// ```toml
/// wallet = "Bisq"
/// zone = "Europe/Berlin"
/// time = "%d.%m.%Y %H:%M"
/// currency = "EUR"
///
/// [columns]            # ours = "theirs"
/// timestamp = "Datum"
/// type = "Art"
/// amount = "Menge"     # with a sign; or sent_amount and received_amount
/// asset = "Coin"
/// value = "Wert"
///
/// [types]              # "their word" = "ours", or "skip"
/// "Kauf" = "buy"
/// "Storno" = "skip"
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mapping {
    /// Columns of the neutral ledger, `amount` and `asset` besides, and the file's names for them.
    pub columns: BTreeMap<String, String>,
    /// The file's words for types of rows, and what they mean. Where a row has none, its amounts
    /// tell what it is.
    #[serde(deserialize_with = "types")]
    pub types: BTreeMap<String, Meaning>,
    /// The form of its times, such as `%d.%m.%Y %H:%M`, where it is not that of RFC 3339.
    pub time: Option<String>,
    /// Zone of its times, where they name none.
    #[serde(deserialize_with = "zone")]
    pub zone: Option<Tz>,
    /// The wallet of its rows, where no column names one.
    pub wallet: Option<String>,
    /// The currency of its values, where no column names one.
    #[serde(deserialize_with = "currency")]
    pub currency: Option<Currency>,
}

/// What a word for a type means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// A row of this kind.
    Kind(RowKind),
    /// No business of the ledger, such as an order that was cancelled.
    Skip,
}

impl Mapping {
    /// Whether all that it names is known, and enough.
    ///
    /// # Errors
    /// [`ImportError::Mapping`] says what is not, and at which key.
    pub fn check(&self) -> Result<(), ImportError> {
        let refused = |what: String| Err(ImportError::Mapping { what, key: None });
        if let Some(name) = self.columns.keys().find(|name| !is_known(name)) {
            let known = MAPPED.known.join(", ");
            return Err(ImportError::Mapping {
                what: format!("there is no column {name:?}; known: {known}"),
                key: Some(name.clone()),
            });
        }
        if !self.columns.contains_key("timestamp") {
            return refused("it names no column for timestamp".to_owned());
        }
        let amounts = ["amount", "sent_amount", "received_amount"];
        if !amounts.iter().any(|name| self.columns.contains_key(*name)) {
            return refused(format!(
                "it names no column for any of {}",
                amounts.join(", ")
            ));
        }
        Ok(())
    }
}

fn is_known(name: &str) -> bool {
    MAPPED.known.contains(&name)
}

fn types<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, Meaning>, D::Error> {
    let words = BTreeMap::<String, Meaning>::deserialize(from)?.into_iter();
    Ok(words
        .map(|(theirs, ours)| (theirs.to_lowercase(), ours))
        .collect())
}

/// Each word by itself, so that one that is unknown is told where it stands.
impl<'de> Deserialize<'de> for Meaning {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let ours = String::deserialize(from)?;
        match ours.parse() {
            Ok(kind) => Ok(Self::Kind(kind)),
            Err(_) if ours == "skip" => Ok(Self::Skip),
            Err(_) => Err(de::Error::custom(no_type(&ours))),
        }
    }
}

fn no_type(word: &str) -> String {
    let known: Vec<_> = RowKind::ALL.iter().map(|kind| kind.as_str()).collect();
    let known = known.join(", ");
    format!("there is no type {word:?}; known: {known}; or skip")
}

fn zone<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Tz>, D::Error> {
    let name = Option::<String>::deserialize(from)?;
    let zone = name.map(|name| {
        let unknown = |_| de::Error::custom(format!("there is no time zone {name:?}"));
        name.parse().map_err(unknown)
    });
    zone.transpose()
}

fn currency<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Currency>, D::Error> {
    let code = Option::<String>::deserialize(from)?;
    let currency = code.map(|code| match code.parse() {
        Ok(currency) if is_currency(&code) => Ok(currency),
        _ => Err(de::Error::custom(format!("there is no currency {code:?}"))),
    });
    currency.transpose()
}
