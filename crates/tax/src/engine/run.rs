//! The computation in progress: the books of all assets, the wallets, the scope of the day.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::NaiveDate;
use packtrain_core::ledger::{Asset, Leg, Row, RowKind};
use packtrain_core::money::Money;
use packtrain_core::quantity::{AmountError, Quantity};

use super::answers::Spare;
use super::book::{Book, LastPrice, Rule};
use super::choices::Choices;
use super::donations::Donations;
use super::draft::Draft;
use super::input::{Input, index, number};
use super::liquidity::Joint;
use super::lots::{Lots, Part};
use super::margin::Margins;
use super::names::Names;
use super::pools::Whole;
use super::portfolio::{self, Portfolio};
use super::staking::Waiting;
use super::transfer_fees::Moved;
use super::value::{Stated, Worth, asset_leg};
use super::{Stop, Work, aliases};
use crate::allocation::Allocation;
use crate::error::TaxError;
use crate::jurisdiction::{Applied, Jurisdiction, chose};
use crate::methods::journal::Cost;
use crate::methods::{self, Way};
use crate::outcome::TaxYear;
use crate::prices::Prices;
use crate::request::{Scope, Settings};

/// The wallet that stands for everything the records do not show.
pub(super) const OUTSIDE: &str = "(outside the records)";

/// A computation in progress.
pub(super) struct Run<'a> {
    pub(super) rules: &'static Jurisdiction,
    pub(super) settings: &'a Settings,
    pub(super) choices: Choices,
    pub(super) input: &'a Input<'a>,
    pub(super) prices: &'a Prices,
    allocation: &'a Allocation,
    /// What the present row states in money.
    pub(super) stated: Stated,
    /// What the present row's fee is worth.
    pub(super) of_fee: Result<Worth, AmountError>,
    pub(super) draft: Draft,
    pub(super) applied: Applied,
    pub(super) lots: Lots<'a>,
    pub(super) books: Vec<Book<'a>>,
    pub(super) book_of: Names,
    /// Of tokens that share the pool of another one: that one.
    aliases: HashMap<Asset, Asset>,
    /// Rows of liquidity pools that belong together.
    pub(super) joint: Joint,
    /// What was held at the start of each year, where the law taxes that.
    pub(super) wealth: BTreeMap<TaxYear, Money>,
    /// The total cost of all assets, where the method keeps one.
    pub(super) portfolio: Option<Portfolio<'a>>,
    /// What is owed in units of each asset, with its value when it was borrowed.
    pub(super) debts: HashMap<Asset, Cost>,
    pub(super) wallets: Vec<Asset>,
    wallet_of: Names,
    /// The scope of the last row, for the day on which the dated rule changes it.
    pub(super) scope: Scope,
    /// Scratch space of one taking.
    pub(super) parts: Vec<Part>,
    /// How many of them, at the start, the row named.
    pub(super) named: usize,
    /// What the present row moved.
    pub(super) moved: Moved,
    /// What the first half of a transfer in two rows moved, by the index of the second.
    pub(super) moved_before: HashMap<usize, Moved>,
    /// Rewards that do not count yet.
    pub(super) waiting: Waiting<'a>,
    /// Results of margin positions that are lines among those of the pools.
    pub(super) margin_lines: Vec<Whole>,
    /// What charities were given.
    pub(super) donations: Donations<'a>,
    /// What margin results come to.
    pub(super) margins: Margins<'a>,
    /// Answers by which units without a known cost cost nothing.
    pub(super) zeroed: HashSet<usize>,
    /// How many books were looked through since the watch was asked last.
    pub(super) looks: usize,
    /// What is left of purchases that were answered, right after their rows, by the answers.
    pub(super) spare: BTreeMap<usize, Spare>,
}

