//! Rows that a job wants written in the transaction that ends it.

use super::{
    Balances, Evaluated, Gathered, NextWindow, Point, ReportRecord, Scanned, TokenDecimals, Try,
};
use crate::chain::Chain;

/// A row that stands or falls with the end of its job: if the lease is gone, it is not written.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// A finished report with its artefacts, of the job's tenant.
    Report(ReportRecord),
    /// When the job was enqueued and when it is settled, both by the database's clock: no other
    /// knows the one and can tell the other.
    ServiceLevel,
    /// What the job observed: its id is the tick of these points.
    Observed(Vec<Point>),
    /// What an evaluation found out.
    Evaluated(Box<Evaluated>),
    /// A try to tell somebody after which its endpoint stands as it stood before.
    Tried(Box<Try>),
    /// What is told with the next digest of an endpoint.
    Gathered(Gathered),
    /// Windows of digests in the places of those that have ended.
    Windows(Vec<NextWindow>),
    /// What a scan of a chain found, unless another one came before it.
    Scanned(Box<Scanned>),
    /// What wallets have: tenants that watch them are told what changed, in their live streams.
    Balances(Box<Balances>),
    /// Decimals of tokens of a chain that were not known.
    Tokens(Chain, Vec<TokenDecimals>),
}
