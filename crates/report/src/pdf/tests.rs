//! Tests of the whole PDF, read back with lopdf.

mod settled;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use lopdf::content::Content;
use lopdf::{Dictionary, Object};
use packtrain_tax::outcome::{Outcome, TaxYear};

use super::fonts::Weight;
use super::*;
use crate::limits::DISPOSAL_LINES_PDF_MAX;
use crate::{InputFile, YearSelection, amounts, sample};

/// A text on a page: where it begins and ends, its base line, what it says.
#[derive(Debug)]
struct Text {
    from: f32,
    to: f32,
    y: f32,
    text: String,
}

struct Read {
    file: lopdf::Document,
    pages: Vec<Vec<Text>>,
}

impl Read {
    fn of(bytes: &[u8]) -> Self {
        let file = lopdf::Document::load_mem(bytes).unwrap();
        let pages = file.page_iter().map(|page| texts(&file, page)).collect();
        Self { file, pages }
    }

    fn text(&self) -> String {
        let texts = self.pages.iter().flatten().map(|text| text.text.as_str());
        texts.collect::<Vec<_>>().join("\n")
    }

    fn has(&self, text: &str) -> bool {
        self.pages.iter().flatten().any(|shown| shown.text == text)
    }

    fn catalog(&self) -> &Dictionary {
        self.file.catalog().unwrap()
    }

    fn info(&self, key: &str) -> String {
        let info = self
            .file
            .trailer
            .get(b"Info")
            .unwrap()
            .as_reference()
            .unwrap();
        let info = self.file.get_dictionary(info).unwrap();
        lopdf::decode_text_string(info.get(key.as_bytes()).unwrap()).unwrap()
    }

    /// Bookmarks of a level, by title, following First and Next.
    fn outline(&self, parent: &Dictionary) -> Vec<(String, Dictionary)> {
        let mut items = Vec::new();
        let mut next = parent.get(b"First").and_then(Object::as_reference).ok();
        while let Some(id) = next {
            let item = self.file.get_dictionary(id).unwrap();
            let title = lopdf::decode_text_string(item.get(b"Title").unwrap()).unwrap();
            items.push((title, item.clone()));
            next = item.get(b"Next").and_then(Object::as_reference).ok();
        }
        items
    }

    fn sections(&self) -> Vec<(String, Dictionary)> {
        let root = self
            .catalog()
            .get(b"Outlines")
            .unwrap()
            .as_reference()
            .unwrap();
        self.outline(self.file.get_dictionary(root).unwrap())
    }
}

/// Reads a page's texts through the character maps of its fonts.
fn texts(file: &lopdf::Document, page: lopdf::ObjectId) -> Vec<Text> {
    let fonts = file.get_page_fonts(page).unwrap();
    let maps: BTreeMap<_, _> = fonts
        .iter()
        .map(|(name, font)| (name.clone(), to_unicode(file, font)))
        .collect();
    let content = Content::decode(&file.get_page_content(page)).unwrap();
    let (mut font, mut size, mut at) = (Vec::new(), 0.0, (0.0, 0.0));
    let mut texts = Vec::new();
    for operation in content.operations {
        let number = |place: usize| operation.operands[place].as_float().unwrap();
        match operation.operator.as_str() {
            "Tf" => {
                font = operation.operands[0].as_name().unwrap().to_vec();
                size = number(1);
            }
            "Td" => at = (at.0 + number(0), at.1 + number(1)),
            "Tj" => {
                let codes = operation.operands[0].as_str().unwrap();
                let text: String = codes
                    .chunks_exact(2)
                    .map(|code| maps[&font][&u16::from_be_bytes([code[0], code[1]])])
                    .collect();
                let weight = if font == b"B" {
                    Weight::SemiBold
                } else {
                    Weight::Regular
                };
                let to = at.0 + weight.face().width(&text, size);
                texts.push(Text {
                    from: at.0,
                    to,
                    y: at.1,
                    text,
                });
            }
            _ => {}
        }
    }
    texts
}

