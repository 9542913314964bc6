//! A single positive semi-definite matrix, kept as a factor.

use nalgebra::DMatrix;

use crate::eigen::symmetric_eigen;
use crate::error::{Error, Result};
use crate::matrix_functions::svd::jacobi_svd;
use crate::spd::{Spd, validate_symmetric};

/// A symmetric positive semi-definite matrix A = aaᵀ with a factor a of n rows and r ≤ n columns of full rank r.
///
/// For the metrics that extend to the boundary of the cone, such as Bures–Wasserstein
/// ([`Metric::distance_semidefinite`](crate::Metric::distance_semidefinite)): covariances after an average reference or a
/// projection, low-rank models.
///
/// ```
/// use hadamard_geometry::{Metric, Psd, metrics::BuresWasserstein};
/// use nalgebra::dmatrix;
///
/// // Two lines in the plane: d² = |x|² + |y|² − 2 |x·y|.
/// let a = Psd::from_factor(&dmatrix![3.0; 0.0])?;
/// let b = Psd::try_new(dmatrix![1.0, 1.0; 1.0, 1.0])?;
/// assert_eq!((a.rank(), b.rank()), (1, 1));
/// let d = BuresWasserstein.distance_semidefinite(&a, &b)?;
/// assert!((d * d - (9.0 + 2.0 - 6.0)).abs() < 1e-14);
/// # Ok::<(), hadamard_geometry::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Psd {
    matrix: DMatrix<f64>,
    factor: DMatrix<f64>,
}

impl Psd {
    /// Validates `matrix`; eigenvalues of at most n ε times the largest are zeros. O(n³).
    ///
    /// # Errors
    /// As [`Spd::try_new`]; [`Error::NotPositiveDefinite`] with the position (ascending) and value of an eigenvalue below
    /// −n ε times the largest.
    pub fn try_new(mut matrix: DMatrix<f64>) -> Result<Self> {
        validate_symmetric(&mut matrix, 0)?;
        let n = matrix.nrows();
        let eigen = symmetric_eigen(&matrix);
        let floor = n as f64 * f64::EPSILON * eigen.values.amax();
        if eigen.values[0] < -floor {
            return Err(Error::NotPositiveDefinite {
                index: 0,
                pivot: 0,
                value: eigen.values[0],
            });
        }
        let kept: Vec<usize> = (0..n).filter(|&k| eigen.values[k] > floor).collect();
        let mut factor = eigen.vectors.select_columns(&kept);
        for (mut column, &k) in factor.column_iter_mut().zip(&kept) {
            column *= eigen.values[k].sqrt();
        }
        Ok(Self { matrix, factor })
    }

    /// GGᵀ for any n × m matrix G: for data, channels × samples scaled by 1/√samples. O(n²m + n³).
    ///
    /// # Errors
    /// [`Error::Empty`] for n = 0, [`Error::NonFinite`] when an entry is, or products overflow.
    pub fn from_factor(g: &DMatrix<f64>) -> Result<Self> {
        let n = g.nrows();
        // The left singular vectors of G without forming GGᵀ: a QR factorisation of Gᵀ shortens it to n × n at most.
        if let Some(position) = g.iter().position(|v| !v.is_finite()) {
            return Err(Error::NonFinite {
                index: 0,
                row: position % n,
                column: position / n,
                value: g[position],
            });
        }
        if n == 0 {
            return Err(Error::Empty { what: "matrix" });
        }
        let short = if g.ncols() > n {
            g.transpose().qr().unpack_r().transpose()
        } else {
            g.clone()
        };
        // One-sided Jacobi rotations make the columns orthogonal.
        let svd = jacobi_svd(&short);
        let largest = if svd.s.is_empty() { 0.0 } else { svd.s.max() };
        let floor = n.max(g.ncols()) as f64 * f64::EPSILON * largest;
        let kept: Vec<usize> = (0..svd.s.len()).filter(|&k| svd.s[k] > floor).collect();
        let mut factor = svd.u.select_columns(&kept);
        for (mut column, &k) in factor.column_iter_mut().zip(&kept) {
            column *= svd.s[k];
        }
        let mut matrix = &factor * factor.transpose();
        validate_symmetric(&mut matrix, 0)?;
        Ok(Self { matrix, factor })
    }

    /// Number of rows (and columns).
    pub fn order(&self) -> usize {
        self.matrix.nrows()
    }

