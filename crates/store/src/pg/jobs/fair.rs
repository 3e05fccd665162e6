//! Fair keys: ranges of them are reserved in the database and handed out here.
//!
//! A reservation is a row's update and would make tenants that enqueue much wait for themselves.
//! So a process reserves more at once the faster a tenant asks, and lets go of what it did not use
//! after a moment: the lane's clock has moved on by then.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use packtrain_core::ids::TenantId;
use packtrain_core::job::{Lane, NewJob};
use packtrain_core::ports::StoreError;

use crate::error::{refused, unreadable};
use crate::pool::Pool;

/// How long a range is good.
const RANGE_KEPT: Duration = Duration::from_millis(200);
/// Keys of one range, at most, unless more are needed at once.
const RANGE_MAX: usize = 1_024;
/// Tenants whose ranges are remembered; beyond it, old ones are forgotten.
const REMEMBERED_MAX: usize = 10_000;

/// Keys of one tenant in one lane.
type Place = (Lane, TenantId);

/// Hands out fair keys.
#[derive(Clone)]
pub(crate) struct FairKeys {
    pool: Pool,
    ranges: Arc<Mutex<HashMap<Place, Arc<tokio::sync::Mutex<Range>>>>>,
}

/// What is left of a reservation.
#[derive(Default)]
struct Range {
    next: i64,
    step: i64,
    left: usize,
    size: usize,
    reserved: Option<Instant>,
}

impl Range {
    fn is_fresh(&self) -> bool {
        self.reserved.is_some_and(|at| at.elapsed() < RANGE_KEPT)
    }

    fn take(&mut self, count: usize) -> impl Iterator<Item = i64> + use<> {
        let (first, step) = (self.next, self.step);
        self.left -= count;
        self.next += step * i64::try_from(count).unwrap_or(0);
        (0..count).map(move |place| first + step * i64::try_from(place).unwrap_or(0))
    }
}

impl FairKeys {
    pub(crate) fn new(pool: Pool) -> Self {
        Self {
            pool,
            ranges: Arc::default(),
        }
    }

    /// A key for each job, in their order; jobs of one tenant and lane keep their order. A job that
    /// comes by way of the timetable gets its key there, and needs none.
    ///
    /// Asked before the transaction in which the keys are used: it takes a connection of its own.
    pub(crate) async fn of(&self, jobs: &[NewJob]) -> Result<Vec<i64>, StoreError> {
        // A tree: ranges are locked in one order by everybody.
        let mut wanted: BTreeMap<Place, usize> = BTreeMap::new();
        for job in jobs.iter().filter(|job| !is_timed(job)) {
            *wanted.entry((job.lane, job.tenant)).or_default() += 1;
        }
        let mut keys = self.reserve(&wanted).await?;
        let next = |job: &NewJob| match is_timed(job) {
            true => Some(0),
            false => keys.get_mut(&(job.lane, job.tenant))?.next(),
        };
        Ok(jobs.iter().filter_map(next).collect())
    }

    /// So many keys of each place. What is missing of all of them is reserved at once.
    async fn reserve(
        &self,
        wanted: &BTreeMap<Place, usize>,
    ) -> Result<HashMap<Place, impl Iterator<Item = i64> + use<>>, StoreError> {
        let mut ranges = Vec::with_capacity(wanted.len());
        for (place, count) in wanted {
            let range = self.range(*place).lock_owned().await;
            ranges.push((*place, *count, range));
        }
        let mut missing = Vec::new();
        for (at, (_, count, range)) in ranges.iter().enumerate() {
            if !range.is_fresh() || range.left < *count {
                // Used up while it was good: this tenant asks fast.
                let size = match range.is_fresh() {
                    true => (range.size * 2).min(RANGE_MAX),
                    false => 1,
                };
                missing.push((at, size.max(*count)));
            }
        }
        let places = missing.iter().map(|(at, size)| (ranges[*at].0, *size));
        let places: Vec<(Place, usize)> = places.collect();
        let reserved = self.extend(&places).await?;
        for (at, size) in missing {
            let (place, _, range) = &mut ranges[at];
            let (start, step) = reserved
                .get(place)
                .ok_or_else(|| unreadable("fair.lane", place.0))?;
            **range = Range {
                next: *start,
                step: *step,
                left: size,
                size,
                reserved: Some(Instant::now()),
            };
        }
        let taken = ranges.into_iter();
        Ok(taken
            .map(|(place, count, mut range)| (place, range.take(count)))
            .collect())
    }

    /// Reserves so many keys of each place; where they begin, and how far apart they are.
    async fn extend(
        &self,
        places: &[(Place, usize)],
    ) -> Result<HashMap<Place, (i64, i64)>, StoreError> {
        let mut by_row = HashMap::new();
        let (mut lanes, mut tenants, mut sizes) = (Vec::new(), Vec::new(), Vec::new());
        for (place, size) in places {
            let (lane, tenant) = *place;
            by_row.insert((lane.as_str(), tenant.as_uuid()), *place);
            lanes.push(lane.as_str().to_owned());
            tenants.push(tenant.as_uuid());
            sizes.push(i32::try_from(*size).unwrap_or(i32::MAX));
        }
        if lanes.is_empty() {
            return Ok(HashMap::new());
        }
        // In the order in which redrives reserve as well.
        let rows = sqlx::query!(
            r#"
            select w.lane as "lane!", w.tenant_id as "tenant_id!", f.start as "start!",
                   f.step as "step!"
              from (select lane, tenant_id, size
                      from unnest($1::text[], $2::uuid[], $3::integer[])
                           as w (lane, tenant_id, size)
                     order by lane, tenant_id) w
             cross join lateral fair_reserve(w.lane, w.tenant_id, w.size) f
            "#,
            &lanes,
            &tenants,
            &sizes,
        )
        .fetch_all(&self.pool)
        .await
        .map_err(refused("to reserve fair keys"))?;
        let reserved = rows.into_iter().filter_map(|row| {
            let place = by_row.get(&(row.lane.as_str(), row.tenant_id))?;
            Some((*place, (row.start, row.step)))
        });
        Ok(reserved.collect())
    }

    fn range(&self, place: Place) -> Arc<tokio::sync::Mutex<Range>> {
        let mut ranges = self.ranges.lock().unwrap_or_else(PoisonError::into_inner);
        if ranges.len() >= REMEMBERED_MAX && !ranges.contains_key(&place) {
            // One that is in use is locked, and stays.
            ranges.retain(|_, range| range.try_lock().map_or(true, |range| range.is_fresh()));
        }
        Arc::clone(ranges.entry(place).or_default())
    }
}

/// Whether a job comes to its lane by way of the timetable.
fn is_timed(job: &NewJob) -> bool {
    job.run_at.is_some() || job.ties.rate.is_some()
}
