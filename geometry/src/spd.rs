//! A single validated SPD matrix.

use std::sync::OnceLock;

use nalgebra::{DMatrix, DVector};

use crate::eigen::{self, SymmetricEigen};
use crate::error::{Error, Result};
use crate::matrix_functions::svd::jacobi_svd;

/// Largest accepted |a_ij - a_ji| / sqrt(a_ii a_jj).
pub const SYMMETRY_TOLERANCE: f64 = 1e-10;

/// A symmetric positive definite matrix, validated once.
///
/// Square, finite, symmetric to [`SYMMETRY_TOLERANCE`] relative (then replaced by (A + Aᵀ)/2), and with a Cholesky
/// factorisation of positive pivots. The Cholesky factor is kept from validation; the eigendecomposition and the
/// matrix logarithm are computed on first use and kept.
#[derive(Debug, Clone)]
pub struct Spd {
    matrix: DMatrix<f64>,
    cholesky: DMatrix<f64>,
    eigen: OnceLock<SymmetricEigen>,
    log: OnceLock<DMatrix<f64>>,
}

impl Spd {
    /// Validates `matrix`. O(n³/3).
    ///
    /// # Errors
    /// [`Error::Empty`] for order 0, [`Error::NotSquare`], [`Error::NonFinite`], [`Error::NotSymmetric`],
    /// [`Error::NotPositiveDefinite`] with the failing pivot, also when it is below the smallest normal number.
    ///
    /// ```
    /// use hadamard_geometry::Spd;
    /// use nalgebra::dmatrix;
    ///
    /// let a = Spd::try_new(dmatrix![2.0, 1.0; 1.0, 3.0])?;
    /// assert!((a.log_det() - 5.0_f64.ln()).abs() < 1e-15);
    /// assert!(Spd::try_new(dmatrix![1.0, 2.0; 2.0, 1.0]).is_err());
    /// # Ok::<(), hadamard_geometry::Error>(())
    /// ```
    pub fn try_new(matrix: DMatrix<f64>) -> Result<Self> {
        Self::try_new_at(matrix, 0)
    }

    /// Validates `matrix`; errors name it as number `index`.
    pub(crate) fn try_new_at(mut matrix: DMatrix<f64>, index: usize) -> Result<Self> {
        validate_symmetric(&mut matrix, index)?;
        let cholesky = cholesky(&matrix, index)?;
        Ok(Self {
            matrix,
            cholesky,
            eigen: OnceLock::new(),
            log: OnceLock::new(),
        })
    }

    /// The point P diag(d) Pᵀ for d > 0: keeps the eigendecomposition and takes the Cholesky factor from the QR
    /// factorisation of (P diag(√d))ᵀ, which succeeds where that of the rounded matrix would not.
    pub(crate) fn from_eigen(eigen: SymmetricEigen) -> Result<Self> {
        let mut factor = eigen.vectors.clone();
        for (mut column, d) in factor.column_iter_mut().zip(eigen.values.iter()) {
            column *= d.sqrt();
        }
        Ok(Self::from_factor(&factor)?.with_eigen(eigen))
    }

    /// The same point, with an eigendecomposition that is known better than from the rounded matrix.
    pub(crate) fn with_eigen(self, eigen: SymmetricEigen) -> Self {
        Self {
            eigen: OnceLock::from(eigen),
            ..self
        }
    }

    /// The point GGᵀ for an invertible G.
    pub(crate) fn from_factor(g: &DMatrix<f64>) -> Result<Self> {
        let mut matrix = g * g.transpose();
        validate_symmetric(&mut matrix, 0)?;
        let mut cholesky = g.transpose().qr().unpack_r().transpose();
        for j in 0..cholesky.ncols() {
            let value = cholesky[(j, j)];
            if value == 0.0 || !value.is_finite() {
                return Err(Error::NotPositiveDefinite {
                    index: 0,
                    pivot: j,
                    value,
                });
            }
            if value < 0.0 {
                cholesky.column_mut(j).neg_mut();
            }
        }
        Ok(Self {
            matrix,
            cholesky,
            eigen: OnceLock::new(),
            log: OnceLock::new(),
        })
    }

