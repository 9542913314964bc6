//! The error type of this crate.

/// Why a problem was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
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
    /// The residual or the Jacobian is NaN or infinite at the start.
    #[error("{what} is not finite at the starting point (entry {index})")]
    NonFinite {
        /// Residual or Jacobian.
        what: &'static str,
        /// Index of the first such entry.
        index: usize,
    },
}

/// Result with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
