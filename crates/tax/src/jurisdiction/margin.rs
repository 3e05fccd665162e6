//! What reports say of margin results.

/// Margin results that are capital gains, in the country's words for where they go.
macro_rules! margin_is_capital {
    ($where:literal, $source:expr) => {
        $crate::jurisdiction::notes::RuleText {
            when: |settings, applied| {
                applied.margin && $crate::jurisdiction::chose(settings, "margin", "capital")
            },
            text: concat!(
                "Results of margin positions, less their fees, are capital gains and losses: ",
                $where,
                ", each a line of its own with a gain as proceeds and a loss as cost. How each \
                 kind of contract is taxed is not settled; the option margin decides."
            ),
            source: $source,
        }
    };
}
pub(crate) use margin_is_capital;

/// Margin results that are income, in the country's words for where they go.
macro_rules! margin_is_income {
    ($where:literal, $source:expr) => {
        $crate::jurisdiction::notes::RuleText {
            when: |settings, applied| {
                applied.margin && $crate::jurisdiction::chose(settings, "margin", "income")
            },
            text: concat!(
                "Results of margin positions, less their fees, are no capital gains and losses: \
                 their sum is ",
                $where,
                ". How each kind of contract is taxed is not settled; the option margin decides."
            ),
            source: $source,
        }
    };
}
pub(crate) use margin_is_income;

/// Margin results, and what of the country's they are not part of.
macro_rules! margin_apart_from {
    ($others:literal, $source:expr) => {
        $crate::jurisdiction::notes::RuleText {
            when: |_, applied| applied.margin,
            text: concat!(
                "Margin results are taken as stated, less their fees, apart from ",
                $others,
                ": they are in no figure for the return."
            ),
            source: $source,
        }
    };
}
pub(crate) use margin_apart_from;
