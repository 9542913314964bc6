//! The error type of this crate.

use crate::UserError;

/// Why a problem was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Two inputs that must share a length do not.
    #[error("{what}: expected length {expected}, found {found}")]
    DimensionMismatch {
        /// Which input.
        what: &'static str,
        /// Expected length.
        expected: usize,
        /// Length found.
        found: usize,
    },
    /// A lower bound is above its upper bound, a bound is NaN, or no finite number lies between the two.
    #[error("bounds of variable {index}: no number between lower {lower} and upper {upper}")]
    InvalidBounds {
        /// Index of the variable.
        index: usize,
        /// Lower bound.
        lower: f64,
        /// Upper bound.
        upper: f64,
    },
    /// The positions of a sparse Jacobian are not in order.
    #[error("sparsity pattern: the rows of column {column} are out of order or out of range")]
    InvalidPattern {
        /// The first such column.
        column: usize,
    },
    /// The residual, its norm or the Jacobian is NaN or infinite at the start.
    #[error("{what} is not finite at the starting point (entry {index})")]
    NonFinite {
        /// Residual, its norm or Jacobian.
        what: &'static str,
        /// Index of the first such entry, of the largest for the norm.
        index: usize,
    },
    /// A parameter is out of its range.
    #[error("{name} = {value}: {reason}")]
    InvalidParameter {
        /// The parameter.
        name: &'static str,
        /// The value found.
        value: f64,
        /// What it must be.
        reason: &'static str,
    },
    /// A function of the user failed; its error is handed back unchanged.
    #[error("{0}")]
    User(UserError),
}

impl Error {
    pub(crate) fn require_positive(name: &'static str, value: f64) -> Result<()> {
        if value > 0.0 && value.is_finite() {
            return Ok(());
        }
        Err(Self::InvalidParameter {
            name,
            value,
            reason: "must be positive and finite",
        })
    }
}

/// Result with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
