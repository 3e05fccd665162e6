//! Colours, sizes and sheets: the look of the report in one place.

use packtrain_tax::request::Country;
use printpdf::{Op, PdfPage, Pt, Rect};

use super::fonts::Weight;
use super::page::Style;

/// A colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ink(pub(super) u8, pub(super) u8, pub(super) u8);

/// Text.
pub(super) const TEXT: Ink = Ink(0x16, 0x1a, 0x22);
/// Text that explains.
pub(super) const QUIET: Ink = Ink(0x45, 0x4e, 0x5f);
/// Text that is there for who looks for it.
pub(super) const FAINT: Ink = Ink(0x5d, 0x67, 0x78);
/// Hairlines.
pub(super) const LINE: Ink = Ink(0xdf, 0xe3, 0xe9);
/// Lines that bear: under table heads, over totals.
pub(super) const LINE_STRONG: Ink = Ink(0x85, 0x8e, 0x9e);
/// Boxes that hold a summary.
pub(super) const SUNKEN: Ink = Ink(0xf5, 0xf6, 0xf8);
/// The house colour.
pub(super) const ACCENT: Ink = Ink(0x2a, 0x53, 0xc1);
/// Losses.
pub(super) const BAD: Ink = Ink(0xaa, 0x23, 0x1b);
/// Things to check: text.
pub(super) const WARN: Ink = Ink(0x7d, 0x4e, 0x00);
/// Things to check: boxes.
pub(super) const WARN_SOFT: Ink = Ink(0xfb, 0xef, 0xd5);
/// Things to check: marks.
pub(super) const WARN_MARK: Ink = Ink(0xb9, 0x7a, 0x08);
/// Bars of what was held short.
pub(super) const BAR_SHORT: Ink = Ink(0x8a, 0xa9, 0xe8);
/// Bars of what was held long.
pub(super) const BAR_LONG: Ink = Ink(0x24, 0x45, 0x9b);
/// Bars of what is valued by a price that is far from the day.
pub(super) const BAR_FAR: Ink = LINE_STRONG;

const fn style(weight: Weight, size: f32, ink: Ink) -> Style {
    Style { weight, size, ink }
}

/// The report's title.
pub(super) const TITLE: Style = style(Weight::SemiBold, 26.0, TEXT);
/// The one main number.
pub(super) const HERO: Style = style(Weight::SemiBold, 34.0, TEXT);
/// Numbers that stand beside it.
pub(super) const FIGURE: Style = style(Weight::SemiBold, 13.0, TEXT);
/// Headings of sections.
pub(super) const HEADING: Style = style(Weight::SemiBold, 15.0, TEXT);
/// Headings inside sections.
pub(super) const SUBHEADING: Style = style(Weight::SemiBold, 9.5, TEXT);
/// Sentences.
pub(super) const BODY: Style = style(Weight::Regular, 9.0, QUIET);
/// Cells of tables.
pub(super) const CELL: Style = style(Weight::Regular, 7.6, TEXT);
/// Second lines of cells.
pub(super) const SUB: Style = style(Weight::Regular, 6.6, FAINT);
/// Heads of tables, labels of numbers.
pub(super) const LABEL: Style = style(Weight::Regular, 7.2, FAINT);
/// Page heads and feet.
pub(super) const RUNNING: Style = style(Weight::Regular, 7.4, FAINT);

/// Space to the left and right.
pub(super) const MARGIN: f32 = 46.0;
/// Where the content of a page begins.
pub(super) const TOP: f32 = 66.0;
/// Space under the content of a page.
pub(super) const BOTTOM: f32 = 58.0;
/// Space between sections that share a page.
pub(super) const SECTION_GAP: f32 = 30.0;
/// Height of a section's heading.
pub(super) const HEADING_HEIGHT: f32 = 28.0;

/// A sheet of paper, upright, in points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Paper {
    /// From left to right.
    pub(super) width: f32,
    /// From top to bottom.
    pub(super) height: f32,
}

impl Paper {
    const LETTER: Self = Self {
        width: 612.0,
        height: 792.0,
    };
    const A4: Self = Self {
        width: 595.3,
        height: 841.9,
    };

    /// What a country's printers hold.
    pub(super) fn of(country: Country) -> Self {
        match country.as_str() {
            "us" | "ca" => Self::LETTER,
            _ => Self::A4,
        }
    }

    /// Where the content ends on the right.
    pub(super) const fn right(self) -> f32 {
        self.width - MARGIN
    }

    /// Width of the content.
    pub(super) const fn inner(self) -> f32 {
        self.width - 2.0 * MARGIN
    }

    /// Where the content of a page ends.
    pub(super) const fn bottom(self) -> f32 {
        self.height - BOTTOM
    }

    /// A page of this sheet.
    pub(super) fn page(self, ops: Vec<Op>) -> PdfPage {
        let sheet = Rect::from_wh(Pt(self.width), Pt(self.height));
        PdfPage {
            media_box: sheet.clone(),
            trim_box: sheet.clone(),
            crop_box: sheet,
            ops,
        }
    }
}
