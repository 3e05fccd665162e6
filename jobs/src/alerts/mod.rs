//! Alerts: rules are evaluated when what they watch moves, and people are told.

pub mod backtest;
pub mod deliver;
pub mod evaluate;
pub mod probe;
pub mod rules;
mod sending;
mod spoken;
mod standing;
pub mod tell;
