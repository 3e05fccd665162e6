//! Puts blocks on pages: headings stay with what they head, table heads repeat, and nothing is
//! drawn before the number of pages is known.

use std::sync::Arc;

use super::page::PageWriter;
use super::placed::{PagePlan, Placed};
use super::places::{Anchor, Place, Places, Topic};
use super::tags::Role;
use super::theme::{HEADING_HEIGHT, Paper, SECTION_GAP, TOP};

/// A block of at most so many parts and so high stands on one page.
const KEPT_PARTS_MAX: usize = 9;
const KEPT_HEIGHT_MAX: f32 = 150.0;
/// Fewest parts that go over to a page of their own, where the block has more.
const CARRIED_PARTS_MIN: usize = 3;
/// Fewest parts that stand under the head of a block at the foot of a page.
const BEGUN_PARTS_MIN: usize = 3;
/// Height at which fewer of them do as well.
const BEGUN_HEIGHT: f32 = 70.0;
/// Share of its height that is not left empty at the foot of a page where less space between
/// spares it.
const FOOT_MAX: f32 = 0.15;
/// Share of its height below which a last page counts as nearly empty.
const NEARLY_EMPTY: f32 = 0.35;

/// Something that can be broken between its parts.
///
/// Parts are drawn from several threads and only when their page is made, so that a long report
/// never holds more than a few pages.
pub(super) trait Block: Sync {
    /// How many parts there are.
    fn parts(&self) -> usize;

    /// What the block is; a table goes on over pages.
    fn role(&self) -> Role {
        Role::Group
    }

    /// Height of a part.
    fn height(&self, part: usize) -> f32;

    /// Draws a part below `top`.
    fn draw(&self, part: usize, page: &mut PageWriter, top: f32);

    /// Height of the head that stands on a page over the parts from `from` on.
    fn head(&self, _from: usize) -> f32 {
        0.0
    }

    /// Draws the head over the parts from `from` on below `top`.
    fn draw_head(&self, _from: usize, _page: &mut PageWriter, _top: f32) {}

    /// Whether a part must not be the last on its page when others follow.
    fn clings(&self, _part: usize) -> bool {
        false
    }

    /// Bookmarks inside the block, by part.
    fn marks(&self) -> Vec<(usize, String)> {
        Vec::new()
    }

    /// Places inside the block that others lead to, by part.
    fn anchors(&self) -> Vec<(usize, Anchor)> {
        Vec::new()
    }

    /// Whether the block introduces the next one and must stand on one page with its beginning.
    fn leads(&self) -> bool {
        false
    }

    /// Whether the block belongs to the one before it and must stand on one page with its end.
    fn follows(&self) -> bool {
        false
    }

    /// Space over the block when it is not the first on its page.
    fn gap(&self) -> f32 {
        0.0
    }
}

/// A section: a heading with the blocks under it.
pub(super) struct Section<'a> {
    /// What it is about.
    pub(super) topic: Topic,
    /// The heading, which is the bookmark too.
    pub(super) title: String,
    /// What stands under it.
    pub(super) blocks: Vec<Box<dyn Block + 'a>>,
}

/// A bookmark.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mark {
    /// Its text.
    pub(super) title: String,
    /// Where it leads.
    pub(super) place: Place,
    /// Whether it stands under the one before that is not.
    pub(super) is_nested: bool,
}

/// Every page, and the bookmarks.
#[derive(Debug)]
pub(super) struct Plan {
    /// The pages, without the cover.
    pub(super) pages: Vec<PagePlan>,
    /// The bookmarks in order of reading; pages are counted with the cover.
    pub(super) marks: Vec<Mark>,
    /// Where everything stands that others lead to.
    pub(super) places: Arc<Places>,
}

/// Space between what stands on a page.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Spacing {
    /// Between sections.
    sections: f32,
    /// Share of the space that blocks ask for.
    gaps: f32,
    /// What a page holds beyond its usual end.
    more: f32,
}

const ROOMY: Spacing = Spacing {
    sections: SECTION_GAP,
    gaps: 1.0,
    more: 0.0,
};
const TIGHT: Spacing = Spacing {
    sections: 20.0,
    gaps: 0.6,
    more: 12.0,
};

