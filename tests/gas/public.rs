//! The public door: forms, tags, refusals.

use std::sync::Arc;

use packtrain_core::chain::{BlockHash, Chain};
use packtrain_core::ports::{BlobFee, GasBlock, GasBlocks, GasLook, NoChains};
use packtrain_core::time::Timestamp;
use packtrain_store::PgGas;
use packtrain_tests::{Database, Yard};

const GWEI: u64 = 1_000_000_000;

fn block(number: u64) -> GasBlock {
    let hash = |number: u64| {
        let mut hash = [7; 32];
        hash[..8].copy_from_slice(&number.to_be_bytes());
        BlockHash(hash)
    };
    GasBlock {
        number,
        hash: hash(number),
        parent: hash(number - 1),
        at: Timestamp::from_timestamp(1_800_000_000 + 12 * number.cast_signed(), 0).unwrap(),
        base_fee_wei: GWEI,
        next_base_fee_wei: GWEI,
        is_formula_exact: true,
        gas_used: 15_000_000,
        gas_limit: 30_000_000,
        tips_wei: Some([1, 2, 3, 4, u128::MAX]),
        blob_fee: Some(BlobFee {
            now_wei: 1,
            next_wei: u128::MAX,
        }),
    }
}

/// Keeps these blocks, of which the last is the newest; the head was this one when that was read.
async fn keep(yard: &Yard, chain: Chain, blocks: &[GasBlock], after: Option<GasBlock>) -> u64 {
    let newest = blocks.last().unwrap();
    let look = GasLook {
        number: newest.number,
        hash: newest.hash,
        after: after.map(|block| block.hash),
    };
    let kept = PgGas::new(yard.database.pools().worker.clone());
    kept.record(chain, blocks, &look).await.unwrap()
}

async fn yard() -> Yard {
    Yard::reading(Arc::new(NoChains)).await
}

#[tokio::test]
async fn everybody_sees_what_gas_costs_and_is_told_when_nothing_changed() {
    let yard = yard().await;
    let client = yard.stranger();
    let blocks: Vec<GasBlock> = (100..160).map(block).collect();
    assert_eq!(keep(&yard, Chain::Ethereum, &blocks, None).await, 60);
    let answer = client.get("/v2/public/gas/ethereum").await.expect(200);
    let shown = answer.json();
    assert_eq!(shown["block"]["number"], 159);
    assert_eq!(shown["block"]["gas_used_percent"], 50);
    assert_eq!(shown["next_base_fee_wei"], "1000000000");
    assert_eq!(
        shown["blob_fee"]["next_wei"],
        u128::MAX.to_string(),
        "no figure is cut"
    );
    assert_eq!(shown["tips"]["p90_wei"], u128::MAX.to_string());
    assert_eq!(shown["is_stale"], false);
    let offers = shown["offers"].as_array().unwrap();
    let bound = &offers[0];
    assert_eq!(
        (&bound["basis"], &bound["within_blocks"]),
        (&"bound".into(), &1.into())
    );
    assert_eq!(bound["base_fee_wei"], "1000000000");
    let observed = offers
        .iter()
        .find(|offer| offer["probability_percent"] == 90)
        .unwrap();
    assert_eq!(observed["max_fee_wei"], "1000000001");
    assert_eq!(observed["samples"], 59);
    let rule = answer.header("cache-control");
    assert!(rule.starts_with("public, max-age="), "{rule}");
    let tag = answer.header("etag");
    let again = client
        .send("GET", "/v2/public/gas/1", &[("if-none-match", tag)], "")
        .await;
    assert_eq!(again.expect(304).body.len(), 0);
    yard.stop().await;
}

#[tokio::test]
async fn a_chain_that_is_not_known_or_was_not_seen_is_told_so() {
    let yard = yard().await;
    let client = yard.stranger();
    for (path, code) in [
        ("/v2/public/gas/dogecoin", "not_found"),
        ("/v2/public/gas/0x1", "not_found"),
        ("/v2/public/gas/polygon", "gas.unseen"),
    ] {
        assert_eq!(
            client.get(path).await.expect(404).json()["code"],
            code,
            "{path}"
        );
    }
    yard.stop().await;
}

#[tokio::test]
async fn a_price_that_nobody_looked_at_for_a_minute_says_that_it_is_stale() {
    let yard = yard().await;
    keep(&yard, Chain::Base, &[block(5)], None).await;
    let old = "update gas_head set seen_at = seen_at - interval '61 seconds'";
    yard.database.run(old).await;
    let answer = yard.stranger().get("/v2/public/gas/base").await.expect(200);
    assert_eq!(answer.json()["is_stale"], true);
    assert_eq!(answer.header("cache-control"), "public, max-age=0");
    yard.stop().await;
}

