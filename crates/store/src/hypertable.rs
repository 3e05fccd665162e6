//! Where the server offers TimescaleDB, the hours of series lie in one of its hypertables, and in
//! partitions of PostgreSQL where it does not. Everything else about them is the same.
//!
//! Migrations make the partitions: they must run without the extension. What is made here comes
//! after them, and only while there is no hour yet: hours that lie in partitions stay there.

use packtrain_core::fault::chain;
use packtrain_core::ports::StoreError;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection};
use tracing::{info, warn};

use crate::error::refused;

/// What a server must be given by whoever made it: its owner may do so in a database of his own
/// where the extension is trusted, as TimescaleDB is, and loaded.
pub const HYPERTABLE_EXTENSION: &str = "create extension if not exists timescaledb;\n";

/// The empty partitioned table makes room for a hypertable with the same columns, index and rights.
const TABLE: &str = "\
drop table public.series_fact;
create table public.series_fact (
    series_id bigint      not null,
    at        timestamptz not null,
    value     numeric     not null,
    primary key (series_id, at)
);
select create_hypertable('public.series_fact', by_range('at', interval '7 days'),
                         create_default_indexes => false);
create index series_fact_hour on public.series_fact using brin (at) with (pages_per_range = 32);
grant select on public.series_fact to packtrain_app;
grant select, insert on public.series_fact to packtrain_worker;
";

/// Weeks are made by the extension when their first hour comes, and dropped by it.
const FUNCTIONS: &str = "\
create or replace function public.ensure_series_weeks(at timestamptz, weeks integer)
returns integer
language sql security definer
set search_path = pg_catalog, public, pg_temp
as 'select 0';
create or replace function public.drop_series_weeks(before timestamptz, at_most integer)
returns integer
language plpgsql security definer
set search_path = pg_catalog, public, pg_temp
set lock_timeout = '200ms'
as $$
declare
    kept    timestamptz := date_trunc('week', before, 'UTC');
    dropped integer;
begin
    update public.series_watermark w
       set kept_from = kept
     where w.resolution = 'hour'
       and w.kept_from < kept;
    select count(*) into dropped
      from drop_chunks('public.series_fact', older_than => kept);
    return dropped;
exception when lock_not_available then
    raise notice 'facts are in use and left for the next run';
    return 0;
end
$$;
";

/// What a database is like before anything is done to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    /// Whether the server offers the extension.
    pub is_offered: bool,
    /// Whether hours lie in partitions of PostgreSQL.
    pub are_partitioned: bool,
    /// Whether there is none yet.
    pub are_none: bool,
}

/// What is done to a database: nothing where its hours stay in partitions. The functions are made
/// again each time, since a migration may have made those of partitions anew.
pub fn hypertable_sql(hours: Hours) -> Option<String> {
    match hours {
        Hours {
            are_partitioned: false,
            ..
        } => Some(FUNCTIONS.to_owned()),
        Hours {
            is_offered: true,
            are_none: true,
            ..
        } => Some(format!("{HYPERTABLE_EXTENSION}{TABLE}{FUNCTIONS}")),
        _ => None,
    }
}

/// Puts the hours of series where they belong, after the migrations. A server that offers the
/// extension and does not let it be made, or does not load it, is left with partitions, and why is
/// logged.
pub(crate) async fn prepare(owner: &mut PgConnection) -> Result<(), StoreError> {
    let hours = look(owner).await?;
    if hypertable_sql(hours).is_none() {
        if hours.is_offered {
            info!("the server offers timescaledb, and hours stay in the partitions where they lie");
        }
        return Ok(());
    }
    match make(owner, hours).await {
        Ok(()) => info!("hours of series lie in a hypertable"),
        Err(error) => {
            let error = chain(&error);
            warn!(
                error,
                "no hypertable could be made: hours of series lie in partitions"
            );
        }
    }
    Ok(())
}

async fn look(connection: &mut PgConnection) -> Result<Hours, StoreError> {
    sqlx::query_as!(
        Hours,
        r#"
        select exists (
               select
                 from pg_catalog.pg_available_extensions
                where name = 'timescaledb') as "is_offered!",
               c.relkind = 'p' as "are_partitioned!",
               not exists (select from series_fact) as "are_none!"
          from pg_catalog.pg_class c
         where c.oid = 'public.series_fact'::regclass
        "#,
    )
    .fetch_one(connection)
    .await
    .map_err(refused("to look where hours of series lie"))
}

async fn make(owner: &mut PgConnection, seen: Hours) -> Result<(), StoreError> {
    let failed = refused("to make a hypertable");
    let mut tx = owner.begin().await.map_err(&failed)?;
    let hours = if seen.are_partitioned {
        let locked = sqlx::raw_sql(LOCK).execute(&mut *tx).await;
        locked.map_err(&failed)?;
        look(&mut tx).await?
    } else {
        seen
    };
    if let Some(sql) = hypertable_sql(hours) {
        let made = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *tx).await;
        made.map_err(&failed)?;
    }
    tx.commit().await.map_err(&failed)
}

/// Whoever else would make it waits, and finds it made; nobody writes an hour meanwhile.
const LOCK: &str = "\
select pg_advisory_xact_lock(hashtext('packtrain.partitions'));
lock table public.series_fact in access exclusive mode;
";

#[cfg(test)]
mod tests {
    use super::*;

    const fn hours(is_offered: bool, are_partitioned: bool, are_none: bool) -> Hours {
        Hours {
            is_offered,
            are_partitioned,
            are_none,
        }
    }

    #[test]
    fn a_hypertable_takes_the_place_of_partitions_only_where_it_is_offered_and_no_hour_is_there() {
        for left in [
            hours(false, true, true),
            hours(false, true, false),
            hours(true, true, false),
        ] {
            assert_eq!(hypertable_sql(left), None, "{left:?}");
        }
        let sql = hypertable_sql(hours(true, true, true)).unwrap();
        let lines: Vec<&str> = sql.lines().collect();
        assert_eq!(lines[0], "create extension if not exists timescaledb;");
        assert_eq!(lines[1], "drop table public.series_fact;");
        let made = "select create_hypertable('public.series_fact', by_range('at', interval \
            '7 days'),\n                         create_default_indexes => false);";
        assert!(sql.contains(made), "{sql}");
        assert!(sql.contains("drop_chunks('public.series_fact', older_than => kept)"));
        let again = hypertable_sql(hours(true, false, false)).unwrap();
        assert!(
            sql.ends_with(&again) && !again.contains(" table "),
            "{again}"
        );
    }
}
