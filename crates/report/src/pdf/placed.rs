//! What stands on a page, and how it is drawn when the page is made.

use std::ops::Range;

use super::flow::{Block, Section};
use super::page::PageWriter;
use super::tags::{Owner, Role};
use super::theme::{HEADING, MARGIN};

/// What stands on one page.
#[derive(Debug, Default)]
pub(super) struct PagePlan {
    pub(super) placed: Vec<Placed>,
}

/// A heading, or parts of a block that stand together.
#[derive(Debug)]
pub(super) enum Placed {
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

impl PagePlan {
    /// Draws what stands on the page.
    pub(super) fn draw(&self, sections: &[Section<'_>], page: &mut PageWriter) {
        for placed in &self.placed {
            match placed {
                Placed::Heading { section, top } => {
                    let title = &sections[*section].title;
                    let width = page.paper().inner();
                    page.own(owner(*section, None));
                    page.part(Role::Heading, |page| {
                        page.fit(MARGIN, top + HEADING.size, width, title, HEADING);
                    });
                }
                Placed::Parts {
                    section,
                    block,
                    parts,
                    top,
                } => {
                    let drawn = &*sections[*section].blocks[*block];
                    let write = |page: &mut PageWriter| draw_parts(drawn, parts, *top, page);
                    if drawn.role() == Role::Table {
                        page.own(owner(*section, Some(*block)));
                        write(page);
                    } else {
                        page.own(owner(*section, None));
                        page.part(drawn.role(), write);
                    }
                }
            }
        }
    }
}

fn draw_parts(block: &dyn Block, parts: &Range<usize>, mut top: f32, page: &mut PageWriter) {
    let from = parts.start;
    if from == 0 {
        block.draw_head(from, page, top);
    } else {
        page.again(|page| block.draw_head(from, page, top));
    }
    top += block.head(from);
    for part in parts.clone() {
        block.draw(part, page, top);
        top += block.height(part);
    }
}

/// A section, counted after the cover, or a table of it.
fn owner(section: usize, table: Option<usize>) -> Owner {
    let number = |count| u16::try_from(count).unwrap_or(u16::MAX);
    Owner {
        section: number(section + 1),
        table: table.map(number),
    }
}
