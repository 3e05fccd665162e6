//! Writes one page: texts, hairlines and filled boxes, measured from the top left in points.

use printpdf::{
    Color, Line, LinePoint, Op, PaintMode, PdfFontHandle, PdfPage, Point, Pt, Rect, Rgb, TextItem,
};

use super::fonts::{Shown, Weight, clean};
use super::theme::{Ink, Paper};

/// How a text looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Style {
    /// Its weight.
    pub(super) weight: Weight,
    /// Its size in points.
    pub(super) size: f32,
    /// Its colour.
    pub(super) ink: Ink,
}

impl Style {
    /// The same in another colour.
    pub(super) const fn in_ink(self, ink: Ink) -> Self {
        Self { ink, ..self }
    }

    /// The same in semi-bold.
    pub(super) const fn strong(self) -> Self {
        Self {
            weight: Weight::SemiBold,
            ..self
        }
    }

    /// Width of a text in this style.
    pub(super) fn width(self, text: &str) -> f32 {
        self.weight.face().width(&clean(text), self.size)
    }

    /// A text in lines of at most `width`.
    pub(super) fn wrap(self, text: &str, width: f32) -> Vec<String> {
        self.weight.face().wrap(&clean(text), self.size, width)
    }
}

/// One page in the making.
pub(super) struct PageWriter {
    paper: Paper,
    marks: Vec<Op>,
    texts: Vec<Op>,
    font: Option<(Weight, f32)>,
    ink: Option<Ink>,
    /// Where the last text began, in tenths of a point: the next is placed from there.
    pen: (f32, f32),
    shown: Shown,
}

impl PageWriter {
    /// An empty page.
    pub(super) fn new(paper: Paper) -> Self {
        Self {
            paper,
            marks: Vec::with_capacity(256),
            texts: Vec::with_capacity(1_024),
            font: None,
            ink: None,
            pen: (0.0, 0.0),
            shown: Shown::default(),
        }
    }

    /// The sheet that it is written on.
    pub(super) const fn paper(&self) -> Paper {
        self.paper
    }

    /// A text that starts at `x`, on the baseline `y`.
    pub(super) fn left(&mut self, x: f32, y: f32, text: &str, style: Style) {
        self.show(x, y, &clean(text), style);
    }

    /// A text that starts at `x` and is cut where it is wider than `width`.
    pub(super) fn fit(&mut self, x: f32, y: f32, width: f32, text: &str, style: Style) {
        let text = clean(text);
        self.show(
            x,
            y,
            &style.weight.face().fit(&text, style.size, width),
            style,
        );
    }

    /// A text that ends at `x`.
    pub(super) fn right(&mut self, x: f32, y: f32, text: &str, style: Style) {
        let text = clean(text);
        let width = style.weight.face().width(&text, style.size);
        self.show(x - width, y, &text, style);
    }

    /// A number that ends at `x`; one wider than `width` is set smaller and never cut.
    pub(super) fn number(&mut self, x: f32, y: f32, width: f32, text: &str, style: Style) {
        let natural = style.width(text);
        let size = if natural > width {
            style.size * width / natural
        } else {
            style.size
        };
        self.right(x, y, text, Style { size, ..style });
    }

    /// A number that starts at `x`; one wider than `width` is set smaller and never cut.
    pub(super) fn number_left(&mut self, x: f32, y: f32, width: f32, text: &str, style: Style) {
        let natural = style.width(text);
        let size = if natural > width {
            style.size * width / natural
        } else {
            style.size
        };
        self.left(x, y, text, Style { size, ..style });
    }

    /// A text around `x`.
    pub(super) fn centred(&mut self, x: f32, y: f32, width: f32, text: &str, style: Style) {
        let natural = style.width(text);
        let end = x + natural.min(width) / 2.0;
        self.number(end, y, width, text, style);
    }

    /// A horizontal line.
    pub(super) fn rule(&mut self, from: f32, to: f32, y: f32, thick: f32, ink: Ink) {
        self.marks.push(Op::SetOutlineColor { col: colour(ink) });
        self.marks.push(Op::SetOutlineThickness { pt: Pt(thick) });
        let y = self.up(y);
        let point = |x| LinePoint {
            p: Point { x: Pt(tenth(x)), y },
            bezier: false,
        };
        self.marks.push(Op::DrawLine {
            line: Line {
                points: vec![point(from), point(to)],
                is_closed: false,
            },
        });
    }

    /// A filled box with its upper left corner at `x`, `y`.
    pub(super) fn fill(&mut self, x: f32, y: f32, width: f32, height: f32, ink: Ink) {
        self.marks.push(Op::SetFillColor { col: colour(ink) });
        let rectangle = Rect {
            x: Pt(tenth(x)),
            y: self.up(y + height),
            width: Pt(tenth(width)),
            height: Pt(tenth(height)),
            mode: Some(PaintMode::Fill),
            winding_order: None,
        };
        self.marks.push(Op::DrawRectangle { rectangle });
    }

    /// The page, and the characters that it shows.
    pub(super) fn finish(mut self) -> (PdfPage, Shown) {
        self.marks.push(Op::StartTextSection);
        self.marks.append(&mut self.texts);
        self.marks.push(Op::EndTextSection);
        (self.paper.page(self.marks), self.shown)
    }

    fn show(&mut self, x: f32, y: f32, text: &str, style: Style) {
        if text.is_empty() {
            return;
        }
        if self.font != Some((style.weight, style.size)) {
            self.font = Some((style.weight, style.size));
            self.texts.push(Op::SetFont {
                font: PdfFontHandle::External(style.weight.id()),
                size: Pt(style.size),
            });
        }
        if self.ink != Some(style.ink) {
            self.ink = Some(style.ink);
            self.texts.push(Op::SetFillColor {
                col: colour(style.ink),
            });
        }
        let (right, up) = (tenths(x), tenths(self.paper.height - y));
        let pos = Point {
            x: Pt((right - self.pen.0) / 10.0),
            y: Pt((up - self.pen.1) / 10.0),
        };
        self.pen = (right, up);
        self.texts.push(Op::SetTextCursor { pos });
        self.shown.add(text, style.weight);
        self.texts.push(Op::ShowText {
            items: vec![TextItem::Text(text.to_owned())],
        });
    }

    fn up(&self, y: f32) -> Pt {
        Pt(tenth(self.paper.height - y))
    }
}

/// Tenths of a point are finer than any printer needs here, and compress well.
fn tenth(points: f32) -> f32 {
    tenths(points) / 10.0
}

/// Whole tenths: their differences are exact, so that steps from text to text never drift.
fn tenths(points: f32) -> f32 {
    (points * 10.0).round()
}

fn colour(ink: Ink) -> Color {
    let part = |value: u8| (f32::from(value) / 255.0 * 1_000.0).round() / 1_000.0;
    Color::Rgb(Rgb {
        r: part(ink.0),
        g: part(ink.1),
        b: part(ink.2),
        icc_profile: None,
    })
}
