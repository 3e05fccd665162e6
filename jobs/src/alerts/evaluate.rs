//! Evaluates the rules that watch what moved, and those whose time has come.

mod round;
mod seen;
mod tiers;
mod undone;
mod watched;
mod windows;

use std::collections::BTreeSet;
use std::time::Duration;

use packtrain_core::fault::Fault;
use packtrain_core::ids::{JobId, RuleId};
use packtrain_core::job::{Ctx, Done, FollowUp, Gate, Job, Kind, Lane, Priority};
use packtrain_core::ports::{Evaluated, Move, Point, Watched as Stored, Write};
use packtrain_core::schedule::Every;
use packtrain_core::time::Timestamp;
use packtrain_rules::metric::{Derived, Family};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::tell::{Message, Tell};
use round::{Found, Round};
use watched::{About, Rule};
use windows::Moved;

/// Rules that are read at once.
const PAGE: u32 = 1_000;
/// What was told and does not hold any more, of which one job says so; the next one goes on.
const UNDONE_MAX: u32 = 1_000;
/// How soon an evaluation looks again whether the messages of the one before it are enqueued.
const TELLING: Duration = Duration::from_millis(200);
/// Messages that an evaluation enqueues itself; more are enqueued by jobs of their own, so that its
/// own end is written soon.
const MESSAGES_MAX: usize = 5_000;

/// Evaluates the rules that watch what a job observed; without one, those whose time has come:
/// a condition that has lasted, a reminder, the end of quiet hours, a metric that fell silent.
///
/// All evaluations run one after the other, in the order in which things were observed. A point
/// that is not newer than the one before changes nothing. How a rule stands is written with the
/// end of the job, so a second run finds out the same, and messages have ids of their cause.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AlertsEvaluate)]
pub struct Evaluate {
    /// The job whose observations are evaluated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tick: Option<JobId>,
    /// Whether it is about what the job took back: who was told of that is told so, and no rule is
    /// evaluated.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub undone: bool,
    /// The step of a rule after which what was taken back goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<(RuleId, u32)>,
}

impl Evaluate {
    /// Evaluates what a job observed.
    pub const fn of(tick: JobId) -> Self {
        Self {
            tick: Some(tick),
            undone: false,
            after: None,
        }
    }

    /// Tells of what a job took back.
    pub const fn undone_by(tick: JobId) -> Self {
        Self {
            tick: Some(tick),
            undone: true,
            after: None,
        }
    }
}

impl Job for Evaluate {
    const KIND: Kind = Kind::new("alerts.evaluate");
    const LANE: Lane = Lane::Pulse;
    const PRIORITY: Priority = Priority::FIRST;
    // Those behind it wait meanwhile.
    const ATTEMPTS_MAX: u16 = 3;
    const TIME_LIMIT: Duration = Duration::from_secs(60);
    const EVERY: Option<Every> = Some(Every::cron("*/10 * * * * *"));
    // One that cannot be evaluated must not silence everybody: the next one sees what moved since.
    const GATE: Gate = Gate::Group { holds_dead: false };

    fn group(&self) -> Option<String> {
        Some("all".to_owned())
    }

    async fn run(self, ctx: &Ctx) -> Result<Done, Fault> {
        // What this one tells comes after what the one before it does.
        if let Some(gate) = Tell::gate(ctx.tenant)
            && ctx.world.watch.is_in_play(&gate).await?
        {
            let why = "messages of an earlier evaluation are being enqueued";
            return Err(Fault::snooze("alerts.telling", TELLING, why));
        }
        match self.tick {
            Some(tick) if self.undone => on_undone(ctx, tick, self.after).await,
            Some(tick) => on_tick(ctx, tick).await,
            None => on_time(ctx).await,
        }
    }
}

async fn on_tick(ctx: &Ctx, tick: JobId) -> Result<Done, Fault> {
    let moves = ctx.world.watch.moved(tick).await?;
    if moves.is_empty() {
        return Ok(Done::quietly());
    }
    let moved = windows::with_windows(ctx, moves).await?;
    let (mut found, mut after) = (Found::default(), None);
    // All rules at once: until each of them knows of it, the metric has not moved.
    loop {
        let rules = ctx.world.watch.crossed(&moved.moves, after, PAGE).await?;
        let Some(last) = rules.last().map(|rule| rule.id) else {
            break;
        };
        after = Some(last);
        let is_more = rules.len() >= PAGE as usize;
        evaluate(ctx, rules, &moved, ctx.clock.now(), &mut found).await?;
        if !is_more {
            break;
        }
    }
    Ok(done(found, latest(&moved.moves), None))
}

