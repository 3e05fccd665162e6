//! S3 in trouble, and its bucket.

use std::sync::Arc;
use std::time::Duration;

use packtrain_core::fault::{Fault, Verdict};
use packtrain_core::ports::{ObjectError, Objects};
use packtrain_objects::{BucketError, S3Objects, S3Patience};
use packtrain_tests::{Front, Program, Trouble, plain_http, promptly};

use super::ground::{Ground, SOMEBODY, bytes, settings, streamed, tenant};
use super::table::Server;

/// More than goes in one piece.
const LONG: usize = 20 * 1024 * 1024;

/// A bucket behind a front.
struct Stage {
    ground: Ground,
    front: Front,
    objects: S3Objects,
    /// The same, with little patience: for trouble that is a wait.
    hasty: S3Objects,
}

impl Stage {
    async fn new(test: &str) -> Option<Self> {
        let url = Program::Moto.find(test)?;
        let mut ground = Ground::bucket_on(Server::Moto, test).await?;
        let front = Front::before(&url).await;
        let mut settings = settings(&front.url(), ground.folder.path());
        settings.bucket = ground.bucket.rsplit('/').next().unwrap().to_owned();
        let objects = S3Objects::new(settings.clone());
        settings.patience = S3Patience {
            answer: Duration::from_secs(4),
            all: Duration::from_secs(15),
            body: Duration::from_secs(3),
            ..S3Patience::default()
        };
        let hasty = S3Objects::new(settings);
        ground.objects = Arc::new(objects.clone());
        Some(Self {
            ground,
            front,
            objects,
            hasty,
        })
    }

    /// Who is to meet with this trouble. Little patience is for trouble that has to be waited for,
    /// since whatever else takes time is no trouble.
    fn meeting(&self, trouble: Trouble) -> &S3Objects {
        match trouble {
            Trouble::Silence | Trouble::DoneInSilence | Trouble::Stalls => &self.hasty,
            _ => &self.objects,
        }
    }
}

/// Each kind of trouble that a second try gets over.
const PASSING: [Trouble; 5] = [
    Trouble::Refused(500),
    Trouble::Refused(503),
    Trouble::Silence,
    Trouble::HangsUp,
    Trouble::BreaksOff,
];

#[tokio::test]
async fn a_write_gets_over_trouble_that_passes() {
    let Some(stage) = Stage::new("a_write_gets_over_trouble_that_passes").await else {
        return;
    };
    for (length, trouble) in (1_000..).zip(PASSING) {
        stage.front.next("PUT", "", &[trouble]);
        let content = bytes(length);
        let stored = stage.meeting(trouble).put(tenant(), content.clone()).await;
        let key = stored.unwrap().key;
        assert_eq!(stage.objects.get(&key).await.unwrap(), content);
    }
    // The first answer got lost: the second write finds what the first one wrote.
    for (length, trouble) in [
        (2_000, Trouble::DoneAndDenied),
        (2_001, Trouble::DoneInSilence),
    ] {
        stage.front.next("PUT", "", &[trouble]);
        let content = bytes(length);
        let stored = stage.meeting(trouble).put(tenant(), content.clone()).await;
        let key = stored.unwrap().key;
        assert_eq!(stage.objects.get(&key).await.unwrap(), content);
    }
    assert_eq!(stage.ground.count().await, 7);
}

#[tokio::test]
async fn trouble_that_lasts_is_an_error_that_may_be_tried_again_and_leaves_nothing() {
    let Some(stage) = Stage::new("trouble_that_lasts_is_an_error").await else {
        return;
    };
    for trouble in [Trouble::Refused(503), Trouble::Silence, Trouble::HangsUp] {
        stage.front.calm();
        let stored = stage.objects.put(tenant(), bytes(9)).await.unwrap();
        let before = stage.ground.count().await;
        for method in ["PUT", "GET", "POST", "HEAD"] {
            stage.front.always(method, "", trouble);
        }
        let asked = stage.front.seen("PUT", "");
        let objects = stage.meeting(trouble);
        let refused = promptly(objects.put(tenant(), bytes(7))).await;
        assert!(matches!(refused, Err(ObjectError::Write(_))), "{refused:?}");
        // It is no fault of the job that wrote.
        assert!(refused.is_err_and(|error| error.is_away()), "{trouble:?}");
        // The budget is three tries, and no more of them however often it is called.
        assert!(stage.front.seen("PUT", "") - asked <= 3);
        let read = promptly(objects.get(&stored.key)).await;
        assert!(matches!(read, Err(ObjectError::Read { .. })), "{read:?}");
        assert!(read.is_err_and(|error| error.is_away()), "{trouble:?}");
        assert_eq!(stage.ground.count().await, before);
    }
}

