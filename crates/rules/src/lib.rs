//! Alert rules: conditions on measured values, decided exactly. No async, no I/O, no clock, no
//! floats: time comes in with every tick and every look.
//!
//! A [`rule::Rule`] is what a person writes; a [`plan::Plan`] is what is evaluated of it. The
//! [`engine::Engine`] holds many in memory and touches, at a tick, only those whose truth changes;
//! [`plan::Plan::observe`] evaluates a single one from its stored [`machine::RuleState`]. Both end
//! in the same state machine, and both decide the same. A [`backtest`] drives an engine over the
//! past.

#![deny(clippy::float_arithmetic)]

pub mod backtest;
pub mod digest;
pub mod engine;
mod index;
pub mod machine;
pub mod metric;
pub mod netting;
pub mod plan;
pub mod rule;
pub mod value;
pub mod window;
mod zone;
