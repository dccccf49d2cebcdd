//! The passwords of the embedded server's users: made once, kept where only this user of the machine can read them.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use alloy_primitives::hex;
use serde::{Deserialize, Serialize};

use super::{ClickHouseServerError, file_error};

const PASSWORD_BYTES: usize = 32;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Credentials {
    pub(super) writer_password: String,
    pub(super) reader_password: String,
}

impl Credentials {
    /// Reads the passwords, or makes and writes them where there are none yet.
    pub(super) fn load_or_create(path: &Path) -> Result<Self, ClickHouseServerError> {
        match fs::read_to_string(path) {
            Ok(text) => serde_json::from_str(&text).map_err(|source| {
                ClickHouseServerError::MalformedCredentials {
                    path: path.to_owned(),
                    source,
                }
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::create(path),
            Err(error) => Err(file_error("read", path)(error)),
        }
    }

    fn create(path: &Path) -> Result<Self, ClickHouseServerError> {
        let password = || random_password().map_err(file_error("read random bytes for", path));
        let credentials = Self {
            writer_password: password()?,
            reader_password: password()?,
        };
        let text = serde_json::to_string(&credentials).map_err(|source| {
            ClickHouseServerError::MalformedCredentials {
                path: path.to_owned(),
                source,
            }
        })?;
        write_private(path, &text)?;
        Ok(credentials)
    }
}

/// Replaces a file by one that only this user of the machine can read; a reader never sees half of it.
pub(super) fn write_private(path: &Path, text: &str) -> Result<(), ClickHouseServerError> {
    let new = path.with_extension("new");
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(file_error("remove", &new)(error));
        }
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&new)
        .map_err(file_error("create", &new))?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(file_error("write", &new))?;
    fs::rename(&new, path).map_err(file_error("write", path))
}

/// 256 random bits in hex, which needs no quoting anywhere.
fn random_password() -> io::Result<String> {
    let mut bytes = [0; PASSWORD_BYTES];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(hex::encode(bytes))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn passwords_are_made_once_and_kept_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials.json");
        let made = Credentials::load_or_create(&path).unwrap();
        let read = Credentials::load_or_create(&path).unwrap();
        assert_eq!(made.writer_password, read.writer_password);
        assert_eq!(made.reader_password, read.reader_password);
        assert_ne!(made.writer_password, made.reader_password);
        assert_eq!(made.writer_password.len(), 2 * PASSWORD_BYTES);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_file_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials.json");
        fs::write(&path, "{}").unwrap();
        let error = Credentials::load_or_create(&path).err().unwrap();
        assert!(
            matches!(error, ClickHouseServerError::MalformedCredentials { .. }),
            "{error}"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), "{}");
    }
}
