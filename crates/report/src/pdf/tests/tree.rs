//! The structure tree, walked as a reader that speaks walks it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::sync::Arc;

use flate2::read::ZlibDecoder;
use lopdf::content::Content;
use lopdf::{Dictionary, Object, ObjectId};
use packtrain_tax::request::Country;

use super::read::{Read, to_unicode};
use super::{document, hard_cases, made};
use crate::limits::TAGGED_CELLS_PAGES_PDF_MAX;
use crate::pdf::page::PageWriter;
use crate::pdf::pdf;
use crate::pdf::places::Place;
use crate::pdf::structure::Tree;
use crate::pdf::table::{Column, Columns};
use crate::pdf::tags::Role;
use crate::pdf::theme::{CELL, Paper};
use crate::{Document, InputFile, Progress, sample};

/// A content of a page: the page's object, and its number on it.
type Marked = (ObjectId, i64);

/// An element with what it consists of.
#[derive(Debug)]
struct Element {
    id: ObjectId,
    role: String,
    dictionary: Dictionary,
    kids: Vec<Element>,
    contents: Vec<Marked>,
    /// Its contents and those of all under it, in order of reading.
    in_order: Vec<Marked>,
    links: Vec<ObjectId>,
}

impl Element {
    fn read(file: &lopdf::Document, id: ObjectId, parent: ObjectId) -> Self {
        let dictionary = file.get_dictionary(id).unwrap().clone();
        assert_eq!(
            dictionary.get(b"P").unwrap().as_reference().unwrap(),
            parent
        );
        let role = dictionary.get(b"S").unwrap().as_name().unwrap();
        let mut element = Self {
            id,
            role: String::from_utf8(role.to_vec()).unwrap(),
            kids: Vec::new(),
            contents: Vec::new(),
            in_order: Vec::new(),
            links: Vec::new(),
            dictionary,
        };
        let page = element.dictionary.get(b"Pg");
        let page = page.and_then(Object::as_reference).ok();
        let kids = element.dictionary.get(b"K").and_then(Object::as_array);
        for kid in kids.cloned().unwrap_or_default() {
            match kid {
                Object::Integer(number) => {
                    element.contents.push((page.unwrap(), number));
                    element.in_order.push((page.unwrap(), number));
                }
                Object::Reference(kid) => {
                    let kid = Self::read(file, kid, id);
                    element.in_order.extend(&kid.in_order);
                    element.kids.push(kid);
                }
                Object::Dictionary(link) => {
                    let of = link.get(b"Obj").unwrap().as_reference().unwrap();
                    element.links.push(of);
                }
                other => panic!("{other:?}"),
            }
        }
        element
    }

    fn root(read: &Read) -> Self {
        let root = read.catalog().get(b"StructTreeRoot").unwrap();
        let root = root.as_reference().unwrap();
        let all = read.file.get_dictionary(root).unwrap().get(b"K").unwrap();
        Self::read(&read.file, all.as_reference().unwrap(), root)
    }

    /// The element and all under it, in order of reading.
    fn all(&self) -> Vec<&Self> {
        let under = self.kids.iter().flat_map(Self::all);
        std::iter::once(self).chain(under).collect()
    }

    fn of_role(&self, role: &str) -> Vec<&Self> {
        let all = self.all().into_iter();
        all.filter(|element| element.role == role).collect()
    }

    /// What is read aloud.
    fn text(&self, texts: &BTreeMap<Marked, String>) -> String {
        let marked = self.in_order.iter();
        let texts: Vec<&str> = marked.map(|marked| &*texts[marked]).collect();
        texts.join(" ")
    }
}