    /// The identity of the given order.
    ///
    /// # Errors
    /// [`Error::Empty`] for order 0.
    pub fn identity(order: usize) -> Result<Self> {
        Self::try_new(DMatrix::identity(order, order))
    }

    /// Number of rows (and columns).
    pub fn order(&self) -> usize {
        self.matrix.nrows()
    }

    /// The matrix itself.
    pub fn matrix(&self) -> &DMatrix<f64> {
        &self.matrix
    }

    /// Gives the matrix back.
    pub fn into_matrix(self) -> DMatrix<f64> {
        self.matrix
    }

    /// Lower triangular L with A = L Lᵀ and positive diagonal.
    pub fn cholesky(&self) -> &DMatrix<f64> {
        &self.cholesky
    }

    /// Eigendecomposition A = P diag(d) Pᵀ, eigenvalues ascending and positive. O(n³) on first use.
    ///
    /// Where rounding leaves no digit of the least eigenvalue it comes from the singular values of the Cholesky factor.
    pub fn eigen(&self) -> &SymmetricEigen {
        self.eigen.get_or_init(|| {
            let eigen = eigen::symmetric_eigen(&self.matrix);
            if has_positive_values(&eigen) {
                eigen
            } else {
                eigen_of_factor(&self.cholesky)
            }
        })
    }

    /// Eigenvalues, ascending.
    pub fn eigenvalues(&self) -> &DVector<f64> {
        &self.eigen().values
    }

    /// Matrix logarithm P diag(log d) Pᵀ. O(n³) on first use.
    pub fn log(&self) -> &DMatrix<f64> {
        self.log.get_or_init(|| self.eigen().map(f64::ln))
    }

    /// log det A = 2 Σ log L_ii (no overflow or underflow).
    pub fn log_det(&self) -> f64 {
        2.0 * self.cholesky.diagonal().iter().map(|l| l.ln()).sum::<f64>()
    }

    /// Ratio of the largest to the smallest eigenvalue.
    pub fn condition_number(&self) -> f64 {
        let d = self.eigenvalues();
        d[d.len() - 1] / d[0]
    }
}

/// Whether the least eigenvalue is more than a rounding error of the largest.
fn has_positive_values(eigen: &SymmetricEigen) -> bool {
    let n = eigen.values.len();
    eigen.values[0] > n as f64 * f64::EPSILON * eigen.values[n - 1]
}

/// Eigendecomposition of LLᵀ: its eigenvalues are squares, hence positive.
pub(crate) fn eigen_of_factor(l: &DMatrix<f64>) -> SymmetricEigen {
    let svd = jacobi_svd(l);
    let mut order: Vec<usize> = (0..svd.s.len()).collect();
    order.sort_by(|&i, &j| svd.s[i].total_cmp(&svd.s[j]));
    SymmetricEigen {
        // A square below the smallest normal number would lose the digits that logarithms need.
        values: DVector::from_iterator(
            order.len(),
            order.iter().map(|&k| (svd.s[k] * svd.s[k]).max(f64::MIN_POSITIVE)),
        ),
        vectors: svd.u.select_columns(&order),
    }
}

/// Checks shape, finiteness and symmetry, then replaces `matrix` by its symmetric part.
pub(crate) fn validate_symmetric(matrix: &mut DMatrix<f64>, index: usize) -> Result<()> {
    let (rows, columns) = matrix.shape();
    if rows != columns {
        return Err(Error::NotSquare { index, rows, columns });
    }
    if rows == 0 {
        return Err(Error::Empty { what: "matrix" });
    }
    for column in 0..columns {
        for row in 0..rows {
            let value = matrix[(row, column)];
            if !value.is_finite() {
                return Err(Error::NonFinite {
                    index,
                    row,
                    column,
                    value,
                });
            }
        }
    }
    for column in 0..columns {
        for row in 0..column {
            let (upper, lower) = (matrix[(row, column)], matrix[(column, row)]);
            let scale = matrix[(row, row)].abs().sqrt() * matrix[(column, column)].abs().sqrt();
            let gap = (upper - lower).abs();
            if gap > SYMMETRY_TOLERANCE * scale {
                return Err(Error::NotSymmetric {
                    index,
                    row,
                    column,
                    relative: gap / scale,
                });
            }
            let mean = 0.5 * upper + 0.5 * lower;
            matrix[(row, column)] = mean;
            matrix[(column, row)] = mean;
        }
    }
    Ok(())
}

