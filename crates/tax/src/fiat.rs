//! Which symbols are money and not an asset.
//!
//! A currency's code can be a coin's symbol too, and a file does not say which is meant. A code is
//! money, but for those of [`COINS`]; what is the other way round in a person's files is said with
//! a mark: `RON@coin` is the coin of Ronin, `GEL@money` the currency of Georgia.

use std::borrow::Cow;

/// The ISO 4217 codes of currencies in use.
///
/// Funds codes, metals (`XAU`) and testing codes are left out: they are no means of payment.
pub const CODES: &[&str] = &[
    "AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BGN",
    "BHD", "BIF", "BMD", "BND", "BOB", "BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF",
    "CHF", "CLP", "CNY", "COP", "CRC", "CUP", "CVE", "CZK", "DJF", "DKK", "DOP", "DZD", "EGP",
    "ERN", "ETB", "EUR", "FJD", "FKP", "GBP", "GEL", "GHS", "GIP", "GMD", "GNF", "GTQ", "GYD",
    "HKD", "HNL", "HTG", "HUF", "IDR", "ILS", "INR", "IQD", "IRR", "ISK", "JMD", "JOD", "JPY",
    "KES", "KGS", "KHR", "KMF", "KPW", "KRW", "KWD", "KYD", "KZT", "LAK", "LBP", "LKR", "LRD",
    "LSL", "LYD", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT", "MOP", "MRU", "MUR", "MVR", "MWK",
    "MXN", "MYR", "MZN", "NAD", "NGN", "NIO", "NOK", "NPR", "NZD", "OMR", "PAB", "PEN", "PGK",
    "PHP", "PKR", "PLN", "PYG", "QAR", "RON", "RSD", "RUB", "RWF", "SAR", "SBD", "SCR", "SDG",
    "SEK", "SGD", "SHP", "SLE", "SOS", "SRD", "SSP", "STN", "SYP", "SZL", "THB", "TJS", "TMT",
    "TND", "TOP", "TRY", "TTD", "TWD", "TZS", "UAH", "UGX", "USD", "UYU", "UZS", "VES", "VND",
    "VUV", "WST", "XAF", "XCD", "XOF", "XPF", "YER", "ZAR", "ZMW", "ZWG",
];

/// Codes that are taken as the coins that have them as symbols: no reference rate ships for these
/// currencies, and a coin of that symbol is traded on exchanges that files are read from.
pub const COINS: &[(&str, &str)] = &[
    ("ERN", "Ethernity"),
    ("GEL", "Gelato"),
    ("MNT", "Mantle"),
    ("SCR", "Scroll"),
    ("SOS", "OpenDAO"),
];

/// What marks a code as that of a coin, behind it.
const COIN_MARK: &str = "@coin";
/// What marks a code as money, behind it.
const MONEY_MARK: &str = "@money";

/// One bit for each word of three letters, set for the codes: asked several times a row.
const SET: Set = set(CODES);
/// The same for the codes that are taken as coins.
const COIN_SET: Set = set(&{
    let mut codes = [""; COINS.len()];
    let mut index = 0;
    while index < codes.len() {
        codes[index] = COINS[index].0;
        index += 1;
    }
    codes
});

type Set = [u64; 26 * 26 * 26 / 64 + 1];

/// Whether a leg of this symbol is money. Case decides nothing.
pub fn is_fiat(symbol: &str) -> bool {
    match symbol.len() {
        3 => is_currency(symbol) && !is_coin(symbol),
        _ => symbol.strip_suffix(MONEY_MARK).is_some_and(is_currency),
    }
}

/// Whether a text is the code of a currency. Case decides nothing.
pub const fn is_currency(code: &str) -> bool {
    has(&SET, code)
}

/// Whether a code is taken as that of a coin.
const fn is_coin(code: &str) -> bool {
    has(&COIN_SET, code)
}

const fn has(set: &Set, code: &str) -> bool {
    match place(code.as_bytes()) {
        Some(place) => set[place / 64] & (1 << (place % 64)) != 0,
        None => false,
    }
}