/// What each page shows inside of marked contents; whatever else it shows is an artifact.
fn marked(file: &lopdf::Document) -> BTreeMap<Marked, String> {
    let mut texts: BTreeMap<Marked, String> = BTreeMap::new();
    for page in file.page_iter() {
        let fonts = file.get_page_fonts(page).unwrap();
        let (mut open, mut chars) = (Vec::new(), BTreeMap::new());
        let content = Content::decode(&file.get_page_content(page)).unwrap();
        for operation in content.operations {
            let name = |place: usize| operation.operands[place].as_name().unwrap();
            match operation.operator.as_str() {
                "BMC" => open.push((name(0).to_vec(), None)),
                "BDC" => {
                    let properties = operation.operands[1].as_dict().unwrap();
                    let number = properties.get(b"MCID").and_then(Object::as_i64).ok();
                    open.push((name(0).to_vec(), number));
                    if let Some(number) = number {
                        assert!(texts.insert((page, number), String::new()).is_none());
                    }
                }
                "EMC" => drop(open.pop().unwrap()),
                "Tf" => chars = to_unicode(file, fonts[name(0)]),
                "S" | "f" => assert_eq!(open, [(b"Artifact".to_vec(), None)]),
                "Tj" => {
                    let (role, number) = open.first().expect("every text is marked");
                    let codes = operation.operands[0].as_str().unwrap().chunks_exact(2);
                    let shown = codes.map(|code| chars[&u16::from_be_bytes([code[0], code[1]])]);
                    match number {
                        Some(number) => {
                            let text = texts.get_mut(&(page, *number)).unwrap();
                            text.extend(shown);
                        }
                        None => assert_eq!(role, b"Artifact"),
                    }
                }
                _ => {}
            }
        }
        assert!(open.is_empty());
    }
    texts
}

/// Keys, each with the element, or the list of elements, that it leads to.
fn parents_of(read: &Read) -> Vec<Object> {
    let tree = read.catalog().get(b"StructTreeRoot").unwrap();
    let tree = tree.as_reference().unwrap();
    let tree = read.file.get_dictionary(tree).unwrap();
    let tree = tree.get(b"ParentTree").unwrap().as_reference().unwrap();
    let nums = read
        .file
        .get_dictionary(tree)
        .unwrap()
        .get(b"Nums")
        .unwrap();
    nums.as_array().unwrap().clone()
}

#[test]
fn every_content_of_every_page_stands_in_the_tree_once_and_the_rest_is_an_artifact() {
    for outcome in hard_cases() {
        let read = made(&outcome);
        let texts = marked(&read.file);
        let root = Element::root(&read);
        let mut met = BTreeSet::new();
        let mut parents = BTreeMap::new();
        for element in root.all() {
            for content in &element.contents {
                assert!(met.insert(*content), "{content:?} twice");
                parents.insert(*content, element.id);
            }
        }
        assert!(met.iter().eq(texts.keys()));
        assert!(!met.is_empty());
        let nums = parents_of(&read);
        for (key, page) in read.file.page_iter().enumerate() {
            let dictionary = read.file.get_dictionary(page).unwrap();
            let named = dictionary.get(b"StructParents").unwrap().as_i64().unwrap();
            assert_eq!(usize::try_from(named).unwrap(), key);
            assert_eq!(nums[2 * key].as_i64().unwrap(), named);
            let list = nums[2 * key + 1].as_reference().unwrap();
            let list = read.file.get_object(list).unwrap().as_array().unwrap();
            let contents = texts.keys().filter(|(of, _)| *of == page);
            assert_eq!(list.len(), contents.count());
            for (number, parent) in (0..).zip(list) {
                assert_eq!(parents[&(page, number)], parent.as_reference().unwrap());
            }
        }
    }
}

