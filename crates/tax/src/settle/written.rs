//! An answer as a person writes it, and which of its words belong together.

use chrono::NaiveDate;
use packtrain_core::ledger::NamedLot;
use packtrain_core::money::Currency;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Answer, Price, Purchase, RowName, Settlement, Way};
use crate::import::named_lots;
use crate::outcome::WarningCode;
use crate::request::UnknownWord;
use crate::written::{
    Amount, NOT_NEGATIVE, NOTE_CHARS_MAX, POSITIVE, Slip, Slips, VALUE_CHARS_MAX, WORD_CHARS_MAX,
    told,
};

/// An answer about one row. Which words it takes beside `row`, `file` and `answer`, the answer
/// says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Settlement)]
pub struct Written {
    /// The row's id, as the finding names it.
    #[serde(default)]
    #[schema(required = true, max_length = 300, example = "s7")]
    pub row: String,
    /// The row's file, where rows of that id in several files differ.
    #[schema(max_length = 300)]
    pub file: Option<String>,
    /// `purchase`, `price`, `accept_zero`, `accept`, `keep`, `transfer`, `not_transfer` or `lots`.
    #[serde(default)]
    #[schema(required = true, max_length = 100, example = "purchase")]
    pub answer: String,
    /// The code of the finding that is accepted: of `accept` and `accept_zero`.
    #[schema(max_length = 100, example = "missing_cost_basis")]
    pub finding: Option<String>,
    /// The local day of a purchase.
    #[schema(format = Date, example = "2019-04-02")]
    pub date: Option<String>,
    /// What was bought or has the price, where the row moves several assets.
    #[schema(max_length = 300)]
    pub asset: Option<String>,
    /// How much was bought, as a decimal string.
    #[schema(value_type = Option<String>, example = "2")]
    pub units: Option<Amount>,
    /// What all of it cost, fees included, as a decimal string.
    #[schema(value_type = Option<String>, example = "312.50")]
    pub cost: Option<Amount>,
    /// The price of one unit, as a decimal string.
    #[schema(value_type = Option<String>)]
    pub price: Option<Amount>,
    /// The currency of the cost or the price; absent means the report's.
    #[schema(max_length = 100, example = "EUR")]
    pub currency: Option<String>,
    /// The id of the other row: of `transfer` and `not_transfer`.
    #[schema(max_length = 300)]
    pub with: Option<String>,
    /// The other row's file, where its id does not tell; of `lots` that of the rows it names.
    #[schema(max_length = 300)]
    pub with_file: Option<String>,
    /// Ids of the rows that brought the lots in, each with how much of it the row uses: of `lots`.
    #[schema(max_length = 2000, example = "b1:0.5; b2:1")]
    pub lots: Option<String>,
}

