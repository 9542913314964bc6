//! Batches of matrices of one order in one contiguous buffer.

use nalgebra::{DMatrix, DMatrixView};
use rayon::prelude::*;

use crate::eigen::partial_fractions::Fractional;
use crate::eigen::{self, BatchEigen};
use crate::error::{Error, Result};
use crate::spd::{self, Spd};

/// N symmetric matrices of order d: tangent vectors, logarithms.
#[derive(Debug, Clone, PartialEq)]
pub struct SymBatch {
    order: usize,
    data: Vec<f64>,
}

/// N SPD matrices of order d, validated once.
#[derive(Debug, Clone, PartialEq)]
pub struct SpdBatch(SymBatch);

impl SymBatch {
    /// Validates `data`: N blocks of d·d entries, each a symmetric matrix.
    ///
    /// # Errors
    /// [`Error::Empty`] for order 0, [`Error::DimensionMismatch`] when the length is no multiple of d²,
    /// [`Error::NonFinite`] and [`Error::NotSymmetric`] with the index of the matrix.
    pub fn try_from_vec(order: usize, mut data: Vec<f64>) -> Result<Self> {
        let size = checked_block(order, data.len())?;
        for (index, block) in data.chunks_exact_mut(size).enumerate() {
            let mut matrix = DMatrix::from_column_slice(order, order, block);
            spd::validate_symmetric(&mut matrix, index)?;
            block.copy_from_slice(matrix.as_slice());
        }
        Ok(Self { order, data })
    }

    /// Wraps data that is symmetric by construction.
    pub(crate) fn from_vec_unchecked(order: usize, data: Vec<f64>) -> Self {
        Self { order, data }
    }

    /// Order d of the matrices.
    pub fn order(&self) -> usize {
        self.order
    }

    /// Number N of matrices.
    pub fn len(&self) -> usize {
        self.data.len() / (self.order * self.order)
    }

    /// Whether there is no matrix.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// All entries, matrix after matrix.
    pub fn as_slice(&self) -> &[f64] {
        &self.data
    }

    /// Gives all entries back, matrix after matrix.
    pub fn into_vec(self) -> Vec<f64> {
        self.data
    }

    /// Matrix `index`, borrowed. Panics when `index >= len()`, as slices do.
    pub fn matrix(&self, index: usize) -> DMatrixView<'_, f64> {
        let size = self.order * self.order;
        DMatrixView::from_slice(&self.data[index * size..(index + 1) * size], self.order, self.order)
    }

    /// The matrices in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = DMatrixView<'_, f64>> {
        (0..self.len()).map(|index| self.matrix(index))
    }

    /// The entries of each matrix.
    pub(crate) fn entries(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.data.chunks_exact((self.order * self.order).max(1))
    }

    /// f(A) = P diag(f(d)) Pᵀ of all matrices. O(N d³), side by side in vector lanes and threads.
    pub fn map(&self, f: impl Fn(f64) -> f64 + Sync) -> Self {
        Self::from_vec_unchecked(self.order, eigen::batch::map(self.order, &self.data, &f))
    }

    /// exp A of all matrices, which is SPD unless it overflows or underflows. Cost as [`Self::map`].
    ///
    /// # Errors
    /// [`Error::NonFinite`] or [`Error::NotPositiveDefinite`] with the index of the matrix whose exponential is out of
    /// the range of numbers.
    pub fn exp(&self) -> Result<SpdBatch> {
        SpdBatch::try_from_vec(self.order, self.map(f64::exp).data)
    }

    /// Eigenvalues, N·d of them, ascending within a matrix. O(N d³).
    pub fn eigenvalues(&self) -> Vec<f64> {
        eigen::batch::values(self.order, &self.data)
    }

    /// Eigendecompositions. O(N d³).
    pub fn eigen(&self) -> BatchEigen {
        eigen::batch::eigen(self.order, &self.data)
    }
}

impl SpdBatch {
    /// Validates `data`: N blocks of d·d entries, each an SPD matrix (row- or column-major is the same). O(N d³/3).
    ///
    /// # Errors
    /// As [`SymBatch::try_from_vec`], and [`Error::NotPositiveDefinite`] with the index of the matrix and the pivot.
    pub fn try_from_vec(order: usize, data: Vec<f64>) -> Result<Self> {
        let batch = SymBatch::try_from_vec(order, data)?;
        for (index, matrix) in batch.iter().enumerate() {
            spd::cholesky(&matrix.into_owned(), index)?;
        }
        Ok(Self(batch))
    }

