//! Cells of files that spreadsheets open.

use std::borrow::Cow;

/// Text that no spreadsheet takes for a formula: what begins like one gets an apostrophe.
pub(crate) fn inert(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}
