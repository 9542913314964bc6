//! The questions of [`crate::TruncatedSvd`] asked of an updating SVD, without its full factors.

use faer::{Mat, MatRef};

use crate::error::{Result, SsvdError};
use crate::query::{Similarity, largest, similarities};
use crate::sparse::Csr;
use crate::update::factor::Factor;
use crate::update::{Augmentation, UpdateTruncatedSvd, UpdatingSvd, check_shape};

impl<M: Augmentation> UpdatingSvd<M> {
    /// Entry (i, j) of A_k. `None` outside. Cost O(k^2).
    pub fn entry(&self, i: usize, j: usize) -> Option<f64> {
        let (u, v) = (self.u_row(i)?, self.v_row(j)?);
        let terms = u.iter().zip(self.singular_values()).zip(&v);
        Some(terms.map(|((u, s), v)| u * s * v).sum())
    }

    /// Rows of U that new rows of A would have, X V diag(1/s): row i belongs to row i of `rows`, q x n.
    ///
    /// The decomposition stays as it is. Errs when the columns differ. Cost O(nnz k + q k^2).
    pub fn project_rows(&self, rows: &Csr) -> Result<Vec<Vec<f64>>> {
        check_shape("rows to project", rows, None, Some(self.ncols()))?;
        Ok(self.projected(self.factors().1, rows))
    }

    /// Rows of V that new columns of A would have, X^T U diag(1/s): row j belongs to column j of `columns`, m x q.
    ///
    /// The decomposition stays as it is. Errs when the rows differ. Cost O(nnz k + q k^2).
    pub fn project_columns(&self, columns: &Csr) -> Result<Vec<Vec<f64>>> {
        check_shape("columns to project", columns, Some(self.nrows()), None)?;
        Ok(self.projected(self.factors().0, &columns.transpose()))
    }

    /// The `count` rows of A_k most similar to a new row given as a 1 x n matrix: (row, similarity), the most similar
    /// first and the lower row first at equal similarity; see [`crate::TruncatedSvd::nearest_rows`].
    ///
    /// Errs when `row` is not one row of n columns. Cost O(m k) for inner products, O(m k^2) for cosines.
    pub fn nearest_rows(&self, row: &Csr, count: usize, similarity: Similarity) -> Result<Vec<(usize, f64)>> {
        check_shape("row to compare", row, Some(1), Some(self.ncols()))?;
        let target: Vec<f64> = along(self.factors().1, row).col(0).iter().copied().collect();
        Ok(largest(self.compare(&target, similarity), count))
    }

    /// The `count` rows of A_k most similar to its row `row`, that one left out; see [`UpdatingSvd::nearest_rows`].
    ///
    /// Errs when `row` is no row of A.
    pub fn similar_rows(&self, row: usize, count: usize, similarity: Similarity) -> Result<Vec<(usize, f64)>> {
        let target = self.weighted_row(row, "row to compare")?;
        let others = self.compare(&target, similarity).filter(|x| x.0 != row);
        Ok(largest(others, count))
    }

    /// The `count` largest entries of row `row` of A_k among the columns for which `allowed` is true (those a user does
    /// not have yet): (column, value), the largest first and the lower column first at equal values.
    ///
    /// Errs when `row` is no row of A. Cost O(n k).
    pub fn top_entries(&self, row: usize, count: usize, allowed: impl Fn(usize) -> bool) -> Result<Vec<(usize, f64)>> {
        let weights = self.weighted_row(row, "row of the largest entries")?;
        let weights = MatRef::from_column_major_slice(&weights, weights.len(), 1);
        let values = self.factors().1.times(weights).data;
        let values = values.into_iter().enumerate().filter(|x| allowed(x.0));
        Ok(largest(values, count))
    }

    /// Row i of U diag(s).
    fn weighted_row(&self, row: usize, what: &'static str) -> Result<Vec<f64>> {
        let u = self.u_row(row).ok_or(SsvdError::IndexOutOfRange {
            what,
            row,
            col: 0,
            rows: self.nrows(),
            cols: self.ncols(),
        })?;
        Ok(u.iter().zip(self.singular_values()).map(|(u, s)| u * s).collect())
    }

    fn projected(&self, factor: &Factor, x: &Csr) -> Vec<Vec<f64>> {
        let c = along(factor, x);
        let row = |j: usize| {
            c.col(j)
                .iter()
                .zip(self.singular_values())
                .map(|(c, s)| c / s)
                .collect()
        };
        (0..x.nrows()).map(row).collect()
    }

    /// (row, similarity of that row of A_k to V `target`).
    fn compare(&self, target: &[f64], similarity: Similarity) -> impl Iterator<Item = (usize, f64)> {
        let (s, left) = (self.singular_values(), self.factors().0);
        match similarity {
            Similarity::InnerProduct => {
                let weights = Mat::from_fn(s.len(), 1, |i, _| s[i] * target[i]);
                left.times(weights.as_ref()).data
            }
            Similarity::Cosine => {
                let scale = Mat::from_fn(s.len(), s.len(), |i, j| if i == j { s[i] } else { 0.0 });
                let rows = left.times(scale.as_ref()).data;
                similarities(&rows, self.nrows(), target)
            }
        }
        .into_iter()
        .enumerate()
    }
}

