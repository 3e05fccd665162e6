//! How many may follow, and how much: of one tenant, and in all.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use packtrain_core::ids::TenantId;

/// Clients that are connected to a process over sockets.
const SOCKETS_MAX: usize = 16_384;
/// Those of one tenant.
const SOCKETS_PER_TENANT_MAX: usize = 256;
/// Clients that are told over server-sent events: each holds one of the connections that the
/// process has for requests.
const EVENTS_MAX: usize = 512;
/// Those of one tenant.
const EVENTS_PER_TENANT_MAX: usize = 16;
/// Streams that clients follow, each counted for each client.
const FOLLOWED_MAX: usize = 65_536;
/// Those of one tenant's clients.
const FOLLOWED_PER_TENANT_MAX: usize = 2_048;
/// Those that are of jobs: each is looked at by itself.
const JOBS_MAX: usize = 512;
/// Those of one tenant's clients.
const JOBS_PER_TENANT_MAX: usize = 32;

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    /// A client over a socket.
    Socket,
    /// A client over server-sent events.
    Events,
    /// A stream that a client follows.
    Followed,
    /// One that is of a job.
    Job,
}

impl Sort {
    const ALL: [Self; 4] = [Self::Socket, Self::Events, Self::Followed, Self::Job];

    /// Of one tenant, and in all.
    const fn limits(self) -> (usize, usize) {
        match self {
            Self::Socket => (SOCKETS_PER_TENANT_MAX, SOCKETS_MAX),
            Self::Events => (EVENTS_PER_TENANT_MAX, EVENTS_MAX),
            Self::Followed => (FOLLOWED_PER_TENANT_MAX, FOLLOWED_MAX),
            Self::Job => (JOBS_PER_TENANT_MAX, JOBS_MAX),
        }
    }
}

/// Places that are taken, by sort.
type Taken = [usize; Sort::ALL.len()];

/// Counts places.
#[derive(Clone, Default)]
pub(super) struct Places(Arc<Mutex<Counts>>);

#[derive(Default)]
struct Counts {
    all: Taken,
    own: BTreeMap<TenantId, Taken>,
}

impl Places {
    /// A place; none where there are too many.
    pub(super) fn take(&self, tenant: TenantId, sort: Sort) -> Option<Place> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = counts.own.get(&tenant).copied().unwrap_or_default();
        let (own_max, all_max) = sort.limits();
        let at = sort as usize;
        if own[at] >= own_max || counts.all[at] >= all_max {
            return None;
        }
        counts.all[at] += 1;
        counts.own.entry(tenant).or_default()[at] += 1;
        drop(counts);
        Some(Place {
            places: self.clone(),
            tenant,
            sort,
        })
    }

    /// Clients that are connected.
    pub(super) fn clients(&self) -> usize {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.all[Sort::Socket as usize] + counts.all[Sort::Events as usize]
    }
}

/// A place that is free again when this is dropped.
pub(super) struct Place {
    places: Places,
    tenant: TenantId,
    sort: Sort,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = self.sort as usize;
        counts.all[at] -= 1;
        if let Some(own) = counts.own.get_mut(&self.tenant) {
            own[at] -= 1;
            if own.iter().all(|taken| *taken == 0) {
                counts.own.remove(&self.tenant);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(number: usize) -> TenantId {
        format!("ten_{number:032}").parse().unwrap()
    }

    #[test]
    fn places_are_limited_for_one_tenant_and_for_all_and_are_free_again() {
        for sort in Sort::ALL {
            let places = Places::default();
            let (own_max, all_max) = sort.limits();
            let take = |number| places.take(tenant(number), sort);
            let mut taken: Vec<_> = (0..own_max).map_while(|_| take(0)).collect();
            assert_eq!(taken.len(), own_max, "{sort:?}");
            assert!(take(0).is_none(), "{sort:?}");
            taken.pop();
            taken.extend(take(0));
            let others = (own_max..all_max).map_while(|at| take(at / own_max));
            taken.extend(others);
            assert_eq!(taken.len(), all_max, "{sort:?}");
            assert!(take(usize::MAX).is_none(), "{sort:?}");
            drop(taken);
            assert!(places.0.lock().unwrap().own.is_empty(), "{sort:?}");
            assert_eq!(places.clients(), 0);
        }
    }
}
