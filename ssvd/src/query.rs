//! What is asked of a truncated SVD: errors, projections of new rows and columns, neighbours, largest entries.

use std::cmp::Ordering;

use crate::error::{Result, SsvdError};
use crate::lanczos::TruncatedSvd;
use crate::scaling::power_of_two;
use crate::sparse::Csr;
use crate::update::check_shape;

/// How two rows are compared by [`TruncatedSvd::nearest_rows`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Similarity {
    /// x . y
    InnerProduct,
    /// x . y / (||x|| ||y||); 0 for a row of zeros.
    Cosine,
}

impl TruncatedSvd {
    /// ||A - U diag(s) V^T||_F = (||A||^2 - 2 <A, U diag(s) V^T> + ||U diag(s) V^T||^2)^{1/2}, without the dense matrix.
    ///
    /// Cancellation leaves an absolute error of about sqrt(eps) ||A||_F near zero. Errs when the shapes differ
    /// and when the error exceeds the largest number. Cost O(nnz k + (m + n) k^2).
    pub fn frobenius_error(&self, a: &Csr) -> Result<f64> {
        check_shape("matrix", a, Some(self.u.nrows()), Some(self.v.nrows()))?;
        let largest = a.triplets().fold(0.0, |m: f64, (_, _, x)| m.max(x.abs()));
        let unit = power_of_two(largest.max(self.s.first().copied().unwrap_or(0.0)));
        let energy: f64 = a.triplets().map(|(_, _, x)| (x / unit).powi(2)).sum();
        let s: Vec<f64> = self.s.iter().map(|s| s / unit).collect();
        let (u, v) = (self.u.transpose(), self.v.transpose());
        let entry = |i: usize, j: usize| -> f64 {
            let (u, v) = (u.column(i), v.column(j));
            (0..s.len()).map(|c| u[c] * s[c] * v[c]).sum()
        };
        let cross: f64 = a.triplets().map(|(i, j, x)| x / unit * entry(i, j)).sum();
        let (gu, gv) = (&u * &self.u, &v * &self.v);
        let square = |i: usize, j: usize| s[i] * s[j] * gu[(i, j)] * gv[(i, j)];
        let own: f64 = (0..s.len())
            .map(|i| (0..s.len()).map(|j| square(i, j)).sum::<f64>())
            .sum();
        let error = energy - 2.0 * cross + own;
        // `max` would make 0 of a NaN.
        let value = if error < 0.0 { 0.0 } else { unit * error.sqrt() };
        if value.is_finite() {
            return Ok(value);
        }
        // The norm of a matrix may exceed the largest number though no entry does.
        let (what, row, col) = ("Frobenius norm of the error", 0, 0);
        Err(SsvdError::NotFinite { what, row, col, value })
    }

    /// sum s^2 / ||A||_F^2 of a matrix with that squared norm: the share of its energy that is kept.
    pub fn explained_energy(&self, norm_squared: f64) -> f64 {
        if norm_squared > 0.0 {
            let norm = norm_squared.sqrt();
            self.s.iter().map(|s| (s / norm) * (s / norm)).sum()
        } else {
            1.0
        }
    }

    /// Rows of U that new rows of A would have, X V diag(1/s): row i belongs to row i of `rows`, q x n.
    ///
    /// The decomposition stays as it is. Errs when the columns differ and when a quotient exceeds the largest number. Cost
    /// O(nnz k).
    pub fn project_rows(&self, rows: &Csr) -> Result<Vec<Vec<f64>>> {
        check_shape("rows to project", rows, None, Some(self.v.nrows()))?;
        project(rows, &self.v, &self.s)
    }

    /// Rows of V that new columns of A would have, X^T U diag(1/s): row j belongs to column j of `columns`, m x q.
    ///
    /// The decomposition stays as it is. Errs when the rows differ and when a quotient exceeds the largest number. Cost
    /// O(nnz k).
    pub fn project_columns(&self, columns: &Csr) -> Result<Vec<Vec<f64>>> {
        check_shape("columns to project", columns, Some(self.u.nrows()), None)?;
        project(&columns.transpose(), &self.u, &self.s)
    }

