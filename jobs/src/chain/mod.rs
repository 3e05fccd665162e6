//! What wallets that rules watch do on chains: transfers, approvals, balances.
//!
//! Everything here but the job is pure; `docs/chain.md` says what is promised.

mod amount;
mod branch;
pub mod decode;
mod figures;
mod logs;
pub mod owners;
mod page;
mod reader;
pub mod scan;
mod watched;

#[cfg(test)]
mod tests;
