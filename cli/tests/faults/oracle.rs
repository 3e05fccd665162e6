//! The oracle: what became of every job of a run.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use packtrain_core::ids::JobId;

use crate::counts::Counts;
use crate::stage::{LOOK_EVERY, Stage};

/// The longest that the jobs of one run may take to end: then they count as lost.
const END_WITHIN: Duration = Duration::from_secs(90);

/// The effects that each job left, counted in one pass: no index leads from a job to its effects.
pub(crate) const EFFECTS: &str = "(select job_id, count(*) as effects
    from service_level group by job_id) e";

/// The charges that a row explains.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Charges<'a> {
    /// Jobs that the victim held and had begun: one charge each.
    pub(crate) begun: &'a [String],
    /// Deaths that every job may have been beside (rows on poison): one charge for each death.
    pub(crate) deaths: u32,
}

impl<'a> Charges<'a> {
    /// One for each of these jobs, which a victim had begun.
    pub(crate) const fn of(begun: &'a [String]) -> Self {
        Self { begun, deaths: 0 }
    }

    /// None at all.
    pub(crate) fn none() -> Self {
        Self::default()
    }
}

/// Whose leases are looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Holder<'a> {
    /// A process by its number.
    Process(u32),
    /// A worker by its id.
    Worker(&'a str),
}

impl Stage {
    /// The jobs that the leases of this process still have open.
    pub(crate) async fn held_by(&self, process: u32) -> Vec<String> {
        self.leased(Holder::Process(process), "").await
    }

    /// Those among the jobs that it holds that it had begun: their attempt is charged when it dies.
    /// To be asked after its death, and before its leases are taken.
    pub(crate) async fn begun_by(&self, holder: Holder<'_>) -> Vec<String> {
        let began = "and (l.started >> (p.place::integer - 1)) & 1 = 1";
        self.leased(holder, began).await
    }

    async fn leased(&self, holder: Holder<'_>, also: &str) -> Vec<String> {
        let holder = match holder {
            Holder::Process(process) => format!("w.name like '%-{process}'"),
            Holder::Worker(id) => format!("w.id = '{id}'"),
        };
        self.db
            .texts(&format!(
                "select p.id::text
                   from lease l
                   join worker w on w.id = l.worker_id and {holder}
                  cross join lateral unnest(l.ids) with ordinality as p (id, place)
                  where (l.open >> (p.place::integer - 1)) & 1 = 1 {also}"
            ))
            .await
    }

    /// How many of these have not ended.
    pub(crate) async fn unended(&self, jobs: &[JobId]) -> i64 {
        let unended = format!(
            "select count(*) from unnest({}) as i (id)
              where not exists (select from outcome o where o.id = i.id)
                and not exists (select from dead d where d.id = i.id)",
            array(jobs)
        );
        self.db.number(&unended).await
    }

    /// Waits until all of these ended, or until it has taken too long.
    pub(crate) async fn ended(&self, jobs: &[JobId]) {
        let began = Instant::now();
        while began.elapsed() < END_WITHIN && self.unended(jobs).await > 0 {
            tokio::time::sleep(LOOK_EVERY * 3).await;
        }
    }

    /// What became of these jobs: each must have succeeded and left one effect.
    pub(crate) async fn judge(&self, jobs: &[JobId], charges: Charges<'_>) -> Counts {
        self.judged(jobs, "succeeded", charges).await
    }

    /// What became of these jobs, each of which must have been cancelled and left no effect.
    pub(crate) async fn judge_cancelled(&self, jobs: &[JobId]) -> Counts {
        self.judged(jobs, "cancelled", Charges::none()).await
    }

