//! The price of gas, judged by what others wrote.

mod fees;
mod offers;
