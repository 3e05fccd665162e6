//! Figures of the United Kingdom by tax year, each with its source.

use crate::assess::Dated;

const fn exempt(from: i32, to: Option<i32>, value: i64, source: &'static str) -> Dated<i64> {
    Dated {
        from,
        to,
        value,
        source,
    }
}

/// The annual exempt amount, by the calendar year in which the tax year begins.
pub(super) const EXEMPT: &[Dated<i64>] = &[
    exempt(2009, Some(2010), 10_100, "TCGA 1992 s. 3; SI 2009/824"),
    exempt(2011, Some(2011), 10_600, "TCGA 1992 s. 3; SI 2011/899"),
    exempt(2012, Some(2012), 10_600, "TCGA 1992 s. 3"),
    exempt(2013, Some(2013), 10_900, "TCGA 1992 s. 3; SI 2013/662"),
    exempt(
        2014,
        Some(2014),
        11_000,
        "TCGA 1992 s. 3; Finance Act 2014 s. 8",
    ),
    exempt(2015, Some(2016), 11_100, "TCGA 1992 s. 3"),
    exempt(2017, Some(2017), 11_300, "TCGA 1992 s. 3; SI 2017/377"),
    exempt(2018, Some(2018), 11_700, "TCGA 1992 s. 3"),
    exempt(2019, Some(2019), 12_000, "TCGA 1992 s. 1K"),
    exempt(
        2020,
        Some(2022),
        12_300,
        "TCGA 1992 s. 1K; Finance Act 2021 s. 40",
    ),
    exempt(
        2023,
        Some(2023),
        6_000,
        "TCGA 1992 s. 1K; Finance Act 2023 s. 8",
    ),
    exempt(2024, None, 3_000, "TCGA 1992 s. 1K; Finance Act 2023 s. 8"),
];

/// Proceeds above which gains are reported though nothing is taxable: so many times the exempt
/// amount.
pub(super) const PROCEEDS_IN_AMOUNTS: u32 = 4;
/// The same as an amount of its own.
pub(super) const PROCEEDS: &[Dated<i64>] = &[Dated {
    from: 2023,
    to: None,
    value: 50_000,
    source: "TMA 1970 s. 8C, as of Finance Act 2023 s. 8(7)",
}];
/// The rule on reporting, while the proceeds went by the exempt amount.
pub(super) const REPORTING: &[Dated<()>] = &[
    Dated {
        from: 2009,
        to: Some(2018),
        value: (),
        source: "TCGA 1992 s. 3A",
    },
    Dated {
        from: 2019,
        to: Some(2022),
        value: (),
        source: "TMA 1970 s. 8C",
    },
];
