//! How files are changed by chance without losing the header that tells their source.

use libfuzzer_sys::fuzzer_mutate;

/// One in so many changes may touch the header too.
const WHOLE_ONE_IN: u32 = 16;
/// Lines that may stand over a header or be it.
const LINES_MAX: usize = 8;

/// Changes the bytes, mostly those below the header: a file whose header is broken is refused
/// before an importer sees a row of it. Returns the new size.
pub fn below_the_header(data: &mut [u8], size: usize, size_max: usize, seed: u32) -> usize {
    let body = match seed % WHOLE_ONE_IN {
        0 => 0,
        _ => body_of(&data[..size]),
    };
    if body >= size_max {
        return fuzzer_mutate(data, size, size_max);
    }
    body + fuzzer_mutate(&mut data[body..], size - body, size_max - body)
}

/// Where the rows begin: after the first of the widest lines on top, or at the very beginning.
fn body_of(file: &[u8]) -> usize {
    let (mut begin, mut widest, mut body) = (0, 0, 0);
    for line in file.split_inclusive(|byte| *byte == b'\n').take(LINES_MAX) {
        begin += line.len();
        let marks = line
            .iter()
            .filter(|byte| matches!(byte, b',' | b';' | b'\t'));
        let width = marks.count();
        if width > widest && line.ends_with(b"\n") {
            (widest, body) = (width, begin);
        }
    }
    body
}
