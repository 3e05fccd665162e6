//! Typed ids: UUIDv7 inside, `rep_0190...` outside; a `ReportId` is never a `JobId`.
//!
//! *Derived* ids (UUIDv8) repeat exactly: their first 48 bits copy the time of their cause, so they
//! sort beside it and fall into its partition, and the rest is a hash of cause and role.

use std::sync::Mutex;

use rand::Rng;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::time::{Clock, Timestamp};

/// Bits of an id behind the milliseconds with which it begins.
const BITS_BEHIND_TIME: u32 = 80;

/// Why a text is not an id of the expected type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an id of the form {prefix}_ followed by 32 hexadecimal digits")]
pub struct IdError {
    /// The prefix that was expected.
    pub prefix: &'static str,
}

/// Declares an id type with its public prefix.
#[macro_export]
macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(::uuid::Uuid);

        impl $name {
            /// What stands before the underscore in the public form.
            pub const PREFIX: &'static str = $prefix;

            /// Wraps a UUID that came from an id source or the database.
            pub const fn from_uuid(uuid: ::uuid::Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID, as the database stores it.
            pub const fn as_uuid(&self) -> ::uuid::Uuid {
                self.0
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                write!(f, "{}_{}", $prefix, self.0.simple())
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Display::fmt(self, f)
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::ids::IdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::ids::parse(text, $prefix).map(Self)
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = <::std::borrow::Cow<'de, str>>::deserialize(d)?;
                text.parse().map_err(::serde::de::Error::custom)
            }
        }

        impl ::utoipa::PartialSchema for $name {
            fn schema() -> ::utoipa::openapi::RefOr<::utoipa::openapi::Schema> {
                ::utoipa::openapi::ObjectBuilder::new()
                    .schema_type(::utoipa::openapi::schema::Type::String)
                    .pattern(Some(concat!("^", $prefix, "_[0-9a-f]{32}$")))
                    .build()
                    .into()
            }
        }

        impl ::utoipa::ToSchema for $name {}
    };
}

id!(
    /// A tenant: whose data it is. Comes from the credential alone.
    TenantId, "ten"
);
id!(
    /// One unit of work.
    JobId, "job"
);
id!(
    /// The lease on a claimed batch: the fencing token.
    LeaseId, "lea"
);
id!(
    /// One worker process start; a restarted worker is another worker.
    WorkerId, "wrk"
);
id!(
    /// An uploaded file.
    FileId, "fil"
);
id!(
    /// A tax report; carries the same UUID as the job that makes it.
    ReportId, "rep"
);
id!(
    /// A comparison of methods; carries the same UUID as the job that makes it.
    ComparisonId, "cmp"
);
id!(
    /// A back-test of an alert rule; carries the same UUID as the job that makes it.
    BacktestId, "bkt"
);
id!(
    /// The public part of an API key.
    ApiKeyId, "key"
);
id!(
    /// What enqueues jobs of a kind by itself.
    ScheduleId, "sch"
);
id!(
    /// One HTTP request.
    RequestId, "req"
);
id!(
    /// An alert rule.
    RuleId, "rule"
);
id!(
    /// What happened from the firing of a rule to its end.
    IncidentId, "inc"
);
id!(
    /// Where somebody is told.
    EndpointId, "end"
);

impl TenantId {
    /// The platform itself: owner of upkeep jobs.
    pub const SYSTEM: Self = Self(Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0001));
}

impl JobId {
    /// The id of the job that `role` of `self` causes: the same every time.
    ///
    /// `role` names the place in the cause's outcome, such as `then:0`.
    pub fn derive(&self, role: &str) -> Self {
        Self(derived(self.0, role))
    }

    /// The milliseconds since 1970 with which it begins: those of its cause, if it has one.
    pub const fn time_ms(&self) -> u64 {
        (self.0.as_u128() >> BITS_BEHIND_TIME) as u64
    }

