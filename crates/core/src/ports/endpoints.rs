//! Endpoints in the store: who is told, where, and every try to tell them.

use async_trait::async_trait;
use serde_json::Value;

use super::{ChannelKind, IncidentRecord, Keyed, OwnWords, Step, StoreError};
use crate::ids::{EndpointId, IncidentId, JobId, RuleId, TenantId};
use crate::job::NewJob;
use crate::proof::CodeHash;
use crate::secret::Secret;
use crate::time::Timestamp;

/// Where somebody is told, as it is stored.
#[derive(Debug, Clone)]
pub struct NewEndpoint {
    /// Its id.
    pub id: EndpointId,
    /// What its owner calls it.
    pub name: String,
    /// The channel's word, such as `webhook`.
    pub channel: String,
    /// Where: an address, a mailbox, a chat. May hold a token.
    pub address: Secret<String>,
    /// What signs, the newest first.
    pub secrets: Vec<Secret<String>>,
    /// Whether its owner must prove that he wants it before anything is told there.
    pub needs_proof: bool,
    /// What its digests are like, and when the first one is due; none where each message is sent
    /// by itself.
    pub digest: Option<(Value, Timestamp)>,
}

/// An endpoint as its owner and those who deliver read it.
#[derive(Debug, Clone)]
pub struct EndpointRecord {
    /// Its id.
    pub id: EndpointId,
    /// What its owner calls it.
    pub name: String,
    /// The channel's word.
    pub channel: String,
    /// Where.
    pub address: Secret<String>,
    /// Changes with the address, and tells nothing of it.
    pub address_mark: AddressMark,
    /// What signs, the newest first.
    pub secrets: Vec<Secret<String>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when its owner has to prove that he wants it; until he did, nothing is told there.
    pub unverified_since: Option<Timestamp>,
    /// When he proved it, or something was first delivered there.
    pub verified_at: Option<Timestamp>,
    /// Since when every try failed; none while the last one succeeded.
    pub failing_since: Option<Timestamp>,
    /// When a try failed last; none while the last one succeeded.
    pub failed_at: Option<Timestamp>,
    /// How many tries failed since then.
    pub failures: u32,
    /// When it was disabled; nothing is sent there any more.
    pub disabled_at: Option<Timestamp>,
    /// Why.
    pub disabled_because: Option<String>,
    /// Until when secrets sign that another has replaced.
    pub old_secrets_until: Option<Timestamp>,
    /// What its digests are like; none where each message is sent by itself.
    pub digest: Option<Value>,
}

/// A hash of an address as it is stored, which is sealed.
pub type AddressMark = [u8; 32];

/// What its owner changes about an endpoint; what is none stays as it is.
#[derive(Debug, Clone)]
pub struct EndpointChange {
    /// What he calls it.
    pub name: Option<String>,
    /// Where, if it is another place: there it is as new as one that is made.
    pub address: Option<Secret<String>>,
    /// Whether he must prove that he wants it there before anything is told.
    pub needs_proof: bool,
}

/// A secret that was put before those that sign.
#[derive(Debug, Clone)]
pub struct Rotated {
    /// The new one.
    pub secret: Secret<String>,
    /// Until when those before it sign beside it.
    pub until: Timestamp,
}

/// Why an endpoint was not stored, changed or taken away.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// Its owner has as many as there may be.
    #[error("there are {0} endpoints already")]
    Many(u32),
    /// A rule tells it.
    #[error("the rule {0} tells it")]
    Named(RuleId),
    /// Its owner asked for as many codes as are sent in a day.
    #[error("{0} codes were sent within a day")]
    Codes(i32),
    /// It has as many secrets that sign as there may be, until this moment.
    #[error("the secrets before sign until {}, and there are as many as may", .0.format("%FT%TZ"))]
    Secrets(Timestamp),
    /// It was changed or taken away since it was read.
    #[error("the endpoint was changed meanwhile")]
    Moved,
    /// The key of the request was used for another one.
    #[error("the Idempotency-Key was used for another request")]
    KeyReused,
    /// There is no key under which what is secret in it could be sealed.
    #[error("there is no key under which secrets are sealed")]
    Unsealed,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What was put under the newest key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sealed {
    /// How many endpoints.
    pub count: u64,
    /// Up to which tenant, where there may be more.
    pub last: Option<TenantId>,
}