    /// What became of these jobs and of their follow-ups, of which each has so many: they are there
    /// when their cause has succeeded, and end as it did.
    pub(crate) async fn judge_with_follow_ups(
        &self,
        jobs: &[JobId],
        each: u64,
        charges: Charges<'_>,
    ) -> Counts {
        self.ended(jobs).await;
        let of_each = format!(
            "(select (select count(*) from job c where c.parent_id = i.id) as count
                from unnest({}) as i (id)) f",
            array(jobs)
        );
        let sum = async |sql: &str| {
            let sql = format!("select coalesce(sum({sql}), 0)::bigint from {of_each}");
            self.db.number(&sql).await.unsigned_abs()
        };
        let missing = sum(&format!("greatest(0, {each} - count)")).await;
        let too_many = sum(&format!("greatest(0, count - {each})")).await;
        let follow_ups = format!(
            "select id::text from job where parent_id = any({})",
            array(jobs)
        );
        let follow_ups = self.db.texts(&follow_ups).await;
        let follow_ups = follow_ups
            .iter()
            .map(|id| JobId::from_uuid(id.parse().unwrap()));
        let all: Vec<JobId> = jobs.iter().copied().chain(follow_ups).collect();
        let counts = self.judge(&all, charges).await;
        Counts {
            lost: counts.lost + missing,
            doubled: counts.doubled + too_many,
            ..counts
        }
    }

    async fn judged(&self, jobs: &[JobId], state: &str, charges: Charges<'_>) -> Counts {
        self.ended(jobs).await;
        let ids = array(jobs);
        let effects = u32::from(state == "succeeded");
        let number = async |sql: String| self.db.number(&sql).await.unsigned_abs();
        let of_each = format!(
            "from unnest({ids}) as i (id)
             left join outcome o on o.id = i.id and o.state = '{state}'
             left join {EFFECTS} on e.job_id = i.id"
        );
        let lost = number(format!(
            "select count(*) {of_each}
              where o.id is null or coalesce(e.effects, 0) < {effects}"
        ))
        .await;
        let doubled = number(format!(
            "select count(*) {of_each} where coalesce(e.effects, 0) > {effects}"
        ))
        .await;
        // The attempt that ended well is not a charge; a cancelled job has none.
        let (begun, deaths) = (charges.begun.join(","), charges.deaths);
        let above = number(format!(
            "select coalesce(sum(greatest(0, attempts - {effects} - {deaths}
                                             - (id = any('{{{begun}}}'::uuid[]))::integer)),
                             0)::bigint
               from outcome where id = any({ids})"
        ))
        .await;
        self.db.assert_whole().await;
        Counts {
            jobs: jobs.len() as u64,
            lost,
            doubled,
            duplicates: self.duplicates(jobs),
            above,
            rerun_ms: Vec::new(),
        }
    }

    /// Runs beyond the first of each of these jobs.
    fn duplicates(&self, jobs: &[JobId]) -> u64 {
        let mut runs: HashMap<String, u64> = jobs
            .iter()
            .map(|job| (job.as_uuid().to_string(), 0))
            .collect();
        for mark in self.marks() {
            if let Some(count) = runs.get_mut(&mark.job) {
                *count += 1;
            }
        }
        runs.values().map(|count| count.saturating_sub(1)).sum()
    }

    /// How long after this moment the next job began to run, if one did.
    pub(crate) fn next_run(&self, moment_us: i64) -> Vec<u64> {
        let marks = self.marks();
        let after = marks.iter().map(|mark| mark.at_us - moment_us);
        let next = after.filter(|us| *us > 0).min();
        next.map(|us| us.unsigned_abs() / 1_000)
            .into_iter()
            .collect()
    }

    /// How long after the break each of these ran again, or for the first time.
    pub(crate) fn reruns(&self, held: &[String], broken_at_us: i64) -> Vec<u64> {
        let marks = self.marks();
        let first_after = held.iter().filter_map(|job| {
            let runs = marks.iter().filter(|mark| mark.job == *job);
            runs.map(|mark| mark.at_us)
                .filter(|at| *at > broken_at_us)
                .min()
        });
        first_after
            .map(|at| u64::try_from((at - broken_at_us) / 1_000).unwrap())
            .collect()
    }
}

/// Ids as an array of SQL.
pub(crate) fn array(jobs: &[JobId]) -> String {
    let ids: Vec<String> = jobs.iter().map(|job| job.as_uuid().to_string()).collect();
    format!("'{{{}}}'::uuid[]", ids.join(","))
}
