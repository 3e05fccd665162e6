//! Row-level security: who sees and writes what, for every table that the schema has.

use packtrain_core::ids::TenantId;
use packtrain_core::ports::{ApiKeys, JobQueue, KeyScope};
use packtrain_store::{PgKeys, migrate, revoke_api_key};
use packtrain_tests::{Database, Role};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection};

use super::rows::{ROWS, row_of};
use super::scene::{HOUR, Scene, retry};

/// Tables with a tenant, without partitions.
const TENANT_TABLES: &str = "
    select c.relname::text
      from pg_class c
      join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
     where c.relnamespace = 'public'::regnamespace
       and c.relkind in ('r', 'p')
       and not c.relispartition
     order by 1";

async fn may(db: &Database, role: &str, right: &str, table: &str) -> bool {
    let sql =
        format!("select has_table_privilege('{role}', '{table}', '{right}')::integer::bigint");
    db.number(&sql).await == 1
}

/// What a statement does in a transaction of a tenant: rows touched, or the error's code.
pub(super) async fn as_tenant(
    connection: &mut PgConnection,
    tenant: Option<TenantId>,
    sql: &str,
) -> Result<u64, String> {
    let mut tx = connection.begin().await.unwrap();
    if let Some(tenant) = tenant {
        sqlx::query("select set_config('app.tenant', $1, true)")
            .bind(tenant.as_uuid().to_string())
            .execute(&mut *tx)
            .await
            .unwrap();
    }
    let done = sqlx::query(AssertSqlSafe(sql.to_owned()))
        .execute(&mut *tx)
        .await;
    tx.rollback().await.unwrap();
    match done {
        Ok(done) => Ok(done.rows_affected()),
        Err(sqlx::Error::Database(error)) => Err(error.code().unwrap_or_default().into_owned()),
        Err(error) => panic!("{sql}: {error}"),
    }
}

const DENIED: &str = "42501";

#[tokio::test]
async fn no_working_role_may_stand_in_a_transaction_or_be_gone_for_long() {
    let db = Database::new().await;
    for role in [Role::App, Role::Operator, Role::Worker] {
        let mut connection = db.connect(role).await;
        let settings = sqlx::query_scalar::<_, String>(
            "select name || ' ' || setting || coalesce(unit, '')
               from pg_settings
              where name like 'idle_in_transaction%'
                 or name like 'tcp_keepalives%'
                 or name like 'client_connection_check%'
              order by 1",
        );
        assert_eq!(
            settings.fetch_all(&mut connection).await.unwrap(),
            [
                "client_connection_check_interval 2000ms",
                "idle_in_transaction_session_timeout 3000ms",
                "tcp_keepalives_count 3",
                "tcp_keepalives_idle 10s",
                "tcp_keepalives_interval 5s",
            ],
            "{role:?}"
        );
    }
}

#[tokio::test]
async fn every_table_with_a_tenant_is_behind_row_level_security() {
    let db = Database::new().await;
    let tables = db.texts(TENANT_TABLES).await;
    let known: Vec<&str> = ROWS.iter().map(|(table, ..)| *table).collect();
    assert_eq!(tables, known, "ROWS names every table with a tenant");
    let bare = db
        .texts(&format!(
            "select relname::text from pg_class
              where (relname = 'tenant' or relname in ({TENANT_TABLES}))
                and not (relrowsecurity and relforcerowsecurity)"
        ))
        .await;
    assert!(
        bare.is_empty(),
        "without forced row-level security: {bare:?}"
    );
    for table in tables {
        let policies = db
            .number(&format!(
                "select count(*) from pg_policies
                  where tablename = '{table}' and 'packtrain_app' = any(roles)"
            ))
            .await;
        let unreachable = !may(
            &db,
            "packtrain_app",
            "select, insert, update, delete",
            &table,
        )
        .await;
        assert!(policies > 0 || unreachable, "{table} has no policy");
    }
}