impl<'a> Run<'a> {
    pub(super) fn new(work: &Work<'a>, settings: &'a Settings) -> Result<Self, TaxError> {
        let Work {
            rules,
            input,
            prices,
            allocation,
            ..
        } = *work;
        let (outside, mut wallet_of) = (Asset::from(OUTSIDE), Names::new());
        wallet_of.insert(&outside, 0);
        let choices = Choices::of(settings);
        let has_pools = matches!(methods::of(settings.method).way, Way::Pool(_));
        let joint = Joint::of(input, prices, settings);
        let joint = joint.map_err(|source| TaxError::Assessment { source })?;
        Ok(Self {
            rules,
            settings,
            choices,
            input,
            prices,
            allocation,
            stated: Stated::nothing(settings.currency),
            of_fee: Ok(Worth::missing(settings.currency)),
            draft: Draft::new(settings.currency),
            applied: Applied::default(),
            lots: Lots::new(
                settings.method,
                input.has_named_lots() || !allocation.is_empty(),
            ),
            books: Vec::new(),
            book_of: Names::new(),
            aliases: if has_pools && choices.wrap_carries {
                aliases::of(input)
            } else {
                HashMap::new()
            },
            joint,
            wealth: BTreeMap::new(),
            portfolio: Portfolio::of(settings),
            debts: HashMap::new(),
            wallets: vec![outside],
            wallet_of,
            scope: rules.scope_on(settings.scope, NaiveDate::MIN),
            parts: Vec::new(),
            named: 0,
            moved: Moved::default(),
            moved_before: HashMap::new(),
            waiting: Waiting::default(),
            donations: Donations::new(),
            margin_lines: Vec::new(),
            margins: Margins::of(rules, settings),
            zeroed: HashSet::new(),
            looks: 0,
            spare: BTreeMap::new(),
        })
    }

    /// Nothing, in the currency of the report.
    pub(super) const fn zero(&self) -> Money {
        Money::zero(self.settings.currency)
    }

    /// The wallet that stands for everything the records do not show.
    pub(super) fn outside(&self) -> Asset {
        Asset::clone(&self.wallets[0])
    }

    /// Brings the scope to the day of the row; lots go to their wallets when it changes.
    pub(super) fn open_day(&mut self, date: NaiveDate) -> Result<(), Stop> {
        let scope = self.rules.scope_on(self.settings.scope, date);
        if scope == Scope::Wallet && self.scope == Scope::Universal {
            self.allocate()?;
        }
        self.scope = scope;
        match scope {
            Scope::Universal => self.applied.universal = true,
            Scope::Wallet => self.applied.wallet = true,
        }
        Ok(())
    }

    /// Opens the day at which the figures stand, which may be after that of the last row: lots go
    /// to their wallets at the turn also where no row follows it.
    pub(super) fn open_last_day(&mut self, work: &Work<'_>) -> Result<(), Stop> {
        // What a person allocated is checked and used; only figures of a day before know none.
        let allocated = match self.allocation.is_empty() {
            true => None,
            false => Some(work.until.unwrap_or(NaiveDate::MAX)),
        };
        match allocated.or(work.open_on) {
            Some(date) if self.scope == Scope::Universal => self.open_day(date),
            _ => Ok(()),
        }
    }

    /// Gives each wallet its lots: as the person allocated them, else by the rule of the option.
    fn allocate(&mut self) -> Result<(), Stop> {
        for (asset, _) in self.allocation.assets() {
            if !self.books.iter().any(|book| book.asset == *asset) {
                let what = format!("the records have no {asset} then");
                return Err(Stop::Allocation(asset.to_string(), vec![what]));
            }
        }
        let rule = if chose(self.settings, "allocation", "oldest") {
            Rule::Oldest
        } else if chose(self.settings, "allocation", "highest") {
            Rule::Highest
        } else {
            Rule::InPlace
        };
        let (mut by_rule, mut by_unit) = (None, None);
        for book in &mut self.books {
            let name = book.asset.to_string();
            let own = self.allocation.of(&book.asset);
            let (moved, list) = match own {
                None => {
                    let moved = book.allocate(&self.lots, &self.wallets, rule)?;
                    (moved, &mut by_rule)
                }
                Some(units) => {
                    let moved = book.allocate_units(&self.lots, &self.wallets, units)?;
                    let moved = moved.map_err(|wrong| Stop::Allocation(name.clone(), wrong))?;
                    (moved, &mut by_unit)
                }
            };
            let list = list.get_or_insert_with(BTreeMap::new);
            if moved.is_positive() {
                list.insert(name, moved.to_string());
            }
        }
        self.applied.allocated = by_rule;
        self.applied.allocated_units = by_unit;
        Ok(())
    }

