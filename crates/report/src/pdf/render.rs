//! Makes the pages, a chunk at a time on every core, and compresses each at once.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use lopdf::Object;
use printpdf::{PdfDocument, PdfPage, PdfSaveOptions};
use rayon::prelude::*;

use super::flow::{Plan, Section};
use super::fonts::{Shown, Weight};
use super::page::PageWriter;
use super::sections::Selected;
use super::sections::cover::{self, ContentsLink};
use super::theme::{LINE, MARGIN, Paper, RUNNING};
use crate::amounts::count;
use crate::{Progress, ReportError, words};

/// Pages that one thread holds as operations.
const CHUNK: usize = 24;

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
    pub(super) links: Vec<ContentsLink>,
    pub(super) shown: Shown,
    pub(super) warnings: Vec<String>,
}

#[derive(Default)]
struct Chunk {
    pages: Vec<Vec<u8>>,
    links: Vec<ContentsLink>,
    shown: Shown,
    warnings: Vec<String>,
}

impl Job<'_> {
    /// Makes every page.
    pub(super) fn run(&self, progress: &Progress<'_>) -> Result<Made, ReportError> {
        let pages: Vec<usize> = (0..=self.plan.pages.len()).collect();
        let done = AtomicUsize::new(0);
        let chunks: Result<Vec<Chunk>, ReportError> = pages
            .par_chunks(CHUNK)
            .map(|numbers| self.chunk(numbers, pages.len(), &done, progress))
            .collect();
        let mut made = Made {
            pages: Vec::with_capacity(pages.len()),
            links: Vec::new(),
            shown: Shown::default(),
            warnings: Vec::new(),
        };
        for chunk in chunks? {
            made.pages.extend(chunk.pages);
            made.links.extend(chunk.links);
            made.shown.merge(&chunk.shown);
            made.warnings.extend(chunk.warnings);
        }
        Ok(made)
    }

    fn chunk(
        &self,
        numbers: &[usize],
        of: usize,
        done: &AtomicUsize,
        progress: &Progress<'_>,
    ) -> Result<Chunk, ReportError> {
        let mut chunk = Chunk::default();
        let mut pages = Vec::with_capacity(numbers.len());
        for &number in numbers {
            if (progress.is_cancelled)() {
                return Err(ReportError::Cancelled);
            }
            let mut page = PageWriter::new(self.paper);
            match number.checked_sub(1) {
                None => chunk.links = cover::draw(self.selected, &self.plan.marks, &mut page),
                Some(index) => {
                    self.draw_head(&mut page);
                    self.plan.pages[index].draw(self.sections, &mut page);
                }
            }
            draw_foot(&mut page, number + 1, of);
            let (page, shown) = page.finish();
            chunk.shown.merge(&shown);
            pages.push(page);
        }
        let (streams, warnings) = content_streams(pages)?;
        chunk.warnings = warnings;
        for stream in streams {
            chunk.pages.push(compressed(&stream)?);
            (progress.on_page)(done.fetch_add(1, Ordering::Relaxed) + 1, of);
        }
        Ok(chunk)
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

/// The pages' content streams as printpdf writes them, and its warnings.
fn content_streams(pages: Vec<PdfPage>) -> Result<(Vec<Vec<u8>>, Vec<String>), ReportError> {
    let mut document = with_fonts("");
    document.pages = pages;
    let mut warnings = Vec::new();
    let mut written = document.to_lopdf_document(&save_options(), &mut warnings);
    drop(document);
    let ids: Vec<_> = written.page_iter().collect();
    let mut streams = Vec::with_capacity(ids.len());
    for id in ids {
        let contents = written
            .get_dictionary(id)
            .and_then(|page| page.get(b"Contents"))
            .and_then(Object::as_reference)
            .map_err(|_| incomplete("a page without contents"))?;
        match written.objects.remove(&contents) {
            Some(Object::Stream(stream)) => streams.push(stream.content),
            _ => return Err(incomplete("contents that are no stream")),
        }
    }
    Ok((
        streams,
        warnings.into_iter().map(|warning| warning.msg).collect(),
    ))
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
