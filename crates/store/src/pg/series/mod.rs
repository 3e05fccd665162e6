//! Time series: what is recorded, what is made of it, and how it is read. Figures travel as text
//! and rest as `numeric`: both exact.

mod anchors;
mod anomalies;
mod checks;
pub(crate) mod prune;
pub(crate) mod reads;
mod rolls;
pub(crate) mod stage;
mod watermarks;
pub(crate) mod writes;

use packtrain_core::ports::StoreError;
use packtrain_core::quantity::Quantity;
use packtrain_core::series::Bucket;

use crate::error::{number, unreadable};

/// A bucket as its columns have it.
struct Columns<'a> {
    open: &'a str,
    close: &'a str,
    low: &'a str,
    high: &'a str,
    sum: &'a str,
    count: i64,
}

impl Columns<'_> {
    fn bucket(&self) -> Result<Bucket, StoreError> {
        Ok(Bucket {
            open: figure(self.open)?,
            close: figure(self.close)?,
            low: figure(self.low)?,
            high: figure(self.high)?,
            sum: figure(self.sum)?,
            count: number("series_bucket.count", self.count)?,
        })
    }
}

fn figure(text: &str) -> Result<Quantity, StoreError> {
    text.parse()
        .map_err(|_| unreadable("a figure of a series", text))
}
