//! How a request names tax years.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// Reads the first calendar years of tax years; what is none says how a year is named.
///
/// # Errors
/// That of the deserializer.
pub(super) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<i32>, D::Error> {
    let years = Vec::<First>::deserialize(deserializer)?;
    Ok(years.into_iter().map(|year| year.0).collect())
}

/// The calendar year in which a tax year begins.
struct First(i32);

impl<'de> Deserialize<'de> for First {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_i32(Year)
    }
}

struct Year;

impl Visitor<'_> for Year {
    type Value = First;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a tax year by the calendar year in which it begins, as 2024 for 2024-25")
    }

    fn visit_i64<E: Error>(self, year: i64) -> Result<First, E> {
        let other = || E::invalid_value(serde::de::Unexpected::Signed(year), &self);
        Ok(First(i32::try_from(year).map_err(|_| other())?))
    }

    fn visit_u64<E: Error>(self, year: u64) -> Result<First, E> {
        let other = || E::invalid_value(serde::de::Unexpected::Unsigned(year), &self);
        Ok(First(i32::try_from(year).map_err(|_| other())?))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_year_that_is_named_as_people_write_it_is_answered_with_how_to_name_it() {
        assert_eq!(read(json!([2024, -1])).unwrap(), [2024, -1]);
        for (wrong, said) in [
            (json!(["2024-25"]), r#"invalid type: string "2024-25""#),
            (
                json!([9_999_999_999_u64]),
                "invalid value: integer `9999999999`",
            ),
        ] {
            let error = read(wrong).unwrap_err().to_string();
            assert!(error.starts_with(said), "{error}");
            assert!(error.ends_with("as 2024 for 2024-25"), "{error}");
        }
    }
}
