//! Rows and columns from an iterator: the matrix is never held.

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
        self.try_extend_rows(rows.into_iter().map(Ok), batch)
    }

    /// [`UpdatingSvd::extend_rows`] from a source that may fail, as [`crate::libsvm_rows`] does. Errs at its first error
    /// as well, before the batch that the row belongs to.
    ///
    /// ```
    /// use hadamard_ssvd::*;
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("data.svm");
    /// # std::fs::write(&path, "1 1:2 3:1\n0 2:1\n1 1:1\n").unwrap();
    /// let mut svd = UpdatingSvd::empty(0, 3, 2, Exact)?;
    /// let rows = libsvm_rows(&path)?.map(|row| row.map(|(_label, entries)| entries));
    /// svd.try_extend_rows(rows, 100)?;
    /// assert_eq!(svd.nrows(), 3);
    /// # Ok::<(), SsvdError>(())
    /// ```
    pub fn try_extend_rows<R>(
        &mut self,
        rows: impl IntoIterator<Item = Result<R>>,
        batch: usize,
    ) -> Result<Vec<UpdateReport>>
    where
        R: IntoIterator<Item = (usize, f64)>,
    {
        in_batches(rows, batch, |count, entries| {
            self.add_rows(&Csr::from_triplets(count, self.ncols(), entries)?)
        })
    }

    /// Appends columns as they come, each a list of (row, value); see [`UpdatingSvd::extend_rows`]. Errs as that.
    pub fn extend_columns<C>(&mut self, columns: impl IntoIterator<Item = C>, batch: usize) -> Result<Vec<UpdateReport>>
    where
        C: IntoIterator<Item = (usize, f64)>,
    {
        in_batches(columns.into_iter().map(Ok), batch, |count, entries| {
            let turned = entries.into_iter().map(|(j, i, x)| (i, j, x));
            self.add_columns(&Csr::from_triplets(self.nrows(), count, turned)?)
        })
    }
}

type Entries = Vec<(usize, usize, f64)>;

fn in_batches<L: IntoIterator<Item = (usize, f64)>>(
    lines: impl IntoIterator<Item = Result<L>>,
    batch: usize,
    mut update: impl FnMut(usize, Entries) -> Result<UpdateReport>,
) -> Result<Vec<UpdateReport>> {
    if batch == 0 {
        return Err(SsvdError::Option {
            name: "batch",
            value: 0.0,
            expected: "at least 1",
        });
    }
    let (mut reports, mut lines) = (Vec::new(), lines.into_iter().peekable());
    while lines.peek().is_some() {
        let (mut entries, mut count) = (Vec::new(), 0);
        for line in lines.by_ref().take(batch) {
            entries.extend(line?.into_iter().map(|(j, x)| (count, j, x)));
            count += 1;
        }
        reports.push(update(count, entries)?);
    }
    Ok(reports)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Exact;

    fn example() -> Csr {
        Csr::from_triplets(9, 5, (0..30).map(|e| (e * 5 % 9, e * 3 % 5, 1.0 + e as f64))).unwrap()
    }

    #[test]
    fn rows_from_an_iterator_are_batches() {
        let a = example();
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
        // A source that fails leaves the batches before it as well.
        let failing = [Ok([(0, 1.0)]), Ok([(1, 1.0)]), Err(SsvdError::Structure("gone".into()))];
        assert!(one.try_extend_rows(failing, 2).is_err() && one.nrows() == 13);
    }

    #[test]
    fn columns_from_an_iterator_are_batches() {
        let a = example();
        let mut one = UpdatingSvd::start(&a.transpose().row_range(0..2).unwrap().transpose(), 2, Exact).unwrap();
        let mut two = one.clone();
        let turned = a.transpose();
        one.extend_columns((2..5).map(|j| turned.row(j)), 2).unwrap();
        for part in [2..4, 4..5] {
            two.add_columns(&turned.row_range(part).unwrap().transpose()).unwrap();
        }
        assert_eq!(one.svd(), two.svd());
        assert!(one.extend_columns([[(9, 1.0)]], 1).is_err() && one.ncols() == 5);
    }
}
