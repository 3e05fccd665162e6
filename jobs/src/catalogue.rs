//! Every job kind, one line each.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use packtrain_core::fault::Fault;
use packtrain_core::field::{self, FieldError};
use packtrain_core::ids::{JobId, TenantId};
use packtrain_core::job::{About, Ctx, Done, Gate, Job, NewJob};
use packtrain_core::schedule::Planned;
use serde_json::Value;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::{alerts, analytics, chain, gas, ops, prices, tax};

/// Every kind that this binary runs.
pub const KINDS: &[Entry] = &[
    entry::<alerts::backtest::Backtest>(),
    entry::<alerts::deliver::Deliver>(),
    entry::<alerts::digest::Digest>(),
    entry::<alerts::evaluate::Evaluate>(),
    entry::<alerts::probe::Probe>(),
    entry::<alerts::seal::Seal>(),
    entry::<alerts::summarize::Summarize>(),
    entry::<alerts::tell::Tell>(),
    entry::<alerts::verify::Verify>(),
    entry::<alerts::warn::Warn>(),
    entry::<analytics::anomaly::Anomaly>(),
    entry::<analytics::ingest::Ingest>(),
    entry::<analytics::parity::Parity>(),
    entry::<analytics::quantity::Quantity>(),
    entry::<analytics::rollup::Rollup>(),
    entry::<chain::scan::Scan>(),
    entry::<gas::forecast::Forecast>(),
    entry::<gas::rollup::Rollup>(),
    entry::<gas::score::Score>(),
    entry::<gas::snapshot::Snapshot>(),
    entry::<ops::bulk::Bulk>(),
    entry::<ops::canary::Canary>(),
    entry::<ops::keep_warm::KeepWarm>(),
    entry::<ops::observe::Observe>(),
    entry::<ops::prune::Prune>(),
    entry::<prices::observe::Observe>(),
    entry::<tax::compare::Compare>(),
    entry::<tax::import::Import>(),
    entry::<tax::report::Report>(),
];

/// A kind without its type: what API, CLI and workers need of it.
#[derive(Clone, Copy)]
pub struct Entry {
    /// Name, lane, limits.
    pub about: About,
    /// Whether a payload can be run; says where it is wrong.
    pub check: fn(&Value) -> Result<(), PayloadError>,
    /// The payload's schema and those that it refers to, by name.
    pub schemas: fn() -> Schemas,
    /// The group of a payload, for kinds that run groups in order.
    pub group: fn(&Value) -> Option<String>,
    /// Decodes a payload and does the work.
    pub run: fn(Value, Arc<Ctx>) -> Running,
}

impl Entry {
    /// A job of this kind, to be enqueued.
    pub fn job(&self, id: JobId, tenant: TenantId, payload: Value) -> NewJob {
        let group = match self.about.gate {
            Gate::Group { .. } => (self.group)(&payload),
            Gate::Open | Gate::Tenant { .. } => None,
        };
        self.about.grouped(id, tenant, payload, group.as_deref())
    }
}

/// A job at work.
pub type Running = Pin<Box<dyn Future<Output = Result<Done, Fault>> + Send>>;

/// A payload's schema, and those that it refers to.
pub struct Schemas {
    /// The name of the payload's own schema.
    pub name: String,
    /// The payload's own schema.
    pub payload: RefOr<Schema>,
    /// What it refers to, by name.
    pub referred: Vec<(String, RefOr<Schema>)>,
}

/// A payload that cannot be run.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the payload does not fit {kind}: {}", places(errors))]
pub struct PayloadError {
    /// The kind.
    pub kind: &'static str,
    /// What is wrong where; never empty.
    pub errors: Vec<FieldError>,
}

fn places(errors: &[FieldError]) -> String {
    let said = errors.iter().map(ToString::to_string);
    said.collect::<Vec<_>>().join("; ")
}

/// The schedules of all kinds that come by themselves.
pub fn planned() -> impl Iterator<Item = Planned> {
    KINDS.iter().filter_map(|entry| {
        let About { kind, every, .. } = entry.about;
        every.map(|every| Planned::of(kind, every))
    })
}

/// The entry of a kind by its name.
pub fn find(kind: &str) -> Option<&'static Entry> {
    KINDS.iter().find(|entry| entry.about.kind.as_str() == kind)
}

/// The entry of a kind.
pub const fn entry<J: Job + ToSchema>() -> Entry {
    Entry {
        about: About::of::<J>(),
        check: check::<J>,
        schemas: schemas::<J>,
        group: group::<J>,
        run: run::<J>,
    }
}

fn decode<J: Job>(payload: &Value) -> Result<J, PayloadError> {
    let refused = |errors| PayloadError {
        kind: J::KIND.as_str(),
        errors,
    };
    let job: J = field::read(payload).map_err(|misread| refused(misread.and(J::check)))?;
    match job.check() {
        errors if errors.is_empty() => Ok(job),
        errors => Err(refused(errors)),
    }
}

fn check<J: Job>(payload: &Value) -> Result<(), PayloadError> {
    decode::<J>(payload).map(drop)
}

fn group<J: Job>(payload: &Value) -> Option<String> {
    decode::<J>(payload).ok()?.group()
}

fn schemas<J: Job + ToSchema>() -> Schemas {
    let mut referred = Vec::new();
    J::schemas(&mut referred);
    Schemas {
        name: J::name().into_owned(),
        payload: <J as PartialSchema>::schema(),
        referred,
    }
}

fn run<J: Job>(payload: Value, ctx: Arc<Ctx>) -> Running {
    Box::pin(async move {
        let job = decode::<J>(&payload).map_err(|error| Fault::fatal("job.payload", error))?;
        let done = job.run(&ctx).await?;
        ctx.leave_stage().await?;
        Ok(done)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use packtrain_core::cron::Cron;
    use packtrain_core::limits::ATTEMPTS_MAX;

    use super::*;

    #[test]
    fn every_kind_has_a_name_of_its_own_and_keeps_within_the_limits() {
        let names: HashSet<_> = KINDS.iter().map(|entry| entry.about.kind).collect();
        assert_eq!(names.len(), KINDS.len());
        for entry in KINDS {
            assert!(
                (1..=ATTEMPTS_MAX).contains(&entry.about.attempts_max),
                "{}",
                entry.about.kind
            );
            assert_eq!(find(entry.about.kind.as_str()).unwrap().about, entry.about);
        }
    }

    #[test]
    fn a_kind_that_comes_by_itself_decodes_from_nothing_and_its_cron_text_can_be_read() {
        let mut planned = 0;
        for plan in super::planned() {
            let entry = find(plan.kind.as_str()).unwrap();
            (entry.check)(&serde_json::json!({})).unwrap();
            Cron::parse(plan.every.cron, plan.every.zone).unwrap();
            planned += 1;
        }
        assert!(planned > 0);
    }

    #[test]
    fn a_payload_that_does_not_decode_names_its_kind_and_the_place() {
        let entry = find("tax.import").unwrap();
        let error = (entry.check)(&serde_json::json!({"file": 7})).unwrap_err();
        let said = error.to_string();
        assert!(
            said.starts_with("the payload does not fit tax.import: /file: This is the number 7"),
            "{said}"
        );
    }
}
