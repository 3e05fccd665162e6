//! What the file is beside its pages: bytes, identity, bookmarks, fonts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use lopdf::Dictionary;
use packtrain_tax::request::Country;

use super::read::Read;
use super::{document, made};
use crate::pdf::assemble::{Identity, assemble};
use crate::pdf::flow::Mark;
use crate::pdf::page::PageWriter;
use crate::pdf::pdf;
use crate::pdf::places::Place;
use crate::pdf::render::{Made, compressed};
use crate::pdf::theme::{CELL, Paper};
use crate::{Document, Progress, ReportError, sample};

#[test]
fn the_same_document_gives_the_same_bytes_on_one_thread_and_on_four() {
    let outcome = sample::outcome(900);
    let document = document(&outcome);
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| pdf(&document, &Progress::UNWATCHED))
            .unwrap()
    };
    assert!(on(1) == on(4), "two renderings differ");
}

#[test]
fn another_moment_or_another_figure_gives_another_identity() {
    let id = |document: &Document<'_>| {
        let read = Read::of(&pdf(document, &Progress::UNWATCHED).unwrap());
        let ids = read
            .file
            .trailer
            .get(b"ID")
            .unwrap()
            .as_array()
            .unwrap()
            .clone();
        ids[0].as_str().unwrap().to_vec()
    };
    let (one, other) = (sample::outcome(9), sample::outcome(10));
    let later = Document {
        generated_at: sample::at() + chrono::TimeDelta::seconds(1),
        ..document(&one)
    };
    assert_eq!(id(&document(&one)), id(&document(&one)));
    assert_ne!(id(&document(&one)), id(&document(&other)));
    assert_ne!(id(&document(&one)), id(&later));
}

#[test]
fn another_meaning_another_link_or_another_bookmark_gives_another_identity() {
    let paper = Paper::of(Country::Us);
    let (place, other) = (Place { page: 0, top: 9.0 }, Place { page: 0, top: 8.0 });
    let id = |meaning: &str, to: Place, bookmark: &str| {
        let mut page = PageWriter::new(paper, Arc::default(), 1);
        let area = (10.0, 10.0, 90.0, 10.0);
        page.figure(area, meaning.to_owned(), |page| {
            page.lead_to(area, to, |page| page.left(10.0, 20.0, "a", CELL));
        });
        let page = page.finish();
        let made = Made {
            pages: vec![compressed(&page.stream).unwrap()],
            links: vec![page.links],
            tags: vec![page.tags],
            shown: page.shown,
        };
        let mark = Mark {
            title: bookmark.to_owned(),
            place,
            is_nested: false,
        };
        let identity = Identity {
            title: String::new(),
            author: String::new(),
            at: sample::at(),
        };
        let read = Read::of(&assemble(made, &[mark], &identity, paper).unwrap());
        let ids = read.file.trailer.get(b"ID").unwrap().as_array().unwrap();
        ids[0].as_str().unwrap().to_vec()
    };
    let one = id("Bars", place, "Chart");
    assert_eq!(one, id("Bars", place, "Chart"));
    assert_ne!(one, id("Lines", place, "Chart"));
    assert_ne!(one, id("Bars", other, "Chart"));
    assert_ne!(one, id("Bars", place, "Bars"));
}

#[test]
fn bookmarks_name_the_sections_in_order_and_the_months_inside() {
    let read = made(&sample::outcome(200));
    let sections = read.sections();
    let titles: Vec<_> = sections.iter().map(|(title, _)| title.as_str()).collect();
    assert_eq!(
        titles,
        [
            "Summary",
            "Things to check",
            "Gains by asset",
            "Gains by month",
            "Disposals",
            "Income",
            "Left without a sale",
            "Holdings",
            "Method and sources",
        ]
    );
    let months = read.outline(&sections[4].1);
    assert_eq!(months[0].0, "January 2024");
    assert!(months.len() > 20);
}

#[test]
fn language_title_dates_and_author_come_from_what_was_passed_in() {
    let read = made(&sample::outcome(20));
    assert_eq!(
        read.catalog().get(b"Lang").unwrap().as_str().unwrap(),
        b"en"
    );
    assert_eq!(read.info("Title"), "Tax report 2024 to 2025, United States");
    assert_eq!(read.info("Author"), "Mira Kowalska");
    assert_eq!(read.info("CreationDate"), "D:20260115140211Z");
    assert_eq!(read.info("ModDate"), "D:20260115140211Z");
}

#[test]
fn the_page_numbers_of_the_contents_are_those_of_the_bookmarks_and_links() {
    let read = made(&sample::outcome(200));
    let pages: Vec<_> = read.file.page_iter().collect();
    let page_of = |item: &Dictionary| {
        let destination = item.get(b"Dest").unwrap().as_array().unwrap()[0]
            .as_reference()
            .unwrap();
        pages.iter().position(|page| *page == destination).unwrap() + 1
    };
    let cover = read.file.get_dictionary(pages[0]).unwrap();
    let links = cover.get(b"Annots").unwrap().as_array().unwrap();
    // After those of the main figures and of the things to check.
    let links = &links[links.len() - read.sections().len()..];
    for (place, (title, item)) in read.sections().iter().enumerate() {
        let page = page_of(item);
        let line = read.pages[0].iter().rfind(|text| text.text == *title);
        let line = line.unwrap();
        let number = read.pages[0]
            .iter()
            .find(|text| text.y == line.y && text.from > line.to + 20.0);
        assert_eq!(
            number.map(|text| text.text.clone()),
            Some(page.to_string()),
            "{title}"
        );
        assert!(
            read.pages[page - 1].iter().any(|text| text.text == *title),
            "{title}"
        );
        let link = links[place].as_reference().unwrap();
        let link = read.file.get_dictionary(link).unwrap();
        assert_eq!(page_of(link), page, "{title}");
    }
}

#[test]
fn progress_counts_every_page_and_cancelling_stops_between_pages() {
    let outcome = sample::outcome(300);
    let (count, last) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let progress = Progress {
        on_page: &|_, of| {
            count.fetch_add(1, Ordering::Relaxed);
            last.store(of, Ordering::Relaxed);
        },
        ..Progress::UNWATCHED
    };
    let read = Read::of(&pdf(&document(&outcome), &progress).unwrap());
    assert_eq!(count.into_inner(), read.pages.len());
    assert_eq!(last.into_inner(), read.pages.len());

    let asked = AtomicBool::new(false);
    let cancelled = Progress {
        // The first page is still made.
        is_cancelled: &|| asked.swap(true, Ordering::Relaxed),
        ..Progress::UNWATCHED
    };
    let result = pdf(&document(&outcome), &cancelled);
    assert!(matches!(result, Err(ReportError::Cancelled)));
}

#[test]
fn both_fonts_are_embedded_and_every_stream_is_compressed() {
    let read = made(&sample::outcome(20));
    let streams = read
        .file
        .objects
        .values()
        .filter_map(|object| object.as_stream().ok());
    let mut fonts = 0;
    for stream in streams {
        // The reader has unpacked the object streams, and never packs the cross references.
        let is_index = stream.dict.has_type(b"XRef") || stream.dict.has_type(b"ObjStm");
        assert!(stream.dict.has(b"Filter") || is_index, "{:?}", stream.dict);
        fonts += usize::from(stream.dict.has(b"Length1"));
    }
    assert_eq!(fonts, 2);
}
