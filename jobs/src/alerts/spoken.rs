//! Metrics and conditions as people read them. Pure.

use std::collections::BTreeMap;

use packtrain_core::chain::Chain;
use packtrain_core::shown::exact;
use packtrain_rules::metric::{Aggregate, Derived, Family, Metric, Over};
use packtrain_rules::rule::{Condition, Leaf, Op, Rule};
use packtrain_rules::value::Value;

/// Letters of an address that are shown, at its beginning and at its end.
const ADDRESS_BEGIN: usize = 6;
const ADDRESS_END: usize = 4;

/// What people call coins, by the keys of their prices.
pub(super) type Symbols = BTreeMap<String, String>;

/// What a metric is called, such as `ETH price` or `Base fee on Ethereum`.
pub(super) fn name(key: &Derived, symbols: &Symbols) -> String {
    let metric = metric(&key.metric, symbols);
    let Some(Over {
        aggregate,
        window_s,
    }) = key.over
    else {
        return metric;
    };
    let what = match aggregate {
        Aggregate::ChangePercent => "change",
        Aggregate::Min => "lowest",
        Aggregate::Max => "highest",
        Aggregate::Mean => "mean",
    };
    format!("{metric} ({what} over {})", span(window_s))
}

/// How long the window of a metric is; empty of one without.
pub(super) fn within(key: &Derived) -> String {
    key.over
        .map_or_else(String::new, |over| span(over.window_s))
}

/// In what a metric is measured.
pub(super) fn unit(key: &Derived) -> &'static str {
    if key
        .over
        .is_some_and(|over| over.aggregate == Aggregate::ChangePercent)
    {
        return "%";
    }
    match key.metric.family() {
        Family::Price | Family::Tvl | Family::TvlQuantity | Family::Transfer => "USD",
        Family::Gas => "wei",
        Family::Apy => "%",
        Family::Peg
        | Family::Balance
        | Family::TransferIn
        | Family::TransferOut
        | Family::Approval
        | Family::Job
        | Family::Platform => "",
    }
}

/// Why a rule fires: its condition, how long it has to last, and where it is over again.
pub(super) fn why(rule: &Rule, symbols: &Symbols) -> String {
    let mut said = condition(&rule.when, symbols);
    if rule.for_s > 0 {
        said = format!("{said}, for {}", span(rule.for_s));
    }
    if let Condition::Leaf(leaf) = &rule.when
        && let Some(clear) = leaf.clear
    {
        let clear = shown(leaf, clear);
        said = match leaf.op {
            Op::Above | Op::CrossesAbove => format!("{said} (over at {clear} or below)"),
            Op::AtLeast => format!("{said} (over below {clear})"),
            Op::Below | Op::CrossesBelow => format!("{said} (over at {clear} or above)"),
            Op::AtMost => format!("{said} (over above {clear})"),
        };
    }
    said
}

/// Why a rule fires to which data is missing: for how long.
pub(super) fn silence(after_s: u32) -> String {
    format!("no data for {}", span(after_s))
}

fn condition(condition: &Condition, symbols: &Symbols) -> String {
    let joined = |parts: &[Condition], by: &str| {
        let parts: Vec<String> = parts.iter().map(|it| part(it, symbols)).collect();
        parts.join(by)
    };
    match condition {
        Condition::All { all } => joined(all, " and "),
        Condition::Any { any } => joined(any, " or "),
        Condition::Not { not } => format!("not {}", part(not, symbols)),
        Condition::Leaf(leaf) => {
            let op = match leaf.op {
                Op::Above => "is above",
                Op::AtLeast => "is at or above",
                Op::Below => "is below",
                Op::AtMost => "is at or below",
                Op::CrossesAbove => "goes above",
                Op::CrossesBelow => "goes below",
            };
            let (name, value) = (name(&leaf.derived(), symbols), shown(leaf, leaf.value));
            format!("{name} {op} {value}")
        }
    }
}

