//! Reads an uploaded file into the ledger.

use std::collections::HashSet;
use std::time::Duration;

use packtrain_core::fault::{Fault, chain};
use packtrain_core::field::{self, FieldError};
use packtrain_core::ids::FileId;
use packtrain_core::job::{Ctx, Done, Job, Kind, Lane};
use packtrain_core::limits::{FILE_CODES_MAX, FILE_WORD_CHARS_MAX, MAPPING_BYTES_MAX};
use packtrain_core::ports::{Imported, ReadOptions, StoreError};
use packtrain_tax::fiat;
use packtrain_tax::import::{self, ImportError, Mapping, Options};
use packtrain_tax::prices::Prices;
use packtrain_tax::table::TableError;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The source of a file that holds prices and no rows.
pub(super) const PRICES: &str = "prices";

/// Reads an uploaded file into ledger rows and a list of the rows that could not be read, told
/// what its owner said of it.
///
/// A list of prices, with the columns `date`, `asset`, `currency` and `price`, has no rows; a
/// report may name it for rows that state no value.
///
/// A second run replaces what the first wrote by the same rows, in one transaction.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TaxImport)]
pub struct Import {
    /// The uploaded file.
    pub file: FileId,
}

impl Job for Import {
    const KIND: Kind = Kind::new("tax.import");
    const LANE: Lane = Lane::Io;
    // A worker of before would not heed what the owner says of the file, and leave wrong rows.
    const SCHEMA: u16 = 3;
    const TIME_LIMIT: Duration = Duration::from_secs(600);

    async fn run(self, ctx: &Ctx) -> Result<Done, Fault> {
        ctx.stage("fetch").await?;
        let file = ctx
            .world
            .files
            .find(ctx.tenant, self.file)
            .await?
            .ok_or_else(|| {
                Fault::from(StoreError::Missing {
                    what: format!("file {}", self.file),
                })
            })?;
        let bytes = ctx.world.objects.get(&file.file.object).await?;
        ctx.stage("read").await?;
        let said = file.file.read_options;
        let imported = ctx.cpu(move |_| read(&bytes, &said)).await?;
        ctx.stage("store").await?;
        ctx.world
            .files
            .record_import(ctx.tenant, self.file, &imported)
            .await?;
        Ok(Done::with(serde_json::json!({
            "file": self.file,
            "source": imported.source,
            "rows_total": imported.rows_total,
            "rows_bad": imported.rows_bad,
            "problem": imported.problem,
        })))
    }
}

/// What is in the bytes; a file that cannot be read at all is a result as well, not a fault:
/// another attempt would read the same.
fn read(bytes: &[u8], said: &ReadOptions) -> Imported {
    let options = match options(said) {
        Ok(options) => options,
        // It was checked at upload; a newer version may be stricter.
        Err(errors) => {
            let said: Vec<_> = errors.into_iter().map(|error| error.detail).collect();
            return rejected(said.join("; "));
        }
    };
    match import::read_with(bytes, &options) {
        Ok(import) => Imported {
            source: Some(import.source.to_owned()),
            rows: import.rows,
            errors: import.errors,
            rows_total: import.rows_total,
            rows_bad: import.bad_rows,
            problem: None,
        },
        Err(error @ ImportError::UnknownHeader { .. }) => prices(bytes, &error),
        Err(error) => rejected(told(&error)),
    }
}

/// A file that is no ledger may be a list of prices; it is told by its header as well.
fn prices(bytes: &[u8], unknown: &ImportError) -> Imported {
    match Prices::read(bytes) {
        Ok(prices) => Imported {
            source: Some(PRICES.to_owned()),
            rows_total: u32::try_from(prices.len()).unwrap_or(u32::MAX),
            ..Imported::default()
        },
        // Its header does not have the columns, or cannot be read.
        Err(TableError::Column { .. } | TableError::Line { line: 1, .. }) => {
            rejected(told(unknown))
        }
        Err(error) => rejected(format!(
            "{error}; a line of prices is such as 2024-03-10,BTC,USD,69000.00"
        )),
    }
}

fn rejected(problem: String) -> Imported {
    Imported {
        problem: Some(problem),
        ..Imported::default()
    }
}

