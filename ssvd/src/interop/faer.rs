//! `faer::sparse`, feature `faer-sparse`.

use faer::sparse::{SparseColMat, SparseRowMat, SymbolicSparseRowMat};

use crate::error::{Result, SsvdError};
use crate::sparse::Csr;

/// Moves the three vectors.
impl From<Csr> for SparseRowMat<usize, f64> {
    fn from(a: Csr) -> Self {
        let (rows, cols) = (a.nrows(), a.ncols());
        let (offsets, indices, values) = a.into_parts();
        SparseRowMat::new(
            SymbolicSparseRowMat::new_checked(rows, cols, offsets, None, indices),
            values,
        )
    }
}

/// Moves the three vectors of a matrix with sorted rows and no gaps; else sorts and adds duplicates. Errs when a value
/// is not finite.
impl TryFrom<SparseRowMat<usize, f64>> for Csr {
    type Error = SsvdError;

    fn try_from(a: SparseRowMat<usize, f64>) -> Result<Self> {
        let (rows, cols) = (a.nrows(), a.ncols());
        let (symbolic, values) = a.into_parts();
        let (_, _, offsets, lengths, indices) = symbolic.into_parts();
        from_lines((rows, cols), offsets, lengths, indices, values)
    }
}

/// Transposes, O(nnz); unsorted columns are sorted and duplicates added. Errs when a value is not finite.
impl TryFrom<SparseColMat<usize, f64>> for Csr {
    type Error = SsvdError;

    fn try_from(a: SparseColMat<usize, f64>) -> Result<Self> {
        let (rows, cols) = (a.nrows(), a.ncols());
        let (symbolic, values) = a.into_parts();
        let (_, _, offsets, lengths, indices) = symbolic.into_parts();
        Ok(from_lines((cols, rows), offsets, lengths, indices, values)?.transpose())
    }
}

/// Lines that may be unsorted, and shorter than their offsets say when `lengths` is given.
fn from_lines(
    (lines, width): (usize, usize),
    offsets: Vec<usize>,
    lengths: Option<Vec<usize>>,
    indices: Vec<usize>,
    values: Vec<f64>,
) -> Result<Csr> {
    let span = |i: usize| {
        let end = lengths.as_ref().map_or(offsets[i + 1], |l| offsets[i] + l[i]);
        offsets[i]..end
    };
    let tight = lengths.is_none() && offsets[lines] == values.len();
    if tight && (0..lines).all(|i| indices[span(i)].windows(2).all(|w| w[0] < w[1])) {
        return Csr::new(lines, width, offsets, indices, values);
    }
    let entries = (0..lines).flat_map(|i| span(i).map(move |at| (i, at)));
    Csr::from_triplets(lines, width, entries.map(|(i, at)| (i, indices[at], values[at])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interop::tests::{example, places};
    use faer::sparse::Triplet;

    #[test]
    fn rows_are_moved_and_columns_transposed() {
        let a = example();
        let before = places(&a);
        let there = SparseRowMat::from(a);
        let triplets: Vec<_> = example().triplets().map(|(i, j, x)| Triplet::new(i, j, x)).collect();
        let columns = SparseColMat::<usize, f64>::try_new_from_triplets(3, 4, &triplets).unwrap();
        let back = Csr::try_from(there).unwrap();
        assert_eq!((places(&back), &back), (before, &example()));
        assert_eq!(Csr::try_from(columns).unwrap(), example());
        // Rows with room to spare, and unsorted rows.
        let loose = SymbolicSparseRowMat::new_checked(2, 3, vec![0, 2, 4], Some(vec![1, 2]), vec![1, 2, 0, 2]);
        let loose = SparseRowMat::new(loose, vec![1.0, f64::NAN, 2.0, 3.0]);
        let expected = Csr::from_triplets(2, 3, [(0, 1, 1.0), (1, 0, 2.0), (1, 2, 3.0)]).unwrap();
        assert_eq!(Csr::try_from(loose).unwrap(), expected);
        let unsorted = SymbolicSparseRowMat::new_unsorted_checked(1, 3, vec![0, 2], None, vec![2, 0]);
        let sorted = Csr::from_triplets(1, 3, [(0, 0, 5.0), (0, 2, 4.0)]).unwrap();
        assert_eq!(
            Csr::try_from(SparseRowMat::new(unsorted, vec![4.0, 5.0])).unwrap(),
            sorted
        );
    }
}