/// A part of a condition, in brackets where it has parts of its own.
fn part(of: &Condition, symbols: &Symbols) -> String {
    match of {
        Condition::Leaf(_) => condition(of, symbols),
        _ => format!("({})", condition(of, symbols)),
    }
}

fn shown(leaf: &Leaf, value: Value) -> String {
    exact(&value.to_string(), unit(&leaf.derived()))
}

fn metric(metric: &Metric, symbols: &Symbols) -> String {
    let key = metric.as_str();
    if let Some(symbol) = symbols.get(key) {
        return format!("{symbol} price");
    }
    let mut parts = key.split(':').skip(1);
    let mut next = || parts.next().unwrap_or_default();
    match metric.family() {
        Family::Price => {
            let (source, coin) = (next(), next());
            match short(coin) {
                Some(address) => format!("Price of {address} on {}", self::source(source)),
                None => format!("{coin} price"),
            }
        }
        Family::Gas => {
            let (chain, figure) = (chain(next()), next());
            format!("{} on {chain}", gas(figure))
        }
        Family::Tvl => format!("TVL of {}", next()),
        Family::TvlQuantity => format!("TVL of {} at steady prices", next()),
        Family::Apy => format!("APY of {}", next()),
        Family::Peg => format!("Peg of {}", next()),
        Family::Balance => of_wallet("Balance of", "Balance of", next(), next(), next()),
        Family::TransferIn => of_wallet(
            "Amount received by",
            "Number of tokens received by",
            next(),
            next(),
            next(),
        ),
        Family::TransferOut => of_wallet(
            "Amount sent by",
            "Number of tokens sent by",
            next(),
            next(),
            next(),
        ),
        Family::Approval => of_wallet(
            "Largest allowance of",
            "Number of allowances of",
            next(),
            next(),
            next(),
        ),
        Family::Transfer => {
            let (chain, owner) = (chain(next()), next());
            let owner = short(owner).unwrap_or_else(|| owner.to_owned());
            format!("Transfer of {owner} on {chain}")
        }
        Family::Job => {
            let (kind, figure) = (next(), next());
            format!("{kind} ({})", words(figure))
        }
        Family::Platform => format!("Platform ({})", words(next())),
    }
}

/// What a wallet has or did: with one token, or with any.
fn of_wallet(one: &str, any: &str, on: &str, owner: &str, token: &str) -> String {
    let (on, owner) = (chain(on), short(owner).unwrap_or_default());
    match token {
        "any" => format!("{any} {owner} on {on}"),
        token => {
            let token = short(token).unwrap_or_else(|| token.to_owned());
            format!("{one} {owner} on {on} ({token})")
        }
    }
}

fn gas(figure: &str) -> String {
    match figure {
        "base_fee" => "Base fee".to_owned(),
        "next_base_fee" => "Next base fee".to_owned(),
        "blob_base_fee" => "Blob base fee".to_owned(),
        "l1_fee" => "L1 fee".to_owned(),
        "tip_p50" => "Median tip".to_owned(),
        other => match other.strip_prefix("tip_p") {
            Some(percentile) => format!("Tip ({percentile}th percentile)"),
            None => words(other),
        },
    }
}

fn chain(id: &str) -> String {
    match id.parse::<Chain>() {
        Ok(Chain::Ethereum) => "Ethereum".to_owned(),
        Ok(Chain::Optimism) => "OP Mainnet".to_owned(),
        Ok(Chain::Base) => "Base".to_owned(),
        Ok(Chain::Arbitrum) => "Arbitrum One".to_owned(),
        Ok(Chain::Polygon) => "Polygon".to_owned(),
        Err(_) => format!("chain {id}"),
    }
}

/// Where a price is from: a chain by its name.
fn source(name: &str) -> String {
    match name.parse::<Chain>() {
        Ok(_) => chain(name),
        Err(_) => name.to_owned(),
    }
}

