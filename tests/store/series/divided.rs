//! Where hours lie: in partitions of PostgreSQL here, and in a hypertable where TimescaleDB is. No
//! test run has it, so what is sent to it is run here on functions that stand in for its own.

use packtrain_core::ports::{Housekeeping, SeriesWrites, Upkeep};
use packtrain_core::series::Resolution;
use packtrain_store::{HYPERTABLE_EXTENSION, Hours, PgHousekeeping, PgUpkeep, hypertable_sql};
use packtrain_tests::Role;
use sqlx::AssertSqlSafe;

use super::kept::kept_for_a_week;
use super::{Scene, figure};

/// By the names, parameters and answers of TimescaleDB; a plain table takes the place of chunks.
const STAND_INS: &str = "
create function by_range(column_name name, partition_interval interval) returns text
language sql as 'select column_name || partition_interval::text';
create function create_hypertable(relation regclass, dimension text,
                                  create_default_indexes boolean) returns boolean
language sql as 'select true';
create function drop_chunks(relation regclass, older_than timestamptz) returns setof text
language plpgsql as $$
begin
    return query
    with gone as (
        delete from public.series_fact f where f.at < older_than returning f.at)
    select distinct date_trunc('week', g.at)::text from gone g;
end
$$;
";

#[tokio::test]
async fn without_timescaledb_hours_lie_in_partitions_of_a_week() {
    let scene = Scene::new().await;
    let offered = "select count(*) from pg_available_extensions where name = 'timescaledb'";
    if scene.db.number(offered).await > 0 {
        // What migrating made then is a hypertable.
        return;
    }
    let kind = "select relkind::text from pg_class where oid = 'series_fact'::regclass";
    assert_eq!(scene.db.texts(kind).await, ["p"]);
    let weeks = "select count(*) from pg_inherits where inhparent = 'series_fact'::regclass";
    assert!(scene.db.number(weeks).await >= 5);
}

#[tokio::test]
async fn what_is_sent_to_timescaledb_makes_a_table_with_the_same_rights_and_keeps_its_time() {
    let scene = Scene::new().await;
    let rights = "select concat_ws(' ', r.rolname, p.name)
                    from pg_roles r
                   cross join unnest(array['select', 'insert', 'update', 'delete']) as p (name)
                   where r.rolname like 'packtrain%'
                     and r.rolname <> 'packtrain_owner'
                     and has_table_privilege(r.oid, 'series_fact', p.name)
                   order by 1";
    let before = scene.db.texts(rights).await;
    let hours = Hours {
        is_offered: true,
        are_partitioned: true,
        are_none: true,
    };
    let sql = hypertable_sql(hours).unwrap();
    let sql = sql.strip_prefix(HYPERTABLE_EXTENSION).unwrap();
    let mut owner = scene.db.connect(Role::Owner).await;
    for sql in [STAND_INS, sql] {
        let text = AssertSqlSafe(sql.to_owned());
        sqlx::raw_sql(text).execute(&mut owner).await.unwrap();
    }
    assert_eq!(scene.db.texts(rights).await, before);
    let kind = "select relkind::text from pg_class where oid = 'series_fact'::regclass";
    assert_eq!(scene.db.texts(kind).await, ["r"]);

    let worker = &scene.db.pools().worker;
    PgUpkeep::new(worker.clone())
        .ensure_partitions()
        .await
        .unwrap();
    let (old, new) = ("2026-11-02T10:00:00Z", "2026-11-23T10:00:00Z");
    for hour in [old, new] {
        assert_eq!(scene.record(hour, &[figure("a", "7")]).await, (1, 0));
    }
    scene.roll().await;
    scene.db.set_clock("2026-11-24T12:00:00Z").await;
    let house = PgHousekeeping::new(worker.clone(), kept_for_a_week());
    assert_eq!(house.prune().await.unwrap().series_weeks, 1);
    assert!(scene.bucket("a", Resolution::Hour, old).await.is_none());
    assert!(scene.bucket("a", Resolution::Hour, new).await.is_some());
    assert_eq!(scene.writes.repair(super::TVL).await.unwrap(), 0);
    assert_eq!(
        scene.record(old, &[figure("a", "1")]).await,
        (0, 0),
        "it is gone for good"
    );

    // Migrating again makes the functions anew and touches no hour.
    packtrain_store::migrate(&scene.db.url(Role::Owner))
        .await
        .unwrap();
    assert_eq!(scene.db.number("select count(*) from series_fact").await, 1);
}
