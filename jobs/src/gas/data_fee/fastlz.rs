//! How many bytes FastLZ leaves of a transaction: what the OP Stack takes its size to be since
//! Fjord. Only the count is made, in the way of the contract, whose matches are those of level 1.

/// Bytes that are looked at together.
const GROUP: usize = 3;
/// Places that the table of groups has.
const TABLE: usize = 1 << 13;
/// How far back a repetition may lie.
const FAR_MAX: usize = 0x1fff;
/// Bytes at the end in which no repetition begins, and in which none goes on.
const TAIL_BEGIN: usize = 13;
const TAIL_GO_ON: usize = 4;
/// Bytes that go into one run as they are, and those of one repetition.
const RUN_MAX: usize = 32;
const REPEAT_MAX: usize = 262;
/// A repetition of so many bytes takes a third byte.
const LONG: usize = 6;

/// The bytes that are left.
pub fn compressed_bytes(input: &[u8]) -> u64 {
    let mut left = 0;
    let mut seen = vec![0_usize; TABLE];
    let (mut done, mut at) = (0, 2);
    let end = input.len().saturating_sub(TAIL_BEGIN);
    while at < end {
        let group = group(input, at);
        let place = place(group);
        let before = std::mem::replace(&mut seen[place], at);
        let is_near = at - before <= FAR_MAX;
        // As the contract does: the last place of all begins no repetition.
        if at + 1 >= end || !is_near || group != self::group(input, before) {
            at += 1;
            continue;
        }
        left += run(at - done);
        let beyond = &input[at + GROUP..input.len() - TAIL_GO_ON];
        let pairs = beyond.iter().zip(&input[before + GROUP..]);
        let equal = pairs.take_while(|(one, other)| one == other).count();
        // The byte that differs is counted too, where there is one.
        let length = (equal + 1).min(beyond.len());
        left += repetition(length);
        at += length;
        for _ in 0..2 {
            seen[self::place(self::group(input, at))] = at;
            at += 1;
        }
        done = at;
    }
    left += run(input.len() - done);
    left as u64
}

fn group(input: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([input[at], input[at + 1], input[at + 2], 0])
}

fn place(group: u32) -> usize {
    (group.wrapping_mul(2_654_435_769) >> 19) as usize % TABLE
}

/// What bytes take that go in as they are.
const fn run(bytes: usize) -> usize {
    let rest = bytes % RUN_MAX;
    (RUN_MAX + 1) * (bytes / RUN_MAX) + if rest == 0 { 0 } else { rest + 1 }
}

/// What a repetition takes that goes so far beyond its first group, by one at least.
const fn repetition(length: usize) -> usize {
    let rest = (length - 1) % REPEAT_MAX;
    3 * ((length - 1) / REPEAT_MAX) + if rest >= LONG { 3 } else { 2 }
}
