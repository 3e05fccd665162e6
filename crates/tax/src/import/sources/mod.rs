//! Every source that can be read: one file for each.

mod coinbase;
mod koinly;
mod kraken;
mod neutral;

use super::Source;

/// Every source. The product's own format comes first: where nothing fits, errors speak of it.
pub(super) static ALL: &[&Source] = &[
    &neutral::SOURCE,
    &koinly::SOURCE,
    &coinbase::SOURCE,
    &kraken::LEDGERS,
];
