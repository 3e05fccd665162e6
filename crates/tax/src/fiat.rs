//! Which symbols are money and not an asset.

/// The ISO 4217 codes of currencies in use; a leg in one of these is money.
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

/// One bit for each word of three letters, set for the codes: asked several times a row.
const SET: [u64; SET_WORDS] = set();
const SET_WORDS: usize = 26 * 26 * 26 / 64 + 1;

/// Whether a symbol is money. Case decides nothing.
pub const fn is_fiat(symbol: &str) -> bool {
    match place(symbol.as_bytes()) {
        Some(place) => SET[place / 64] & (1 << (place % 64)) != 0,
        None => false,
    }
}

/// The place of a word of three letters among all of them.
const fn place(word: &[u8]) -> Option<usize> {
    let [a, b, c] = word else {
        return None;
    };
    if !(a.is_ascii_alphabetic() && b.is_ascii_alphabetic() && c.is_ascii_alphabetic()) {
        return None;
    }
    Some((letter(*a) * 26 + letter(*b)) * 26 + letter(*c))
}

/// A letter's place in the alphabet.
const fn letter(byte: u8) -> usize {
    // Widening; `usize::from` is not const.
    (byte.to_ascii_uppercase() - b'A') as usize
}

const fn set() -> [u64; SET_WORDS] {
    let mut set = [0; SET_WORDS];
    let mut index = 0;
    while index < CODES.len() {
        if let Some(place) = place(CODES[index].as_bytes()) {
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
        assert!(CODES.iter().all(|code| is_fiat(code)));
        let bits: u32 = SET.iter().map(|word| word.count_ones()).sum();
        assert_eq!(usize::try_from(bits), Ok(CODES.len()));
        assert!(is_fiat("usd") && is_fiat("ZWG") && is_fiat("AED"));
        assert!(!is_fiat("USDC") && !is_fiat("BTC") && !is_fiat("XAU") && !is_fiat(""));
    }
}
