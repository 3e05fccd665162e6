//! What wallets did on chains. Amounts travel as text and rest as `numeric`: both exact.

pub(crate) mod news;
pub(crate) mod read;
pub(crate) mod scanned;
mod undone;

use packtrain_core::chain::Chain;

/// A chain's id as the database has it.
fn id(chain: Chain) -> i64 {
    stored(chain.id())
}

/// A number of a chain; none comes near the end of `bigint`.
fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