#[test]
fn the_tree_reads_the_title_the_summary_and_the_findings_in_order() {
    let outcome = sample::outcome(200);
    let read = made(&outcome);
    let texts = marked(&read.file);
    let root = Element::root(&read);
    let text = root.text(&texts);
    let mut from = 0;
    for part in [
        "Tax report 2024 to 2025",
        "Net capital gain",
        "In this report",
        "Summary",
        "Things to check",
        "at stake",
        "Gains by asset",
        "January 2024",
        "Method and sources",
    ] {
        let at = text[from..].find(part);
        from += at.unwrap_or_else(|| panic!("{part} after {}", &text[..from])) + part.len();
    }
    // Words that stand apart are read apart, and a number is read as one.
    let whole = outcome.disposals[0].quantity.to_string();
    assert!(text.contains(&format!(" {whole} ")), "{whole} in {text}");
    assert!(text.contains("Net capital gain $"), "{text}");
    for artifact in ["Page 2 of ", "Calculations, not tax advice. Page"] {
        assert!(!text.contains(artifact), "{artifact}");
    }
    let titles = |role: &str| -> Vec<String> {
        let headings = root.of_role(role).into_iter();
        let texts = headings.map(|heading| heading.text(&texts));
        texts.collect()
    };
    assert_eq!(titles("H1"), ["Tax report 2024 to 2025"]);
    let sections: Vec<_> = read
        .sections()
        .into_iter()
        .map(|(title, _)| title)
        .collect();
    let on_the_cover = ["How it was computed", "In this report"].map(str::to_owned);
    assert_eq!(titles("H2"), [&on_the_cover[..], &sections].concat());
    // A list over many pages is one table, whose head is read once.
    let tables = root.of_role("Table");
    let heads = tables.iter().map(|table| {
        let text = table.text(&texts);
        text.matches("Acquired").count()
    });
    assert_eq!(heads.sum::<usize>(), 1);
}

#[test]
fn no_level_of_headings_is_skipped() {
    for outcome in hard_cases() {
        let read = made(&outcome);
        let mut before = 0;
        for element in Element::root(&read).all() {
            let level = element.role.strip_prefix('H');
            if let Some(level) = level.and_then(|level| level.parse::<u32>().ok()) {
                assert!(level <= before + 1, "H{level} after H{before}");
                before = level;
            }
        }
    }
}

#[test]
fn a_word_over_two_lines_is_read_as_one_and_words_of_two_lines_are_not() {
    let hash = "9f2c41b7".repeat(8);
    let mut outcome = sample::outcome(3);
    outcome.disposals[0].wallet = format!("Cold {hash} drawer").into();
    let read = made(&sample::summed(outcome));
    let root = Element::root(&read);
    let text = root.text(&marked(&read.file));
    assert!(!read.has(&hash), "it is not broken");
    assert!(text.contains(&format!("Cold {hash} drawer")), "{text}");
}

#[test]
fn a_link_is_read_where_it_stands_and_what_is_written_again_has_none() {
    let paper = Paper::of(Country::Us);
    let mut page = PageWriter::new(paper, Arc::default(), 2);
    let to = Place { page: 1, top: 90.0 };
    page.part(Role::Paragraph, |page| {
        page.left(10.0, 10.0, "before", CELL);
        page.lead_to((10.0, 10.0, 90.0, 10.0), to, |page| {
            page.left(10.0, 20.0, "led", CELL);
        });
        page.left(10.0, 30.0, "after", CELL);
        page.again(|page| {
            page.lead_to((10.0, 10.0, 90.0, 10.0), to, |page| {
                page.left(10.0, 40.0, "again", CELL);
            });
        });
    });
    let page = page.finish();
    assert_eq!(page.links.len(), 1);
    let (tags, links) = ([page.tags], [vec![(2, 0)]]);
    let update = Tree::new(&[(1, 0)], &tags, &links, 10).update().unwrap();
    let mut written = String::new();
    let mut content = ZlibDecoder::new(&*update.streams[1].content);
    content.read_to_string(&mut written).unwrap();
    assert!(
        written.contains("/S/P/P 13 0 R/Pg 1 0 R/K[0 15 0 R 2]"),
        "{written}"
    );
}

