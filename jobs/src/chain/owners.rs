//! Owners of addresses, as an operator names them.

use packtrain_core::chain::Chain;
use packtrain_core::ports::{AddressBytes, Owners};
use packtrain_rules::metric::Metric;

use super::watched::Key;

/// Addresses of all owners, at most: each is asked for in every block of its chain while a rule
/// watches its owner.
pub const ADDRESSES_MAX: usize = 2_000;

/// Reads owners, each as its chain, its name and its addresses, such as
/// `1:desk=0x28c6... 0x21a3...`. Several of one chain and name are one.
///
/// # Errors
/// The first entry that cannot be meant, and why.
pub fn read<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<Owners, String> {
    let (mut owners, mut count) = (Owners::default(), 0);
    for entry in entries {
        let wrong = |why: String| format!("{entry:?}: {why}");
        let (name, addresses) = entry
            .split_once('=')
            .ok_or_else(|| wrong("not of the form 1:name=0x... 0x...".to_owned()))?;
        let (chain, name) = named(name.trim()).map_err(wrong)?;
        let addresses = addresses.split_whitespace().map(|it| address(chain, it));
        let addresses = addresses.collect::<Result<Vec<_>, _>>().map_err(wrong)?;
        if addresses.is_empty() {
            return Err(wrong("it has no address".to_owned()));
        }
        let is_other = |it: &&AddressBytes| owners.owner(chain, it).is_some_and(|it| it != name);
        if let Some(twice) = addresses.iter().find(is_other) {
            let twice = hex::encode(twice);
            return Err(wrong(format!("0x{twice} is of another owner already")));
        }
        count += addresses.len();
        if count > ADDRESSES_MAX {
            return Err(wrong(format!("more than {ADDRESSES_MAX} addresses")));
        }
        owners.add(chain, &name, &addresses);
    }
    Ok(owners)
}

/// A chain and a name, as they stand in the metric of an owner.
fn named(text: &str) -> Result<(Chain, String), String> {
    let (chain, name) = text
        .split_once(':')
        .ok_or_else(|| "an owner is named by its chain and a name, such as 1:desk".to_owned())?;
    let chain = chain.parse::<Chain>().map_err(|error| error.to_string())?;
    let metric: Result<Metric, _> = format!("transfer:{}:{name}", chain.id()).parse();
    let metric = metric.map_err(|error| error.to_string())?;
    // As rules name it.
    let name = metric.as_str().rsplit(':').next().unwrap_or_default();
    match name.starts_with("0x") {
        true => Err("a name does not begin with 0x".to_owned()),
        false => Ok((chain, name.to_owned())),
    }
}

fn address(chain: Chain, text: &str) -> Result<AddressBytes, String> {
    let metric: Result<Metric, _> = format!("transfer_in:{}:{text}:any", chain.id()).parse();
    let metric = metric.map_err(|error| error.to_string())?;
    let key = Key::read(metric.as_str(), &Owners::default());
    key.map(|key| key.wallet)
        .ok_or_else(|| format!("{text} is no address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(byte: &str) -> String {
        format!("0x{}", byte.repeat(20))
    }

    #[test]
    fn owners_are_read_by_chain_and_name_and_several_entries_of_one_are_one() {
        let (one, two) = (text("11"), text("22"));
        let entries = [
            format!("1:desk={one}"),
            format!("ethereum:desk= {two}  {one}"),
            format!("10:desk={two}"),
        ];
        let owners = read(entries.iter().map(String::as_str)).unwrap();
        let found = owners.addresses(Chain::Ethereum, "desk");
        assert_eq!(found, [[0x11; 20], [0x22; 20]]);
        assert_eq!(owners.addresses(Chain::Optimism, "desk"), [[0x22; 20]]);
        assert!(owners.addresses(Chain::Base, "desk").is_empty());
    }

    #[test]
    fn what_is_no_owner_is_refused_with_its_entry() {
        let one = text("11");
        for (entries, why) in [
            (vec![format!("desk={one}")], "by its chain and a name"),
            (vec![format!("7:desk={one}")], "no chain of this name"),
            (vec![format!("1:de sk={one}")], "letters, digits"),
            (vec![format!("1:{one}={one}")], "does not begin with 0x"),
            (vec!["1:desk=0x11".to_owned()], "address"),
            (vec!["1:desk=".to_owned()], "no address"),
            (vec!["1:desk".to_owned()], "not of the form"),
            (
                vec![format!("1:desk={one}"), format!("1:other={one}")],
                "another owner already",
            ),
        ] {
            let error = read(entries.iter().map(String::as_str)).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
