//! One matrix at a time, blocked, for large orders.

use nalgebra::{DMatrix, DVector};

use super::SymmetricEigen;
use super::power_of_two_scale;

/// Eigendecomposition by LAPACK where a feature asks for it, and by `faer`; by `nalgebra`, which iterates without limit,
/// should that not converge.
pub(super) fn eigen(matrix: &DMatrix<f64>) -> SymmetricEigen {
    // In a unit (a power of two) in which the largest entry is near 1: the thresholds of these solvers are not all relative.
    let scale = power_of_two_scale(matrix.as_slice());
    let mut eigen = normalized(&(matrix * scale));
    eigen.values /= scale;
    eigen
}

/// The same where entries are near 1.
fn normalized(matrix: &DMatrix<f64>) -> SymmetricEigen {
    let n = matrix.nrows();
    #[cfg(feature = "lapack-custom")]
    if let Some(eigen) = by_nalgebra_lapack(matrix) {
        return eigen;
    }
    #[cfg(feature = "ndarray-linalg")]
    if let Some(eigen) = by_ndarray_linalg(matrix) {
        return eigen;
    }
    let view = faer::MatRef::from_column_major_slice(matrix.as_slice(), n, n);
    if let Ok(eigen) = view.self_adjoint_eigen(faer::Side::Lower) {
        let (values, vectors) = (eigen.S().column_vector(), eigen.U());
        return SymmetricEigen {
            values: DVector::from_fn(n, |i, _| values[i]),
            vectors: DMatrix::from_fn(n, n, |i, j| vectors[(i, j)]),
        };
    }
    let eigen = matrix.clone().symmetric_eigen();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| eigen.eigenvalues[i].total_cmp(&eigen.eigenvalues[j]));
    SymmetricEigen {
        values: DVector::from_fn(n, |i, _| eigen.eigenvalues[order[i]]),
        vectors: eigen.eigenvectors.select_columns(order.iter()),
    }
}

/// DSYEV, eigenvalues ascending.
#[cfg(feature = "lapack-custom")]
fn by_nalgebra_lapack(matrix: &DMatrix<f64>) -> Option<SymmetricEigen> {
    let eigen = nalgebra_lapack::SymmetricEigen::try_new(matrix.clone())?;
    Some(SymmetricEigen {
        values: eigen.eigenvalues,
        vectors: eigen.eigenvectors,
    })
}

/// The same routine behind `ndarray-linalg`.
#[cfg(feature = "ndarray-linalg")]
fn by_ndarray_linalg(matrix: &DMatrix<f64>) -> Option<SymmetricEigen> {
    use ndarray_linalg::{Eigh, UPLO};
    let n = matrix.nrows();
    let view = ndarray::ArrayView2::from_shape((n, n), matrix.as_slice()).ok()?;
    let (values, vectors) = view.eigh(UPLO::Lower).ok()?;
    Some(SymmetricEigen {
        values: DVector::from_fn(n, |i, _| values[i]),
        vectors: DMatrix::from_fn(n, n, |i, j| vectors[(i, j)]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever solves large orders diagonalises, also repeated, clustered and far apart eigenvalues.
    #[test]
    fn large_orders() {
        for order in [33, 80, 150] {
            let g = DMatrix::from_fn(order, order, |i, j| {
                ((i * 31 + j * 17) % 23) as f64 - 11.0 + f64::from(i == j)
            });
            let q = g.qr().q();
            for kind in 0..4 {
                let d = DVector::from_fn(order, |i, _| match kind {
                    0 => i as f64 - 7.5,
                    1 => f64::from(u8::from(i % 3 == 0)),
                    2 => 1.0 + 1e-13 * i as f64,
                    _ => 1e-26 * 10f64.powi(-(i as i32 % 9)),
                });
                let a = &q * DMatrix::from_diagonal(&d) * q.transpose();
                let a = (&a + a.transpose()) * 0.5;
                let solutions = vec![eigen(&a)];
                #[cfg(feature = "lapack-custom")]
                let solutions = [solutions, vec![by_nalgebra_lapack(&a).unwrap()]].concat();
                #[cfg(feature = "ndarray-linalg")]
                let solutions = [solutions, vec![by_ndarray_linalg(&a).unwrap()]].concat();
                for SymmetricEigen { values, vectors } in solutions {
                    let bound = 20.0 * order as f64 * f64::EPSILON;
                    let residual = &a * &vectors - &vectors * DMatrix::from_diagonal(&values);
                    assert!(residual.norm() <= bound * a.norm(), "{order} {kind}");
                    let identity = DMatrix::identity(order, order);
                    assert!((vectors.tr_mul(&vectors) - identity).norm() <= bound, "{order} {kind}");
                    assert!(values.as_slice().is_sorted(), "{order} {kind}");
                }
            }
        }
    }
}