/// The font's own map from codes to characters.
fn to_unicode(file: &lopdf::Document, font: &Dictionary) -> BTreeMap<u16, char> {
    let map = font.get(b"ToUnicode").unwrap().as_reference().unwrap();
    let map = file.get_object(map).unwrap().as_stream().unwrap();
    let map = String::from_utf8(map.decompressed_content().unwrap()).unwrap();
    let code = |word: &str| u16::from_str_radix(word.trim_matches(['<', '>']), 16).ok();
    let mut chars = BTreeMap::new();
    for line in map.lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        match words.as_slice() {
            [from, to] if from.starts_with('<') => {
                if let (Some(from), Some(to)) = (code(from), code(to)) {
                    chars.insert(from, char::from_u32(to.into()).unwrap());
                }
            }
            [from, end, to] if from.starts_with('<') && to.starts_with('<') => {
                let (from, end, to) = (code(from).unwrap(), code(end).unwrap(), code(to).unwrap());
                for step in 0..=end - from {
                    let char = char::from_u32(u32::from(to + step)).unwrap();
                    chars.insert(from + step, char);
                }
            }
            _ => {}
        }
    }
    chars
}

fn document(outcome: &Outcome) -> Document<'_> {
    Document {
        outcome,
        years: YearSelection::All,
        inputs: &[],
        generated_at: sample::at(),
        taxpayer: Some("Mira Kowalska"),
    }
}

fn made(outcome: &Outcome) -> Read {
    let rendered = rendered(&document(outcome), &Progress::UNWATCHED).unwrap();
    assert_eq!(rendered.warnings, Vec::<String>::new());
    Read::of(&rendered.bytes)
}

/// Outcomes that are hard to print.
fn hard_cases() -> Vec<Outcome> {
    let mut huge = sample::outcome(30);
    huge.disposals
        .push(sample::sale("t2", "SHIB", "123456789012.34", "0.001"));
    huge.disposals[0].quantity = sample::quantity("12345678901234.123456789012345678");
    huge.disposals[0].id = "0x9f2c41b7d0a35e66c1e2d3f4a5b6c7d8e9f001122334455667788".into();
    huge.disposals[1].quantity = sample::quantity("0.000000000000000001");
    huge.disposals[2].cost = sample::usd("987654321098.76");
    huge.disposals[2].gain = sample::usd("-987654321098.76");
    huge.warnings = sample::warnings(60, &mut sample::Dice(3));
    huge.warnings[0].message = "W".repeat(700);
    huge.warnings[1].at_stake = sample::usd("987654321098.76");
    let mut loss = sample::empty();
    loss.disposals = vec![sample::sale("t2", "BTC", "100", "94000.5")];
    vec![
        sample::empty(),
        sample::summed(loss),
        sample::summed(huge),
        sample::outcome(400),
    ]
}

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
fn every_disposal_appears_with_its_lot_and_its_gain() {
    let outcome = sample::outcome(700);
    let read = made(&outcome);
    let text = read.text();
    for line in &outcome.disposals {
        assert!(text.contains(&format!("\n{}\n", line.id)), "{line:?}");
        assert!(read.has(&amounts::signed(line.gain)), "{line:?}");
        assert!(read.has(&amounts::bare(line.proceeds)), "{line:?}");
        if let Some(lot) = &line.lot {
            assert!(text.contains(&format!("\n{lot}\n")), "{line:?}");
        }
    }
    let lots = read
        .pages
        .iter()
        .flatten()
        .filter(|text| ["Short · FIFO", "Long · FIFO"].contains(&&*text.text))
        .count();
    assert_eq!(lots, outcome.disposals.len());
}

#[test]
fn every_page_says_which_of_how_many_it_is() {
    let read = made(&sample::outcome(200));
    let of = read.pages.len();
    for (place, page) in read.pages.iter().enumerate() {
        let expected = format!("Page {} of {of}", place + 1);
        assert!(page.iter().any(|text| text.text == expected), "{expected}");
    }
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
        assert_eq!(page_of(links[place].as_dict().unwrap()), page, "{title}");
    }
}

