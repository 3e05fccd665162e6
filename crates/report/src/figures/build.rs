//! Figures out of an outcome: what of it the chosen years cover, each amount rounded once.

use std::borrow::Cow;
use std::collections::BTreeMap;

use packtrain_core::time::rfc3339;
use packtrain_tax::outcome::{
    Amount, Disposal, Figure, Holding, Income, Origin, Outcome, Removed, RemovedLot, Settled,
    Totals, Transfer, Warning,
};
use packtrain_tax::printed::printed;
use packtrain_tax::request::{Country, Settings};
use rayon::prelude::*;

use super::{
    AssessmentFigure, AssessmentValue, DisposalFigure, Figures, FileFigure, GivenRuleFigure,
    HoldingFigure, IncomeFigure, PriceFigure, Provenance, RemovedFigure, RemovedLotFigure,
    RuleFigure, SettledFigure, TotalsFigure, TransferFigure, ValuationFigure, WarningFigure,
};
use crate::entered::as_entered;
use crate::words;
use crate::years::year_name;
use crate::{Document, ENGINE, InputFile};

/// The figures of the years that the document selects.
pub fn figures<'a>(document: &Document<'a>) -> Figures<'a> {
    let lines: Vec<_> = disposals(document).collect();
    let inputs = document.inputs;
    let disposals = lines
        .into_par_iter()
        .map(|line| DisposalFigure::of(line, inputs));
    Figures {
        disposals: disposals.collect(),
        income: income(document)
            .map(|line| IncomeFigure::of(line, inputs))
            .collect(),
        valuations: (document.outcome.valuations.iter())
            .filter_map(|one| ValuationFigure::of(one, inputs))
            .collect(),
        ..figures_but_lists(document)
    }
}

/// The disposals of the years that the document selects.
pub(crate) fn disposals<'a>(document: &Document<'a>) -> impl Iterator<Item = &'a Disposal> {
    let (outcome, years) = (document.outcome, &document.years);
    let country = outcome.settings.country;
    outcome
        .disposals
        .iter()
        .filter(move |line| years.covers(country, line.date))
}

/// The income of the years that the document selects.
pub(crate) fn income<'a>(document: &Document<'a>) -> impl Iterator<Item = &'a Income> {
    let (outcome, years) = (document.outcome, &document.years);
    let country = outcome.settings.country;
    outcome
        .income
        .iter()
        .filter(move |line| years.covers(country, line.date))
}

/// How many lines of disposals the years have that the document selects.
pub fn disposals_total(document: &Document<'_>) -> usize {
    disposals(document).count()
}

/// How many lines of income they have.
pub fn income_total(document: &Document<'_>) -> usize {
    income(document).count()
}

/// All figures but disposals, income and valuations, of which there may be very many.
pub fn figures_but_lists<'a>(document: &Document<'a>) -> Figures<'a> {
    let Document {
        outcome, inputs, ..
    } = document;
    let (settings, years) = (&outcome.settings, &document.years);
    let covers = |date| years.covers(settings.country, date);
    Figures {
        jurisdiction: settings.country.as_str().to_uppercase(),
        method: settings.method.as_str().into(),
        scope: words::scope(settings).into(),
        currency: settings.currency,
        options: options(settings),
        disposals: Vec::new(),
        removed: (outcome.removed.iter())
            .filter(|line| covers(line.date))
            .map(|line| RemovedFigure::of(line, inputs))
            .collect(),
        income: Vec::new(),
        valuations: Vec::new(),
        transfers: (outcome.transfers.iter())
            .filter(|line| covers(line.date))
            .map(TransferFigure::of)
            .collect(),
        totals: (outcome.totals.iter())
            .filter(|(year, _)| years.has(**year))
            .map(|(year, totals)| {
                let figure = TotalsFigure::of(totals, settings.country);
                (year_name(settings.country, *year), figure)
            })
            .collect(),
        assessments: (outcome.assessments.iter())
            .filter(|(year, _)| years.has(**year))
            .map(|(year, all)| {
                let figures = all.figures.iter().map(AssessmentFigure::of).collect();
                (year_name(settings.country, *year), figures)
            })
            .collect(),
        holdings: outcome.holdings.iter().map(HoldingFigure::of).collect(),
        warnings: (outcome.warnings.iter())
            .filter(|warning| years.has(warning.year))
            .map(|warning| WarningFigure::of(warning, outcome, inputs))
            .collect(),
        settled: (outcome.settled.iter())
            .map(|answer| SettledFigure::of(answer, inputs))
            .collect(),
        rules_given: (outcome.rules_given.iter())
            .map(|rule| GivenRuleFigure {
                said: rule.said.as_str().into(),
                rows: rule.rows,
            })
            .collect(),
        provenance: Provenance::of(document),
    }
}

