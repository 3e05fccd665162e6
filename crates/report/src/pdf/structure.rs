//! The structure tree: what is a heading, a paragraph, a cell, and in which order it is read.
//!
//! A report of 10,000 rows has some 100,000 elements. As objects of lopdf they would take more
//! memory than all the rest; so each page's elements are written as the object stream that the
//! file holds, compressed at once, and follow the rest of the file as an update of it, with a
//! cross-reference stream of their own.

use std::collections::BTreeMap;
use std::fmt::Write;

use lopdf::{Dictionary, Object, ObjectId, dictionary};
use rayon::prelude::*;

use super::content::utf16;
use super::render::{compressed, incomplete};
use super::tags::{Owner, Role, Tags, Under};
use crate::ReportError;

/// Sections and tables with their numbers, and with what they consist of.
type Owners = BTreeMap<Owner, (u32, String)>;

/// The tree of a report, with the numbers of its objects.
pub(super) struct Tree<'a> {
    pages: &'a [ObjectId],
    tags: &'a [Tags],
    /// The annotation of each link, by page.
    links: &'a [Vec<ObjectId>],
    first: u32,
    owners: Owners,
    /// The number of each page's first element.
    bases: Vec<u32>,
    next: u32,
}

/// Objects as the content of an object stream.
#[derive(Default)]
struct Packed {
    index: String,
    body: String,
    count: u32,
}

impl Packed {
    fn add(&mut self, id: u32, object: &str) {
        let _ = write!(self.index, "{id} {} ", self.body.len());
        self.body.push_str(object);
        self.body.push('\n');
        self.count += 1;
    }

    /// The stream as an object of that number.
    fn object(self, id: u32) -> Result<Vec<u8>, ReportError> {
        let (count, first) = (self.count, self.index.len());
        let content = compressed((self.index + &self.body).as_bytes())?;
        let head = format!("/Type/ObjStm/N {count}/First {first}");
        Ok(stream(id, &head, &content))
    }
}

fn stream(id: u32, head: &str, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let head = format!("{id} 0 obj\n<<{head}/Length {length}/Filter/FlateDecode>>stream\n");
    [head.as_bytes(), content, b"\nendstream\nendobj\n"].concat()
}

impl<'a> Tree<'a> {
    /// Gives every element its number, from `first` on.
    pub(super) fn new(
        pages: &'a [ObjectId],
        tags: &'a [Tags],
        links: &'a [Vec<ObjectId>],
        first: u32,
    ) -> Self {
        let mut owners = Owners::new();
        for part in tags.iter().flat_map(|page| &page.parts) {
            if let Under::Owner(owner) = part.under {
                owners.entry(owner.section()).or_default();
                owners.entry(owner).or_default();
            }
        }
        // The root, the tree of parents and the document come first.
        let mut next = first + 3;
        for (id, _) in owners.values_mut() {
            *id = next;
            next += 1;
        }
        let mut bases = Vec::with_capacity(tags.len());
        for page in tags {
            bases.push(next);
            // One more for the list of the parents of its contents.
            next += number(page.parts.len()) + 1;
        }
        fill(&mut owners, tags, &bases);
        Self {
            pages,
            tags,
            links,
            first,
            owners,
            bases,
            next,
        }
    }

    /// Names the tree in the catalogue and in every page, and keeps its numbers free.
    pub(super) fn announce(&self, document: &mut lopdf::Document) -> Result<(), ReportError> {
        for (key, id) in self.pages.iter().enumerate() {
            let page = document.get_dictionary_mut(*id);
            let page = page.map_err(|_| incomplete("a page that is no dictionary"))?;
            page.set("StructParents", i64::from(number(key)));
            page.set("Tabs", "S");
        }
        let keys = number(self.pages.len())..;
        for (key, link) in keys.zip(self.links.iter().flatten()) {
            let link = document.get_dictionary_mut(*link);
            let link = link.map_err(|_| incomplete("a link that is no dictionary"))?;
            link.set("StructParent", i64::from(key));
        }
        let catalog = document.catalog_mut();
        let catalog = catalog.map_err(|_| incomplete("no catalogue"))?;
        catalog.set("MarkInfo", dictionary! { "Marked" => true });
        catalog.set("StructTreeRoot", Object::Reference((self.first, 0)));
        document.max_id = self.next - 1;
        Ok(())
    }