#[tokio::test]
async fn a_snapshot_that_comes_late_does_not_take_the_head_back_and_blocks_are_kept_once() {
    let yard = yard().await;
    let (one, other) = (block(10), block(11));
    assert_eq!(keep(&yard, Chain::Ethereum, &[one], None).await, 1);
    assert_eq!(keep(&yard, Chain::Ethereum, &[other], Some(one)).await, 1);
    // It began when the head was another one. What it read is kept all the same.
    let late = [block(8), block(9)];
    assert_eq!(keep(&yard, Chain::Ethereum, &late, Some(one)).await, 2);
    assert_eq!(
        keep(&yard, Chain::Ethereum, &[one, other], Some(other)).await,
        0
    );
    let kept = PgGas::new(yard.database.pools().app.clone());
    let recent = kept.recent(Chain::Ethereum, 10).await.unwrap();
    assert_eq!(recent, [other, one, late[1], late[0]]);
    assert_eq!(kept.recent(Chain::Ethereum, 1).await.unwrap(), [other]);
    // The branch that was left is shorter: whoever saw the head leaves it.
    let mut left = block(10);
    left.hash = BlockHash([8; 32]);
    assert_eq!(keep(&yard, Chain::Ethereum, &[left], Some(other)).await, 1);
    assert_eq!(kept.recent(Chain::Ethereum, 1).await.unwrap(), [left]);
    assert!(
        kept.has_other(Chain::Ethereum, 10, one.hash).await.unwrap()
            && !kept
                .has_other(Chain::Ethereum, 11, other.hash)
                .await
                .unwrap()
    );
    assert_eq!(
        kept.head(Chain::Base).await.unwrap(),
        None,
        "chains do not meet"
    );
    assert!(kept.has(Chain::Ethereum, 10, one.hash).await.unwrap());
    assert!(!kept.has(Chain::Ethereum, 10, other.hash).await.unwrap());
    yard.stop().await;
}

#[tokio::test]
async fn a_head_that_was_seen_in_the_time_to_come_silences_no_chain() {
    let yard = yard().await;
    let (one, other) = (block(10), block(11));
    keep(&yard, Chain::Ethereum, &[one], None).await;
    // As a worker wrote it whose clock was an hour ahead.
    let ahead = "update gas_head set seen_at = now_utc() + interval '1 hour'";
    yard.database.run(ahead).await;
    assert_eq!(keep(&yard, Chain::Ethereum, &[other], Some(one)).await, 1);
    let kept = PgGas::new(yard.database.pools().app.clone());
    let head = kept.head(Chain::Ethereum).await.unwrap().unwrap();
    assert_eq!(head.number, 11);
    let due = "select count(*) from gas_head where seen_at > now_utc()";
    assert_eq!(yard.database.number(due).await, 0);
    yard.stop().await;
}

#[tokio::test]
async fn the_price_of_gas_is_read_by_every_part_and_written_by_workers_alone() {
    let db = Database::new().await;
    let rights = db
        .texts(
            "select concat_ws(' ', replace(r.rolname, 'packtrain_', ''), c.relname, p.name)
               from pg_class c
              cross join pg_roles r
              cross join unnest(array['select', 'insert', 'update', 'delete']) as p (name)
              where c.relname in ('gas_block', 'gas_bucket', 'gas_data_fee', 'gas_forecast',
                                  'gas_head', 'gas_rollup', 'gas_score')
                and r.rolname in ('packtrain_app', 'packtrain_operator', 'packtrain_worker',
                                  'packtrain_view')
                and has_table_privilege(r.oid, c.oid, p.name)
              order by 1",
        )
        .await;
    assert_eq!(
        rights,
        [
            "app gas_block select",
            "app gas_bucket select",
            "app gas_data_fee select",
            "app gas_forecast select",
            "app gas_head select",
            "app gas_rollup select",
            "app gas_score select",
            "operator gas_block select",
            "operator gas_bucket select",
            "operator gas_data_fee select",
            "operator gas_forecast select",
            "operator gas_head select",
            "operator gas_rollup select",
            "operator gas_score select",
            // Written once, as forecasts are: no update.
            "worker gas_block delete",
            "worker gas_block insert",
            "worker gas_block select",
            "worker gas_bucket delete",
            "worker gas_bucket insert",
            "worker gas_bucket select",
            "worker gas_bucket update",
            "worker gas_data_fee delete",
            "worker gas_data_fee insert",
            "worker gas_data_fee select",
            "worker gas_forecast delete",
            "worker gas_forecast insert",
            "worker gas_forecast select",
            "worker gas_head insert",
            "worker gas_head select",
            "worker gas_head update",
            "worker gas_rollup insert",
            "worker gas_rollup select",
            "worker gas_rollup update",
            "worker gas_score delete",
            "worker gas_score insert",
            "worker gas_score select",
            "worker gas_score update",
        ]
    );
}
