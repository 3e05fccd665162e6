//! Tax: files become ledger rows, ledgers become reports.

pub mod import;
pub mod report;
