//! Things to check before filing, grouped by what they are about, the most money first.

use packtrain_core::money::Money;
use packtrain_tax::outcome::{Origin, Warning};

use super::Selected;
use crate::amounts::{cents, count, full};
use crate::limits::CHECK_LINES_PDF_MAX;
use crate::pdf::flow::{Block, Section};
use crate::pdf::page::PageWriter;
use crate::pdf::paragraph::Paragraph;
use crate::pdf::places::{Anchor, Topic};
use crate::pdf::tags::Role;
use crate::pdf::theme::{
    ACCENT, BODY, CELL, LINE, MARGIN, Paper, QUIET, SUB, SUBHEADING, WARN, WARN_MARK, WARN_SOFT,
};
use crate::words;

const INDENT: f32 = 12.0;
const AMOUNT: f32 = 110.0;
const LEADING: f32 = 11.5;

/// Things to check; nothing when there is nothing.
pub(super) fn section<'a>(selected: &'a Selected<'a>, paper: Paper) -> Option<Section<'a>> {
    if selected.checks() == 0 {
        return None;
    }
    let mut blocks: Vec<Box<dyn Block + 'a>> = vec![Box::new(Paragraph::new(
        paper,
        "Each of these may change the figures of this report; the most money at stake comes \
         first. The amount beside it is how much a year's net gain or income would change if the \
         most likely other answer were right.",
        BODY,
        8.0,
    ))];
    let mut room = CHECK_LINES_PDF_MAX;
    for group in groups(selected) {
        let shown = group.items.len().min(room);
        room -= shown;
        blocks.push(Box::new(Card::new(selected, paper, &group, shown)));
    }
    if selected.bad_rows() > 0 {
        blocks.push(Box::new(bad_rows(selected, paper)));
    }
    Some(Section {
        topic: Topic::Checks,
        title: "Things to check".to_owned(),
        blocks,
    })
}

struct Group<'a> {
    title: String,
    at_stake: Option<Money>,
    items: Vec<&'a Warning>,
}

/// Warnings of one code together; the group with the most at stake first.
fn groups<'a>(selected: &Selected<'a>) -> Vec<Group<'a>> {
    let mut codes: Vec<_> = selected
        .warnings
        .iter()
        .map(|warning| warning.code)
        .collect();
    codes.sort_unstable();
    codes.dedup();
    let mut groups: Vec<_> = codes
        .into_iter()
        .map(|code| {
            let of_code = selected
                .warnings
                .iter()
                .filter(|warning| warning.code == code);
            let items: Vec<&Warning> = of_code.copied().collect();
            let none = Money::zero(selected.currency());
            let at_stake = items
                .iter()
                .try_fold(none, |sum, item| sum.checked_add(item.at_stake));
            Group {
                title: words::warning(code),
                at_stake: at_stake.ok(),
                items,
            }
        })
        .collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.at_stake.map_or(i128::MAX, cents)));
    groups
}

/// One kind of thing to check with its rows.
struct Card {
    title: String,
    at_stake: String,
    help: Vec<String>,
    items: Vec<Item>,
    rest: Option<String>,
}

struct Item {
    lines: Vec<String>,
    help: Vec<String>,
    place: String,
    /// The row that it is about, where it has one.
    row: Option<Origin>,
    at_stake: String,
    is_estimated: bool,
}

impl Card {
    fn new(selected: &Selected<'_>, paper: Paper, group: &Group<'_>, shown: usize) -> Self {
        let width = paper.inner() - 2.0 * INDENT;
        let first = words::advice(group.items[0]);
        let same_help = (group.items.iter()).all(|item| words::advice(item) == first);
        let item = |warning: &&Warning| Item {
            lines: CELL.wrap(&words::sentence(&warning.message), width - AMOUNT),
            help: if same_help {
                Vec::new()
            } else {
                CELL.wrap(&words::advice(warning), width - AMOUNT)
            },
            place: selected.place(&warning.id, warning.origin),
            row: Some(warning.origin),
            at_stake: stake(warning.at_stake),
            is_estimated: !warning.is_exact && !warning.at_stake.is_zero(),
        };
        let rest = group.items.len() - shown;
        Self {
            title: format!("{} ({})", group.title, count(group.items.len())),
            at_stake: group
                .at_stake
                .map_or_else(String::new, |money| match money.is_zero() {
                    true => String::new(),
                    false => {
                        words::at_stake(&full(money), group.items.iter().all(|item| item.is_exact))
                    }
                }),
            help: if same_help {
                BODY.wrap(&first, width)
            } else {
                Vec::new()
            },
            items: group.items[..shown].iter().map(item).collect(),
            rest: (rest > 0).then(|| words::more_in_figures(rest)),
        }
    }
}

fn stake(money: Money) -> String {
    if money.is_zero() {
        "–".to_owned()
    } else {
        full(money)
    }
}

impl Block for Card {
    fn parts(&self) -> usize {
        1 + self.items.len() + usize::from(self.rest.is_some())
    }

    fn head(&self, _from: usize) -> f32 {
        24.0
    }