fn told(error: &ImportError) -> String {
    format!("{error}; {}", error.help())
}

/// What is wrong with what an owner says of a file; each place is that of a field beside it.
pub fn check(said: &ReadOptions) -> Vec<FieldError> {
    options(said).err().unwrap_or_default()
}

/// What the importers are told.
fn options(said: &ReadOptions) -> Result<Options, Vec<FieldError>> {
    let mut errors = Vec::new();
    let zone = said.timezone.as_deref().and_then(|name| {
        let zone = name.parse();
        if zone.is_err() {
            let said = format!("There is no time zone {name:?}; one is Europe/Berlin.");
            errors.push(FieldError::new("/timezone", "unknown_timezone", said));
        }
        zone.ok()
    });
    for (place, word) in [("/wallet", &said.wallet), ("/coin", &said.coin)] {
        if word.as_deref().is_some_and(|word| !is_word(word)) {
            let said = format!("A name has 1 to {FILE_WORD_CHARS_MAX} letters that can be seen.");
            errors.push(FieldError::new(place, "name_malformed", said));
        }
    }
    errors.extend(check_codes(said));
    let mapping = said.mapping.as_deref().map(mapping).transpose();
    let mapping = mapping.unwrap_or_else(|what| {
        errors.push(FieldError::new("/mapping", "mapping_malformed", what));
        None
    });
    if !errors.is_empty() {
        return Err(errors);
    }
    Ok(Options {
        zone,
        wallet: said.wallet.clone(),
        coin: said.coin.clone(),
        coins: said.coins.clone(),
        money: said.money.clone(),
        mapping,
        ..Options::default()
    })
}

/// What is wrong with the codes that are said to be coins or money.
fn check_codes(said: &ReadOptions) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (place, codes) in [("/coins", &said.coins), ("/money", &said.money)] {
        if codes.len() > FILE_CODES_MAX {
            let said = format!("At most {FILE_CODES_MAX} codes may be named.");
            errors.push(FieldError::new(place, "code_count", said));
        }
    }
    if !errors.is_empty() {
        return errors;
    }
    for (place, codes) in [("/coins", &said.coins), ("/money", &said.money)] {
        for code in codes.iter().filter(|code| !fiat::is_currency(code)) {
            let said = format!("{code:?} is the code of no currency; name codes such as RON,GEL.");
            errors.push(FieldError::new(place, "unknown_currency", said));
        }
    }
    let coins = said.coins.iter().map(|coin| coin.to_ascii_uppercase());
    let coins: HashSet<String> = coins.collect();
    let is_coin = |code: &&String| coins.contains(&code.to_ascii_uppercase());
    if let Some(code) = said.money.iter().find(is_coin) {
        let said = format!("{code} is among the coins too; it is one or the other.");
        errors.push(FieldError::new("/money", "code_repeated", said));
    }
    errors
}

fn is_word(word: &str) -> bool {
    let is_plain = !word.chars().any(char::is_control) && !word.trim().is_empty();
    is_plain && word.chars().count() <= FILE_WORD_CHARS_MAX
}

/// A mapping out of its TOML, or what is wrong with it.
fn mapping(text: &str) -> Result<Mapping, String> {
    if text.len() > MAPPING_BYTES_MAX {
        return Err(format!("A mapping has at most {MAPPING_BYTES_MAX} bytes."));
    }
    let mapping: Mapping = toml::from_str(text).map_err(|error| unread(text, &error))?;
    mapping.check().map_err(|error| chain(&error))?;
    Ok(mapping)
}

/// Why a mapping cannot be read, without the words of the reader of TOML.
fn unread(text: &str, error: &toml::de::Error) -> String {
    if let Ok(document) = toml::from_str(text) {
        let errors = match field::read::<Mapping>(&document) {
            Ok(_) => return error.message().to_owned(),
            Err(misread) => misread.errors(),
        };
        let said: Vec<String> = errors.iter().map(ToString::to_string).collect();
        return said.join(" ");
    }
    let start = error.span().unwrap_or_default().start;
    let before = text.get(..start).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    format!("Line {line} is no TOML; a line of a mapping is such as wallet = \"Bisq\".")
}
