//! Whether the server takes all connections that the tasks of a fleet may open.
//!
//! Without a word of how many tasks there may be, at least this one has to fit.

use std::fmt;

use packtrain_store::{Capacity, Limits};

use crate::args::Part;
use crate::database::Database;
use crate::failure::{Failure, USAGE};
use crate::settings;

/// What each task has past its pools: a worker listens and renews, a scheduler listens.
const DIRECT_OF_WORKER: u32 = 2;
const DIRECT_OF_SCHEDULER: u32 = 1;

/// Refuses to start in a fleet that may open more connections than the server takes.
pub(crate) async fn check(
    settings: &settings::Database,
    database: &Database,
    own: Part,
) -> Result<(), Failure> {
    if database.server.is_some() {
        return Ok(());
    }
    let tasks = Tasks::of(settings, own);
    if settings.pooled && settings.pooler_connections == 0 && tasks.is_fleet {
        let what = "database.pooled is set and database.pooler_connections is not";
        return Err(Failure::new(USAGE, what).help(
            "say how many connections all poolers together open for each role: default_pool_size \
             of pgbouncer.ini times the number of poolers",
        ));
    }
    let capacity = packtrain_store::capacity(&database.urls.direct).await?;
    Needs::of(settings, &tasks).within(capacity, &tasks)
}

/// How many tasks of each part there may be.
struct Tasks {
    api: u32,
    worker: u32,
    scheduler: u32,
    /// Whether anybody said how many.
    is_fleet: bool,
}

impl Tasks {
    /// As the settings say; of its own part a task knows of one.
    fn of(settings: &settings::Database, own: Part) -> Self {
        let at_least = |tasks: u32, part: Part| tasks.max(u32::from(part == own));
        let (api, worker, scheduler) = (
            settings.api_tasks_max,
            settings.worker_tasks_max,
            settings.scheduler_tasks_max,
        );
        Self {
            api: at_least(api, Part::Api),
            worker: at_least(worker, Part::Worker),
            scheduler: at_least(scheduler, Part::Scheduler),
            is_fleet: [api, worker, scheduler] != [0; 3],
        }
    }

    /// Who would open too many connections.
    const fn name(&self) -> &'static str {
        if self.is_fleet {
            "all tasks"
        } else {
            "this task alone"
        }
    }
}

/// A sum of connections, written out.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Sum(Vec<(u32, u32, &'static str)>);

impl Sum {
    fn total(&self) -> u32 {
        let each = self
            .0
            .iter()
            .map(|(tasks, each, _)| tasks.saturating_mul(*each));
        each.fold(0, u32::saturating_add)
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut plus = "";
        for (tasks, each, what) in self.0.iter().filter(|(tasks, ..)| *tasks > 0) {
            write!(f, "{plus}{tasks} {what} x {each}")?;
            plus = " + ";
        }
        write!(f, " = {}", self.total())
    }
}

/// Connections that the tasks together may open, by role.
struct Needs {
    app: Sum,
    operator: Sum,
    worker: Sum,
}

impl Needs {
    fn of(settings: &settings::Database, tasks: &Tasks) -> Self {
        let Tasks {
            api,
            worker,
            scheduler,
            ..
        } = *tasks;
        if settings.pooled {
            let lent = (1, settings.pooler_connections, "pooler's share");
            let direct = vec![
                lent,
                (worker, DIRECT_OF_WORKER, "workers direct"),
                (scheduler, DIRECT_OF_SCHEDULER, "schedulers direct"),
            ];
            return Self {
                app: Sum(vec![lent]),
                operator: Sum(vec![lent]),
                worker: Sum(direct),
            };
        }
        // Each asks once at its start whether every role may log in, and keeps that connection for
        // a while.
        let pool = settings.connections;
        let seldom = Sum(vec![
            (api, pool, "API"),
            (worker, 1, "workers"),
            (scheduler, 1, "schedulers"),
        ]);
        Self {
            app: seldom.clone(),
            operator: seldom,
            worker: Sum(vec![
                (api, 1, "API"),
                (worker, pool + DIRECT_OF_WORKER, "workers"),
                (scheduler, pool + DIRECT_OF_SCHEDULER, "schedulers"),
            ]),
        }
    }

