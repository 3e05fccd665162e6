//! Evaluates the rules that watch what moved, and those whose time has come.

mod round;

use std::collections::BTreeSet;
use std::time::Duration;

use packtrain_core::fault::Fault;
use packtrain_core::ids::JobId;
use packtrain_core::job::{Ctx, Done, FollowUp, Gate, Job, Kind, Lane, Priority};
use packtrain_core::limits::FOLLOW_UPS_MAX;
use packtrain_core::ports::{Evaluated, Move, Point, Watched, Write};
use packtrain_core::schedule::Every;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use round::{Found, Round};

/// Rules that are read at once.
const PAGE: u32 = 1_000;
/// Messages of one evaluation, so that another one may follow; the rules after it come at once.
const MESSAGES_MAX: usize = FOLLOW_UPS_MAX - 1;

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
}

impl Evaluate {
    /// Evaluates what a job observed.
    pub const fn of(tick: JobId) -> Self {
        Self { tick: Some(tick) }
    }
}

impl Job for Evaluate {
    const KIND: Kind = Kind::new("alerts.evaluate");
    const LANE: Lane = Lane::Pulse;
    const PRIORITY: Priority = Priority::FIRST;
    const ATTEMPTS_MAX: u16 = 10;
    const TIME_LIMIT: Duration = Duration::from_secs(60);
    const EVERY: Option<Every> = Some(Every::cron("*/10 * * * * *"));
    // One that cannot be evaluated must not silence everybody: the next one sees what moved since.
    const GATE: Gate = Gate::Group { holds_dead: false };

    fn group(&self) -> Option<String> {
        Some("all".to_owned())
    }

    async fn run(self, ctx: &Ctx) -> Result<Done, Fault> {
        match self.tick {
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
    let (mut found, mut after, mut is_whole) = (Found::default(), None, true);
    loop {
        let rules = ctx.world.watch.crossed(&moves, after, PAGE).await?;
        let Some(last) = rules.last().map(|rule| rule.id) else {
            break;
        };
        after = Some(last);
        is_whole = found.add(evaluate(ctx, rules, &moves).await?, MESSAGES_MAX);
        if !is_whole {
            break;
        }
    }
    // Until all rules know of it, it has not been seen: those that do find nothing new in it.
    let seen = if is_whole { latest(&moves) } else { Vec::new() };
    let again = (!is_whole).then(|| Evaluate::of(tick));
    Ok(done(found, seen, again))
}

async fn on_time(ctx: &Ctx) -> Result<Done, Fault> {
    let rules = ctx.world.watch.due(PAGE).await?;
    let is_more = rules.len() >= PAGE as usize;
    let mut found = Found::default();
    let is_whole = found.add(evaluate(ctx, rules, &[]).await?, MESSAGES_MAX);
    let again = (is_more || !is_whole).then(Evaluate::default);
    Ok(done(found, Vec::new(), again))
}

/// Evaluates some rules at what moved, or at the time where nothing did.
async fn evaluate(
    ctx: &Ctx,
    rules: Vec<Watched>,
    moves: &[Move],
) -> Result<Vec<round::Outcome>, Fault> {
    let rules: Vec<_> = rules.into_iter().filter_map(round::Rule::read).collect();
    let metrics: BTreeSet<String> = rules.iter().flat_map(round::Rule::metrics).collect();
    let metrics: Vec<String> = metrics.into_iter().collect();
    let known = ctx.world.watch.values(&metrics).await?;
    let round = Round::new(ctx.clock.now(), known, moves);
    ctx.cpu(move |_| rules.into_iter().map(|rule| round.evaluate(rule)).collect())
        .await
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
    let result = json!({
        "moved": seen.len(), "rules": found.states.len(), "told": found.messages.len(),
    });
    let evaluated = Evaluated {
        seen,
        states: found.states,
        happened: found.happened,
    };
    let mut then = found.messages;
    then.extend(again.map(FollowUp::of));
    Done {
        result: Some(result),
        then,
        writes: vec![Write::Evaluated(Box::new(evaluated))],
        ..Done::default()
    }
}