    /// Number of eigenvalues that are not zero.
    pub fn rank(&self) -> usize {
        self.factor.ncols()
    }

    /// The matrix itself.
    pub fn matrix(&self) -> &DMatrix<f64> {
        &self.matrix
    }

    /// Gives the matrix back.
    pub fn into_matrix(self) -> DMatrix<f64> {
        self.matrix
    }

    /// n × r with A = aaᵀ, columns orthogonal.
    pub fn factor(&self) -> &DMatrix<f64> {
        &self.factor
    }

    /// A^p for p > 0: from the orthogonal columns of the factor.
    pub(crate) fn power(&self, p: f64) -> Result<Self> {
        let mut factor = self.factor.clone();
        for mut column in factor.column_iter_mut() {
            // The column is √λ times a unit vector, and shall be λ^{p/2} times it.
            let root = column.norm();
            column *= root.powf(p) / root;
        }
        let mut matrix = &factor * factor.transpose();
        validate_symmetric(&mut matrix, 0)?;
        Ok(Self { matrix, factor })
    }

    /// The factor with zero columns up to `columns` of them.
    pub(crate) fn padded(&self, columns: usize) -> DMatrix<f64> {
        self.factor.clone().resize_horizontally(columns, 0.0)
    }
}

impl From<&Spd> for Psd {
    /// The left singular vectors of the Cholesky factor times its singular values: distances between factors move by no
    /// more than the factors do, n ε of their size, where square roots of eigenvalues are off by that times √κ.
    fn from(point: &Spd) -> Self {
        let svd = jacobi_svd(point.cholesky());
        let mut factor = svd.u;
        for (mut column, s) in factor.column_iter_mut().zip(svd.s.iter()) {
            column *= *s;
        }
        Self {
            matrix: point.matrix().clone(),
            factor,
        }
    }
}

/// Refuses matrices of different orders.
pub(crate) fn check_orders(a: &Psd, b: &Psd) -> Result<()> {
    if a.order() == b.order() {
        return Ok(());
    }
    Err(Error::DimensionMismatch {
        what: "order of the second matrix",
        expected: a.order(),
        found: b.order(),
    })
}

/// Refuses times outside [0, 1].
pub(crate) fn check_fraction(t: f64) -> Result<()> {
    if (0.0..=1.0).contains(&t) {
        return Ok(());
    }
    Err(Error::InvalidParameter {
        name: "t",
        value: t,
        reason: "must lie in [0, 1] between singular matrices",
    })
}

/// Refuses sets whose matrices differ in order; the pairs of index and weight that sum to 1.
pub(crate) fn checked(points: &[Psd], weights: Option<&[f64]>) -> Result<Vec<(usize, f64)>> {
    let pairs = crate::mean::normalised_weights(points.len(), weights)?;
    for point in points {
        check_orders(&points[0], point)?;
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::dmatrix;

    #[test]
    fn ranks_factors_and_refusals() {
        let a = Psd::try_new(dmatrix![4.0, 2.0; 2.0, 1.0]).unwrap();
        assert_eq!((a.rank(), a.order()), (1, 2));
        assert!((a.factor() * a.factor().transpose() - a.matrix()).norm() < 1e-14);
        let zero = Psd::try_new(DMatrix::zeros(3, 3)).unwrap();
        assert_eq!(zero.rank(), 0);
        assert!(matches!(
            Psd::try_new(dmatrix![1.0, 2.0; 2.0, 1.0]),
            Err(Error::NotPositiveDefinite { .. })
        ));
        assert!(Psd::try_new(dmatrix![f64::NAN]).is_err());
        assert!(Psd::from_factor(&DMatrix::zeros(0, 4)).is_err());
        assert!(Psd::from_factor(&dmatrix![1.0, f64::INFINITY]).is_err());
        assert_eq!(Psd::from_factor(&DMatrix::zeros(2, 0)).unwrap().rank(), 0);
        let wide = dmatrix![1.0, 2.0, 3.0, 4.0; 2.0, 4.0, 6.0, 8.0];
        let b = Psd::from_factor(&wide).unwrap();
        assert_eq!(b.rank(), 1);
        assert!((b.matrix() - &wide * wide.transpose()).norm() < 1e-13);
        let square = b.power(2.0).unwrap();
        assert!((square.matrix() - b.matrix() * b.matrix()).norm() < 1e-10);
    }
}
