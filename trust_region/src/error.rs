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
    /// A lower bound is not below its upper bound, or a bound is NaN.
    #[error("bounds of variable {index}: lower {lower} is not below upper {upper}")]
    InvalidBounds {
        /// Index of the variable.
        index: usize,
        /// Lower bound.
        lower: f64,
        /// Upper bound.
        upper: f64,
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
