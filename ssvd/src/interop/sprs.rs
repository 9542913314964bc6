//! `sprs`, feature `sprs`.

use sprs::CsMat;

use crate::error::{Result, SsvdError};
use crate::sparse::Csr;

/// Moves the three vectors.
impl From<Csr> for CsMat<f64> {
    fn from(a: Csr) -> Self {
        let shape = (a.nrows(), a.ncols());
        let (offsets, indices, values) = a.into_parts();
        CsMat::new(shape, offsets, indices, values)
    }
}

/// Moves the three vectors of a matrix in compressed rows; transposes one in compressed columns. Errs when a value is
/// not finite.
impl TryFrom<CsMat<f64>> for Csr {
    type Error = SsvdError;

    fn try_from(a: CsMat<f64>) -> Result<Self> {
        let (rows, cols, by_rows) = (a.rows(), a.cols(), a.is_csr());
        let (offsets, indices, values) = a.into_raw_storage();
        if by_rows {
            Csr::new(rows, cols, offsets, indices, values)
        } else {
            Ok(Csr::new(cols, rows, offsets, indices, values)?.transpose())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interop::tests::{example, places};

    #[test]
    fn rows_are_moved_and_columns_transposed() {
        let a = example();
        let before = places(&a);
        let there = CsMat::from(a);
        assert_eq!((there.get(0, 3), there.get(1, 1)), (Some(&-1.0), None));
        let columns = there.to_csc();
        let back = Csr::try_from(there).unwrap();
        assert_eq!((places(&back), &back), (before, &example()));
        assert_eq!(Csr::try_from(columns).unwrap(), example());
        let nan = CsMat::new((1, 2), vec![0, 1], vec![1], vec![f64::NAN]);
        assert!(matches!(
            Csr::try_from(nan),
            Err(SsvdError::NotFinite { row: 0, col: 1, .. })
        ));
    }
}