#[tokio::test]
async fn no_role_reaches_a_partition_past_its_parent() {
    let db = Database::new().await;
    let reached = db
        .texts(
            "select r.rolname || ' ' || c.relname
               from pg_class c
               cross join pg_roles r
              where c.relispartition
                and c.relkind = 'r'
                and r.rolname in ('packtrain_app', 'packtrain_operator', 'packtrain_worker',
                                  'packtrain_view')
                and has_table_privilege(r.oid, c.oid, 'select, insert, update, delete')",
        )
        .await;
    assert!(reached.is_empty(), "{reached:?}");
}

#[tokio::test]
async fn a_tenant_sees_its_own_rows_and_none_of_anothers() {
    let db = Database::new().await;
    let (a, b) = (db.tenant("a").await, db.tenant("b").await);
    let mut app = db.connect(Role::App).await;
    for table in db.texts(TENANT_TABLES).await {
        // Some rows cause rows of other tables: each is counted alone.
        db.run(&format!("delete from {table}")).await;
        let look = format!("select 1 from {table}");
        if may(&db, "packtrain_app", "select", &table).await {
            for tenant in [a, b, b] {
                db.run(&row_of(&table, tenant)).await;
            }
            assert_eq!(as_tenant(&mut app, Some(a), &look).await, Ok(1), "{table}");
            assert_eq!(as_tenant(&mut app, Some(b), &look).await, Ok(2), "{table}");
            assert_eq!(as_tenant(&mut app, None, &look).await, Ok(0), "{table}");
        } else {
            db.run(&row_of(&table, a)).await;
            let denied = as_tenant(&mut app, Some(a), &look).await;
            assert_eq!(denied, Err(DENIED.to_owned()), "{table}");
        }
    }
}

#[tokio::test]
async fn a_tenant_writes_for_itself_alone() {
    let db = Database::new().await;
    let (a, b) = (db.tenant("a").await, db.tenant("b").await);
    for (role, name) in [
        (Role::App, "packtrain_app"),
        (Role::Worker, "packtrain_worker"),
    ] {
        let mut connection = db.connect(role).await;
        for table in db.texts(TENANT_TABLES).await {
            let own = as_tenant(&mut connection, Some(a), &row_of(&table, a)).await;
            let foreign = as_tenant(&mut connection, Some(a), &row_of(&table, b)).await;
            let none = as_tenant(&mut connection, None, &row_of(&table, b)).await;
            let denied = Err(DENIED.to_owned());
            // Workers settle for every tenant, but touch a tenant's data only in its name.
            let data = ["file", "ledger_row", "row_error", "report", "artefact"];
            let across = role == Role::Worker && !data.contains(&&*table);
            if !may(&db, name, "insert", &table).await {
                assert_eq!(own, denied, "{name} {table}");
            } else if across {
                assert_eq!((own, foreign), (Ok(1), Ok(1)), "{name} {table}");
            } else {
                assert_eq!(own, Ok(1), "{name} {table}");
                assert_eq!((&foreign, &none), (&denied, &denied), "{name} {table}");
            }
        }
    }
}

#[tokio::test]
async fn a_tenant_cannot_change_or_take_away_anothers_rows() {
    let db = Database::new().await;
    let (a, b) = (db.tenant("a").await, db.tenant("b").await);
    let mut app = db.connect(Role::App).await;
    for table in db.texts(TENANT_TABLES).await {
        db.run(&row_of(&table, b)).await;
        let (a_id, b_id) = (a.as_uuid(), b.as_uuid());
        for sql in [
            format!("delete from {table} where tenant_id = '{b_id}'"),
            format!("update {table} set tenant_id = '{a_id}' where tenant_id = '{b_id}'"),
        ] {
            let done = as_tenant(&mut app, Some(a), &sql).await;
            let harmless = done == Ok(0) || done == Err(DENIED.to_owned());
            assert!(harmless, "{sql}: {done:?}");
        }
    }
}

