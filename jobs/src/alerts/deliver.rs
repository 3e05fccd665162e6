//! Tells one endpoint what happened to a rule.

use std::time::Duration;

use packtrain_core::fault::Fault;
use packtrain_core::ids::{EndpointId, IncidentId, RuleId};
use packtrain_core::job::{Ctx, Done, Gate, Job, Kind, Lane};
use packtrain_core::ports::{
    EndpointRecord, Gathered, IncidentRecord, StepPlace, Try, WordingError, Write,
};
use packtrain_rules::digest::{Critical, Digest};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::sending::{ATTEMPTS_MAX, kept, send, skipped, untold};
use super::words;

/// Letters of why somebody's own words failed.
const FAILED_LETTERS_MAX: usize = 500;

/// Tells one endpoint what happened to a rule. Messages of one rule to one endpoint go out one
/// after the other, in the order in which things happened.
///
/// A second run sends the same message under the same key, by which receivers tell repetitions.
/// What was tried is kept each time; a delivery to an endpoint that is well is kept with the end of
/// the job, so that one whose worker is lost before that is kept when it is repeated.
///
/// Where the endpoint has digests, nothing is sent: the message is written down for the next one
/// with the end of the job. It is this job that does so, and not the evaluation, since evaluations
/// are for all tenants at once and endpoints are read in their tenant's name alone.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AlertsDeliver)]
pub struct Deliver {
    /// The rule.
    pub rule: RuleId,
    /// The place of what is told among everything that happened to it.
    pub seq: u32,
    /// The version of the rule that was evaluated: what another one has in this place has a message
    /// of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i32>,
    /// The incident that it belongs to.
    pub incident: IncidentId,
    /// Who is told.
    pub endpoint: EndpointId,
}

impl Job for Deliver {
    const KIND: Kind = Kind::new("alerts.deliver");
    // A worker of before refuses the version, which it does not know.
    const SCHEMA: u16 = 2;
    const LANE: Lane = Lane::Notify;
    const ATTEMPTS_MAX: u16 = ATTEMPTS_MAX;
    const TIME_LIMIT: Duration = Duration::from_secs(60);
    const LONG: bool = false;
    // One that nobody takes must not keep the later ones back for ever.
    const GATE: Gate = Gate::Group { holds_dead: false };

    fn group(&self) -> Option<String> {
        Some(format!("{}:{}", self.rule, self.endpoint))
    }

    async fn run(self, ctx: &Ctx) -> Result<Done, Fault> {
        let endpoints = &ctx.world.endpoints;
        let place = StepPlace {
            rule: self.rule,
            seq: self.seq,
            version: self.version,
        };
        let found = endpoints.told(ctx.tenant, self.endpoint, place).await?;
        let Some(found) = found else {
            return Ok(skipped("the endpoint was taken away"));
        };
        let record = found.endpoint;
        if record.disabled_at.is_some() {
            return Ok(skipped("the endpoint is disabled"));
        }
        // Nothing was written of a rule that was changed while it was evaluated.
        let step = found
            .step
            .filter(|(incident, _)| incident.id == self.incident);
        let Some((incident, step)) = step else {
            return Ok(skipped("the rule was changed meanwhile"));
        };
        if record.unverified_since.is_some() {
            return Ok(untold(ctx, self.endpoint, Some((self.rule, self.seq))));
        }
        if is_gathered(&record, &incident) {
            return Ok(self.gathered());
        }
        let link = ctx.world.wording.link(incident.id);
        let (notice, zone) = words::notice(&incident, &step, link);
        let own = found.words.as_ref();
        let failed = own.and_then(|own| ctx.world.wording.unsaid(&notice, zone, own));
        let sent = send(ctx, &record, &notice, zone, own).await?;
        let tried = Try {
            words_failed: failed.map(|error| said(&error)),
            ..sent.tried(ctx, self.endpoint, Some((self.rule, self.seq)))
        };
        kept(ctx, &record, &sent, tried, step.at).await
    }
}

impl Deliver {
    /// It is told with the next digest, of which it is a part once this job has ended.
    fn gathered(&self) -> Done {
        let entry = Gathered {
            rule: self.rule,
            seq: self.seq,
            endpoint: self.endpoint,
        };
        Done {
            writes: vec![Write::Gathered(entry)],
            ..Done::with(json!({ "gathered": true }))
        }
    }
}

/// Why somebody's own words failed, for their owner.
fn said(error: &WordingError) -> String {
    let said = format!("{}, {error}", error.part.as_str());
    said.chars().take(FAILED_LETTERS_MAX).collect()
}

/// Whether what happened is told with others. A digest that this release cannot read holds nothing
/// back.
fn is_gathered(record: &EndpointRecord, incident: &IncidentRecord) -> bool {
    let digest = record.digest.clone();
    let digest = digest.and_then(|digest| serde_json::from_value::<Digest>(digest).ok());
    digest.is_some_and(|digest| {
        incident.severity != "critical" || digest.critical == Critical::Gathered
    })
}
