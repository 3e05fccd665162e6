//! One file a command.

pub(crate) mod api;
pub(crate) mod bench;
pub(crate) mod config;
pub(crate) mod dev;
pub(crate) mod enqueue;
pub(crate) mod health;
pub(crate) mod keys;
pub(crate) mod migrate;
pub(crate) mod operate;
pub(crate) mod report;
pub(crate) mod scale;
pub(crate) mod scheduler;
pub(crate) mod worker;
