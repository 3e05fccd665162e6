//! Every sort of problem: its code, what it is in a few words, and what to do about it.

use http::StatusCode;

/// A sort of problem: what stays the same each time it happens.
#[derive(Debug, PartialEq, Eq)]
pub struct Sort {
    /// Stable word for programs; also the last part of the problem's type.
    pub code: &'static str,
    /// The problem in a few words, for a person.
    pub title: &'static str,
    /// The status of the answer.
    pub status: StatusCode,
    /// What it means and what to do, where an answer says nothing of its own.
    pub advice: &'static str,
}

macro_rules! sorts {
    ($($name:ident = $status:ident $code:literal $title:literal $advice:literal;)*) => {
        $(pub(crate) static $name: Sort = Sort {
            code: $code,
            title: $title,
            status: StatusCode::$status,
            advice: $advice,
        };)*

        /// Every sort of problem that this API answers with.
        pub static SORTS: &[&Sort] = &[$(&$name),*];
    };
}

sorts! {
    REQUEST_MALFORMED = BAD_REQUEST "request.malformed" "The request cannot be read"
        "The request is not what this address takes; /v2/openapi.json describes what it does.";
    QUERY_MALFORMED = BAD_REQUEST "query.malformed" "The query cannot be read"
        "A parameter behind the question mark is unknown, missing or not what it should be; \
         /v2/openapi.json lists those of each address.";
    JSON_MALFORMED = BAD_REQUEST "json.malformed" "The body is not JSON"
        "The body must be one JSON document in UTF-8; a comma too many and a quotation mark that \
         is missing are the usual causes.";
    CURSOR_MALFORMED = BAD_REQUEST "cursor.malformed" "The cursor is not one of this list"
        "Send the `next` of the last page as it came, to the list that it came from; without a \
         cursor the list begins anew.";
    TAG_MALFORMED = BAD_REQUEST "edit.tag_malformed" "The If-Match header is not valid"
        "If-Match takes the ETag of an answer as it came, with its quotation marks, such as \"3\"; \
         * and no header at all mean any version.";
    RESUME_MALFORMED = BAD_REQUEST
        "stream.resume_malformed" "The place in the stream is not valid"
        "Last-Event-ID, or the parameter `after`, takes the id of an event as it came; without \
         either the stream begins as it does for everybody.";
    INVALID = UNPROCESSABLE_ENTITY "validation" "The request is not valid"
        "The body can be read and says something that cannot be; `errors` names each place by its \
         JSON pointer, with what must stand there.";
    KEY_MISSING = BAD_REQUEST "idempotency.key_missing" "The Idempotency-Key header is missing"
        "Send a header Idempotency-Key with a text that is new for each thing you ask for, such \
         as a UUID, and the same again when you repeat the request.";
    KEY_MALFORMED = BAD_REQUEST "idempotency.key_malformed" "The Idempotency-Key is not valid"
        "The key is 1 to 255 visible ASCII characters, such as a UUID.";
    KEY_REUSED = UNPROCESSABLE_ENTITY
        "idempotency.key_reused" "The Idempotency-Key was used for another request"
        "A key names one request for 24 hours; take a new one for a request that differs.";
    UPLOAD_BROKEN_OFF = BAD_REQUEST "upload.broken_off" "The upload broke off"
        "The body ended before it was complete, and nothing of it was kept; send it again.";
    NOT_SIGNED_IN = UNAUTHORIZED "auth.required" "An API key is required"
        "Send the header Authorization: Bearer with a key behind it; an operator makes keys with \
         `packtrain keys`.";
    KEY_UNKNOWN = UNAUTHORIZED "auth.key_unknown" "The API key is not valid"
        "The key is mistyped, was revoked, or is of another installation.";
    TICKET_UNKNOWN = UNAUTHORIZED "stream.ticket" "The ticket is not valid"
        "A ticket opens one socket within a minute; ask for another one with \
         POST /v2/premium/stream/tickets.";
    STATE_UNFIT = CONFLICT "job.state" "The job's state does not allow this"
        "The job went on meanwhile, or has ended; look at its state and decide again.";
    COUNT_CHANGED = CONFLICT "bulk.count_changed" "Other jobs match than were expected"
        "Jobs came or went since they were counted; count them again with dry_run and confirm \
         the new count.";
    STALE = PRECONDITION_FAILED "edit.stale" "Somebody else changed this meanwhile"
        "If-Match names a version that is not the present one; read the thing again, make your \
         change to that, and send its ETag.";
    UPLOAD_MISSING = CONFLICT "upload.missing" "The file has not arrived"
        "Nothing lies where the file was to be put; send its bytes there first, and then \
         complete the upload.";
    UPLOADS_OPEN = CONFLICT
        "upload.too_many_open" "Too many files are promised and not completed"
        "Complete some of the uploads that were begun, or wait until they are given up.";
    UPLOAD_ELSEWHERE = NOT_IMPLEMENTED
        "upload.not_direct" "Files come through the API here"
        "This installation has no store that clients may write to; send the file with \
         POST /v2/premium/files.";
    LIMIT_REACHED = CONFLICT "limit.reached" "There are as many as there may be"
        "Remove one that is not needed any more, and try again.";
    ENDPOINT_NAMED = CONFLICT "endpoint.in_use" "A rule tells this endpoint"
        "Take the endpoint out of the rules that name it, and then remove it.";
    ENDPOINT_UNVERIFIED = CONFLICT
        "endpoint.unverified" "The endpoint has not been verified yet"
        "Its owner was sent a code; give it back first, or have another one sent.";
    ENDPOINT_VERIFIED = CONFLICT
        "endpoint.verified" "There is nothing to verify about the endpoint"
        "The endpoint is verified, or needs no proof; nothing has to be done.";
    CODE_WRONG = UNPROCESSABLE_ENTITY "endpoint.code_wrong" "The code is not the one that was sent"
        "Compare it with the newest message that was sent to the endpoint; earlier codes do not \
         hold any more.";
    CODE_STALE = CONFLICT "endpoint.code_stale" "No code holds any more"
        "The code was tried too often or is too old; have another one sent.";
    CODE_SENT = TOO_MANY_REQUESTS "endpoint.code_sent" "A code was sent a moment ago"
        "Look for it where the endpoint is told; Retry-After says when another one may be sent.";
    NOT_SEALED = NOT_IMPLEMENTED
        "endpoint.no_key" "No endpoints are made here: there is no key to seal them under"
        "Whoever runs this installation sets a key in the section [notify] of its settings.";
    ENDPOINT_TESTED = TOO_MANY_REQUESTS
        "endpoint.tested" "The endpoint was tried out a moment ago"
        "Retry-After says when it may be tried out again.";
    SCOPE_MISSING = FORBIDDEN "auth.scope_missing" "The API key may not do this"
        "The key is valid and has not the scope that this address needs; use one that has.";
    NOT_FOUND = NOT_FOUND "not_found" "There is nothing here"
        "There is no such address, or no such thing, or none of yours: compare the name or the id, \
         and, where a key is asked for, whether it is of the tenant that owns it.";
    GAS_UNSEEN = NOT_FOUND "gas.unseen" "Nothing of this chain was seen yet"
        "The chain is known. Its newest block is there a minute after the start, and what is made \
         of quarters of an hour, such as its history, some minutes after the first one is over.";
    SERIES_UNSEEN = NOT_FOUND "series.unseen" "Nothing of this was measured yet"
        "Compare the name with those that are listed; what is new is measured within the hour.";
    METHOD_NOT_ALLOWED = METHOD_NOT_ALLOWED
        "method_not_allowed" "The method is not allowed here"
        "The header Allow names the methods that are.";
    TOO_SLOW = REQUEST_TIMEOUT "request.too_slow" "The request came too slowly"
        "The body did not arrive in the time that it may take; send it again.";
    TOO_LARGE = PAYLOAD_TOO_LARGE "body.too_large" "The body is too large"
        "Send less at once.";
    MEDIA_TYPE_UNKNOWN = UNSUPPORTED_MEDIA_TYPE
        "body.media_type" "The body's media type is not accepted"
        "Say in Content-Type what the body is; /v2/openapi.json lists what each address takes.";
    INTERNAL = INTERNAL_SERVER_ERROR "internal" "Something went wrong here"
        "This is a fault of ours. Try again after a while; whoever runs this installation finds \
         the cause in its log under the request_id.";
    UNAVAILABLE = SERVICE_UNAVAILABLE "unavailable" "A part of the service is not reachable"
        "What the request asked for may have been done; look before you repeat it, or repeat it \
         under its Idempotency-Key. Retry-After says when to try again.";
    BUSY = SERVICE_UNAVAILABLE "busy" "The service is busy"
        "Too many requests are answered at the moment; Retry-After says when to try again.";
    DRAINING = SERVICE_UNAVAILABLE "draining" "This process is about to stop"
        "Another process takes over; Retry-After says when to try again.";
    TIME_LIMIT = SERVICE_UNAVAILABLE "time_limit" "The request took too long"
        "It was given up, and what it asked for may have been done; look before you repeat it, or \
         repeat it under its Idempotency-Key.";
}
