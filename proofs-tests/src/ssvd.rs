//! Sparse matrices, dense references and laws for the truncated SVD.

use hadamard_ssvd::{Csr, TruncatedSvd};
use nalgebra::DMatrix;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

/// A random sparse matrix: each entry present with probability `density`, values in -1..1.
pub fn sparse(rows: usize, cols: usize, density: f64, seed: u64) -> Csr {
    let mut rng = Pcg64::seed_from_u64(seed);
    let mut entries = Vec::new();
    for i in 0..rows {
        for j in 0..cols {
            if rng.random::<f64>() < density {
                entries.push((i, j, 2.0 * rng.random::<f64>() - 1.0));
            }
        }
    }
    Csr::from_triplets(rows, cols, entries).expect("entries inside, finite")
}

/// A random matrix of rank at most `rank`, with small whole numbers as entries, so that its rank is exact.
pub fn of_rank(rows: usize, cols: usize, rank: usize, seed: u64) -> DMatrix<f64> {
    let mut rng = Pcg64::seed_from_u64(seed);
    let a = DMatrix::from_fn(rows, rank, |_, _| f64::from(rng.random_range(-2..3)));
    let b = DMatrix::from_fn(rank, cols, |_, _| f64::from(rng.random_range(-2..3)));
    a * b
}

/// The best rank-k approximation and all singular values, by one-sided Jacobi rotations: a route of its own.
pub fn best(a: &DMatrix<f64>, k: usize) -> (Vec<f64>, DMatrix<f64>) {
    if a.nrows() < a.ncols() {
        let (values, sum) = best(&a.transpose(), k);
        return (values, sum.transpose());
    }
    let n = a.ncols();
    let (mut x, mut v) = (a.clone(), DMatrix::<f64>::identity(n, n));
    for _ in 0..60 {
        let mut rotated = false;
        for i in 0..n {
            for j in i + 1..n {
                let (p, q, r) = (
                    x.column(i).norm_squared(),
                    x.column(j).norm_squared(),
                    x.column(i).dot(&x.column(j)),
                );
                if r.abs() <= f64::EPSILON * (p * q).sqrt() || r == 0.0 {
                    continue;
                }
                rotated = true;
                let zeta = (q - p) / (2.0 * r);
                let t = 1f64.copysign(zeta) / (zeta.abs() + zeta.hypot(1.0));
                let c = 1.0 / t.hypot(1.0);
                for y in [&mut x, &mut v] {
                    for row in 0..y.nrows() {
                        let (yi, yj) = (y[(row, i)], y[(row, j)]);
                        y[(row, i)] = c * (yi - t * yj);
                        y[(row, j)] = c * (t * yi + yj);
                    }
                }
            }
        }
        if !rotated {
            break;
        }
    }
    let norms: Vec<f64> = x.column_iter().map(|c| c.norm()).collect();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| norms[j].total_cmp(&norms[i]));
    let mut sum = DMatrix::zeros(a.nrows(), n);
    for &i in order.iter().take(k) {
        sum += x.column(i) * v.column(i).transpose();
    }
    (order.iter().map(|&i| norms[i]).collect(), sum)
}

/// max |X^T X - I|.
pub fn orthogonality(x: &DMatrix<f64>) -> f64 {
    (x.transpose() * x - DMatrix::identity(x.ncols(), x.ncols())).amax()
}

/// Asserts that the factors are orthonormal and the values descending and positive.
pub fn assert_sound(svd: &TruncatedSvd, tolerance: f64) {
    assert!(
        svd.s.windows(2).all(|w| w[0] >= w[1]) && svd.s.iter().all(|&s| s > 0.0),
        "{:?}",
        svd.s
    );
    let found = orthogonality(&svd.u).max(orthogonality(&svd.v));
    assert!(found <= tolerance, "orthogonality {found:.1e}, allowed {tolerance:.1e}");
}
