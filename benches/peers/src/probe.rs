//! The job that every peer runs, and what its worker says of it on standard output.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Holds its slot for a while, or not at all.
#[derive(Debug, Clone, Serialize, Deserialize, awa::JobArgs)]
pub(crate) struct Probe {
    #[serde(default, skip_serializing_if = "is_none")]
    pub(crate) hold_ms: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde asks")]
const fn is_none(hold_ms: &u64) -> bool {
    *hold_ms == 0
}

/// What the worker process says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Telling {
    /// A line for each job that begins.
    pub(crate) each: bool,
    /// A line when so many have run.
    pub(crate) all: usize,
}

static TELLING: LazyLock<Mutex<Option<Telling>>> = LazyLock::new(Mutex::default);
static RAN: AtomicUsize = AtomicUsize::new(0);

/// Decides what is said.
pub(crate) fn tell(telling: Telling) {
    *TELLING.lock().expect("nothing panics under the lock") = Some(telling);
}

/// This worker looks for jobs from now on.
pub(crate) fn ready() {
    say("ready");
}

/// Microseconds since 1970, as the server's clock has them: it is on this machine.
#[expect(clippy::disallowed_methods, reason = "a bench has no other clock")]
pub(crate) fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
    })
}

impl Probe {
    pub(crate) async fn work(self) {
        let telling = *TELLING.lock().expect("nothing panics under the lock");
        let Some(telling) = telling else { return };
        if telling.each {
            say(&format!("began {}", now_us()));
        }
        if self.hold_ms > 0 {
            tokio::time::sleep(Duration::from_millis(self.hold_ms)).await;
        }
        if RAN.fetch_add(1, Ordering::Relaxed) + 1 == telling.all {
            say("all");
        }
    }
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // Nobody hears it when the bench is gone; then this process goes too.
    writeln!(out, "{line}").and_then(|()| out.flush()).ok();
}
