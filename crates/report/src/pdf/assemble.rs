//! Puts the made pages into one file, and adds what printpdf leaves open: outline with places,
//! language, dates and identity that repeat, shared resources, compressed objects.

use lopdf::{
    Dictionary, Object, ObjectId, SaveOptions, Stream, StringFormat, dictionary, text_string,
};
use packtrain_core::time::Timestamp;
use printpdf::{Op, PdfFontHandle, PdfPage, Pt, TextItem};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::flow::Mark;
use super::fonts::Weight;
use super::places::{Link, Place};
use super::render::{Made, compressed, incomplete, save_options, with_fonts};
use super::structure::Tree;
use super::theme::Paper;
use crate::{ENGINE, ReportError};

/// What a file says about itself.
pub(super) struct Identity {
    pub(super) title: String,
    pub(super) author: String,
    pub(super) at: Timestamp,
}

/// The finished file.
pub(super) fn assemble(
    mut made: Made,
    marks: &[Mark],
    identity: &Identity,
    paper: Paper,
) -> Result<Vec<u8>, ReportError> {
    let mut hash = content_hash(&made, marks, identity);
    let mut document = skeleton(&made, paper);
    document.version = "1.7".to_owned();
    let pages: Vec<ObjectId> = document.page_iter().collect();
    fill_pages(&mut document, &pages, std::mem::take(&mut made.pages))?;
    let links = add_links(&mut document, &pages, &made.links, paper)?;
    let outline = add_outline(&mut document, &pages, marks, paper);
    compress_rest(&mut document)?;
    let last = document.objects.keys().map(|(id, _)| *id).max();
    let tree = Tree::new(&pages, &made.tags, &links, last.unwrap_or_default() + 1);
    tree.announce(&mut document)?;
    let update = tree.update()?;
    for stream in &update.streams {
        hash.update(&stream.content);
    }
    describe(&mut document, identity, outline, &hash.finalize()[..16])?;
    let options = SaveOptions::builder()
        .use_object_streams(true)
        .use_xref_streams(true)
        .max_objects_per_stream(200)
        .compression_level(6)
        .build();
    let mut bytes = Vec::with_capacity(64 * 1024 + pages.len() * 4 * 1024);
    document
        .save_with_options(&mut bytes, options)
        .map_err(ReportError::Write)?;
    update.append(&mut bytes, &document)?;
    Ok(bytes)
}

/// Repeats with the content and changes with it; the structure is not yet in it.
fn content_hash(made: &Made, marks: &[Mark], identity: &Identity) -> Sha256 {
    let mut hash = Sha256::new();
    hash.update(ENGINE.as_bytes());
    hash.update(identity.title.as_bytes());
    hash.update(identity.author.as_bytes());
    hash.update(identity.at.timestamp_micros().to_be_bytes());
    for page in &made.pages {
        hash.update(page);
    }
    for Mark { title, place, .. } in marks {
        hash.update(format!("{title}{place:?}"));
    }
    for link in made.links.iter().flatten() {
        hash.update(format!("{link:?}"));
    }
    hash
}

/// A file with as many empty pages, whose first shows every character once, so that printpdf
/// writes their widths and their meaning into the fonts.
fn skeleton(made: &Made, paper: Paper) -> lopdf::Document {
    let mut document = with_fonts("");
    let mut ops = vec![Op::StartTextSection];
    for weight in Weight::ALL {
        ops.push(Op::SetFont {
            font: PdfFontHandle::External(weight.id()),
            size: Pt(1.0),
        });
        ops.push(Op::ShowText {
            items: vec![TextItem::Text(made.shown.chars(weight))],
        });
    }
    ops.push(Op::EndTextSection);
    let mut pages: Vec<PdfPage> = made.pages.iter().map(|_| paper.page(Vec::new())).collect();
    pages[0].ops = ops;
    document.pages = pages;
    let mut warnings = Vec::new();
    let document = document.to_lopdf_document(&save_options(), &mut warnings);
    debug_assert!(warnings.is_empty(), "printpdf warns: {warnings:?}");
    document
}

