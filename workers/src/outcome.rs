//! What a job that is done leaves behind: its result, and what follows under derived ids.

use packtrain_core::fault::{Fault, Verdict};
use packtrain_core::ids::{JobId, TenantId};
use packtrain_core::job::{Batch, Done, FollowUp, NewJob, Ties};
use packtrain_core::limits::{FOLLOW_UPS_MAX, PAYLOAD_BYTES_MAX, RESULT_BYTES_MAX};
use packtrain_core::ports::{Claimed, End, Success};
use packtrain_core::trace::TraceContext;

/// A success, with its follow-ups under derived ids; or why it cannot be written.
pub(crate) fn succeeded(job: &Claimed, done: Done) -> Result<End, Fault> {
    let size = done.result.as_ref().map(|result| result.to_string().len());
    if size.is_some_and(|bytes| bytes > RESULT_BYTES_MAX) {
        return Err(too_large("the result", RESULT_BYTES_MAX));
    }
    if done.then.len() > FOLLOW_UPS_MAX {
        return Err(too_large("the list of follow-ups", FOLLOW_UPS_MAX));
    }
    let mut then = Vec::with_capacity(done.then.len());
    for (place, follow) in done.then.into_iter().enumerate() {
        then.push(following(job, follow, &format!("then:{place}"))?);
    }
    let on_failure = done.batch.as_ref().map(Batch::on_failure);
    if let Some(batch) = done.batch {
        then.extend(members(job, batch)?);
    }
    Ok(End::Succeeded(Success {
        result: done.result,
        then,
        batch: on_failure,
        writes: done.writes,
    }))
}

/// The members of a batch, each with those that it comes after.
fn members(job: &Claimed, batch: Batch) -> Result<Vec<NewJob>, Fault> {
    let placed = batch
        .placed()
        .map_err(|error| Fault::fatal("job.batch", error))?;
    let ids: Vec<JobId> = placed
        .iter()
        .map(|member| job.id.derive(&member.role))
        .collect();
    let mut members = Vec::with_capacity(placed.len());
    for member in placed {
        let mut after: Vec<JobId> = member.after.iter().map(|place| ids[*place]).collect();
        after.sort_unstable();
        after.dedup();
        let new = following(job, member.job, &member.role)?;
        members.push(NewJob {
            ties: Ties {
                batch: Some(job.id),
                after,
                ..new.ties
            },
            ..new
        });
    }
    Ok(members)
}

/// A job that this one caused, under the id of its role.
fn following(job: &Claimed, follow: FollowUp, role: &str) -> Result<NewJob, Fault> {
    let payload = follow
        .payload
        .map_err(|error| Fault::said(Verdict::Fatal, "job.follow_up", error))?;
    if payload.to_string().len() > PAYLOAD_BYTES_MAX {
        return Err(too_large("a follow-up's payload", PAYLOAD_BYTES_MAX));
    }
    // The platform's own work leads to work on tenants' data; nobody else's leads to another's.
    let tenant = match follow.tenant {
        Some(tenant) if tenant != job.tenant && job.tenant != TenantId::SYSTEM => {
            let said = "a tenant's job cannot cause another tenant's";
            return Err(Fault::said(Verdict::Fatal, "job.follow_up", said));
        }
        tenant => tenant.unwrap_or(job.tenant),
    };
    let (id, group) = (job.id.derive(role), follow.group.as_deref());
    let trace = job.trace_parent.as_deref().and_then(TraceContext::parse);
    Ok(NewJob {
        parent: Some(job.id),
        trace_parent: trace.map(|trace| trace.of_enqueue(id).to_string()),
        ..follow.about.grouped(id, tenant, payload, group)
    })
}

fn too_large(what: &str, max: usize) -> Fault {
    let said = format!("{what} is larger than {max}");
    Fault::said(Verdict::Fatal, "job.too_large", said)
}
