//! Puts blocks on pages: headings stay with what they head, table heads repeat, and nothing is
//! drawn before the number of pages is known.

use std::ops::Range;

use super::page::PageWriter;
use super::theme::{HEADING, HEADING_HEIGHT, MARGIN, Paper, SECTION_GAP, TOP};

/// Something that can be broken between its parts.
///
/// Parts are drawn from several threads and only when their page is made, so that a long report
/// never holds more than a few pages.
pub(super) trait Block: Sync {
    /// How many parts there are.
    fn parts(&self) -> usize;

    /// Height of a part.
    fn height(&self, part: usize) -> f32;

    /// Draws a part below `top`.
    fn draw(&self, part: usize, page: &mut PageWriter, top: f32);

    /// Height of the head that stands over the parts on each page.
    fn head(&self) -> f32 {
        0.0
    }

    /// Draws the head below `top`.
    fn draw_head(&self, _page: &mut PageWriter, _top: f32) {}

    /// Whether a part must not be the last on its page when others follow.
    fn clings(&self, _part: usize) -> bool {
        false
    }

    /// Bookmarks inside the block, by part.
    fn marks(&self) -> Vec<(usize, String)> {
        Vec::new()
    }

    /// Whether the block introduces the next one and must stand on one page with its beginning.
    fn leads(&self) -> bool {
        false
    }

    /// Space over the block when it is not the first on its page.
    fn gap(&self) -> f32 {
        0.0
    }
}

/// A section: a heading with the blocks under it.
pub(super) struct Section<'a> {
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
    /// The page, counted from 0.
    pub(super) page: usize,
    /// Where on the page, from the top.
    pub(super) top: f32,
    /// Whether it stands under the one before that is not.
    pub(super) is_nested: bool,
}

/// What stands on one page.
#[derive(Debug, Default)]
pub(super) struct PagePlan {
    placed: Vec<Placed>,
}

#[derive(Debug)]
enum Placed {
    Heading {
        section: usize,
        top: f32,
    },
    Parts {
        section: usize,
        block: usize,
        parts: Range<usize>,
        top: f32,
    },
}

/// Every page, and the bookmarks.
#[derive(Debug)]
pub(super) struct Plan {
    /// The pages, without the cover.
    pub(super) pages: Vec<PagePlan>,
    /// The bookmarks in order of reading; pages are counted with the cover.
    pub(super) marks: Vec<Mark>,
}

/// Lays sections out after `pages_before` pages.
pub(super) fn plan(sections: &[Section<'_>], paper: Paper, pages_before: usize) -> Plan {
    let mut planner = Planner {
        paper,
        pages_before,
        plan: Plan {
            pages: vec![PagePlan::default()],
            marks: Vec::new(),
        },
        top: TOP,
    };
    for (index, section) in sections.iter().enumerate() {
        planner.section(index, section);
    }
    if planner
        .plan
        .pages
        .last()
        .is_some_and(|page| page.placed.is_empty())
    {
        planner.plan.pages.pop();
    }
    planner.plan
}

impl PagePlan {
    /// Draws what stands on the page.
    pub(super) fn draw(&self, sections: &[Section<'_>], page: &mut PageWriter) {
        for placed in &self.placed {
            match placed {
                Placed::Heading { section, top } => {
                    let title = &sections[*section].title;
                    let width = page.paper().inner();
                    page.fit(MARGIN, top + HEADING.size, width, title, HEADING);
                }
                Placed::Parts {
                    section,
                    block,
                    parts,
                    top,
                } => {
                    let block = &sections[*section].blocks[*block];
                    let mut top = *top;
                    block.draw_head(page, top);
                    top += block.head();
                    for part in parts.clone() {
                        block.draw(part, page, top);
                        top += block.height(part);
                    }
                }
            }
        }
    }
}

struct Planner {
    paper: Paper,
    pages_before: usize,
    plan: Plan,
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
        let gap = if self.is_fresh() { 0.0 } else { SECTION_GAP };
        if !self.is_fresh() && !self.fits(gap + HEADING_HEIGHT + opening(&blocks)) {
            self.new_page();
        } else {
            self.top += gap;
        }
        self.mark(section.title.clone(), false);
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
            self.top += block.gap();
            if !self.fits(opening(blocks)) {
                self.new_page();
            }
        }
        let mut marks = block.marks().into_iter().peekable();
        let mut from = 0;
        while from < parts {
            let to = self.end_of_page(block, from);
            let top = self.top;
            self.put(Placed::Parts {
                section,
                block: number,
                parts: from..to,
                top,
            });
            self.top += block.head();
            for part in from..to {
                if let Some((_, title)) = marks.next_if(|(at, _)| *at == part) {
                    self.mark(title, true);
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
    fn end_of_page(&self, block: &dyn Block, from: usize) -> usize {
        let mut room = self.paper.bottom() - self.top - block.head();
        let parts = block.parts();
        let mut to = from;
        while to < parts && block.height(to) <= room {
            room -= block.height(to);
            to += 1;
        }
        if to == parts {
            return to;
        }
        // No single last line on a page of its own, and nothing that clings at the foot.
        if parts - to == 1 && to > from + 3 {
            to -= 1;
        }
        while to > from + 1 && block.clings(to - 1) {
            to -= 1;
        }
        // A part that is higher than a page is drawn all the same: nothing is lost silently.
        to.max(from + 1)
    }

    fn fits(&self, height: f32) -> bool {
        self.top + height <= self.paper.bottom()
    }

    fn is_fresh(&self) -> bool {
        self.plan
            .pages
            .last()
            .is_none_or(|page| page.placed.is_empty())
    }

    fn new_page(&mut self) {
        self.plan.pages.push(PagePlan::default());
        self.top = TOP;
    }

    fn put(&mut self, placed: Placed) {
        let page = self.plan.pages.last_mut().expect("there is always a page");
        page.placed.push(placed);
    }

    fn mark(&mut self, title: String, is_nested: bool) {
        self.plan.marks.push(Mark {
            title,
            page: self.pages_before + self.plan.pages.len() - 1,
            top: self.top,
            is_nested,
        });
    }
}

/// The least that may stand at the foot of a page: the first block's head, what clings, and one
/// or two parts more; for a block that leads, all of it with the least of the next.
fn opening(blocks: &[(usize, &dyn Block)]) -> f32 {
    let Some((_, block)) = blocks.first() else {
        return 0.0;
    };
    let parts = block.parts();
    let mut count = if block.leads() { parts } else { 2.min(parts) };
    while count < parts && block.clings(count - 1) {
        count += 1;
    }
    let own = block.head() + (0..count).map(|part| block.height(part)).sum::<f32>();
    match blocks.get(1) {
        Some((_, next)) if block.leads() => own + next.gap() + opening(&blocks[1..]),
        _ => own,
    }
}
