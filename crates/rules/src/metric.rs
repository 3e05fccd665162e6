//! What is measured: printable keys such as `price:coingecko:ethereum`, and keys derived from them
//! by a window, so that every rule that watches the same thing shares one tick of it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};

use self::part::Part;

mod part;

/// Characters of a metric's key, at most.
pub const METRIC_CHARS_MAX: usize = 200;
/// Figures of gas, each in wei.
const GAS: &[&str] = &[
    "base_fee",
    "next_base_fee",
    "blob_base_fee",
    "tip_p10",
    "tip_p25",
    "tip_p50",
    "tip_p75",
    "tip_p90",
    "l1_fee",
];

macro_rules! families {
    ($($(#[$doc:meta])* $name:ident $word:literal $parts:expr;)*) => {
        /// Kinds of things that are measured.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Family {
            $($(#[$doc])* $name,)*
        }

        impl Family {
            /// Every family.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The word that its keys begin with.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }

            /// Whether its values are of moments at which something happened, with zero between
            /// them.
            pub const fn is_momentary(self) -> bool {
                matches!(
                    self,
                    Self::TransferIn | Self::TransferOut | Self::Approval | Self::Transfer
                )
            }

            const fn parts(self) -> &'static [Part] {
                match self {
                    $(Self::$name => $parts,)*
                }
            }
        }
    };
}

families! {
    /// Price of a coin in US dollars: source and coin, such as `price:coingecko:ethereum`.
    Price "price" &[Part::Source, Part::Coin];
    /// Gas in wei: chain and figure, such as `gas:1:base_fee`.
    Gas "gas" &[Part::Chain, Part::Word(GAS)];
    /// Value locked in a protocol, in US dollars.
    Tvl "tvl" &[Part::Name];
    /// What of it is there by quantity, at prices held still: a price that fails moves it not.
    TvlQuantity "tvl_quantity" &[Part::Name];
    /// Yield of a pool in percent a year.
    Apy "apy" &[Part::Name];
    /// Price of a stablecoin in units of what it is pegged to.
    Peg "peg" &[Part::Name];
    /// Balance of an address in whole tokens: chain, address, and the token's address or `native`.
    Balance "balance" &[Part::Chain, Part::Address, Part::Token("native")];
    /// What an address got in a block, netted: chain, address, and the token's address for whole
    /// tokens, or `any` for how many tokens it got something of.
    TransferIn "transfer_in" &[Part::Chain, Part::Address, Part::Token("any")];
    /// What it gave, likewise.
    TransferOut "transfer_out" &[Part::Chain, Part::Address, Part::Token("any")];
    /// The largest allowance that an address gave in a block: chain, address, and the token's
    /// address for whole tokens, or `any` for how many allowances it gave.
    Approval "approval" &[Part::Chain, Part::Address, Part::Token("any")];
    /// What an owner moved in one transaction, netted, in US dollars: chain and owner.
    Transfer "transfer" &[Part::Chain, Part::Name];
    /// A figure of jobs of a kind, such as `job:tax.report:dead`.
    Job "job" &[Part::Name, Part::Name];
    /// A figure of the platform, such as `platform:backlog_seconds`.
    Platform "platform" &[Part::Name];
}

/// The key of a thing that is measured.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Metric(Box<str>);

/// Why a text is no key of a metric.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetricError {
    /// Too long to be meant.
    #[error("a metric has at most {METRIC_CHARS_MAX} characters")]
    Long,
    /// It begins with no word that is known.
    #[error("unknown metric {0:?}; known: {words}", words = words())]
    Family(String),
    /// It has too few or too many parts.
    #[error("{family} is followed by {wanted} part(s), each after a colon; {found} found")]
    Parts {
        /// The word it begins with.
        family: &'static str,
        /// How many there should be.
        wanted: usize,
        /// How many there are.
        found: usize,
    },
    /// A part is not what it should be.
    #[error("{part:?} is not {wanted}")]
    Part {
        /// The part.
        part: String,
        /// What it should be.
        wanted: String,
    },
}

fn words() -> String {
    let words: Vec<_> = Family::ALL.iter().map(|family| family.as_str()).collect();
    words.join(", ")
}

impl Metric {
    /// The key.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number of the chain that it is of; none when it is of none.
    pub fn chain(&self) -> Option<&str> {
        let is_of_one = matches!(self.family().parts(), [Part::Chain, ..]);
        self.0.split(':').nth(1).filter(|_| is_of_one)
    }

    /// What kind of thing it measures.
    pub fn family(&self) -> Family {
        let word = self.0.split(':').next().unwrap_or_default();
        let found = Family::ALL.iter().find(|family| family.as_str() == word);
        *found.expect("a key begins with the word of its family")
    }
}

impl FromStr for Metric {
    type Err = MetricError;

    fn from_str(text: &str) -> Result<Self, MetricError> {
        if text.len() > METRIC_CHARS_MAX {
            return Err(MetricError::Long);
        }
        let mut parts = text.split(':');
        let word = parts.next().unwrap_or_default();
        let family = Family::ALL.iter().find(|family| family.as_str() == word);
        let family = family.ok_or_else(|| MetricError::Family(word.to_owned()))?;
        let parts: Vec<&str> = parts.collect();
        if parts.len() != family.parts().len() {
            return Err(MetricError::Parts {
                family: family.as_str(),
                wanted: family.parts().len(),
                found: parts.len(),
            });
        }
        let mut key = word.to_owned();
        for (part, wanted) in parts.into_iter().zip(family.parts()) {
            key.push(':');
            key.push_str(&wanted.read(part)?);
        }
        Ok(Self(key.into()))
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Metric {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Metric {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl utoipa::PartialSchema for Metric {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .max_length(Some(METRIC_CHARS_MAX))
            .description(Some("The key of a metric, in parts after colons."))
            .examples(["price:coingecko:ethereum"])
            .build()
            .into()
    }
}

impl ToSchema for Metric {}

/// What is made of the points of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(ToSchema)]
pub enum Aggregate {
    /// The change in percent since the window's beginning.
    ChangePercent,
    /// The least value.
    Min,
    /// The largest value.
    Max,
    /// The arithmetic mean of the points.
    Mean,
}

impl Aggregate {
    /// Every aggregate.
    pub const ALL: [Self; 4] = [Self::ChangePercent, Self::Min, Self::Max, Self::Mean];

    /// The word in rules and keys.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ChangePercent => "change_percent",
            Self::Min => "min",
            Self::Max => "max",
            Self::Mean => "mean",
        }
    }
}

/// An aggregate over the last so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Over {
    /// What is made of the points.
    pub aggregate: Aggregate,
    /// Length of the window in seconds.
    pub window_s: u32,
}

/// A metric itself, or an aggregate of it; written as `price:coingecko:ethereum|mean:3600`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Derived {
    /// What is measured.
    pub metric: Metric,
    /// What is made of it; none is the latest value.
    pub over: Option<Over>,
}

