//! What the database said, as the ports say it.

use packtrain_core::ports::StoreError;

/// Turns an error of sqlx into one of the ports; `what` names what was attempted.
pub(crate) fn refused(what: &'static str) -> impl Fn(sqlx::Error) -> StoreError {
    move |error| match &error {
        sqlx::Error::Database(database) if !is_passing(database.code().as_deref()) => {
            StoreError::Refused {
                what,
                source: Box::new(error),
            }
        }
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::Encode(_) => {
            StoreError::Refused {
                what,
                source: Box::new(error),
            }
        }
        _ => StoreError::Unavailable(Box::new(error)),
    }
}

/// Whether an SQLSTATE says that the same statement may succeed a moment later: broken
/// connections, shut-downs, too many clients, serialisation failures, deadlocks, statements that
/// were cancelled or waited too long for a lock, transactions that stood still or took too long
/// (the process was frozen, not wrong), and a standby that is not yet the primary.
fn is_passing(code: Option<&str>) -> bool {
    code.is_some_and(|code| {
        code.starts_with("08")
            || code.starts_with("57P")
            || code.starts_with("53")
            || code.starts_with("40")
            || ["25006", "25P03", "25P04", "55P03", "57014"].contains(&code)
    })
}

/// A stored value that this version cannot read.
pub(crate) fn unreadable(what: &'static str, value: impl ToString) -> StoreError {
    let value: String = value.to_string().chars().take(80).collect();
    StoreError::Unreadable { what, value }
}

/// A number from a column whose constraints keep it in range.
pub(crate) fn number<T: TryFrom<V>, V: Copy + ToString>(
    what: &'static str,
    value: V,
) -> Result<T, StoreError> {
    T::try_from(value).map_err(|_| unreadable(what, value))
}

/// Bytes from a column whose constraints keep their length.
pub(crate) fn fixed<const N: usize>(
    what: &'static str,
    bytes: &[u8],
) -> Result<[u8; N], StoreError> {
    bytes.try_into().map_err(|_| unreadable(what, bytes.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadlock_and_a_shutdown_are_passing_but_a_broken_constraint_is_not() {
        for code in ["40P01", "57P01", "08006", "53300", "57014"] {
            assert!(is_passing(Some(code)), "{code}");
        }
        assert!(!is_passing(Some("23505")));
        assert!(!is_passing(None));
    }

    #[test]
    fn a_transaction_that_stood_still_or_took_too_long_is_passing_and_a_failed_one_is_not() {
        for code in ["25P03", "25P04"] {
            assert!(is_passing(Some(code)), "{code}");
        }
        // A statement after one that failed, in the same transaction.
        assert!(!is_passing(Some("25P02")));
    }
}
