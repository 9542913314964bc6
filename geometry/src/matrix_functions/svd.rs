//! One-sided Jacobi SVD: small relative errors also for tiny singular values.

use nalgebra::{DMatrix, DVector};

/// C = U diag(s) Vᵀ.
pub(crate) struct Svd {
    /// Orthonormal columns.
    pub u: DMatrix<f64>,
    /// Singular values, in the order of the columns of U and V (not sorted).
    pub s: DVector<f64>,
    /// Orthogonal.
    pub v: DMatrix<f64>,
}

/// Sweeps after which rotations no longer change anything in practice (3 to 8 are usual).
const MAX_SWEEPS: usize = 40;

/// SVD of an invertible square matrix. O(n³) a sweep.
///
/// Columns that vanish (singular input) leave zero columns in U.
pub(crate) fn jacobi_svd(c: &DMatrix<f64>) -> Svd {
    let n = c.ncols();
    // A power of two keeps squares away from overflow and underflow without rounding.
    let largest = c.amax();
    let exponent = if largest > 0.0 && largest.is_finite() {
        largest.log2().floor() as i32
    } else {
        0
    };
    let mut g = c * 2f64.powi(-exponent);
    let mut v = DMatrix::identity(n, n);
    for _ in 0..MAX_SWEEPS {
        if !sweep(&mut g, &mut v) {
            break;
        }
    }
    let mut s = DVector::zeros(n);
    for (j, mut column) in g.column_iter_mut().enumerate() {
        let norm = column.norm();
        s[j] = norm * 2f64.powi(exponent);
        if norm > 0.0 {
            column /= norm;
        }
    }
    Svd { u: g, s, v }
}

/// One round of rotations over all pairs of columns; whether any was made.
fn sweep(g: &mut DMatrix<f64>, v: &mut DMatrix<f64>) -> bool {
    let n = g.ncols();
    let mut rotated = false;
    for p in 0..n {
        for q in p + 1..n {
            let (a, b) = (g.column(p).norm_squared(), g.column(q).norm_squared());
            let c = g.column(p).dot(&g.column(q));
            if c.abs() <= f64::EPSILON * (a * b).sqrt() {
                continue;
            }
            let zeta = (b - a) / (2.0 * c);
            let t = zeta.signum() / (zeta.abs() + zeta.hypot(1.0));
            let cos = 1.0 / t.hypot(1.0);
            rotate(g, p, q, cos, cos * t);
            rotate(v, p, q, cos, cos * t);
            rotated = true;
        }
    }
    rotated
}

fn rotate(m: &mut DMatrix<f64>, p: usize, q: usize, cos: f64, sin: f64) {
    let rows = m.nrows();
    let (left, right) = m.as_mut_slice().split_at_mut(q * rows);
    let (x, y) = (&mut left[p * rows..(p + 1) * rows], &mut right[..rows]);
    for (x, y) in x.iter_mut().zip(y) {
        (*x, *y) = (cos * *x - sin * *y, sin * *x + cos * *y);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reconstructs_graded_matrices_and_orders_1() {
        for n in [1, 2, 5, 9] {
            let c = DMatrix::from_fn(n, n, |i, j| {
                ((i * 7 + j * 3) as f64).sin() * 10f64.powi(-(i as i32)) + f64::from(i == j) * 1e-3
            });
            let Svd { u, s, v } = jacobi_svd(&c);
            let back = &u * DMatrix::from_diagonal(&s) * v.transpose();
            assert!((back - &c).norm() <= 20.0 * n as f64 * f64::EPSILON * c.norm());
            assert!((u.tr_mul(&u) - DMatrix::identity(n, n)).norm() <= 50.0 * n as f64 * f64::EPSILON);
        }
    }
}
