//! Secrets: read once from the environment or a file, never printed, never serialised.
//!
//! Where a secret is found is said by the migration; this module only fetches and keeps it.

use secrecy::{ExposeSecret as _, SecretString};
use std::{
    fmt,
    io::Read as _,
    path::{Path, PathBuf},
};

/// Longest secret that is read, in bytes.
const SECRET_MAX: u64 = 64 * 1024;

/// A secret. It prints as `***`, is wiped from memory when dropped, and has no serialised form.
#[derive(Clone)]
pub struct Secret(SecretString);

/// Why a secret cannot be had. Never holds any part of it.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The environment variable is not set.
    #[error("environment variable {name} is not set: set it to the secret")]
    NotSet {
        /// The variable.
        name: String,
    },
    /// The secret is empty.
    #[error("{place} is empty: put the secret there")]
    Empty {
        /// The variable or file.
        place: String,
    },
    /// The secret is no text, or no text that can stand in a header.
    #[error(
        "{place} is no usable secret: it must be one line of printable characters of at most 64 KiB"
    )]
    Unusable {
        /// The variable or file.
        place: String,
    },
    /// The file cannot be read.
    #[error("cannot read the secret file {}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// Everybody on the machine can read the file.
    #[error(
        "secret file {} can be read by every user of this machine: run `chmod 600 {}`",
        .path.display(), .path.display()
    )]
    Open {
        /// The file.
        path: PathBuf,
    },
}

impl Secret {
    /// Takes a secret that is already in memory (the simulated server's key, tests).
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(SecretString::from(text.into()))
    }

    /// Reads an environment variable. White space around the secret is not part of it.
    ///
    /// # Errors
    /// When the variable is not set, empty, or no printable text.
    pub fn from_env(name: &str) -> Result<Secret, SecretError> {
        let found = std::env::var_os(name).ok_or_else(|| SecretError::NotSet {
            name: name.to_owned(),
        })?;
        let place = format!("environment variable {name}");
        match found.to_str() {
            Some(text) => checked(text, place),
            None => Err(SecretError::Unusable { place }),
        }
    }

    /// Reads the first line of a file. White space around the secret is not part of it.
    ///
    /// # Errors
    /// When the file cannot be read, can be read by every user of the machine (on Unix), is empty, or
    /// its first line is no printable text.
    pub fn from_file(path: &Path) -> Result<Secret, SecretError> {
        let io = |source| SecretError::Io {
            path: path.to_owned(),
            source,
        };
        let file = std::fs::File::open(path).map_err(io)?;
        // The open file is asked, not the path: nobody can swap it in between.
        let meta = file.metadata().map_err(io)?;
        if meta.is_dir() {
            return Err(io(std::io::ErrorKind::IsADirectory.into()));
        }
        if readable_by_all(&meta) {
            return Err(SecretError::Open {
                path: path.to_owned(),
            });
        }
        let mut bytes = Vec::new();
        file.take(SECRET_MAX + 1)
            .read_to_end(&mut bytes)
            .map_err(io)?;
        let place = format!("secret file {}", path.display());
        let line = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
        match std::str::from_utf8(line) {
            Ok(text) => checked(text, place),
            Err(_) => Err(SecretError::Unusable { place }),
        }
    }

    /// The secret itself, for the one place that sends it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

fn checked(text: &str, place: String) -> Result<Secret, SecretError> {
    let text = text.trim().trim_start_matches('\u{feff}');
    if text.is_empty() {
        return Err(SecretError::Empty { place });
    }
    if text.len() as u64 > SECRET_MAX || text.chars().any(char::is_control) {
        return Err(SecretError::Unusable { place });
    }
    Ok(Secret::new(text))
}

#[cfg(unix)]
fn readable_by_all(meta: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    // Pipes and devices (`/dev/stdin`, process substitution) are not left lying about.
    meta.is_file() && meta.permissions().mode() & 0o004 != 0
}

#[cfg(not(unix))]
fn readable_by_all(_meta: &std::fs::Metadata) -> bool {
    false
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &[u8], mode: u32) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        set_mode(file.path(), mode);
        file
    }

    #[cfg(unix)]
    fn set_mode(path: &Path, mode: u32) {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[cfg(not(unix))]
    fn set_mode(_path: &Path, _mode: u32) {}

    #[test]
    fn a_secret_never_prints() {
        let secret = Secret::new("hunter2");
        assert_eq!(
            format!("{secret} {secret:?} {:#?}", Some(&secret)),
            "*** *** Some(\n    ***,\n)"
        );
        assert_eq!(secret.clone().expose(), "hunter2");
    }

    #[test]
    fn a_file_gives_its_first_line() {
        let f = file(b" abc-123 \r\nsecond line\n", 0o600);
        assert_eq!(Secret::from_file(f.path()).unwrap().expose(), "abc-123");
    }

    #[cfg(unix)]
    #[test]
    fn an_open_file_is_refused_and_the_way_out_is_named() {
        let f = file(b"abc", 0o644);
        let why = Secret::from_file(f.path()).unwrap_err().to_string();
        assert!(why.contains("chmod 600"), "{why}");
        assert!(!why.contains("abc\""), "{why}");
        // Readable by the owner's group alone is the admin's choice.
        assert!(Secret::from_file(file(b"abc", 0o640).path()).is_ok());
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        for (bytes, want) in [
            (b"".as_slice(), "is empty"),
            (b"  \nabc", "is empty"),
            (b"a\tb", "no usable secret"),
            (b"\xff\xfe", "no usable secret"),
        ] {
            let why = Secret::from_file(file(bytes, 0o600).path()).unwrap_err();
            assert!(why.to_string().contains(want), "{bytes:?}: {why}");
        }
        assert!(matches!(
            Secret::from_file(file(&vec![b'x'; 70_000], 0o600).path()),
            Err(SecretError::Unusable { .. })
        ));
        assert!(matches!(
            Secret::from_file(Path::new("no/such/file")),
            Err(SecretError::Io { .. })
        ));
        assert!(matches!(
            Secret::from_file(Path::new("src")),
            Err(SecretError::Io { .. })
        ));
    }

    #[test]
    fn the_environment_is_read() {
        // Cargo sets this one; no test may set a variable while others read.
        assert_eq!(
            Secret::from_env("CARGO_PKG_NAME").unwrap().expose(),
            "transload"
        );
        let why = Secret::from_env("TRANSLOAD_NO_SUCH_VARIABLE").unwrap_err();
        assert_eq!(
            why.to_string(),
            "environment variable TRANSLOAD_NO_SUCH_VARIABLE is not set: set it to the secret"
        );
    }
}
