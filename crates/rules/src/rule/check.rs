//! What a rule gets wrong beyond the types of its fields, each with its place.

use packtrain_core::chain::Chain;
use packtrain_core::field::FieldError;
use packtrain_core::name;

use super::{
    Condition, DEPTH_MAX, LEAVES_MAX, Leaf, NAME_CHARS_MAX, PER_DAY_MAX, REPEAT_S_MIN, Rule,
    SPAN_S_MAX, WINDOW_S_MAX,
};

impl Rule {
    /// What it gets wrong; nothing when it can be used. Thresholds have no bounds but those of
    /// their type: gas below 1 gwei and coins of a millionth of a cent are as good as others.
    pub fn check(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        self.check_name(&mut errors);
        let leaves = walk(&self.when, "/when", 1, &mut errors);
        if leaves > LEAVES_MAX {
            let detail = format!("{leaves} comparisons; a rule has at most {LEAVES_MAX}");
            errors.push(FieldError::new("/when", "too_many", detail));
        }
        self.check_times(&mut errors);
        self.check_quiet_hours(&mut errors);
        errors
    }

    fn check_name(&self, errors: &mut Vec<FieldError>) {
        if let Some((code, said)) = name::wrong(&self.name, NAME_CHARS_MAX) {
            errors.push(FieldError::new(
                "/name",
                code,
                format!("a rule's name {said}"),
            ));
        }
    }

    fn check_times(&self, errors: &mut Vec<FieldError>) {
        let no_data = self.no_data.map(|policy| policy.after_s);
        let after = self.auto_disable.and_then(|end| end.after_firings);
        for (place, number, least, most) in [
            ("/for_s", Some(self.for_s), 0, SPAN_S_MAX),
            ("/cooldown_s", Some(self.cooldown_s), 0, SPAN_S_MAX),
            ("/max_per_day", self.max_per_day, 1, PER_DAY_MAX),
            (
                "/repeat_every_s",
                self.repeat_every_s,
                REPEAT_S_MIN,
                SPAN_S_MAX,
            ),
            ("/no_data/after_s", no_data, 1, SPAN_S_MAX),
            ("/auto_disable/after_firings", after, 1, u32::MAX),
        ] {
            if let Some(number) = number {
                within(place, number, least, most, errors);
            }
        }
        if self
            .auto_disable
            .is_some_and(|end| after.is_none() && end.at.is_none())
        {
            let detail = "say after_firings, at, or both";
            errors.push(FieldError::new("/auto_disable", "empty", detail));
        }
    }

    fn check_quiet_hours(&self, errors: &mut Vec<FieldError>) {
        let Some(quiet) = &self.quiet_hours else {
            return;
        };
        if quiet.from == quiet.to {
            let detail = "quiet hours that end when they begin; a rule can be snoozed instead";
            errors.push(FieldError::new("/quiet_hours/to", "empty", detail));
        }
        if let Some(days) = &quiet.days {
            if days.is_empty() {
                let detail = "no day; leave days out for every day";
                errors.push(FieldError::new("/quiet_hours/days", "empty", detail));
            }
            for (at, day) in days.iter().enumerate() {
                if days[..at].contains(day) {
                    let place = format!("/quiet_hours/days/{at}");
                    errors.push(FieldError::new(
                        place,
                        "twice",
                        "the day stands there before",
                    ));
                }
            }
        }
    }
}

fn within(place: &str, number: u32, least: u32, most: u32, errors: &mut Vec<FieldError>) {
    if !(least..=most).contains(&number) {
        let detail = format!("{number} is not from {least} to {most}");
        errors.push(FieldError::new(place, "out_of_range", detail));
    }
}

/// Checks a condition and what is below it, and counts its leaves. Goes no deeper than is allowed.
fn walk(condition: &Condition, place: &str, depth: usize, errors: &mut Vec<FieldError>) -> usize {
    if depth > DEPTH_MAX {
        let detail = format!("more than {DEPTH_MAX} conditions below one another");
        errors.push(FieldError::new(place, "too_deep", detail));
        return 0;
    }
    let (word, parts) = match condition {
        Condition::All { all } => ("all", all),
        Condition::Any { any } => ("any", any),
        Condition::Not { not } => return walk(not, &format!("{place}/not"), depth + 1, errors),
        Condition::Leaf(leaf) => {
            check_leaf(leaf, place, errors);
            return 1;
        }
    };
    if parts.is_empty() {
        let detail = format!("{word} of nothing; name at least one condition");
        errors.push(FieldError::new(format!("{place}/{word}"), "empty", detail));
    }
    let parts = parts.iter().enumerate();
    parts
        .map(|(at, part)| walk(part, &format!("{place}/{word}/{at}"), depth + 1, errors))
        .sum()
}

fn check_leaf(leaf: &Leaf, place: &str, errors: &mut Vec<FieldError>) {
    let mut wrong = |key: &str, code, detail: String| {
        errors.push(FieldError::new(format!("{place}/{key}"), code, detail));
    };
    match (leaf.aggregate, leaf.window_s) {
        (Some(_), None) => wrong("aggregate", "needs_window", "say window_s too".into()),
        (None, Some(_)) => wrong("window_s", "needs_aggregate", "say aggregate too".into()),
        (Some(_), Some(window_s)) if !(1..=WINDOW_S_MAX).contains(&window_s) => {
            let detail = format!("{window_s} is not from 1 to {WINDOW_S_MAX}");
            wrong("window_s", "out_of_range", detail);
        }
        _ => {}
    }
    if let Some(id) = leaf.metric.chain()
        && id.parse::<Chain>().is_err()
    {
        let known = Chain::ALL.map(|chain| format!("{} ({chain})", chain.id()));
        let known = known.join(", ");
        let detail = format!("no chain {id} is known; known: {known}");
        wrong("metric", "unknown_chain", detail);
    }
    if let Some(clear) = leaf.clear {
        let value = leaf.value;
        if leaf.op.is_upward() && clear > value {
            let detail = format!("{clear} is above the value {value} at which it begins");
            wrong("clear", "wrong_side", detail);
        } else if !leaf.op.is_upward() && clear < value {
            let detail = format!("{clear} is below the value {value} at which it begins");
            wrong("clear", "wrong_side", detail);
        }
    }
}
