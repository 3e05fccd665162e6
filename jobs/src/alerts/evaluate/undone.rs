//! What was told and does not hold any more: a reorganisation of a chain took it along. Pure.

use packtrain_core::ids::JobId;
use packtrain_core::ports::{Happened, Stands, Step, Undone};
use packtrain_core::time::Timestamp;
use serde_json::{Value, json};
use tracing::error;

use super::Evaluate;
use super::round::Outcome;
use crate::alerts::standing::Standing;
use crate::alerts::tell::Message;

/// Who says the rest of what a job took back; nobody where these are all.
pub(super) fn rest(tick: JobId, told: &[Undone], limit: u32) -> Option<Evaluate> {
    let last = told.last().filter(|_| told.len() >= limit as usize)?;
    Some(Evaluate {
        after: Some((last.rule.id, last.told.seq)),
        ..Evaluate::undone_by(tick)
    })
}

/// Of each rule what is said of it now. It stands as it did, but for the count of what happened to
/// it; by the time it is looked at again it has its time to wake back.
pub(super) fn outcomes(told: Vec<Undone>, now: Timestamp) -> Vec<Outcome> {
    let of_rules = told.chunk_by(|one, next| one.rule.id == next.rule.id);
    of_rules.filter_map(|steps| outcome(steps, now)).collect()
}

fn outcome(steps: &[Undone], now: Timestamp) -> Option<Outcome> {
    let rule = &steps.first()?.rule;
    let Ok(mut standing) = serde_json::from_value::<Standing>(rule.state.clone()) else {
        error!(rule.id = %rule.id, "how a rule stands cannot be read");
        return None;
    };
    let (mut happened, mut messages) = (Vec::new(), Vec::new());
    for undone in steps {
        let seq = standing.count();
        let word = |name: &str| rule.rule[name].as_str().unwrap_or_default().to_owned();
        happened.push(Happened {
            tenant: rule.tenant,
            rule: rule.id,
            version: rule.version,
            incident: undone.incident,
            name: word("name"),
            severity: word("severity"),
            step: Step {
                seq,
                what: "told".to_owned(),
                at: now,
                facts: facts(&undone.told),
            },
        });
        messages.extend(rule.endpoints.iter().map(|endpoint| Message {
            tenant: rule.tenant,
            rule: rule.id,
            seq,
            version: Some(rule.version),
            incident: undone.incident,
            endpoint: *endpoint,
        }));
    }
    let stands = Stands {
        rule: rule.id,
        version: rule.version,
        is_silent: standing.machine.is_silent(),
        is_ended: standing.machine.ended().is_some(),
        state: serde_json::to_value(&standing).ok()?,
        wake_at: Some(now),
        snoozed_until: rule.snoozed_until,
        is_evaluated: false,
    };
    Some(Outcome {
        stands,
        happened,
        messages,
    })
}

/// What was told, as something that is undone.
fn facts(told: &Step) -> Value {
    let mut facts = told.facts.clone();
    if let Some(facts) = facts.as_object_mut() {
        facts.insert("why".to_owned(), json!("retracted"));
        facts.insert("told".to_owned(), json!({ "seq": told.seq, "at": told.at }));
    }
    facts
}

#[cfg(test)]
mod tests {
    use packtrain_core::ids::{EndpointId, IncidentId, RuleId, TenantId};
    use packtrain_core::ports::Watched;
    use uuid::Uuid;

    use super::*;

    fn undone(rule: u128, seq: u32, state: Value) -> Undone {
        let at = Timestamp::UNIX_EPOCH;
        Undone {
            rule: Watched {
                id: RuleId::from_uuid(Uuid::from_u128(rule)),
                tenant: TenantId::from_uuid(Uuid::from_u128(1)),
                version: 3,
                rule: json!({ "name": "mine", "severity": "critical" }),
                endpoints: [4, 5]
                    .map(|id| EndpointId::from_uuid(Uuid::from_u128(id)))
                    .to_vec(),
                state,
                snoozed_until: None,
                is_broken: false,
            },
            incident: IncidentId::from_uuid(Uuid::from_u128(9)),
            told: Step {
                seq,
                what: "told".to_owned(),
                at,
                facts: json!({ "why": "fired", "readings": [] }),
            },
        }
    }

    #[test]
    fn everything_that_was_told_of_a_rule_is_taken_back_under_places_of_its_own() {
        let mut standing = Standing::new(Timestamp::UNIX_EPOCH);
        standing.steps = 7;
        let state = serde_json::to_value(&standing).unwrap();
        let told = vec![
            undone(1, 2, state.clone()),
            undone(1, 6, state.clone()),
            undone(2, 1, json!("of a later release")),
            undone(3, 2, state),
        ];
        let mut found = super::super::round::Found::default();
        for outcome in outcomes(told, Timestamp::UNIX_EPOCH) {
            found.add(Ok(outcome));
        }
        let places: Vec<u32> = found.happened.iter().map(|it| it.step.seq).collect();
        assert_eq!(places, [8, 9, 8]);
        let first = &found.happened[0].step;
        assert_eq!(
            (&first.facts["why"], &first.facts["told"]["seq"]),
            (&json!("retracted"), &json!(2))
        );
        assert_eq!(found.messages.len(), 6, "two endpoints each");
        let counted: Vec<&Value> = found.states.iter().map(|it| &it.state["steps"]).collect();
        assert_eq!(counted, [&json!(9), &json!(8)]);
        assert!(
            found
                .states
                .iter()
                .all(|it| it.wake_at.is_some() && it.version == 3)
        );
    }

    #[test]
    fn what_one_job_does_not_say_the_next_one_does_from_there_on() {
        let told = [undone(1, 2, json!({})), undone(1, 6, json!({}))];
        let tick = JobId::from_uuid(Uuid::from_u128(7));
        assert!(rest(tick, &told, 3).is_none() && rest(tick, &[], 3).is_none());
        let rest = rest(tick, &told, 2).unwrap();
        assert_eq!(rest.after, Some((told[0].rule.id, 6)));
        assert!(rest.undone && rest.tick == Some(tick));
    }
}
