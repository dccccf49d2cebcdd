//! How each kind of ClickHouse is started.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use lastro_libchdb::{LibchdbError, run_clickhouse_local};
use thiserror::Error;

use crate::provision::ClickHouseProgram;

use super::{
    ClickHouseOptions,
    files::{Folders, serving_query},
};

/// Hidden command of the program, by which it runs `libchdb.so` in a process of its own: `embedded-clickhouse LIBRARY
/// ARGUMENT...`.
pub const EMBEDDED_COMMAND: &str = "embedded-clickhouse";

/// The module takes no configuration file but `config.xml` in the working directory.
const RUN_MODULE: &str = "
import os, sys
sys.path.insert(0, sys.argv[1])
import chdb._chdb
chdb._chdb.query(sys.argv[3], 'CSV', path=sys.argv[2])
";

#[derive(Debug, Error)]
pub enum EmbeddedCommandError {
    #[error("{EMBEDDED_COMMAND} needs the path of libchdb.so")]
    NoLibrary,
    #[error("argument {index} of {EMBEDDED_COMMAND} is not UTF-8")]
    NotUtf8 { index: usize },
    #[error(transparent)]
    Library(#[from] LibchdbError),
}

/// Does what the hidden command [`EMBEDDED_COMMAND`] says, given the arguments after it. Returns ClickHouse's exit code
/// when it ends. To be called first thing on the main thread: ClickHouse takes over signals and threads.
///
/// # Errors
/// The arguments are not those that this module gives, or the library cannot be loaded.
pub fn run_embedded(args: impl IntoIterator<Item = OsString>) -> Result<i32, EmbeddedCommandError> {
    let mut args = args.into_iter();
    let library = args.next().ok_or(EmbeddedCommandError::NoLibrary)?;
    let args: Vec<String> = args
        .enumerate()
        .map(|(index, argument)| {
            argument
                .into_string()
                .map_err(|_| EmbeddedCommandError::NotUtf8 { index })
        })
        .collect::<Result<_, _>>()?;
    Ok(run_clickhouse_local(Path::new(&library), &args)?)
}

/// The command that serves, and the program it starts.
pub(super) fn server_command(
    program: &ClickHouseProgram,
    options: &ClickHouseOptions,
    folders: &Folders,
) -> (Command, PathBuf) {
    let query = serving_query(folders);
    let mut config = OsString::from("--config-file=");
    config.push(folders.config());
    let path = match program {
        ClickHouseProgram::Binary(path) => path,
        ClickHouseProgram::Library(_) => &options.launcher,
        ClickHouseProgram::PythonModule { python, .. } => python,
    };
    let mut command = Command::new(path);
    match program {
        ClickHouseProgram::Binary(_) => command.arg("local").arg(config).arg("--query").arg(query),
        ClickHouseProgram::Library(library) => command
            .arg(EMBEDDED_COMMAND)
            .arg(library)
            .arg(config)
            .arg("--query")
            .arg(query),
        ClickHouseProgram::PythonModule { packages, .. } => command
            .args(["-I", "-c", RUN_MODULE])
            .arg(packages)
            .arg(folders.store())
            .arg(query),
    };
    command.current_dir(folders.data_dir());
    // Its stderr is quoted when it does not start: the error, not the way there.
    command.env("RUST_BACKTRACE", "0");
    (command, path.clone())
}
