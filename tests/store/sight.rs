//! What stands in the tables of PostgreSQL, in the words of the model.

use std::collections::BTreeMap;

use packtrain_model::jobs::{JOBS_MAX, Job, Jobs};
use packtrain_model::plan::Plan;
use packtrain_model::tables::Tables;
use sqlx::Row;
use sqlx::postgres::{PgConnection, PgRow};
use uuid::Uuid;

/// Where a job stands and what its entry says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Stand {
    /// Each table that has it.
    places: Vec<String>,
    attempts: i16,
    solo: bool,
    /// Hours until it is due, while it is scheduled.
    hours: i64,
    /// Rows of failed attempts, and whether one of them was lost.
    failed: i64,
    lost: bool,
    is_cancelled: bool,
    /// Rows that it wrote with its end; they have no key.
    effects: i64,
    /// Jobs that must end before it, as counted, and its place in its gate, while it waits.
    needs: i32,
    seq: i64,
}

/// A lease, by the bits of its jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Batch {
    jobs: Vec<Job>,
    beat: i64,
    open: i64,
    started: i64,
}

/// Everything that is compared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sight {
    pub(crate) jobs: BTreeMap<Job, Stand>,
    pub(crate) leases: Vec<Batch>,
    /// Members in play, by gate.
    pub(crate) gates: Vec<i32>,
}

impl Sight {
    /// What the model has.
    pub(crate) fn of(plan: &Plan, tables: &Tables) -> Self {
        let mut sight = Self::default();
        for job in tables.known {
            let at = usize::from(job);
            let held = tables.held();
            let words = [
                (tables.ready, "ready"),
                (tables.scheduled, "scheduled"),
                (tables.waiting, "waiting"),
                (held, "lease"),
                (tables.dead, "dead"),
                (tables.ended[0], "succeeded"),
                (tables.ended[1], "cancelled"),
                (tables.ended[2], "discarded"),
                (tables.ended[3], "expired"),
            ];
            let places = words.into_iter().filter(|(jobs, _)| jobs.has(job));
            let hours = i64::from(tables.run_at[at]) - i64::from(tables.now);
            let is_entry = (tables.ready | tables.scheduled | tables.waiting).has(job);
            let waits = tables.waiting.has(job);
            let is_gated = plan.spec(job).gate.is_some();
            let stand = Stand {
                places: places.map(|(_, word)| word.to_owned()).collect(),
                attempts: i16::from(tables.charged[at]),
                solo: is_entry && tables.solo.has(job),
                hours: if tables.scheduled.has(job) {
                    hours.max(0)
                } else {
                    0
                },
                failed: i64::from(tables.failed[at]),
                lost: tables.lost.has(job),
                is_cancelled: tables.requests.has(job),
                effects: i64::from(tables.effects[at]),
                needs: if waits {
                    i32::from(tables.needs[at])
                } else {
                    0
                },
                seq: if waits && is_gated {
                    i64::from(tables.seq[at])
                } else {
                    0
                },
            };
            sight.jobs.insert(job, stand);
        }
        sight.gates = tables
            .gates
            .iter()
            .map(|gate| i32::from(gate.in_play))
            .collect();
        sight.leases = tables
            .leases
            .iter()
            .map(|lease| {
                let jobs = &lease.jobs[..usize::from(lease.count)];
                Batch {
                    jobs: jobs.to_vec(),
                    beat: i64::from(lease.beat),
                    open: i64::from(lease.open),
                    started: i64::from(lease.started),
                }
            })
            .collect();
        sight
            .leases
            .sort_unstable_by(|a, b| a.jobs.cmp(&b.jobs).then(a.beat.cmp(&b.beat)));
        sight
    }

    /// What PostgreSQL has.
    pub(crate) async fn look(connection: &mut PgConnection, ids: &BTreeMap<Uuid, Job>) -> Self {
        let mut sight = Self::default();
        let rows = sqlx::query(STANDS)
            .fetch_all(&mut *connection)
            .await
            .unwrap();
        for row in rows {
            let id: Uuid = row.get("id");
            let job = *ids
                .get(&id)
                .unwrap_or_else(|| panic!("nobody asked for {id}"));
            sight.jobs.insert(job, stand(&row));
        }
        let rows = sqlx::query(REST).fetch_all(connection).await.unwrap();
        for row in rows {
            let jobs: Vec<Uuid> = row.get("ids");
            if jobs.is_empty() {
                sight.gates.push(row.get("in_play"));
                continue;
            }
            sight.leases.push(Batch {
                jobs: jobs.iter().map(|id| ids[id]).collect(),
                beat: row.get("beat"),
                open: row.get("open"),
                started: row.get("started"),
            });
        }
        sight
            .leases
            .sort_unstable_by(|a, b| a.jobs.cmp(&b.jobs).then(a.beat.cmp(&b.beat)));
        sight
    }

