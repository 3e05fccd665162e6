//! What every store of artefacts does, tried on a folder, and on S3 on two servers that say they
//! are it.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::join_all;
use futures::stream;
use packtrain_core::ports::{ByteStream, Download, ObjectError, ObjectKey, Promised, Warmth};
use packtrain_objects::ObjectsWarmth;
use packtrain_tests::Message;

use super::ground::{Ground, bytes, streamed, tenant};
use super::table::{Behaviour, Deviation, Server, deviation, try_all};

/// More than goes in one piece, and no whole number of parts.
const LONG: usize = 20 * 1024 * 1024 + 1;

const LONG_READS_BACK: &str = "a long object, in parts, reads back as it was stored";
const OVER: &str = "what is there is not written over";
const LINK: &str = "a link gives whoever has it the bytes";
const NAMED: &str = "a link gives them under their name and type";
const ENTRANCE: &str = "what a client promised comes past the API, and is told from other bytes";
const NO_LINKS: &str = "it gives no links: downloads go through the API";

macro_rules! behaviours {
    ($($says:expr => $tried:path),+ $(,)?) => {
        &[$(Behaviour { says: $says, tried: |ground| Box::pin($tried(ground)) }),+]
    };
}

/// The list.
pub(super) const LIST: &[Behaviour<Ground>] = behaviours![
    "a short object reads back as it was stored" => short_reads_back,
    LONG_READS_BACK => long_reads_back,
    "equal content of a tenant has one place, and tenants share none" => one_place,
    "many who write the same at once all succeed" => many_writers,
    "a stream that is too long leaves nothing" => too_long,
    "a stream that breaks off leaves nothing" => breaks_off,
    "what is not there is missing, and no other error" => missing,
    "what is damaged is never handed out" => damaged,
    OVER => not_written_over,
    LINK => link_gives_bytes,
    NAMED => link_names_them,
    ENTRANCE => entrance,
    "a store is kept warm with one small object" => warm,
];

