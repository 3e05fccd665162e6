//! Whatever is read, a country computes it or says why not; never a panic.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use packtrain_tax::import::{self, Limits};
use packtrain_tax::jurisdiction::{self, OptionKind};
use packtrain_tax::request::{Country, Request, Scope};
use packtrain_tax_fuzz::below_the_header;

fuzz_target!(|bytes: &[u8]| {
    let Ok(import) = import::read(bytes, Limits::default()) else {
        return;
    };
    let ledgers = [import.into_ledger("fuzz.csv")];
    // One of all countries, methods and options: with all at once there were few files a second.
    let mut choices = Choices::of(bytes);
    let country = choices.one(Country::ALL);
    let request = choices.request(country);
    let _ = packtrain_tax::compute(&ledgers, country, &request);
});

fuzz_mutator!(|data: &mut [u8], size: usize, size_max: usize, seed: u32| {
    below_the_header(data, size, size_max, seed)
});

/// Choices that the bytes make: the same file always asks for the same.
struct Choices(u32);

impl Choices {
    fn of(bytes: &[u8]) -> Self {
        let mixed = |sum: u32, byte: &u8| (sum ^ u32::from(*byte)).wrapping_mul(16_777_619);
        Self(bytes.iter().fold(2_166_136_261, mixed))
    }

    fn one<T: Copy>(&mut self, all: &[T]) -> T {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        all[(self.0 >> 16) as usize % all.len()]
    }

    /// Methods, scopes and options that the country knows.
    fn request(&mut self, country: Country) -> Request {
        let rules = jurisdiction::of(country);
        let options = rules.options.iter().map(|option| {
            let value = match option.kind {
                OptionKind::Words(words) => self.one(words),
                OptionKind::ByWallet(words) => self.one(words),
                OptionKind::Money => self.one(&["0", "0.01", "3000", "99999999999999999.99"]),
                OptionKind::Assets => self.one(&["", "USDC", "eurc,BTC,ETH"]),
            };
            (option.name.to_owned(), value.to_owned())
        });
        let options = options.collect();
        let scopes = [None, Some(Scope::Universal), Some(Scope::Wallet)];
        Request {
            options,
            method: Some(self.one(rules.methods)),
            scope: self.one(&scopes).filter(|_| rules.may_choose_scope),
            open_on: self.one(&[None, chrono::NaiveDate::from_ymd_opt(2025, 6, 30)]),
            ..Request::default()
        }
    }
}
