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
    // Squares of large and small entries leave the range of f64.
    let unit = 2f64.powi(a.amax().max(f64::MIN_POSITIVE).log2().floor().clamp(-1000.0, 1000.0) as i32);
    let n = a.ncols();
    let (mut x, mut v) = (a / unit, DMatrix::<f64>::identity(n, n));
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
    (order.iter().map(|&i| norms[i] * unit).collect(), sum * unit)
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

/// eps times an allowance for the sizes of the cores (at most 64 here) and the loss of the Gram route (64).
pub const TIGHT: f64 = 4096.0 * f64::EPSILON;

/// [A; E] of dense matrices.
pub fn below(a: &DMatrix<f64>, e: &DMatrix<f64>) -> DMatrix<f64> {
    let m = a.nrows();
    DMatrix::from_fn(
        m + e.nrows(),
        a.ncols(),
        |i, j| if i < m { a[(i, j)] } else { e[(i - m, j)] },
    )
}

/// Number of kinds of [`nasty`].
pub const KINDS: usize = 8;

/// A sparse matrix of a kind that breaks careless code: 0 plain, 1 with empty rows and columns, 2 with repeated rows,
/// 3 with columns over six orders of magnitude, 4 of low rank with small whole numbers, 5 with repeated singular values,
/// 6 one full row and column over next to nothing, 7 power-law degrees with equal entries.
pub fn nasty(kind: usize, rows: usize, cols: usize, seed: u64) -> Csr {
    let mut rng = Pcg64::seed_from_u64(seed ^ 0x5bd1_e995);
    let plain = sparse(rows, cols, 0.4, seed);
    let entries: Vec<(usize, usize, f64)> = match kind % KINDS {
        1 => plain.triplets().filter(|(i, j, _)| i % 3 != 1 && j % 4 != 2).collect(),
        2 => {
            let few = sparse(rows.div_ceil(3), cols, 0.5, seed);
            let copy = |i: usize| few.row(i / 3).map(move |(j, x)| (i, j, x)).collect::<Vec<_>>();
            (0..rows).flat_map(copy).collect()
        }
        3 => {
            let power: Vec<i32> = (0..cols).map(|_| rng.random_range(-3..4)).collect();
            plain
                .triplets()
                .map(|(i, j, x)| (i, j, x * 10f64.powi(power[j])))
                .collect()
        }
        4 => {
            let low = of_rank(rows, cols, 3, seed);
            let at = |e: usize| (e % rows, e / rows, low[(e % rows, e / rows)]);
            (0..rows * cols).map(at).filter(|e| e.2 != 0.0).collect()
        }
        5 => (0..rows.min(cols))
            .map(|i| (i, (i * 5 + 2) % cols, if i < 4 { 2.0 } else { 1.0 }))
            .collect(),
        6 => {
            let row = (0..cols).map(|j| (rows / 2, j, 1.0 + j as f64));
            let column = (0..rows).filter(|i| *i != rows / 2).map(|i| (i, cols / 2, 1.0));
            row.chain(column).collect()
        }
        7 => {
            let mut end = |n: usize| ((n as f64 * rng.random::<f64>().powi(3)) as usize).min(n - 1);
            let mut edges: Vec<_> = (0..2 * (rows + cols)).map(|_| (end(rows), end(cols))).collect();
            edges.sort_unstable();
            edges.dedup();
            edges.into_iter().map(|(i, j)| (i, j, 1.0)).collect()
        }
        _ => plain.triplets().collect(),
    };
    Csr::from_triplets(rows, cols, entries).expect("entries inside, finite")
}
