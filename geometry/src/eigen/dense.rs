//! One matrix at a time, blocked, for large orders.

use nalgebra::{DMatrix, DVector};

use super::SymmetricEigen;

/// Eigendecomposition by `faer`; by `nalgebra`, which iterates without limit, should that not converge.
pub(super) fn eigen(matrix: &DMatrix<f64>) -> SymmetricEigen {
    let n = matrix.nrows();
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
