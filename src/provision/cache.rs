//! The tools folder: a tool is there whole or not at all, whoever fetches it and however the fetching ends.
//!
//! A tool is built in a temporary folder beside its place, gets a marker with the digest of its content, and is renamed
//! into place. A file lock lets one process do so; others wait for it and then find the tool there.

use std::{
    env, fs,
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    time::Duration,
};

use tempfile::TempDir;

use super::{ProvisionError, progress::Progress};

const MARKER: &str = ".complete";
const STAGING: &str = ".staging";
const LOCK_POLL: Duration = Duration::from_millis(200);

/// What is looked up or installed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tool<'a> {
    pub(super) name: &'a str,
    pub(super) version: &'a str,
    /// Digest of what the tool is made from; a tool that was made from something else is replaced.
    pub(super) content: &'a str,
}

impl Tool<'_> {
    fn folder_name(&self) -> String {
        format!("{}-{}", self.name, self.version)
    }
}

#[derive(Clone, Debug)]
pub(super) struct Cache {
    tools: PathBuf,
}

/// The answer to [`Cache::reserve`].
pub(super) enum Slot {
    Ready(PathBuf),
    /// Ours to fill; nobody else does so meanwhile.
    Empty(Installation),
}

/// A tool being built. Dropped before [`Installation::commit`], it leaves nothing behind.
pub(super) struct Installation {
    staging: TempDir,
    target: PathBuf,
    content: String,
    _lock: File,
}

impl Cache {
    pub(super) fn new(tools: PathBuf) -> Self {
        Self { tools }
    }

    /// The folder of a tool that is already there.
    pub(super) fn find(&self, tool: Tool<'_>) -> Option<PathBuf> {
        let folder = self.tools.join(tool.folder_name());
        let marker = fs::read_to_string(folder.join(MARKER)).ok()?;
        (marker == tool.content).then_some(folder)
    }

    /// The tool's folder, or the right to install it, after waiting for another process that is doing so.
    pub(super) async fn reserve(&self, tool: Tool<'_>) -> Result<Slot, ProvisionError> {
        if let Some(folder) = self.find(tool) {
            return Ok(Slot::Ready(folder));
        }
        let staging_parent = self.tools.join(STAGING);
        fs::create_dir_all(&staging_parent)
            .map_err(ProvisionError::file("create", &staging_parent))?;
        let name = tool.folder_name();
        let lock = lock(&staging_parent.join(format!("{name}.lock")), &name).await?;
        if let Some(folder) = self.find(tool) {
            return Ok(Slot::Ready(folder));
        }
        // Under the lock, what lies here was left by a process that was killed.
        let prefix = format!("{name}~");
        remove_leftovers(&staging_parent, &prefix)?;
        let staging = tempfile::Builder::new()
            .prefix(&prefix)
            .tempdir_in(&staging_parent)
            .map_err(ProvisionError::file("create a folder in", &staging_parent))?;
        let target = self.tools.join(name);
        Ok(Slot::Empty(Installation {
            staging,
            target,
            content: tool.content.to_owned(),
            _lock: lock,
        }))
    }
}

impl Installation {
    /// Where the tool is to be put together.
    pub(super) fn staging(&self) -> &Path {
        self.staging.path()
    }

    /// Puts the tool, which must have a file or folder `wanted`, in its place and gives its folder.
    pub(super) fn commit(self, wanted: &str) -> Result<PathBuf, ProvisionError> {
        let Self {
            staging,
            target,
            content,
            _lock,
        } = self;
        if !staging.path().join(wanted).exists() {
            let package = target
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            return Err(ProvisionError::FileMissing {
                package,
                file: wanted.to_owned(),
            });
        }
        let marker = staging.path().join(MARKER);
        fs::write(&marker, content).map_err(ProvisionError::file("write", &marker))?;
        if target.exists() {
            fs::remove_dir_all(&target).map_err(ProvisionError::file("remove", &target))?;
        }
        fs::rename(staging.path(), &target)
            .map_err(ProvisionError::file("move the fetched tool to", &target))?;
        Ok(target)
    }
}

/// `$XDG_CACHE_HOME/lastro/tools`, or `~/.cache/lastro/tools`.
pub(super) fn default_folder() -> Result<PathBuf, ProvisionError> {
    let absolute = |name| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let cache =
        absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")));
    Ok(cache
        .ok_or(ProvisionError::NoCacheFolder)?
        .join("lastro/tools"))
}