    /// Adds the elements to the file that the document was written to.
    pub(super) fn append(
        &self,
        file: &mut Vec<u8>,
        document: &lopdf::Document,
    ) -> Result<(), ReportError> {
        let own = document.max_id + 1;
        let before = start_of_index(file)?;
        let streams: Result<Vec<_>, ReportError> = (0..=self.pages.len())
            .into_par_iter()
            .map(|place| {
                let packed = place
                    .checked_sub(1)
                    .map_or_else(|| self.top(), |at| self.page(at));
                Ok((packed.count, packed.object(own + number(place))?))
            })
            .collect();
        file.push(b'\n');
        // What the object streams hold, by stream and place; then the streams by their places.
        let (mut held, mut places) = (Vec::new(), Vec::new());
        for ((count, stream), id) in streams?.into_iter().zip(own..) {
            for index in 0..count {
                entry(&mut held, 2, id, index);
            }
            entry(&mut places, 1, number(file.len()), 0);
            file.extend_from_slice(&stream);
        }
        let at = file.len();
        entry(&mut places, 1, number(at), 0);
        let id = own + number(self.pages.len()) + 1;
        let head = format!(
            "/Type/XRef/Size {}/W[1 4 4]/Index[{} {} {own} {}]/Prev {before}{}",
            id + 1,
            self.first,
            self.next - self.first,
            id + 1 - own,
            repeated(&document.trailer)?,
        );
        held.append(&mut places);
        file.extend_from_slice(&stream(id, &head, &compressed(&held)?));
        file.extend_from_slice(format!("startxref\n{at}\n%%EOF\n").as_bytes());
        Ok(())
    }

    /// The root with its sections and tables.
    fn top(&self) -> Packed {
        let mut packed = Packed::default();
        let (root, parents, all) = (self.first, self.first + 1, self.first + 2);
        let pages = || self.tags.iter().zip(&self.bases);
        let lists = pages().map(|(page, base)| base + number(page.parts.len()));
        let links = pages().flat_map(|(page, base)| page.links.iter().map(move |link| base + link));
        let ids: Vec<u32> = lists.chain(links).collect();
        let nums = ids.iter().enumerate();
        let nums: String = nums.map(|(key, id)| format!("{key} {id} 0 R ")).collect();
        let object = format!(
            "<</Type/StructTreeRoot/K {all} 0 R/ParentTree {parents} 0 R/ParentTreeNextKey {}>>",
            ids.len()
        );
        packed.add(root, &object);
        packed.add(parents, &format!("<</Nums[{nums}]>>"));
        let sections = self
            .owners
            .iter()
            .filter(|(owner, _)| owner.table.is_none());
        let sections: String = sections.map(|(_, (id, _))| format!("{id} 0 R ")).collect();
        packed.add(all, &format!("<</S/Document/P {root} 0 R/K[{sections}]>>"));
        for (owner, (id, kids)) in &self.owners {
            let (name, under) = match owner.table {
                None => ("Sect", all),
                Some(_) => ("Table", self.owners[&owner.section()].0),
            };
            packed.add(*id, &format!("<</S/{name}/P {under} 0 R/K[{kids}]>>"));
        }
        packed
    }