/// Lays the made pages into the empty ones, which then share their resources and their size.
fn fill_pages(
    document: &mut lopdf::Document,
    pages: &[ObjectId],
    contents: Vec<Vec<u8>>,
) -> Result<(), ReportError> {
    let mut shared = None;
    for (id, content) in pages.iter().zip(contents) {
        let page = document
            .get_dictionary_mut(*id)
            .map_err(|_| incomplete("a page that is no dictionary"))?;
        for key in ["TrimBox", "CropBox", "Annots"] {
            page.remove(key.as_bytes());
        }
        let stream = reference(page, b"Contents")?;
        let resources = reference(page, b"Resources")?;
        let first = *shared.get_or_insert(resources);
        page.set("Resources", Object::Reference(first));
        if first != resources {
            document.objects.remove(&resources);
        }
        let stream_of_page = deflated(Dictionary::new(), content);
        document
            .objects
            .insert(stream, Object::Stream(stream_of_page));
    }
    Ok(())
}

fn reference(dictionary: &Dictionary, key: &[u8]) -> Result<ObjectId, ReportError> {
    let object = dictionary.get(key).and_then(Object::as_reference);
    object.map_err(|_| incomplete("a page without its parts"))
}

/// Links inside the report, page by page.
fn add_links(
    document: &mut lopdf::Document,
    pages: &[ObjectId],
    links: &[Vec<Link>],
    paper: Paper,
) -> Result<Vec<Vec<ObjectId>>, ReportError> {
    let mut ids = Vec::with_capacity(pages.len());
    for (id, links) in pages.iter().zip(links) {
        let links: Vec<ObjectId> = links
            .iter()
            .map(|link| document.add_object(annotation(link, pages, paper)))
            .collect();
        if !links.is_empty() {
            let page = document.get_dictionary_mut(*id);
            let page = page.map_err(|_| incomplete("a page that is no dictionary"))?;
            let references = links.iter().copied().map(Object::Reference);
            page.set("Annots", references.collect::<Vec<_>>());
        }
        ids.push(links);
    }
    Ok(ids)
}

fn annotation(link: &Link, pages: &[ObjectId], paper: Paper) -> Object {
    let (left, top, width, height) = link.area;
    let (lower, upper) = (paper.height - top - height, paper.height - top);
    let edges = [left, lower, left + width, upper];
    let edges = edges.map(|edge| Object::Real((edge * 10.0).round() / 10.0));
    Object::Dictionary(dictionary! {
        "Type" => "Annot",
        "Subtype" => "Link",
        "Rect" => edges.to_vec(),
        "Border" => vec![0.into(), 0.into(), 0.into()],
        // What a reader that speaks says of it.
        "Contents" => Object::string_literal(format!("Page {}", link.to.page + 1)),
        "Dest" => destination(pages, paper, link.to),
    })
}

fn destination(pages: &[ObjectId], paper: Paper, place: Place) -> Object {
    // A little over the place, so that it does not stick to the edge of the window, and not so
    // much that the line before it shows.
    let top = (paper.height - place.top + 3.0).min(paper.height).round();
    Object::Array(vec![
        Object::Reference(pages[place.page]),
        "XYZ".into(),
        Object::Null,
        top.into(),
        Object::Null,
    ])
}

