//! Any bytes are a file, a file of no known source, or an error; never a panic.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use packtrain_tax::import::{self, Limits, Mapping, Options};
use packtrain_tax_fuzz::below_the_header;

/// A mapping of columns whose names are short enough to be found by chance.
static MAPPED: LazyLock<Options> = LazyLock::new(|| Options {
    mapping: Some(Mapping {
        columns: [
            ("timestamp", "a"),
            ("amount", "b"),
            ("asset", "c"),
            ("type", "d"),
        ]
        .map(|(ours, theirs)| (ours.to_owned(), theirs.to_owned()))
        .into(),
        time: Some("%d.%m.%Y %H:%M".to_owned()),
        ..Mapping::default()
    }),
    ..Options::default()
});

/// What files of a chain do not say.
static TOLD: LazyLock<Options> = LazyLock::new(|| Options {
    zone: "Europe/Berlin".parse().ok(),
    wallet: Some("0x00000000000000000000000000000000000000a1".to_owned()),
    coin: Some("ETH".to_owned()),
    ..Options::default()
});

fuzz_target!(|bytes: &[u8]| {
    // One or the other: most of the time goes into finding the source.
    let read = if bytes.len() % 2 == 0 {
        import::read(bytes, Limits::default())
    } else {
        import::read_with(bytes, &TOLD)
    };
    if read.is_err() {
        let _ = import::read_with(bytes, &MAPPED);
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, size_max: usize, seed: u32| {
    below_the_header(data, size, size_max, seed)
});
