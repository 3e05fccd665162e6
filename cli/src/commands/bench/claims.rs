//! Claims as a worker makes them, one after the other and timed.

use std::time::Instant;

use packtrain_core::ids::{IdSource, WorkerId};
use packtrain_core::job::{About, Lane};
use packtrain_core::ports::{Claims, End, Floors, Settlement, Success, Upkeep, Wanted};
use packtrain_jobs::ops::canary::Canary;
use packtrain_store::{PgClaims, PgUpkeep};

use super::ground::Ground;
use crate::failure::{FAILED, Failure};

/// Claims, and ends what it claimed.
pub(crate) struct Claimer {
    claims: PgClaims,
    upkeep: PgUpkeep,
    worker: WorkerId,
    wanted: [Wanted; 1],
}

impl Claimer {
    pub(crate) fn new(ground: &Ground) -> Self {
        let ids = std::sync::Arc::clone(&ground.parts.ids);
        let about = About::of::<Canary>();
        Self {
            worker: (&*ids as &dyn IdSource).worker(),
            claims: PgClaims::new(&ground.parts.pools, ids),
            upkeep: PgUpkeep::new(ground.parts.pools.worker.clone()),
            wanted: [Wanted {
                kind: about.kind,
                schema_max: about.schema,
                long: false,
            }],
        }
    }

    /// How long a claim took that looks from there, in milliseconds, and what it found.
    pub(crate) async fn claim(
        &self,
        count: usize,
        mut floors: Floors,
    ) -> Result<(f64, usize), Failure> {
        let began = Instant::now();
        let leases = self
            .claims
            .claim(self.worker, Lane::Ops, &self.wanted, count, &mut floors)
            .await?;
        let took = began.elapsed();
        let ends: Vec<Settlement> = leases
            .into_iter()
            .flat_map(|lease| {
                lease.jobs.into_iter().map(move |(bit, job)| Settlement {
                    lease: lease.lease,
                    bit,
                    job: job.id,
                    attempt: job.attempts + 1,
                    bound: job.bound,
                    end: End::Succeeded(Success::default()),
                })
            })
            .collect();
        if !ends.is_empty() {
            let settled = self.claims.settle(&ends).await?;
            if !settled.fenced.is_empty() {
                return Err(Failure::new(
                    FAILED,
                    "a claim was lost before it was settled",
                ));
            }
        }
        Ok((took.as_secs_f64() * 1e3, ends.len()))
    }

    /// How long it took to look for due jobs to move to their lanes, in milliseconds.
    pub(crate) async fn promote(&self, limit: u32) -> Result<f64, Failure> {
        let began = Instant::now();
        self.upkeep.promote(limit).await?;
        Ok(began.elapsed().as_secs_f64() * 1e3)
    }
}
