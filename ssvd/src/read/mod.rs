//! Readers: one file a format. Text formats name the line at fault.

mod edges;
mod libsvm;
mod matrix_market;
mod npz;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

pub use edges::read_edges;
pub use libsvm::{LabelledRow, libsvm_rows, read_libsvm};
pub use matrix_market::{read_matrix_market, write_matrix_market};
pub use npz::{read_npz, write_npz};

use crate::error::{Result, SsvdError};

fn io(path: &Path) -> impl Fn(std::io::Error) -> SsvdError {
    move |source| SsvdError::Io {
        path: path.to_path_buf(),
        source,
    }
}

fn malformed(path: &Path, line: Option<usize>, reason: impl Into<String>) -> SsvdError {
    SsvdError::Malformed {
        path: path.to_path_buf(),
        line,
        reason: reason.into(),
    }
}

/// The lines of a text file with their numbers from 1.
fn lines(path: &Path) -> Result<impl Iterator<Item = Result<(usize, String)>> + use<>> {
    let file = File::open(path).map_err(io(path))?;
    let path = path.to_path_buf();
    Ok(BufReader::new(file)
        .lines()
        .enumerate()
        .map(move |(at, line)| match line {
            Ok(line) => Ok((at + 1, line)),
            Err(e) if e.kind() == std::io::ErrorKind::InvalidData => {
                Err(malformed(&path, Some(at + 1), "not UTF-8 text"))
            }
            Err(source) => Err(SsvdError::Io {
                path: path.clone(),
                source,
            }),
        }))
}

fn parse<T: std::str::FromStr>(path: &Path, line: usize, what: &str, word: Option<&str>) -> Result<T> {
    let word = word.ok_or_else(|| malformed(path, Some(line), format!("{what} is missing")))?;
    word.parse()
        .map_err(|_| malformed(path, Some(line), format!("{what}: found {word:?}")))
}

fn number(path: &Path, line: usize, what: &str, word: Option<&str>) -> Result<f64> {
    let value: f64 = parse(path, line, what, word)?;
    if value.is_finite() {
        Ok(value)
    } else {
        Err(malformed(path, Some(line), format!("{what} is {value}")))
    }
}
