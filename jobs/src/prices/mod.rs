//! Prices: what coins cost is observed, and rules that watch them are evaluated.

mod judged;
pub mod observe;

#[cfg(test)]
mod tests;

use packtrain_rules::metric::{Family, Metric, MetricError};

/// The key of a coin's price, such as `price:coingecko:ethereum`, by the name that sources have for
/// it, such as `coingecko:ethereum`.
///
/// # Errors
/// What is wrong with the name.
pub fn key(coin: &str) -> Result<String, MetricError> {
    let metric: Metric = format!("{}:{coin}", Family::Price.as_str()).parse()?;
    Ok(metric.to_string())
}

/// The name that sources have for the coin of a price.
fn coin(key: &str) -> &str {
    key.split_once(':').map_or(key, |(_, coin)| coin)
}