#[tokio::test]
async fn a_worker_sees_a_tenants_data_only_in_its_name_and_an_operator_never() {
    let db = Database::new().await;
    let (a, b) = (db.tenant("a").await, db.tenant("b").await);
    let mut worker = db.connect(Role::Worker).await;
    let mut operator = db.connect(Role::Operator).await;
    for table in ["file", "ledger_row", "row_error", "report", "artefact"] {
        db.run(&row_of(table, a)).await;
        let look = format!("select 1 from {table}");
        assert_eq!(as_tenant(&mut worker, Some(a), &look).await, Ok(1));
        assert_eq!(as_tenant(&mut worker, Some(b), &look).await, Ok(0));
        assert_eq!(as_tenant(&mut worker, None, &look).await, Ok(0));
        let denied = as_tenant(&mut operator, Some(a), &look).await;
        assert_eq!(denied, Err(DENIED.to_owned()), "{table}");
    }
}

#[tokio::test]
async fn the_owner_sees_no_tenant_s_data_and_its_own_paths_work() {
    let db = Database::new().await;
    let a = db.tenant("a").await;
    let mut owner = db.connect(Role::Owner).await;
    // Where its own functions and commands look.
    let own = "api_key dead fair job outcome ready report scheduled stream_ticket waiting";
    let own: Vec<&str> = own.split(' ').collect();
    let tables = db.texts(TENANT_TABLES).await;
    assert!(
        own.iter()
            .all(|own| tables.iter().any(|table| table == own))
    );
    for table in tables {
        db.run(&row_of(&table, a)).await;
        let look = format!("select 1 from {table}");
        let seen = u64::from(own.contains(&&*table));
        assert_eq!(
            as_tenant(&mut owner, None, &look).await,
            Ok(seen),
            "{table}"
        );
    }
    let key = db.api_key(a, &[KeyScope::Viewer]).await;
    let found = PgKeys::new(db.pools().app.clone()).find(key.id).await;
    assert_eq!(found.unwrap().unwrap().scopes, [KeyScope::Viewer]);
    let owner = db.url(Role::Owner);
    assert!(revoke_api_key(&owner, key.id).await.unwrap());
    assert!(!revoke_api_key(&owner, key.id).await.unwrap());
    let found = PgKeys::new(db.pools().app.clone()).find(key.id).await;
    assert_eq!(found.unwrap(), None);
    migrate(&owner).await.unwrap();
}

#[tokio::test]
async fn nobody_but_the_owner_reads_keys_and_tenants_never_see_leases_or_workers() {
    let db = Database::new().await;
    let a = db.tenant("a").await;
    let denied = || Err(DENIED.to_owned());
    for role in [Role::App, Role::Operator, Role::Worker] {
        let mut connection = db.connect(role).await;
        let look = as_tenant(&mut connection, Some(a), "select 1 from api_key").await;
        assert_eq!(look, denied(), "{role:?}");
    }
    let mut app = db.connect(Role::App).await;
    for table in ["lease", "worker"] {
        let look = as_tenant(&mut app, Some(a), &format!("select 1 from {table}")).await;
        assert_eq!(look, denied(), "{table}");
    }
    let look = "select find_api_key('00000000-0000-0000-0000-000000000000')";
    assert_eq!(as_tenant(&mut app, None, look).await, Ok(0));
    let mut worker = db.connect(Role::Worker).await;
    assert_eq!(as_tenant(&mut worker, None, look).await, denied());
    let make = "select ensure_partitions(now(), 1)";
    assert_eq!(as_tenant(&mut app, None, make).await, denied());
}

