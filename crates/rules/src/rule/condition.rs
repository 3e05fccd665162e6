//! The expression tree of a rule, and its leaves.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::metric::{Aggregate, Derived, Metric, Over};
use crate::value::Value;

/// What must hold: a leaf, or conditions under `all`, `any` or `not`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged, try_from = "Written")]
pub enum Condition {
    /// All of these.
    All {
        /// The conditions.
        #[schema(no_recursion, min_items = 1, max_items = 20)]
        all: Vec<Condition>,
    },
    /// At least one of these.
    Any {
        /// The conditions.
        #[schema(no_recursion, min_items = 1, max_items = 20)]
        any: Vec<Condition>,
    },
    /// Not this one.
    Not {
        /// The condition.
        #[schema(no_recursion)]
        not: Box<Condition>,
    },
    /// A comparison of a metric with a value.
    Leaf(Leaf),
}

/// A comparison of a metric, or of an aggregate of it, with a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Leaf {
    /// What is measured.
    pub metric: Metric,
    /// How it is compared.
    pub op: Op,
    /// With what.
    #[schema(example = "3000")]
    pub value: Value,
    /// What is made of the window's points; goes with `window_s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aggregate: Option<Aggregate>,
    /// Length of the window in seconds; goes with `aggregate`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 2_678_400, example = 3600)]
    pub window_s: Option<u32>,
    /// Where it is over again: once true, a leaf stays true for as long as `op` holds with this
    /// value in the place of `value`. Absent means `value`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2950")]
    pub clear: Option<Value>,
}

/// How a metric is compared with a value. There is no equality: whether a measured value meets one
/// exactly is chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub enum Op {
    /// Above.
    #[serde(rename = ">")]
    Above,
    /// At or above.
    #[serde(rename = ">=")]
    AtLeast,
    /// Below.
    #[serde(rename = "<")]
    Below,
    /// At or below.
    #[serde(rename = "<=")]
    AtMost,
    /// Above, once it was seen not to be: a rule that is made while the metric is above waits until
    /// it has come down and gone up again.
    #[serde(rename = "crosses_above")]
    CrossesAbove,
    /// Below, once it was seen not to be.
    #[serde(rename = "crosses_below")]
    CrossesBelow,
}

impl Op {
    /// Every op.
    pub const ALL: [Self; 6] = [
        Self::Above,
        Self::AtLeast,
        Self::Below,
        Self::AtMost,
        Self::CrossesAbove,
        Self::CrossesBelow,
    ];

    /// Whether larger values make it true.
    pub const fn is_upward(self) -> bool {
        matches!(self, Self::Above | Self::AtLeast | Self::CrossesAbove)
    }

    /// Whether it counts only once the opposite was seen.
    pub const fn is_crossing(self) -> bool {
        matches!(self, Self::CrossesAbove | Self::CrossesBelow)
    }

    /// Whether a value for which the metric is equal to the threshold counts as above it.
    pub const fn has_equal_above(self) -> bool {
        matches!(self, Self::AtLeast | Self::Below | Self::CrossesBelow)
    }
}

impl Leaf {
    /// The key of what is compared.
    pub fn derived(&self) -> Derived {
        let over = self.aggregate.zip(self.window_s);
        Derived {
            metric: self.metric.clone(),
            over: over.map(|(aggregate, window_s)| Over {
                aggregate,
                window_s,
            }),
        }
    }

    /// Where it is over again.
    pub fn cleared_at(&self) -> Value {
        self.clear.unwrap_or(self.value)
    }
}

impl Condition {
    /// The leaves, from left to right.
    pub fn leaves(&self) -> Vec<&Leaf> {
        match self {
            Self::Leaf(leaf) => vec![leaf],
            Self::Not { not } => not.leaves(),
            Self::All { all: parts } | Self::Any { any: parts } => {
                parts.iter().flat_map(Self::leaves).collect()
            }
        }
    }

    /// The leaves, from left to right, each with its place in a document that holds this condition
    /// at `at`.
    pub fn placed(&self, at: &str) -> Vec<(String, &Leaf)> {
        let mut found = Vec::new();
        place(self, at.to_owned(), &mut found);
        found
    }
}

/// Leaves and their places.
fn place<'c>(condition: &'c Condition, at: String, found: &mut Vec<(String, &'c Leaf)>) {
    let (word, parts) = match condition {
        Condition::Leaf(leaf) => return found.push((at, leaf)),
        Condition::Not { not } => return place(not, format!("{at}/not"), found),
        Condition::All { all } => ("all", all),
        Condition::Any { any } => ("any", any),
    };
    for (index, part) in parts.iter().enumerate() {
        place(part, format!("{at}/{word}/{index}"), found);
    }
}

/// A condition's keys as they may come: which belong together is told with the place.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    all: Option<Vec<Condition>>,
    any: Option<Vec<Condition>>,
    not: Option<Box<Condition>>,
    metric: Option<Metric>,
    op: Option<Op>,
    value: Option<Value>,
    aggregate: Option<Aggregate>,
    window_s: Option<u32>,
    clear: Option<Value>,
}

impl TryFrom<Written> for Condition {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let is_leaf = written.metric.is_some()
            || written.op.is_some()
            || written.value.is_some()
            || written.aggregate.is_some()
            || written.window_s.is_some()
            || written.clear.is_some();
        if is_leaf && written.all.is_none() && written.any.is_none() && written.not.is_none() {
            return written.leaf().map(Self::Leaf);
        }
        match (written.all, written.any, written.not, is_leaf) {
            (Some(all), None, None, false) => Ok(Self::All { all }),
            (None, Some(any), None, false) => Ok(Self::Any { any }),
            (None, None, Some(not), false) => Ok(Self::Not { not }),
            _ => Err("a condition is one of all, any, not, or a comparison of a metric".to_owned()),
        }
    }
}

impl Written {
    fn leaf(self) -> Result<Leaf, String> {
        let missing: Vec<&str> = [
            ("metric", self.metric.is_none()),
            ("op", self.op.is_none()),
            ("value", self.value.is_none()),
        ]
        .into_iter()
        .filter_map(|(key, is_missing)| is_missing.then_some(key))
        .collect();
        match (self.metric, self.op, self.value) {
            (Some(metric), Some(op), Some(value)) => Ok(Leaf {
                metric,
                op,
                value,
                aggregate: self.aggregate,
                window_s: self.window_s,
                clear: self.clear,
            }),
            _ => Err(format!(
                "a comparison needs a metric, an op and a value; it has no {}",
                missing.join(" and no ")
            )),
        }
    }
}
