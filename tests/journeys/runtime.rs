//! What the worker runtime is known to get wrong by itself, and must not here.

use packtrain_core::ids::JobId;
use packtrain_core::job::State;
use packtrain_tests::{Database, Yard, until};

use super::kinds::{TEST_KINDS, Waits, WaitsBriefly, release};
use super::runs::{ended, enqueue};

/// Renewals that outlast the yard's patience with a lease that stands still.
const BEATS: i64 = 60;

async fn started(yard: &Yard, jobs: i64) {
    let begun = "select coalesce(sum(bit_count(started::bit(64))), 0)::bigint from lease";
    until("the jobs run", async || {
        yard.database.number(begun).await == jobs
    })
    .await;
}

/// Waits until every lease was renewed so often more: for each renewal anew, since all of them take
/// long on a machine that has much else to do.
async fn beaten(database: &Database) {
    let slowest = "select min(beat) from lease";
    let from = database.number(slowest).await;
    for beat in 1..=BEATS {
        until("every lease was renewed", async || {
            database.number(slowest).await >= from + beat
        })
        .await;
    }
}

async fn succeeded_at_the_first_attempt(yard: &Yard, id: JobId) {
    release(id);
    let record = ended(yard, id).await;
    assert_eq!((record.state, record.attempts), (State::Succeeded, 1));
    assert_eq!(record.failures, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_survives_that_every_connection_to_its_database_breaks() {
    let yard = Yard::without_workers().await;
    yard.worker(TEST_KINDS).await;
    let running = enqueue::<Waits>(&yard).await;
    started(&yard, 1).await;
    yard.database
        .run(
            "select pg_terminate_backend(pid, 5000)
               from pg_stat_activity
              where datname = current_database() and pid <> pg_backend_pid()",
        )
        .await;
    succeeded_at_the_first_attempt(&yard, running).await;
    let next = enqueue::<Waits>(&yard).await;
    succeeded_at_the_first_attempt(&yard, next).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_behind_full_slots_keep_their_leases_and_run_once() {
    let yard = Yard::without_workers().await;
    yard.worker(TEST_KINDS).await;
    let mut jobs = Vec::new();
    for _ in 0..10 {
        jobs.push(enqueue::<WaitsBriefly>(&yard).await);
    }
    started(&yard, 4).await;
    beaten(&yard.database).await;
    for id in jobs {
        succeeded_at_the_first_attempt(&yard, id).await;
    }
}

/// On one thread: while it is blocked, nothing of the worker's runtime moves.
#[tokio::test]
async fn a_lease_is_renewed_while_the_runtime_of_its_worker_is_blocked() {
    let yard = Yard::without_workers().await;
    yard.worker(TEST_KINDS).await;
    let id = enqueue::<Waits>(&yard).await;
    started(&yard, 1).await;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(beaten(&yard.database));
        });
    });
    succeeded_at_the_first_attempt(&yard, id).await;
}
