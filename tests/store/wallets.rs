//! What is watched, where there is more than is read.

use packtrain_core::chain::Chain;
use packtrain_core::ports::{ChainEvents, Watch};
use packtrain_store::{PgChainEvents, PgWatch};
use packtrain_tests::Database;

#[tokio::test]
async fn a_tenant_that_watches_more_than_is_asked_for_takes_no_place_of_another_one() {
    let db = Database::new().await;
    // Made-up names come before all others.
    for (name, prefix, count) in [("many", "0000", 50), ("few", "zzzz", 2)] {
        let tenant = db.tenant(name).await.as_uuid();
        let sql = format!(
            "insert into alert_level (metric, level, rule_id, tenant_id)
             select f.family || '{prefix}' || lpad(n::text, 4, '0') || w.span, 1,
                    gen_random_uuid(), '{tenant}'
               from unnest(array['price:', 'tvl_quantity:']) as f (family)
               cross join generate_series(1, {count}) as n
               cross join unnest(array['', '|mean:3600']) as w (span)",
        );
        db.run(&sql).await;
    }
    let watch = PgWatch::new(db.pools().worker.clone());
    for family in ["price", "tvl_quantity"] {
        let watched = watch.watched_of(family, 10).await.unwrap();
        let first = ["00000001", "zzzz0001", "00000002", "zzzz0002"];
        assert_eq!(watched.len(), 10);
        assert_eq!(watched[..4], first.map(|one| format!("{family}:{one}")));
    }
    assert_eq!(watch.watched_of("price", 100).await.unwrap().len(), 52);
}

#[tokio::test]
async fn a_tenant_that_watches_more_than_is_read_takes_no_place_of_another_one() {
    let db = Database::new().await;
    for (name, family, count) in [("many", "approval", 50), ("few", "transfer_out", 2)] {
        let tenant = db.tenant(name).await.as_uuid();
        let sql = format!(
            "with rules as (
                 insert into alert_state (rule_id, tenant_id, version, state)
                 select gen_random_uuid(), '{tenant}', 1, '{{}}'
                   from generate_series(1, {count})
                 returning rule_id
             )
             insert into alert_level (metric, level, rule_id, tenant_id)
             select '{family}:1:0x' || lpad(row_number() over ()::text, 40, '0') || ':any', 1,
                    rule_id, '{tenant}'
               from rules",
        );
        db.run(&sql).await;
    }
    let kept = PgChainEvents::new(db.pools().worker.clone());
    let watched = kept.watched(Chain::Ethereum, 10).await.unwrap();
    let of = |family: &str| watched.iter().filter(|it| it.starts_with(family)).count();
    assert_eq!((of("approval"), of("transfer_out")), (8, 2), "{watched:?}");
    let all = kept.watched(Chain::Ethereum, 100).await.unwrap();
    assert_eq!(all.len(), 52);
}
