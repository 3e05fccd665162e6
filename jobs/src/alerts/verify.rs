//! Sends an endpoint the code by which its owner proves that he wants it.

use std::time::Duration;

use packtrain_core::fault::Fault;
use packtrain_core::ids::EndpointId;
use packtrain_core::job::{Ctx, Done, Job, Kind, Lane};
use packtrain_core::ports::{ChannelKind, DeliveryOutcome, Notice, Try};
use packtrain_core::proof::Code;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::sending::{ATTEMPTS_MAX, Sent, ZONE, kept, send, skipped};

/// Sends an endpoint a new code. Whoever gives it to the API proves that he reads what is sent
/// there; a receiver of webhooks may answer with it instead.
///
/// The code is made when it is sent, and its hash alone is kept, so it stands in no payload. A
/// second run sends another code under the same key, and both hold: the first may have arrived.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AlertsVerify)]
pub struct Verify {
    /// Who is asked.
    pub endpoint: EndpointId,
}

impl Job for Verify {
    const KIND: Kind = Kind::new("alerts.verify");
    const LANE: Lane = Lane::Notify;
    const ATTEMPTS_MAX: u16 = ATTEMPTS_MAX;
    const TIME_LIMIT: Duration = Duration::from_secs(60);
    const LONG: bool = false;

    async fn run(self, ctx: &Ctx) -> Result<Done, Fault> {
        let endpoints = &ctx.world.endpoints;
        let Some(record) = endpoints.find(ctx.tenant, self.endpoint).await? else {
            return Ok(skipped("the endpoint was taken away"));
        };
        if record.disabled_at.is_some() {
            return Ok(skipped("the endpoint is disabled"));
        }
        let code = Code::new(ctx.ids.random());
        let hash = code.hash(self.endpoint);
        let is_first = ctx.attempt == 1;
        let asked = endpoints.challenge(ctx.tenant, &record, &hash, is_first);
        if !asked.await? {
            return Ok(skipped("nothing is to be proved"));
        }
        let notice = Notice::Verify {
            endpoint: self.endpoint,
            challenge: code.shown(),
            at: ctx.clock.now(),
        };
        let sent = send(ctx, &record, &notice, ZONE, None).await?;
        let tried = Try {
            // Whoever answers may repeat what he got, and owners read what was answered.
            excerpt: None,
            ..sent.tried(ctx, self.endpoint, None)
        };
        let done = kept(ctx, &record, &sent, tried, ctx.clock.now()).await?;
        if is_echoed(&sent, &record.channel, &code) {
            endpoints.prove(ctx.tenant, self.endpoint, &hash).await?;
        }
        Ok(done)
    }
}

/// Whether a receiver of webhooks took the message and answered with its code.
fn is_echoed(sent: &Sent, channel: &str, code: &Code) -> bool {
    let is_taken = sent.attempt.outcome == DeliveryOutcome::Delivered;
    is_taken && channel == ChannelKind::Webhook.as_str() && says(&sent.attempt.excerpt, code)
}

/// Whether an answer is a code and nothing else, or an object whose `challenge` is one. Whoever
/// sends back what he got has not read it.
fn says(answer: &str, code: &Code) -> bool {
    let answer = answer.trim();
    let read = serde_json::from_str::<Value>(answer).ok();
    let said = match &read {
        Some(Value::Object(object)) => object.get("challenge").and_then(Value::as_str),
        Some(Value::String(text)) => Some(&**text),
        Some(_) => None,
        None => Some(answer),
    };
    said.is_some_and(|said| said == code.shown())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_is_the_code_alone_or_an_object_with_it_and_not_what_was_sent() {
        let code = Code::new(0x0123_4567_89ab_cdef);
        let shown = code.shown();
        for answer in [
            shown.clone(),
            format!("{shown}\n"),
            json!(shown).to_string(),
            json!({ "challenge": shown }).to_string(),
            json!({ "ok": true, "challenge": shown }).to_string(),
        ] {
            assert!(says(&answer, &code), "{answer}");
        }
        let sent = json!({ "type": "endpoint.verify", "data": { "challenge": shown } });
        for answer in [
            String::new(),
            "ok".to_owned(),
            sent.to_string(),
            format!("got {shown}"),
            json!([shown]).to_string(),
            json!({ "challenge": [shown] }).to_string(),
            json!({ "challenge": Code::new(1).shown() }).to_string(),
        ] {
            assert!(!says(&answer, &code), "{answer}");
        }
    }
}