#[tokio::test]
async fn only_trouble_that_may_pass_by_itself_counts_as_away_and_other_says_what_to_do() {
    let Some(stage) = Stage::new("only_trouble_that_may_pass_by_itself_counts_as_away").await
    else {
        return;
    };
    let (rights, address) = ("its rights (docs/stores.md)", "mend aws.endpoint_url");
    for (status, remedy) in [
        (403, Some(rights)),
        (501, Some(address)),
        (505, Some(address)),
        (429, None),
        (500, None),
        (504, None),
    ] {
        stage.front.calm();
        stage.front.always("PUT", "", Trouble::Refused(status));
        let refused = promptly(stage.objects.put(tenant(), bytes(7))).await;
        let fault = Fault::from(refused.unwrap_err());
        match remedy {
            Some(remedy) => {
                assert_eq!(fault.verdict, Verdict::Retry(None), "{status}");
                assert!(fault.message.ends_with(remedy), "{}", fault.message);
            }
            None => assert_eq!(fault.verdict, Verdict::Away, "{status}"),
        }
    }
}

#[tokio::test]
async fn a_read_that_broke_off_or_came_damaged_is_asked_for_once_more() {
    let Some(stage) = Stage::new("a_read_that_broke_off_is_asked_for_once_more").await else {
        return;
    };
    let content = bytes(300_000);
    let stored = stage.objects.put(tenant(), content.clone()).await.unwrap();
    for trouble in [
        Trouble::BreaksOff,
        Trouble::Stalls,
        Trouble::CutShort,
        Trouble::Garbled,
    ] {
        stage.front.next("GET", "", &[trouble]);
        let read = promptly(stage.meeting(trouble).get(&stored.key)).await;
        assert!(read.unwrap() == content, "{trouble:?}");
    }
}

#[tokio::test]
async fn half_an_object_is_never_taken_for_the_whole() {
    let Some(stage) = Stage::new("half_an_object_is_never_taken_for_the_whole").await else {
        return;
    };
    let stored = stage.objects.put(tenant(), bytes(300_000)).await.unwrap();
    for (trouble, is_damaged) in [
        (Trouble::BreaksOff, false),
        (Trouble::Stalls, false),
        (Trouble::CutShort, true),
        (Trouble::Garbled, true),
    ] {
        stage.front.calm();
        stage.front.always("GET", "", trouble);
        let read = promptly(stage.meeting(trouble).get(&stored.key)).await;
        let as_told = match read {
            Err(ObjectError::Damaged { .. }) => is_damaged,
            Err(ObjectError::Read { .. }) => !is_damaged,
            _ => false,
        };
        assert!(as_told, "{trouble:?}");
    }
}