/// Polls instead of blocking a thread, so that a waiting program can still be interrupted.
async fn lock(path: &Path, name: &str) -> Result<File, ProvisionError> {
    let file = File::create(path).map_err(ProvisionError::file("create", path))?;
    let mut waiting = None;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => {
                waiting.get_or_insert_with(|| {
                    Progress::start(format!("waiting for another process to install {name}"))
                });
                tokio::time::sleep(LOCK_POLL).await;
            }
            Err(TryLockError::Error(source)) => {
                return Err(ProvisionError::File {
                    action: "lock",
                    path: path.to_owned(),
                    source,
                });
            }
        }
    }
}

fn remove_leftovers(folder: &Path, prefix: &str) -> Result<(), ProvisionError> {
    for entry in fs::read_dir(folder).map_err(ProvisionError::file("read", folder))? {
        let entry = entry.map_err(ProvisionError::file("read", folder))?;
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            fs::remove_dir_all(entry.path())
                .map_err(ProvisionError::file("remove", &entry.path()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Instant;

    use super::*;

    const TOOL: Tool<'static> = Tool {
        name: "tool",
        version: "1.0",
        content: "digest-1",
    };

    fn new_cache() -> (TempDir, Cache) {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().join("tools"));
        (folder, cache)
    }

    async fn reserve_empty(cache: &Cache, tool: Tool<'_>) -> Installation {
        match cache.reserve(tool).await.unwrap() {
            Slot::Empty(installation) => installation,
            Slot::Ready(folder) => panic!("{} is there already", folder.display()),
        }
    }

    fn install(installation: Installation, content: &str) -> PathBuf {
        fs::write(installation.staging().join("program"), content).unwrap();
        installation.commit("program").unwrap()
    }

    fn staged(cache: &Cache) -> usize {
        let entries = fs::read_dir(cache.tools.join(STAGING)).unwrap();
        entries
            .filter(|entry| entry.as_ref().unwrap().path().is_dir())
            .count()
    }

    #[tokio::test]
    async fn a_tool_is_installed_once() {
        let (_folder, cache) = new_cache();
        assert_eq!(cache.find(TOOL), None);
        let folder = install(reserve_empty(&cache, TOOL).await, "x");
        assert_eq!(cache.find(TOOL), Some(folder.clone()));
        assert!(
            matches!(cache.reserve(TOOL).await.unwrap(), Slot::Ready(found) if found == folder)
        );
    }

    #[tokio::test]
    async fn an_abandoned_or_killed_installation_leaves_no_tool() {
        let (_folder, cache) = new_cache();
        let installation = reserve_empty(&cache, TOOL).await;
        fs::write(installation.staging().join("program"), "half").unwrap();
        drop(installation);
        assert_eq!((cache.find(TOOL), staged(&cache)), (None, 0));
        // A killed process cannot clean up; the next one does so.
        fs::create_dir(cache.tools.join(STAGING).join("tool-1.0~left")).unwrap();
        let other = Tool {
            name: "tool",
            version: "1.0.1",
            content: "digest-1",
        };
        fs::create_dir(cache.tools.join(STAGING).join("tool-1.0.1~other")).unwrap();
        install(reserve_empty(&cache, TOOL).await, "x");
        assert_eq!(staged(&cache), 1, "the other tool's folder must stay");
        assert_eq!(cache.find(other), None);
    }

    #[tokio::test]
    async fn a_folder_without_its_marker_or_with_another_digest_is_replaced() {
        let (_folder, cache) = new_cache();
        fs::create_dir_all(cache.tools.join("tool-1.0")).unwrap();
        install(reserve_empty(&cache, TOOL).await, "first");
        let changed = Tool {
            content: "digest-2",
            ..TOOL
        };
        let folder = install(reserve_empty(&cache, changed).await, "second");
        assert_eq!(
            fs::read_to_string(folder.join("program")).unwrap(),
            "second"
        );
        assert_eq!(cache.find(TOOL), None);
    }

    #[tokio::test]
    async fn a_package_without_the_wanted_file_is_refused() {
        let (_folder, cache) = new_cache();
        let error = reserve_empty(&cache, TOOL)
            .await
            .commit("program")
            .unwrap_err();
        assert!(
            matches!(error, ProvisionError::FileMissing { .. }),
            "{error}"
        );
        assert_eq!(cache.find(TOOL), None);
    }

    #[tokio::test]
    async fn the_second_of_two_waits_and_finds_the_tool() {
        let (_folder, cache) = new_cache();
        let installation = reserve_empty(&cache, TOOL).await;
        let waiting = tokio::spawn({
            let cache = cache.clone();
            async move { matches!(cache.reserve(TOOL).await, Ok(Slot::Ready(_))) }
        });
        let started = Instant::now();
        while started.elapsed() < 3 * LOCK_POLL {
            assert!(!waiting.is_finished());
            tokio::time::sleep(LOCK_POLL / 4).await;
        }
        install(installation, "x");
        assert!(waiting.await.unwrap());
    }
}
