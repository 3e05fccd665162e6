//! The harness: what every test stands on.
//!
//! A test gets a database of its own ([`Database`]), a clock that it moves by hand
//! ([`ManualClock`]), and ways to bring two transactions into a chosen order ([`Hold`],
//! [`until`]). A journey gets the whole product in one process ([`Yard`]) and a [`Client`] of its
//! API. The harness panics whenever its server does not do as told: that is the failing test.
//! Nothing here sleeps for a fixed time: waiting means asking again, within a bound.

mod anvil;
mod bouncer;
mod channels;
mod client;
mod clock;
mod cluster;
#[cfg(feature = "otel")]
mod collector;
mod database;
mod front;
mod listening;
mod mailbox;
mod places;
mod plain;
mod ports;
mod programs;
mod proxy;
mod receiver;
#[cfg(feature = "redis")]
mod redis;
mod signpost;
// One mail server is enough: that of the mail channel's own tests, which break it as well.
#[path = "../../crates/notify/src/email/tests/sink.rs"]
#[expect(
    dead_code,
    clippy::unwrap_used,
    reason = "it is written for tests of faults"
)]
mod sink;
mod skip;
mod socket;
mod sqs;
mod wait;
mod yard;

#[cfg(feature = "redis")]
pub use crate::redis::{Redis, redis_cluster};
pub use anvil::Anvil;
pub use bouncer::Bouncer;
pub use channels::tariff;
pub use client::{Answer, Client, Events};
pub use clock::{CountingIds, ManualClock};
#[cfg(feature = "otel")]
pub use collector::{Collector, Manner, Told};
pub use database::{Database, Role, number_on, run_on};
pub use front::{Front, Trouble};
pub use listening::Listening;
pub use mailbox::Mailbox;
pub use plain::{Message, plain_http};
pub use ports::{Nobody, free_address, free_port};
pub use programs::Program;
pub use proxy::{Network, Proxy};
pub use receiver::Receiver;
pub use signpost::Signpost;
pub use skip::skip;
pub use socket::{Heard, Socket};
pub use sqs::{FakeSqs, Weather};
pub use wait::{Hold, promptly, until, until_within};
pub use yard::{Worker, Yard};
