//! Paragraphs: sentences over the width of the sheet.

use super::flow::Block;
use super::page::{PageWriter, Style};
use super::tags::Role;
use super::theme::{MARGIN, Paper, SUBHEADING};

/// Sentences.
pub(super) struct Paragraph {
    lines: Vec<String>,
    style: Style,
    after: f32,
    gap: f32,
    leads: bool,
}

impl Paragraph {
    /// A text over the whole width, with space after it.
    pub(super) fn new(paper: Paper, text: &str, style: Style, after: f32) -> Self {
        // Lines of over 100 characters are hard to read.
        let width = paper.inner().min(style.size * 52.0);
        Self {
            lines: style.wrap(text, width),
            style,
            after,
            gap: 0.0,
            leads: true,
        }
    }

    /// The same with space before it where it follows another block.
    pub(super) fn with_gap(self, gap: f32) -> Self {
        Self { gap, ..self }
    }

    /// The same as the end of what it stands under: it introduces nothing.
    pub(super) fn closing(self) -> Self {
        Self {
            leads: false,
            ..self
        }
    }
}

impl Block for Paragraph {
    fn role(&self) -> Role {
        if self.style == SUBHEADING {
            Role::Subheading
        } else {
            Role::Paragraph
        }
    }

    fn parts(&self) -> usize {
        self.lines.len()
    }

    fn height(&self, part: usize) -> f32 {
        let is_last = part + 1 == self.lines.len();
        self.style.size * 1.5 + if is_last { self.after } else { 0.0 }
    }

    fn draw(&self, part: usize, page: &mut PageWriter, top: f32) {
        page.left(MARGIN, top + self.style.size, &self.lines[part], self.style);
    }

    fn clings(&self, part: usize) -> bool {
        // A heading written as a paragraph, and the lines of a short paragraph, stay together.
        part + 1 < self.lines.len() && self.lines.len() <= 3
    }

    fn leads(&self) -> bool {
        self.leads
    }

    fn gap(&self) -> f32 {
        self.gap
    }
}