    /// The least id that begins with the same millisecond.
    pub const fn floor(&self) -> Self {
        let time = self.0.as_u128() >> BITS_BEHIND_TIME;
        Self(Uuid::from_u128(time << BITS_BEHIND_TIME))
    }
}

impl ScheduleId {
    /// The schedule of a kind: the same in every process.
    pub fn of_kind(kind: &str) -> Self {
        Self(derived(Uuid::nil(), kind))
    }

    /// The job of one time of this schedule: the same whoever enqueues it, and beside other jobs
    /// of that time.
    pub fn job_at(&self, at: Timestamp) -> JobId {
        let ms = u64::try_from(at.timestamp_millis()).unwrap_or(0);
        let cause = uuid::Builder::from_unix_timestamp_millis(ms, &[0; 10]).into_uuid();
        JobId(derived(cause, &format!("{self}:{}", at.timestamp_micros())))
    }
}

impl ReportId {
    /// The report that a job makes; report and job share one UUID.
    pub const fn of_job(job: JobId) -> Self {
        Self(job.0)
    }

    /// The job that makes the report.
    pub const fn job(&self) -> JobId {
        JobId(self.0)
    }
}

impl BacktestId {
    /// The back-test that a job makes; both share one UUID.
    pub const fn of_job(job: JobId) -> Self {
        Self(job.0)
    }

    /// The job that makes the back-test.
    pub const fn job(&self) -> JobId {
        JobId(self.0)
    }
}

impl ComparisonId {
    /// The comparison that a job makes; both share one UUID.
    pub const fn of_job(job: JobId) -> Self {
        Self(job.0)
    }

    /// The job that makes the comparison.
    pub const fn job(&self) -> JobId {
        JobId(self.0)
    }
}

impl EndpointId {
    /// The job that sends the first code there since its owner has to prove that he wants it: the
    /// same every time, so that asking twice asks once, and of the time of that, however old the
    /// endpoint is.
    pub fn proof_job(&self, since: Timestamp) -> JobId {
        let ms = u64::try_from(since.timestamp_millis()).unwrap_or(0);
        let cause = uuid::Builder::from_unix_timestamp_millis(ms, &[0; 10]).into_uuid();
        let role = format!("{self}:verify:{}", since.timestamp_micros());
        JobId(derived(cause, &role))
    }
}

impl IncidentId {
    /// The incident of a rule's firing of a number, the same every time.
    pub fn of_firing(rule: RuleId, firing: u32, at: Timestamp) -> Self {
        let ms = u64::try_from(at.timestamp_millis()).unwrap_or(0);
        let cause = uuid::Builder::from_unix_timestamp_millis(ms, &[0; 10]).into_uuid();
        Self(derived(cause, &format!("{rule}:{firing}")))
    }
}

impl FileId {
    /// The file that a tenant sends past the API: the same for the same content under the same
    /// words about it, so that sending it twice makes it once.
    pub fn of_upload(tenant: TenantId, words: &str) -> Self {
        Self(derived(tenant.0, &format!("upload:{words}")))
    }

    /// The job that imports the file: derived, so that asking twice asks once.
    pub fn import_job(&self) -> JobId {
        JobId(derived(self.0, "tax.import"))
    }
}

/// Makes a UUIDv8 from a cause and the role that the new thing plays for it.
fn derived(cause: Uuid, role: &str) -> Uuid {
    let mut hash = Sha256::new();
    hash.update(cause.as_bytes());
    hash.update(role.as_bytes());
    let digest = hash.finalize();
    let mut bytes = [0_u8; 16];
    bytes[..6].copy_from_slice(&cause.as_bytes()[..6]);
    bytes[6..].copy_from_slice(&digest[..10]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// Reads `prefix_` and 32 hexadecimal digits; used by the [`id!`](crate::id) macro.
#[doc(hidden)]
pub fn parse(text: &str, prefix: &'static str) -> Result<Uuid, IdError> {
    let error = IdError { prefix };
    let hex = text
        .strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('_'));
    match hex {
        Some(hex) if hex.len() == 32 => Uuid::try_parse(hex).map_err(|_| error),
        _ => Err(error),
    }
}

/// Makes new ids: UUIDv7, in the order of creation within one source; and all else that is random,
/// so that a test can replay a run.
pub trait IdSource: Send + Sync + 'static {
    /// A UUIDv7 of the present moment.
    fn uuid(&self) -> Uuid;

    /// A number of which all bits are random.
    fn random(&self) -> u64;
}

