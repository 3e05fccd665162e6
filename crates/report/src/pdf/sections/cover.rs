//! The first page: whose report it is, the one main number, what to check, what follows.

use packtrain_core::money::Money;
use packtrain_tax::outcome::Outcome;

use super::Selected;
use crate::amounts::{MINUS, count, currency_name, full};
use crate::pdf::flow::Mark;
use crate::pdf::page::{PageWriter, Style};
use crate::pdf::places::{Anchor, Topic};
use crate::pdf::tags::Role;
use crate::pdf::theme::{
    ACCENT, BAD, BODY, CELL, FAINT, FIGURE, HERO, LABEL, LINE, LINE_STRONG, MARGIN, QUIET,
    SUBHEADING, SUNKEN, TEXT, TITLE, WARN, WARN_MARK, WARN_SOFT,
};
use crate::words;

const HALF_GAP: f32 = 28.0;
const ROW: f32 = 17.0;

/// Draws the cover.
pub(in crate::pdf) fn draw(selected: &Selected<'_>, marks: &[Mark], page: &mut PageWriter) {
    draw_title(selected, page);
    let y = draw_result(selected, page, 204.0);
    let y = draw_checks(selected, page, y + 16.0);
    let half = (page.paper().inner() - HALF_GAP) / 2.0;
    draw_facts(selected, page, y + 34.0, half);
    draw_contents(marks, page, y + 34.0, MARGIN + half + HALF_GAP, half);
    draw_legal(page);
}

fn draw_title(selected: &Selected<'_>, page: &mut PageWriter) {
    let settings = selected.settings();
    let width = page.paper().inner();
    draw_brand(page);
    page.part(Role::Title, |page| {
        page.fit(MARGIN, 126.0, width, &selected.title(), TITLE);
    });
    let mut parts = vec![words::country(settings.country).to_owned()];
    parts.extend(selected.span());
    parts.push(currency_name(settings.currency));
    parts.push(words::method(settings.method));
    let style = Style { size: 10.5, ..BODY };
    page.part(Role::Paragraph, |page| {
        page.fit(MARGIN, 148.0, width, &parts.join(" · "), style);
    });
    if let Some(taxpayer) = selected.document.taxpayer {
        let style = style.strong().in_ink(TEXT);
        page.part(Role::Paragraph, |page| {
            page.fit(MARGIN, 168.0, width, taxpayer, style);
        });
    }
}

/// The mark: three steps up.
fn draw_brand(page: &mut PageWriter) {
    let top = 52.0;
    page.fill(MARGIN, top + 10.0, 6.0, 6.0, ACCENT);
    page.fill(MARGIN + 7.5, top + 5.0, 6.0, 6.0, ACCENT);
    page.fill(MARGIN + 15.0, top, 6.0, 6.0, ACCENT);
    let name = Style {
        size: 12.0,
        ..SUBHEADING
    };
    page.part(Role::Paragraph, |page| {
        page.left(MARGIN + 28.0, top + 13.0, "packtrain", name);
    });
}

/// The main number and those that it is made of; returns where it ends.
fn draw_result(selected: &Selected<'_>, page: &mut PageWriter, top: f32) -> f32 {
    let (inner, height) = (page.paper().inner(), 128.0);
    page.fill(MARGIN, top, inner, height, SUNKEN);
    page.fill(MARGIN, top, 3.0, height, ACCENT);
    let (left, width) = (MARGIN + 20.0, inner - 40.0);
    let totals = &selected.totals;
    let label = Style { size: 9.5, ..LABEL };
    let name = if totals.net.is_negative() {
        "Net capital loss"
    } else {
        "Net capital gain"
    };
    let (net, hero) = coloured(totals.net, HERO);
    let (area, summary) = ((MARGIN, top, inner, 76.0), Anchor::Section(Topic::Summary));
    page.part(Role::Paragraph, |page| {
        page.lead(area, Some(summary), |page, _| {
            page.left(left, top + 24.0, name, label.in_ink(QUIET));
            page.number_left(left, top + 60.0, width, &net, hero);
        });
    });
    page.rule(left, left + width, top + 76.0, 0.5, LINE);
    let mut figures = Vec::new();
    if let Some(terms) = selected.terms() {
        figures.push((terms.short.name, totals.short, Topic::Chart));
        figures.push((terms.long.name, totals.long, Topic::Chart));
    } else {
        figures.push(("Gains", totals.gains, Topic::Assets));
        figures.push(("Losses", totals.losses, Topic::Assets));
    }
    figures.push(("Income", totals.income, Topic::Income));
    if !totals.other.is_zero() {
        figures.push(("Margin results", totals.other, Topic::Summary));
    }
    let shares: f32 = figures.iter().map(|_| 1.0).sum();
    let column = width / shares;
    let mut x = left;
    for (name, amount, of) in figures {
        let (amount, style) = coloured(amount, FIGURE);
        let area = (x, top + 82.0, column - 10.0, 36.0);
        page.part(Role::Paragraph, |page| {
            page.lead(area, Some(Anchor::Section(of)), |page, _| {
                page.left(x, top + 94.0, name, label);
                page.number_left(x, top + 112.0, column - 10.0, &amount, style);
            });
        });
        x += column;
    }
    top + height
}

fn coloured(amount: Money, style: Style) -> (String, Style) {
    let text = full(amount);
    let style = if text.starts_with(MINUS) {
        style.in_ink(BAD)
    } else {
        style
    };
    (text, style)
}

