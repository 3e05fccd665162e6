//! `packtrain bench alerts`: from a price to those who are told. Receivers of webhooks and mails
//! are in this process; rules are evaluated and messages delivered by a worker process.

mod legs;
mod proof;
mod replay;
mod scene;
mod sinks;

use std::time::Duration;

use serde_json::json;

use self::legs::Legs;
use self::replay::Replayed;
use self::scene::{KEY, Scene};
use super::cost::{Cost, Moment, load};
use super::ground::Ground;
use super::worker::WorkerProcess;
use crate::args::{BenchAlerts, Global};
use crate::failure::{FAILED, Failure};
use crate::table::Table;
use crate::wiring::sealing;

/// Connections of the worker to the mail server.
const MAIL_CONNECTIONS: u32 = 8;
/// Its connections to the database.
const CONNECTIONS: usize = 20;

/// Runs the command.
pub(crate) async fn run(
    global: &Global,
    args: &BenchAlerts,
    ground: &Ground,
) -> Result<(), Failure> {
    let scene = Scene::open(ground).await?;
    let before = Moment::now(ground).await?;
    let mut worker = WorkerProcess::telling(ground, settings(&scene, args))?;
    worker.registered(ground).await?;
    let legs = match args.ticks {
        0 => None,
        _ => Some(worker.meanwhile(legs::measure(&scene, args)).await?),
    };
    let pid = worker.pid;
    let replayed = match args.alerts {
        0 => None,
        _ => Some(worker.meanwhile(replay::run(&scene, args, pid)).await?),
    };
    let memory = worker.memory_peak_bytes();
    let worker_cpu = worker.cpu();
    worker.end().await?;
    let cost = before.cost(ground).await?;
    ground.steps.finish();
    let told = scene.sinks.count();
    print(global, args, legs.as_ref(), replayed.as_ref());
    if !global.json {
        print_cost(&cost, worker_cpu, told, memory);
    }
    match replayed {
        Some(replayed) if !replayed.proof.holds() => {
            let what = "messages were lost, doubled or out of order, as it stands above";
            Err(Failure::new(FAILED, what))
        }
        _ => Ok(()),
    }
}

/// How the worker differs from what the bench's own settings say.
fn settings(scene: &Scene<'_>, args: &BenchAlerts) -> Vec<(&'static str, String)> {
    let mut settings = vec![
        ("DATABASE_CONNECTIONS", CONNECTIONS.to_string()),
        ("WORKER_NOTIFY_SLOTS", args.slots.to_string()),
        ("NOTIFY_PLAIN_HTTP", true.to_string()),
        ("NOTIFY_NETWORKS", r#"["127.0.0.0/8"]"#.to_owned()),
        ("NOTIFY_KEYS", sealing::written(KEY).reveal().clone()),
    ];
    if cfg!(feature = "email") {
        settings.extend([
            ("EMAIL_HOST", "127.0.0.1".to_owned()),
            ("EMAIL_PORT", scene.sinks.mail_port().to_string()),
            ("EMAIL_SECURITY", "plain".to_owned()),
            ("EMAIL_FROM", "packtrain <alerts@example.org>".to_owned()),
            ("EMAIL_CONNECTIONS", MAIL_CONNECTIONS.to_string()),
        ]);
    }
    settings
}

fn print(global: &Global, args: &BenchAlerts, legs: Option<&Legs>, replayed: Option<&Replayed>) {
    if global.json {
        let document = json!({
            "legs": legs.map(Legs::json), "replay": replayed.map(Replayed::json),
            "rules": args.rules, "ticks": args.ticks, "rate": args.rate, "load": load(),
        });
        anstream::println!("{document}");
        return;
    }
    if let Some(legs) = legs {
        legs.print(args);
    }
    if let Some(replayed) = replayed {
        replayed.print(args);
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of messages are far below what a float holds exactly"
)]
fn print_cost(cost: &Cost, worker_cpu: Duration, told: usize, memory: u64) {
    let each = |time: Duration| time.as_secs_f64() * 1e6 / told.max(1) as f64;
    anstream::println!(
        "A message costs {:.0} us of the worker's processor time, {:.0} of PostgreSQL's, {:.0} of \
         this process's, {:.0} B of log and {:.2} commits, with the making of rules and all \
         evaluations. Peak memory of the worker: {:.1} MB. Load averages at the end: {}",
        each(worker_cpu),
        each(cost.server_cpu),
        each(cost.own_cpu),
        cost.wal_bytes as f64 / told.max(1) as f64,
        cost.commits as f64 / told.max(1) as f64,
        memory as f64 / 1e6,
        load(),
    );
}

impl Replayed {
    /// Rows of the table: moments, with how long what was taken since the one before took.
    fn rows(&self) -> Vec<(replay::Stretch, super::spread::Spread)> {
        let mut from = 0.0;
        let rows = self.stretches.iter().map(|stretch| {
            let spread = self.proof.spread(from, stretch.until_s);
            from = stretch.until_s;
            (*stretch, spread)
        });
        rows.collect()
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of messages are far below what a float holds exactly"
    )]
    fn rate(&self) -> f64 {
        self.proof.told as f64 / self.taken_s.max(f64::MIN_POSITIVE)
    }

    fn json(&self) -> serde_json::Value {
        let proof = &self.proof;
        let rows = self.rows().into_iter().map(|(stretch, spread)| {
            json!({
                "until_s": stretch.until_s, "asked": stretch.asked, "taken": stretch.taken,
                "backlog": stretch.asked.saturating_sub(stretch.taken), "way": spread.json(),
                "worker_cpu_s": stretch.worker_cpu.as_secs_f64(),
            })
        });
        json!({
            "rows": rows.collect::<Vec<_>>(), "told": proof.told, "lost": proof.lost,
            "doubled": proof.doubled, "disordered": proof.disordered, "mails": self.mails,
            "refused_at_first": self.refused, "asked_s": self.asked_s, "taken_s": self.taken_s,
            "taken_per_s": self.rate(),
        })
    }

    fn print(&self, args: &BenchAlerts) {
        let mut table = Table::new(&[
            "UNTIL S ",
            "TOLD ",
            "TAKEN ",
            "BACKLOG ",
            "WAY P50 MS ",
            "P99 MS ",
            "WORKER CPU S ",
        ]);
        for (stretch, spread) in self.rows() {
            table.row([
                format!("{:.0}", stretch.until_s),
                stretch.asked.to_string(),
                stretch.taken.to_string(),
                stretch.asked.saturating_sub(stretch.taken).to_string(),
                format!("{:.0}", spread.p50()),
                format!("{:.0}", spread.p99()),
                format!("{:.1}", stretch.worker_cpu.as_secs_f64()),
            ]);
        }
        table.print("Nothing was told.");
        let proof = &self.proof;
        anstream::println!(
            "\n{} alerts in {:.1} s, the first half at {} a second, the second at twice that; all \
             taken after {:.1} s: {:.0} a second. {} of them were mails; {} were refused once, by \
             5 of 100 endpoints that fail at first.\nLost: {}. Taken twice under one key: {}. Out \
             of the order of their rule: {}. Way is from before a price is observed to when its \
             message was read, of those that were taken since the row before.\n",
            proof.told,
            self.asked_s,
            args.rate,
            self.taken_s,
            self.rate(),
            self.mails,
            self.refused,
            proof.lost,
            proof.doubled,
            proof.disordered,
        );
    }
}
