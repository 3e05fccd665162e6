//! Walks: worlds are thrown by a seed, lived through with faults, calmed down, and judged at every
//! step.

use std::fmt;

use crate::actors::World;
use crate::dice::Dice;
use crate::invariants::Invariant;
use crate::judge::Judge;
use crate::machine::apply;
use crate::op::{Answer, Op};
use crate::plan::{Plan, Ties};
use crate::shrink;
use crate::tables::Tables;
use crate::variants::Rules;

/// Steps with faults of one world; the calm ones come on top.
const STORM: usize = 400;

/// How far to go.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    /// Seed of all worlds.
    pub seed: u64,
    /// The first world.
    pub first: u64,
    /// Steps, at least; the last world is lived to its end.
    pub steps: u64,
}

/// What a walk did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Walked {
    /// Steps.
    pub steps: u64,
    /// Worlds.
    pub worlds: u64,
    /// Jobs that were asked for.
    pub jobs: u64,
    /// Jobs that came to an end.
    pub ended: u64,
}

/// A step that broke an invariant.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// Which of its worlds.
    pub world: u64,
    /// Which step of that world.
    pub step: usize,
    /// Which step of all.
    pub total: u64,
    /// What it broke.
    pub invariant: Invariant,
    /// Fewest steps found that break it as well.
    pub trace: Vec<Op>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "seed {} world {} step {}: {:?}: {}",
            self.seed,
            self.world,
            self.step,
            self.invariant,
            self.invariant.sentence(),
        )?;
        writeln!(
            f,
            "again: cargo xtask model --seed {} --world {} --steps 1 --compared 0",
            self.seed, self.world,
        )?;
        for op in &self.trace {
            writeln!(f, "    {op:?}")?;
        }
        Ok(())
    }
}

/// Everything of one world that repeats from its seed.
pub struct Walk {
    /// What may be asked for.
    pub plan: Plan,
    /// The tables.
    pub tables: Tables,
    /// Who asks.
    world: World,
    judge: Judge,
    rules: Rules,
    before: Tables,
}

impl Walk {
    /// Throws a world.
    pub fn begin(rules: Rules, seed: u64, world: u64, ties: Ties) -> Self {
        let mut dice = Dice::new(seed, world);
        let plan = Plan::throw(&mut dice, ties);
        Self {
            world: World::new(&plan, rules, dice, STORM),
            plan,
            tables: Tables::default(),
            judge: Judge::default(),
            rules,
            before: Tables::default(),
        }
    }

    /// What is asked next; none when the world has come to its end.
    pub fn ask(&mut self) -> Option<Op> {
        self.world.ask(&self.plan, &self.tables)
    }

    /// Does what was asked, and judges it.
    ///
    /// # Errors
    /// What the step broke.
    pub fn step(&mut self, op: &Op) -> Result<Answer, Invariant> {
        self.before.clone_from(&self.tables);
        let answer = apply(&self.plan, self.rules, &mut self.tables, op);
        let (before, after) = (&self.before, &self.tables);
        self.judge.judge(&self.plan, before, op, &answer, after)?;
        self.world.hear(&self.plan, op, &answer);
        Ok(answer)
    }
}

/// Walks until so many steps are done.
///
/// # Errors
/// The first step that broke an invariant, with a short way to it.
pub fn explore(rules: Rules, scale: Scale) -> Result<Walked, Box<Failure>> {
    let mut walked = Walked::default();
    let ties = Ties {
        gates: true,
        batches: true,
    };
    let mut trace = Vec::with_capacity(STORM * 2);
    while walked.steps < scale.steps {
        let number = scale.first + walked.worlds;
        let mut walk = Walk::begin(rules, scale.seed, number, ties);
        trace.clear();
        while let Some(op) = walk.ask() {
            walked.steps += 1;
            trace.push(op);
            if let Err(invariant) = walk.step(&trace[trace.len() - 1]) {
                let trace = shrink::shrink(&walk.plan, rules, &trace, invariant);
                return Err(Box::new(Failure {
                    seed: scale.seed,
                    world: number,
                    step: trace.1,
                    total: walked.steps,
                    invariant,
                    trace: trace.0,
                }));
            }
        }
        walked.worlds += 1;
        walked.jobs += u64::from(walk.tables.known.len());
        walked.ended += u64::from(walk.tables.over().len());
    }
    Ok(walked)
}
