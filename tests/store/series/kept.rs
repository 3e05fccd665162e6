//! How long series are kept, who may touch them, and what cannot be read.

use std::time::Duration;

use chrono::TimeDelta;
use packtrain_core::ports::{Housekeeping, SeriesReads, SeriesWrites, StoreError, Upkeep};
use packtrain_core::series::Resolution;
use packtrain_store::{PgHousekeeping, PgUpkeep, Retention};
use packtrain_tests::Database;

use super::{Scene, TVL, figure, time};

/// Hours stay for a week.
pub(super) fn kept_for_a_week() -> Retention {
    let days = |count: u64| Duration::from_secs(count * 24 * 60 * 60);
    Retention {
        jobs: days(90),
        audit: days(400),
        gas: days(14),
        alerts: days(90),
        series: days(7),
        rollups: days(30),
    }
}

#[tokio::test]
async fn hours_go_by_weeks_and_what_was_made_of_them_stays_and_is_not_made_again() {
    let scene = Scene::new().await;
    scene.db.set_clock("2026-11-30T12:00:00Z").await;
    let worker = &scene.db.pools().worker;
    let upkeep = PgUpkeep::new(worker.clone());
    upkeep.ensure_partitions().await.unwrap();
    let old = "2026-12-02T10:00:00Z";
    scene.record(old, &[figure("a", "7")]).await;
    scene
        .record("2026-12-20T10:00:00Z", &[figure("a", "8")])
        .await;
    scene.roll().await;
    let house = PgHousekeeping::new(worker.clone(), kept_for_a_week());
    scene.db.set_clock("2026-12-21T12:00:00Z").await;
    let pruned = house.prune().await.unwrap();
    // Weeks whose end is a week ago: those of 30 November and 7 December, made three weeks ago.
    assert!(pruned.series_weeks >= 2, "{pruned:?}");
    assert_eq!(pruned.series_buckets, 0);
    assert!(scene.bucket("a", Resolution::Hour, old).await.is_none());
    let made = scene
        .bucket("a", Resolution::Day, "2026-12-02T00:00:00Z")
        .await;
    assert_eq!(made.unwrap().close.to_string(), "7");
    assert_eq!(
        scene.record(old, &[figure("a", "1")]).await,
        (0, 0),
        "it is gone for good"
    );
    let id = scene.reads.find(TVL, "a").await.unwrap().unwrap().id;
    let day = time("2026-12-02T00:00:00Z");
    scene
        .writes
        .doubt(Resolution::Day, day, &[id])
        .await
        .unwrap();
    scene.roll().await;
    let made = scene
        .bucket("a", Resolution::Day, "2026-12-02T00:00:00Z")
        .await;
    assert!(made.is_some(), "of hours that are gone nothing is made");
    scene.db.set_clock("2027-01-15T12:00:00Z").await;
    assert!(house.prune().await.unwrap().series_buckets > 0);
}

#[tokio::test]
async fn series_are_written_by_workers_read_by_the_api_and_touched_by_nobody_else() {
    let db = Database::new().await;
    let rights = db
        .texts(
            "select concat_ws(' ', replace(r.rolname, 'packtrain_', ''), c.relname,
                              string_agg(p.name, ',' order by p.name))
               from pg_class c
              cross join pg_roles r
              cross join unnest(array['select', 'insert', 'update', 'delete']) as p (name)
              where c.relname in ('series', 'series_fact', 'series_bucket', 'series_watermark',
                                  'series_dirty', 'series_anomaly', 'quantity_anchor')
                and r.rolname in ('packtrain_app', 'packtrain_operator', 'packtrain_worker',
                                  'packtrain_view')
                and has_table_privilege(r.oid, c.oid, p.name)
              group by r.rolname, c.relname
              order by 1",
        )
        .await;
    assert_eq!(
        rights,
        [
            "app series select",
            "app series_anomaly select",
            "app series_bucket select",
            "app series_fact select",
            "app series_watermark select",
            "worker quantity_anchor delete,insert,select,update",
            // The names of series alone are updated, by the column.
            "worker series insert,select",
            "worker series_anomaly delete,insert,select",
            "worker series_bucket delete,insert,select,update",
            "worker series_dirty delete,insert,select",
            // Written once: no update, and no delete but by whole weeks.
            "worker series_fact insert,select",
            "worker series_watermark insert,select,update",
        ]
    );
}

#[tokio::test]
async fn a_figure_that_cannot_be_read_is_an_error_that_names_it() {
    let scene = Scene::new().await;
    let hour = "2026-11-30T11:00:00Z";
    scene.record(hour, &[figure("a", "1")]).await;
    let sql = "update series_fact set value = 'NaN'";
    assert_eq!(scene.db.run(sql).await, 1);
    let series = scene.reads.find(TVL, "a").await.unwrap().unwrap();
    let (from, until) = (time(hour), time(hour) + TimeDelta::hours(1));
    let read = scene
        .reads
        .points(series.id, Resolution::Hour, from, until, 1);
    let Err(StoreError::Unreadable { value, .. }) = read.await else {
        panic!("it is no figure");
    };
    assert_eq!(value, "NaN");
}