/// One try to hand a message over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Try {
    /// The job that delivers.
    pub job: JobId,
    /// Which attempt of the job it was, from 1 after each redrive; a repetition is written once.
    pub number: u16,
    /// The rule and the place of what is told among everything that happened to it; none for a
    /// message of another origin, such as a test.
    pub step: Option<(RuleId, u32)>,
    /// Where it went.
    pub endpoint: EndpointId,
    /// When it began.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub latency_ms: u32,
    /// What became of it: `delivered`, `temporary`, `permanent`, `gone`; `untold` where nothing was
    /// sent, since its owner had not proved that he wants it.
    pub result: String,
    /// The status of HTTP or the reply code of SMTP.
    pub status: Option<u16>,
    /// Why it did not deliver, as one word.
    pub cause: Option<String>,
    /// The beginning of what the other side said.
    pub excerpt: Option<String>,
    /// Why the rule's own words could not be said, so that ours were; none where nothing failed.
    pub words_failed: Option<String>,
}

/// What a try means for its endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It took the message: whatever failed before is over.
    Well,
    /// It did not, and may later.
    Failing,
    /// It was not asked, so nothing is known that was not before.
    Same,
    /// It is no more, or failed for too long: nothing is sent there any more.
    Disabled(&'static str),
}

/// What is told: a place among everything that happened to a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepPlace {
    /// The rule.
    pub rule: RuleId,
    /// The place.
    pub seq: u32,
    /// The version of the rule that was evaluated. What another one has in this place is not meant.
    /// None where it is not known: an earlier release asked.
    pub version: Option<i32>,
}

/// Who is told, and what: all that a message is made from.
#[derive(Debug, Clone)]
pub struct ToTell {
    /// Who.
    pub endpoint: EndpointRecord,
    /// What happened, and the incident that it belongs to; none when nothing of it was written.
    pub step: Option<(IncidentRecord, Step)>,
    /// In which words its owner wants it told; none for ours.
    pub words: Option<OwnWords>,
}

/// What became of the wish to try an endpoint out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tested {
    /// It may be tried out now, and that is noted.
    Now,
    /// It was a moment ago.
    Already,
    /// Its owner has to prove first that he wants it.
    Unverified,
    /// There is no such endpoint.
    Missing,
}

/// What became of a code that somebody says he was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// It is right: the endpoint is told from now on.
    Right,
    /// There is nothing to prove, or it was proved before.
    Before,
    /// It is not what was sent.
    Wrong,
    /// No code holds: none was sent within a day, or too many wrong ones were given for it.
    Stale,
    /// There is no such endpoint.
    Missing,
}

/// What became of the wish for another code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskedAgain {
    /// One is to be sent, and that is noted.
    Now,
    /// One was sent a moment ago.
    Early,
    /// As many were sent as are, to this endpoint or for all of its owner's within a day.
    Many,
    /// There is nothing to prove.
    Before,
    /// There is no such endpoint.
    Missing,
}

/// Endpoints and tries.
#[async_trait]
pub trait Endpoints: Send + Sync {
    /// Stores a new endpoint, once for a key; the endpoint of the key.
    async fn create(
        &self,
        tenant: TenantId,
        endpoint: &NewEndpoint,
        keyed: Option<&Keyed>,
    ) -> Result<EndpointId, EndpointError>;

    /// One endpoint.
    async fn find(
        &self,
        tenant: TenantId,
        id: EndpointId,
    ) -> Result<Option<EndpointRecord>, StoreError>;

    /// Endpoints, the newest first, before an id.
    async fn list(
        &self,
        tenant: TenantId,
        before: Option<EndpointId>,
        limit: u32,
    ) -> Result<Vec<EndpointRecord>, StoreError>;