#[test]
fn every_row_of_a_table_has_as_many_cells_as_its_head() {
    for outcome in hard_cases() {
        let read = made(&outcome);
        for table in Element::root(&read).of_role("Table") {
            let span = |cell: &Element| {
                assert!(["TH", "TD"].contains(&&*cell.role), "{cell:?}");
                let attributes = cell.dictionary.get(b"A").and_then(Object::as_dict);
                let span = attributes.and_then(|attributes| attributes.get(b"ColSpan"));
                span.and_then(Object::as_i64).unwrap_or(1)
            };
            let row = |row: &Element| row.kids.iter().map(span).sum::<i64>();
            let rows: Vec<i64> = table.kids.iter().map(row).collect();
            assert!(rows.iter().all(|count| *count == rows[0]), "{rows:?}");
        }
    }
}

#[test]
fn a_chart_says_what_it_means_and_every_link_stands_in_the_tree_once_with_its_text() {
    let outcome = sample::outcome(90);
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
    let texts = marked(&read.file);
    let root = Element::root(&read);
    let figures = root.of_role("Figure");
    assert!(!figures.is_empty());
    for figure in figures {
        let meaning = lopdf::decode_text_string(figure.dictionary.get(b"Alt").unwrap());
        assert!(meaning.unwrap().starts_with("Bars"));
        assert!(figure.dictionary.has(b"Pg"));
        let attributes = figure.dictionary.get(b"A").and_then(Object::as_dict);
        let edges = attributes
            .unwrap()
            .get(b"BBox")
            .unwrap()
            .as_array()
            .unwrap();
        let edges: Vec<f32> = edges.iter().map(|edge| edge.as_float().unwrap()).collect();
        assert!(edges[0] < edges[2] && edges[1] < edges[3], "{edges:?}");
    }
    for line in root.of_role("TOCI") {
        assert_eq!(line.kids[0].role, "Reference");
        assert_eq!(line.kids[0].kids[0].role, "Link");
    }
    let mut annotations = BTreeSet::new();
    for page in read.file.page_iter() {
        let page = read.file.get_dictionary(page).unwrap();
        for link in page
            .get(b"Annots")
            .and_then(Object::as_array)
            .cloned()
            .unwrap_or_default()
        {
            annotations.insert(link.as_reference().unwrap());
        }
    }
    assert!(!annotations.is_empty());
    let nums = parents_of(&read);
    for element in root.of_role("Link") {
        assert!(!element.text(&texts).is_empty(), "{element:?} says nothing");
        for link in &element.links {
            assert!(annotations.remove(link), "{link:?} twice, or on no page");
            let link = read.file.get_dictionary(*link).unwrap();
            let key = link.get(b"StructParent").unwrap().as_i64().unwrap();
            let at = 2 * usize::try_from(key).unwrap();
            assert_eq!(nums[at].as_i64().unwrap(), key);
            assert_eq!(nums[at + 1].as_reference().unwrap(), element.id);
        }
    }
    assert!(annotations.is_empty(), "{annotations:?}");
}

#[test]
fn in_a_report_of_very_many_pages_a_row_is_one_cell() {
    let most = TAGGED_CELLS_PAGES_PDF_MAX;
    for (pages, cells) in [(most, 3), (most + 1, 1)] {
        let paper = Paper::of(Country::Us);
        let titles = ["Date", "Asset", "Gain"].map(|title| Column::words(title, 1.0));
        let columns = Columns::new(paper, titles.to_vec());
        let mut page = PageWriter::new(paper, Arc::default(), pages);
        columns.draw_head(&mut page, 100.0);
        columns.row(&mut page, 120.0, |row| row.cell(1, "BTC"));
        let tags = page.finish().tags;
        let count = |roles: &[Role]| {
            let parts = tags.parts.iter().filter(|part| roles.contains(&part.role));
            parts.count()
        };
        assert_eq!(count(&[Role::Row]), 2);
        assert_eq!(count(&[Role::ColumnHead]), cells);
        assert_eq!(count(&[Role::RowHead, Role::Cell]), cells);
    }
}
