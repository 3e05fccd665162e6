//! Numbers and bytes as JSON-RPC of Ethereum writes them, read strictly: what another node would
//! not have written is refused, so that nothing is guessed.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// A number: `0x`, hexadecimal figures, no zero before others (execution-apis, `uint`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Quantity(pub(super) u128);

/// Bytes: `0x` and two figures for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Data(pub(super) Vec<u8>);

/// Reads a number.
pub(crate) fn quantity(text: &str) -> Option<u128> {
    let figures = text.strip_prefix("0x")?;
    let is_plain = figures.bytes().all(|figure| figure.is_ascii_hexdigit());
    let is_short = figures == "0" || !figures.starts_with('0');
    if figures.is_empty() || !is_plain || !is_short {
        return None;
    }
    u128::from_str_radix(figures, 16).ok()
}

/// Writes a number.
pub(crate) fn hex(number: u64) -> String {
    format!("{number:#x}")
}

/// Writes bytes.
pub(crate) fn hex_of(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

fn data(text: &str) -> Option<Vec<u8>> {
    hex::decode(text.strip_prefix("0x")?).ok()
}

impl Quantity {
    /// The number, if it fits into 64 bits as counts of all chains do.
    pub(super) fn count(self) -> Option<u64> {
        u64::try_from(self.0).ok()
    }
}

impl Data {
    /// As many bytes as are meant.
    pub(super) fn fixed<const N: usize>(&self) -> Option<[u8; N]> {
        self.0.as_slice().try_into().ok()
    }
}

/// Reads a text by one of the functions above.
struct Reads<T> {
    read: fn(&str) -> Option<T>,
    what: &'static str,
}

impl<T> Visitor<'_> for Reads<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.read)(text).ok_or_else(|| E::custom(format!("not {}", self.what)))
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let what = "a number of 128 bits or fewer, such as 0x1f";
        let read = quantity;
        from.deserialize_str(Reads { read, what }).map(Self)
    }
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let what = "bytes, such as 0x00ff";
        let read = data;
        from.deserialize_str(Reads { read, what }).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_only_as_the_specification_writes_it() {
        assert_eq!(quantity("0x0"), Some(0));
        assert_eq!(quantity("0x1F"), Some(31));
        assert_eq!(quantity(&format!("0x{}", "f".repeat(32))), Some(u128::MAX));
        for wrong in [
            "", "0x", "31", "0x00", "0x01", "0x+1", "0x 1", "0xg", "1f", "-0x1", "0X1",
        ] {
            assert_eq!(quantity(wrong), None, "{wrong}");
        }
        assert_eq!(quantity(&format!("0x1{}", "0".repeat(32))), None);
    }

    #[test]
    fn bytes_are_whole_and_as_many_as_are_meant() {
        let read = |text: &str| serde_json::from_value::<Data>(text.into());
        assert_eq!(read("0x").unwrap().0, Vec::<u8>::new());
        assert_eq!(read("0x00ff").unwrap().fixed(), Some([0, 255]));
        assert_eq!(read("0x00ff").unwrap().fixed::<3>(), None);
        for wrong in ["", "00ff", "0x0", "0x0g"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
