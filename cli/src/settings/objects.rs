//! Settings of the store of artefacts.

use serde::Deserialize;

use super::Problem;

/// The longest that a signature of S3 lasts, in seconds.
const SIGNED_S_MAX: u64 = 7 * 24 * 60 * 60;

/// Where artefacts lie.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Objects {
    pub(crate) store: Store,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Store {
    Folder,
    S3,
}

/// The bucket.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(
    not(feature = "aws"),
    expect(dead_code, reason = "a build without AWS opens no bucket")
)]
pub(crate) struct S3 {
    pub(crate) bucket: String,
    pub(crate) prefix: String,
    pub(crate) kms_key: String,
    pub(crate) download_s: u64,
    pub(crate) upload_s: u64,
    pub(crate) path_style: bool,
}

impl S3 {
    /// A setting that S3 would refuse, and why.
    pub(super) fn problem(&self, objects: &Objects) -> Option<Problem> {
        if objects.store == Store::S3 && self.bucket.is_empty() {
            let what = "objects.store is s3, but no bucket is named";
            return Some(("s3.bucket".to_owned(), what.to_owned()));
        }
        if self.prefix.starts_with('/') {
            let what = format!("{} begins with a slash; keys in S3 have none", self.prefix);
            return Some(("s3.prefix".to_owned(), what));
        }
        let lasts = 1..=SIGNED_S_MAX;
        [
            ("s3.download_s", self.download_s),
            ("s3.upload_s", self.upload_s),
        ]
        .into_iter()
        .find(|(_, time)| !lasts.contains(time))
        .map(|(key, time)| {
            let what = format!("{time} is not between 1 and {SIGNED_S_MAX}");
            (key.to_owned(), what)
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::settings::load;

    #[test]
    fn a_setting_that_s3_would_refuse_is_refused_at_once() {
        for (key, flags) in [
            ("s3.bucket", ("objects.store", "s3")),
            ("s3.prefix", ("s3.prefix", "/reports")),
            ("s3.download_s", ("s3.download_s", "0")),
            ("s3.download_s", ("s3.download_s", "604801")),
            ("s3.upload_s", ("s3.upload_s", "0")),
        ] {
            let Err(error) = load(None, &[(flags.0, flags.1.to_owned())]) else {
                panic!("{flags:?} was taken");
            };
            assert!(error.to_string().contains(key), "{error}");
        }
    }
}
