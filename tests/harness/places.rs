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
            ),
            miscounted as (
                select g.key, 'a gate that counts ' || g.in_play || ' in play, at most '
                       || g.max_play || ', with ' || f.playing || ' in play and ' || f.waiting
                       || ' before it'
                  from gate g
                 cross join lateral (
                       select count(*) filter (where p.name in ('ready', 'scheduled', 'lease')
                                                  or (p.name = 'dead' and g.holds_dead)) as playing,
                              count(*) filter (where w.needs = 0) as waiting
                         from job j
                         join place p on p.id = j.id
                         left join waiting w on w.id = j.id
                        where j.gate_key = g.key) f
                 where g.in_play <> f.playing
                    or g.in_play > g.max_play
                    or (f.waiting > 0 and g.in_play < g.max_play)
            ),
            stuck as (
                select w.id::text, 'waits for ' || w.needs || ' jobs, of which ' || count(e.cause)
                       || ' are known'
                  from waiting w
                  left join edge e on e.job = w.id
                 group by w.id
                having w.needs <> count(e.cause)
            )
            select id, problem from misplaced
            union all
            select * from misread
            union all
            select * from misled
            union all
            select * from miscounted
            union all
            select * from stuck
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
