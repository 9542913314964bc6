//! The error type of this crate.

/// Why an input was refused or a computation ended without a result.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A matrix has different numbers of rows and columns.
    #[error("matrix {index} is {rows} x {columns}, expected a square matrix")]
    NotSquare {
        /// Position in the batch (0 for a single matrix).
        index: usize,
        /// Rows found.
        rows: usize,
        /// Columns found.
        columns: usize,
    },
    /// An entry is NaN or infinite.
    #[error("matrix {index} has the non-finite entry {value} at ({row}, {column})")]
    NonFinite {
        /// Position in the batch (0 for a single matrix).
        index: usize,
        /// Row of the entry.
        row: usize,
        /// Column of the entry.
        column: usize,
        /// The entry.
        value: f64,
    },
    /// A matrix differs from its transpose by more than the relative tolerance.
    #[error(
        "matrix {index} is not symmetric: entries ({row}, {column}) and ({column}, {row}) differ by {relative:e} relative to the diagonal"
    )]
    NotSymmetric {
        /// Position in the batch (0 for a single matrix).
        index: usize,
        /// Row of the worst entry.
        row: usize,
        /// Column of the worst entry.
        column: usize,
        /// |a_ij - a_ji| / sqrt(|a_ii a_jj|).
        relative: f64,
    },
    /// The Cholesky factorisation met a pivot that is not positive.
    #[error("matrix {index} is not positive definite: pivot {pivot} is {value:e}")]
    NotPositiveDefinite {
        /// Position in the batch (0 for a single matrix).
        index: usize,
        /// Pivot (row) at which the factorisation stopped.
        pivot: usize,
        /// Value of the pivot.
        value: f64,
    },
    /// A matrix is positive definite in exact arithmetic only: its smallest eigenvalues are rounding errors.
    #[error(
        "matrix {index} has numerical rank {rank} or less, order {order}: shrink it or project to the common range before taking logarithms"
    )]
    RankDeficient {
        /// Position in the batch (0 for a single matrix).
        index: usize,
        /// Number of eigenvalues above the relative tolerance (an upper bound).
        rank: usize,
        /// Order of the matrix.
        order: usize,
    },
    /// Two inputs that must share an order or a length do not.
    #[error("{what}: expected {expected}, found {found}")]
    DimensionMismatch {
        /// Which input.
        what: &'static str,
        /// Expected size.
        expected: usize,
        /// Size found.
        found: usize,
    },
    /// An input that must not be empty is empty.
    #[error("{what} is empty")]
    Empty {
        /// Which input.
        what: &'static str,
    },
    /// Weights are negative, not finite, of the wrong number, or sum to zero.
    #[error("invalid weights: {reason}")]
    InvalidWeights {
        /// What is wrong, and at which index.
        reason: String,
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
    /// The geodesic leaves the manifold before the time asked for.
    #[error("the geodesic leaves the manifold at t = {t}")]
    LeftDomain {
        /// Exit time.
        t: f64,
    },
    /// A metric neither implements an operation nor gives the kernel to derive it from.
    #[error("the {metric} metric has no {operation}")]
    Unsupported {
        /// Name of the metric.
        metric: String,
        /// Which operation.
        operation: &'static str,
    },
    /// A number came out as NaN or infinite because its terms overflow or underflow.
    #[error("{what} is beyond the range of floating point")]
    OutOfRange {
        /// Which number.
        what: &'static str,
    },
    /// An iteration ended without reaching its tolerance.
    #[error("{what} did not converge in {iterations} iterations: residual {residual:e}, tolerance {tolerance:e}")]
    NoConvergence {
        /// Which iteration.
        what: &'static str,
        /// Iterations made.
        iterations: usize,
        /// Residual reached.
        residual: f64,
        /// Residual asked for.
        tolerance: f64,
    },
}

/// The values, unless one of them is NaN or infinite: valid input has none, so terms of them left the range of numbers.
pub(crate) fn in_range<T: AsRef<[f64]>>(what: &'static str, values: T) -> Result<T> {
    if values.as_ref().iter().all(|x| x.is_finite()) {
        Ok(values)
    } else {
        Err(Error::OutOfRange { what })
    }
}

/// [`in_range`] for a matrix.
pub(crate) fn matrix_in_range(what: &'static str, matrix: nalgebra::DMatrix<f64>) -> Result<nalgebra::DMatrix<f64>> {
    in_range(what, matrix.as_slice())?;
    Ok(matrix)
}

/// Result with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;