impl Written {
    /// The answer.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn read(mut self) -> Result<Settlement, Vec<Slip>> {
        let mut slips = Slips::default();
        for (key, text) in [
            ("row", Some(&self.row)),
            ("file", self.file.as_ref()),
            ("asset", self.asset.as_ref()),
            ("with", self.with.as_ref()),
            ("with_file", self.with_file.as_ref()),
        ] {
            slips.limit(key, text.map(String::as_str), WORD_CHARS_MAX);
        }
        if self.row.is_empty() {
            slips.add("row", "the row is empty");
        }
        let said = |_: &str, error: UnknownWord| error.to_string();
        let answer = slips.parse("answer", Some(&self.answer), said);
        let answer = answer.and_then(|way| self.answer(way, &mut slips));
        let row = RowName {
            id: self.row,
            file: self.file,
        };
        slips.end(answer.map(|answer| Settlement { row, answer }))
    }

    /// What is said by the words that belong to an answer.
    fn answer(&mut self, way: Way, slips: &mut Slips) -> Option<Answer> {
        let (needed, more) = words_of(way);
        for (key, is_there) in self.keys() {
            // A word that an answer does not take is a slip that could cost money.
            if is_there && !needed.contains(&key) && !more.contains(&key) {
                slips.add(key, format!("{way} takes no {key}"));
            } else if !is_there && needed.contains(&key) {
                slips.add(key, format!("{way} needs {key}"));
            }
        }
        // Elsewhere one of them was told above.
        if more.contains(&"with") && self.with.is_none() && self.with_file.is_some() {
            slips.add("with_file", "with_file needs with");
        }
        match way {
            Way::Accept => self.code(slips).map(Answer::Accept),
            Way::AcceptZero => self.code(slips).map(Answer::AcceptZero),
            Way::Purchase => self.purchase(slips).map(Answer::Purchase),
            Way::Price => {
                let one = slips.amount("price", self.price.as_ref(), NOT_NEGATIVE);
                let currency = self.currency(slips);
                let asset = self.asset.take();
                one.map(|one| {
                    Answer::Price(Price {
                        asset,
                        one,
                        currency,
                    })
                })
            }
            Way::Keep => Some(Answer::Keep),
            Way::Transfer => self.other().map(Answer::Transfer),
            Way::NotTransfer => Some(Answer::NotTransfer(self.other())),
            Way::Lots => {
                let lots = self.lots(slips);
                lots.map(|lots| Answer::Lots(lots, self.with_file.take()))
            }
            Way::AddFile | Way::AddPrices | Way::CorrectRow | Way::Rule => {
                slips.add("answer", format!("{way} is done and not answered"));
                None
            }
        }
    }

    fn purchase(&mut self, slips: &mut Slips) -> Option<Purchase> {
        let said = |text: &str, _| format!("date {text:?} is no day such as 2019-04-02");
        let date: Option<NaiveDate> = slips.parse("date", self.date.as_deref(), said);
        let units = slips.amount("units", self.units.as_ref(), POSITIVE);
        let cost = slips.amount("cost", self.cost.as_ref(), NOT_NEGATIVE);
        let currency = self.currency(slips);
        Some(Purchase {
            date: date?,
            asset: self.asset.take(),
            units: units?,
            cost: cost?,
            currency,
        })
    }

    fn currency(&self, slips: &mut Slips) -> Option<Currency> {
        let said = |text: &str, _| format!("{text:?} is no currency such as EUR");
        slips.parse("currency", self.currency.as_deref(), said)
    }

    fn code(&self, slips: &mut Slips) -> Option<WarningCode> {
        let word = self.finding.as_deref()?;
        if !slips.limit("finding", Some(word), VALUE_CHARS_MAX) {
            return None;
        }
        let mut codes = WarningCode::ALL.iter();
        let code = codes.find(|code| code.as_str() == word).copied();
        if code.is_none() {
            slips.add("finding", format!("no finding {word:?} is known"));
        }
        code
    }

    /// The lots that the answer names.
    fn lots(&self, slips: &mut Slips) -> Option<Vec<NamedLot>> {
        let text = self.lots.as_deref()?;
        if !slips.limit("lots", Some(text), NOTE_CHARS_MAX) {
            return None;
        }
        let lots = named_lots(text, |quantity| Some(quantity.to_owned()));
        if lots.is_none() {
            slips.add(
                "lots",
                "lots is no list of ids of rows with quantities, such as t1:0.5;t2:1.5",
            );
        }
        lots
    }

    /// The other row that the answer names.
    fn other(&mut self) -> Option<RowName> {
        let file = self.with_file.take();
        self.with.take().map(|id| RowName { id, file })
    }

    /// Every word beside those of every answer, and whether it is there.
    fn keys(&self) -> [(&'static str, bool); 10] {
        [
            ("finding", self.finding.is_some()),
            ("date", self.date.is_some()),
            ("asset", self.asset.is_some()),
            ("units", self.units.is_some()),
            ("cost", self.cost.is_some()),
            ("price", self.price.is_some()),
            ("currency", self.currency.is_some()),
            ("with", self.with.is_some()),
            ("with_file", self.with_file.is_some()),
            ("lots", self.lots.is_some()),
        ]
    }
}

/// The words that an answer needs, and those that it takes besides.
const fn words_of(way: Way) -> (&'static [&'static str], &'static [&'static str]) {
    match way {
        Way::Accept | Way::AcceptZero => (&["finding"], &[]),
        Way::Purchase => (&["date", "units", "cost"], &["asset", "currency"]),
        Way::Price => (&["price"], &["asset", "currency"]),
        Way::Transfer => (&["with"], &["with_file"]),
        Way::Lots => (&["lots"], &["with_file"]),
        Way::NotTransfer => (&[], &["with", "with_file"]),
        _ => (&[], &[]),
    }
}

/// As a file is read: all slips of an answer are one error.
impl TryFrom<Written> for Settlement {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let row: String = written.row.chars().take(WORD_CHARS_MAX).collect();
        let read = written.read();
        read.map_err(|slips| format!("the answer for row {row:?}: {}", told(&slips)))
    }
}
