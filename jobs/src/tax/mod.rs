//! Tax: files become ledger rows, ledgers become reports and comparisons.

mod artefacts;
pub mod compare;
pub mod formats;
pub mod import;
mod inputs;
pub mod report;
pub mod row;
mod said;
mod taxpayer;
#[cfg(test)]
mod tests;
mod years;

pub use taxpayer::{TAXPAYER_CHARS_MAX, Taxpayer};