/// A currency's code as the symbol of the coin that has it.
pub fn as_coin(code: &str) -> Cow<'_, str> {
    match is_fiat(code) {
        true => format!("{code}{COIN_MARK}").into(),
        false => code.into(),
    }
}

/// A currency's code as money, whatever coin has it.
pub fn as_money(code: &str) -> Cow<'_, str> {
    match is_currency(code) && is_coin(code) {
        true => format!("{code}{MONEY_MARK}").into(),
        false => code.into(),
    }
}

/// A symbol without a mark that says what it would say without.
pub fn plain(symbol: &str) -> &str {
    let coin = symbol.strip_suffix(COIN_MARK);
    let money = symbol.strip_suffix(MONEY_MARK);
    match (coin, money) {
        (Some(code), _) if !is_fiat(code) => code,
        (_, Some(code)) if is_fiat(code) => code,
        _ => symbol,
    }
}

/// The place of a word of three letters among all of them.
const fn place(word: &[u8]) -> Option<usize> {
    let [a, b, c] = word else {
        return None;
    };
    let (a, b, c) = (letter(*a), letter(*b), letter(*c));
    if a < 26 && b < 26 && c < 26 {
        Some((a * 26 + b) * 26 + c)
    } else {
        None
    }
}

/// A letter's place in the alphabet; 26 or more for what is no letter.
const fn letter(byte: u8) -> usize {
    // Widening; `usize::from` is not const.
    (byte | 0x20).wrapping_sub(b'a') as usize
}

const fn set(codes: &[&str]) -> Set {
    let mut set = [0; 26 * 26 * 26 / 64 + 1];
    let mut index = 0;
    while index < codes.len() {
        if let Some(place) = place(codes[index].as_bytes()) {
            set[place / 64] |= 1 << (place % 64);
        }
        index += 1;
    }
    set
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_money_and_nothing_else_is() {
        assert!(CODES.is_sorted());
        assert!(CODES.iter().all(|code| is_currency(code)));
        let bits: u32 = SET.iter().map(|word| word.count_ones()).sum();
        assert_eq!(usize::try_from(bits), Ok(CODES.len()));
        assert!(is_fiat("usd") && is_fiat("ZWG") && is_fiat("AED"));
        assert!(is_currency("mnt") && !is_currency("USDC") && !is_currency("XAU"));
        assert!(!is_fiat("USDC") && !is_fiat("BTC") && !is_fiat("XAU") && !is_fiat(""));
    }
    #[test]
    fn a_code_that_a_traded_coin_has_is_the_coin_unless_it_is_marked_as_money() {
        for (code, _) in COINS {
            assert!(is_currency(code) && !is_fiat(code), "{code}");
            assert!(is_fiat(&as_money(code)), "{code}");
            assert!(rates_know_nothing_of(code), "{code}");
        }
        assert!(!is_fiat("mnt") && is_fiat("MNT@money"));
    }

    fn rates_know_nothing_of(code: &str) -> bool {
        let one = "1".parse().unwrap();
        let money = packtrain_core::money::Money::from_quantity(one, code.parse().unwrap());
        let day = "2024-03-11".parse().unwrap();
        let dollar = packtrain_core::money::Currency::USD;
        crate::rates::convert(money.unwrap(), dollar, day).is_none()
    }

    #[test]
    fn a_code_that_is_money_is_a_coin_where_it_is_marked_as_one() {
        assert!(is_fiat("RON") && !is_fiat("RON@coin"));
        assert_eq!(as_coin("RON"), "RON@coin");
        assert_eq!(as_coin("BTC"), "BTC");
        assert_eq!(as_coin("MNT"), "MNT");
        assert_eq!(as_money("EUR"), "EUR");
        assert_eq!(as_money("BTC"), "BTC");
    }

    #[test]
    fn a_mark_that_says_nothing_new_is_left_off() {
        let plain = ["MNT@coin", "EUR@money", "BTC@coin", "RON@coin", "MNT@money"].map(plain);
        assert_eq!(plain, ["MNT", "EUR", "BTC", "RON@coin", "MNT@money"]);
        assert_eq!(super::plain("USDC@0x00000000"), "USDC@0x00000000");
    }
}
