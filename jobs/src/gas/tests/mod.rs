//! The price of gas, judged by what others wrote and by chains in memory.

mod chains;
mod fees;
mod offers;
mod snapshots;
