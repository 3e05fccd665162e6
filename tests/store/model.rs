//! The model of the life of jobs: walked for many steps, broken in every place that matters, and
//! compared with PostgreSQL step by step.
//!
//! The short form runs with all tests; `cargo xtask model` asks for the long one.

use std::time::Instant;

use packtrain_model::explore::{Scale, Walk, Walked, explore};
use packtrain_model::op::{Answer, Op};
use packtrain_model::plan::Ties;
use packtrain_model::variants::{Rules, Variant, caught};

use super::mirror::Mirror;
use super::sight::Sight;

/// Steps within which each broken variant must be caught.
const CAUGHT_WITHIN: u64 = 1_000_000;
/// Databases in which worlds are compared at once.
const MIRRORS: u64 = 2;

/// How much is walked; the command says it in the environment.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    seed: u64,
    world: u64,
    steps: u64,
    compared: u64,
}

#[expect(
    clippy::disallowed_methods,
    reason = "the command hands the size of the run over in the environment"
)]
fn wanted() -> Wanted {
    let number = |name: &str, or: u64| match std::env::var(name) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{name}={text} is no number")),
        Err(_) => or,
    };
    Wanted {
        seed: number("PACKTRAIN_MODEL_SEED", 1),
        world: number("PACKTRAIN_MODEL_WORLD", 0),
        steps: number("PACKTRAIN_MODEL_STEPS", 300_000),
        compared: number("PACKTRAIN_MODEL_COMPARED", 3_000),
    }
}

#[test]
fn no_walk_of_the_model_breaks_an_invariant() {
    let wanted = wanted();
    let began = Instant::now();
    let scale = Scale {
        seed: wanted.seed,
        first: wanted.world,
        steps: wanted.steps,
    };
    let walked = explore(Rules::WHOLE, scale).unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(walked.jobs, walked.ended, "work is left");
    say("model", wanted.seed, walked, began);
}

#[test]
fn every_broken_variant_is_caught_by_the_invariant_that_speaks_of_it() {
    let wanted = wanted();
    println_table("| broken | caught by | world | step | steps in all |");
    println_table("| --- | --- | --- | --- | --- |");
    for variant in Variant::ALL.iter().copied() {
        let scale = Scale {
            seed: wanted.seed,
            first: 0,
            steps: CAUGHT_WITHIN,
        };
        let failure = caught(variant, scale)
            .unwrap_or_else(|| panic!("{variant:?} was not noticed: {}", variant.what()));
        assert_eq!(
            failure.invariant,
            variant.breaks(),
            "{variant:?}: {failure}"
        );
        println_table(&format!(
            "| {variant:?}: {} | {:?} | {} | {} | {} |",
            variant.what(),
            failure.invariant,
            failure.world,
            failure.step,
            failure.total,
        ));
    }
}

#[tokio::test]
async fn postgresql_does_what_the_model_does_step_by_step() {
    let wanted = wanted();
    let began = Instant::now();
    let share = wanted.compared.div_ceil(MIRRORS);
    let walks = (0..MIRRORS).map(|nth| compare(wanted, nth, share));
    let walked = futures::future::join_all(walks).await;
    let sum = walked
        .into_iter()
        .fold(Walked::default(), |sum, one| Walked {
            steps: sum.steps + one.steps,
            worlds: sum.worlds + one.worlds,
            jobs: sum.jobs + one.jobs,
            ended: sum.ended + one.ended,
        });
    assert_eq!(sum.jobs, sum.ended, "work is left");
    say("compared", wanted.seed, sum, began);
}

/// Lives through every second world in one database, until so many steps are compared.
async fn compare(wanted: Wanted, nth: u64, steps: u64) -> Walked {
    let mut walked = Walked::default();
    if steps == 0 {
        return walked;
    }
    let mut mirror = Mirror::new().await;
    while walked.steps < steps {
        let world = wanted.world + nth + walked.worlds * MIRRORS;
        let ties = Ties {
            gates: true,
            batches: true,
        };
        let mut walk = Walk::begin(Rules::WHOLE, wanted.seed, world, ties);
        mirror.begin(&walk.plan).await;
        let mut trace = Vec::new();
        while let Some(op) = walk.ask() {
            trace.push(op);
            walked.steps += 1;
            step(&mut mirror, &mut walk, &mut trace, wanted.seed, world).await;
        }
        walked.worlds += 1;
        walked.jobs += u64::from(walk.tables.known.len());
        walked.ended += u64::from(walk.tables.over().len());
    }
    walked
}

/// One step on both; nothing may differ, neither the answers nor what stands in the tables.
async fn step(mirror: &mut Mirror, walk: &mut Walk, trace: &mut [Op], seed: u64, world: u64) {
    let number = trace.len();
    let op = trace.last_mut().expect("a step has just been pushed");
    let op = match op {
        // The ports have no second half of a cancel: the sweeper does it.
        Op::Halt(_) => {
            *op = Op::Sweep;
            op
        }
        op => op,
    };
    let due = due(walk, op);
    let theirs = mirror.apply(&walk.plan, op).await;
    let ours = walk.step(op).map(sorted);
    let at = format!("seed {seed}, world {world}, step {number}");
    let sight = Sight::look(&mut mirror.superuser, &mirror.jobs).await;
    let differs = Sight::of(&walk.plan, &walk.tables).differs(&sight);
    let left = matches!(&*op, Op::Claim { picks, .. } if picks.len() != due);
    if left || ours.as_ref() != Ok(&theirs) || !differs.is_empty() {
        let before: Vec<String> = trace
            .iter()
            .rev()
            .take(12)
            .map(|op| format!("{op:?}"))
            .collect();
        panic!(
            "{at}: PostgreSQL does not do what the model does\n\
             again: cargo xtask model --seed {seed} --world {world} --steps 0 --compared 1\n\
             model      {ours:?}\nPostgreSQL {theirs:?}\n{}\nlast step first:\n{}",
            differs.join("\n"),
            before.join("\n"),
        );
    }
}

/// How many jobs a claim must take; which ones, fair keys decide, and the invariants judge.
fn due(walk: &Walk, op: &Op) -> usize {
    match op {
        Op::Claim { lane, .. } if walk.tables.paused[usize::from(*lane)] => 0,
        Op::Claim { picks, .. } => picks.len(),
        _ => 0,
    }
}

/// Fenced jobs in order: the store says them in the order in which it noticed.
fn sorted(answer: Answer) -> Answer {
    match answer {
        Answer::Settled(written, mut fenced) => {
            fenced.sort_unstable();
            Answer::Settled(written, fenced)
        }
        other => other,
    }
}

fn say(what: &str, seed: u64, walked: Walked, began: Instant) {
    println_table(&format!(
        "{what}: {} steps in {} worlds of seed {seed}, {} jobs, {:.1} s",
        walked.steps,
        walked.worlds,
        walked.jobs,
        began.elapsed().as_secs_f64(),
    ));
}

#[expect(clippy::print_stdout, reason = "the long form shows what it did")]
fn println_table(line: &str) {
    println!("{line}");
}
