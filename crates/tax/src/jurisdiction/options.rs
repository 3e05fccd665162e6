//! Options: where the law leaves a choice or is not settled, and what only the person knows.

use std::collections::{BTreeMap, BTreeSet};

use packtrain_core::money::Money;

use super::Jurisdiction;
use crate::error::TaxError;

/// An option of a jurisdiction.
#[derive(Debug)]
pub struct OptionSpec {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub kind: OptionKind,
    /// What it decides, for a person.
    pub meaning: &'static str,
}

/// What an option takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptionKind {
    /// One of these words; the first is the default.
    Words(&'static [&'static str]),
    /// One of these words, or one for each of some wallets, as `Coinbase:with_basis,none`: a word
    /// without a wallet is for all others. The first is the default.
    ByWallet(&'static [&'static str]),
    /// An amount of money in the currency of the report, not negative; nothing by default.
    Money,
    /// Assets by their names in any case, with commas between them; none by default.
    Assets,
}

/// Names of assets or wallets that an option takes.
const ASSETS_MAX: usize = 100;
/// Bytes of all of them together: every swap is compared with each name.
const ASSETS_BYTES_MAX: usize = 4_000;

/// Words that options had before, with those that stand for them now: saved requests have them.
const FORMER_WORDS: [(&str, &str, &str); 1] = [("threshold", "franchise", "exempt_amount")];

/// The word of today for one that an option may have had before, as saved requests and earlier
/// reports have it.
pub fn of_today<'w>(option: &str, word: &'w str) -> &'w str {
    let mut former = FORMER_WORDS.iter();
    let found = former.find(|(name, before, _)| *name == option && *before == word);
    found.map_or(word, |(.., now)| *now)
}

impl OptionKind {
    const fn default(self) -> &'static str {
        match self {
            Self::Words([first, ..]) | Self::ByWallet([first, ..]) => first,
            Self::Words([]) | Self::ByWallet([]) | Self::Money => "0",
            Self::Assets => "",
        }
    }

    fn allows(self, value: &str, rules: &Jurisdiction) -> bool {
        match self {
            Self::Words(words) => words.contains(&value),
            Self::ByWallet(words) => are_by_wallet(words, value),
            Self::Money => {
                Money::parse(value, rules.currency).is_ok_and(|money| !money.is_negative())
            }
            Self::Assets => {
                let is_name = |name: &str| !name.is_empty() && !name.contains(char::is_whitespace);
                let names = || value.split(',');
                value.is_empty()
                    || (value.len() <= ASSETS_BYTES_MAX
                        && names().count() <= ASSETS_MAX
                        && names().all(is_name))
            }
        }
    }

    /// What it takes, in words.
    pub fn known(self) -> String {
        match self {
            Self::Words(words) => words.join(", "),
            Self::ByWallet(words) => format!(
                "{}; for single wallets WALLET:WORD, {ASSETS_MAX} at most, commas between them",
                words.join(", ")
            ),
            Self::Money => "an amount of money, such as 1234.56".to_owned(),
            Self::Assets => {
                format!("{ASSETS_MAX} names of assets at most, commas between them: EURC,EURI")
            }
        }
    }
}

/// The wallets that a value names, each with its word; the word for all others has no wallet.
pub(crate) fn by_wallet(value: &str) -> impl Iterator<Item = (Option<&str>, &str)> {
    value.split(',').map(|item| match item.rsplit_once(':') {
        Some((wallet, word)) => (Some(wallet.trim()), word.trim()),
        None => (None, item.trim()),
    })
}

/// A wallet's name as names of wallets in a value are compared: in any case of its letters.
pub(crate) fn wallet_key(name: &str) -> String {
    name.trim().to_lowercase()
}

/// Whether each item of a value is one of the words, and no wallet has two.
fn are_by_wallet(words: &[&str], value: &str) -> bool {
    if value.len() > ASSETS_BYTES_MAX {
        return false;
    }
    let mut wallets = BTreeSet::new();
    by_wallet(value).all(|(wallet, word)| {
        wallet != Some("")
            && words.contains(&word)
            && wallets.insert(wallet.map(wallet_key))
            && wallets.len() <= ASSETS_MAX
    })
}

