//! Names of queues, and what SQS takes as a group.

use packtrain_core::job::Lane;

use super::client::SqsSettings;

/// How the name of a queue that keeps order ends.
const FIFO: &str = ".fifo";
/// Characters of a group, at most.
const GROUP_CHARS_MAX: usize = 128;

impl SqsSettings {
    /// The queue of a lane.
    pub fn queue(&self, lane: Lane) -> String {
        match lane {
            Lane::Pulse => self.pulse_queue.clone(),
            Lane::Notify => self.notify_queue.clone(),
            Lane::Io | Lane::Cpu | Lane::Bulk | Lane::Ops => format!("{}{lane}", self.prefix),
        }
    }

    /// The queue in which the dead letters of a lane are shown.
    pub fn dead_queue(&self, lane: Lane) -> String {
        let queue = self.queue(lane);
        match queue.strip_suffix(FIFO) {
            Some(stem) => format!("{stem}-dlq{FIFO}"),
            None => format!("{queue}-dlq"),
        }
    }
}

/// Whether a queue keeps order within groups.
pub(super) fn is_fifo(queue: &str) -> bool {
    queue.ends_with(FIFO)
}

/// A group as SQS takes it: letters, digits and signs of ASCII, 128 at most. What is changed for
/// that gets a checksum, so that groups that differed still do.
pub(super) fn group(text: &str) -> String {
    let is_taken = |c: char| c.is_ascii_graphic();
    if !text.is_empty() && text.len() <= GROUP_CHARS_MAX && text.chars().all(is_taken) {
        return text.to_owned();
    }
    // FNV-1a: it need not withstand anybody, and is the same in every version.
    let sum = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let kept = text.chars().take(GROUP_CHARS_MAX - 17);
    let kept: String = kept.map(|c| if is_taken(c) { c } else { '_' }).collect();
    format!("{kept}-{sum:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_that_sqs_would_refuse_is_changed_and_stays_different_from_others() {
        assert_eq!(group("ten_1:alerts"), "ten_1:alerts");
        let long = "x".repeat(200);
        for odd in ["", "a b", "a\u{fc}b", "a\nb", long.as_str()] {
            let taken = group(odd);
            assert!(taken.len() <= GROUP_CHARS_MAX, "{taken}");
            assert!(taken.chars().all(|c| c.is_ascii_graphic()), "{taken}");
        }
        assert_ne!(group("a b"), group("a\tb"));
        assert_eq!(group(&long), group(&long));
    }
}