    /// Takes an endpoint away that no rule tells. Whether there was one.
    async fn remove(&self, tenant: TenantId, id: EndpointId) -> Result<bool, EndpointError>;

    /// Changes an endpoint that is as it was read, as far as its owner has a say in it. Its
    /// secrets stay. At another address it has failed nowhere yet and is not disabled.
    async fn change(
        &self,
        tenant: TenantId,
        known: &EndpointRecord,
        change: &EndpointChange,
    ) -> Result<(), EndpointError>;

    /// Puts a new secret before those that sign, which sign beside it for a day; once for a key,
    /// after which it is the secret of the key. None when there is no webhook of this id. Where as
    /// many sign as may, it is refused.
    async fn rotate(
        &self,
        tenant: TenantId,
        id: EndpointId,
        secret: &Secret<String>,
        keyed: Option<&Keyed>,
    ) -> Result<Option<Rotated>, EndpointError>;

    /// Puts what is secret in endpoints under the newest key, tenant by tenant, after one.
    async fn seal(&self, after: Option<TenantId>, limit: u32) -> Result<Sealed, StoreError>;

    /// Lets messages go to an endpoint again that was disabled. Whether there is one.
    async fn enable(&self, tenant: TenantId, id: EndpointId) -> Result<bool, StoreError>;

    /// Keeps the hash of a code that is about to be sent to an endpoint where it was read to be,
    /// which holds for a day: in the place of all before it, or beside those of earlier attempts
    /// of the same message, which may have arrived. Whether there is anything to prove there.
    async fn challenge(
        &self,
        tenant: TenantId,
        endpoint: &EndpointRecord,
        code: &CodeHash,
        is_first: bool,
    ) -> Result<bool, StoreError>;

    /// Has an endpoint told from now on if this is the hash of a code that was sent there. Each
    /// wrong one counts, and after five of them no code holds until another is sent.
    async fn prove(
        &self,
        tenant: TenantId,
        id: EndpointId,
        code: &CodeHash,
    ) -> Result<Proof, StoreError>;

    /// Notes that another code is sent.
    async fn ask_again(&self, tenant: TenantId, id: EndpointId) -> Result<AskedAgain, StoreError>;

    /// Notes that an endpoint is tried out, which it is not twice within some seconds.
    async fn tested(&self, tenant: TenantId, id: EndpointId) -> Result<Tested, StoreError>;

    /// An endpoint, and what happened to a rule at a place; none when the endpoint is gone. One
    /// look, since there is one for each message.
    async fn told(
        &self,
        tenant: TenantId,
        endpoint: EndpointId,
        step: StepPlace,
    ) -> Result<Option<ToTell>, StoreError>;

    /// Keeps a try, and what it means for its endpoint, unless that is elsewhere by now; where this
    /// try is what disables it, the job that says so is enqueued with it. Doing it twice changes
    /// nothing. A try that means nothing for its endpoint is rather written with the end of its
    /// job, as [`Write::Tried`](super::Write::Tried).
    async fn note(
        &self,
        tenant: TenantId,
        endpoint: &EndpointRecord,
        tried: &Try,
        standing: Standing,
        warning: Option<&NewJob>,
    ) -> Result<(), StoreError>;

    /// The tries to tell of an incident, in order of what was told and of time.
    async fn tries(&self, tenant: TenantId, incident: IncidentId) -> Result<Vec<Try>, StoreError>;

    /// The last try of a job.
    async fn last_try(&self, tenant: TenantId, job: JobId) -> Result<Option<Try>, StoreError>;
}

/// What channels say of an endpoint before it is kept.
pub trait Doors: Send + Sync {
    /// Whether an address can be an endpoint of a channel that is set up here.
    ///
    /// # Errors
    /// What is wrong, in words for its owner that do not repeat the address.
    fn check(&self, channel: ChannelKind, address: &Secret<String>) -> Result<(), String>;

    /// A new secret that signs what is sent, of random numbers.
    fn new_secret(&self, random: [u64; 4]) -> Secret<String>;
}