    /// The `count` rows of A_k most similar to a new row given as a 1 x n matrix: (row, similarity), the most similar
    /// first and the lower row first at equal similarity.
    ///
    /// Row i of A_k is V times row i of U diag(s), so that all products are taken between vectors of length k; the new row
    /// counts by its projection on the span of V. Errs when `row` is not one row of n columns. Cost O(m k).
    pub fn nearest_rows(&self, row: &Csr, count: usize, similarity: Similarity) -> Result<Vec<(usize, f64)>> {
        check_shape("row to compare", row, Some(1), Some(self.v.nrows()))?;
        // Both factors in a unit of their own: products then neither overflow nor underflow.
        let unit = power_of_two(row.row(0).fold(0.0, |m: f64, (_, x)| m.max(x.abs())));
        let own_unit = power_of_two(self.s.first().copied().unwrap_or(0.0));
        let target: Vec<f64> = (0..self.s.len())
            .map(|c| row.row(0).map(|(j, x)| x / unit * self.v[(j, c)]).sum())
            .collect();
        let length = norm(target.iter().copied());
        let score = |i: usize| -> f64 {
            let own = || (0..self.s.len()).map(|c| self.u[(i, c)] * (self.s[c] / own_unit));
            let product: f64 = own().zip(&target).map(|(x, y)| x * y).sum();
            match similarity {
                // The smaller unit first: then only a product that is itself out of range is infinite.
                Similarity::InnerProduct => product * unit.min(own_unit) * unit.max(own_unit),
                Similarity::Cosine => match length * norm(own()) {
                    0.0 => 0.0,
                    lengths => product / lengths,
                },
            }
        };
        Ok(largest((0..self.u.nrows()).map(|i| (i, score(i))), count))
    }

    /// The `count` largest entries of row `row` of A_k among the columns for which `allowed` is true (those a user does
    /// not have yet): (column, value), the largest first and the lower column first at equal values.
    ///
    /// Errs when `row` is no row of A. Cost O(n k).
    pub fn top_entries(&self, row: usize, count: usize, allowed: impl Fn(usize) -> bool) -> Result<Vec<(usize, f64)>> {
        let (m, n) = (self.u.nrows(), self.v.nrows());
        if row >= m {
            return Err(SsvdError::IndexOutOfRange {
                what: "row of the largest entries",
                row,
                col: 0,
                rows: m,
                cols: n,
            });
        }
        let unit = power_of_two(self.s.first().copied().unwrap_or(0.0));
        let weights: Vec<f64> = (0..self.s.len())
            .map(|c| self.u[(row, c)] * (self.s[c] / unit))
            .collect();
        // As in `to_dense`, rounding does not lift an entry above the largest number.
        let value = |j: usize| {
            let sum: f64 = weights.iter().enumerate().map(|(c, w)| w * self.v[(j, c)]).sum();
            (sum * unit).clamp(f64::MIN, f64::MAX)
        };
        Ok(largest((0..n).filter(|&j| allowed(j)).map(|j| (j, value(j))), count))
    }
}

/// X B diag(1/s) for the rows of X, in units of s_1.
fn project(x: &Csr, basis: &nalgebra::DMatrix<f64>, s: &[f64]) -> Result<Vec<Vec<f64>>> {
    let unit = power_of_two(s.first().copied().unwrap_or(0.0));
    let row = |i: usize| {
        let mut sum = vec![0.0; s.len()];
        for (j, a) in x.row(i) {
            let a = a / unit;
            sum.iter_mut()
                .enumerate()
                .for_each(|(c, sum)| *sum += a * basis[(j, c)]);
        }
        sum.iter_mut().zip(s).for_each(|(x, s)| *x /= s / unit);
        match sum.iter().position(|x| !x.is_finite()) {
            None => Ok(sum),
            Some(col) => Err(SsvdError::NotFinite {
                what: "projection",
                row: i,
                col,
                value: sum[col],
            }),
        }
    };
    (0..x.nrows()).map(row).collect()
}

fn norm(x: impl Iterator<Item = f64>) -> f64 {
    x.map(|x| x * x).sum::<f64>().sqrt()
}

/// Cosines between `count` rows, one after the other, and `target`; 0 where one of the two is zero.
pub(crate) fn similarities(rows: &[f64], count: usize, target: &[f64]) -> Vec<f64> {
    if target.is_empty() {
        return vec![0.0; count];
    }
    let length = norm(target.iter().copied());
    let cosine = |row: &[f64]| match length * norm(row.iter().copied()) {
        0.0 => 0.0,
        lengths => row.iter().zip(target).map(|(x, y)| x * y).sum::<f64>() / lengths,
    };
    rows.chunks_exact(target.len()).map(cosine).collect()
}

