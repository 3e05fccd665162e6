//! Reads a PDF back with lopdf, as its readers would.

use std::collections::BTreeMap;

use lopdf::content::Content;
use lopdf::{Dictionary, Object};

use crate::pdf::fonts::Weight;

/// A text on a page: where it begins and ends, its base line, what it says.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) from: f32,
    pub(super) to: f32,
    pub(super) y: f32,
    pub(super) text: String,
}

pub(super) struct Read {
    pub(super) file: lopdf::Document,
    pub(super) pages: Vec<Vec<Text>>,
}

impl Read {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let file = lopdf::Document::load_mem(bytes).unwrap();
        let pages = file.page_iter().map(|page| texts(&file, page)).collect();
        Self { file, pages }
    }

    pub(super) fn text(&self) -> String {
        let texts = self.pages.iter().flatten().map(|text| text.text.as_str());
        texts.collect::<Vec<_>>().join("\n")
    }

    pub(super) fn has(&self, text: &str) -> bool {
        self.pages.iter().flatten().any(|shown| shown.text == text)
    }

    pub(super) fn catalog(&self) -> &Dictionary {
        self.file.catalog().unwrap()
    }

    pub(super) fn info(&self, key: &str) -> String {
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
    pub(super) fn outline(&self, parent: &Dictionary) -> Vec<(String, Dictionary)> {
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

    /// The links of a page: left, lower, right and upper edge, and where each leads.
    pub(super) fn links(&self, page: usize) -> Vec<Link> {
        let pages: Vec<_> = self.file.page_iter().collect();
        let dictionary = self.file.get_dictionary(pages[page]).unwrap();
        let Ok(links) = dictionary.get(b"Annots") else {
            return Vec::new();
        };
        let link = |object: &Object| {
            let link = object.as_reference().unwrap();
            let link = self.file.get_dictionary(link).unwrap();
            let edges = link.get(b"Rect").unwrap().as_array().unwrap();
            let to = link.get(b"Dest").unwrap().as_array().unwrap();
            let of = to[0].as_reference().unwrap();
            let edge = |place: usize| edges[place].as_float().unwrap();
            Link {
                edges: [edge(0), edge(1), edge(2), edge(3)],
                page: pages.iter().position(|page| *page == of).unwrap(),
                top: to[3].as_float().unwrap(),
            }
        };
        links.as_array().unwrap().iter().map(link).collect()
    }

    /// Where the link leads that lies over a text after the cover, and the text's own page.
    pub(super) fn link_on(&self, text: &str) -> (usize, Link) {
        let on = |page: usize| {
            let shown = self.pages[page].iter().filter(|shown| shown.text == text);
            let mut links = shown.flat_map(|shown| {
                let over = move |link: &Link| link.is_over(shown);
                self.links(page).into_iter().filter(over)
            });
            Some((page, links.next()?))
        };
        let mut found = (1..self.pages.len()).filter_map(on);
        found
            .next()
            .unwrap_or_else(|| panic!("nothing leads from {text}"))
    }

    /// The first text that a link shows at the top of the window.
    pub(super) fn shown_by(&self, link: &Link) -> &str {
        let below = self.pages[link.page]
            .iter()
            .filter(|text| text.y < link.top);
        let first = below.max_by(|a, b| a.y.total_cmp(&b.y).then(b.from.total_cmp(&a.from)));
        &first.unwrap().text
    }

    pub(super) fn sections(&self) -> Vec<(String, Dictionary)> {
        let root = self
            .catalog()
            .get(b"Outlines")
            .unwrap()
            .as_reference()
            .unwrap();
        self.outline(self.file.get_dictionary(root).unwrap())
    }
}

/// An area that leads elsewhere.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) edges: [f32; 4],
    pub(super) page: usize,
    pub(super) top: f32,
}

impl Link {
    fn is_over(&self, text: &Text) -> bool {
        let [left, lower, right, upper] = self.edges;
        left <= text.from + 0.2 && text.from < right && lower <= text.y && text.y < upper
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
                if text == " " {
                    // Only parts the words of two texts.
                    continue;
                }
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
pub(super) fn to_unicode(file: &lopdf::Document, font: &Dictionary) -> BTreeMap<u16, char> {
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