#[tokio::test]
async fn the_roles_of_the_processes_own_nothing_and_bypass_nothing() {
    let db = Database::new().await;
    let roles = "('packtrain_app', 'packtrain_operator', 'packtrain_worker')";
    let strong = format!(
        "select rolname::text from pg_roles
          where rolname in {roles}
            and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication)"
    );
    let members = format!(
        "select m.rolname || ' is ' || r.rolname
           from pg_auth_members am
           join pg_roles m on m.oid = am.member
           join pg_roles r on r.oid = am.roleid
          where m.rolname in {roles}"
    );
    let owned = format!(
        "select r.rolname || ' owns ' || d.classid::regclass || ' ' || d.objid
           from pg_shdepend d
           join pg_roles r on r.oid = d.refobjid
          where d.refclassid = 'pg_authid'::regclass
            and d.deptype = 'o'
            and d.dbid in (0, (select oid from pg_database where datname = current_database()))
            and r.rolname in {roles}"
    );
    let creating = format!(
        "select r.rolname::text from pg_roles r
          where r.rolname in {roles} and has_schema_privilege(r.oid, 'public', 'create')"
    );
    for sql in [strong, members, owned, creating] {
        let found = db.texts(&sql).await;
        assert!(found.is_empty(), "{found:?}");
    }
    let three = format!("select count(*) from pg_roles where rolname in {roles} and rolcanlogin");
    assert_eq!(db.number(&three).await, 3);
    let view = "select count(*) from pg_roles where rolname = 'packtrain_view' and rolcanlogin";
    assert_eq!(db.number(view).await, 0);
}

#[tokio::test]
async fn functions_of_the_owner_name_their_schema_and_are_not_for_everyone() {
    let db = Database::new().await;
    let loose = db
        .texts(
            "select p.proname::text
               from pg_proc p
              where p.pronamespace = 'public'::regnamespace
                and p.prosecdef
                and (not coalesce(p.proconfig::text like '%search_path=pg_catalog%', false)
                     or exists (select 1 from aclexplode(p.proacl) a where a.grantee = 0)
                     or p.proacl is null)",
        )
        .await;
    assert!(loose.is_empty(), "{loose:?}");
}

#[tokio::test]
async fn the_tenant_does_not_leak_to_the_next_user_of_a_pooled_connection() {
    let scene = Scene::on(Database::with_connections(1).await).await;
    let job = scene.queued(1).await[0];
    let app = &scene.db.pools().app;
    let left: Option<String> =
        sqlx::query_scalar("select nullif(current_setting('app.tenant', true), '')")
            .fetch_one(app)
            .await
            .unwrap();
    assert_eq!(left, None);
    let seen: i64 = sqlx::query_scalar("select count(*) from job_state")
        .fetch_one(app)
        .await
        .unwrap();
    assert_eq!(seen, 0);
    let other = scene.db.tenant("b").await;
    assert_eq!(scene.jobs.find(other, job).await.unwrap(), None);
    assert!(scene.jobs.find(scene.tenant, job).await.unwrap().is_some());
}

#[tokio::test]
async fn the_view_shows_a_tenant_its_own_jobs_and_an_operator_all_in_every_state() {
    let scene = Scene::new().await;
    let b = scene.db.tenant("b").await;
    let app = &mut scene.db.connect(Role::App).await;
    // Of each tenant one running, one scheduled, one queued.
    scene.running().await;
    let held = scene.running().await;
    scene.settle(&[held.ends(retry(HOUR))]).await;
    let mut foreign = Vec::new();
    for _ in 0..3 {
        let mut job = scene.job();
        job.tenant = b;
        scene
            .jobs
            .enqueue(b, std::slice::from_ref(&job))
            .await
            .unwrap();
        foreign.push(job.id);
    }
    scene.claim(1).await;
    let held = scene.claim(1).await.remove(0);
    scene.settle(&[held.ends(retry(HOUR))]).await;
    scene.queued(1).await;
    let look = "select 1 from job_state";
    for tenant in [scene.tenant, b] {
        assert_eq!(as_tenant(app, Some(tenant), look).await, Ok(3));
    }
    assert_eq!(as_tenant(app, None, look).await, Ok(0));
    let states = "select 1 from (select distinct state from job_state) s";
    assert_eq!(as_tenant(app, Some(b), states).await, Ok(3));
    let mut operator = scene.db.connect(Role::Operator).await;
    assert_eq!(as_tenant(&mut operator, None, look).await, Ok(6));
    for job in foreign {
        assert_eq!(scene.jobs.find(scene.tenant, job).await.unwrap(), None);
    }
}
