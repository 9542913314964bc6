//! The error type of this crate.

use std::path::PathBuf;

/// Why an input was refused or a computation ended without a result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SsvdError {
    /// A matrix has another shape than the call needs.
    #[error("{what}: expected {expected}, found {rows} x {cols}")]
    Shape {
        /// Which input.
        what: &'static str,
        /// The shape asked for, in words or numbers.
        expected: String,
        /// Rows found.
        rows: usize,
        /// Columns found.
        cols: usize,
    },
    /// An index lies outside the matrix.
    #[error("{what}: entry ({row}, {col}) lies outside a {rows} x {cols} matrix")]
    IndexOutOfRange {
        /// Which input.
        what: &'static str,
        /// Row index found.
        row: usize,
        /// Column index found.
        col: usize,
        /// Rows of the matrix.
        rows: usize,
        /// Columns of the matrix.
        cols: usize,
    },
    /// A NaN or an infinity, given or made by adding duplicates.
    #[error("{what}: entry ({row}, {col}) is {value}")]
    NotFinite {
        /// Which input.
        what: &'static str,
        /// Row of the entry.
        row: usize,
        /// Column of the entry.
        col: usize,
        /// The value found.
        value: f64,
    },
    /// The row pointers, indices and values do not describe a sparse matrix.
    #[error("sparse structure: {0}")]
    Structure(String),
    /// A shape, or a part of a file, that does not fit into memory.
    #[error("{what}: {count} numbers do not fit into memory")]
    TooLarge {
        /// What was to be kept.
        what: &'static str,
        /// How many numbers of it.
        count: usize,
    },
    /// A rank that no matrix of this shape has.
    #[error("rank {k} asked of a {rows} x {cols} matrix: it must be at least 1 and at most the smaller side")]
    Rank {
        /// The rank asked for.
        k: usize,
        /// Rows of the matrix.
        rows: usize,
        /// Columns of the matrix.
        cols: usize,
    },
    /// An option outside its range.
    #[error("option {name} = {value}: expected {expected}")]
    Option {
        /// The option.
        name: &'static str,
        /// The value found.
        value: f64,
        /// The range allowed.
        expected: &'static str,
    },
    /// A dense factorisation inside did not converge or overflowed.
    #[error("{0}: the dense factorisation inside did not converge or overflowed")]
    Factorisation(&'static str),
    /// A file could not be opened, read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A key that names no row or column, or one given twice.
    #[error("{what} {key} {problem}")]
    Key {
        /// Whether rows or columns are named.
        what: &'static str,
        /// The key, as its `Debug` shows it.
        key: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A checkpoint of another updating method than the one asked for.
    #[error("{}: a checkpoint of method {found:?}, expected {expected:?}", path.display())]
    Method {
        /// The file.
        path: PathBuf,
        /// The method that wrote it.
        found: String,
        /// The method asked for.
        expected: String,
    },
    /// A file is not what its format says.
    #[error("{}{}: {reason}", path.display(), line.map(|l| format!(", line {l}")).unwrap_or_default())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Line, counted from 1, in text formats.
        line: Option<usize>,
        /// What was found and what was expected.
        reason: String,
    },
}

/// Result with this crate's error.
pub type Result<T> = std::result::Result<T, SsvdError>;