/// What is to be checked before filing; returns where it ends.
fn draw_checks(selected: &Selected<'_>, page: &mut PageWriter, top: f32) -> f32 {
    let inner = page.paper().inner();
    if selected.is_empty() {
        page.part(Role::Paragraph, |page| {
            page.fit(MARGIN, top + 12.0, inner, &selected.nothing(), BODY);
        });
        return top + 16.0;
    }
    if selected.checks() == 0 {
        return top - 16.0;
    }
    page.fill(MARGIN, top, inner, 34.0, WARN_SOFT);
    page.fill(MARGIN, top, 3.0, 34.0, WARN_MARK);
    let (area, list) = ((MARGIN, top, inner, 34.0), Anchor::Section(Topic::Checks));
    page.part(Role::Paragraph, |page| {
        page.lead(area, Some(list), |page, at| {
            draw_checks_line(selected, page, top + 21.0, at);
        });
    });
    top + 34.0
}

/// How much is to be checked, what is at stake, and on which page it is listed.
fn draw_checks_line(selected: &Selected<'_>, page: &mut PageWriter, y: f32, at: Option<usize>) {
    let right = page.paper().right();
    let place = at.map_or_else(String::new, |page| format!("Page {}", count(page)));
    let style = Style {
        size: 10.0,
        ..SUBHEADING
    };
    let beside = Style { size: 9.5, ..BODY }.in_ink(WARN);
    let things = words::counted_for_print(selected.checks(), "thing", "things");
    let text = format!("{things} to check before you file");
    page.left(MARGIN + 20.0, y, &text, style);
    let stake = selected.at_stake().filter(|money| !money.is_zero());
    if let Some(stake) = stake {
        let x = MARGIN + 20.0 + style.width(&text) + 12.0;
        let text = words::at_stake(&full(stake), selected.is_stake_exact());
        page.fit(x, y, right - x - 70.0, &text, beside);
    }
    page.right(right - 16.0, y, &place, beside);
}

fn draw_facts(selected: &Selected<'_>, page: &mut PageWriter, top: f32, width: f32) {
    let document = selected.document;
    let settings = selected.settings();
    let rows = words::counted_for_print(rows_of_files(document.outcome), "row", "rows");
    let files = words::counted_for_print(document.inputs.len(), "file", "files");
    let made = document
        .generated_at
        .format("%-d %b %Y, %H:%M UTC")
        .to_string();
    let facts = [
        ("Method", words::method_name(settings.method)),
        ("Wallets", words::scope_name(settings).to_owned()),
        ("Local dates", settings.timezone.name().to_owned()),
        ("Rules", document.outcome.rule_set.to_owned()),
        ("Data", format!("{rows}, {files}")),
        ("Rows not read", count(selected.bad_rows())),
        ("Disposals", selected.disposals_and_lots()),
        ("Made on", made),
    ];
    page.part(Role::Heading, |page| {
        page.left(MARGIN, top, "How it was computed", SUBHEADING);
    });
    page.rule(MARGIN, MARGIN + width, top + 7.0, 0.7, LINE_STRONG);
    let mut y = top + 7.0;
    for (place, (label, value)) in facts.iter().enumerate() {
        if place > 0 {
            page.rule(MARGIN, MARGIN + width, y, 0.5, LINE);
        }
        page.part(Role::Paragraph, |page| {
            page.left(MARGIN, y + 11.5, label, CELL.in_ink(FAINT));
            page.fit(MARGIN + 84.0, y + 11.5, width - 84.0, value, CELL);
        });
        y += ROW;
    }
}

/// Rows of ledgers: prices and answers are files as well, and their lines are nobody's trades, nor
/// does a purchase that was answered stand in a ledger.
fn rows_of_files(outcome: &Outcome) -> usize {
    let rows: usize = outcome.rows.values().sum();
    rows.saturating_sub(outcome.rows_answered)
}

fn draw_contents(marks: &[Mark], page: &mut PageWriter, top: f32, left: f32, width: f32) {
    page.part(Role::Heading, |page| {
        page.left(left, top, "In this report", SUBHEADING);
    });
    page.rule(left, left + width, top + 7.0, 0.7, LINE_STRONG);
    let mut y = top + 7.0;
    page.begin(Role::Contents);
    for (place, mark) in marks.iter().filter(|mark| !mark.is_nested).enumerate() {
        if place > 0 {
            page.rule(left, left + width, y, 0.5, LINE);
        }
        page.begin(Role::ContentsLine);
        page.begin(Role::Reference);
        page.lead_to((left, y, width, ROW), mark.place, |page| {
            page.fit(left, y + 11.5, width - 40.0, &mark.title, CELL);
            page.right(left + width, y + 11.5, &count(mark.place.page + 1), CELL);
        });
        page.end();
        page.end();
        y += ROW;
    }
    page.end();
}

fn draw_legal(page: &mut PageWriter) {
    let text = format!(
        "{} Have a professional review this report before you file it. The same files and settings \
         give the same figures.",
        words::NOT_ADVICE
    );
    let lines = CELL.in_ink(QUIET).wrap(&text, page.paper().inner());
    let mut y = page.paper().bottom() - 18.0;
    page.part(Role::Paragraph, |page| {
        for line in lines {
            page.left(MARGIN, y, &line, CELL.in_ink(QUIET));
            y += 11.5;
        }
    });
}
