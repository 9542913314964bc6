//! Correlations.

use nalgebra::DMatrix;

use crate::error::{Error, Result, finite};

/// D^{-1/2} C D^{-1/2}, D the diagonal of the covariance C; the diagonal of the result is 1.
///
/// # Errors
/// [`Error::DimensionMismatch`] for a matrix that is not square; [`Error::NonFinite`], also for a quotient that overflows
/// (the matrix is then no covariance); [`Error::FlatChannel`] for a variance that is not positive.
///
/// ```
/// use hadamard_meeg::covariance::correlation;
/// use nalgebra::dmatrix;
///
/// assert_eq!(correlation(&dmatrix![4.0, 1.0; 1.0, 1.0])?, dmatrix![1.0, 0.5; 0.5, 1.0]);
/// # Ok::<(), hadamard_meeg::Error>(())
/// ```
pub fn correlation(covariance: &DMatrix<f64>) -> Result<DMatrix<f64>> {
    if covariance.nrows() != covariance.ncols() {
        return Err(Error::DimensionMismatch {
            what: "columns of a covariance",
            expected: covariance.nrows(),
            found: covariance.ncols(),
        });
    }
    finite("covariance", covariance.as_slice())?;
    let deviations = covariance.diagonal().map(f64::sqrt);
    if let Some(channel) = deviations
        .iter()
        .position(|deviation| deviation.is_nan() || *deviation == 0.0)
    {
        return Err(Error::FlatChannel {
            context: "correlation".into(),
            channel: channel.to_string(),
        });
    }
    let correlations = DMatrix::from_fn(covariance.nrows(), covariance.ncols(), |i, j| {
        if i == j {
            1.0
        } else {
            // One after the other: the product of two deviations may underflow.
            covariance[(i, j)] / deviations[i] / deviations[j]
        }
    });
    finite("correlation", correlations.as_slice())?;
    Ok(correlations)
}