#[test]
fn no_text_leaves_the_margins_and_none_runs_into_another() {
    for outcome in hard_cases() {
        for page in made(&outcome).pages {
            let mut lines: BTreeMap<String, Vec<&Text>> = BTreeMap::new();
            for text in &page {
                assert!(text.from >= theme::MARGIN - 0.2, "{text:?}");
                assert!(text.to <= 612.0 - theme::MARGIN + 0.2, "{text:?}");
                assert!((20.0..760.0).contains(&text.y), "{text:?}");
                lines
                    .entry(format!("{:.1}", text.y))
                    .or_default()
                    .push(text);
            }
            for line in lines.values_mut() {
                line.sort_by(|a, b| a.from.total_cmp(&b.from));
                for pair in line.windows(2) {
                    assert!(pair[0].to <= pair[1].from + 0.2, "{pair:?}");
                }
            }
        }
    }
}

#[test]
fn a_heading_never_stands_alone_at_the_foot_of_a_page() {
    for lines in [1, 7, 12, 25, 40, 61, 90] {
        let read = made(&sample::outcome(lines));
        for (title, _) in read.sections() {
            let page = read
                .pages
                .iter()
                .skip(1)
                .find(|page| page.iter().any(|text| text.text == title));
            let page = page.unwrap();
            let at = page.iter().find(|text| text.text == title).unwrap().y;
            let below = page
                .iter()
                .filter(|text| text.y < at - 30.0 && text.y > theme::BOTTOM - 8.0);
            assert!(below.count() > 2, "{lines} lines: {title} stands alone");
        }
    }
}

#[test]
fn what_has_no_rows_is_not_printed() {
    let read = made(&sample::empty());
    let titles: Vec<_> = read
        .sections()
        .into_iter()
        .map(|(title, _)| title)
        .collect();
    assert_eq!(titles, ["Summary", "Method and sources"]);
}

#[test]
fn a_year_without_rows_is_said_in_words() {
    let outcome = sample::outcome(50);
    let document = Document {
        years: YearSelection::one(TaxYear(2019)),
        ..document(&outcome)
    };
    let read = Read::of(&pdf(&document, &Progress::UNWATCHED).unwrap());
    assert!(read.has("The records hold no disposal and no income for 2019."));
    assert!(read.has("$0.00"));
    assert_eq!(read.info("Title"), "Tax report 2019, United States");
}

#[test]
fn a_character_that_the_font_lacks_is_shown_as_a_box_and_explained() {
    let mut outcome = sample::empty();
    let mut line = sample::sale("t2", "BTC", "2", "1");
    line.wallet = "Łódź 钱包 🚀".into();
    outcome.disposals = vec![line];
    let read = made(&sample::summed(outcome));
    assert!(
        read.has("Łódź \u{fffd}\u{fffd} \u{fffd}"),
        "{}",
        read.text()
    );
    assert!(
        read.text()
            .contains("A box \u{fffd} stands for a character")
    );
}

#[test]
fn bad_rows_of_a_file_are_a_thing_to_check() {
    let outcome = sample::summed(sample::empty());
    let inputs = [InputFile {
        name: "kraken.csv".to_owned(),
        sha256: "e".repeat(64),
        rows: 3,
        bad_rows: 2,
    }];
    let document = Document {
        inputs: &inputs,
        ..document(&outcome)
    };
    let read = Read::of(&pdf(&document, &Progress::UNWATCHED).unwrap());
    assert!(
        read.has("2\u{a0}rows of kraken.csv are not in this report."),
        "{}",
        read.text()
    );
    assert!(read.has(&"e".repeat(64)));
}

#[test]
fn more_disposals_than_the_limit_are_left_to_the_csv_and_still_summed() {
    let outcome = sample::outcome(DISPOSAL_LINES_PDF_MAX + 1);
    let read = made(&outcome);
    assert!(
        read.text().contains("There are 50,001 lines of disposals"),
        "{}",
        read.pages.len()
    );
    assert!(read.pages.len() < 250);
    assert!(read.has("50,001"));
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