    /// Validates matrices of one order.
    ///
    /// # Errors
    /// As [`Self::try_from_vec`]; [`Error::Empty`] when there is no matrix (the order would be unknown).
    pub fn try_from_matrices(matrices: &[DMatrix<f64>]) -> Result<Self> {
        let order = matrices.first().ok_or(Error::Empty { what: "batch" })?.nrows();
        let mut data = Vec::with_capacity(matrices.len() * order * order);
        for (index, matrix) in matrices.iter().enumerate() {
            let (rows, columns) = matrix.shape();
            if rows != columns {
                return Err(Error::NotSquare { index, rows, columns });
            }
            if rows != order {
                return Err(Error::DimensionMismatch {
                    what: "order of a matrix in the batch",
                    expected: order,
                    found: rows,
                });
            }
            data.extend_from_slice(matrix.as_slice());
        }
        Self::try_from_vec(order, data)
    }

    /// Wraps data that is SPD by construction.
    pub(crate) fn from_vec_unchecked(order: usize, data: Vec<f64>) -> Self {
        Self(SymBatch::from_vec_unchecked(order, data))
    }

    /// Order d of the matrices.
    pub fn order(&self) -> usize {
        self.0.order
    }

    /// Number N of matrices.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no matrix.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All entries, matrix after matrix.
    pub fn as_slice(&self) -> &[f64] {
        self.0.as_slice()
    }

    /// Gives all entries back, matrix after matrix.
    pub fn into_vec(self) -> Vec<f64> {
        self.0.into_vec()
    }

