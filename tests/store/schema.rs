//! The schema: what a program asks of it, and that bringing it up to date stops nobody for long.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use packtrain_store::{migrate, schema};
use packtrain_tests::{Database, Role, skip};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, SqlSafeStr};

/// The last migration of the release from which upgrades are rehearsed; a test compares it with the
/// commit that `Cargo.toml` names.
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

/// Where statements that change rows of tables leave a trace, however many rows there are: a table
/// of a test is empty, and that of an operator has millions, which stay locked until the end of the
/// transaction.
const WATCH: &str = "
    create schema if not exists watched;
    grant usage on schema watched to public;
    create table if not exists watched.written (
        number bigint generated always as identity, owner text, verb text);
    create or replace function watched.note() returns trigger
    language plpgsql security definer set search_path = pg_catalog as $note$
    begin
        insert into watched.written (owner, verb)
        values (tg_relid::regclass::text, lower(tg_op));
        return null;
    end
    $note$;
    do $watch$
    declare
        named regclass;
    begin
        for named in
            select c.oid from pg_class c
             where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
               and c.relname <> '_sqlx_migrations'
               and not exists (
                   select from pg_trigger t where t.tgrelid = c.oid and t.tgname = 'watched')
        loop
            execute format('create trigger watched after update or delete on %s '
                'for each statement execute function watched.note()', named);
        end loop;
    end
    $watch$";

/// Tables that hold a few rows however much work there is.
const SMALL: [&str; 4] = ["lane", "schedule", "watch", "tenant"];

/// The traces of a database, and its tables.
struct Catalogue {
    traces: BTreeSet<(String, String)>,
    tables: BTreeSet<String>,
}

impl Catalogue {
    async fn of(db: &Database) -> Self {
        run_all(db, WATCH).await;
        let sql = format!(
            "select replace(owner, 'public.', '') || '|' || trace from ({TRACES}
             union all
             select verb || ' ' || number, owner from watched.written) traces (trace, owner)"
        );
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
            .filter(|(owner, trace)| !(SMALL.contains(&&**owner) && is_write(trace)))
            .map(|(owner, trace)| format!("{owner}: {trace}"))
            .collect()
    }
}

/// Several statements at once, as superuser.
async fn run_all(db: &Database, sql: &str) {
    let mut connection = db.connect(Role::Superuser).await;
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(&mut connection)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// Whether a trace is that of changed rows.
fn is_write(trace: &str) -> bool {
    ["update ", "delete "]
        .iter()
        .any(|verb| trace.starts_with(verb))
}

/// Whether a migration without a transaction of its own makes this without keeping anybody out: an
/// index that its text makes concurrently.
fn is_concurrent(migration: &Migration, done: &str) -> bool {
    let lines = migration.sql.as_str().lines();
    let text: Vec<&str> = lines
        .filter(|line| !line.trim_start().starts_with("--"))
        .collect();
    let text = text.join(" ").to_lowercase();
    let words: Vec<&str> = text.split_whitespace().collect();
    let makes_index = |at: usize| match &words[at..] {
        ["create", "index", rest @ ..] | ["create", "unique", "index", rest @ ..] => Some(rest),
        _ => None,
    };
    let mut indexes = (0..words.len()).filter_map(makes_index).peekable();
    migration.no_tx
        && done.contains(": index ")
        && indexes.peek().is_some()
        && indexes.all(|rest| rest.first() == Some(&"concurrently"))
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
        if migration.version != OWN_LISTS {
            let mut done = after.since(&before);
            done.retain(|done| !is_concurrent(migration, done));
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
        // Rows that are changed, also where there are none in a test.
        ("update worker set name = 'x'", "worker: update "),
        ("delete from dead", "dead: delete "),
        (
            "do $$ begin update job set kind = 'x'; end $$",
            "job: update ",
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
        "update lane set clock = 0",
    ] {
        let before = Catalogue::of(&db).await;
        db.run(sql).await;
        let done = Catalogue::of(&db).await.since(&before);
        assert!(done.is_empty(), "{sql}: {done:?}");
    }
}

#[test]
fn what_is_made_without_a_transaction_is_made_concurrently() {
    let made = |no_tx: bool, sql: &str| {
        let sql = AssertSqlSafe(sql.to_owned()).into_sql_str();
        let kind = MigrationType::Simple;
        let migration = Migration::new(1, "x".into(), kind, sql, no_tx);
        is_concurrent(&migration, "worker: index late")
    };
    let well =
        "-- no-transaction\n-- create index x\nCREATE INDEX concurrently late on worker (name)";
    assert!(made(true, well));
    assert!(!made(false, well));
    for sql in [
        "create index late on worker (name)",
        "create unique index late on worker (name)",
        "create index concurrently a on worker (id); create index late on worker (name)",
    ] {
        assert!(!made(true, sql), "{sql}");
    }
}

#[test]
fn the_release_ends_with_the_migration_that_the_check_begins_after() {
    let test = "the_release_ends_with_the_migration_that_the_check_begins_after";
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let (_, rest) = manifest.split_once("\nreleased = \"").unwrap();
    let commit = &rest[..40];
    let mut git = Command::new("git");
    git.current_dir(root)
        .args(["ls-tree", "--name-only", commit, "migrations/"]);
    let listed = match git.output() {
        Ok(listed) if listed.status.success() => String::from_utf8(listed.stdout).unwrap(),
        _ => {
            return skip(
                test,
                &format!("{commit} is not here (git fetch origin {commit})"),
            );
        }
    };
    let numbers = listed.lines().filter_map(|path| {
        let name = path.strip_prefix("migrations/")?;
        name.split('_').next()?.parse::<i64>().ok()
    });
    assert_eq!(numbers.max(), Some(RELEASED), "of {commit}");
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
