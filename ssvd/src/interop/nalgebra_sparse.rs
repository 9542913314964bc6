//! `nalgebra-sparse`, feature `nalgebra-sparse`.

use nalgebra_sparse::{CooMatrix, CscMatrix, CsrMatrix};

use crate::error::{Result, SsvdError};
use crate::sparse::Csr;

/// Moves the three vectors. Errs only if `nalgebra-sparse` came to ask more of a matrix than this crate does.
impl TryFrom<Csr> for CsrMatrix<f64> {
    type Error = SsvdError;

    fn try_from(a: Csr) -> Result<Self> {
        let (rows, cols) = (a.nrows(), a.ncols());
        let (offsets, indices, values) = a.into_parts();
        CsrMatrix::try_from_csr_data(rows, cols, offsets, indices, values)
            .map_err(|error| SsvdError::Structure(error.to_string()))
    }
}

/// Moves the three vectors. Errs when a value is not finite.
impl TryFrom<CsrMatrix<f64>> for Csr {
    type Error = SsvdError;

    fn try_from(a: CsrMatrix<f64>) -> Result<Self> {
        let (rows, cols) = (a.nrows(), a.ncols());
        let (offsets, indices, values) = a.disassemble();
        Csr::new(rows, cols, offsets, indices, values)
    }
}

/// Transposes, O(nnz). Errs when a value is not finite.
impl TryFrom<CscMatrix<f64>> for Csr {
    type Error = SsvdError;

    fn try_from(a: CscMatrix<f64>) -> Result<Self> {
        let (rows, cols) = (a.nrows(), a.ncols());
        let (offsets, indices, values) = a.disassemble();
        Ok(Csr::new(cols, rows, offsets, indices, values)?.transpose())
    }
}

/// Sorts the entries and adds duplicates. Errs when a value is not finite.
impl TryFrom<&CooMatrix<f64>> for Csr {
    type Error = SsvdError;

    fn try_from(a: &CooMatrix<f64>) -> Result<Self> {
        Csr::from_triplets(a.nrows(), a.ncols(), a.triplet_iter().map(|(i, j, x)| (i, j, *x)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interop::tests::{example, places};

    #[test]
    fn rows_are_moved_columns_transposed_and_triplets_added() {
        let a = example();
        let before = places(&a);
        let there = CsrMatrix::try_from(a).unwrap();
        let columns = CscMatrix::from(&there);
        let back = Csr::try_from(there).unwrap();
        assert_eq!((places(&back), &back), (before, &example()));
        assert_eq!(Csr::try_from(columns).unwrap(), example());
        let coo = CooMatrix::try_from_triplets(2, 2, vec![1, 0, 1], vec![0, 1, 0], vec![1.0, 2.0, 3.0]).unwrap();
        let added = Csr::from_triplets(2, 2, [(0, 1, 2.0), (1, 0, 4.0)]).unwrap();
        assert_eq!(Csr::try_from(&coo).unwrap(), added);
        let infinite = CsrMatrix::try_from_csr_data(1, 2, vec![0, 1], vec![1], vec![f64::INFINITY]).unwrap();
        assert!(matches!(
            Csr::try_from(infinite),
            Err(SsvdError::NotFinite { row: 0, col: 1, .. })
        ));
    }
}