    fn draw_head(&self, from: usize, page: &mut PageWriter, top: f32) {
        let (left, right) = (MARGIN + INDENT, page.paper().right() - INDENT);
        let amount = SUBHEADING.in_ink(WARN);
        page.fill(MARGIN, top, page.paper().inner(), 20.0, WARN_SOFT);
        page.fill(MARGIN, top, 3.0, 20.0, WARN_MARK);
        let taken = amount.width(&self.at_stake) + 10.0;
        let (y, width) = (top + 13.4, right - left - taken);
        page.part(Role::Subheading, |page| {
            let title = words::title_from(from, &self.title);
            page.fit(left, y, width, &title, SUBHEADING);
            page.right(right, y, &self.at_stake, amount);
        });
    }

    fn height(&self, part: usize) -> f32 {
        match part.checked_sub(1).map(|item| self.items.get(item)) {
            None if self.help.is_empty() => 0.0,
            None => self.help.iter().map(|_| 13.0).sum::<f32>() + 4.0,
            Some(Some(item)) => {
                let lines = item
                    .lines
                    .iter()
                    .chain(&item.help)
                    .map(|_| LEADING)
                    .sum::<f32>();
                lines + 18.0
            }
            Some(None) => 18.0,
        }
    }

    fn draw(&self, part: usize, page: &mut PageWriter, top: f32) {
        let (left, right) = (MARGIN + INDENT, page.paper().right() - INDENT);
        let Some(index) = part.checked_sub(1) else {
            return page.part(Role::Paragraph, |page| {
                let mut y = top + 10.0;
                for line in &self.help {
                    page.left(left, y, line, BODY);
                    y += 13.0;
                }
            });
        };
        if part + 1 < self.parts() {
            page.rule(left, right, top + self.height(part) - 1.0, 0.5, LINE);
        }
        page.part(Role::Paragraph, |page| match self.items.get(index) {
            Some(item) => item.draw(page, left, right, top),
            None => {
                let rest = self.rest.as_deref().unwrap_or_default();
                page.left(left, top + 12.0, rest, CELL.in_ink(QUIET));
            }
        });
    }

    fn clings(&self, part: usize) -> bool {
        part == 0 || (self.rest.is_some() && part == self.items.len())
    }

    fn gap(&self) -> f32 {
        12.0
    }
}

impl Item {
    fn draw(&self, page: &mut PageWriter, left: f32, right: f32, top: f32) {
        let mut y = top + 11.0;
        for line in &self.lines {
            page.left(left, y, line, CELL);
            y += LEADING;
        }
        page.number(
            right,
            top + 11.0,
            AMOUNT - 10.0,
            &self.at_stake,
            CELL.strong(),
        );
        if self.is_estimated {
            let below = top + 11.0 + LEADING;
            page.right(right, below, words::ESTIMATED, SUB);
        }
        for line in &self.help {
            page.left(left, y, line, CELL.in_ink(QUIET));
            y += LEADING;
        }
        let taken = if self.is_estimated { AMOUNT } else { 0.0 };
        self.draw_place(page, left, y - 1.5, right - left - taken);
    }

    /// The row and where it stands; where the report lists what became of it, the page too, and
    /// the line leads there.
    fn draw_place(&self, page: &mut PageWriter, left: f32, y: f32, width: f32) {
        let anchor = self.row.map(Anchor::Row);
        let area = (left, y - SUB.size, width, SUB.size + 3.0);
        page.lead(area, anchor, |page, at| {
            let Some(at) = at else {
                return page.fit_ends(left, y, width, &self.place, SUB);
            };
            let led = SUB.in_ink(ACCENT);
            let text = format!("page {} · ", count(at));
            page.left(left, y, &text, led);
            let taken = led.width(&text);
            page.fit_ends(left + taken, y, width - taken, &self.place, led);
        });
    }
}

/// Rows that could not be read, by file.
fn bad_rows(selected: &Selected<'_>, paper: Paper) -> Card {
    let files = selected
        .document
        .inputs
        .iter()
        .filter(|file| file.bad_rows > 0);
    let items = files.map(|file| {
        let rows = usize::try_from(file.bad_rows).unwrap_or(usize::MAX);
        let text = words::counted_for_print(
            rows,
            &format!("row of {} is not in this report.", file.name),
            &format!("rows of {} are not in this report.", file.name),
        );
        Item {
            lines: CELL.wrap(&text, paper.inner() - 2.0 * INDENT - AMOUNT),
            help: Vec::new(),
            place: words::counted_for_print(
                usize::try_from(file.rows).unwrap_or(usize::MAX),
                "row of this file was read",
                "rows of this file were read",
            ),
            row: None,
            at_stake: "not known".to_owned(),
            is_estimated: false,
        }
    });
    Card {
        title: format!(
            "Rows that could not be read ({})",
            count(selected.bad_rows())
        ),
        at_stake: String::new(),
        help: BODY.wrap(
            "Correct these rows in their files and make the report again.",
            paper.inner() - 2.0 * INDENT,
        ),
        items: items.collect(),
        rest: None,
    }
}
