//! Writes the description of the API to `openapi.json` at the root of the repository, or to the
//! file that is named as the only argument.

use std::path::PathBuf;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../openapi.json");
    let path = env::args_os()
        .nth(1)
        .map_or_else(|| root.into(), PathBuf::from);
    fs::write(path, packtrain_api::openapi_json())
}
