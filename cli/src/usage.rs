//! What a process took of the machine.

use std::fs;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Processor time of this process so far, of all its threads.
pub(crate) fn own_cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// The most memory that a process held so far, in bytes.
pub(crate) fn memory_peak_bytes(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}

/// What a process holds at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Memory {
    /// All of its pages that are in memory, in bytes.
    pub(crate) rss_bytes: u64,
    /// The same, with each page that it shares divided by those that share it.
    pub(crate) pss_bytes: u64,
}

/// What a process holds; none where it is gone.
pub(crate) fn memory(pid: u32) -> Option<Memory> {
    rollup(&fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?)
}

fn rollup(text: &str) -> Option<Memory> {
    let bytes = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        let kilobytes = line.strip_suffix("kB")?.trim().parse::<u64>().ok()?;
        Some(kilobytes * 1024)
    };
    Some(Memory {
        rss_bytes: bytes("Rss:")?,
        pss_bytes: bytes("Pss:")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_pages_are_told_from_own_ones() {
        let text = "55e0-7ffd ---p 00000000 00:00 0    [rollup]\n\
                    Rss:               24576 kB\n\
                    Pss:               10240 kB\n\
                    Pss_Dirty:          9000 kB\n";
        let memory = Memory {
            rss_bytes: 24_576 * 1024,
            pss_bytes: 10_240 * 1024,
        };
        assert_eq!(rollup(text), Some(memory));
        assert_eq!(rollup(""), None);
        assert!(super::memory(std::process::id()).is_some_and(|own| own.rss_bytes > 0));
    }
}
