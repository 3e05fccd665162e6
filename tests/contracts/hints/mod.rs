//! What every transport of hints does, tried on PostgreSQL, on Redis, and on SQS three times.

use super::carriers::Carrier;
use super::table::{Behaviour, Deviation, Server, deviation, nothing_to_try};

mod heard;
mod jobs;
mod ways;

const BUSY: &str = "a process that is busy takes one hint at most and leaves the rest to others";
const AGAIN: &str = "a hint that nobody looked for comes again";
const SAYS: &str = "what lies with the server says lane, kind, job and trace";
const GONE: &str = "a hint is gone once somebody looked";
const BOUNDED: &str = "hints that nobody takes are bounded";
const LIES: &str = "what was sent before somebody listened is heard";

macro_rules! behaviours {
    ($($says:expr => $tried:path),+ $(,)?) => {
        &[$(Behaviour { says: $says, tried: |carrier| Box::pin($tried(carrier)) }),+]
    };
}

/// The list.
pub(super) const LIST: &[Behaviour<dyn Carrier>] = behaviours![
    "a hint wakes another process that listens to its lane" => heard::wakes,
    "a hint for another lane wakes nobody" => heard::other_lane,
    "hints of many senders all come" => heard::many_senders,
    LIES => heard::lies,
    SAYS => heard::says,
    GONE => heard::gone,
    AGAIN => heard::comes_again,
    "what is no hint is passed over, and those behind it are heard" => heard::odd,
    BOUNDED => heard::bounded,
    "hints that nobody takes do not hold up those of another lane" => heard::flooded,
    BUSY => heard::busy,
    "who listened and ended takes no more hints from others" => heard::leaves,
    "a process hears itself while the server is away" => ways::itself,
    "sending never waits, and is heard again once the server is back" => ways::comes_back,
    "processes start while the server is away, and hear when it comes" => ways::starts_without,
    "a network that swallows everything is got over" => ways::hole,
    "a connection that is reset is made again" => ways::reset,
    "hints come from a server that is 200 ms away, there and back" => ways::far,
    "what was sent before the end of a process is still heard" => ways::last_words,
    "a process ends soon while the server is away" => ways::ends,
    "a job whose hint is lost is run all the same" => jobs::lost,
    "hints that come doubled make a job run once" => jobs::doubled,
    "hints that come late and in another order make each job run once" => jobs::reordered,
    "hints for which there is no job change nothing" => jobs::for_nothing,
];

/// What one of them does otherwise.
pub(super) const DEVIATIONS: &[Deviation] = &[
    deviation(
        Server::Pg,
        LIES,
        "a NOTIFY reaches those who listen; who comes later looks first",
    ),
    deviation(
        Server::Pg,
        SAYS,
        "a NOTIFY carries the lane; the rest is in the log of its sender",
    ),
    deviation(
        Server::Pg,
        AGAIN,
        "a NOTIFY comes once; the look of the next second finds the job",
    ),
    nothing_to_try(
        Server::Pg,
        GONE,
        "a NOTIFY that was heard lies nowhere: there is nothing that could stay",
    ),
    nothing_to_try(
        Server::Pg,
        BOUNDED,
        "a NOTIFY lies nowhere; PostgreSQL keeps it only until those who listen have read it",
    ),
    deviation(
        Server::Pg,
        BUSY,
        "all who listen hear each hint, and one look answers all of them",
    ),
    deviation(
        Server::Redis,
        AGAIN,
        "a hint is removed when it is handed over; the next look finds the job",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn hints_over_postgresql_keep_the_contract() {
    use super::carriers::pg::PgCarrier;
    super::table::try_all(Server::Pg, LIST, DEVIATIONS, PgCarrier::carrier).await;
}

#[cfg(feature = "redis")]
#[tokio::test(flavor = "multi_thread")]
async fn hints_over_redis_keep_the_contract() {
    use super::carriers::redis::RedisCarrier;
    let program = packtrain_tests::Program::Redis.find("hints_over_redis_keep_the_contract");
    if let Some(program) = program {
        let new = async || RedisCarrier::carrier(&program).await;
        super::table::try_all(Server::Redis, LIST, DEVIATIONS, new).await;
    }
}

#[cfg(feature = "aws")]
mod over_sqs {
    use super::super::carriers::sqs::SqsCarrier;
    use super::super::table::try_all;
    use super::{DEVIATIONS, LIST, Server};
    use crate::transports::sqs::ground::{Ground, Server as Emulator};

    #[tokio::test(flavor = "multi_thread")]
    async fn hints_over_our_own_sqs_keep_the_contract() {
        let new = async || SqsCarrier::carrier(Ground::fake().await).await;
        try_all(Server::Fake, LIST, DEVIATIONS, new).await;
    }

    async fn on(server: Server, emulator: Emulator, test: &str) {
        if Ground::other(emulator, test).is_none() {
            return;
        }
        let new = async || {
            let ground = Ground::other(emulator, test);
            SqsCarrier::carrier(ground.expect("it was there")).await
        };
        try_all(server, LIST, DEVIATIONS, new).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn hints_over_moto_keep_the_contract() {
        let test = "hints_over_moto_keep_the_contract";
        on(Server::Moto, Emulator::Moto, test).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn hints_over_fauxqs_keep_the_contract() {
        let test = "hints_over_fauxqs_keep_the_contract";
        on(Server::Fauxqs, Emulator::Fauxqs, test).await;
    }
}