#[tokio::test]
async fn a_long_object_comes_whole_or_leaves_nothing_at_all() {
    let Some(stage) = Stage::new("a_long_object_comes_whole_or_leaves_nothing").await else {
        return;
    };
    let content = bytes(LONG);
    // The part and the end of the upload that meet with trouble for good.
    for (method, part) in [
        ("PUT", "partNumber=2"),
        ("POST", "uploadId="),
        ("POST", "uploads"),
    ] {
        stage.front.always(method, part, Trouble::Refused(500));
        let refused = stage.objects.put(tenant(), content.clone()).await;
        assert!(matches!(refused, Err(ObjectError::Write(_))), "{refused:?}");
        assert_eq!(stage.ground.count().await, 0, "{part}");
        assert_eq!(stage.ground.unfinished().await, 0, "{part}");
        stage.front.calm();
    }
    // What passes, passes.
    stage.front.next(
        "PUT",
        "partNumber=2",
        &[Trouble::Refused(503), Trouble::DoneAndDenied],
    );
    stage
        .front
        .next("POST", "uploadId=", &[Trouble::DoneAndDenied]);
    let whole = streamed(&content);
    let stored = stage.objects.put_stream(tenant(), whole, u64::MAX).await;
    let stored = stored.unwrap();
    assert!(stage.objects.get(&stored.key).await.unwrap() == content);
    assert_eq!(stage.ground.unfinished().await, 0);
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_not_taken_for_an_object_that_is_missing() {
    let test = "a_bucket_that_is_not_there_is_not_taken_for_an_object_that_is_missing";
    let Some(url) = Program::Moto.find(test) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let stored = Ground::folder()
        .objects
        .put(tenant(), bytes(3))
        .await
        .unwrap();
    let objects = S3Objects::new(settings(&url, folder.path()));
    let read = objects.get(&stored.key).await;
    assert!(matches!(read, Err(ObjectError::Read { .. })), "{read:?}");
    let put = objects.put(tenant(), bytes(3)).await;
    assert!(matches!(put, Err(ObjectError::Write(_))), "{put:?}");
    for fault in [
        Fault::from(put.unwrap_err()),
        Fault::from(read.unwrap_err()),
    ] {
        assert_eq!(fault.verdict, Verdict::Retry(None), "it refuses");
        let remedy = "make the bucket by `packtrain migrate --aws`, or mend s3.bucket";
        assert!(fault.message.ends_with(remedy), "{}", fault.message);
    }
    let checked = objects.check().await;
    assert!(
        matches!(checked, Err(BucketError::Missing(_))),
        "{checked:?}"
    );
}

#[tokio::test]
async fn a_bucket_is_made_closed_and_with_rules_and_one_that_is_there_is_only_looked_at() {
    let test = "a_bucket_is_made_closed_and_with_rules";
    let Some(url) = Program::Moto.find(test) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut wanted = settings(&url, folder.path());
    wanted.kms_key = "alias/packtrain".to_owned();
    let bucket = format!("{}/{}", url.trim_end_matches('/'), wanted.bucket);
    let objects = S3Objects::new(wanted);
    let made = objects.create_bucket().await.unwrap();
    assert!(made.is_new, "{made:?}");
    // moto has no TLS: a policy against those who come without it would keep out us.
    let policy = "a policy that refuses requests without TLS";
    assert_eq!(made.lacks, [policy]);
    let again = objects.create_bucket().await.unwrap();
    // moto answers in a form of its own when it is asked for versioning.
    assert!(!again.is_new);
    assert_eq!(again.lacks, ["versioning", policy]);
    for (part, holds) in [
        ("versioning", "<Status>Enabled</Status>"),
        ("lifecycle", "<DaysAfterInitiation>1</DaysAfterInitiation>"),
        ("lifecycle", "<Prefix>artefacts/pending/</Prefix>"),
        (
            "lifecycle",
            "<Key>packtrain-class</Key><Value>artefact</Value>",
        ),
        ("encryption", "aws:kms"),
        ("ownershipControls", "BucketOwnerEnforced"),
        ("publicAccessBlock", "<RestrictPublicBuckets>true"),
    ] {
        let set = plain_http("GET", &format!("{bucket}?{part}"), &[SOMEBODY], "").await;
        let text: String = set.text().split_whitespace().collect();
        let holds: String = holds.split_whitespace().collect();
        assert!(
            text.to_lowercase().contains(&holds.to_lowercase()),
            "{part}: {text}"
        );
    }
    objects.check().await.unwrap();
    let bare = Ground::bucket_on(Server::Moto, test).await.unwrap();
    let mut bare_settings = settings(&url, folder.path());
    bare_settings.bucket = bare.bucket.rsplit('/').next().unwrap().to_owned();
    let state = S3Objects::new(bare_settings).create_bucket().await.unwrap();
    assert!(!state.is_new);
    assert_eq!(state.lacks.len(), 5, "{state:?}");
}

#[tokio::test]
async fn objects_carry_their_class_and_the_key_they_are_encrypted_by() {
    let test = "objects_carry_their_class_and_the_key_they_are_encrypted_by";
    let Some(url) = Program::Moto.find(test) else {
        return;
    };
    let ground = Ground::bucket_on(Server::Moto, test).await.unwrap();
    let mut wanted = settings(&url, ground.folder.path());
    wanted.bucket = ground.bucket.rsplit('/').next().unwrap().to_owned();
    wanted.kms_key = "alias/packtrain".to_owned();
    let prefix = wanted.prefix.clone();
    let objects = S3Objects::new(wanted);
    for length in [1_000, LONG] {
        let content = bytes(length);
        let made = objects.put(tenant(), content.clone()).await.unwrap();
        let whole = streamed(&content);
        let sent = objects.put_stream(tenant(), whole, u64::MAX).await.unwrap();
        for (stored, class) in [(made, "artefact"), (sent, "upload")] {
            let place = format!("{}/{prefix}{}", ground.bucket, stored.key);
            let tags = plain_http("GET", &format!("{place}?tagging"), &[SOMEBODY], "").await;
            assert!(
                tags.text().contains(&format!("<Value>{class}</Value>")),
                "{}",
                tags.text()
            );
            let head = plain_http("HEAD", &place, &[SOMEBODY], "").await;
            assert_eq!(head.header("x-amz-server-side-encryption"), "aws:kms");
            assert_eq!(head.header("x-amz-meta-sha256"), stored.sha256);
        }
    }
}
