//! What can be wrong with the input.

use thiserror::Error;

/// Why a matrix, a shift or a range was refused.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum OscillationError {
    /// The matrix has no rows.
    #[error("the matrix has no rows")]
    Empty,
    /// A matrix of order n needs n - 1 off-diagonal entries (n when it is cyclic).
    #[error("{what} has {found} entries, expected {expected}")]
    LengthMismatch {
        /// The array of the wrong length.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The length that fits the rest of the input.
        expected: usize,
    },
    /// An entry is NaN or infinite.
    #[error("{what}[{index}] = {value} is not finite")]
    NonFiniteEntry {
        /// The array it stands in.
        what: &'static str,
        /// Its position, from 0.
        index: usize,
        /// The value found.
        value: f64,
    },
    /// The entries of a row are so large that an eigenvalue could exceed half of the largest float.
    #[error(
        "row {row}: |d| plus the moduli of both couplings exceeds half of the largest float, scale the matrix down"
    )]
    RowTooLarge {
        /// The row, from 0.
        row: usize,
    },
    /// A spectral parameter or an edge is NaN, infinite, or larger in modulus than half of the largest float.
    #[error("{what}[{index}] = {value} is not a usable shift: finite and at most half of the largest float is needed")]
    BadShift {
        /// What the shift is for.
        what: &'static str,
        /// Its position, from 0.
        index: usize,
        /// The value found.
        value: f64,
    },
    /// The lower end of an interval lies above the upper end.
    #[error("the interval runs from {lower} down to {upper}")]
    ReversedInterval {
        /// Lower end as given.
        lower: f64,
        /// Upper end as given.
        upper: f64,
    },
    /// A range of indices is empty or reversed.
    #[error("the index range {start}..{end} is empty")]
    EmptyRange {
        /// First index.
        start: usize,
        /// One past the last index.
        end: usize,
    },
    /// An index lies outside the matrix.
    #[error("{what} {index} is out of range for {len}")]
    IndexOutOfRange {
        /// What is indexed.
        what: &'static str,
        /// The index given.
        index: usize,
        /// How many there are.
        len: usize,
    },
    /// An off-diagonal entry is zero where a solution of the difference equation is needed: the matrix splits there.
    #[error("off_diagonal[{index}] of the {which} matrix is zero: the matrix splits, use the difference of two counts")]
    ZeroCoupling {
        /// Which of the two matrices.
        which: &'static str,
        /// Position of the zero, from 0.
        index: usize,
    },
    /// Two matrices that are compared differ in order.
    #[error("the matrices are of order {left} and {right}")]
    OrderMismatch {
        /// Order of the first.
        left: usize,
        /// Order of the second.
        right: usize,
    },
    /// The mass matrix of a pencil is not positive definite.
    #[error("the mass matrix is not positive definite: the pivot of row {row} is {pivot}")]
    NotPositiveDefinite {
        /// Row of the first pivot that is not positive.
        row: usize,
        /// That pivot.
        pivot: f64,
    },
    /// A parameter lies outside its domain.
    #[error("{what} = {value}, expected {expected}")]
    BadParameter {
        /// Name of the parameter.
        what: &'static str,
        /// The value given.
        value: f64,
        /// The domain.
        expected: &'static str,
    },
    /// Edges or points must increase strictly.
    #[error("{what}[{index}] does not exceed its predecessor")]
    NotIncreasing {
        /// The array.
        what: &'static str,
        /// First position that fails, from 0.
        index: usize,
    },
}

impl OscillationError {
    /// Errs unless `index` is below `len`.
    pub(crate) fn require_index(what: &'static str, index: usize, len: usize) -> Result<()> {
        if index < len {
            return Ok(());
        }
        Err(Self::IndexOutOfRange { what, index, len })
    }
}

/// Result of this crate.
pub type Result<T, E = OscillationError> = std::result::Result<T, E>;
