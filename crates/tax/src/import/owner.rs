//! Whose file it is, for those of block explorers: their rows name two addresses and not which of
//! them is the person's.

use super::header::Header;

/// The address that a file is about: the wallet that was given, where it is an address of the
/// file; else the one that stands in every row. None where two do, as in a file of one row.
pub(super) fn find(
    body: &str,
    header: &Header,
    (from, to): (&str, &str),
    wallet: Option<&str>,
) -> Option<String> {
    let (from, to) = (header.place(from)?, header.place(to)?);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(header.delimiter)
        .from_reader(body.as_bytes());
    let mut record = csv::StringRecord::new();
    let mut candidates: Option<Vec<String>> = None;
    while reader.read_record(&mut record).unwrap_or(false) {
        let address = |place| record.get(place).map(str::trim).unwrap_or_default();
        let pair = [address(from), address(to)];
        if pair == ["", ""] {
            continue;
        }
        let is_in_row = |known: &str| pair.iter().any(|one| one.eq_ignore_ascii_case(known));
        if let Some(wallet) = wallet.filter(|wallet| is_in_row(wallet)) {
            return Some(wallet.to_owned());
        }
        match &mut candidates {
            Some(known) => known.retain(|known| is_in_row(known)),
            None => {
                let mut first: Vec<_> = pair.iter().map(|one| (*one).to_owned()).collect();
                first.retain(|one| !one.is_empty());
                first.dedup_by(|a, b| a.eq_ignore_ascii_case(b));
                candidates = Some(first);
            }
        }
    }
    let [one] = <[String; 1]>::try_from(candidates?).ok()?;
    Some(one)
}