/// Lays sections out after `pages_before` pages; a little tighter where that spares a last page
/// with next to nothing on it.
pub(super) fn plan(sections: &[Section<'_>], paper: Paper, pages_before: usize) -> Plan {
    let (roomy, end) = laid_out(sections, paper, pages_before, ROOMY);
    if roomy.pages.len() < 2 || end > TOP + (paper.bottom() - TOP) * NEARLY_EMPTY {
        return roomy;
    }
    let (tight, _) = laid_out(sections, paper, pages_before, TIGHT);
    if tight.pages.len() < roomy.pages.len() {
        tight
    } else {
        roomy
    }
}

/// The plan, and where its last page ends.
fn laid_out(
    sections: &[Section<'_>],
    paper: Paper,
    pages_before: usize,
    spacing: Spacing,
) -> (Plan, f32) {
    let mut planner = Planner {
        paper,
        pages_before,
        spacing,
        usual: spacing,
        pages: vec![PagePlan::default()],
        marks: Vec::new(),
        places: Places::default(),
        top: TOP,
    };
    for (index, section) in sections.iter().enumerate() {
        planner.section(index, section);
    }
    if planner.is_fresh() {
        planner.pages.pop();
    }
    let plan = Plan {
        pages: planner.pages,
        marks: planner.marks,
        places: Arc::new(planner.places),
    };
    (plan, planner.top)
}

struct Planner {
    paper: Paper,
    pages_before: usize,
    /// Space on the rest of this page, and on others.
    spacing: Spacing,
    usual: Spacing,
    pages: Vec<PagePlan>,
    marks: Vec<Mark>,
    places: Places,
    top: f32,
}

impl Planner {
    fn section(&mut self, index: usize, section: &Section<'_>) {
        let blocks: Vec<(usize, &dyn Block)> = (section.blocks.iter().enumerate())
            .map(|(number, block)| (number, &**block))
            .filter(|(_, block)| block.parts() > 0)
            .collect();
        if blocks.is_empty() {
            return;
        }
        if !self.is_fresh() {
            let least = |planner: &Self| {
                planner.spacing.sections + HEADING_HEIGHT + planner.opening(&blocks)
            };
            if self.has_room(least) {
                self.top += self.spacing.sections;
            } else {
                self.new_page();
            }
        }
        self.mark(section.title.clone(), false);
        self.note(Anchor::Section(section.topic));
        let top = self.top;
        self.put(Placed::Heading {
            section: index,
            top,
        });
        self.top += HEADING_HEIGHT;
        for place in 0..blocks.len() {
            self.block(index, &blocks[place..], place > 0);
        }
    }

    /// Places the first of the blocks that are left of a section.
    fn block(&mut self, section: usize, blocks: &[(usize, &dyn Block)], follows: bool) {
        let (number, block) = blocks[0];
        let parts = block.parts();
        if follows {
            let gap = |planner: &Self| block.gap() * planner.spacing.gaps;
            if self.has_room(|planner| gap(planner) + planner.opening(blocks)) {
                self.top += gap(self);
            } else {
                self.new_page();
            }
        }
        let mut marks = block.marks().into_iter().peekable();
        let mut anchors = block.anchors().into_iter().peekable();
        let mut from = 0;
        while from < parts {
            let to = self.end_of_page(blocks, from);
            let top = self.top;
            self.put(Placed::Parts {
                section,
                block: number,
                parts: from..to,
                top,
            });
            self.top += block.head(from);
            for part in from..to {
                if let Some((_, title)) = marks.next_if(|(at, _)| *at == part) {
                    self.mark(title, true);
                }
                while let Some((_, anchor)) = anchors.next_if(|(at, _)| *at == part) {
                    self.note(anchor);
                }
                self.top += block.height(part);
            }
            if to < parts {
                self.new_page();
            }
            from = to;
        }
    }

    /// The first part that does not stand on this page any more.
    fn end_of_page(&self, blocks: &[(usize, &dyn Block)], from: usize) -> usize {
        let (_, block) = blocks[0];
        let mut room = self.bottom() - self.top - block.head(from);
        let parts = block.parts();
        let mut to = from;
        while to < parts && block.height(to) <= room {
            room -= block.height(to);
            to += 1;
        }
        if to == parts && self.follower(blocks) <= room {
            return to;
        }
        // No last line or two on a page of their own, nor a chart without lines of its table; and
        // nothing that clings at the foot.
        if parts - to < CARRIED_PARTS_MIN && to > from + 2 * CARRIED_PARTS_MIN {
            to = parts - CARRIED_PARTS_MIN;
        }
        while to > from + 1 && to < parts && block.clings(to - 1) {
            to -= 1;
        }
        // A part that is higher than a page is drawn all the same: nothing is lost silently.
        to.max(from + 1)
    }

    /// Whether so much stands on the rest of the page: a little tighter where the foot of the
    /// page would stay empty otherwise.
    fn has_room(&mut self, height: impl Fn(&Self) -> f32) -> bool {
        let fits = |planner: &Self| planner.top + height(planner) <= planner.bottom();
        let page = self.paper.bottom() - TOP;
        if fits(self) || self.paper.bottom() - self.top < page * FOOT_MAX {
            return fits(self);
        }
        let before = std::mem::replace(&mut self.spacing, TIGHT);
        let has_room = fits(self);
        if !has_room {
            self.spacing = before;
        }
        has_room
    }

    fn bottom(&self) -> f32 {
        self.paper.bottom() + self.spacing.more
    }

    fn is_fresh(&self) -> bool {
        (self.pages.last()).is_none_or(|page| page.placed.is_empty())
    }

    fn new_page(&mut self) {
        self.pages.push(PagePlan::default());
        self.spacing = self.usual;
        self.top = TOP;
    }

    fn put(&mut self, placed: Placed) {
        let page = self.pages.last_mut().expect("there is always a page");
        page.placed.push(placed);
    }

    fn here(&self) -> Place {
        Place {
            page: self.pages_before + self.pages.len() - 1,
            top: self.top,
        }
    }

    fn note(&mut self, anchor: Anchor) {
        let here = self.here();
        self.places.note(anchor, here);
    }

    fn mark(&mut self, title: String, is_nested: bool) {
        let place = self.here();
        self.marks.push(Mark {
            title,
            place,
            is_nested,
        });
    }

    /// The least that may stand at the foot of a page: the first block's head, a few parts with
    /// what clings to them; all of a small block; for a block that leads, all of it with the
    /// least of the next.
    fn opening(&self, blocks: &[(usize, &dyn Block)]) -> f32 {
        let Some((_, block)) = blocks.first() else {
            return 0.0;
        };
        let parts = block.parts();
        let height = |count: usize| -> f32 {
            block.head(0) + (0..count).map(|part| block.height(part)).sum::<f32>()
        };
        let is_small = parts <= KEPT_PARTS_MAX && height(parts) <= KEPT_HEIGHT_MAX;
        let mut count = if block.leads() || is_small {
            parts
        } else {
            let begun = (1..BEGUN_PARTS_MIN).find(|count| height(*count) >= BEGUN_HEIGHT);
            begun.unwrap_or(BEGUN_PARTS_MIN).min(parts)
        };
        while count < parts && block.clings(count - 1) {
            count += 1;
        }
        match blocks.get(1) {
            Some((_, next)) if block.leads() => {
                height(count) + next.gap() * self.spacing.gaps + self.opening(&blocks[1..])
            }
            _ if count == parts => height(count) + self.follower(blocks),
            _ => height(count),
        }
    }

    /// Height of what belongs to the end of the first block, with the space over it.
    fn follower(&self, blocks: &[(usize, &dyn Block)]) -> f32 {
        let next = blocks.get(1).filter(|(_, next)| next.follows());
        next.map_or(0.0, |(_, next)| {
            let parts = (0..next.parts()).map(|part| next.height(part));
            next.gap() * self.spacing.gaps + next.head(0) + parts.sum::<f32>()
        })
    }
}

#[cfg(test)]
mod tests;
