//! What holds a job back besides time: gates, rates, and jobs that must end before it.

use std::sync::Arc;
use std::time::Duration;

use crate::ids::{JobId, TenantId};
use crate::limits::FAN_OUT_MAX;

use super::{FollowUp, Job};

/// What bounds how many jobs of a kind are in play at once: due, running, or waiting to be tried
/// again. The others wait behind the gate, in the order in which they were asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Nothing does.
    Open,
    /// So many jobs of the kind for each tenant.
    Tenant {
        /// Jobs in play, at most.
        max: u16,
    },
    /// One job of each [group](super::Job::group) at a time: a group runs in order.
    Group {
        /// Whether a dead letter keeps those behind it waiting until a person decides.
        holds_dead: bool,
    },
}

/// How often jobs may begin, whatever they are and whoever asked: for an outside service that
/// counts requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// What the jobs share, such as the service's name; kinds may share a class.
    pub class: &'static str,
    /// The time between two beginnings.
    pub every: Duration,
    /// How many may begin at once after a rest.
    pub burst: u16,
}

/// The gate of one job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entrance {
    /// The gate, by its name in the whole store; it begins with the tenant.
    pub key: Arc<str>,
    /// Jobs in play, at most.
    pub max: u16,
    /// Whether a dead letter keeps its place.
    pub holds_dead: bool,
}

impl Entrance {
    /// The gate of a job of `kind`, if it has one; `group` is what the payload says.
    pub fn of(gate: Gate, kind: &str, tenant: TenantId, group: Option<&str>) -> Option<Self> {
        let tenant = tenant.as_uuid().simple();
        let (key, max, holds_dead) = match (gate, group) {
            (Gate::Open, _) | (Gate::Group { .. }, None) => return None,
            (Gate::Tenant { max }, _) => (format!("{tenant}:{kind}"), max, false),
            (Gate::Group { holds_dead }, Some(group)) => {
                (format!("{tenant}:{kind}:{group}"), 1, holds_dead)
            }
        };
        Some(Self {
            key: key.into(),
            max,
            holds_dead,
        })
    }
}

/// What holds one job back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ties {
    /// Its gate.
    pub gate: Option<Entrance>,
    /// Its class of rate.
    pub rate: Option<Arc<str>>,
    /// The job that made the batch that it is a member of.
    pub batch: Option<JobId>,
    /// Members of the batch that must end before it.
    pub after: Vec<JobId>,
}

impl Ties {
    /// Whether anything holds the job back at all; most jobs have nothing and pay nothing for it.
    pub const fn are_none(&self) -> bool {
        self.gate.is_none() && self.rate.is_none() && self.batch.is_none()
    }
}

/// What others wait for when a claimed job ends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bound {
    /// The gate in which it is in play.
    pub gate: Option<Arc<str>>,
    /// The job that made its batch.
    pub batch: Option<JobId>,
}

impl Bound {
    /// Whether nobody waits.
    pub const fn is_none(&self) -> bool {
        self.gate.is_none() && self.batch.is_none()
    }
}

/// What the failure of one member of a batch means for the others.
///
/// A member fails when it is dead, cancelled, discarded or expired.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// Those that come after a dead letter wait for a person. If it is redriven they go on; if it
    /// is given up, they are cancelled.
    #[default]
    Hold,
    /// Every member that has not ended is cancelled.
    Stop,
    /// Those that come after it run all the same.
    Proceed,
}

impl OnFailure {
    /// The word in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Stop => "stop",
            Self::Proceed => "proceed",
        }
    }
}

/// Jobs that a job splits into, which of them come after which, and what follows all of them.
#[derive(Debug, Default)]
pub struct Batch {
    pub(crate) members: Vec<(FollowUp, Vec<Member>)>,
    pub(crate) then: Option<FollowUp>,
    pub(crate) on_failure: OnFailure,
}

/// A member of a batch, to be named by later ones.
///
/// Only members that were added before can be named: a batch has no rings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member(usize);

/// Why a batch cannot be enqueued.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// It has too many members.
    #[error("a batch of {0} members; at most {FAN_OUT_MAX}")]
    TooLarge(usize),
    /// A member names one that was not added before it.
    #[error("member {member} comes after member {after}, which this batch did not add before it")]
    Foreign {
        /// Which member, from 0.
        member: usize,
        /// What it names.
        after: usize,
    },
}

/// A member with the places of those that it comes after, and its role in the batch.
pub struct Placed {
    /// Names the member for its derived id.
    pub role: String,
    /// The job.
    pub job: FollowUp,
    /// Places of the members that must end before it.
    pub after: Vec<usize>,
}

impl Batch {
    /// An empty batch.
    pub fn new(on_failure: OnFailure) -> Self {
        Self {
            on_failure,
            ..Self::default()
        }
    }

    /// Adds a job that runs when the members in `after` have ended; at once, if there are none.
    pub fn add<J: Job>(&mut self, job: J, after: &[Member]) -> Member {
        self.members.push((FollowUp::of(job), after.to_vec()));
        Member(self.members.len() - 1)
    }

    /// Adds the job that runs when all members have ended.
    #[must_use]
    pub fn then<J: Job>(mut self, job: J) -> Self {
        self.then = Some(FollowUp::of(job));
        self
    }

    /// What the failure of a member means.
    pub const fn on_failure(&self) -> OnFailure {
        self.on_failure
    }

    /// The members in order, and behind them what follows all of them.
    ///
    /// # Errors
    /// [`BatchError`] when there are too many, or one comes after a member of another batch.
    pub fn placed(self) -> Result<Vec<Placed>, BatchError> {
        let count = self.members.len();
        if count > FAN_OUT_MAX {
            return Err(BatchError::TooLarge(count));
        }
        let mut placed = Vec::with_capacity(count + 1);
        for (member, (job, after)) in self.members.into_iter().enumerate() {
            let after: Vec<usize> = after.into_iter().map(|Member(place)| place).collect();
            if let Some(&after) = after.iter().find(|after| **after >= member) {
                return Err(BatchError::Foreign { member, after });
            }
            placed.push(Placed {
                role: format!("member:{member}"),
                job,
                after,
            });
        }
        placed.extend(self.then.map(|job| Placed {
            role: "batch:then".to_owned(),
            job,
            after: (0..count).collect(),
        }));
        Ok(placed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::TenantId;

    #[test]
    fn a_gate_is_named_by_tenant_kind_and_group() {
        let of = |gate, group| Entrance::of(gate, "alerts.deliver", TenantId::SYSTEM, group);
        let group = Gate::Group { holds_dead: true };
        assert_eq!(of(Gate::Open, Some("rule")), None);
        assert_eq!(of(group, None), None, "a job of no group is not held back");
        let tenant = TenantId::SYSTEM.as_uuid().simple().to_string();
        let entrance = of(group, Some("rule")).unwrap();
        assert_eq!(&*entrance.key, format!("{tenant}:alerts.deliver:rule"));
        assert_eq!((entrance.max, entrance.holds_dead), (1, true));
        let entrance = of(Gate::Tenant { max: 4 }, None).unwrap();
        assert_eq!(&*entrance.key, format!("{tenant}:alerts.deliver"));
        assert_eq!((entrance.max, entrance.holds_dead), (4, false));
    }
}
