//! Tax: files become ledger rows, ledgers become reports and comparisons.

mod artefacts;
pub mod compare;
pub mod formats;
pub mod import;
mod inputs;
pub mod report;
mod said;
#[cfg(test)]
mod tests;