/// Options that several countries have, each with the default that suits the country.
pub(super) mod usual {
    use super::{OptionKind, OptionSpec};

    const WRAP: &str = "whether wrapping a token carries its cost over or counts as an exchange";
    const LP: &str = "whether putting units into a liquidity pool is an exchange for the share in \
                      it, or carries their cost over to it; what several rows of one transaction \
                      put in or take out is exchanged in any case";
    const LOAN: &str = "whether units paid back settle a debt at the value they had when borrowed, \
                        or are disposed of at the market value of the day";
    const SWAP_FEE: &str = "whether the costs of a swap belong to the disposal, or half to it and \
                            half to what is acquired";

    const TRANSFER_FEE: &str = "whether the network's fee of a transfer between own wallets, paid \
                                in units, is a disposal of them, or none: then their cost joins \
                                that of the units moved, or is lost";
    const TRANSFER_FEE_OF_A_POOL: &str = "whether the network's fee of a transfer between own \
                                          wallets, paid in units, is a disposal of them, or none \
                                          and their cost is lost";
    const MARGIN: &str = "whether results of margin positions are capital gains and losses, lines \
                          among the disposals, or income apart from them";
    const STAKING: &str = "whether rewards of staking are income when they are credited, or when \
                           they first leave the wallet in which they were";

    const fn words(
        name: &'static str,
        words: &'static [&'static str],
        meaning: &'static str,
    ) -> OptionSpec {
        OptionSpec {
            name,
            kind: OptionKind::Words(words),
            meaning,
        }
    }

    pub(in super::super) const WRAP_CARRIES: OptionSpec = words("wrap", &["carry", "trade"], WRAP);
    pub(in super::super) const WRAP_IS_A_TRADE: OptionSpec =
        words("wrap", &["trade", "carry"], WRAP);
    pub(in super::super) const LP_IS_A_TRADE: OptionSpec = words("lp", &["trade", "carry"], LP);
    pub(in super::super) const LOAN_AS_BORROWED: OptionSpec =
        words("loan", &["as_borrowed", "market"], LOAN);
    pub(in super::super) const LOAN_AT_MARKET: OptionSpec =
        words("loan", &["market", "as_borrowed"], LOAN);
    pub(in super::super) const SWAP_FEE_TO_DISPOSAL: OptionSpec =
        words("swap_fee", &["disposal", "split"], SWAP_FEE);
    pub(in super::super) const TRANSFER_FEE_IS_SOLD: OptionSpec =
        words("transfer_fee", &["disposal", "cost", "lost"], TRANSFER_FEE);
    pub(in super::super) const TRANSFER_FEE_OF_A_POOL_IS_SOLD: OptionSpec = words(
        "transfer_fee",
        &["disposal", "lost"],
        TRANSFER_FEE_OF_A_POOL,
    );
    pub(in super::super) const MARGIN_IS_CAPITAL: OptionSpec =
        words("margin", &["capital", "income"], MARGIN);
    pub(in super::super) const MARGIN_IS_INCOME: OptionSpec =
        words("margin", &["income", "capital"], MARGIN);
    pub(in super::super) const STAKING_ON_RECEIPT: OptionSpec =
        words("staking", &["receipt", "withdrawal"], STAKING);
    pub(in super::super) const LOSS_BEFORE: OptionSpec = OptionSpec {
        name: "loss_before",
        kind: OptionKind::Money,
        meaning: "loss carried over from before the first year on record",
    };
}

