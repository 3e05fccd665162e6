//! Symbols that are both a coin's and a currency's code: which is meant, where anybody says so.

use std::collections::HashMap;

use packtrain_core::ledger::{Asset, Leg, Row};
use rayon::prelude::*;

use super::Options;
use crate::fiat;

/// Sources of chains and of wallets on them, on which there are coins only.
const CHAINS: &[&str] = &[
    "blockscout",
    "blockscout-internal",
    "blockscout-tokens",
    "etherscan",
    "etherscan-internal",
    "etherscan-nfts",
    "etherscan-tokens",
    "ledger-live",
    "solscan",
    "trezor",
];

/// Rows that are looked through as one.
const CHUNK: usize = 16_384;

/// Marks symbols as coins or as money, by the word of the person and of the source.
pub(super) fn tell_apart(rows: &mut [Row], source: &str, options: &Options) {
    let is_chain = CHAINS.contains(&source);
    // Where nobody says anything of codes, only marks are looked at.
    let is_said = is_chain || !options.coins.is_empty() || !options.money.is_empty();
    rows.par_chunks_mut(CHUNK)
        .for_each(|rows| mark(rows, is_chain, is_said, options));
}

fn mark(rows: &mut [Row], is_chain: bool, is_said: bool, options: &Options) {
    let mut known: HashMap<Asset, Asset> = HashMap::new();
    for row in rows {
        let legs = [&mut row.sent, &mut row.received, &mut row.fee];
        for Leg { asset, .. } in legs.into_iter().flatten() {
            // Only a code, marked or not, can be both.
            let is_both = asset.as_bytes().contains(&b'@') || (is_said && asset.len() == 3);
            if !is_both {
                continue;
            }
            if let Some(told) = known.get(asset) {
                *asset = Asset::clone(told);
                continue;
            }
            let told = match told(asset, is_chain, options) {
                Some(other) => Asset::from(other),
                None => Asset::clone(asset),
            };
            known.insert(Asset::clone(asset), Asset::clone(&told));
            *asset = told;
        }
    }
}

/// The symbol as it is meant; none where it stays.
fn told(symbol: &str, is_chain: bool, options: &Options) -> Option<String> {
    let among = |list: &[String]| list.iter().any(|code| code.eq_ignore_ascii_case(symbol));
    let meant = if among(&options.coins) {
        fiat::as_coin(symbol)
    } else if among(&options.money) {
        fiat::as_money(symbol)
    } else if is_chain {
        fiat::as_coin(symbol)
    } else {
        fiat::plain(symbol).into()
    };
    (meant != symbol).then(|| meant.into_owned())
}

#[cfg(test)]
mod tests {
    use crate::import::{self, Options, sources};

    const HEADER: &str = "id,timestamp,type,wallet,sent_amount,sent_asset,received_amount,\
                          received_asset,fee_amount,fee_asset,value,currency";

    /// What is sent and received in a row of the product's own format.
    fn read(options: &Options, sent: &str, received: &str) -> (String, String) {
        let row = format!("a,2024-03-10T12:00:00Z,trade,main,1,{sent},2,{received},,,10,USD");
        let file = format!("{HEADER}\n{row}\n");
        let import = import::read_with(file.as_bytes(), options).unwrap();
        assert_eq!(import.errors, []);
        let leg =
            |leg: &Option<packtrain_core::ledger::Leg>| leg.as_ref().unwrap().asset.to_string();
        (leg(&import.rows[0].sent), leg(&import.rows[0].received))
    }

    #[test]
    fn a_symbol_is_a_coin_or_money_as_the_person_says() {
        let plain = Options::default();
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(read(&plain, "RON", "MNT"), pair("RON", "MNT"));
        let options = Options {
            coins: vec!["ron".to_owned()],
            money: vec!["MNT".to_owned()],
            ..Options::default()
        };
        assert_eq!(read(&options, "RON", "MNT"), pair("RON@coin", "MNT@money"));
        assert_eq!(read(&options, "EUR", "BTC"), pair("EUR", "BTC"));
        assert_eq!(
            read(&plain, "RON@coin", "MNT@coin"),
            pair("RON@coin", "MNT")
        );
    }

    #[test]
    fn a_chain_has_coins_only() {
        let options = Options::default();
        assert_eq!(
            super::told("RON", true, &options).as_deref(),
            Some("RON@coin")
        );
        assert_eq!(super::told("RON", false, &options), None);
        assert_eq!(super::told("MNT", true, &options), None);
    }

    #[test]
    fn every_chain_of_the_list_is_a_source() {
        for name in super::CHAINS {
            assert!(
                sources::ALL.iter().any(|source| source.name == *name),
                "{name}"
            );
        }
    }
}