/// What one of them does otherwise.
pub(super) const DEVIATIONS: &[Deviation] = &[
    deviation(Server::Folder, LINK, NO_LINKS),
    deviation(Server::Folder, NAMED, NO_LINKS),
    deviation(
        Server::Folder,
        ENTRANCE,
        "it has no entrance: uploads go through the API",
    ),
    deviation(
        Server::Fauxqs,
        LONG_READS_BACK,
        "long bodies are refused: nothing above 1 MB is tried on it",
    ),
    deviation(
        Server::Fauxqs,
        OVER,
        "it does not know If-None-Match: every write goes through",
    ),
    deviation(
        Server::Fauxqs,
        NAMED,
        "it does not heed what the address says of the headers",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn objects_in_a_folder_keep_the_contract() {
    let new = async || Box::new(Ground::folder());
    try_all(Server::Folder, LIST, DEVIATIONS, new).await;
}

#[cfg(feature = "aws")]
async fn in_s3(server: Server, test: &str) {
    if Ground::bucket_on(server, test).await.is_none() {
        return;
    }
    let new = async || {
        let ground = Ground::bucket_on(server, test).await;
        Box::new(ground.expect("it was there"))
    };
    try_all(server, LIST, DEVIATIONS, new).await;
}

#[cfg(feature = "aws")]
#[tokio::test(flavor = "multi_thread")]
async fn objects_in_s3_on_moto_keep_the_contract() {
    in_s3(Server::Moto, "objects_in_s3_on_moto_keep_the_contract").await;
}

#[cfg(feature = "aws")]
#[tokio::test(flavor = "multi_thread")]
async fn objects_in_s3_on_fauxqs_keep_the_contract() {
    in_s3(Server::Fauxqs, "objects_in_s3_on_fauxqs_keep_the_contract").await;
}

async fn short_reads_back(ground: &Ground) {
    read_back(ground, &[0, 1, 100_000]).await;
}

async fn long_reads_back(ground: &Ground) {
    read_back(ground, &[8 * 1024 * 1024 + 1, 16 * 1024 * 1024, LONG]).await;
}

async fn read_back(ground: &Ground, lengths: &[usize]) {
    let tenant = tenant();
    for &length in lengths {
        let content = bytes(length);
        let whole = streamed(&content);
        let stored = ground.objects.put_stream(tenant, whole, u64::MAX).await;
        let stored = stored.unwrap();
        assert_eq!(stored.size_bytes, length as u64);
        let key = ObjectKey::of_content(tenant, &stored.sha256);
        assert_eq!(stored.key, key);
        let read = ground.objects.get(&stored.key).await.unwrap();
        assert!(read == content, "{length}");
    }
    assert_eq!(ground.unfinished().await, 0);
}

async fn one_place(ground: &Ground) {
    let (ada, bob) = (tenant(), tenant());
    for content in [bytes(1_000), bytes(LONG)] {
        if !ground.takes(content.len()) {
            continue;
        }
        let before = ground.count().await;
        let first = ground.objects.put(ada, content.clone()).await.unwrap();
        let whole = streamed(&content);
        let again = ground.objects.put_stream(ada, whole, u64::MAX).await;
        assert_eq!(first, again.unwrap());
        assert_eq!(ground.count().await, before + 1);
        let other = ground.objects.put(bob, content).await.unwrap();
        assert_eq!(other.sha256, first.sha256);
        assert_ne!(other.key, first.key);
        assert_eq!(ground.count().await, before + 2);
    }
}

async fn many_writers(ground: &Ground) {
    let tenant = tenant();
    for content in [bytes(50_000), bytes(LONG)] {
        if !ground.takes(content.len()) {
            continue;
        }
        let before = ground.count().await;
        let writers = (0..4).map(|_| ground.objects.put(tenant, content.clone()));
        let stored = join_all(writers).await;
        let mut stored = stored.into_iter().map(Result::unwrap);
        let first = stored.next().unwrap();
        assert!(stored.all(|other| other == first));
        assert_eq!(ground.count().await, before + 1);
        assert!(ground.objects.get(&first.key).await.unwrap() == content);
        assert_eq!(ground.unfinished().await, 0);
    }
}

async fn too_long(ground: &Ground) {
    for (length, most) in [(1_001, 1_000), (LONG, LONG as u64 - 1)] {
        let long = streamed(&bytes(length));
        let refused = ground.objects.put_stream(tenant(), long, most).await;
        assert!(matches!(refused, Err(ObjectError::TooLarge { bytes_max }) if bytes_max == most),);
    }
    let fits = streamed(&bytes(1_000));
    let stored = ground.objects.put_stream(tenant(), fits, 1_000).await;
    assert_eq!(stored.unwrap().size_bytes, 1_000);
    assert_eq!(ground.count().await, 1);
}

async fn breaks_off(ground: &Ground) {
    for length in [3, LONG] {
        let begun = Ok(bytes(length));
        let broken: Vec<io::Result<Bytes>> = vec![begun, Err(io::Error::other("gone"))];
        let broken: ByteStream = Box::pin(stream::iter(broken));
        let refused = ground.objects.put_stream(tenant(), broken, u64::MAX).await;
        assert!(matches!(refused, Err(ObjectError::BrokenOff(_))),);
    }
    assert_eq!(ground.count().await, 0);
    assert_eq!(ground.unfinished().await, 0);
}

async fn missing(ground: &Ground) {
    let key = ObjectKey::of_content(tenant(), &"ab".repeat(32));
    let read = ground.objects.get(&key).await;
    assert!(
        matches!(&read, Err(ObjectError::Missing { key: missing }) if *missing == key),
        "{read:?}"
    );
}

async fn damaged(ground: &Ground) {
    let stored = ground.objects.put(tenant(), "abc".into()).await.unwrap();
    for other in ["abd", "abcd", "ab"] {
        ground.spoil(&stored.key, other).await;
        let read = ground.objects.get(&stored.key).await;
        assert!(matches!(read, Err(ObjectError::Damaged { .. })), "{read:?}");
    }
}

async fn not_written_over(ground: &Ground) {
    let tenant = tenant();
    let stored = ground.objects.put(tenant, "abc".into()).await.unwrap();
    ground.spoil(&stored.key, "abd").await;
    // Whether the writer is told of the damage depends on whether the store looks at what is there.
    let again = ground.objects.put(tenant, "abc".into()).await;
    assert!(
        matches!(again, Ok(_) | Err(ObjectError::Damaged { .. })),
        "{again:?}"
    );
    let read = ground.objects.get(&stored.key).await;
    assert!(matches!(read, Err(ObjectError::Damaged { .. })), "{read:?}");
}

/// What a browser gets that follows a link to a new object.
async fn linked(ground: &Ground, download: &Download) -> Message {
    let stored = ground.objects.put(tenant(), "%PDF-".into()).await.unwrap();
    let link = ground.objects.link(&stored.key, download).await.unwrap();
    let link = link.expect("the store gives links");
    assert!(link.reveal().contains("X-Amz-Expires=300"));
    let answer = packtrain_tests::plain_http("GET", link.reveal(), &[], "").await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    answer
}

fn download() -> Download {
    Download {
        media_type: "application/pdf".to_owned(),
        disposition: "attachment; filename=\"tax.pdf\"".to_owned(),
    }
}

async fn link_gives_bytes(ground: &Ground) {
    assert_eq!(linked(ground, &download()).await.body, "%PDF-");
}

async fn link_names_them(ground: &Ground) {
    let download = download();
    let answer = linked(ground, &download).await;
    assert_eq!(answer.header("content-type"), "application/pdf");
    assert_eq!(answer.header("content-disposition"), download.disposition);
    assert_eq!(answer.header("cache-control"), "private");
}

async fn warm(ground: &Ground) {
    let warmth = ObjectsWarmth::new("store", Arc::clone(&ground.objects));
    warmth.warm().await.unwrap();
    warmth.warm().await.unwrap();
    assert_eq!(ground.count().await, 1);
}

async fn entrance(ground: &Ground) {
    let content = bytes(70_000);
    let known = Ground::folder();
    let known = known.objects.put(tenant(), content.clone()).await.unwrap();
    let promised = Promised {
        tenant: tenant(),
        sha256: known.sha256,
        size_bytes: known.size_bytes,
    };
    let entrance = ground.objects.entrance(&promised).await.unwrap();
    assert_eq!(ground.objects.arrived(&promised).await.unwrap(), None);
    let entrance = entrance.expect("the store has an entrance");
    let headers = entrance.headers.iter();
    let headers: Vec<_> = headers
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .filter(|(name, _)| *name != "content-length")
        .collect();
    let url = entrance.url.reveal();
    let put = packtrain_tests::plain_http("PUT", url, &headers, content.clone()).await;
    assert_eq!(put.status(), 200, "{}", put.text());
    // Until it is completed it lies where the bucket clears it away, and is no object.
    let key = ObjectKey::of_content(promised.tenant, &promised.sha256);
    let early = ground.objects.get(&key).await;
    assert!(
        matches!(early, Err(ObjectError::Missing { .. })),
        "{early:?}"
    );
    let stored = ground.objects.arrived(&promised).await.unwrap().unwrap();
    assert_eq!(stored.key, key);
    let again = ground.objects.arrived(&promised).await.unwrap();
    assert_eq!(again, Some(stored.clone()));
    assert!(ground.objects.get(&stored.key).await.unwrap() == content);
    let longer = Promised {
        size_bytes: promised.size_bytes + 1,
        ..promised.clone()
    };
    let wrong = ground.objects.arrived(&longer).await;
    assert!(
        matches!(wrong, Err(ObjectError::Damaged { .. })),
        "{wrong:?}"
    );
    let other = Promised {
        tenant: tenant(),
        ..promised.clone()
    };
    let place = ObjectKey::of_content(other.tenant, &other.sha256);
    let waiting = ObjectKey::from_stored(format!("pending/{place}"));
    ground.spoil(&waiting, "others").await;
    let others = ground.objects.arrived(&other).await;
    assert!(
        matches!(others, Err(ObjectError::Damaged { .. })),
        "{others:?}"
    );
    ground.spoil(&stored.key, "others").await;
    let others = ground.objects.arrived(&promised).await;
    assert!(
        matches!(others, Err(ObjectError::Damaged { .. })),
        "{others:?}"
    );
}