    fn book(&mut self, asset: &Asset) -> usize {
        if let Some(number) = self.book_of.recall(asset) {
            return index(number);
        }
        let shared = self.aliases.get(asset).cloned();
        let book = match shared.filter(|root| root != asset) {
            Some(root) => self.book(&root),
            None => {
                self.books.push(Book::new(Asset::clone(asset)));
                self.books.len() - 1
            }
        };
        self.book_of.insert(asset, number(book));
        book
    }

    /// The book of an asset that a row has named.
    pub(super) fn known_book(&self, asset: &Asset) -> Option<&Book<'a>> {
        Some(&self.books[index(self.book_of.find(asset)?)])
    }

    fn wallet(&mut self, name: &Asset) -> u32 {
        if let Some(number) = self.wallet_of.recall(name) {
            return number;
        }
        let number = number(self.wallets.len());
        self.wallets.push(Asset::clone(name));
        self.wallet_of.insert(name, number);
        number
    }

    /// The book of an asset and the shelf of a wallet in it.
    pub(super) fn place(&mut self, asset: &Asset, wallet: &Asset) -> (usize, usize) {
        let wallet = self.wallet(wallet);
        let book = self.book(asset);
        (book, self.books[book].shelf(wallet, &self.lots))
    }

    /// Remembers what the units of a row were worth. A margin result is no price of the units that
    /// settle it.
    pub(super) fn remember_prices(&mut self, row: &Row, worth: Worth) {
        if row.kind == RowKind::MarginPnl {
            return;
        }
        let sent = asset_leg(row.sent.as_ref());
        // Both legs of a transfer are of one asset: its value is that of what was sent.
        let is_other = |leg: &&Leg| sent.is_none_or(|sent| sent.asset != leg.asset);
        let received = asset_leg(row.received.as_ref()).filter(is_other);
        if !worth.is_missing() {
            for leg in [sent, received].into_iter().flatten() {
                self.remember_price(leg, worth.money, self.stated.date);
            }
        }
        if let (Some(sent), Some(received)) = (sent, received)
            && worth.money.is_zero()
        {
            self.price_swap(sent, received);
        }
    }

    /// Remembers what units were worth on a day.
    pub(super) fn remember_price(&mut self, leg: &Leg, money: Money, date: NaiveDate) {
        if !leg.amount.is_positive() {
            return;
        }
        let book = self.book(&leg.asset);
        let last = self.books[book].last_price;
        let may_be_zero = self.portfolio.is_none();
        if portfolio::is_telling(money, date, last) && (may_be_zero || !money.is_zero()) {
            self.books[book].last_price = Some(LastPrice {
                money,
                units: leg.amount,
                date,
            });
        }
    }

    /// What units may be worth by the last price that the ledger gave, or of a portfolio by the
    /// nearest one, as what is held; zero where there is none.
    pub(super) fn estimate(&mut self, asset: &Asset, quantity: Quantity) -> Money {
        if self.portfolio.is_some() {
            let value = self.value_known_on(asset, quantity, self.stated.date);
            return value.map_or_else(|| self.zero(), |value| value.money);
        }
        let book = self.book(asset);
        self.books[book]
            .last_price
            .and_then(|last| last.money.share(quantity, last.units).ok())
            .unwrap_or_else(|| self.zero())
    }

    /// Units that a wallet holds on record.
    pub(super) fn balance(&mut self, asset: &Asset, wallet: &Asset) -> Quantity {
        let (book, shelf) = self.place(asset, wallet);
        self.books[book].shelves[shelf].balance
    }
}
