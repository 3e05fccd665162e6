//! The structure tree: what is a heading, a paragraph, a cell, and in which order it is read.
//!
//! A report of 10,000 rows has some 100,000 elements. As objects of lopdf they would take more
//! memory than all the rest; so each page's elements are written as the object stream that the
//! file holds, compressed at once; [`super::update`] adds them to the file.

use std::collections::BTreeMap;
use std::fmt::Write;

use lopdf::{Object, ObjectId, dictionary};
use rayon::prelude::*;

use super::content::utf16;
use super::render::incomplete;
use super::tags::{Meaning, Owner, Tags, Under};
use super::update::{ObjectStream, Packed, Update};
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

    /// Every element, as it is added to the file.
    pub(super) fn update(&self) -> Result<Update, ReportError> {
        let streams: Result<Vec<ObjectStream>, ReportError> = (0..=self.pages.len())
            .into_par_iter()
            .map(|place| {
                let packed = place
                    .checked_sub(1)
                    .map_or_else(|| self.top(), |at| self.page(at));
                packed.compressed()
            })
            .collect();
        Ok(Update {
            streams: streams?,
            ids: self.first..self.next,
        })
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
        let mut contents = (0..).zip(&page.contents).peekable();
        for (part, id) in page.parts.iter().zip(base..) {
            while let Some((content, of)) = contents.next_if(|(at, _)| *at < part.contents_before) {
                let _ = write!(kids[*of as usize], "{content} ");
            }
            if let Under::Part(under) = part.under {
                let _ = write!(kids[under as usize], "{id} 0 R ");
            }
        }
        for (content, of) in contents {
            let _ = write!(kids[*of as usize], "{content} ");
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
            let meaning = meanings.next_if(|(of, _)| *of == place);
            if !kids.is_empty() || meaning.is_some() {
                let _ = write!(object, "/Pg {sheet} 0 R/K[{}]", kids.trim_end());
            }
            if let Some((_, Meaning { words, edges })) = meaning {
                let [left, lower, right, upper] = edges;
                let _ = write!(
                    object,
                    "/Alt{}/A<</O/Layout/BBox[{left:.1} {lower:.1} {right:.1} {upper:.1}]>>",
                    utf16(words)
                );
            }
            object.push_str(&part.role.attributes());
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

pub(super) fn number(count: usize) -> u32 {
    u32::try_from(count).expect("a report is far below 4 GiB and 2^32 objects")
}
