//! What a block says, as points that rules watch.

use packtrain_core::chain::Chain;
use packtrain_core::ports::{DataFeeSeen, GasBlock, Point, TIP_PERCENTILES};

/// The points of a block, each in whole wei at the time of the block: `gas:<chain>:base_fee` and
/// its like.
pub(super) fn of(chain: Chain, block: &GasBlock) -> Vec<Point> {
    let id = chain.id();
    let point = |figure: &str, wei: String| Point {
        metric: format!("gas:{id}:{figure}"),
        at: block.at,
        value: wei,
    };
    let mut points = vec![
        point("base_fee", block.base_fee_wei.to_string()),
        point("next_base_fee", block.next_base_fee_wei.to_string()),
    ];
    if let Some(blob) = block.blob_fee {
        points.push(point("blob_base_fee", blob.now_wei.to_string()));
    }
    if let Some(tips) = block.tips_wei {
        for (percentile, tip) in TIP_PERCENTILES.iter().zip(tips) {
            points.push(point(&format!("tip_p{percentile}"), tip.to_string()));
        }
    }
    points
}

/// The point of a data fee: what the known transfer pays, as `gas:<chain>:l1_fee`.
pub(super) fn of_data_fee(chain: Chain, seen: &DataFeeSeen) -> Point {
    Point {
        metric: format!("gas:{}:l1_fee", chain.id()),
        at: seen.at,
        value: seen.fee.transfer.data_wei.to_string(),
    }
}
