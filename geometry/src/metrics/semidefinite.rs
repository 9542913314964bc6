//! Factors of matrices that may be singular, aligned by orthogonal matrices.

use nalgebra::DMatrix;

use crate::matrix_functions::svd::{Svd, jacobi_svd};
use crate::psd::Psd;

/// The orthogonal factor UVᵀ of a square matrix U s Vᵀ; where s vanishes, any that completes it.
pub(crate) fn polar(m: &DMatrix<f64>) -> DMatrix<f64> {
    let Svd { mut u, s, v } = jacobi_svd(m);
    let n = s.len();
    let mut missing: Vec<usize> = (0..n).filter(|&j| s[j] == 0.0).collect();
    while let Some(j) = missing.pop() {
        // The unit vector farthest from the columns there are; zero columns do not count.
        let farthest = (0..n).min_by(|&a, &b| u.row(a).norm().total_cmp(&u.row(b).norm()));
        let mut column = DMatrix::zeros(n, 1);
        column[farthest.unwrap_or(0)] = 1.0;
        for _ in 0..2 {
            let part = &u * u.tr_mul(&column);
            column -= part;
        }
        let norm = column.norm();
        u.set_column(j, &(column.column(0) / norm));
    }
    u * v.transpose()
}

/// Factors a of A and c = bO of B of as many columns, O orthogonal and such that they are nearest to each other
/// (Procrustes).
pub(crate) fn aligned(a: &Psd, b: &Psd) -> (DMatrix<f64>, DMatrix<f64>) {
    let columns = a.rank().max(b.rank());
    let (a, b) = (a.padded(columns), b.padded(columns));
    let c = &b * polar(&b.tr_mul(&a));
    (a, c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::dmatrix;

    #[test]
    fn orthogonal_factors_of_singular_matrices() {
        for m in [
            DMatrix::zeros(3, 3),
            dmatrix![1.0, 2.0, 0.0; 2.0, 4.0, 0.0; 0.0, 0.0, 0.0],
            dmatrix![0.0, 1.0, 0.0; 0.0, 0.0, 1.0; 0.0, 0.0, 0.0],
            dmatrix![1.0, 0.5, 0.0; 0.0, 2.0, 1.0; 1.0, 0.0, 1.0],
        ] {
            let q = polar(&m);
            assert!((q.tr_mul(&q) - DMatrix::identity(3, 3)).norm() < 1e-14, "{m}");
            // QᵀM is symmetric positive semi-definite.
            let h = q.tr_mul(&m);
            assert!((&h - h.transpose()).norm() < 1e-14 && h.symmetric_eigenvalues().min() > -1e-14);
        }
        assert_eq!(polar(&DMatrix::zeros(0, 0)).len(), 0);
    }
}