impl fmt::Display for Derived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let metric = &self.metric;
        match self.over {
            None => write!(f, "{metric}"),
            Some(over) => write!(f, "{metric}|{}:{}", over.aggregate.as_str(), over.window_s),
        }
    }
}

impl FromStr for Derived {
    type Err = MetricError;

    fn from_str(text: &str) -> Result<Self, MetricError> {
        let (metric, over) = match text.split_once('|') {
            None => (text, None),
            Some((metric, over)) => (metric, Some(read_over(over)?)),
        };
        let metric = metric.parse()?;
        Ok(Self { metric, over })
    }
}

fn read_over(text: &str) -> Result<Over, MetricError> {
    let read = text.split_once(':').and_then(|(word, window)| {
        let aggregate = Aggregate::ALL
            .into_iter()
            .find(|found| found.as_str() == word)?;
        let window_s = window.parse().ok()?;
        Some(Over {
            aggregate,
            window_s,
        })
    });
    read.ok_or_else(|| MetricError::Part {
        part: text.to_owned(),
        wanted: "an aggregate and seconds, such as mean:3600".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> String {
        text.parse::<Metric>().unwrap_err().to_string()
    }

    #[test]
    fn every_family_has_a_key_that_survives_writing() {
        let address = "0x00000000219ab540356cbb839cbe05303d7705fa";
        let balance = format!("balance:1:{address}:native");
        let approval = format!("approval:10:{address}:any");
        let [given, got] = ["out", "in"].map(|way| format!("transfer_{way}:1:{address}:{address}"));
        for key in [
            "price:coingecko:ethereum",
            "price:ethereum:0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2",
            "gas:8453:base_fee",
            "tvl:aave",
            "tvl_quantity:parent#aave",
            "apy:747c1d2a-c668-4682-b9f9-296708a3dd90",
            "peg:usd-coin",
            &balance,
            &approval,
            &given,
            &got,
            "transfer:1:binance",
            "job:tax.report:dead",
            "platform:backlog_seconds",
        ] {
            let metric: Metric = key.parse().unwrap();
            assert_eq!(metric.to_string(), key);
            assert!(key.starts_with(metric.family().as_str()));
        }
    }

    #[test]
    fn two_writings_of_an_address_are_one_metric() {
        let read = |text: &str| text.parse::<Metric>().unwrap();
        assert_eq!(
            read("balance:1:0x00000000219ab540356cBB839Cbe05303d7705Fa:native"),
            read("balance:1:0x00000000219AB540356CBB839CBE05303D7705FA:native"),
        );
    }

    #[test]
    fn an_address_in_mixed_letters_is_read_only_with_its_checksum() {
        // The examples of EIP-55.
        for address in [
            "0x52908400098527886E0F7030069857D2E4169EE7",
            "0xde709f2102306220921060314715629080e2fb77",
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
            "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
            "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
        ] {
            let key = format!("balance:1:{address}:native");
            let metric: Metric = key.parse().unwrap();
            assert_eq!(metric.as_str(), key.to_lowercase());
        }
        let slip = "balance:1:0x5aAeb6053F3E94C9b9A09f33669435E7Ef1Beaed:native";
        assert!(wrong(slip).contains("as its checksum has them (EIP-55)"));
    }

    #[test]
    fn a_key_that_names_nothing_says_what_is_wrong() {
        assert!(wrong("prize:x").starts_with("unknown metric \"prize\"; known: price, gas, tvl,"));
        assert_eq!(
            wrong("price:ethereum"),
            "price is followed by 2 part(s), each after a colon; 1 found"
        );
        assert!(wrong("gas:1:price").starts_with("\"price\" is not one of base_fee,"));
        assert_eq!(
            wrong("gas:01:base_fee"),
            "\"01\" is not the number of a chain"
        );
        assert!(wrong("tvl:a b").contains("a name of letters"));
        for coin in [
            "",
            "-",
            "a,b",
            "a/b",
            "0x12",
            &*"x".repeat(101),
            &*format!("0x{}", "g".repeat(40)),
        ] {
            let said = wrong(&format!("price:coingecko:{coin}"));
            assert!(said.contains("is not a coin, such as ethereum"), "{said}");
        }
        let said = wrong(&format!("price:{}:x", "s".repeat(41)));
        assert!(said.contains("is not a source of prices"), "{said}");
        assert!(wrong("balance:1:0x12:native").contains("40 hex digits"));
        assert!(
            wrong("approval:1:0x00000000219ab540356cbb839cbe05303d7705fa:usdc").contains("any, or")
        );
        assert!(wrong(&"x".repeat(201)).contains("200 characters"));
    }

    #[test]
    fn a_derived_key_survives_writing() {
        for key in [
            "tvl:aave",
            "tvl:aave|change_percent:86400",
            "gas:1:base_fee|min:60",
        ] {
            assert_eq!(key.parse::<Derived>().unwrap().to_string(), key);
        }
        assert!("tvl:aave|median:60".parse::<Derived>().is_err());
    }
}
