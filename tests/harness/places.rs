//! The invariant of the job tables: a job stands in exactly one place.

use sqlx::Row;

use crate::database::Database;

impl Database {
    /// Fails the test unless every job stands in exactly one place with its own tenant, every
    /// entry has its job, `job_state` shows each job once, and no lease is empty.
    pub async fn assert_whole(&self) {
        // One statement, so one snapshot: this may run while work goes on.
        let rows = sqlx::query(
            r"
            with place (id, tenant_id, name) as (
                select id, tenant_id, 'ready' from ready
                union all
                select id, tenant_id, 'scheduled' from scheduled
                union all
                select id, tenant_id, 'waiting' from waiting
                union all
                select p.id, null, 'lease'
                  from lease l
                 cross join lateral unnest(l.ids) with ordinality as p (id, place)
                 where (l.open >> (p.place::integer - 1)) & 1 = 1
                union all
                select id, tenant_id, 'dead' from dead
                union all
                select id, tenant_id, 'outcome' from outcome
            ),
            misplaced as (
                select coalesce(j.id, p.id)::text as id,
                       case when bool_or(j.id is null) then 'no job, but ' else '' end
                       || coalesce(string_agg(p.name, ' and '), 'nowhere') as problem
                  from job j
                  full join place p on p.id = j.id
                 group by coalesce(j.id, p.id)
                having count(p.name) <> 1
                    or bool_or(j.id is null)
                    or bool_or(p.tenant_id <> j.tenant_id)
            ),
            misread as (
                select j.id::text, count(s.id) || ' rows of job_state'
                  from job j
                  left join job_state s on s.id = j.id
                 group by j.id
                having count(s.id) <> 1
            ),
            misled as (
                select l.id::text, 'a lease with open = ' || l.open || ' of '
                       || cardinality(l.ids) || ' jobs'
                  from lease l
                 where l.open = 0
                    or cardinality(l.ids) <> cardinality(l.attempts)
                    or (cardinality(l.ids) < 64 and l.open >> cardinality(l.ids) <> 0)
            )
            select id, problem from misplaced
            union all
            select * from misread
            union all
            select * from misled
            ",
        )
        .fetch_all(&self.pools().operator)
        .await
        .expect("an operator may look everywhere");
        let problems: Vec<String> = rows
            .iter()
            .map(|row| format!("{}: {}", row.get::<&str, _>(0), row.get::<&str, _>(1)))
            .collect();
        assert!(problems.is_empty(), "misplaced jobs: {problems:#?}");
    }
}
