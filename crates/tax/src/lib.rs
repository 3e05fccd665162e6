//! The tax engine: ledgers in, exact figures out. No async, no network, no floats.

pub mod outcome;
pub mod request;
