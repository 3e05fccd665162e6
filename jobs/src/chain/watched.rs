//! Which wallets are watched for what, out of the keys of metrics. Pure.

use std::collections::BTreeSet;

use packtrain_core::ports::{AddressBytes, Gap, Owners};

/// A metric of a wallet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    /// As rules name it.
    pub(super) metric: String,
    /// Whose.
    pub(super) wallet: AddressBytes,
    /// Further addresses of the same owner, who is known by this name.
    pub(super) owner: Option<(String, Vec<AddressBytes>)>,
    /// What of it.
    pub(super) what: What,
}

/// What is watched of a wallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// How much it has of a token; of the chain's own coin, when none is named.
    Balance(Option<AddressBytes>),
    /// What it got of a token, or of how many it got something.
    Got(Option<AddressBytes>),
    /// What it gave, likewise.
    Gave(Option<AddressBytes>),
    /// The largest allowance that it gave of a token, or how many it gave.
    Approved(Option<AddressBytes>),
    /// What it moved in a transaction, in US dollars.
    Moved,
}

impl Key {
    /// A key out of the store; none of one that this release does not know, or whose owner it does
    /// not know any more.
    pub(super) fn read(metric: &str, owners: &Owners) -> Option<Self> {
        let parts: Vec<&str> = metric.split(':').collect();
        if let ["transfer", chain, name] = *parts.as_slice()
            && let [wallet, others @ ..] = owners.addresses(chain.parse().ok()?, name)
        {
            return Some(Self {
                metric: metric.to_owned(),
                wallet: *wallet,
                owner: Some((name.to_owned(), others.to_vec())),
                what: What::Moved,
            });
        }
        let (wallet, what) = match *parts.as_slice() {
            ["balance", _, wallet, token] => (wallet, What::Balance(token_of(token, "native")?)),
            ["transfer_in", _, wallet, token] => (wallet, What::Got(token_of(token, "any")?)),
            ["transfer_out", _, wallet, token] => (wallet, What::Gave(token_of(token, "any")?)),
            ["approval", _, wallet, token] => (wallet, What::Approved(token_of(token, "any")?)),
            ["transfer", _, wallet] => (wallet, What::Moved),
            _ => return None,
        };
        Some(Self {
            metric: metric.to_owned(),
            wallet: address(wallet)?,
            owner: None,
            what,
        })
    }

    /// All addresses that it is about.
    pub(super) fn wallets(&self) -> impl Iterator<Item = AddressBytes> {
        let others = self.owner.iter().flat_map(|(_, others)| others);
        [self.wallet].into_iter().chain(others.copied())
    }

    /// Whether logs tell of it.
    pub(super) const fn is_of_events(&self) -> bool {
        !matches!(self.what, What::Balance(_))
    }

    /// Whether what is not known of a block is about it.
    pub(super) fn is_in(&self, gap: &Gap) -> bool {
        let is_other = self.token().is_some() && self.token() != gap.token;
        self.is_of_events() && !is_other && self.wallets().any(|it| it == gap.wallet)
    }

    /// Whether a gap leaves no figure of its block: what is known of it may be too much as well.
    pub(super) fn is_lost_in(&self, gap: &Gap) -> bool {
        let is_figure = self.token().is_some() || self.what == What::Moved;
        is_figure && gap.token.is_some() && self.is_in(gap)
    }

    /// The token whose decimals it needs.
    pub(super) const fn token(&self) -> Option<AddressBytes> {
        match self.what {
            What::Balance(token) | What::Got(token) | What::Gave(token) | What::Approved(token) => {
                token
            }
            What::Moved => None,
        }
    }
}

/// The wallets of keys of which logs tell, each once.
pub(super) fn wallets(keys: &[Key]) -> Vec<AddressBytes> {
    let of_events = keys.iter().filter(|key| key.is_of_events());
    let wallets: BTreeSet<AddressBytes> = of_events.flat_map(Key::wallets).collect();
    wallets.into_iter().collect()
}

