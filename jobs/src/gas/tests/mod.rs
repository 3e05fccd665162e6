//! The price of gas, judged by what others wrote and by chains in memory.

mod buckets;
mod chains;
mod data_fees;
mod fees;
mod forecasts;
mod heat;
mod offers;
mod snapshots;
