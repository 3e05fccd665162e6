//! Stores of artefacts: a folder, and S3 on two servers that say they are it.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::join_all;
use futures::stream;
use packtrain_core::ports::{ByteStream, Download, ObjectError, ObjectKey, Promised, Warmth};
use packtrain_objects::ObjectsWarmth;

use super::ground::{Ground, Server, bytes, streamed, tenant};

/// More than goes in one piece, and no whole number of parts.
const LONG: usize = 20 * 1024 * 1024 + 1;

#[tokio::test]
async fn what_was_stored_reads_back_whatever_its_length() {
    for ground in Ground::all("what_was_stored_reads_back_whatever_its_length").await {
        let tenant = tenant();
        for length in [0, 1, 100_000, 8 * 1024 * 1024 + 1, 16 * 1024 * 1024, LONG] {
            if !ground.takes(length) {
                continue;
            }
            let content = bytes(length);
            let whole = streamed(&content);
            let stored = ground.objects.put_stream(tenant, whole, u64::MAX).await;
            let stored = stored.unwrap();
            assert_eq!(stored.size_bytes, length as u64, "{:?}", ground.server);
            let key = ObjectKey::of_content(tenant, &stored.sha256);
            assert_eq!(stored.key, key, "{:?}", ground.server);
            let read = ground.objects.get(&stored.key).await.unwrap();
            assert!(read == content, "{length} on {:?}", ground.server);
        }
        assert_eq!(ground.unfinished().await, 0, "{:?}", ground.server);
    }
}

