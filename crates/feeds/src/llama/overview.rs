//! What protocols turned over in the last 24 hours: fees that were paid, and what was traded.

use packtrain_core::quantity::Quantity;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::figure::figure;
use super::{Listed, Llama, lists};
use crate::host::HostError;

/// Which figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overview {
    /// What users paid.
    Fees,
    /// What was traded on exchanges.
    Dexs,
}

/// A protocol and what it turned over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turnover {
    /// The word in its paths.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Of the last 24 hours, in dollars.
    pub usd_24h: Option<Quantity>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawTurnover<'a> {
    slug: Option<String>,
    display_name: Option<String>,
    name: Option<String>,
    #[serde(default, borrow)]
    total24h: Option<&'a RawValue>,
}

impl Llama {
    /// What every protocol turned over, given on one by one as the answer comes.
    ///
    /// # Errors
    /// [`HostError`] when the host gave no list, or not all of it.
    pub async fn overview(
        &self,
        which: Overview,
        mut take: impl FnMut(Turnover) + Send,
    ) -> Result<Listed, HostError> {
        let word = match which {
            Overview::Fees => "fees",
            Overview::Dexs => "dexs",
        };
        // Without the charts, which are most of the answer.
        let path = format!(
            "/overview/{word}?excludeTotalDataChart=true&excludeTotalDataChartBreakdown=true"
        );
        let mut listed = Listed::default();
        let mut one = |element: &[u8]| match turnover(element) {
            Some(turnover) => {
                listed.read += 1;
                take(turnover);
            }
            None => listed.left_out += 1,
        };
        lists::read_one(&self.api, &path, "protocols", &mut one).await?;
        Ok(listed)
    }
}

fn turnover(element: &[u8]) -> Option<Turnover> {
    let raw: RawTurnover<'_> = serde_json::from_slice(element).ok()?;
    Some(Turnover {
        slug: raw.slug?,
        name: raw.display_name.or(raw.name)?,
        usd_24h: raw.total24h.and_then(figure),
    })
}
