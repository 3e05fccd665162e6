//! Every source that can be read: one file for each.

mod binance;
mod bitfinex;
mod bitstamp;
mod bittytax;
mod coinbase;
mod coinbase_pro;
mod cointracker;
mod cointracking;
mod crypto_com;
mod etherscan;
mod koinly;
mod kraken;
mod kucoin;
mod ledger_live;
mod mapped;
mod neutral;
mod rotki;
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
    &binance::HISTORY,
    &binance::TRADES,
    &bitfinex::TRADES,
    &bitstamp::SOURCE,
    &kucoin::ORDERS,
    &crypto_com::SOURCE,
    &ledger_live::SOURCE,
    &trezor::SOURCE,
    &etherscan::NORMAL,
    &etherscan::INTERNAL,
    &bittytax::SOURCE,
    &cointracker::SOURCE,
    &cointracking::SOURCE,
    &rotki::TRADES,
    &rotki::EVENTS,
];
