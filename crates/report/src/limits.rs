//! How much a report prints before it says that the rest is in the files beside it.

/// Lines of disposals in a PDF. Above it the PDF keeps its summary and points to the CSV.
pub const DISPOSAL_LINES_PDF_MAX: usize = 50_000;
/// Lines of income in a PDF.
pub const INCOME_LINES_PDF_MAX: usize = 20_000;
/// Lines of units that left without a sale, in a PDF.
pub const REMOVED_LINES_PDF_MAX: usize = 5_000;
/// Lines of matched transfers in a PDF.
pub const TRANSFER_LINES_PDF_MAX: usize = 5_000;
/// Lines of things to check in a PDF; the ones with the most money at stake come first.
pub const CHECK_LINES_PDF_MAX: usize = 500;
/// Assets in the PDF's table of gains by asset.
pub const ASSET_LINES_PDF_MAX: usize = 1_000;
/// Lines of holdings in a PDF.
pub const HOLDING_LINES_PDF_MAX: usize = 5_000;
/// Open lots that a PDF lists as what could be sold: those of the largest gains and losses.
pub const OPEN_LOT_LINES_PDF_MAX: usize = 40;
/// Days from a day within which a price says something of what a sale on that day would bring. More
/// than seven days off is to be checked; more than this is in no sum of gains of a PDF.
pub const NEAR_PRICE_DAYS_MAX: i64 = 31;
/// Answers to findings listed in a PDF.
pub const SETTLED_LINES_PDF_MAX: usize = 500;
/// Days for which a report says what was held: the start of its first year and the ends of its
/// latest ones. Each is a computation of its own.
pub const INVENTORY_DAYS_MAX: usize = 9;
/// Prices listed in a PDF, each with its source.
pub const PRICE_LINES_PDF_MAX: usize = 10_000;
/// Input files listed in a PDF.
pub const FILE_LINES_PDF_MAX: usize = packtrain_core::limits::REPORT_FILES_MAX;
/// Pages of a PDF in which each cell of a table is an element of its own. With more a row is one,
/// since the tree of cells makes a page twice as large: 7.4 KB instead of 3.3 KB.
pub const TAGGED_CELLS_PAGES_PDF_MAX: usize = 400;
/// Characters of any one text from the input that a PDF prints.
pub const TEXT_CHARS_PDF_MAX: usize = 2_000;
/// Lines under the header of a sheet of the audit log; a sheet has 1,048,576 rows, and the last
/// one says where the rest is.
pub const XLSX_ROWS_MAX: u32 = 1_048_574;
/// Characters of a cell of the audit log.
pub const XLSX_TEXT_CHARS_MAX: usize = 32_767;
