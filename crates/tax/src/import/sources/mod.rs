//! Every source that can be read: one file for each.

mod binance;
mod bittytax;
mod coinbase;
mod cointracker;
mod cointracking;
mod crypto_com;
mod etherscan;
mod koinly;
mod kraken;
mod ledger_live;
mod neutral;
mod rotki;

use super::Source;

/// Every source. The product's own format comes first: where nothing fits, errors speak of it.
pub(super) static ALL: &[&Source] = &[
    &neutral::SOURCE,
    &koinly::SOURCE,
    &coinbase::SOURCE,
    &kraken::LEDGERS,
    &binance::HISTORY,
    &binance::TRADES,
    &crypto_com::SOURCE,
    &ledger_live::SOURCE,
    &etherscan::NORMAL,
    &etherscan::INTERNAL,
    &bittytax::SOURCE,
    &cointracker::SOURCE,
    &cointracking::SOURCE,
    &rotki::TRADES,
    &rotki::EVENTS,
];
