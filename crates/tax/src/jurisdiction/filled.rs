//! What is filled into the words of rules: quantities and wallets of this report.

use std::collections::{BTreeMap, BTreeSet};

use super::{by_wallet, wallet_key};
use crate::request::Settings;

/// Which lots changed wallets, in a sentence.
pub(super) fn allocated(moved: Option<&BTreeMap<String, String>>) -> String {
    match moved {
        Some(moved) if !moved.is_empty() => {
            format!("Lots of {} changed wallets.", listed(moved))
        }
        _ => "Every lot was where its units were.".to_owned(),
    }
}

/// Which rewards still wait, in a sentence.
pub(super) fn waiting(left: &BTreeMap<String, String>) -> String {
    match left.is_empty() {
        true => "At the end of the records none were left there.".to_owned(),
        false => format!(
            "Left there at the end of the records, and in no figure: {}.",
            listed(left)
        ),
    }
}

/// What brokers reported of which wallet, in sentences; a name that no sale is from may be a slip.
pub(super) fn statements(settings: &Settings, sold_from: &BTreeSet<String>) -> String {
    let said = settings.options.get("form_1099_da");
    let all = || by_wallet(said.map_or("", String::as_str));
    let mut parts: Vec<_> = all()
        .filter_map(|(wallet, word)| Some(format!("{}: {word}", wallet?)))
        .collect();
    let others = all().find(|(wallet, _)| wallet.is_none());
    parts.push(format!(
        "all others: {}",
        others.map_or("none", |(_, word)| word)
    ));
    let unmet: Vec<_> = all()
        .filter_map(|(wallet, _)| wallet)
        .filter(|wallet| !sold_from.contains(&wallet_key(wallet)))
        .collect();
    match unmet.as_slice() {
        [] => format!("{}.", parts.join("; ")),
        unmet => format!(
            "{}. Nothing was sold from {}.",
            parts.join("; "),
            unmet.join(", ")
        ),
    }
}

/// Quantities of assets, one after the other.
fn listed(quantities: &BTreeMap<String, String>) -> String {
    let list: Vec<_> = quantities
        .iter()
        .map(|(asset, quantity)| format!("{quantity} {asset}"))
        .collect();
    list.join(", ")
}