/// The bookmarks, two levels deep; the second level starts folded.
fn add_outline(
    document: &mut lopdf::Document,
    pages: &[ObjectId],
    marks: &[Mark],
    paper: Paper,
) -> Option<ObjectId> {
    let root = document.new_object_id();
    let ids: Vec<ObjectId> = marks.iter().map(|_| document.new_object_id()).collect();
    let tops: Vec<usize> = (0..marks.len())
        .filter(|mark| !marks[*mark].is_nested)
        .collect();
    let (first, last) = (*tops.first()?, *tops.last()?);
    for (place, &top) in tops.iter().enumerate() {
        let end = tops.get(place + 1).copied().unwrap_or(marks.len());
        let children: Vec<usize> = (top + 1..end).collect();
        let item = |mark: usize, parent: ObjectId, siblings: &[usize]| {
            let at = siblings
                .iter()
                .position(|sibling| *sibling == mark)
                .unwrap_or_default();
            let mut item = dictionary! {
                "Title" => text_string(&marks[mark].title),
                "Parent" => parent,
                "Dest" => destination(pages, paper, marks[mark].place),
            };
            if at > 0 {
                item.set("Prev", ids[siblings[at - 1]]);
            }
            if let Some(next) = siblings.get(at + 1) {
                item.set("Next", ids[*next]);
            }
            item
        };
        let mut entry = item(top, root, &tops);
        if let (Some(from), Some(to)) = (children.first(), children.last()) {
            entry.set("First", ids[*from]);
            entry.set("Last", ids[*to]);
            entry.set("Count", -i64::try_from(children.len()).unwrap_or_default());
        }
        document.objects.insert(ids[top], Object::Dictionary(entry));
        for &child in &children {
            let entry = item(child, ids[top], &children);
            document
                .objects
                .insert(ids[child], Object::Dictionary(entry));
        }
    }
    let outline = dictionary! {
        "Type" => "Outlines",
        "First" => ids[first],
        "Last" => ids[last],
        "Count" => i64::try_from(tops.len()).unwrap_or_default(),
    };
    document.objects.insert(root, Object::Dictionary(outline));
    Some(root)
}

/// Title, language, dates and identity, all from what was passed in.
fn describe(
    document: &mut lopdf::Document,
    identity: &Identity,
    outline: Option<ObjectId>,
    id: &[u8],
) -> Result<(), ReportError> {
    let at = identity.at.format("D:%Y%m%d%H%M%SZ").to_string();
    let mut info = dictionary! {
        "Title" => text_string(&identity.title),
        "Creator" => text_string(ENGINE),
        "Producer" => text_string(&format!("{ENGINE} with printpdf")),
        "CreationDate" => Object::string_literal(at.clone()),
        "ModDate" => Object::string_literal(at),
    };
    if !identity.author.is_empty() {
        info.set("Author", text_string(&identity.author));
    }
    let old = document.trailer.get(b"Info").and_then(Object::as_reference);
    let old = old.map_err(|_| incomplete("no information dictionary"))?;
    document.objects.insert(old, Object::Dictionary(info));
    let id = Object::String(id.to_vec(), StringFormat::Hexadecimal);
    document.trailer.set("ID", vec![id.clone(), id]);
    let catalog = document
        .catalog_mut()
        .map_err(|_| incomplete("no catalogue"))?;
    catalog.set("Lang", Object::string_literal("en"));
    catalog.set(
        "ViewerPreferences",
        dictionary! { "DisplayDocTitle" => true },
    );
    catalog.set(
        "PageMode",
        if outline.is_some() {
            "UseOutlines"
        } else {
            "UseNone"
        },
    );
    if let Some(outline) = outline {
        catalog.set("Outlines", outline);
    }
    Ok(())
}

/// Compresses the streams that are not yet: font programs and character maps.
fn compress_rest(document: &mut lopdf::Document) -> Result<(), ReportError> {
    let plain: Vec<&mut Stream> = document
        .objects
        .values_mut()
        .filter_map(|object| object.as_stream_mut().ok())
        .filter(|stream| !stream.dict.has(b"Filter"))
        .collect();
    plain.into_par_iter().try_for_each(|stream| {
        let content = compressed(&stream.content)?;
        *stream = deflated(std::mem::take(&mut stream.dict), content);
        Ok(())
    })
}

fn deflated(mut dictionary: Dictionary, content: Vec<u8>) -> Stream {
    dictionary.set("Filter", "FlateDecode");
    Stream::new(dictionary, content).with_compression(false)
}
