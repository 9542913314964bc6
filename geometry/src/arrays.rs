//! Arrays of the `ndarray` crate in and out: N × d × d for batches, d × d for single matrices.

use ndarray::{Array2, Array3, ArrayView2, ArrayView3};

use crate::batch::{SpdBatch, SymBatch};
use crate::error::{Error, Result};
use crate::spd::Spd;

/// The order and the entries of N × d × d numbers, moved where they lie in order and copied otherwise.
fn entries(array: Array3<f64>) -> Result<(usize, Vec<f64>)> {
    let (count, rows, columns) = array.dim();
    if rows != columns {
        return Err(Error::NotSquare {
            index: 0,
            rows,
            columns,
        });
    }
    let size = count * rows * columns;
    if !array.is_standard_layout() {
        return Ok((rows, array.iter().copied().collect()));
    }
    let (mut data, offset) = array.into_raw_vec_and_offset();
    // A slice of a larger array keeps the whole of its memory.
    data.drain(..offset.unwrap_or(0));
    data.truncate(size);
    Ok((rows, data))
}

/// N × d × d, borrowed.
fn view(order: usize, data: &[f64]) -> ArrayView3<'_, f64> {
    let count = data.len() / (order * order);
    ArrayView3::from_shape((count, order, order), data).expect("a batch has N blocks of d·d entries")
}

/// Symmetric matrices: row- and column-major are the same.
fn array(order: usize, data: Vec<f64>) -> Array3<f64> {
    let count = data.len() / (order * order);
    Array3::from_shape_vec((count, order, order), data).expect("a batch has N blocks of d·d entries")
}

impl SymBatch {
    /// Validates an array N × d × d; takes its memory over when it is in standard layout. Feature `ndarray`.
    ///
    /// # Errors
    /// [`Error::NotSquare`]; as [`Self::try_from_vec`].
    pub fn try_from_array(array: Array3<f64>) -> Result<Self> {
        let (order, data) = entries(array)?;
        Self::try_from_vec(order, data)
    }

    /// The batch as N × d × d, without copying. Feature `ndarray`.
    pub fn as_array(&self) -> ArrayView3<'_, f64> {
        view(self.order(), self.as_slice())
    }

    /// The batch as N × d × d, without copying. Feature `ndarray`.
    pub fn into_array(self) -> Array3<f64> {
        array(self.order(), self.into_vec())
    }
}

impl SpdBatch {
    /// Validates an array N × d × d of SPD matrices; takes its memory over when it is in standard layout. Feature
    /// `ndarray`.
    ///
    /// # Errors
    /// [`Error::NotSquare`]; as [`Self::try_from_vec`].
    ///
    /// ```
    /// use hadamard_geometry::SpdBatch;
    /// use ndarray::array;
    ///
    /// let batch = SpdBatch::try_from_array(array![[[2.0, 1.0], [1.0, 3.0]], [[1.0, 0.0], [0.0, 5.0]]])?;
    /// let log = batch.log();
    /// assert_eq!(log.as_array().dim(), (2, 2, 2));
    /// assert!((log.as_array()[[1, 1, 1]] - 5.0_f64.ln()).abs() < 1e-15);
    /// # Ok::<(), hadamard_geometry::Error>(())
    /// ```
    pub fn try_from_array(array: Array3<f64>) -> Result<Self> {
        let (order, data) = entries(array)?;
        Self::try_from_vec(order, data)
    }

    /// The batch as N × d × d, without copying. Feature `ndarray`.
    pub fn as_array(&self) -> ArrayView3<'_, f64> {
        view(self.order(), self.as_slice())
    }

    /// The batch as N × d × d, without copying. Feature `ndarray`.
    pub fn into_array(self) -> Array3<f64> {
        array(self.order(), self.into_vec())
    }
}

impl TryFrom<Array3<f64>> for SpdBatch {
    type Error = Error;

    fn try_from(array: Array3<f64>) -> Result<Self> {
        Self::try_from_array(array)
    }
}

