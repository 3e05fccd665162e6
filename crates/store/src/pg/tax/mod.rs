//! A person's files, what reading them gave, and the reports made of them.

pub(crate) mod files;
pub(crate) mod ledger;
pub(crate) mod reports;
