//! Topics of SNS and SMS: which, and for how much money.

use packtrain_core::money::{Currency, Money};
use packtrain_notify::{Tariff, TariffError};
use serde::Deserialize;

use super::{Address, Addresses, Problem};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(
    not(feature = "aws"),
    expect(dead_code, reason = "a build without AWS asks nobody")
)]
pub(crate) struct Sns {
    pub(crate) region: String,
    pub(crate) endpoint_url: Address,
    topics: Addresses,
}

impl Sns {
    /// What ARNs of topics may begin with.
    pub(crate) fn topics(&self) -> Vec<String> {
        let begins = self.topics.0.iter();
        begins.map(|begin| begin.reveal().clone()).collect()
    }

    /// What is wrong with the name of a setting and its value.
    pub(super) fn problem(&self) -> Option<Problem> {
        let topics = self.topics();
        let wrong = topics.iter().find(|begin| !begin.starts_with("arn:"))?;
        let what = format!("{wrong:?} is not what an ARN begins with, such as arn:aws:sns:");
        Some(("sns.topics".to_owned(), what))
    }
}

/// What SMS may cost.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sms {
    budget_usd_day: Dollars,
    tenant_budget_usd_day: Dollars,
    part_usd: Dollars,
    part_usd_by_prefix: Addresses,
}

/// US dollars: text, or a number as the environment has it.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "serde_json::Value")]
struct Dollars(Money);

impl TryFrom<serde_json::Value> for Dollars {
    type Error = String;

    fn try_from(value: serde_json::Value) -> Result<Self, Self::Error> {
        let text = match value {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        };
        dollars(&text).map(Self)
    }
}

fn dollars(text: &str) -> Result<Money, String> {
    let money = Money::parse(text.trim(), Currency::USD).ok();
    let money = money.filter(|money| !money.is_negative());
    money.ok_or_else(|| format!("{text:?} is no sum of US dollars, such as 2.50"))
}

impl Sms {
    /// What all SMS of a day may cost, and those of one tenant; none where none are sent.
    pub(crate) fn budgets(&self) -> Option<(Money, Money)> {
        let (all, one) = (self.budget_usd_day.0, self.tenant_budget_usd_day.0);
        (!all.is_zero()).then_some((all, one))
    }

    /// What one part may cost; none where none are sent.
    pub(crate) fn tariff(&self) -> Option<Tariff> {
        self.budgets()?;
        self.read().ok()
    }

    fn read(&self) -> Result<Tariff, String> {
        let prices = self.part_usd_by_prefix.0.iter().map(|entry| {
            let entry = entry.reveal();
            let (prefix, price) = entry
                .split_once('=')
                .ok_or_else(|| format!("{entry:?} is not of the form +49=0.09"))?;
            Ok((prefix.trim().to_owned(), dollars(price)?))
        });
        let prices = prices.collect::<Result<_, String>>()?;
        Tariff::new(self.part_usd.0, prices).map_err(|error: TariffError| error.to_string())
    }

    /// What is wrong with the name of a setting and its value.
    pub(super) fn problem(&self) -> Option<Problem> {
        let what = self.read().err()?;
        Some(("sms.part_usd_by_prefix".to_owned(), what))
    }
}

#[cfg(test)]
mod tests {
    use packtrain_core::money::Money;

    use crate::settings::load;

    #[test]
    fn no_sms_is_sent_and_no_topic_told_unless_the_settings_say_so() {
        let settings = load(None, &[]).unwrap().settings;
        assert_eq!(settings.sms.budgets(), None);
        assert_eq!(settings.sms.tariff(), None);
        assert!(settings.sns.topics().is_empty());
    }

    #[test]
    fn money_is_read_exactly_from_text_and_from_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("packtrain.toml");
        for (all, one) in [("'12.50'", "'0.1'"), ("12.5", "0.1")] {
            let lines = format!("budget_usd_day = {all}\ntenant_budget_usd_day = {one}");
            std::fs::write(&file, format!("[sms]\n{lines}\n")).unwrap();
            let loaded = load(Some(&file), &[]).unwrap();
            let (all, one) = loaded.settings.sms.budgets().unwrap();
            let texts = [all, one].map(Money::to_plain);
            assert_eq!(texts, ["12.5", "0.1"]);
        }
    }

    #[test]
    fn what_is_no_money_no_price_or_no_topic_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("packtrain.toml");
        for (section, key, value, why) in [
            ("sms", "budget_usd_day", "'much'", "no sum of US dollars"),
            ("sms", "part_usd", "-1", "no sum of US dollars"),
            (
                "sms",
                "part_usd_by_prefix",
                "['49=1']",
                "no beginning of a number",
            ),
            ("sms", "part_usd_by_prefix", "['+49']", "not of the form"),
            (
                "sms",
                "part_usd_by_prefix",
                "['+49=x']",
                "no sum of US dollars",
            ),
            (
                "sns",
                "topics",
                "['alerts']",
                "is not what an ARN begins with",
            ),
        ] {
            std::fs::write(&file, format!("[{section}]\n{key} = {value}\n")).unwrap();
            let error = load(Some(&file), &[]).err().map(|error| error.to_string());
            let error = error.unwrap_or_else(|| panic!("{key} = {value} was taken"));
            assert!(error.starts_with(&format!("{section}.{key}: ")), "{error}");
            assert!(error.contains(why), "{error}");
        }
    }
}
