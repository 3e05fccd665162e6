//! Where a figure goes on a form, and how it is entered there: the one source for every output.

use std::fmt;

use packtrain_core::money::Money;

/// Where a figure goes, such as `SA108, cryptoassets, box 13.1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The form and the part of it, in the form's own words.
    pub form: &'static str,
    /// What the form calls its numbers, such as `box`.
    pub unit: &'static str,
    /// The number of the box or line; empty where the form names it only by words, or where it
    /// could not be confirmed.
    pub number: &'static str,
    /// How the form wants the amount.
    pub entered: Entered,
}

/// How a form wants an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entered {
    /// With two decimals, and with its sign.
    Cents,
    /// With two decimals, without a sign: the box is for losses or costs alone.
    Unsigned,
    /// With two decimals, a loss in brackets; where the form prints these, the figures inside.
    Bracketed,
    /// Without its fraction and without a sign.
    Down,
    /// In whole units without a sign, a fraction counted as one more.
    Up,
    /// These whole units, which are worked out from what other boxes take, not from the figure.
    Units(Money),
}

impl Place {
    /// A part of a form that has no number, or none that was confirmed.
    pub(crate) const fn words(form: &'static str) -> Self {
        Self::at(form, "", "")
    }

    /// A box or line; without its number where that is empty.
    pub(crate) const fn at(form: &'static str, unit: &'static str, number: &'static str) -> Self {
        Self {
            form,
            unit,
            number,
            entered: Entered::Cents,
        }
    }

    /// The same, where the form wants amounts in this way.
    pub(crate) const fn entered(self, entered: Entered) -> Self {
        Self { entered, ..self }
    }
}

impl Entered {
    /// Whether the box takes an amount without its sign.
    pub const fn is_unsigned(self) -> bool {
        matches!(
            self,
            Self::Unsigned | Self::Down | Self::Up | Self::Units(_)
        )
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            "" => f.write_str(self.form),
            number => write!(f, "{}, {} {number}", self.form, self.unit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_without_a_number_is_its_form_alone() {
        let place = |number| Place::at("SA108, cryptoassets", "box", number).to_string();
        assert_eq!(place("13.1"), "SA108, cryptoassets, box 13.1");
        assert_eq!(place(""), "SA108, cryptoassets");
    }
}
