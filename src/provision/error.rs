//! What can go wrong while a tool is fetched.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    process::ExitStatus,
};

use thiserror::Error;

#[derive(Debug, Error)]
pub enum ProvisionError {
    #[error("there is no cache folder: set HOME or XDG_CACHE_HOME")]
    NoCacheFolder,
    #[error("{tool} can be fetched on Linux with x86-64 only: {by_hand}")]
    UnsupportedPlatform {
        tool: &'static str,
        by_hand: &'static str,
    },
    #[error("no {program} is on PATH: {by_hand}")]
    ProgramMissing {
        program: &'static str,
        by_hand: &'static str,
    },
    #[error("failed to start {program}")]
    ProgramNotStarted { program: PathBuf, source: io::Error },
    #[error("failed to {step}: {program} ended with {status}{}", Quoted(stderr))]
    ProgramFailed {
        step: String,
        program: PathBuf,
        status: ExitStatus,
        stderr: String,
    },
    #[error(
        "{package} is not what was pinned: expected {expected}, got {actual}; the registry or a proxy on the way serves \
         something else under this version"
    )]
    DigestMismatch {
        package: String,
        expected: String,
        actual: String,
    },
    #[error("{package} holds no {file}")]
    FileMissing { package: String, file: String },
    #[error("package-lock.json of {project} does not pin {package} by an integrity digest")]
    NotPinned { project: String, package: String },
    #[error("package-lock.json of {project} is not valid")]
    MalformedLock {
        project: String,
        source: serde_json::Error,
    },
    #[error("failed to {action} {path}")]
    File {
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("{tool} cannot be provided ({}): {by_hand}", Joined(attempts))]
    Unobtainable {
        tool: &'static str,
        attempts: Vec<ProvisionError>,
        by_hand: &'static str,
    },
}

impl ProvisionError {
    /// Whether the same call may succeed later without anybody changing anything: the registry did not answer.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::ProgramFailed { .. } => true,
            Self::Unobtainable { attempts, .. } => attempts.iter().any(Self::is_retryable),
            Self::NoCacheFolder
            | Self::UnsupportedPlatform { .. }
            | Self::ProgramMissing { .. }
            | Self::ProgramNotStarted { .. }
            | Self::DigestMismatch { .. }
            | Self::FileMissing { .. }
            | Self::NotPinned { .. }
            | Self::MalformedLock { .. }
            | Self::File { .. } => false,
        }
    }

    /// Says which tool could not be had because of this error, and what to do instead.
    pub(super) fn in_the_way_of(self, tool: &'static str, by_hand: &'static str) -> Self {
        Self::Unobtainable {
            tool,
            attempts: vec![self],
            by_hand,
        }
    }

    pub(super) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File {
            action,
            path,
            source,
        }
    }
}

struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            Ok(())
        } else {
            write!(f, ", saying: {}", self.0)
        }
    }
}

struct Joined<'a>(&'a [ProvisionError]);

impl fmt::Display for Joined<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, attempt) in self.0.iter().enumerate() {
            write!(f, "{}{attempt}", if index == 0 { "" } else { "; " })?;
            // The attempts are not this error's source chain, so their own causes are told here.
            let mut cause = std::error::Error::source(attempt);
            while let Some(error) = cause {
                write!(f, ": {error}")?;
                cause = error.source();
            }
        }
        Ok(())
    }
}
