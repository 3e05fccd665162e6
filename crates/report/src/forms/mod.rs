//! The files for the return: for each tax year the figures that go into a country's form, line by
//! line, and the list of disposals behind them.
//!
//! Where a figure goes, the country's assessment says, and says where the numbers of lines were
//! read; where a year's number could not be confirmed, the cell is empty and the figure stands
//! under its name.

mod anlage_so;
mod cents;
mod cgt_schedule;
mod figure_list;
mod form_2086;
mod form_8949;
mod sa108;
mod schedule_3;
mod schedule_d;
mod statement;
mod txf;

use std::io;

use packtrain_tax::outcome::{Disposal, TaxYear};
use packtrain_tax::request::Country;

use crate::years::{tax_year, year_name};
use crate::{Document, ReportError};

/// A form, or the statement behind one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// US Form 8949: a line for each lot that was sold.
    Form8949,
    /// US Schedule D: the sums of Form 8949, and losses from and to other years.
    ScheduleD,
    /// US Form 8949 as TXF, which tax programs import.
    Txf,
    /// UK SA108: the figures of the capital gains summary.
    Sa108,
    /// UK SA108: the computation that goes with it.
    Sa108Computation,
    /// DE Anlage SO: the figures.
    AnlageSo,
    /// DE Anlage SO: the statement of sales within one year.
    AnlageSoSales,
    /// CA Schedule 3: the figures.
    Schedule3,
    /// CA Schedule 3: the list of dispositions.
    Schedule3Dispositions,
    /// AU capital gains: the figures of the return and of the schedule.
    CgtSchedule,
    /// AU capital gains: the list of events.
    CgtEvents,
    /// FR form 2086: the figures.
    Form2086,
    /// FR form 2086: each disposal with its lines.
    Form2086Disposals,
}

/// A file for the return.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormFile {
    /// Which form it holds.
    pub form: Form,
    /// The tax year that it is for.
    pub year: TaxYear,
    /// Its name, such as `form-8949-2024-us.csv`.
    pub name: String,
    /// What it holds, by its media type.
    pub media_type: &'static str,
    /// The whole file.
    pub bytes: Vec<u8>,
}

/// The files for the return of every tax year that the document selects, in the order of years.
///
/// A file that would hold no line is left out: a year without sales has no Form 8949.
///
/// # Errors
/// [`ReportError::Form`] when a file cannot be written, [`ReportError::Amount`] when its amounts
/// leave the range of exact arithmetic.
pub fn forms(document: &Document<'_>) -> Result<Vec<FormFile>, ReportError> {
    let country = document.outcome.settings.country;
    let mut files = Vec::new();
    for year in document.years.listed(document.outcome) {
        for form in Form::of(country) {
            let mut bytes = Vec::new();
            if form.write(document, year, &mut bytes)? {
                files.push(FormFile {
                    form: *form,
                    year,
                    name: form.file_name(country, year),
                    media_type: form.media_type(),
                    bytes,
                });
            }
        }
    }
    Ok(files)
}

impl Form {
    /// The forms of a country.
    pub const fn of(country: Country) -> &'static [Self] {
        match country {
            Country::Us => &[Self::Form8949, Self::ScheduleD, Self::Txf],
            Country::Uk => &[Self::Sa108, Self::Sa108Computation],
            Country::De => &[Self::AnlageSo, Self::AnlageSoSales],
            Country::Ca => &[Self::Schedule3, Self::Schedule3Dispositions],
            Country::Au => &[Self::CgtSchedule, Self::CgtEvents],
            Country::Fr => &[Self::Form2086, Self::Form2086Disposals],
            // Other countries of the second circle have none.
            Country::Es | Country::In | Country::Jp | Country::It | Country::Nl => &[],
        }
    }

    /// The word that names its files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Form8949 | Self::Txf => "form-8949",
            Self::ScheduleD => "schedule-d",
            Self::Sa108 => "sa108",
            Self::Sa108Computation => "sa108-computation",
            Self::AnlageSo => "anlage-so",
            Self::AnlageSoSales => "anlage-so-sales",
            Self::Schedule3 => "schedule-3",
            Self::Schedule3Dispositions => "schedule-3-dispositions",
            Self::CgtSchedule => "cgt-schedule",
            Self::CgtEvents => "cgt-events",
            Self::Form2086 => "form-2086",
            Self::Form2086Disposals => "form-2086-disposals",
        }
    }

    /// What its file holds, by its media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Txf => "text/plain; charset=us-ascii",
            _ => "text/csv; charset=utf-8",
        }
    }

    /// The name of its file, such as `form-8949-2024-us.csv` or `sa108-2024-25-uk.csv`.
    pub fn file_name(self, country: Country, year: TaxYear) -> String {
        let ending = match self {
            Self::Txf => "txf",
            _ => "csv",
        };
        let year = year_name(country, year);
        format!("{}-{year}-{country}.{ending}", self.as_str())
    }

    /// Writes the form of a year; tells whether there was anything to write.
    ///
    /// # Errors
    /// [`ReportError::Form`] when the writer fails, [`ReportError::Amount`] when the amounts leave
    /// the range of exact arithmetic.
    pub fn write(
        self,
        document: &Document<'_>,
        year: TaxYear,
        writer: impl io::Write,
    ) -> Result<bool, ReportError> {
        match self {
            Self::Form8949 => form_8949::write(document, year, writer),
            Self::ScheduleD => schedule_d::write(document, year, writer),
            Self::Txf => txf::write(document, year, writer),
            Self::Sa108 | Self::AnlageSo | Self::Schedule3 | Self::CgtSchedule | Self::Form2086 => {
                figure_list::write(document, year, writer)
            }
            Self::Sa108Computation => sa108::write_computation(document, year, writer),
            Self::AnlageSoSales => anlage_so::write_sales(document, year, writer),
            Self::Schedule3Dispositions => schedule_3::write_dispositions(document, year, writer),
            Self::CgtEvents => cgt_schedule::write_events(document, year, writer),
            Self::Form2086Disposals => form_2086::write_disposals(document, year, writer),
        }
    }
}

/// The lines of a tax year, in time order.
fn lines_of<'a>(document: &Document<'a>, year: TaxYear) -> impl Iterator<Item = &'a Disposal> {
    let outcome = document.outcome;
    let country = outcome.settings.country;
    let lines = outcome.disposals.iter();
    lines.filter(move |line| tax_year(country, line.date) == year)
}

fn failed(error: csv::Error) -> ReportError {
    ReportError::Form(error.into())
}

/// Writes records under a header; nothing at all where there are none.
fn write_records<I, R>(
    header: &[&str],
    records: I,
    writer: impl io::Write,
) -> Result<bool, ReportError>
where
    I: IntoIterator<Item = R>,
    R: IntoIterator,
    R::Item: AsRef<[u8]>,
{
    let mut records = records.into_iter().peekable();
    if records.peek().is_none() {
        return Ok(false);
    }
    let mut writer = csv::Writer::from_writer(writer);
    writer.write_record(header).map_err(failed)?;
    for record in records {
        writer.write_record(record).map_err(failed)?;
    }
    writer.flush().map_err(ReportError::Form)?;
    Ok(true)
}
