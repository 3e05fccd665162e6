//! Any bytes are a file, a file of no known source, or an error; never a panic.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use packtrain_tax::import::{self, Limits, Mapping, Options};

/// A mapping whose column is the first thing in the bytes that a header can be.
static MAPPED: LazyLock<Options> = LazyLock::new(|| Options {
    mapping: Some(Mapping {
        columns: [("timestamp", "a"), ("amount", "b"), ("asset", "c"), ("type", "d")]
            .map(|(ours, theirs)| (ours.to_owned(), theirs.to_owned()))
            .into(),
        time: Some("%d.%m.%Y %H:%M".to_owned()),
        ..Mapping::default()
    }),
    ..Options::default()
});

fuzz_target!(|bytes: &[u8]| {
    let _ = import::read(bytes, Limits::default());
    let _ = import::read_with(bytes, &MAPPED);
});