impl dyn IdSource {
    /// A new id for a job.
    pub fn job(&self) -> JobId {
        JobId(self.uuid())
    }

    /// A new id for a file.
    pub fn file(&self) -> FileId {
        FileId(self.uuid())
    }

    /// A new lease id.
    pub fn lease(&self) -> LeaseId {
        LeaseId(self.uuid())
    }

    /// A new worker id.
    pub fn worker(&self) -> WorkerId {
        WorkerId(self.uuid())
    }

    /// A new request id.
    pub fn request(&self) -> RequestId {
        RequestId(self.uuid())
    }
}

/// Ids from a clock and the thread's random source.
pub struct ClockIds<C> {
    clock: C,
    last: Mutex<(u64, u16)>,
}

impl<C: Clock> ClockIds<C> {
    /// Makes a source that reads the time from `clock`.
    pub const fn new(clock: C) -> Self {
        Self {
            clock,
            last: Mutex::new((0, 0)),
        }
    }

    /// The millisecond and a counter that only grows, even when the clock steps back.
    fn tick(&self, now: Timestamp) -> (u64, u16) {
        let ms = u64::try_from(now.timestamp_millis()).unwrap_or(0);
        let mut last = self
            .last
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        *last = match *last {
            (before, count) if before >= ms && count < 0x0fff => (before, count + 1),
            (before, _) if before >= ms => (before + 1, 0),
            _ => (ms, 0),
        };
        *last
    }
}

impl<C: Clock> IdSource for ClockIds<C> {
    fn uuid(&self) -> Uuid {
        let (ms, count) = self.tick(self.clock.now());
        let mut bytes = [0_u8; 10];
        rand::rng().fill_bytes(&mut bytes);
        bytes[0] = (count >> 8) as u8;
        bytes[1] = (count & 0xff) as u8;
        uuid::Builder::from_unix_timestamp_millis(ms, &bytes).into_uuid()
    }

    fn random(&self) -> u64 {
        rand::rng().next_u64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::SystemClock;

    #[test]
    fn an_id_reads_back_what_it_wrote_and_refuses_another_prefix() {
        let ids = ClockIds::new(SystemClock);
        let job = JobId::from_uuid(ids.uuid());
        assert_eq!(job.to_string().parse::<JobId>(), Ok(job));
        assert!(job.to_string().parse::<FileId>().is_err());
        assert!("job_12".parse::<JobId>().is_err());
    }

    #[test]
    fn ids_of_one_source_only_grow() {
        let ids = ClockIds::new(SystemClock);
        let mut made: Vec<Uuid> = (0..20_000).map(|_| ids.uuid()).collect();
        let order = made.clone();
        made.sort();
        assert_eq!(made, order);
        made.dedup();
        assert_eq!(made.len(), 20_000);
    }

    #[test]
    fn a_derived_id_repeats_and_keeps_the_time_of_its_cause() {
        let cause = JobId::from_uuid(ClockIds::new(SystemClock).uuid());
        assert_eq!(cause.derive("then:0"), cause.derive("then:0"));
        assert_ne!(cause.derive("then:0"), cause.derive("then:1"));
        let child = cause.derive("then:0").as_uuid();
        assert_eq!(child.as_bytes()[..6], cause.as_uuid().as_bytes()[..6]);
        assert_eq!(child.get_version_num(), 8);
    }
}