pub(crate) fn largest(scores: impl Iterator<Item = (usize, f64)>, count: usize) -> Vec<(usize, f64)> {
    let order = |a: &(usize, f64), b: &(usize, f64)| -> Ordering { b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)) };
    let mut all: Vec<_> = scores.collect();
    if count == 0 {
        return Vec::new();
    }
    if count < all.len() {
        all.select_nth_unstable_by(count - 1, order);
        all.truncate(count);
    }
    all.sort_unstable_by(order);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LanczosOptions, lanczos};

    fn example() -> (Csr, TruncatedSvd) {
        let entries = (0..40).map(|e| ((e * 7) % 10, (e * 5 + e / 10) % 8, 1.0 + (e % 6) as f64));
        let a = Csr::from_triplets(10, 8, entries).unwrap();
        let svd = lanczos(&a, 4, &LanczosOptions::default()).unwrap().svd;
        (a, svd)
    }

    #[test]
    fn answers_agree_with_the_dense_matrix() {
        let (a, svd) = example();
        let (full, low) = (a.to_dense(), svd.to_dense());
        let scale = full.norm();
        assert!((svd.frobenius_error(&a).unwrap() - (&full - &low).norm()).abs() < 1e-12 * scale);
        let kept = low.norm_squared() / full.norm_squared();
        assert!((svd.explained_energy(a.norm_squared()) - kept).abs() < 1e-13);
        // Projecting A's own rows and columns returns U and V.
        let (u, v) = (svd.project_rows(&a).unwrap(), svd.project_columns(&a).unwrap());
        let bound = 1e-8 * svd.s[0] / svd.s[3];
        assert!((0..10).all(|i| (0..4).all(|c| (u[i][c] - svd.u[(i, c)]).abs() < bound)));
        assert!((0..8).all(|j| (0..4).all(|c| (v[j][c] - svd.v[(j, c)]).abs() < bound)));
        // The largest entries and similarities, by sorting everything.
        let mut entries: Vec<(usize, f64)> = (0..8).filter(|j| j % 2 == 0).map(|j| (j, low[(3, j)])).collect();
        entries.sort_by(|a, b| b.1.total_cmp(&a.1));
        for (found, expected) in svd.top_entries(3, 3, |j| j % 2 == 0).unwrap().iter().zip(&entries) {
            assert!(found.0 == expected.0 && (found.1 - expected.1).abs() < 1e-12 * scale);
        }
        let row = a.row_range(2..3).unwrap();
        let mut cosines: Vec<(usize, f64)> = (0..10)
            .map(|i| (i, low.row(i).dot(&low.row(2)) / (low.row(i).norm() * low.row(2).norm())))
            .collect();
        cosines.sort_by(|a, b| b.1.total_cmp(&a.1));
        let found = svd.nearest_rows(&row, 10, Similarity::Cosine).unwrap();
        assert!(found[0].1 > 1.0 - 1e-9 && found.len() == 10);
        for (found, expected) in found.iter().zip(&cosines) {
            assert!((found.1 - expected.1).abs() < 1e-7);
        }
        let products = svd.nearest_rows(&row, 2, Similarity::InnerProduct).unwrap();
        let best = (0..10).map(|i| low.row(i).dot(&low.row(2))).fold(f64::MIN, f64::max);
        assert!((products[0].1 - best).abs() < 1e-7 * scale * scale && products.len() == 2);
    }

    #[test]
    fn wrong_shapes_are_refused() {
        let (_, svd) = example();
        assert!(svd.frobenius_error(&Csr::zeros(10, 9)).is_err());
        assert!(svd.project_rows(&Csr::zeros(1, 9)).is_err() && svd.project_columns(&Csr::zeros(9, 1)).is_err());
        assert!(svd.nearest_rows(&Csr::zeros(2, 8), 1, Similarity::Cosine).is_err());
        assert!(svd.top_entries(10, 1, |_| true).is_err());
        assert!(svd.top_entries(0, 0, |_| true).unwrap().is_empty());
        assert_eq!(
            svd.nearest_rows(&Csr::zeros(1, 8), 1, Similarity::Cosine).unwrap(),
            [(0, 0.0)]
        );
    }
}
