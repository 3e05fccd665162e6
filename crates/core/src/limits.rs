//! Every limit that the whole product shares, with its name.

use std::time::Duration;

/// Bytes of one uploaded file.
pub const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Files that a tenant may have promised to send to the store itself and not completed yet.
pub const PROMISES_OPEN_MAX: u32 = 100;
/// Bytes of them.
pub const PROMISED_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// How long the bucket keeps what was sent there and not completed, at most: by its rule a day, and
/// another as a version of before, and S3 goes by whole days.
pub const PROMISED_KEPT: Duration = Duration::from_secs(4 * 24 * 60 * 60);
/// Bytes of a JSON request body.
pub const BODY_BYTES_MAX: usize = 256 * 1024;
/// Bytes of a job's payload; larger things go to the object store by reference.
pub const PAYLOAD_BYTES_MAX: usize = 64 * 1024;
/// Bytes of a job's result, as kept in its outcome.
pub const RESULT_BYTES_MAX: usize = 64 * 1024;
/// Bytes of the mapping of a file of no known source.
pub const MAPPING_BYTES_MAX: usize = 16 * 1024;
/// Characters of a wallet or a coin that is named beside a file.
pub const FILE_WORD_CHARS_MAX: usize = 200;
/// Codes of currencies that are named beside a file as coins, or as money.
pub const FILE_CODES_MAX: usize = 200;
/// Rows of one imported file.
pub const FILE_ROWS_MAX: u32 = 1_000_000;
/// Row errors kept for one file; the count goes on.
pub const ROW_ERRORS_MAX: usize = 1_000;
/// Files of one report.
pub const REPORT_FILES_MAX: usize = 100;
/// Rows of one report.
pub const REPORT_ROWS_MAX: usize = 1_000_000;
/// Attempts that any kind may ask for.
pub const ATTEMPTS_MAX: u16 = 25;
/// Members of a batch.
pub const FAN_OUT_MAX: usize = 1_000;
/// Jobs that one outcome may cause: so many messages may follow from one price that moves.
pub const FOLLOW_UPS_MAX: usize = 10_000;
/// Jobs of one bulk enqueue statement.
pub const ENQUEUE_MAX: usize = 1_000;
/// Jobs under one lease: the width of its bit maps.
pub const LEASE_JOBS_MAX: usize = 64;
/// Schedules of the whole product.
pub const SCHEDULES_MAX: usize = 1_000;
/// Jobs that one change of an operator names.
pub const CHANGE_MAX: usize = 500;
/// How far entries of a table are counted for a reader.
pub const COUNT_MAX: i64 = 100_000;
/// Jobs in flight whose time is summed up, at most.
pub const IN_FLIGHT_MAX: i64 = 100_000;
/// Ends of the last minute that are counted for a reader, the latest first.
pub const ENDS_MAX: i64 = 5_000;
/// Within how long a measured job counts for the service level.
pub const SERVICE_LEVEL_WITHIN: Duration = Duration::from_secs(60 * 60);
/// Measured jobs that are read for the service level, the latest first.
pub const SERVICE_LEVELS_MAX: i64 = 1_000;
/// Unserved kinds and payload versions that are told apart; the longest lists come first.
pub const UNSERVED_MAX: i64 = 50;
/// How long a worker may be silent and still count as alive.
pub const WORKER_SILENT_MAX: Duration = Duration::from_secs(30);
/// Progress events kept for one job.
pub const EVENTS_MAX: i64 = 1_000;
/// Events that are shown with a job, the newest; an event's number says how many came before it.
pub const EVENTS_SHOWN: u32 = 50;
/// Entries of one page of a list.
pub const PAGE_MAX: u32 = 200;
/// Entries of a page when nobody says.
pub const PAGE_DEFAULT: u32 = 50;
/// Characters of an idempotency key.
pub const IDEMPOTENCY_KEY_CHARS_MAX: usize = 255;
/// How long an idempotency key is kept.
pub const IDEMPOTENCY_KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// How long after it was asked for a job may wait, without spending an attempt, for what it
/// needs and what is away, such as the store of objects.
pub const AWAY_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// Characters of an error that is kept with an attempt.
pub const FAULT_CHARS_MAX: usize = 2_000;
/// Bytes of a payload that is shown with a dead letter outside the database.
pub const MIRRORED_BYTES_MAX: i32 = 192 * 1024;
/// Bytes of a value in a cache; a larger one is not kept.
pub const CACHE_VALUE_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of a value's name in its key; a longer name stands there by its hash.
pub const CACHE_NAME_BYTES_MAX: usize = 200;
/// Characters of the key of a delivery.
pub const DELIVERY_KEY_CHARS_MAX: usize = 128;
/// Entries of a digest that are told; the others are counted.
pub const DIGEST_ENTRIES_MAX: usize = 50;
/// Bytes of somebody's own title, and of the text.
pub const OWN_WORDS_BYTES_MAX: usize = 8 * 1024;
/// Alert rules of one tenant.
pub const RULES_MAX: u32 = 5_000;
/// Windows of metrics that the rules of one tenant watch, each counted once: all that are watched
/// are derived in one go when their metrics move.
pub const WINDOWS_MAX: u32 = 500;
/// Endpoints of one tenant.
pub const ENDPOINTS_MAX: u32 = 100;
/// Endpoints that one rule tells.
pub const RULE_ENDPOINTS_MAX: usize = 10;
/// Tickets for sockets that one tenant may have at once, none of them used yet.
pub const STREAM_TICKETS_MAX: i64 = 1_000;
/// Bytes of one frame of a live stream, both ways.
pub const FRAME_BYTES_MAX: usize = 32 * 1024;