/// The name of the file that an origin points into, where the list of files has it.
pub(crate) fn file_name(origin: Origin, inputs: &[InputFile]) -> Option<&str> {
    let index = usize::try_from(origin.file).ok()?;
    inputs.get(index).map(|file| file.name.as_str())
}

/// The options in force and the time zone.
pub(crate) fn options(settings: &Settings) -> BTreeMap<Cow<'_, str>, Cow<'_, str>> {
    let given = settings.options.iter();
    let mut options: BTreeMap<_, _> = given
        .map(|(name, value)| (name.as_str().into(), value.as_str().into()))
        .collect();
    options.insert("timezone".into(), settings.timezone.name().into());
    options
}

impl<'a> DisposalFigure<'a> {
    pub(crate) fn of(line: &'a Disposal, inputs: &'a [InputFile]) -> Self {
        Self {
            id: (&*line.id).into(),
            kind: line.kind,
            asset: (&*line.asset).into(),
            wallet: (&*line.wallet).into(),
            date: line.date,
            quantity: line.quantity.to_string(),
            proceeds: line.proceeds.to_cents(),
            fees: line.fees.to_cents(),
            cost: line.cost.to_cents(),
            gain: line.gain.to_cents(),
            denied_loss: (!line.denied_loss.is_zero()).then(|| line.denied_loss.to_cents()),
            term: line.term.map(|term| term.as_str().into()),
            rule: line.rule.into(),
            acquired: line.acquired,
            lot: line.lot.as_deref().map(Cow::Borrowed),
            form_box: line.form_box,
            is_fee: line.is_fee,
            why: line.reason().to_string().into(),
            price: PriceFigure::of(line.why.value, line.date, line.proceeds.currency()),
            file: file_name(line.origin, inputs).map(Cow::Borrowed),
            line: line.origin.line,
        }
    }
}

impl<'a> RemovedFigure<'a> {
    fn of(line: &'a Removed, inputs: &'a [InputFile]) -> Self {
        Self {
            id: (&*line.id).into(),
            asset: (&*line.asset).into(),
            date: line.date,
            quantity: line.quantity.to_string(),
            cost: line.cost.to_cents(),
            kind: line.kind,
            why: words::part(line).map(Cow::Owned),
            lots: line.lots.iter().map(RemovedLotFigure::of).collect(),
            file: file_name(line.origin, inputs).map(Cow::Borrowed),
            line: line.origin.line,
        }
    }
}

impl<'a> RemovedLotFigure<'a> {
    fn of(part: &'a RemovedLot) -> Self {
        Self {
            lot: part.lot.as_deref().map(Cow::Borrowed),
            quantity: part.quantity.to_string(),
            cost: part.cost.to_cents(),
        }
    }
}

impl<'a> IncomeFigure<'a> {
    pub(crate) fn of(line: &'a Income, inputs: &'a [InputFile]) -> Self {
        Self {
            id: (&*line.id).into(),
            kind: line.kind,
            asset: (&*line.asset).into(),
            date: line.date,
            quantity: line.quantity.to_string(),
            value: line.value.to_cents(),
            price: PriceFigure::of(line.from, line.date, line.value.currency()),
            file: file_name(line.origin, inputs).map(Cow::Borrowed),
            line: line.origin.line,
        }
    }
}

impl<'a> TransferFigure<'a> {
    fn of(line: &'a Transfer) -> Self {
        Self {
            sent: (&*line.sent).into(),
            received: (&*line.received).into(),
            asset: (&*line.asset).into(),
            from: (&*line.from).into(),
            to: (&*line.to).into(),
            date: line.date,
            quantity: line.quantity.to_string(),
            lost: line.lost.to_string(),
            by: words::matched_by(line.by).into(),
        }
    }
}

