//! The rows, by what they break.

mod api;
mod clocks;
mod deploys;
mod network;
mod pgbouncer;
mod poison;
mod postgres;
mod schedulers;
mod workers;
