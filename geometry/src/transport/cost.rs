//! Cost matrices of the Riemannian distances.

use nalgebra::DMatrix;
use rayon::prelude::*;

use crate::batch::SpdBatch;
use crate::error::{Error, Result, matrix_in_range};
use crate::sliced::{LogCloud, square_distance};

/// C_ij = ‖log X_i − log Y_j‖ᵖ, n x m. O(n m d²) after the logarithms, threads over rows.
///
/// # Errors
/// [`Error::DimensionMismatch`] when the orders differ, [`Error::InvalidParameter`] for p < 1 or p = ∞,
/// [`Error::OutOfRange`] when a power overflows.
pub fn log_euclidean_cost(a: &LogCloud, b: &LogCloud, p: f64) -> Result<DMatrix<f64>> {
    check(a.order(), b.order(), p)?;
    let cost = by_rows(a.len(), b.len(), |i, row| {
        for (j, cost) in row.iter_mut().enumerate() {
            *cost = power(square_distance(a.point(i), b.point(j)), p);
        }
    });
    matrix_in_range("power of a distance", cost)
}

/// C_ij = d_AI(X_i, Y_j)ᵖ with d_AI(X, Y) = ‖log(L⁻¹ Y L⁻ᵀ)‖, X = L Lᵀ: n x m. One eigendecomposition a pair,
/// O(n m d³), threads over rows.
///
/// # Errors
/// As [`log_euclidean_cost`]; [`Error::OutOfRange`] also for pairs whose relative eigenvalues rounding makes negative.
pub fn affine_invariant_cost(a: &SpdBatch, b: &SpdBatch, p: f64) -> Result<DMatrix<f64>> {
    check(a.order(), b.order(), p)?;
    let d = a.order();
    let cost = by_rows(a.len(), b.len(), |i, row| {
        let factor = a.get(i).cholesky().clone();
        let mut whitened = vec![0.0; b.as_slice().len()];
        for (y, out) in b.iter().zip(whitened.chunks_exact_mut(d * d)) {
            let mut half = y.into_owned();
            factor.solve_lower_triangular_mut(&mut half);
            half.transpose_mut();
            factor.solve_lower_triangular_mut(&mut half);
            half.fill_upper_triangle_with_lower_triangle();
            out.copy_from_slice(half.as_slice());
        }
        let logs = SpdBatch::from_vec_unchecked(d, whitened).log();
        for (log, cost) in logs.as_slice().chunks_exact(d * d).zip(row) {
            *cost = power(log.iter().map(|x| x * x).sum(), p);
        }
    });
    matrix_in_range("power of a distance", cost)
}

/// An n x m matrix filled row by row in parallel.
fn by_rows(n: usize, m: usize, fill: impl Fn(usize, &mut [f64]) + Sync) -> DMatrix<f64> {
    let mut rows = vec![0.0; n * m];
    rows.par_chunks_mut(m.max(1))
        .enumerate()
        .for_each(|(i, row)| fill(i, row));
    DMatrix::from_row_slice(n, m, &rows)
}

/// (x²)^{p/2}.
fn power(square: f64, p: f64) -> f64 {
    match p {
        1.0 => square.sqrt(),
        2.0 => square,
        p => square.powf(0.5 * p),
    }
}

fn check(expected: usize, found: usize, p: f64) -> Result<()> {
    if expected != found {
        return Err(Error::DimensionMismatch {
            what: "order of the second measure",
            expected,
            found,
        });
    }
    if !(p >= 1.0 && p.is_finite()) {
        return Err(Error::InvalidParameter {
            name: "p",
            value: p,
            reason: "the exponent of a cost is in [1, ∞)",
        });
    }
    Ok(())
}
