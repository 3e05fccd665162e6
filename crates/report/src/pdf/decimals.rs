//! How many decimals the amounts of a column show, so that their dots stand under each other.

use std::borrow::Cow;

use packtrain_core::quantity::Quantity;

use super::fonts::Face;

/// How many decimals the amounts of a column show.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Decimals(usize);

impl Decimals {
    const MAX: usize = 9;

    /// As many as the amounts have, and no more than coins have as a rule.
    pub(super) fn of<'q>(amounts: impl Iterator<Item = &'q Quantity>) -> Self {
        let mut most = 0;
        for amount in amounts {
            let text = amount.to_string();
            most = most.max(text.len() - text.find('.').map_or(text.len(), |dot| dot + 1));
            if most >= Self::MAX {
                return Self(Self::MAX);
            }
        }
        Self(most)
    }

    /// Width of the dot and of so many figures.
    pub(super) fn width(self, face: &Face, size: f32) -> f32 {
        face.width(
            if self.0 == 0 {
                ""
            } else {
                &".000000000"[..=self.0]
            },
            size,
        )
    }

    /// A dot and its figures, with an ellipsis where there are more than are shown.
    pub(super) fn cut(self, fraction: &str) -> Cow<'_, str> {
        if fraction.len() <= self.0 + 1 {
            Cow::Borrowed(fraction)
        } else {
            Cow::Owned(format!("{}…", &fraction[..=self.0]))
        }
    }
}
