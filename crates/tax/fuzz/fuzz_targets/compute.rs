//! Whatever is read, every country computes it or says why not; never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use packtrain_tax::import::{self, Limits};
use packtrain_tax::request::{Country, Request};

fuzz_target!(|bytes: &[u8]| {
    let Ok(import) = import::read(bytes, Limits::default()) else {
        return;
    };
    let ledgers = [import.into_ledger("fuzz.csv")];
    for country in Country::ALL {
        let _ = packtrain_tax::compute(&ledgers, *country, &Request::default());
    }
});
