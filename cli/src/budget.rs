//! Whether the server takes all connections that the tasks of a fleet may open.

use std::fmt;

use packtrain_store::{Capacity, Limits};

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
) -> Result<(), Failure> {
    let tasks = [
        settings.api_tasks_max,
        settings.worker_tasks_max,
        settings.scheduler_tasks_max,
    ];
    if tasks == [0; 3] || database.server.is_some() {
        return Ok(());
    }
    if settings.pooled && settings.pooler_connections == 0 {
        let what = "database.pooled is set and database.pooler_connections is not";
        return Err(Failure::new(USAGE, what).help(
            "say how many connections all poolers together open for each role: default_pool_size \
             of pgbouncer.ini times the number of poolers",
        ));
    }
    let capacity = packtrain_store::capacity(&database.urls.direct).await?;
    Needs::of(settings).within(capacity)
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
    fn of(settings: &settings::Database) -> Self {
        let (api, worker, scheduler) = (
            settings.api_tasks_max,
            settings.worker_tasks_max,
            settings.scheduler_tasks_max,
        );
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

    fn within(&self, capacity: Capacity) -> Result<(), Failure> {
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
                    "all tasks may open {sum} connections as packtrain_{role}, and its connection \
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
            "all tasks may open {total} connections, and the server takes {free} \
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

    fn needs(more: &str) -> Needs {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("packtrain.toml");
        let tasks = "api_tasks_max = 2\nworker_tasks_max = 3\nscheduler_tasks_max = 2";
        std::fs::write(&file, format!("[database]\n{tasks}\n{more}\n")).unwrap();
        Needs::of(&load(Some(&file), &[]).unwrap().settings.database)
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
        assert!(needs.within(server(113, None)).is_ok());
        let refusal = needs.within(server(112, None)).unwrap_err();
        let sum = "all tasks may open 110 connections, and the server takes 109 \
                   (max_connections 112 - 3 reserved)";
        assert_eq!(refusal.what, sum);
        assert!(refusal.details.contains(worker), "{}", refusal.details);
    }

    #[test]
    fn tasks_that_may_open_more_than_a_role_is_granted_are_refused() {
        assert!(needs("").within(server(500, Some(60))).is_ok());
        let refusal = needs("").within(server(500, Some(59))).unwrap_err();
        assert!(
            refusal
                .what
                .contains("as packtrain_worker, and its connection limit is 59"),
            "{}",
            refusal.what
        );
    }

    #[test]
    fn through_a_pooler_its_shares_count_and_what_goes_past_it() {
        let needs = needs("pooled = true\npooler_connections = 20");
        assert_eq!(needs.app.total(), 20);
        assert_eq!(needs.worker.total(), 20 + 3 * 2 + 2);
        assert!(needs.within(server(71, None)).is_ok());
        assert!(needs.within(server(70, None)).is_err());
    }
}