impl Spd {
    /// Validates a matrix of any layout. Feature `ndarray`.
    ///
    /// # Errors
    /// As [`Self::try_new`].
    pub fn try_from_array(array: ArrayView2<'_, f64>) -> Result<Self> {
        let (rows, columns) = array.dim();
        Self::try_new(nalgebra::DMatrix::from_row_iterator(
            rows,
            columns,
            array.iter().copied(),
        ))
    }

    /// The matrix, without copying. Feature `ndarray`.
    pub fn as_array(&self) -> ArrayView2<'_, f64> {
        let n = self.order();
        ArrayView2::from_shape((n, n), self.matrix().as_slice()).expect("a matrix has n·n entries")
    }

    /// A copy of the matrix. Feature `ndarray`.
    pub fn to_array(&self) -> Array2<f64> {
        self.as_array().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Axis, array, s};

    #[test]
    fn memory_is_taken_over_and_lent() {
        let arrays = Array3::from_shape_fn(
            (4, 3, 3),
            |(k, i, j)| {
                if i == j { 2.0 + k as f64 } else { 0.25 * (i + j) as f64 }
            },
        );
        let start = arrays.as_ptr();
        let batch = SpdBatch::try_from_array(arrays.clone()).unwrap();
        assert_eq!(batch.as_array(), arrays);
        assert_eq!(batch.into_array(), arrays);
        let batch = SpdBatch::try_from_array(arrays.clone()).unwrap();
        let lent = batch.as_array().as_ptr();
        assert_eq!(lent, batch.as_slice().as_ptr());
        let moved = SpdBatch::try_from_array(arrays).unwrap();
        assert_eq!(moved.as_slice().as_ptr(), start);
        assert_eq!(moved.into_array().as_ptr(), start);
    }

    #[test]
    fn slices_and_permuted_axes_are_copied() {
        let arrays = Array3::from_shape_fn(
            (4, 3, 3),
            |(k, i, j)| {
                if i == j { 2.0 + k as f64 } else { 0.25 * (i + j) as f64 }
            },
        );
        let middle = SpdBatch::try_from_array(arrays.clone().slice_move(s![1..3, .., ..])).unwrap();
        assert_eq!(middle.as_array(), arrays.slice(s![1..3, .., ..]));
        let every_other = SpdBatch::try_from_array(arrays.slice(s![..;2, .., ..]).to_owned()).unwrap();
        assert_eq!(every_other.len(), 2);
        // channels x channels x N, as some Python code keeps them.
        let last = arrays
            .clone()
            .permuted_axes([1, 2, 0])
            .as_standard_layout()
            .into_owned();
        let back = SpdBatch::try_from_array(last.permuted_axes([2, 0, 1])).unwrap();
        assert_eq!(back.as_array(), arrays);
        let one = Spd::try_from_array(arrays.index_axis(Axis(0), 2)).unwrap();
        assert_eq!(one.to_array(), arrays.index_axis(Axis(0), 2));
    }

    #[test]
    fn bad_arrays_are_errors() {
        assert!(matches!(
            SpdBatch::try_from_array(Array3::zeros((2, 2, 3))),
            Err(Error::NotSquare {
                rows: 2,
                columns: 3,
                ..
            })
        ));
        assert!(matches!(
            SpdBatch::try_from_array(Array3::zeros((2, 0, 0))),
            Err(Error::Empty { .. })
        ));
        assert!(SpdBatch::try_from_array(Array3::zeros((0, 3, 3))).unwrap().is_empty());
        let bad = array![[[1.0, 0.0], [0.0, 1.0]], [[1.0, 2.0], [2.0, 1.0]]];
        assert!(matches!(
            SpdBatch::try_from_array(bad.clone()),
            Err(Error::NotPositiveDefinite { index: 1, pivot: 1, .. })
        ));
        assert!(SymBatch::try_from_array(bad).is_ok());
        assert!(Spd::try_from_array(array![[1.0, 2.0]].view()).is_err());
    }
}
