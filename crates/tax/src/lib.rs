//! The tax engine: ledgers in, exact figures out. No async, no network, no floats.
//!
//! [`import::read`] turns the bytes of a file into rows and row errors; [`compute`] turns rows
//! into an [`outcome::Outcome`] under the rules of one [`jurisdiction`].

#![deny(clippy::float_arithmetic)]

pub mod allocation;
mod assess;
mod decimal;
mod engine;
mod error;
pub mod fiat;
pub mod import;
pub mod jurisdiction;
mod methods;
mod open;
pub mod outcome;
mod place;
pub mod prices;
pub mod printed;
pub mod rates;
pub mod request;
pub mod settle;
pub mod synthetic;
pub mod table;
mod totals;
mod valued;
mod why;
pub mod written;
mod years;

pub use engine::{Compared, Held, LedgerFile, Watch, compare, compare_watched};
pub use engine::{compute, compute_days, compute_watched};
pub use error::TaxError;
