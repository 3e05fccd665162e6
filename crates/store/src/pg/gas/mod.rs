//! The price of gas: blocks, what bytes cost on layer two, quarters of an hour, and forecasts.

pub(crate) mod blocks;
pub(crate) mod buckets;
pub(crate) mod data_fee;
pub(crate) mod forecasts;