/// The options in force: those given, and the defaults of the others.
pub(super) fn resolve(
    rules: &Jurisdiction,
    given: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, TaxError> {
    let is_known = |name: &str| rules.options.iter().any(|option| option.name == name);
    if let Some(unknown) = given.keys().find(|name| !is_known(name)) {
        let known: Vec<_> = rules.options.iter().map(|option| option.name).collect();
        return Err(TaxError::UnknownOption {
            option: unknown.clone(),
            country: rules.country.as_str(),
            known: known.join(", "),
        });
    }
    let resolved = rules.options.iter().map(|option| {
        let value = given
            .get(option.name)
            .map_or(option.kind.default(), String::as_str);
        let value = of_today(option.name, value);
        if option.kind.allows(value, rules) {
            return Ok((option.name.to_owned(), value.to_owned()));
        }
        Err(TaxError::UnknownOptionValue {
            option: option.name.to_owned(),
            value: value.to_owned(),
            known: option.kind.known(),
        })
    });
    resolved.collect()
}

#[cfg(test)]
mod tests {
    use crate::jurisdiction::of;
    use crate::request::{Country, Request, Settings};

    fn ask(name: &str, value: &str) -> Result<Settings, String> {
        ask_of(Country::Us, name, value)
    }

    fn ask_of(country: Country, name: &str, value: &str) -> Result<Settings, String> {
        let options = [(name.to_owned(), value.to_owned())].into();
        let request = Request {
            options,
            ..Request::default()
        };
        of(country)
            .settings(&request)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn an_unknown_option_or_value_is_an_error_that_names_what_is_known() {
        let error = ask("wrapp", "carry").unwrap_err();
        assert!(
            error.starts_with("unknown option \"wrapp\" for us; known: wrap, "),
            "{error}"
        );
        assert_eq!(
            ask("wrap", "maybe").unwrap_err(),
            "unknown value \"maybe\" of option \"wrap\"; known: carry, trade"
        );
        assert_eq!(ask("wrap", "trade").unwrap().options["wrap"], "trade");
    }

    #[test]
    fn a_former_word_of_an_option_is_read_as_that_of_today() {
        let ask = |word| ask_of(Country::It, "threshold", word);
        assert_eq!(
            ask("franchise").unwrap().options["threshold"],
            "exempt_amount"
        );
        assert_eq!(ask("all").unwrap().options["threshold"], "all");
        assert_eq!(
            ask("free").unwrap_err(),
            "unknown value \"free\" of option \"threshold\"; known: exempt_amount, all"
        );
    }

    #[test]
    fn an_amount_of_money_is_a_plain_decimal_and_not_negative() {
        let ask = |value| ask("short_loss_before", value);
        assert_eq!(
            ask("1200.50").unwrap().options["short_loss_before"],
            "1200.50"
        );
        assert!(ask("-1").is_err() && ask("a lot").is_err());
    }

    #[test]
    fn a_word_may_be_said_for_single_wallets_and_once_for_all_others() {
        let ask = |value: &str| ask("form_1099_da", value);
        assert!(ask("with_basis").is_ok() && ask("Coinbase:with_basis").is_ok());
        assert!(ask("none,Coinbase:with_basis, My: wallet :without_basis").is_ok());
        for wrong in [
            "",
            "Coinbase",
            "Coinbase:yes",
            ":with_basis",
            "none,with_basis",
            "Coinbase:none,coinbase:with_basis",
            "none,",
        ] {
            let error = ask(wrong).unwrap_err();
            assert!(
                error.contains("WALLET:WORD, 100 at most"),
                "{wrong}: {error}"
            );
        }
        let many = |count: usize| {
            let all: Vec<_> = (0..count).map(|wallet| format!("{wallet}:none")).collect();
            all.join(",")
        };
        assert!(ask(&many(100)).is_ok() && ask(&many(101)).is_err());
    }

    #[test]
    fn a_list_of_assets_has_a_hundred_names_at_most() {
        let ask = |value: &str| ask_of(Country::It, "e_money", value);
        let names = |count| vec!["EURC"; count].join(",");
        assert!(ask("").is_ok() && ask(&names(100)).is_ok());
        assert_eq!(
            ask("EURC,").unwrap_err(),
            "unknown value \"EURC,\" of option \"e_money\"; known: 100 names of assets at most, \
             commas between them: EURC,EURI"
        );
        assert!(ask(&names(101)).is_err() && ask(&"A".repeat(4_001)).is_err());
    }
}
