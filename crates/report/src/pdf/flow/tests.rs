//! How what flows is laid on pages.

use packtrain_tax::request::Country;

use super::*;
use crate::pdf::paragraph::Paragraph;
use crate::pdf::theme::SUBHEADING;

struct Lines(usize);

impl Block for Lines {
    fn parts(&self) -> usize {
        self.0
    }

    fn height(&self, _part: usize) -> f32 {
        10.0
    }

    fn draw(&self, _part: usize, _page: &mut PageWriter, _top: f32) {}
}

/// What belongs to the block before it.
struct Picture;

impl Block for Picture {
    fn parts(&self) -> usize {
        1
    }

    fn height(&self, _part: usize) -> f32 {
        90.0
    }

    fn draw(&self, _part: usize, _page: &mut PageWriter, _top: f32) {}

    fn follows(&self) -> bool {
        true
    }
}

fn planned(blocks: &[usize]) -> Plan {
    let sections: Vec<_> = blocks
        .iter()
        .map(|lines| Section {
            topic: Topic::Summary,
            title: String::new(),
            blocks: vec![Box::new(Lines(*lines))],
        })
        .collect();
    plan(&sections, Paper::of(Country::Us), 1)
}

fn between_first_two(plan: &Plan) -> f32 {
    plan.marks[1].place.top - plan.marks[0].place.top
}

#[test]
fn a_last_page_with_next_to_nothing_on_it_is_spared_where_less_space_between_does_it() {
    // 668 points to a page: 702 with the usual space between, 672 with less.
    let spared = planned(&[13, 13, 13, 11]);
    assert_eq!(spared.pages.len(), 1);
    assert_eq!(between_first_two(&spared), 28.0 + 130.0 + TIGHT.sections);
    let full = planned(&[13, 13, 13, 11, 30]);
    assert_eq!(full.pages.len(), 2);
    assert_eq!(between_first_two(&full), 28.0 + 130.0 + ROOMY.sections);
}

#[test]
fn the_foot_of_a_page_is_not_left_empty_where_less_space_on_it_spares_that() {
    // The fifth section needs 118 points of 106, and 108 of 118 with less space on its page.
    let plan = planned(&[9, 9, 9, 9, 6, 40]);
    let places: Vec<_> = plan.marks.iter().map(|mark| mark.place).collect();
    assert_eq!(places[4].page, 1, "{places:?}");
    assert_eq!(places[4].top - places[3].top, 28.0 + 90.0 + TIGHT.sections);
    assert_eq!(places[1].top - places[0].top, 28.0 + 90.0 + ROOMY.sections);
    // What no space spares goes over, and the next page has its usual space.
    let plan = planned(&[9, 9, 9, 9, 8, 10]);
    let places: Vec<_> = plan.marks.iter().map(|mark| mark.place).collect();
    assert_eq!(places[4], Place { page: 2, top: TOP });
    assert_eq!(places[5].top - TOP, 28.0 + 80.0 + ROOMY.sections);
}

#[test]
fn what_belongs_to_a_table_stands_on_the_page_of_its_last_lines() {
    let paper = Paper::of(Country::Us);
    let section = |lines: usize| Section {
        topic: Topic::Holdings,
        title: String::new(),
        blocks: vec![Box::new(Lines(lines)), Box::new(Picture)],
    };
    let parts = |plan: &Plan, page: usize| {
        let placed = plan.pages[page]
            .placed
            .iter()
            .filter_map(|placed| match placed {
                Placed::Parts { block, parts, .. } => Some((*block, parts.clone())),
                Placed::Heading { .. } => None,
            });
        placed.collect::<Vec<_>>()
    };
    // 640 points under the heading: the table alone has room, but not the picture too.
    let plan = plan(&[section(60)], paper, 1);
    assert_eq!(parts(&plan, 0), [(0, 0..57)]);
    assert_eq!(parts(&plan, 1), [(0, 57..60), (1, 0..1)]);
    // A small table goes over with its picture.
    let sections = [
        Section {
            topic: Topic::Summary,
            title: String::new(),
            blocks: vec![Box::new(Lines(45))],
        },
        section(8),
    ];
    let plan = super::plan(&sections, paper, 1);
    assert_eq!(parts(&plan, 1), [(0, 0..8), (1, 0..1)]);
}

#[test]
fn a_sentence_that_closes_does_not_take_its_heading_to_the_page_of_the_next() {
    let paper = Paper::of(Country::Us);
    let paragraph = |text: &str| Paragraph::new(paper, text, SUBHEADING, 0.0);
    let section = Section {
        topic: Topic::Holdings,
        title: String::new(),
        blocks: vec![
            Box::new(Lines(50)),
            Box::new(paragraph("At the end of 2023")),
            Box::new(paragraph("Nothing was held.").closing()),
            Box::new(paragraph("At the end of 2024")),
            Box::new(Lines(9)),
            Box::new(Picture),
        ],
    };
    let plan = plan(&[section], paper, 1);
    let blocks = |page: usize| {
        let placed = plan.pages[page].placed.iter();
        let blocks = placed.filter_map(|placed| match placed {
            Placed::Parts { block, .. } => Some(*block),
            Placed::Heading { .. } => None,
        });
        blocks.collect::<Vec<_>>()
    };
    assert_eq!((blocks(0), blocks(1)), (vec![0, 1, 2], vec![3, 4, 5]));
}

#[test]
fn a_small_block_is_not_torn_and_of_a_larger_one_three_lines_go_over() {
    let plan = planned(&[52, 9]);
    assert_eq!(plan.marks[1].place, Place { page: 2, top: TOP });
    let plan = planned(&[66]);
    let Some(Placed::Parts { parts, .. }) = plan.pages[1].placed.first() else {
        panic!("{plan:?}");
    };
    assert_eq!(parts.clone(), 63..66);
}
