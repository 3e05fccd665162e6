//! Every source that can be read: one file for each.

mod binance;
mod binance_trades;
mod bitfinex;
mod bitfinex_funds;
mod bitstamp;
mod bittytax;
mod blockscout;
mod bybit;
mod coinbase;
mod coinbase_pro;
mod cointracker;
mod cointracking;
mod crypto_com;
mod etherscan;
mod etherscan_nfts;
mod etherscan_tokens;
mod gemini;
mod koinly;
mod kraken;
mod kraken_trades;
mod kucoin;
mod kucoin_funds;
mod ledger_live;
mod mapped;
pub(super) mod neutral;
mod okx;
mod rotki;
mod solscan;
mod trezor;

use super::Source;

pub(super) use mapped::MAPPED;

/// Every source. The product's own format comes first: where nothing fits, errors speak of it.
pub(super) static ALL: &[&Source] = &[
    &neutral::SOURCE,
    &koinly::SOURCE,
    &coinbase::SOURCE,
    &coinbase_pro::FILLS,
    &kraken::LEDGERS,
    &kraken_trades::TRADES,
    &binance::HISTORY,
    &binance_trades::TRADES,
    &binance_trades::OLDER,
    &bitfinex::TRADES,
    &bitfinex_funds::MOVEMENTS,
    &bitfinex_funds::LEDGER,
    &bitstamp::SOURCE,
    &kucoin::ORDERS,
    &kucoin_funds::TRANSFERS,
    &kucoin_funds::EARN,
    &gemini::SOURCE,
    &okx::TRADING,
    &okx::FUNDING,
    &bybit::TRADES,
    &bybit::FUNDING,
    &crypto_com::SOURCE,
    &ledger_live::SOURCE,
    &trezor::SOURCE,
    &etherscan::NORMAL,
    &etherscan::INTERNAL,
    &etherscan_tokens::TOKENS,
    &etherscan_nfts::NFTS,
    &blockscout::TRANSACTIONS,
    &blockscout::INTERNAL,
    &blockscout::TOKENS,
    &solscan::SOURCE,
    &bittytax::SOURCE,
    &cointracker::SOURCE,
    &cointracking::SOURCE,
    &rotki::TRADES,
    &rotki::OLDER_TRADES,
    &rotki::EVENTS,
];

/// What tells an account by the name of its wallet, in any case of its letters. The fills of
/// Coinbase's advanced trading are of the account that its history is of.
pub(crate) fn account_key(wallet: &str) -> String {
    let key = wallet.trim().to_lowercase();
    match key == coinbase_pro::ADVANCED.to_lowercase() {
        true => coinbase::SOURCE.label.to_lowercase(),
        false => key,
    }
}

#[cfg(test)]
mod tests {
    use super::ALL;

    #[test]
    fn every_source_has_a_sample_among_those_that_are_read_to_their_rows() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/imports/");
        for source in ALL.iter().skip(1) {
            let sample = format!("{folder}{}.csv", source.name);
            assert!(std::path::Path::new(&sample).exists(), "{sample}");
        }
    }
}
