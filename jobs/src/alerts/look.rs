//! What a look at a source came to, for kinds that observe what rules watch.

use std::collections::BTreeMap;

use packtrain_core::job::{Ctx, Done, FollowUp};
use packtrain_core::ports::{Point, Write};
use serde_json::json;

use super::evaluate::Evaluate;

/// Names that a result has of each sort.
const NAMED_MAX: usize = 20;

/// What a look came to.
#[derive(Default)]
pub(crate) struct Look {
    /// What may be observed.
    pub(crate) points: Vec<Point>,
    /// Requests that failed.
    pub(crate) failures: usize,
    /// What went wrong with the last of them.
    why: Option<String>,
    /// What may not be observed, by the reason.
    unseen: BTreeMap<&'static str, Vec<String>>,
}

impl Look {
    /// Leaves a thing out for a reason, which is a word of the result.
    pub(crate) fn leave_out(&mut self, why: &'static str, name: &str) {
        self.unseen.entry(why).or_default().push(name.to_owned());
    }

    /// Notes that a request failed.
    pub(crate) fn missed(&mut self, why: String) {
        self.failures += 1;
        self.why = Some(why);
    }

    /// The rules that watch such things are evaluated with what was observed. `things` is what they
    /// are called, and `is_cut` whether more are watched than were wanted.
    pub(crate) fn done(self, ctx: &Ctx, things: &str, wanted: usize, is_cut: bool) -> Done {
        let mut result = json!({ "wanted": wanted, "observed": self.points.len() });
        for (why, names) in &self.unseen {
            let some: Vec<&String> = names.iter().take(NAMED_MAX).collect();
            result[*why] = json!({ "count": names.len(), things: some });
        }
        if let Some(why) = self.why {
            result["missed"] = why.into();
        }
        if is_cut {
            result["cut"] = true.into();
        }
        observe(ctx, self.points, Done::with(result))
    }
}

/// An end with which these points are written, if there are any, and the rules that watch them are
/// evaluated.
pub(crate) fn observe(ctx: &Ctx, points: Vec<Point>, mut done: Done) -> Done {
    if !points.is_empty() {
        done.then.push(FollowUp::of(Evaluate::of(ctx.job)));
        done.writes.push(Write::Observed(points));
    }
    done
}