impl TotalsFigure {
    pub(crate) fn of(totals: &Totals, country: Country) -> Self {
        let totals = printed(totals, country);
        Self {
            proceeds: totals.proceeds.to_cents(),
            no_gain_no_loss: (!totals.no_gain_no_loss.is_zero())
                .then(|| totals.no_gain_no_loss.to_cents()),
            cost: totals.cost.to_cents(),
            fees: totals.fees.to_cents(),
            gains: totals.gains.to_cents(),
            losses: totals.losses.to_cents(),
            denied: totals.denied.to_cents(),
            net: totals.net.to_cents(),
            short: totals.short.to_cents(),
            long: totals.long.to_cents(),
            income: totals.income.to_cents(),
            other: totals.other.to_cents(),
            disposals: totals.disposals,
        }
    }
}

impl<'a> AssessmentFigure<'a> {
    pub(crate) fn of(figure: &'a Figure) -> Self {
        Self {
            key: figure.key.into(),
            label: figure.label.into(),
            value: match figure.amount {
                Amount::Money(money) => AssessmentValue::Money(money.to_cents()),
                Amount::Count(count) => AssessmentValue::Count(count),
                Amount::YesNo(answer) => AssessmentValue::YesNo(answer),
            },
            form: figure.form.map(|place| place.to_string().into()),
            as_entered: as_entered(figure).map(Cow::Owned),
            source: figure.source.into(),
        }
    }
}

impl<'a> HoldingFigure<'a> {
    fn of(holding: &'a Holding) -> Self {
        Self {
            asset: (&*holding.asset).into(),
            quantity: holding.quantity.to_string(),
            cost: holding.cost.to_cents(),
            wallet: holding.wallet.as_deref().map(Cow::Borrowed),
        }
    }
}

impl<'a> WarningFigure<'a> {
    fn of(warning: &'a Warning, outcome: &Outcome, inputs: &'a [InputFile]) -> Self {
        Self {
            code: warning.code.as_str().into(),
            id: (&*warning.id).into(),
            year: year_name(outcome.settings.country, warning.year),
            asset: warning.asset.as_deref().map(Cow::Borrowed),
            at_stake: warning.at_stake.to_cents(),
            is_exact: warning.is_exact,
            message: warning.message.as_str().into(),
            help: warning.help.as_str().into(),
            ways: (warning.ways.iter())
                .map(|way| way.as_str().into())
                .collect(),
            file: file_name(warning.origin, inputs).map(Cow::Borrowed),
            line: warning.origin.line,
        }
    }
}

impl<'a> SettledFigure<'a> {
    fn of(settled: &'a Settled, inputs: &'a [InputFile]) -> Self {
        let codes = settled.findings.iter().map(|finding| finding.code.as_str());
        Self {
            id: (&*settled.id).into(),
            answer: settled.answer.as_str().into(),
            said: settled.to_string().into(),
            by: words::YOUR_ANSWER.into(),
            is_used: settled.is_used,
            findings: codes.map(Cow::Borrowed).collect(),
            file: file_name(settled.origin, inputs).map(Cow::Borrowed),
            line: settled.origin.line,
        }
    }
}

impl<'a> Provenance<'a> {
    fn of(document: &Document<'a>) -> Self {
        let (outcome, settings) = (document.outcome, &document.outcome.settings);
        let rules = outcome.rules_used.iter().map(|rule| RuleFigure {
            text: rule.text.as_str().into(),
            source: rule.source.into(),
        });
        let years = document.years.listed(outcome);
        Self {
            engine: ENGINE.into(),
            rule_set: outcome.rule_set.into(),
            rules: rules.collect(),
            scope_in_words: words::scope_sentence(settings).into(),
            years: (years
                .into_iter()
                .map(|year| year_name(settings.country, year)))
            .collect(),
            years_without_rows: document.years.without_rows(outcome),
            generated_at: rfc3339(document.generated_at).into(),
            time_zone: settings.timezone.name().into(),
            files: document.inputs.iter().map(FileFigure::of).collect(),
        }
    }
}

impl<'a> FileFigure<'a> {
    pub(crate) fn of(file: &'a InputFile) -> Self {
        Self {
            name: file.name.as_str().into(),
            sha256: file.sha256.as_str().into(),
            rows: file.rows,
            bad_rows: file.bad_rows,
        }
    }
}