#[tokio::test]
async fn equal_content_of_a_tenant_has_one_place_and_tenants_share_none() {
    for ground in Ground::all("equal_content_of_a_tenant_has_one_place").await {
        let (ada, bob) = (tenant(), tenant());
        for content in [bytes(1_000), bytes(LONG)] {
            if !ground.takes(content.len()) {
                continue;
            }
            let before = ground.count().await;
            let first = ground.objects.put(ada, content.clone()).await.unwrap();
            let whole = streamed(&content);
            let again = ground.objects.put_stream(ada, whole, u64::MAX).await;
            assert_eq!(first, again.unwrap(), "{:?}", ground.server);
            assert_eq!(ground.count().await, before + 1, "{:?}", ground.server);
            let other = ground.objects.put(bob, content).await.unwrap();
            assert_eq!(other.sha256, first.sha256);
            assert_ne!(other.key, first.key);
            assert_eq!(ground.count().await, before + 2, "{:?}", ground.server);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_write_the_same_at_once_all_succeed() {
    for ground in Ground::all("many_who_write_the_same_at_once_all_succeed").await {
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
            assert!(stored.all(|other| other == first), "{:?}", ground.server);
            assert_eq!(ground.count().await, before + 1, "{:?}", ground.server);
            assert!(ground.objects.get(&first.key).await.unwrap() == content);
            assert_eq!(ground.unfinished().await, 0, "{:?}", ground.server);
        }
    }
}

#[tokio::test]
async fn a_stream_that_is_too_long_leaves_nothing() {
    for ground in Ground::all("a_stream_that_is_too_long_leaves_nothing").await {
        for (length, most) in [(1_001, 1_000), (LONG, LONG as u64 - 1)] {
            let long = streamed(&bytes(length));
            let refused = ground.objects.put_stream(tenant(), long, most).await;
            assert!(
                matches!(refused, Err(ObjectError::TooLarge { bytes_max }) if bytes_max == most),
                "{:?}",
                ground.server
            );
        }
        let fits = streamed(&bytes(1_000));
        let stored = ground.objects.put_stream(tenant(), fits, 1_000).await;
        assert_eq!(stored.unwrap().size_bytes, 1_000);
        assert_eq!(ground.count().await, 1, "{:?}", ground.server);
    }
}

#[tokio::test]
async fn a_stream_that_breaks_off_leaves_nothing() {
    for ground in Ground::all("a_stream_that_breaks_off_leaves_nothing").await {
        for length in [3, LONG] {
            let begun = Ok(bytes(length));
            let broken: Vec<io::Result<Bytes>> = vec![begun, Err(io::Error::other("gone"))];
            let broken: ByteStream = Box::pin(stream::iter(broken));
            let refused = ground.objects.put_stream(tenant(), broken, u64::MAX).await;
            assert!(
                matches!(refused, Err(ObjectError::BrokenOff(_))),
                "{:?}",
                ground.server
            );
        }
        assert_eq!(ground.count().await, 0, "{:?}", ground.server);
        assert_eq!(ground.unfinished().await, 0, "{:?}", ground.server);
    }
}

#[tokio::test]
async fn what_is_not_there_is_missing() {
    for ground in Ground::all("what_is_not_there_is_missing").await {
        let key = ObjectKey::of_content(tenant(), &"ab".repeat(32));
        let read = ground.objects.get(&key).await;
        assert!(
            matches!(&read, Err(ObjectError::Missing { key: missing }) if *missing == key),
            "{:?}: {read:?}",
            ground.server
        );
    }
}

#[tokio::test]
async fn what_is_damaged_is_never_handed_out() {
    for ground in Ground::all("what_is_damaged_is_never_handed_out").await {
        let stored = ground.objects.put(tenant(), "abc".into()).await.unwrap();
        for other in ["abd", "abcd", "ab"] {
            ground.spoil(&stored.key, other).await;
            let read = ground.objects.get(&stored.key).await;
            assert!(
                matches!(read, Err(ObjectError::Damaged { .. })),
                "{:?}: {read:?}",
                ground.server
            );
        }
    }
}

#[tokio::test]
async fn what_is_there_is_not_written_over() {
    for ground in Ground::all("what_is_there_is_not_written_over").await {
        let tenant = tenant();
        let stored = ground.objects.put(tenant, "abc".into()).await.unwrap();
        ground.spoil(&stored.key, "abd").await;
        let again = ground.objects.put(tenant, "abc".into()).await;
        let read = ground.objects.get(&stored.key).await;
        let is_kept = matches!(read, Err(ObjectError::Damaged { .. }));
        match ground.server {
            // It links a finished file to its place, and never looks at what is there.
            Server::Folder => assert!(again.is_ok() && is_kept),
            // The damage is seen when the object is written again.
            #[cfg(feature = "aws")]
            Server::Moto => {
                assert!(
                    matches!(again, Err(ObjectError::Damaged { .. })),
                    "{again:?}"
                );
                assert!(is_kept);
            }
            // It does not know If-None-Match: every write goes through.
            #[cfg(feature = "aws")]
            Server::Fauxqs => assert!(again.is_ok() && !is_kept),
        }
    }
}

#[tokio::test]
async fn a_link_gives_whoever_has_it_the_bytes_under_their_name() {
    for ground in Ground::all("a_link_gives_whoever_has_it_the_bytes").await {
        let stored = ground.objects.put(tenant(), "%PDF-".into()).await.unwrap();
        let download = Download {
            media_type: "application/pdf".to_owned(),
            disposition: "attachment; filename=\"tax.pdf\"".to_owned(),
        };
        let link = ground.objects.link(&stored.key, &download).await.unwrap();
        if ground.server == Server::Folder {
            assert_eq!(link, None);
            continue;
        }
        let link = link.unwrap();
        assert!(link.reveal().contains("X-Amz-Expires=300"));
        let answer = packtrain_tests::plain_http("GET", link.reveal(), &[], "").await;
        assert_eq!(answer.status(), 200, "{}", answer.text());
        assert_eq!(answer.body, "%PDF-");
        // Only moto heeds what the address says of the answer's headers.
        #[cfg(feature = "aws")]
        if ground.server == Server::Fauxqs {
            continue;
        }
        assert_eq!(answer.header("content-type"), "application/pdf");
        let name = answer.header("content-disposition");
        assert_eq!(name, download.disposition, "{:?}", ground.server);
        assert_eq!(answer.header("cache-control"), "private");
    }
}

#[tokio::test]
async fn a_store_is_kept_warm_with_one_small_object() {
    for ground in Ground::all("a_store_is_kept_warm_with_one_small_object").await {
        let warmth = ObjectsWarmth::new("store", Arc::clone(&ground.objects));
        warmth.warm().await.unwrap();
        warmth.warm().await.unwrap();
        assert_eq!(ground.count().await, 1, "{:?}", ground.server);
    }
}

#[tokio::test]
async fn what_a_client_promised_arrives_through_an_entrance_of_its_own() {
    for ground in Ground::all("what_a_client_promised_arrives_through_an_entrance").await {
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
        if ground.server == Server::Folder {
            assert_eq!(entrance, None);
            continue;
        }
        let entrance = entrance.unwrap();
        let headers = entrance.headers.iter();
        let headers: Vec<_> = headers
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .filter(|(name, _)| *name != "content-length")
            .collect();
        let url = entrance.url.reveal();
        let put = packtrain_tests::plain_http("PUT", url, &headers, content.clone()).await;
        assert_eq!(put.status(), 200, "{:?}: {}", ground.server, put.text());
        let stored = ground.objects.arrived(&promised).await.unwrap().unwrap();
        assert_eq!(
            stored.key,
            ObjectKey::of_content(promised.tenant, &promised.sha256)
        );
        assert!(ground.objects.get(&stored.key).await.unwrap() == content);
        let longer = Promised {
            size_bytes: promised.size_bytes + 1,
            ..promised.clone()
        };
        let wrong = ground.objects.arrived(&longer).await;
        assert!(
            matches!(wrong, Err(ObjectError::Damaged { .. })),
            "{:?}: {wrong:?}",
            ground.server
        );
        ground.spoil(&stored.key, "others").await;
        let others = ground.objects.arrived(&promised).await;
        assert!(
            matches!(others, Err(ObjectError::Damaged { .. })),
            "{:?}: {others:?}",
            ground.server
        );
    }
}
