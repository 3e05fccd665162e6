//! Makes the pages on every core, and compresses each at once.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use printpdf::{PdfDocument, PdfSaveOptions};
use rayon::prelude::*;

use super::flow::{Plan, Section};
use super::fonts::Weight;
use super::page::{PageWriter, Written as Page};
use super::places::Link;
use super::sections::{Selected, cover};
use super::shown::Shown;
use super::tags::Tags;
use super::theme::{LINE, MARGIN, Paper, RUNNING};
use crate::amounts::count;
use crate::{Progress, ReportError, words};

/// A report that is laid out.
pub(super) struct Job<'a> {
    pub(super) selected: &'a Selected<'a>,
    pub(super) sections: &'a [Section<'a>],
    pub(super) plan: &'a Plan,
    pub(super) paper: Paper,
}

/// Every page as a compressed content stream.
pub(super) struct Made {
    pub(super) pages: Vec<Vec<u8>>,
    /// What leads elsewhere, by page.
    pub(super) links: Vec<Vec<Link>>,
    /// What the texts are, by page.
    pub(super) tags: Vec<Tags>,
    pub(super) shown: Shown,
}

impl Job<'_> {
    /// Makes every page.
    pub(super) fn run(&self, progress: &Progress<'_>) -> Result<Made, ReportError> {
        let of = self.plan.pages.len() + 1;
        let done = AtomicUsize::new(0);
        let pages: Result<Vec<Page>, ReportError> = (0..of)
            .into_par_iter()
            .map(|number| {
                if (progress.is_cancelled)() {
                    return Err(ReportError::Cancelled);
                }
                let page = self.page(number, of)?;
                (progress.on_page)(done.fetch_add(1, Ordering::Relaxed) + 1, of);
                Ok(page)
            })
            .collect();
        let mut made = Made {
            pages: Vec::with_capacity(of),
            links: Vec::with_capacity(of),
            tags: Vec::with_capacity(of),
            shown: Shown::default(),
        };
        for page in pages? {
            made.pages.push(page.stream);
            made.links.push(page.links);
            made.tags.push(page.tags);
            made.shown.merge(&page.shown);
        }
        Ok(made)
    }

    fn page(&self, number: usize, of: usize) -> Result<Page, ReportError> {
        let mut page = PageWriter::new(self.paper, Arc::clone(&self.plan.places), of);
        match number.checked_sub(1) {
            None => cover::draw(self.selected, &self.plan.marks, &mut page),
            Some(index) => {
                self.draw_head(&mut page);
                self.plan.pages[index].draw(self.sections, &mut page);
            }
        }
        draw_foot(&mut page, number + 1, of);
        let mut written = page.finish();
        written.stream = compressed(&written.stream)?;
        Ok(written)
    }

    fn draw_head(&self, page: &mut PageWriter) {
        let right = page.paper().right();
        let (y, half) = (36.0, page.paper().inner() / 2.0);
        page.fit(MARGIN, y, half, &self.selected.full_title(), RUNNING);
        if let Some(taxpayer) = self.selected.taxpayer() {
            let name = RUNNING
                .weight
                .face()
                .fit(&taxpayer, RUNNING.size, half - 10.0)
                .into_owned();
            page.right(right, y, &name, RUNNING);
        }
        page.rule(MARGIN, right, y + 8.0, 0.5, LINE);
    }
}

fn draw_foot(page: &mut PageWriter, number: usize, of: usize) {
    let paper = page.paper();
    let y = paper.height - 30.0;
    // The cover says it at more length.
    if number > 1 {
        page.left(MARGIN, y, words::NOT_ADVICE, RUNNING);
    }
    let place = format!("Page {} of {}", count(number), count(of));
    page.right(paper.right(), y, &place, RUNNING);
}

/// An empty document that knows both fonts by their fixed names.
pub(super) fn with_fonts(title: &str) -> PdfDocument {
    let mut document = PdfDocument::new(title);
    for weight in Weight::ALL {
        let fonts = &mut document.resources.fonts.map;
        fonts.insert(weight.id(), weight.face().embedded());
    }
    document
}

/// Streams are compressed here, and nothing is left out without a word.
pub(super) fn save_options() -> PdfSaveOptions {
    PdfSaveOptions {
        optimize: false,
        subset_fonts: false,
        secure: true,
        image_optimization: None,
    }
}

/// Deflated bytes, as every stream of the PDF holds them.
pub(super) fn compressed(bytes: &[u8]) -> Result<Vec<u8>, ReportError> {
    let mut encoder = ZlibEncoder::new(Vec::with_capacity(bytes.len() / 3), Compression::new(6));
    encoder.write_all(bytes).map_err(ReportError::Write)?;
    encoder.finish().map_err(ReportError::Write)
}

pub(super) fn incomplete(what: &str) -> ReportError {
    ReportError::Pdf {
        what: what.to_owned(),
    }
}
