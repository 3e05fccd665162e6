//! Any bytes are a list of prices or an error; never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use packtrain_tax::prices::Prices;

fuzz_target!(|bytes: &[u8]| {
    let _ = Prices::read(bytes);
});
