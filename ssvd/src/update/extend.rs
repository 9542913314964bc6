//! Rows from an iterator: the matrix is never held.

use crate::error::{Result, SsvdError};
use crate::sparse::Csr;
use crate::update::{Augmentation, UpdateReport, UpdateTruncatedSvd, UpdatingSvd};

impl<M: Augmentation> UpdatingSvd<M> {
    /// Appends rows as they come, each a list of (column, value) in any order with duplicates added, `batch` rows to an
    /// update. One report for every update.
    ///
    /// Holds one batch at a time. Errs when `batch` is 0 and at the first batch with a column outside or a value that is
    /// not finite: the batches before it stay absorbed, and [`UpdateTruncatedSvd::nrows`] tells how many rows those were.
    pub fn extend_rows<R>(&mut self, rows: impl IntoIterator<Item = R>, batch: usize) -> Result<Vec<UpdateReport>>
    where
        R: IntoIterator<Item = (usize, f64)>,
    {
        if batch == 0 {
            return Err(SsvdError::Option {
                name: "batch",
                value: 0.0,
                expected: "at least 1",
            });
        }
        let (mut reports, mut rows) = (Vec::new(), rows.into_iter().peekable());
        while rows.peek().is_some() {
            let (mut entries, mut count) = (Vec::new(), 0);
            for row in rows.by_ref().take(batch) {
                entries.extend(row.into_iter().map(|(j, x)| (count, j, x)));
                count += 1;
            }
            reports.push(self.add_rows(&Csr::from_triplets(count, self.ncols(), entries)?)?);
        }
        Ok(reports)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Exact;

    #[test]
    fn rows_from_an_iterator_are_batches() {
        let a = Csr::from_triplets(9, 5, (0..30).map(|e| (e * 5 % 9, e * 3 % 5, 1.0 + e as f64))).unwrap();
        let mut one = UpdatingSvd::start(&a.row_range(0..4).unwrap(), 3, Exact).unwrap();
        let mut two = one.clone();
        let reports = one.extend_rows((4..9).map(|i| a.row(i)), 2).unwrap();
        for part in [4..6, 6..8, 8..9] {
            two.add_rows(&a.row_range(part).unwrap()).unwrap();
        }
        assert_eq!((reports.len(), one.svd()), (3, two.svd()));
        // A bad row leaves the batches before it.
        let bad = vec![vec![(0, 1.0)], vec![(1, 2.0)], vec![(5, 1.0)]];
        assert!(one.extend_rows(bad, 2).is_err() && one.nrows() == 11);
        assert!(one.extend_rows([[(0, 1.0)]], 0).is_err());
        assert!(one.extend_rows(Vec::<Vec<(usize, f64)>>::new(), 4).unwrap().is_empty());
    }
}
