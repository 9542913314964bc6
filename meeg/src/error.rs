//! The error type of this crate.

use std::path::PathBuf;

/// Why an input was refused or a computation ended without a result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder was refused; the cause is one line.
    #[error("{}: {cause}", path.display())]
    File {
        /// Which file or folder.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// An input that must not be empty is empty.
    #[error("{what} is empty")]
    Empty {
        /// Which input.
        what: &'static str,
    },
    /// Two inputs that must share a size do not.
    #[error("{what}: expected {expected}, found {found}")]
    DimensionMismatch {
        /// Which input.
        what: &'static str,
        /// Expected size.
        expected: usize,
        /// Size found.
        found: usize,
    },
    /// An entry is NaN or infinite.
    #[error("{what}: entry {index} is {value}")]
    NonFinite {
        /// Which input.
        what: &'static str,
        /// Position of the entry.
        index: usize,
        /// The entry.
        value: f64,
    },
    /// A parameter is outside its domain.
    #[error("parameter {name} = {value} is invalid: {reason}")]
    InvalidParameter {
        /// Name of the parameter.
        name: &'static str,
        /// Value found.
        value: f64,
        /// Why it is refused.
        reason: &'static str,
    },
    /// A split of the data into training and test parts cannot be made.
    #[error("cannot split {count} {what} into {folds} folds")]
    TooFew {
        /// What is split: recordings, persons.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// How many parts were asked for.
        folds: usize,
    },
    /// A recording does not fit the others, or cannot be used.
    #[error("{id}: {cause}")]
    Recording {
        /// Name of the recording.
        id: String,
        /// What is wrong with it.
        cause: String,
    },
    /// The geometry of SPD matrices refused the input.
    #[error(transparent)]
    Geometry(#[from] hadamard_geometry::Error),
}

/// Result with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
