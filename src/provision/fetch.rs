//! npm and pip, asked with the user's own settings, and the check of what they brought.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::Deserialize;
use sha2::{Digest, Sha256, Sha512};
use tokio::process::Command;

use super::{
    NpmProject, ProvisionError,
    path_programs::NodeJs,
    pins::{NpmPackage, Wheel},
    progress::Progress,
};

/// The most of a failed program's stderr that is quoted.
const QUOTED_STDERR_BYTES: usize = 1500;

/// Unpacks a wheel with its file modes, which `python3 -m zipfile` drops.
const UNPACK_WHEEL: &str = "
import os, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    for member in wheel.infolist():
        path = wheel.extract(member, sys.argv[2])
        mode = (member.external_attr >> 16) & 0o777
        if mode and not member.is_dir():
            os.chmod(path, mode | 0o600)
";

/// Fetches `package` and puts its files into `staging`.
pub(super) async fn npm_package(
    node_js: &NodeJs,
    package: NpmPackage,
    what: &str,
    staging: &Path,
) -> Result<(), ProvisionError> {
    let name = format!("{}@{}", package.name, package.version);
    let _progress = Progress::start(format!("fetching {what} ({name})"));
    let download = download_folder(staging)?;
    let (mut npm, program) = node_js.npm();
    npm.args([
        "pack",
        "--ignore-scripts",
        "--loglevel=error",
        "--pack-destination",
    ])
    .arg(&download)
    .arg(&name);
    npm.current_dir(staging);
    run(npm, program, format!("fetch {name} with npm")).await?;
    let tarball = only_file(&download, "tgz", &name)?;
    verify(&tarball, &name, package.integrity, |bytes| {
        format!("sha512-{}", BASE64_STANDARD.encode(Sha512::digest(bytes)))
    })
    .await?;
    let mut tar = Command::new("tar");
    tar.args([
        "--extract",
        "--gzip",
        "--strip-components=1",
        "--no-same-owner",
        "--file",
    ])
    .arg(&tarball);
    tar.arg("--directory").arg(staging);
    run(tar, Path::new("tar"), format!("unpack {name}")).await?;
    remove_folder(&download)
}

/// Fetches `wheel` and puts its files into `staging`.
pub(super) async fn wheel(
    python: &Path,
    wheel: Wheel,
    what: &str,
    staging: &Path,
) -> Result<(), ProvisionError> {
    let name = format!("{}=={}", wheel.name, wheel.version);
    let _progress = Progress::start(format!("fetching {what} ({name})"));
    let download = download_folder(staging)?;
    let mut pip = Command::new(python);
    pip.args([
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--only-binary=:all:",
        "--dest",
    ])
    .arg(&download)
    .arg(&name);
    run(pip, python, format!("fetch {name} with pip")).await?;
    let file = only_file(&download, "whl", &name)?;
    verify(&file, &name, wheel.sha256, |bytes| sha256_hex(&[bytes])).await?;
    let mut unpack = Command::new(python);
    unpack
        .args(["-I", "-c", UNPACK_WHEEL])
        .arg(&file)
        .arg(staging);
    run(unpack, python, format!("unpack {name}")).await?;
    remove_folder(&download)
}

/// Installs what the lock file of `project` names into `staging`; npm checks each package's digest itself.
pub(super) async fn npm_install(
    node_js: &NodeJs,
    project: &NpmProject<'_>,
    staging: &Path,
) -> Result<(), ProvisionError> {
    let _progress = Progress::start(format!("fetching the npm packages of {}", project.name));
    for (file, text) in [
        ("package.json", project.package_json),
        ("package-lock.json", project.package_lock),
    ] {
        let path = staging.join(file);
        fs::write(&path, text).map_err(ProvisionError::file("write", &path))?;
    }
    let (mut npm, program) = node_js.npm();
    npm.args([
        "ci",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
    ])
    .current_dir(staging);
    run(
        npm,
        program,
        format!("install the npm packages of {}", project.name),
    )
    .await
}

/// Refuses a lock file in which a package is not pinned by its content.
pub(super) fn require_pinned_lock(project: &NpmProject<'_>) -> Result<(), ProvisionError> {
    #[derive(Deserialize)]
    struct Lock {
        packages: std::collections::BTreeMap<String, Package>,
    }
    #[derive(Deserialize)]
    struct Package {
        integrity: Option<String>,
    }
    let lock: Lock = serde_json::from_str(project.package_lock).map_err(|source| {
        ProvisionError::MalformedLock {
            project: project.name.to_owned(),
            source,
        }
    })?;
    // The entry with the empty name is the project itself.
    let unpinned = lock
        .packages
        .into_iter()
        .find(|(name, package)| !name.is_empty() && package.integrity.is_none());
    match unpinned {
        Some((package, _)) => Err(ProvisionError::NotPinned {
            project: project.name.to_owned(),
            package,
        }),
        None => Ok(()),
    }
}

/// Runs a program to its end; what it wrote to stderr is told when it fails.
pub(super) async fn run(
    mut command: Command,
    program: &Path,
    step: String,
) -> Result<(), ProvisionError> {
    let output = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|source| ProvisionError::ProgramNotStarted {
            program: program.to_owned(),
            source,
        })?;
    if output.status.success() {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let stderr = last_bytes(&stderr)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    Err(ProvisionError::ProgramFailed {
        step,
        program: program.to_owned(),
        status: output.status,
        stderr,
    })
}

pub(crate) fn sha256_hex(parts: &[&[u8]]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part);
    }
    alloy_primitives::hex::encode(digest.finalize())
}

fn last_bytes(text: &str) -> &str {
    let start = text.len().saturating_sub(QUOTED_STDERR_BYTES);
    let start = (start..=text.len())
        .find(|&index| text.is_char_boundary(index))
        .unwrap_or(0);
    &text[start..]
}

/// Compares the digest of a whole file with the pinned one.
async fn verify(
    file: &Path,
    package: &str,
    expected: &str,
    digest: fn(&[u8]) -> String,
) -> Result<(), ProvisionError> {
    let path = file.to_owned();
    let actual = tokio::task::spawn_blocking(move || fs::read(path).map(|bytes| digest(&bytes)))
        .await
        .unwrap_or_else(|error| Err(error.into()))
        .map_err(ProvisionError::file("read", file))?;
    if actual == expected {
        return Ok(());
    }
    Err(ProvisionError::DigestMismatch {
        package: package.to_owned(),
        expected: expected.to_owned(),
        actual,
    })
}

fn download_folder(staging: &Path) -> Result<PathBuf, ProvisionError> {
    let folder = staging.join(".download");
    fs::create_dir_all(&folder).map_err(ProvisionError::file("create", &folder))?;
    Ok(folder)
}

fn remove_folder(folder: &Path) -> Result<(), ProvisionError> {
    fs::remove_dir_all(folder).map_err(ProvisionError::file("remove", folder))
}

/// The file with this extension: a registry client names the file itself.
fn only_file(folder: &Path, extension: &str, package: &str) -> Result<PathBuf, ProvisionError> {
    fs::read_dir(folder)
        .map_err(ProvisionError::file("read", folder))?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|found| found == extension))
        .ok_or_else(|| ProvisionError::FileMissing {
            package: package.to_owned(),
            file: format!("*.{extension}"),
        })
}