    /// The elements of a page, and the list of the parents of its contents.
    fn page(&self, at: usize) -> Packed {
        let (page, base, sheet) = (&self.tags[at], self.bases[at], self.pages[at].0);
        let mut kids = vec![String::new(); page.parts.len()];
        for (content, part) in page.contents.iter().enumerate() {
            let _ = write!(kids[*part as usize], "{content} ");
        }
        for (part, id) in page.parts.iter().zip(base..) {
            if let Under::Part(under) = part.under {
                let _ = write!(kids[under as usize], "{id} 0 R ");
            }
        }
        for (part, link) in page.links.iter().zip(&self.links[at]) {
            let kid = &mut kids[*part as usize];
            let _ = write!(kid, "<</Type/OBJR/Obj {} 0 R/Pg {sheet} 0 R>>", link.0);
        }
        let mut meanings = page.meanings.iter().peekable();
        let mut packed = Packed::default();
        for ((place, part), kids) in (0..).zip(&page.parts).zip(&kids) {
            let under = match part.under {
                Under::Part(under) => base + under,
                Under::Owner(owner) => self.owners[&owner].0,
            };
            let mut object = format!("<</S/{}/P {under} 0 R", part.role.name());
            if !kids.is_empty() {
                let _ = write!(object, "/Pg {sheet} 0 R/K[{}]", kids.trim_end());
            }
            if let Some((_, meaning)) = meanings.next_if(|(of, _)| *of == place) {
                let _ = write!(object, "/Alt{}", utf16(meaning));
            }
            object.push_str(&attributes(part.role));
            object.push_str(">>");
            packed.add(base + place, &object);
        }
        let parents = page.contents.iter();
        let parents: String = parents
            .map(|part| format!("{} 0 R ", base + part))
            .collect();
        packed.add(base + number(page.parts.len()), &format!("[{parents}]"));
        packed
    }
}

/// Says what sections and tables consist of, in order of reading.
fn fill(owners: &mut Owners, tags: &[Tags], bases: &[u32]) {
    let mut met = None;
    let mut push = |owner: Owner, kid: u32| match owners.get_mut(&owner) {
        Some((id, kids)) => {
            let _ = write!(kids, "{kid} 0 R ");
            *id
        }
        None => 0,
    };
    for (page, base) in tags.iter().zip(bases) {
        for (part, id) in page.parts.iter().zip(*base..) {
            let Under::Owner(owner) = part.under else {
                continue;
            };
            let of = push(owner, id);
            if owner.table.is_some() && met.replace(owner) != Some(owner) {
                push(owner.section(), of);
            }
        }
    }
}

/// What a cell is the head of.
fn attributes(role: Role) -> String {
    match role {
        Role::ColumnHead => "/A<</O/Table/Scope/Column>>".to_owned(),
        Role::RowHead => "/A<</O/Table/Scope/Row>>".to_owned(),
        Role::HeadOver(columns) => format!("/A<</O/Table/Scope/Column/ColSpan {columns}>>"),
        _ => String::new(),
    }
}

/// An entry of a cross-reference stream.
fn entry(out: &mut Vec<u8>, kind: u8, first: u32, second: u32) {
    out.push(kind);
    out.extend_from_slice(&first.to_be_bytes());
    out.extend_from_slice(&second.to_be_bytes());
}

/// What each trailer of a file says again: its root, what it says of itself, its identity.
fn repeated(trailer: &Dictionary) -> Result<String, ReportError> {
    let reference = |key: &[u8]| trailer.get(key).and_then(Object::as_reference);
    let id = trailer
        .get(b"ID")
        .and_then(|ids| ids.as_array()?[0].as_str());
    let (Ok(root), Ok(info), Ok(id)) = (reference(b"Root"), reference(b"Info"), id) else {
        return Err(incomplete("a trailer without its parts"));
    };
    let id: String = id.iter().map(|byte| format!("{byte:02X}")).collect();
    let (root, info) = (root.0, info.0);
    Ok(format!("/Root {root} 0 R/Info {info} 0 R/ID[<{id}><{id}>]"))
}

/// Where the file says that its own cross references begin.
fn start_of_index(file: &[u8]) -> Result<usize, ReportError> {
    let end = String::from_utf8_lossy(&file[file.len().saturating_sub(64)..]);
    let start = end.rsplit("startxref").next();
    let start = start.and_then(|start| start.split_whitespace().next()?.parse().ok());
    start.ok_or_else(|| incomplete("no start of cross references"))
}

fn number(count: usize) -> u32 {
    u32::try_from(count).expect("a report is far below 4 GiB and 2^32 objects")
}
