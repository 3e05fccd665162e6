//! Alerts: rules are evaluated when what they watch moves, and people are told.

pub mod backtest;
pub mod deliver;
pub mod digest;
pub mod evaluate;
pub(crate) mod look;
pub mod probe;
pub mod rules;
pub mod seal;
mod sending;
mod spoken;
mod standing;
pub mod summarize;
pub mod tell;
pub mod verify;
pub mod warn;
mod words;
