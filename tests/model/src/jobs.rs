//! Jobs of a small world, and sets of them.

use std::fmt;
use std::ops::{BitAnd, BitOr, BitOrAssign, Not};

/// A job, by its place in the plan: an id that is derived.
pub type Job = u8;

/// So many jobs has a world, at most.
pub const JOBS_MAX: usize = 64;

/// A set of jobs: a table, as far as its keys go.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Jobs(pub u64);

impl Jobs {
    /// No jobs.
    pub const NONE: Self = Self(0);

    /// One job.
    pub const fn of(job: Job) -> Self {
        Self(1 << job)
    }

    /// Whether the job is among them.
    pub const fn has(self, job: Job) -> bool {
        self.0 >> job & 1 == 1
    }

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many they are.
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// Puts one in.
    pub const fn add(&mut self, job: Job) {
        self.0 |= 1 << job;
    }

    /// Takes one out; says whether it was there.
    pub const fn take(&mut self, job: Job) -> bool {
        let was = self.has(job);
        self.0 &= !(1 << job);
        was
    }

    /// Those that are not among the others.
    #[must_use]
    pub const fn less(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }
}

impl IntoIterator for Jobs {
    type Item = Job;
    type IntoIter = Iter;

    fn into_iter(self) -> Iter {
        Iter(self.0)
    }
}

/// Jobs in order.
pub struct Iter(u64);

impl Iterator for Iter {
    type Item = Job;

    fn next(&mut self) -> Option<Job> {
        if self.0 == 0 {
            return None;
        }
        let job = u8::try_from(self.0.trailing_zeros()).ok();
        self.0 &= self.0 - 1;
        job
    }
}

impl FromIterator<Job> for Jobs {
    fn from_iter<I: IntoIterator<Item = Job>>(jobs: I) -> Self {
        jobs.into_iter()
            .fold(Self::NONE, |set, job| set | Self::of(job))
    }
}

impl BitAnd for Jobs {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl BitOr for Jobs {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Jobs {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl Not for Jobs {
    type Output = Self;
    fn not(self) -> Self {
        Self(!self.0)
    }
}

impl fmt::Debug for Jobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(*self).finish()
    }
}