/// Lower Cholesky factor, or the pivot at which it fails.
pub(crate) fn cholesky(matrix: &DMatrix<f64>, index: usize) -> Result<DMatrix<f64>> {
    let n = matrix.nrows();
    let mut l = DMatrix::zeros(n, n);
    for j in 0..n {
        // Column by column, so that the inner loop runs along memory.
        let (done, rest) = l.as_mut_slice().split_at_mut(j * n);
        let column = &mut rest[j..n];
        column.copy_from_slice(&matrix.as_slice()[j * n + j..(j + 1) * n]);
        for earlier in done.chunks_exact(n) {
            let factor = earlier[j];
            for (x, y) in column.iter_mut().zip(&earlier[j..]) {
                *x -= factor * y;
            }
        }
        let value = column[0];
        // The inverse of a subnormal pivot overflows.
        if !(value >= f64::MIN_POSITIVE && value.is_finite()) {
            return Err(Error::NotPositiveDefinite { index, pivot: j, value });
        }
        let pivot = value.sqrt();
        column[0] = pivot;
        for x in &mut column[1..] {
            *x /= pivot;
        }
    }
    refine(matrix, &mut l);
    Ok(l)
}

/// Largest ratio of pivots of the factor at which its rounding is left alone.
const GRADED: f64 = 1e3;

/// Newton's step L ← L(I + half(L⁻¹(A − LLᵀ)L⁻ᵀ)), the residual in twice the working precision, for graded factors: what
/// pairs of ill-conditioned matrices lose by the rounding of their factors, n ε κ, becomes n ε √κ. O(n³).
fn refine(matrix: &DMatrix<f64>, l: &mut DMatrix<f64>) {
    let n = l.nrows();
    let pivots = l.diagonal();
    let in_reach = |x: f64| (1e-130..1e130).contains(&x);
    if pivots.max() <= GRADED * pivots.min() || !in_reach(pivots.max()) || !in_reach(pivots.min()) {
        return;
    }
    let mut residual = DMatrix::zeros(n, n);
    for j in 0..n {
        for i in j..n {
            let (mut high, mut low) = (matrix[(i, j)], 0.0);
            for k in 0..=j {
                let (product, rest) = exact_product(-l[(i, k)], l[(j, k)]);
                let sum = high + product;
                let back = sum - high;
                low += (high - (sum - back)) + (product - back) + rest;
                high = sum;
            }
            residual[(i, j)] = high + low;
            residual[(j, i)] = high + low;
        }
    }
    l.solve_lower_triangular_unchecked_mut(&mut residual);
    residual.transpose_mut();
    l.solve_lower_triangular_unchecked_mut(&mut residual);
    let mut step = residual.lower_triangle();
    for j in 0..n {
        step[(j, j)] *= 0.5;
    }
    let refined = &*l + &*l * step;
    if refined.iter().all(|x| x.is_finite()) && (0..n).all(|j| refined[(j, j)] > 0.0) {
        *l = refined;
    }
}

/// xy as a sum of two numbers (Dekker 1971), without fused operations, which are slow where the machine has none.
fn exact_product(x: f64, y: f64) -> (f64, f64) {
    let halves = |x: f64| {
        let shifted = 134_217_729.0 * x;
        let high = shifted - (shifted - x);
        (high, x - high)
    };
    let product = x * y;
    let ((a, b), (c, d)) = (halves(x), halves(y));
    (product, ((a * c - product) + a * d + b * c) + b * d)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Graded matrices with integer factors: the factor is known exactly.
    #[test]
    fn factors_of_graded_matrices() {
        let exact = DMatrix::from_fn(6, 6, |i, j| {
            let entry = if i == j {
                3.0
            } else {
                ((7 * i + 5 * j) % 5) as f64 - 2.0
            };
            if i >= j { entry * 2f64.powi(-4 * i as i32) } else { 0.0 }
        });
        let found = cholesky(&(&exact * exact.transpose()), 0).unwrap();
        for i in 0..6 {
            let error = (found.row(i) - exact.row(i)).norm() / exact.row(i).norm();
            assert!(error <= 4.0 * f64::EPSILON, "row {i}: {error:e}");
        }
    }
}
