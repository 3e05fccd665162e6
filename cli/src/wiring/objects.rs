//! Where artefacts lie.

use std::sync::Arc;

use packtrain_core::ports::Objects;
use packtrain_objects::FolderObjects;

use crate::failure::{FAILED, Failure};
use crate::settings::Settings;

/// Opens the store that the settings name.
pub(crate) fn open(settings: &Settings) -> Result<Arc<dyn Objects>, Failure> {
    let folder = settings.data.dir.join("files");
    let objects = FolderObjects::open(&folder).map_err(|error| {
        let what = format!("folder {} cannot be used: {error}", folder.display());
        Failure::new(FAILED, what)
    })?;
    Ok(Arc::new(objects))
}