async fn on_undone(ctx: &Ctx, tick: JobId, after: Option<(RuleId, u32)>) -> Result<Done, Fault> {
    let told = ctx.world.watch.undone(tick, after, UNDONE_MAX).await?;
    if told.is_empty() {
        return Ok(Done::quietly());
    }
    let again = undone::rest(tick, &told, UNDONE_MAX);
    let mut found = Found::default();
    for outcome in undone::outcomes(told, ctx.clock.now()) {
        found.add(Ok(outcome));
    }
    Ok(done(found, Vec::new(), again))
}

async fn on_time(ctx: &Ctx) -> Result<Done, Fault> {
    let (now, rules) = ctx.world.watch.due(PAGE).await?;
    if rules.is_empty() {
        return Ok(Done::quietly());
    }
    let is_more = rules.len() >= PAGE as usize;
    let mut found = Found::default();
    evaluate(ctx, rules, &Moved::default(), now, &mut found).await?;
    let again = is_more.then(Evaluate::default);
    Ok(done(found, Vec::new(), again))
}

/// Evaluates some rules at what moved, or at a time where nothing did. One that cannot be evaluated
/// stops no other.
async fn evaluate(
    ctx: &Ctx,
    rules: Vec<Stored>,
    moved: &Moved,
    now: Timestamp,
    found: &mut Found,
) -> Result<(), Fault> {
    let mut read = Vec::with_capacity(rules.len());
    for stored in rules {
        let about = About::of(&stored, now);
        match about.guard(|| Rule::read(stored, now)).flatten() {
            Ok(rule) => read.push(rule),
            Err(broken) => found.add(Err(broken)),
        }
    }
    let metrics: BTreeSet<String> = read.iter().flat_map(Rule::metrics).collect();
    let metrics: Vec<String> = metrics.into_iter().collect();
    let mut known = ctx.world.watch.values(&metrics).await?;
    let begin = read.iter().filter(|rule| rule.begins());
    let begin = begin.flat_map(|rule| rule.plan.leaves.iter().map(|leaf| leaf.key.clone()));
    let begin = windows::beginning(ctx, begin.collect(), &known).await?;
    known.extend(begin);
    let symbols = ctx.world.coins.symbols(&prices(&metrics)).await?;
    let round = Round::new(now, known, moved).naming(symbols);
    found
        .tiers
        .learn(ctx, read.iter().map(Rule::tenant))
        .await?;
    let mut tiers = std::mem::take(&mut found.tiers);
    let evaluated = ctx.cpu(move |_| {
        let outcomes = read.into_iter().map(|rule| {
            let (about, tenant) = (About::of(&rule.stored, now), rule.tenant());
            // What a rule counted whose evaluation failed counts for nothing.
            let mut tier = tiers.of(tenant).clone();
            let evaluated = about.guard(|| (round.evaluate(rule, &mut tier), tier));
            evaluated.map(|(outcome, tier)| {
                *tiers.of(tenant) = tier;
                outcome
            })
        });
        (outcomes.collect::<Vec<_>>(), tiers)
    });
    let (outcomes, tiers) = evaluated.await?;
    found.tiers = tiers;
    for outcome in outcomes {
        found.add(outcome);
    }
    Ok(())
}

/// The keys of prices among what is watched: people know their coins by symbols.
fn prices(keys: &[String]) -> Vec<String> {
    let read = keys.iter().filter_map(|key| key.parse::<Derived>().ok());
    let prices = read.filter(|it| it.metric.family() == Family::Price);
    prices.map(|it| it.metric.to_string()).collect()
}

/// The newest point of each metric.
fn latest(moves: &[Move]) -> Vec<Point> {
    let mut newest: Vec<Point> = Vec::with_capacity(moves.len());
    let mut points: Vec<_> = moves.iter().map(|it| &it.point).collect();
    points.sort_by(|a, b| (&a.metric, b.at).cmp(&(&b.metric, a.at)));
    for point in points {
        if newest.last().is_none_or(|last| last.metric != point.metric) {
            newest.push(point.clone());
        }
    }
    newest
}

fn done(found: Found, seen: Vec<Point>, again: Option<Evaluate>) -> Done {
    let told = found.messages.len();
    let mut result = json!({ "moved": seen.len(), "rules": found.states.len(), "told": told });
    if !found.broken.is_empty() {
        result["broken"] = found.broken.len().into();
    }
    let evaluated = Evaluated {
        seen,
        states: found.states,
        broken: found.broken,
        happened: found.happened,
        told: found.tiers.told(),
    };
    let mut then: Vec<FollowUp> = match told {
        0..=MESSAGES_MAX => found.messages.into_iter().map(Message::follow_up).collect(),
        _ => Tell::of(found.messages).map(FollowUp::of).collect(),
    };
    then.extend(again.map(FollowUp::of));
    Done {
        result: Some(result),
        then,
        writes: vec![Write::Evaluated(Box::new(evaluated))],
        ..Done::default()
    }
}

#[cfg(test)]
mod tests;