    fn within(&self, capacity: Capacity, tasks: &Tasks) -> Result<(), Failure> {
        let who = tasks.name();
        let Capacity {
            connections_max,
            reserved,
            limits:
                Limits {
                    app,
                    operator,
                    worker,
                },
        } = capacity;
        let help = "lower database.connections or the tasks, put a pooler before the server, or \
                    raise its limit; docs/fleet.md has an example";
        for (role, sum, limit) in [
            ("app", &self.app, app),
            ("operator", &self.operator, operator),
            ("worker", &self.worker, worker),
        ] {
            if let Some(limit) = limit.filter(|limit| sum.total() > *limit) {
                let what = format!(
                    "{who} may open {sum} connections as packtrain_{role}, and its connection \
                     limit is {limit}"
                );
                return Err(Failure::new(USAGE, what).help(help));
            }
        }
        let all = [&self.app, &self.operator, &self.worker];
        let total = all
            .map(Sum::total)
            .iter()
            .fold(0, |sum: u32, n| sum.saturating_add(*n));
        let free = connections_max.saturating_sub(reserved);
        if total <= free {
            return Ok(());
        }
        let what = format!(
            "{who} may open {total} connections, and the server takes {free} \
             (max_connections {connections_max} - {reserved} reserved)"
        );
        let mut failure = Failure::new(USAGE, what).help(help);
        failure.details = format!(
            "  packtrain_app: {}\n  packtrain_operator: {}\n  packtrain_worker: {}",
            self.app, self.operator, self.worker
        );
        Err(failure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::load;

    const TASKS: &str = "api_tasks_max = 2\nworker_tasks_max = 3\nscheduler_tasks_max = 2";

    /// What the tasks of these settings need, and they.
    fn of(lines: &str, own: Part) -> (Needs, Tasks) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("packtrain.toml");
        std::fs::write(&file, format!("[database]\n{lines}\n")).unwrap();
        let settings = load(Some(&file), &[]).unwrap().settings.database;
        let tasks = Tasks::of(&settings, own);
        (Needs::of(&settings, &tasks), tasks)
    }

    /// What the fleet needs.
    fn needs(more: &str) -> Needs {
        of(&format!("{TASKS}\n{more}"), Part::Worker).0
    }

    impl Needs {
        /// Whether the fleet fits.
        fn fits(&self, capacity: Capacity) -> Result<(), Failure> {
            self.within(capacity, &of(TASKS, Part::Worker).1)
        }
    }

    fn server(connections_max: u32, worker: Option<u32>) -> Capacity {
        Capacity {
            connections_max,
            reserved: 3,
            limits: Limits {
                worker,
                ..Limits::default()
            },
        }
    }

    #[test]
    fn tasks_that_may_open_more_than_the_server_takes_are_refused_with_the_sum_written_out() {
        let needs = needs("");
        assert_eq!(
            needs.app.to_string(),
            "2 API x 10 + 3 workers x 1 + 2 schedulers x 1 = 25"
        );
        let worker = "2 API x 1 + 3 workers x 12 + 2 schedulers x 11 = 60";
        assert_eq!(needs.worker.to_string(), worker);
        assert!(needs.fits(server(113, None)).is_ok());
        let refusal = needs.fits(server(112, None)).unwrap_err();
        let sum = "all tasks may open 110 connections, and the server takes 109 \
                   (max_connections 112 - 3 reserved)";
        assert_eq!(refusal.what, sum);
        assert!(refusal.details.contains(worker), "{}", refusal.details);
    }

    #[test]
    fn tasks_that_may_open_more_than_a_role_is_granted_are_refused() {
        assert!(needs("").fits(server(500, Some(60))).is_ok());
        let refusal = needs("").fits(server(500, Some(59))).unwrap_err();
        assert!(
            refusal
                .what
                .contains("as packtrain_worker, and its connection limit is 59"),
            "{}",
            refusal.what
        );
    }

    #[test]
    fn without_a_word_of_the_fleet_a_task_alone_has_to_fit() {
        for (part, own) in [
            (Part::Api, 10 + 10 + 1),
            (Part::Worker, 1 + 1 + 12),
            (Part::Scheduler, 1 + 1 + 11),
        ] {
            let (needs, tasks) = of("", part);
            assert!(needs.within(server(own + 3, None), &tasks).is_ok());
            let refusal = needs.within(server(own + 2, None), &tasks).unwrap_err();
            let words = format!("this task alone may open {own} connections");
            assert!(refusal.what.starts_with(&words), "{}", refusal.what);
        }
        // One that the settings forgot counts all the same.
        let (needs, tasks) = of("api_tasks_max = 1", Part::Worker);
        assert!(needs.within(server(21 + 14 + 3, None), &tasks).is_ok());
        assert!(needs.within(server(21 + 14 + 2, None), &tasks).is_err());
        // What a pooler opens is its own; past it a worker has two.
        let (needs, tasks) = of("pooled = true", Part::Worker);
        assert!(needs.within(server(2 + 3, None), &tasks).is_ok());
        assert!(needs.within(server(1 + 3, None), &tasks).is_err());
    }

    #[test]
    fn through_a_pooler_its_shares_count_and_what_goes_past_it() {
        let needs = needs("pooled = true\npooler_connections = 20");
        assert_eq!(needs.app.total(), 20);
        assert_eq!(needs.worker.total(), 20 + 3 * 2 + 2);
        assert!(needs.fits(server(71, None)).is_ok());
        assert!(needs.fits(server(70, None)).is_err());
    }
}
