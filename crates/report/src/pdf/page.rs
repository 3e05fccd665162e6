//! Writes one page: texts, hairlines, filled boxes and links, measured from the top left in points.

use std::sync::Arc;

use super::content::Content;
use super::fonts::{WORD_GOES_ON, Weight, clean};
use super::places::{Anchor, Link, Place, Places};
use super::shown::Shown;
use super::tags::{Meaning, Owner, Role, Tagger, Tags};
use super::theme::{Ink, Paper};
use crate::limits::TAGGED_CELLS_PAGES_PDF_MAX;

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

    /// A text of at most `width`; of a longer one both ends stay.
    pub(super) fn shortened(self, text: &str, width: f32) -> String {
        let text = clean(text);
        let shown = self.weight.face().fit_ends(&text, self.size, width);
        shown.into_owned()
    }

    /// A text in lines of at most `width`.
    pub(super) fn wrap(self, text: &str, width: f32) -> Vec<String> {
        self.weight.face().wrap(&clean(text), self.size, width)
    }

    /// A text in at most so many lines, the last with an ellipsis where there is more.
    pub(super) fn wrap_to(self, text: &str, width: f32, lines_max: usize) -> Vec<String> {
        let face = self.weight.face();
        face.wrap_to(&clean(text), self.size, width, lines_max)
    }
}

/// Left edge, top, width and height, in points from the upper left corner.
pub(super) type Area = (f32, f32, f32, f32);

/// One page in the making.
pub(super) struct PageWriter {
    paper: Paper,
    content: Content,
    places: Arc<Places>,
    links: Vec<Link>,
    tagger: Tagger,
    has_cells: bool,
    /// Whether the last text ends inside a word, which the next goes on with.
    word_goes_on: bool,
}

/// A page that is written.
pub(super) struct Written {
    /// Its operators.
    pub(super) stream: Vec<u8>,
    /// The characters that it shows.
    pub(super) shown: Shown,
    /// What on it leads elsewhere.
    pub(super) links: Vec<Link>,
    /// What its texts are.
    pub(super) tags: Tags,
}

impl PageWriter {
    /// An empty page of a report of so many pages, in which everything has its place.
    pub(super) fn new(paper: Paper, places: Arc<Places>, pages: usize) -> Self {
        Self {
            paper,
            places,
            links: Vec::new(),
            content: Content::new(),
            tagger: Tagger::default(),
            has_cells: pages <= TAGGED_CELLS_PAGES_PDF_MAX,
            word_goes_on: false,
        }
    }

    /// Says to which section, or table of it, the parts that follow belong.
    pub(super) const fn own(&mut self, owner: Owner) {
        self.tagger.own(owner);
    }

    /// Writes a part of the report; what is written outside of any belongs to the page alone.
    pub(super) fn part(&mut self, role: Role, write: impl FnOnce(&mut Self)) {
        self.begin(role);
        write(self);
        self.end();
    }

    /// Writes a picture into an area that means so much in words.
    pub(super) fn figure(&mut self, area: Area, words: String, write: impl FnOnce(&mut Self)) {
        let (left, top, width, height) = area;
        let edges = [left, self.up(top + height), left + width, self.up(top)];
        self.part(Role::Figure, |page| {
            page.tagger.mean(Meaning { words, edges });
            write(page);
        });
    }

    /// Writes again what was read before, such as the head of a table on its second page.
    pub(super) fn again(&mut self, write: impl FnOnce(&mut Self)) {
        self.tagger.mute(true);
        write(self);
        self.tagger.mute(false);
    }

    /// Whether each cell of a table is a part; a row is one in a report of very many pages.
    pub(super) const fn has_cells(&self) -> bool {
        self.has_cells
    }

    /// Begins a part, where no closure can hold it.
    pub(super) fn begin(&mut self, role: Role) {
        self.tagger.begin(role);
    }

    /// Ends the part that was begun last.
    pub(super) fn end(&mut self) {
        self.tagger.end();
    }

    /// The sheet that it is written on.
    pub(super) const fn paper(&self) -> Paper {
        self.paper
    }

    /// A text that starts at `x`, on the baseline `y`.
    pub(super) fn left(&mut self, x: f32, y: f32, text: &str, style: Style) {
        self.show(x, y, &clean(text), style);
        self.word_goes_on = text.ends_with(WORD_GOES_ON);
    }

    /// A text that goes on with the one before it, as the decimals of a number do.
    pub(super) fn joined(&mut self, x: f32, y: f32, text: &str, style: Style) {
        if !text.is_empty() {
            let y = self.up(y);
            self.content.text(x, y, &clean(text), style);
        }
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

    /// A text that starts at `x`; of one wider than `width` both ends stay, by which people tell
    /// the names of rows and files apart.
    pub(super) fn fit_ends(&mut self, x: f32, y: f32, width: f32, text: &str, style: Style) {
        let text = style.shortened(text, width);
        self.show(x, y, &text, style);
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
        let y = self.up(y);
        self.content.line(from, to, y, thick, ink);
    }

    /// A filled box with its upper left corner at `x`, `y`.
    pub(super) fn fill(&mut self, x: f32, y: f32, width: f32, height: f32, ink: Ink) {
        let y = self.up(y + height);
        self.content.fill(x, y, width, height, ink);
    }

    /// Writes what leads to a place over an area, told on which page that is, counted from 1;
    /// it leads nowhere where the report does not print that place.
    pub(super) fn lead(
        &mut self,
        area: Area,
        to: Option<Anchor>,
        write: impl FnOnce(&mut Self, Option<usize>),
    ) {
        match to.and_then(|to| self.places.of(to)) {
            Some(to) => self.lead_to(area, to, |page| write(page, Some(to.page + 1))),
            None => write(self, None),
        }
    }

    /// Writes what leads to a place over an area; written again, it only shows.
    pub(super) fn lead_to(&mut self, area: Area, to: Place, write: impl FnOnce(&mut Self)) {
        if self.tagger.begin_link() {
            self.links.push(Link { area, to });
        }
        write(self);
        self.end();
    }

    /// The page as it is written.
    pub(super) fn finish(self) -> Written {
        let (stream, shown) = self.content.finish();
        Written {
            stream,
            shown,
            links: self.links,
            tags: self.tagger.finish(),
        }
    }

    fn show(&mut self, x: f32, y: f32, text: &str, style: Style) {
        if text.is_empty() {
            return;
        }
        let word_goes_on = std::mem::take(&mut self.word_goes_on);
        match self.tagger.next() {
            Some(marked) => self.content.mark(marked),
            None if word_goes_on => {}
            None => self.content.part_words(),
        }
        let y = self.up(y);
        self.content.text(x, y, text, style);
    }

    fn up(&self, y: f32) -> f32 {
        self.paper.height - y
    }
}
