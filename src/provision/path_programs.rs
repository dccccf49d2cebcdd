//! What the machine already has on PATH.

use std::{
    env,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{process::Command, time::timeout};

use super::{ProvisionError, pins::NODE_JS_MINIMUM};

/// Major and minor version.
pub(super) type Version = (u32, u32);

const PYTHON_MINIMUM: Version = (3, 8);
const VERSION_ANSWER: Duration = Duration::from_secs(20);

/// Node.js and the npm that goes with it.
#[derive(Clone, Debug)]
pub(super) struct NodeJs {
    pub(super) node: PathBuf,
    pub(super) npm: Npm,
}

#[derive(Clone, Debug)]
pub(super) enum Npm {
    Program(PathBuf),
    /// A script that `node` runs.
    Script(PathBuf),
}

impl NodeJs {
    /// An npm command without its arguments, and the program's path for messages.
    pub(super) fn npm(&self) -> (Command, &Path) {
        match &self.npm {
            Npm::Program(npm) => (Command::new(npm), npm),
            Npm::Script(script) => {
                let mut command = Command::new(&self.node);
                command.arg(script);
                (command, script)
            }
        }
    }
}

/// The first program of this name on PATH whose answer to `version_args` names `minimum` or a newer version.
pub(super) async fn find(name: &str, version_args: &[&str], minimum: Version) -> Option<PathBuf> {
    for program in candidates(name) {
        match version_of(&program, version_args).await {
            Some(version) if version >= minimum => return Some(program),
            version => {
                tracing::debug!(program = %program.display(), ?version, ?minimum, "passed over on PATH")
            }
        }
    }
    None
}

/// Node.js with npm, both from PATH.
pub(super) async fn node_js() -> Option<NodeJs> {
    let node = find("node", &["--version"], NODE_JS_MINIMUM).await?;
    let npm = find("npm", &["--version"], (0, 0)).await?;
    Some(NodeJs {
        node,
        npm: Npm::Program(npm),
    })
}

/// A Python that has pip.
pub(super) async fn python() -> Result<PathBuf, ProvisionError> {
    let by_hand = "install Python 3.8 or newer with pip";
    let missing = ProvisionError::ProgramMissing {
        program: "python3 with pip",
        by_hand,
    };
    let python = find("python3", &["--version"], PYTHON_MINIMUM).await;
    match python {
        Some(python)
            if version_of(&python, &["-m", "pip", "--version"])
                .await
                .is_some() =>
        {
            Ok(python)
        }
        _ => Err(missing),
    }
}

fn candidates(name: &str) -> Vec<PathBuf> {
    let Some(path) = env::var_os("PATH") else {
        return Vec::new();
    };
    env::split_paths(&path)
        .map(|folder| folder.join(name))
        .filter(|file| is_program(file))
        .collect()
}

fn is_program(file: &Path) -> bool {
    file.metadata()
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

async fn version_of(program: &Path, args: &[&str]) -> Option<Version> {
    let output = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(VERSION_ANSWER, output).await.ok()?.ok()?;
    if !output.status.success() {
        return None;
    }
    parse_version(&String::from_utf8_lossy(&output.stdout))
}

/// The first `major.minor` in a text such as `go version go1.26.8 linux/amd64`.
fn parse_version(text: &str) -> Option<Version> {
    text.split(|c: char| !c.is_ascii_digit() && c != '.')
        .find_map(|word| {
            let mut numbers = word.split('.');
            Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_programs_print() {
        assert_eq!(
            parse_version("go version go1.26.8 linux/amd64"),
            Some((1, 26))
        );
        assert_eq!(parse_version("v20.20.2\n"), Some((20, 20)));
        assert_eq!(
            parse_version("ClickHouse local version 26.7.2.1 (official build)."),
            Some((26, 7))
        );
        assert_eq!(parse_version("Python 3.11.7"), Some((3, 11)));
        assert_eq!(parse_version("no version here, 7 at most."), None);
        assert_eq!(parse_version("99999999999.1 is too large"), None);
    }

    #[tokio::test]
    async fn programs_that_are_too_old_or_missing_are_passed_over() {
        assert!(find("sh", &["-c", "echo 1.9"], (1, 9)).await.is_some());
        assert!(find("sh", &["-c", "echo 1.9"], (1, 10)).await.is_none());
        assert!(
            find("sh", &["-c", "echo 1.9; exit 1"], (1, 0))
                .await
                .is_none()
        );
        assert!(
            find("no-such-program-anywhere", &[], (0, 0))
                .await
                .is_none()
        );
    }
}
