//! Publishes how much work waits in each lane, for whoever starts workers.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use packtrain_core::fault::chain;
use packtrain_core::job::Lane;
use packtrain_core::patience::patient;
use packtrain_core::ports::{BACKLOG_SECONDS, Backlog, Backlogs};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::emf;
use crate::upkeep::ticks;

/// How often it is published.
const PUBLISH_EVERY: Duration = Duration::from_secs(15);

/// Publishes until `stop`: as gauges of this process, and as lines for CloudWatch to `lines` where
/// these are wanted. Every replica does it; the figures are of the database and the same.
pub async fn publish(
    store: Arc<dyn Backlogs>,
    mut lines: Option<Box<dyn Write + Send>>,
    stop: CancellationToken,
) {
    let publishing = async {
        let mut ticks = ticks(PUBLISH_EVERY);
        loop {
            ticks.tick().await;
            match patient(store.backlog()).await {
                Ok(backlog) => {
                    show(&backlog);
                    if let Some(out) = lines.take() {
                        lines = print(backlog, out).await;
                    }
                }
                Err(error) => {
                    forget();
                    let error = chain(&error);
                    warn!(error, "the backlog could not be read, trying again");
                }
            }
        }
    };
    stop.run_until_cancelled(publishing).await;
}

fn show(backlog: &Backlog) {
    for lane in &backlog.lanes {
        for (name, value) in lane.figures(backlog.now) {
            metrics::gauge!(name, "lane" => lane.lane.as_str()).set(value);
        }
    }
}

/// A figure that nobody could read is no number: an old one would look like a steady load.
fn forget() {
    for lane in Lane::ALL {
        metrics::gauge!(BACKLOG_SECONDS, "lane" => lane.as_str()).set(f64::NAN);
    }
}

/// Writes the lines on a thread that may block: whoever reads them may be slow. Gives back where
/// they go.
async fn print(backlog: Backlog, mut out: Box<dyn Write + Send>) -> Option<Box<dyn Write + Send>> {
    let writing = tokio::task::spawn_blocking(move || (write(&backlog, &mut out), out));
    match writing.await {
        Ok((written, out)) => {
            if let Err(error) = written {
                warn!(%error, "the backlog could not be written for CloudWatch");
            }
            Some(out)
        }
        Err(error) => {
            warn!(%error, "writing the backlog for CloudWatch ended badly and is given up");
            None
        }
    }
}

fn write(backlog: &Backlog, lines: &mut dyn Write) -> io::Result<()> {
    for lane in &backlog.lanes {
        writeln!(lines, "{}", emf::line(lane, backlog.now))?;
    }
    lines.flush()
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};

    use async_trait::async_trait;
    use packtrain_core::ports::{LaneBacklog, StoreError};

    use super::*;
    use crate::silent::Silent;

    struct One(Silent);

    #[async_trait]
    impl Backlogs for One {
        async fn backlog(&self) -> Result<Backlog, StoreError> {
            self.0.hear("backlog").await;
            Ok(Backlog {
                now: "2026-11-24T12:00:00Z".parse().unwrap(),
                lanes: vec![emf::tests::lane(), emf::tests::paused()],
            })
        }
    }

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut page = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            page.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn every_lane_has_a_line_every_fifteen_seconds_although_the_database_once_is_silent() {
        let (store, page) = (Arc::new(One(Silent::default())), Page::default());
        let publishing = publish(
            Arc::clone(&store) as Arc<dyn Backlogs>,
            Some(Box::new(page.clone())),
            CancellationToken::new(),
        );
        let minutes = Duration::from_secs(10 * 60);
        assert!(tokio::time::timeout(minutes, publishing).await.is_err());
        assert_eq!(store.0.asked_again(), ["backlog"]);
        let text = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
        // A line that was being written at the end is not whole.
        let (whole, _) = text.rsplit_once('\n').unwrap();
        let lanes = whole.lines().map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            line["lane"].as_str().unwrap().to_owned()
        });
        let lanes: Vec<String> = lanes.collect();
        assert_eq!(lanes[..4], ["notify", "cpu", "notify", "cpu"]);
        // One look in vain costs some of the forty.
        assert!((60..=80).contains(&lanes.len()), "{}", lanes.len());
    }

    #[test]
    fn what_is_published_has_the_lane_and_not_the_worker_as_its_label() {
        let lane: LaneBacklog = emf::tests::lane();
        let names: Vec<_> = lane
            .figures("2026-11-24T12:00:00Z".parse().unwrap())
            .map(|(name, _)| name)
            .into();
        for name in [
            "packtrain_backlog_seconds",
            "packtrain_backlog_jobs",
            "packtrain_backlog_oldest_seconds",
        ] {
            assert!(names.contains(&name), "{name}");
        }
    }
}