/// F^T X^T (k x q) for the rows of X.
fn along(factor: &Factor, x: &Csr) -> Mat<f64> {
    let (_, indices, values) = x.parts();
    let mut support = indices.to_vec();
    support.sort_unstable();
    support.dedup();
    let local = indices.iter().map(|j| support.partition_point(|s| s < j)).collect();
    let vectors = Csr::new(x.nrows(), support.len(), x.parts().0.to_vec(), local, values.to_vec());
    // Renumbering keeps a valid matrix valid.
    vectors.map_or_else(
        |_| Mat::zeros(factor.width(), x.nrows()),
        |vectors| factor.project(&support, &vectors),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Exact;

    fn example() -> (Csr, UpdatingSvd<Exact>) {
        let entries = (0..70).map(|e| ((e * 7) % 14, (e * 5 + e / 10) % 9, 1.0 + (e % 6) as f64));
        let a = Csr::from_triplets(14, 9, entries).unwrap();
        let mut svd = UpdatingSvd::start(&a.row_range(0..8).unwrap(), 4, Exact).unwrap();
        svd.add_rows(&a.row_range(8..14).unwrap()).unwrap();
        (a, svd)
    }

    /// The same answers as from the full factors.
    #[test]
    fn answers_agree_with_the_full_factors() {
        let (a, svd) = example();
        let full = svd.svd();
        let dense = full.to_dense();
        let near = |x: f64, y: f64| (x - y).abs() <= 1e-12 * (1.0 + full.s[0] * full.s[0]);
        assert!((0..14).all(|i| (0..9).all(|j| near(svd.entry(i, j).unwrap(), dense[(i, j)]))));
        assert!(svd.entry(14, 0).is_none() && svd.entry(0, 9).is_none());
        let same = |x: Vec<Vec<f64>>, y: Vec<Vec<f64>>| {
            x.len() == y.len() && x.iter().flatten().zip(y.iter().flatten()).all(|(x, y)| near(*x, *y))
        };
        assert!(same(svd.project_rows(&a).unwrap(), full.project_rows(&a).unwrap()));
        assert!(same(
            svd.project_columns(&a).unwrap(),
            full.project_columns(&a).unwrap()
        ));
        let row = a.row_range(2..3).unwrap();
        for similarity in [Similarity::Cosine, Similarity::InnerProduct] {
            let (one, two) = (
                svd.nearest_rows(&row, 5, similarity).unwrap(),
                full.nearest_rows(&row, 5, similarity).unwrap(),
            );
            assert!(one.iter().zip(&two).all(|(x, y)| x.0 == y.0 && near(x.1, y.1)));
            // A row of A_k itself: the nearest to it but for itself.
            let own = Csr::from_dense(&nalgebra::DMatrix::from_fn(1, 9, |_, j| dense[(2, j)])).unwrap();
            let others = full.nearest_rows(&own, 14, similarity).unwrap();
            let others: Vec<_> = others.into_iter().filter(|x| x.0 != 2).take(5).collect();
            let found = svd.similar_rows(2, 5, similarity).unwrap();
            assert!(found.iter().zip(&others).all(|(x, y)| near(x.1, y.1)) && found.len() == 5);
        }
        let odd = |j: usize| j % 2 == 1;
        let (one, two) = (
            svd.top_entries(3, 3, odd).unwrap(),
            full.top_entries(3, 3, odd).unwrap(),
        );
        assert!(one.iter().zip(&two).all(|(x, y)| x.0 == y.0 && near(x.1, y.1)) && one.len() == 3);
    }

    #[test]
    fn wrong_shapes_are_refused_and_rank_zero_answers() {
        let (_, svd) = example();
        assert!(svd.project_rows(&Csr::zeros(1, 8)).is_err() && svd.project_columns(&Csr::zeros(9, 1)).is_err());
        assert!(svd.nearest_rows(&Csr::zeros(2, 9), 1, Similarity::Cosine).is_err());
        assert!(svd.similar_rows(14, 1, Similarity::Cosine).is_err() && svd.top_entries(14, 1, |_| true).is_err());
        let empty = UpdatingSvd::empty(3, 2, 2, Exact).unwrap();
        let row = Csr::from_triplets(1, 2, [(0, 1, 1.0)]).unwrap();
        assert_eq!(empty.project_rows(&row).unwrap(), [[0.0; 0]]);
        for similarity in [Similarity::Cosine, Similarity::InnerProduct] {
            assert_eq!(empty.nearest_rows(&row, 1, similarity).unwrap(), [(0, 0.0)]);
        }
        assert_eq!(empty.top_entries(0, 5, |_| true).unwrap(), [(0, 0.0), (1, 0.0)]);
        assert_eq!(empty.entry(2, 1), Some(0.0));
    }
}