    /// What differs, in a few lines; none when nothing does.
    pub(crate) fn differs(&self, other: &Self) -> Vec<String> {
        let mut found = Vec::new();
        for job in 0..u8::try_from(JOBS_MAX).unwrap() {
            let (here, there) = (self.jobs.get(&job), other.jobs.get(&job));
            if here != there {
                found.push(format!(
                    "job {job}:\n  model      {here:?}\n  PostgreSQL {there:?}"
                ));
            }
        }
        if self.leases != other.leases {
            let (here, there) = (&self.leases, &other.leases);
            found.push(format!(
                "leases:\n  model      {here:?}\n  PostgreSQL {there:?}"
            ));
        }
        if self.gates != other.gates {
            let (here, there) = (&self.gates, &other.gates);
            found.push(format!(
                "gates:\n  model      {here:?}\n  PostgreSQL {there:?}"
            ));
        }
        found
    }
}

fn stand(row: &PgRow) -> Stand {
    Stand {
        places: row.get("places"),
        attempts: row.get("attempts"),
        solo: row.get("solo"),
        hours: row.get("hours"),
        failed: row.get("failed"),
        lost: row.get("lost"),
        is_cancelled: row.get("is_cancelled"),
        effects: row.get("effects"),
        needs: row.get("needs"),
        seq: row.get("seq"),
    }
}

/// Each gate, and then each lease.
const REST: &str = "
    select '{}'::uuid[] as ids, 0::bigint as beat, 0::bigint as open, 0::bigint as started,
           coalesce(max(g.in_play), 0) as in_play, n.gate
      from generate_series(0, 2) as n (gate)
      left join gate g on g.key like '%:gate:' || n.gate
     group by n.gate
     union all
    select ids, beat, open, started, 0, 3 from lease
     order by gate";

/// A row a job: the tables that have it, and what its entry says.
const STANDS: &str = "
    with place (id, name, attempts, solo, run_at) as (
        select id, 'ready', attempts, solo, null::timestamptz from ready
         union all
        select id, 'scheduled', attempts, solo, run_at from scheduled
         union all
        select id, 'waiting', attempts, solo, null from waiting
         union all
        select p.id, 'lease', l.attempts[p.place], false, null
          from lease l
         cross join lateral unnest(l.ids) with ordinality as p (id, place)
         where (l.open >> (p.place::integer - 1)) & 1 = 1
         union all
        select id, 'dead', attempts, false, null from dead
         union all
        select id, state, attempts, false, null from outcome
    )
    select j.id,
           coalesce(array_agg(p.name) filter (where p.name is not null), '{}') as places,
           coalesce(max(p.attempts), 0::smallint) as attempts,
           coalesce(bool_or(p.solo), false) as solo,
           coalesce(max(greatest(ceil(extract(epoch from p.run_at - now_utc()) / 3600), 0)),
                    0)::bigint as hours,
           (select count(*) from attempt a where a.job_id = j.id) as failed,
           exists (select from attempt a where a.job_id = j.id and a.code = 'job.lost') as lost,
           exists (select from cancel_request c where c.job_id = j.id) as is_cancelled,
           (select count(*) from service_level v where v.job_id = j.id) as effects,
           coalesce(max(w.needs), 0) as needs,
           coalesce(max(w.seq), 0) as seq
      from job j
      left join place p on p.id = j.id
      left join waiting w on w.id = j.id
     group by j.id";

/// Jobs of these ids.
pub(crate) fn named<'i>(
    ids: &BTreeMap<Uuid, Job>,
    jobs: impl IntoIterator<Item = &'i packtrain_core::ids::JobId>,
) -> Jobs {
    jobs.into_iter().map(|job| ids[&job.as_uuid()]).collect()
}