    /// Matrix `index`, borrowed. Panics when `index >= len()`, as slices do.
    pub fn matrix(&self, index: usize) -> DMatrixView<'_, f64> {
        self.0.matrix(index)
    }

    /// The matrices in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = DMatrixView<'_, f64>> {
        self.0.iter()
    }

    /// The entries of each matrix.
    pub(crate) fn entries(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.0.entries()
    }

    /// Matrix `index` as an [`Spd`] of its own. Panics when `index >= len()`, as slices do.
    pub fn get(&self, index: usize) -> Spd {
        Spd::try_new_at(self.matrix(index).into_owned(), index).expect("a batch holds validated matrices")
    }

    /// Lower Cholesky factors, threads over matrices.
    pub(crate) fn factors(&self) -> Vec<DMatrix<f64>> {
        (0..self.len())
            .into_par_iter()
            .map(|index| {
                let matrix = self.matrix(index).into_owned();
                spd::cholesky(&matrix, index).expect("a batch holds validated matrices")
            })
            .collect()
    }

    /// f of every matrix with its factor, threads over matrices; the error is that of the first one that has one.
    pub(crate) fn try_points(&self, f: impl Fn(&Spd) -> Result<Spd> + Sync) -> Result<Vec<Spd>> {
        let points = (0..self.len()).into_par_iter().map(|index| f(&self.get(index)));
        points.collect::<Vec<_>>().into_iter().collect()
    }

    /// f of every matrix.
    pub(crate) fn try_map(&self, f: impl Fn(&Spd) -> Result<Spd> + Sync) -> Result<Self> {
        let mut images = Vec::with_capacity(self.as_slice().len());
        for image in self.try_points(f)? {
            images.extend_from_slice(image.matrix().as_slice());
        }
        Self::try_from_vec(self.order(), images)
    }

    /// The matrices at `indices`, in that order. Panics when an index is out of range, as slices do.
    pub fn select(&self, indices: &[usize]) -> Self {
        let mut data = Vec::with_capacity(indices.len() * self.order() * self.order());
        let size = self.order() * self.order();
        for &index in indices {
            data.extend_from_slice(&self.as_slice()[index * size..(index + 1) * size]);
        }
        Self::from_vec_unchecked(self.order(), data)
    }

    /// log A = P diag(log d) Pᵀ of all matrices. O(N d³), side by side in vector lanes and threads.
    ///
    /// From order 6 to 256 (above 128 from three matrices on) without eigenvectors: Householder's reduction to tridiagonal
    /// form, partial fractions of the logarithm there, and back, about 4 d³ flops a matrix where a decomposition takes 12 d³.
    pub fn log(&self) -> SymBatch {
        self.fractional(Fractional::Log)
    }

    /// Σ wᵢ log(Aᵢ/unit) over pairs of an index and its weight, `unit` a power of two. The order of the terms depends on no
    /// thread.
    pub(crate) fn logarithm_sum(&self, weights: &[(usize, f64)], unit: f64) -> DMatrix<f64> {
        let (order, size) = (self.order(), self.order() * self.order());
        let logarithms = |data| Self::from_vec_unchecked(order, data).log();
        if eigen::batch::FRACTIONAL_ORDERS.contains(&order) {
            let single = |matrix| logarithms(matrix).matrix(0).into_owned();
            return eigen::weighted::logarithms(order, self.as_slice(), weights, unit, single);
        }
        let sums = weights.par_chunks(eigen::weighted::SUMMED).map(|chunk| {
            let matrices = chunk
                .iter()
                .flat_map(|(index, _)| &self.as_slice()[index * size..][..size]);
            let logs = logarithms(matrices.map(|x| x / unit).collect());
            let mut sum = DMatrix::zeros(order, order);
            for (log, (_, weight)) in logs.iter().zip(chunk) {
                sum += log * *weight;
            }
            sum
        });
        eigen::weighted::in_order(order, &sums.collect::<Vec<_>>())
    }

    fn fractional(&self, f: Fractional) -> SymBatch {
        let data = eigen::batch::fractional(self.order(), self.as_slice(), f);
        self.repaired(SymBatch::from_vec_unchecked(self.order(), data), |x| f.of(x))
    }

    /// A^½ of all matrices. Cost as [`Self::log`].
    ///
    /// # Errors
    /// [`Error::NotPositiveDefinite`] with the index of a matrix whose image is not, to rounding.
    pub fn sqrt(&self) -> Result<Self> {
        self.fractional(Fractional::Sqrt).try_into()
    }

    /// A^{-½} of all matrices. Cost as [`Self::log`].
    ///
    /// # Errors
    /// As [`Self::sqrt`].
    pub fn inv_sqrt(&self) -> Result<Self> {
        self.fractional(Fractional::InverseSqrt).try_into()
    }

    /// A^p of all matrices for real p. Cost as [`Self::log`].
    ///
    /// # Errors
    /// As [`Self::sqrt`], and [`Error::NonFinite`] for powers that overflow.
    ///
    /// ```
    /// use hadamard_geometry::SpdBatch;
    /// use nalgebra::dmatrix;
    ///
    /// let batch = SpdBatch::try_from_matrices(&[dmatrix![2.0, 1.0; 1.0, 3.0]])?;
    /// assert!((batch.pow(2.0)?.matrix(0) - dmatrix![5.0, 5.0; 5.0, 10.0]).norm() < 1e-14);
    /// # Ok::<(), hadamard_geometry::Error>(())
    /// ```
    pub fn pow(&self, p: f64) -> Result<Self> {
        self.positive_map(|d| d.powf(p)).try_into()
    }

    /// f of all matrices for a function of positive numbers: an eigenvalue that rounding has made negative is taken from
    /// the Cholesky factor instead, as [`Spd::eigen`] does.
    fn positive_map(&self, f: impl Fn(f64) -> f64 + Sync) -> SymBatch {
        self.repaired(self.0.map(&f), f)
    }

    fn repaired(&self, mut images: SymBatch, f: impl Fn(f64) -> f64 + Sync) -> SymBatch {
        let size = self.order() * self.order();
        for (index, image) in images.data.chunks_exact_mut(size).enumerate() {
            // An image of an eigenvalue that is no number makes every entry none: it enters all of them with some factor.
            if !image[0].is_finite()
                && let Ok(factor) = spd::cholesky(&self.matrix(index).into_owned(), index)
            {
                image.copy_from_slice(spd::eigen_of_factor(&factor).map(&f).as_slice());
            }
        }
        images
    }

    /// Eigenvalues, N·d of them, ascending within a matrix. O(N d³).
    pub fn eigenvalues(&self) -> Vec<f64> {
        self.0.eigenvalues()
    }

    /// Eigendecompositions. O(N d³).
    pub fn eigen(&self) -> BatchEigen {
        self.0.eigen()
    }
}

impl TryFrom<SymBatch> for SpdBatch {
    type Error = Error;

    /// The same matrices, if all are positive definite.
    fn try_from(batch: SymBatch) -> Result<Self> {
        Self::try_from_vec(batch.order, batch.data)
    }
}

/// d² after checking that `len` is a multiple of it.
fn checked_block(order: usize, len: usize) -> Result<usize> {
    if order == 0 {
        return Err(Error::Empty { what: "matrix" });
    }
    let size = order * order;
    if !len.is_multiple_of(size) {
        return Err(Error::DimensionMismatch {
            what: "length of the batch buffer modulo d²",
            expected: 0,
            found: len % size,
        });
    }
    Ok(size)
}
