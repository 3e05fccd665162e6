//! Processes of the product, and what is done to them.

use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

/// The program: the one that cargo built for this test, unless another build is to be broken.
pub(crate) fn program() -> PathBuf {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test is asked which build to break"
    )]
    let other = std::env::var("PACKTRAIN_TEST_BINARY");
    other.map_or_else(|_| env!("CARGO_BIN_EXE_packtrain").into(), PathBuf::from)
}

/// The longest that a process may take to end that was told to, or that is to die of its points.
const END_WITHIN: Duration = Duration::from_secs(60);

/// A process under test; it is killed with the test.
pub(crate) struct Process {
    child: Child,
    id: u32,
}

impl Process {
    /// Starts it.
    pub(crate) fn start(command: &mut Command) -> Self {
        let child = command.spawn().unwrap();
        let id = child.id().expect("it was not waited for yet");
        Self { child, id }
    }

    /// Its number.
    pub(crate) const fn id(&self) -> u32 {
        self.id
    }

    /// Sends it a signal.
    pub(crate) fn tell(&self, signal: Signal) {
        tell(self.id, signal);
    }

    /// Ends it the hard way and waits for its end.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Waits for its end, and fails the test when it does not come.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let ended = tokio::time::timeout(END_WITHIN, self.child.wait()).await;
        ended.expect("the process ends in time").unwrap()
    }

    /// Waits so long for its end.
    pub(crate) async fn ends_within(&mut self, patience: Duration) -> bool {
        tokio::time::timeout(patience, self.child.wait())
            .await
            .is_ok()
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Tells it to end and waits until it has ended well.
    pub(crate) async fn stop(&mut self) {
        self.tell(Signal::TERM);
        let status = self.ended().await;
        assert_eq!(status.code(), Some(0), "a process that is told to end does");
    }
}

/// Sends a process a signal.
pub(crate) fn tell(id: u32, signal: Signal) {
    let pid = Pid::from_raw(id.cast_signed()).unwrap();
    // It may have ended meanwhile.
    kill_process(pid, signal).ok();
}

/// A process and everything that descends from it.
pub(crate) fn family(root: u32) -> Vec<u32> {
    let mut parents = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap() {
        let Ok(id) = entry.unwrap().file_name().to_string_lossy().parse::<u32>() else {
            continue;
        };
        // `id (name) state parent`; a name may hold blanks.
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        let after = stat.rsplit_once(") ").map_or("", |(_, after)| after);
        let parent = after.split(' ').nth(1).and_then(|word| word.parse().ok());
        parents.extend(parent.map(|parent: u32| (id, parent)));
    }
    let mut found = vec![root];
    let mut at = 0;
    while at < found.len() {
        let parent = found[at];
        found.extend(
            parents
                .iter()
                .filter(|(_, p)| *p == parent)
                .map(|(id, _)| id),
        );
        at += 1;
    }
    found
}
