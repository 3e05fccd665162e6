//! What reports say of margin results.

/// Margin results that are capital gains, in the country's words for where they go and for what is
/// certain of that.
macro_rules! margin_is_capital {
    ($where:literal, $certain:literal, $source:expr) => {
        $crate::jurisdiction::notes::RuleText {
            when: |settings, applied| {
                applied.margin && $crate::jurisdiction::chose(settings, "margin", "capital")
            },
            text: concat!(
                "Results of margin positions, less their fees, are capital gains and losses: ",
                $where,
                ", each a line of its own with a gain as proceeds and a loss as cost. ",
                $certain,
                " The option margin decides."
            ),
            source: $source,
        }
    };
}
pub(crate) use margin_is_capital;

/// Margin results that are income, in the country's words for where they go and for what is
/// certain of that.
macro_rules! margin_is_income {
    ($where:literal, $certain:literal, $source:expr) => {
        $crate::jurisdiction::notes::RuleText {
            when: |settings, applied| {
                applied.margin && $crate::jurisdiction::chose(settings, "margin", "income")
            },
            text: concat!(
                "Results of margin positions, less their fees, are no capital gains and losses: \
                 their sum is ",
                $where,
                ". ",
                $certain,
                " The option margin decides."
            ),
            source: $source,
        }
    };
}
pub(crate) use margin_is_income;

/// Margin results, what of the country's they are not part of, and what was read of them.
macro_rules! margin_apart_from {
    ($others:literal, $read:literal, $source:expr) => {
        $crate::jurisdiction::notes::RuleText {
            when: |_, applied| applied.margin,
            text: concat!(
                "Margin results are taken as stated, less their fees, apart from ",
                $others,
                ": they are in no figure for the return. ",
                $read
            ),
            source: $source,
        }
    };
}
pub(crate) use margin_apart_from;