/// The metrics of events by their wallets.
pub(super) fn watchers(keys: &[Key]) -> Vec<(AddressBytes, String)> {
    let of_events = keys.iter().filter(|key| key.is_of_events());
    let pairs = of_events.flat_map(|key| key.wallets().map(|wallet| (wallet, key.metric.clone())));
    pairs.collect()
}

/// A token by its address, or none by this word.
fn token_of(text: &str, word: &str) -> Option<Option<AddressBytes>> {
    if text == word {
        return Some(None);
    }
    address(text).map(Some)
}

fn address(text: &str) -> Option<AddressBytes> {
    let bytes = hex::decode(text.strip_prefix("0x")?).ok()?;
    bytes.try_into().ok()
}

#[cfg(test)]
mod tests {
    use packtrain_core::chain::Chain;

    use super::*;

    #[test]
    fn a_key_says_which_wallet_is_watched_for_what() {
        let (wallet, token) = (
            format!("0x{}", "ad".repeat(20)),
            format!("0x{}", "70".repeat(20)),
        );
        for (key, what) in [
            (format!("balance:1:{wallet}:native"), What::Balance(None)),
            (
                format!("balance:1:{wallet}:{token}"),
                What::Balance(Some([0x70; 20])),
            ),
            (format!("transfer_in:1:{wallet}:any"), What::Got(None)),
            (
                format!("transfer_out:1:{wallet}:{token}"),
                What::Gave(Some([0x70; 20])),
            ),
            (format!("approval:1:{wallet}:any"), What::Approved(None)),
            (format!("transfer:1:{wallet}"), What::Moved),
        ] {
            let read = Key::read(&key, &Owners::default()).unwrap();
            assert_eq!(
                (read.wallet, read.what, &read.metric),
                ([0xad; 20], what, &key)
            );
        }
        for other in [
            "gas:1:base_fee".to_owned(),
            "transfer:1:binance".to_owned(),
            format!("balance:1:{wallet}"),
            format!("approval:1:{wallet}:usdc"),
            format!("balance:1:{wallet}:any"),
        ] {
            assert_eq!(Key::read(&other, &Owners::default()), None, "{other}");
        }
    }

    #[test]
    fn an_owner_that_is_known_by_name_is_all_of_its_addresses_on_its_chain() {
        let mut owners = Owners::default();
        owners.add(Chain::Ethereum, "desk", &[[2; 20], [1; 20], [2; 20]]);
        let key = Key::read("transfer:1:desk", &owners).unwrap();
        assert_eq!(key.wallets().collect::<Vec<_>>(), [[1; 20], [2; 20]]);
        assert_eq!(wallets(&[key.clone(), key]), [[1; 20], [2; 20]]);
        assert_eq!(Key::read("transfer:10:desk", &owners), None);
        assert_eq!(Key::read("transfer_out:1:desk:any", &owners), None);
    }

    #[test]
    fn who_watches_events_of_a_wallet_is_told_of_it_and_who_watches_its_balance_is_not() {
        let mut owners = Owners::default();
        owners.add(Chain::Ethereum, "desk", &[[2; 20], [3; 20]]);
        let wallet = |byte: &str| format!("0x{}", byte.repeat(20));
        let metrics = [
            format!("transfer_in:1:{}:any", wallet("01")),
            format!("approval:1:{}:{}", wallet("01"), wallet("70")),
            format!("balance:1:{}:native", wallet("01")),
            "transfer:1:desk".to_owned(),
        ];
        let keys = metrics.iter().map(|key| Key::read(key, &owners).unwrap());
        let keys: Vec<Key> = keys.collect();
        let [payee, spender, _, desk] = metrics;
        let both = [([2; 20], desk.clone()), ([3; 20], desk)];
        let expected = [([1; 20], payee), ([1; 20], spender)]
            .into_iter()
            .chain(both);
        assert_eq!(watchers(&keys), expected.collect::<Vec<_>>());
    }
}
