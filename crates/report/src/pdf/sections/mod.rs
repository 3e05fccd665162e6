//! The sections of the report, in the order in which a person reads them.

mod assessment;
mod assets;
mod carried;
mod chart;
mod checks;
pub(super) mod cover;
mod disposal_lines;
mod disposals;
mod harvest;
mod holdings;
mod holdings_chart;
mod lists;
mod method;
mod names;
mod place;
mod prices;
mod scale;
mod selected;
mod summary;
mod uncertain;

pub(super) use selected::Selected;

use super::flow::Section;
use super::theme::Paper;
use crate::ReportError;

/// Every section that has something to say.
pub(super) fn sections<'a>(
    selected: &'a Selected<'a>,
    paper: Paper,
) -> Result<Vec<Section<'a>>, ReportError> {
    let mut sections = vec![summary::section(selected, paper)];
    sections.extend(assessment::section(selected, paper));
    sections.extend(carried::section(selected, paper));
    sections.extend(checks::section(selected, paper));
    sections.extend(assets::section(selected, paper)?);
    sections.extend(chart::section(selected, paper)?);
    sections.extend(disposals::section(selected, paper)?);
    sections.extend(lists::income(selected, paper)?);
    sections.extend(lists::removed(selected, paper)?);
    sections.extend(lists::transfers(selected, paper));
    sections.extend(holdings::section(selected, paper)?);
    sections.extend(harvest::section(selected, paper)?);
    sections.push(method::section(selected, paper));
    sections.extend(prices::section(selected, paper));
    Ok(sections)
}
