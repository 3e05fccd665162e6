//! The schema: what a program asks of it, and that bringing it up to date stops nobody for long.

use std::collections::BTreeSet;
use std::path::Path;

use packtrain_store::{migrate, schema};
use packtrain_tests::{Database, Role};
use sqlx::migrate::Migrator;

/// The last migration of the release from which upgrades are rehearsed.
const RELEASED: i64 = 17;
/// Says how its index is built before it where a database has many jobs.
const OWN_LISTS: i64 = 18;

/// What a lock that keeps others out, and then reads or writes a whole table, leaves in the
/// catalogue: another file of the table, an index, a constraint that was checked, a column that may
/// be null no more. Each with the table.
const TRACES: &str = "
    select 'file ' || c.relfilenode::text as trace, c.oid::regclass::text as owner
      from pg_class c
     where c.relkind in ('r', 'm') and c.relnamespace = 'public'::regnamespace
    union all
    select 'index ' || i.indexrelid::regclass, i.indrelid::regclass::text
      from pg_index i join pg_class c on c.oid = i.indrelid
     where c.relnamespace = 'public'::regnamespace
    union all
    select 'constraint ' || o.conname, o.conrelid::regclass::text
      from pg_constraint o
     where o.connamespace = 'public'::regnamespace and o.conrelid <> 0
       and o.contype in ('c', 'f') and o.convalidated
    union all
    select 'not null ' || a.attname, a.attrelid::regclass::text
      from pg_attribute a join pg_class c on c.oid = a.attrelid
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'm')
       and a.attnum > 0 and a.attnotnull and not a.attisdropped and not a.atthasmissing";

/// The traces of a database, and its tables.
struct Catalogue {
    traces: BTreeSet<(String, String)>,
    tables: BTreeSet<String>,
}

impl Catalogue {
    async fn of(db: &Database) -> Self {
        let sql = format!("select owner || '|' || trace from ({TRACES}) traces");
        let traces = db.texts(&sql).await;
        let traces = traces.iter().filter_map(|line| line.split_once('|'));
        let traces = traces.map(|(owner, trace)| (owner.to_owned(), trace.to_owned()));
        let tables = "select oid::regclass::text from pg_class
             where relkind in ('r', 'p', 'm') and relnamespace = 'public'::regnamespace";
        Self {
            traces: traces.collect(),
            tables: db.texts(tables).await.into_iter().collect(),
        }
    }

    /// What was done to tables that were there before.
    fn since(&self, before: &Self) -> Vec<String> {
        let new = self.traces.difference(&before.traces);
        new.filter(|(owner, _)| before.tables.contains(owner))
            .map(|(owner, trace)| format!("{owner}: {trace}"))
            .collect()
    }
}

#[tokio::test]
async fn migrations_since_the_release_lock_no_table_for_long() {
    let db = Database::new().await;
    db.unmigrate().await;
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations"));
    let all: Vec<_> = Migrator::new(folder)
        .await
        .unwrap()
        .iter()
        .cloned()
        .collect();
    let mut owner = db.connect(Role::Owner).await;
    let first = all.partition_point(|migration| migration.version <= RELEASED);
    let upto = |count: usize| Migrator::with_migrations(all[..count].to_vec());
    upto(first).run(&mut owner).await.unwrap();
    let mut before = Catalogue::of(&db).await;
    for (at, migration) in all.iter().enumerate().skip(first) {
        upto(at + 1).run(&mut owner).await.unwrap();
        let after = Catalogue::of(&db).await;
        // What is made concurrently is made outside of a transaction, and keeps nobody out.
        if !migration.no_tx && migration.version != OWN_LISTS {
            let done = after.since(&before);
            assert!(
                done.is_empty(),
                "migration {} would lock tables while it reads or writes all of them: {done:?}",
                migration.version
            );
        }
        before = after;
    }
}

#[tokio::test]
async fn whatever_locks_a_table_for_long_leaves_a_trace() {
    let db = Database::new().await;
    for (sql, trace) in [
        (
            "alter table worker alter column name type varchar(99)",
            "worker: file ",
        ),
        (
            "alter table worker add column x uuid default gen_random_uuid()",
            "worker: file ",
        ),
        ("create index late on worker (name)", "worker: index late"),
        (
            "alter table worker add constraint odd check (name <> 'x')",
            "worker: constraint odd",
        ),
        (
            "alter table dead alter column mirrored_at set not null",
            "dead: not null mirrored_at",
        ),
    ] {
        let before = Catalogue::of(&db).await;
        db.run(sql).await;
        let done = Catalogue::of(&db).await.since(&before);
        assert!(
            done.iter().any(|line| line.starts_with(trace)),
            "{sql}: {done:?}"
        );
    }
    for sql in [
        "alter table worker add column y integer not null default 7",
        "alter table worker add constraint later check (name <> 'y') not valid",
        "create table fresh (id integer primary key check (id > 0))",
    ] {
        let before = Catalogue::of(&db).await;
        db.run(sql).await;
        let done = Catalogue::of(&db).await.since(&before);
        assert!(done.is_empty(), "{sql}: {done:?}");
    }
}

#[tokio::test]
async fn a_program_knows_whether_a_database_lacks_what_it_uses() {
    let db = Database::new().await;
    let url = db.url(Role::Worker);
    let whole = schema(&url).await.unwrap();
    assert_eq!(whole.has, Some(whole.knows));
    assert!(!whole.is_behind());
    db.run("update _sqlx_migrations set version = 99999 where version = 1")
        .await;
    assert!(
        !schema(&url).await.unwrap().is_behind(),
        "more than it knows is well"
    );
    db.run("delete from _sqlx_migrations where version >= 18")
        .await;
    assert!(schema(&url).await.unwrap().is_behind());
    db.run("drop function schema_version()").await;
    let old = schema(&url).await.unwrap();
    assert_eq!((old.has, old.is_behind()), (None, true));
    db.unmigrate().await;
    assert!(schema(&url).await.unwrap().is_behind());
    migrate(&db.url(Role::Owner)).await.unwrap();
    assert!(!schema(&url).await.unwrap().is_behind());
}