/// An address by its ends; none of what is no address.
fn short(text: &str) -> Option<String> {
    let is_address = text.starts_with("0x") && text.len() > ADDRESS_BEGIN + ADDRESS_END;
    let (begin, end) = (
        text.get(..ADDRESS_BEGIN)?,
        text.len().checked_sub(ADDRESS_END)?,
    );
    let end = text.get(end..)?;
    is_address.then(|| format!("{begin}…{end}"))
}

/// A word of machines as words of people.
fn words(text: &str) -> String {
    text.replace('_', " ")
}

/// A time in the largest unit in which it is whole: `5 min`, `90 s`.
fn span(seconds: u32) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "min")];
    let found = units
        .into_iter()
        .find(|(unit, _)| seconds.is_multiple_of(*unit) && seconds > 0);
    let (unit, word) = found.unwrap_or((1, "s"));
    format!("{} {word}", seconds / unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Symbols {
        let named = [("price:coingecko:ethereum", "ETH")];
        let named = named.into_iter();
        named
            .map(|(key, symbol)| (key.to_owned(), symbol.to_owned()))
            .collect()
    }

    fn named(key: &str) -> String {
        name(&key.parse().unwrap(), &known())
    }

    fn why_of(rule: &str) -> String {
        why(&serde_json::from_str(rule).unwrap(), &known())
    }

    #[test]
    fn a_metric_is_called_as_people_call_it() {
        let owner = "0x00000000219ab540356cbb839cbe05303d7705fa";
        for (key, name) in [
            ("price:coingecko:ethereum", "ETH price"),
            ("price:coingecko:unheard-of", "unheard-of price"),
            (
                &*format!("price:base:{owner}"),
                "Price of 0x0000…05fa on Base",
            ),
            (
                "price:coingecko:ethereum|change_percent:3600",
                "ETH price (change over 1 h)",
            ),
            ("gas:1:base_fee", "Base fee on Ethereum"),
            ("gas:8453:tip_p90", "Tip (90th percentile) on Base"),
            ("gas:77:tip_p50", "Median tip on chain 77"),
            ("tvl:aave", "TVL of aave"),
            (
                "tvl_quantity:aave|min:90",
                "TVL of aave at steady prices (lowest over 90 s)",
            ),
            (
                &*format!("balance:1:{owner}:native"),
                "Balance of 0x0000…05fa on Ethereum (native)",
            ),
            (
                &*format!("transfer_out:1:{owner}:any"),
                "Number of tokens sent by 0x0000…05fa on Ethereum",
            ),
            (
                &*format!("approval:1:{owner}:{owner}"),
                "Largest allowance of 0x0000…05fa on Ethereum (0x0000…05fa)",
            ),
            ("transfer:1:binance", "Transfer of binance on Ethereum"),
            ("job:tax.report:dead", "tax.report (dead)"),
            ("platform:backlog_seconds", "Platform (backlog seconds)"),
        ] {
            assert_eq!(named(key), name, "{key}");
        }
    }

    #[test]
    fn why_a_rule_fires_is_said_with_units_and_where_it_is_over() {
        for (rule, said) in [
            (
                r#"{"name": "x", "when": {"metric": "price:coingecko:ethereum", "op": "<",
                    "value": "2012.34", "clear": "2100"}}"#,
                "ETH price is below $2,012.34 (over at $2,100 or above)",
            ),
            (
                r#"{"name": "x", "for_s": 300, "when": {"metric": "price:coingecko:ethereum",
                    "op": ">=", "value": "3000"}}"#,
                "ETH price is at or above $3,000, for 5 min",
            ),
            (
                r#"{"name": "x", "when": {"all": [
                    {"metric": "gas:1:base_fee", "op": ">", "value": "20000000000"},
                    {"not": {"metric": "peg:usd-coin", "op": ">=", "value": "0.99"}}]}}"#,
                "Base fee on Ethereum is above 20 gwei and \
                 (not Peg of usd-coin is at or above 0.99)",
            ),
        ] {
            assert_eq!(why_of(rule), said);
        }
    }
}
