//! Runs `clickhouse local` out of `libchdb.so`.

use std::{
    ffi::{CStr, CString, c_char, c_int, c_void},
    path::{Path, PathBuf},
};

use libloading::{Library, Symbol};
use thiserror::Error;

/// Why the ClickHouse inside `libchdb.so` could not be run.
#[derive(Debug, Error)]
pub enum LibchdbError {
    #[error(
        "failed to load {library}; delete it and let it be fetched again, or put a `clickhouse` program on PATH"
    )]
    Load {
        library: PathBuf,
        source: libloading::Error,
    },
    #[error("{library} has no function {symbol}: it is not a libchdb of version 26.7 or newer")]
    MissingSymbol {
        library: PathBuf,
        symbol: &'static str,
        source: libloading::Error,
    },
    #[error("argument {index} of clickhouse local contains a NUL byte")]
    NulInArgument { index: usize },
    #[error("clickhouse local was given {count} arguments, more than a C program can take")]
    TooManyArguments { count: usize },
}

/// Loads `library` and runs `clickhouse local` in it with `args` (without the program's name). Returns when ClickHouse
/// ends: 0, or 1 when it reported an error, whose text it writes to stderr itself.
///
/// ClickHouse installs its own signal handlers and threads, so call this on the main thread of a process that does
/// nothing else. The library stays loaded until the process ends.
///
/// # Errors
/// The library cannot be loaded, is another library, or an argument cannot be passed to C.
pub fn run_clickhouse_local(library: &Path, args: &[String]) -> Result<i32, LibchdbError> {
    let arguments = c_arguments(args)?;
    let count = c_int::try_from(arguments.len()).map_err(|_| LibchdbError::TooManyArguments {
        count: arguments.len(),
    })?;
    let main = LocalMain::load(library)?;
    let mut argv: Vec<*mut c_char> = arguments
        .iter()
        .map(|argument| argument.as_ptr().cast_mut())
        .collect();
    argv.push(std::ptr::null_mut());
    // SAFETY: `argv` holds `count` pointers to NUL-terminated strings that `arguments` keeps alive over the call, and a
    // null pointer after them, as a C `main` expects; ClickHouse copies what it keeps. The function has this signature
    // since chDB 2 (`chdb.h`).
    let result = unsafe { (main.run)(count, argv.as_mut_ptr()) };
    if result.is_null() {
        return Ok(1);
    }
    // SAFETY: a result that is not null points to a `local_result_v2` that is ours until it is freed below.
    let message = unsafe { (*result).error_message };
    let failed = !message.is_null();
    if failed {
        // SAFETY: the library gives the error as a NUL-terminated string that lives as long as the result.
        let text = unsafe { CStr::from_ptr(message) };
        report(text);
    }
    // SAFETY: `result` came from the same library, is not null, and is not used after this.
    unsafe { (main.free_result)(result) };
    Ok(i32::from(failed))
}

/// `local_result_v2` of `chdb.h`.
#[repr(C)]
struct LocalResult {
    buffer: *mut c_char,
    length: usize,
    vector: *mut c_void,
    elapsed_seconds: f64,
    rows_read: u64,
    bytes_read: u64,
    error_message: *mut c_char,
}

type RunLocal = unsafe extern "C" fn(c_int, *mut *mut c_char) -> *mut LocalResult;
type FreeResult = unsafe extern "C" fn(*mut LocalResult);

struct LocalMain {
    run: RunLocal,
    free_result: FreeResult,
}

impl LocalMain {
    fn load(path: &Path) -> Result<Self, LibchdbError> {
        // SAFETY: loading runs the library's initialisers. The path is the one the caller chose to trust: a libchdb
        // whose digest was checked when it was fetched.
        let library = unsafe { Library::new(path) }.map_err(|source| LibchdbError::Load {
            library: path.to_owned(),
            source,
        })?;
        // ClickHouse's threads may still run when its main returns: unloading their code would crash the process.
        let library: &'static Library = Box::leak(Box::new(library));
        // SAFETY: the types are those that `chdb.h` declares for these names.
        let (run, free_result) = unsafe {
            (
                symbol(library, path, "query_stable_v2")?,
                symbol(library, path, "free_result_v2")?,
            )
        };
        Ok(Self { run, free_result })
    }
}

/// # Safety
/// `T` must be the type of the function pointer behind `name`.
unsafe fn symbol<T: Copy + 'static>(
    library: &'static Library,
    path: &Path,
    name: &'static str,
) -> Result<T, LibchdbError> {
    // SAFETY: the caller vouches for the type.
    let symbol: Result<Symbol<'static, T>, _> = unsafe { library.get(name.as_bytes()) };
    symbol
        .map(|found| *found)
        .map_err(|source| LibchdbError::MissingSymbol {
            library: path.to_owned(),
            symbol: name,
            source,
        })
}

fn c_arguments(args: &[String]) -> Result<Vec<CString>, LibchdbError> {
    std::iter::once("clickhouse")
        .chain(args.iter().map(String::as_str))
        .enumerate()
        .map(|(index, argument)| {
            CString::new(argument).map_err(|_| LibchdbError::NulInArgument { index })
        })
        .collect()
}

/// The child has no log of its own: its stderr is what the parent quotes when the server does not start.
fn report(text: &CStr) {
    use std::io::Write;
    // Nobody is left to tell when stderr is closed.
    let _ = writeln!(std::io::stderr(), "{}", text.to_string_lossy());
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn arguments_start_with_the_program_name() {
        let arguments = c_arguments(&["--query".to_owned(), "SELECT 1".to_owned()]).unwrap();
        let texts: Vec<_> = arguments
            .iter()
            .map(|argument| argument.to_str().unwrap())
            .collect();
        assert_eq!(texts, ["clickhouse", "--query", "SELECT 1"]);
    }

    #[test]
    fn inner_nul_is_refused_before_anything_is_loaded() {
        let error =
            run_clickhouse_local(Path::new("/nonexistent.so"), &["a\0b".to_owned()]).unwrap_err();
        assert!(
            matches!(error, LibchdbError::NulInArgument { index: 1 }),
            "{error}"
        );
    }

    #[test]
    fn missing_library_is_named() {
        let error = run_clickhouse_local(Path::new("/nonexistent/libchdb.so"), &[]).unwrap_err();
        assert!(matches!(&error, LibchdbError::Load { .. }), "{error}");
        assert!(
            error.to_string().contains("/nonexistent/libchdb.so"),
            "{error}"
        );
    }

    #[test]
    fn another_library_is_refused() {
        let error = run_clickhouse_local(Path::new("libc.so.6"), &[]).unwrap_err();
        assert!(
            matches!(
                error,
                LibchdbError::MissingSymbol {
                    symbol: "query_stable_v2",
                    ..
                }
            ),
            "{error}"
        );
    }
}
