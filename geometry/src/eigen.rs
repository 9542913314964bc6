//! Symmetric eigendecompositions and matrix functions, one matrix or a batch at a time.

use nalgebra::{DMatrix, DVector};

/// Eigendecomposition A = P diag(d) Pᵀ of a symmetric matrix.
#[derive(Debug, Clone)]
pub struct SymmetricEigen {
    /// Eigenvalues d, ascending.
    pub values: DVector<f64>,
    /// Orthogonal P; column i belongs to `values[i]`.
    pub vectors: DMatrix<f64>,
}

impl SymmetricEigen {
    /// f(A) = P diag(f(d)) Pᵀ, symmetric to the last bit. O(n³).
    pub fn map(&self, f: impl Fn(f64) -> f64) -> DMatrix<f64> {
        let mut scaled = self.vectors.clone();
        for (mut column, &d) in scaled.column_iter_mut().zip(self.values.iter()) {
            column *= f(d);
        }
        let mut product = scaled * self.vectors.transpose();
        product.fill_lower_triangle_with_upper_triangle();
        product
    }
}

/// Eigendecomposition of a symmetric matrix (only symmetry of `matrix` is assumed). O(n³).
pub fn symmetric_eigen(matrix: &DMatrix<f64>) -> SymmetricEigen {
    let eigen = matrix.clone().symmetric_eigen();
    let mut order: Vec<usize> = (0..matrix.nrows()).collect();
    order.sort_by(|&i, &j| eigen.eigenvalues[i].total_cmp(&eigen.eigenvalues[j]));
    SymmetricEigen {
        values: DVector::from_fn(order.len(), |i, _| eigen.eigenvalues[order[i]]),
        vectors: eigen.eigenvectors.select_columns(order.iter()),
    }
}
