//! What was told of points that were taken back, page by page.

use packtrain_core::ids::JobId;
use packtrain_core::ports::Watch;
use packtrain_store::PgWatch;
use uuid::Uuid;

use super::scene::Scene;

#[tokio::test]
async fn what_was_told_and_does_not_hold_is_read_page_by_page_and_nothing_of_it_twice() {
    let scene = Scene::new().await;
    let (tenant, tick) = (scene.tenant.as_uuid(), Uuid::from_u128(9));
    // Two rules, each of which told three times of a point.
    let told = format!(
        "with point as (
            insert into metric_undone (metric, at, tick)
            values ('m', '2026-11-30T10:00:00Z', '{tick}')
            returning metric, at),
         ruled as (
            insert into alert_rule (id, tenant_id, name, rule, endpoints)
            select gen_random_uuid(), '{tenant}', 'mine', '{{}}', '{{}}'
              from generate_series(1, 2)
            returning id, tenant_id, version),
         stands as (
            insert into alert_state (rule_id, tenant_id, version, state)
            select id, tenant_id, version, '{{}}' from ruled)
         insert into incident_step (rule_id, seq, tenant_id, incident_id, step, at, facts)
         select r.id, n, r.tenant_id, gen_random_uuid(), 'told', p.at,
                jsonb_build_object('why', 'fired', 'readings', jsonb_build_array(
                    jsonb_build_object('metric', p.metric, 'at', p.at)))
           from ruled r cross join point p cross join generate_series(2, 4) as n"
    );
    assert_eq!(scene.db.run(&told).await, 6);
    let watch = PgWatch::new(scene.db.pools().worker.clone());
    let (mut seen, mut after) = (Vec::new(), None);
    // The second page begins in the middle of a rule.
    for size in [2, 2, 2, 0] {
        let page = watch
            .undone(JobId::from_uuid(tick), after, 2)
            .await
            .unwrap();
        assert_eq!(page.len(), size);
        seen.extend(page.iter().map(|it| (it.rule.id, it.told.seq)));
        after = seen.last().copied();
    }
    assert!(seen.windows(2).all(|pair| pair[0] < pair[1]), "{seen:?}");
}
