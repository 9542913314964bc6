//! The sparse matrix: compressed rows, validated once.

use std::ops::Range;

use nalgebra::DMatrix;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::{Result, SsvdError};
use crate::operator::Operator;
use crate::packed::Packed;
use crate::simd::{self, Kernel};

/// A sparse matrix in compressed rows: finite values, columns strictly ascending within each row.
///
/// Indices are `usize`, as in `nalgebra-sparse` and `sprs`, so that their vectors can be moved in and out without a
/// copy ([`Csr::new`], [`Csr::into_parts`]).
///
/// ```
/// use hadamard_ssvd::Csr;
/// let a = Csr::from_triplets(2, 3, [(0, 1, 2.0), (1, 2, 5.0), (0, 1, 1.0)])?;
/// assert_eq!(a.nnz(), 2); // duplicates are added
/// assert_eq!(a.row(0).collect::<Vec<_>>(), [(1, 3.0)]);
/// # Ok::<(), hadamard_ssvd::SsvdError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Csr {
    rows: usize,
    cols: usize,
    offsets: Vec<usize>,
    indices: Vec<usize>,
    values: Vec<f64>,
}

impl Csr {
    /// Takes over row offsets (`rows + 1`), column indices and values.
    ///
    /// Errs when the offsets do not fit, a column is outside, the columns of a row are not strictly ascending
    /// ([`Csr::from_triplets`] sorts and adds duplicates) or a value is not finite. Cost O(nnz).
    pub fn new(rows: usize, cols: usize, offsets: Vec<usize>, indices: Vec<usize>, values: Vec<f64>) -> Result<Self> {
        let broken = |text: String| Err(SsvdError::Structure(text));
        if Some(offsets.len()) != rows.checked_add(1) {
            return broken(format!("{} row offsets for {rows} rows", offsets.len()));
        }
        if indices.len() != values.len() {
            return broken(format!("{} column indices for {} values", indices.len(), values.len()));
        }
        if offsets[0] != 0 || offsets[rows] != values.len() {
            return broken(format!(
                "offsets run from {} to {}, values to {}",
                offsets[0],
                offsets[rows],
                values.len()
            ));
        }
        if let Some(row) = (0..rows).find(|&i| offsets[i] > offsets[i + 1]) {
            return broken(format!("the offsets of row {row} run backwards"));
        }
        for row in 0..rows {
            let span = offsets[row]..offsets[row + 1];
            for at in span.clone() {
                let (col, value) = (indices[at], values[at]);
                if col >= cols {
                    return Err(SsvdError::IndexOutOfRange {
                        what: "sparse matrix",
                        row,
                        col,
                        rows,
                        cols,
                    });
                }
                if at > span.start && indices[at - 1] >= col {
                    return broken(format!(
                        "the columns of row {row} are not strictly ascending at column {col}"
                    ));
                }
                if !value.is_finite() {
                    return Err(SsvdError::NotFinite {
                        what: "sparse matrix",
                        row,
                        col,
                        value,
                    });
                }
            }
        }
        Ok(Self {
            rows,
            cols,
            offsets,
            indices,
            values,
        })
    }

    /// Builds a matrix from (row, column, value) in any order; duplicates are added.
    ///
    /// Errs at the first entry outside the shape or not finite, and when an offset for each row does not fit into memory.
    /// Cost O(nnz log nnz).
    pub fn from_triplets(
        rows: usize,
        cols: usize,
        triplets: impl IntoIterator<Item = (usize, usize, f64)>,
    ) -> Result<Self> {
        let mut all: Vec<(usize, usize, f64)> = triplets.into_iter().collect();
        let what = "triplets";
        check_entries(what, &all, rows, cols)?;
        all.sort_by_key(|&(row, col, _)| (row, col)); // stable: duplicates are added in the order given
        let mut offsets = row_offsets(rows)?;
        let (mut indices, mut values) = (Vec::with_capacity(all.len()), Vec::<f64>::with_capacity(all.len()));
        let mut last = None;
        for (row, col, value) in all {
            if let Some(sum) = values.last_mut().filter(|_| last == Some((row, col))) {
                *sum += value;
                if !sum.is_finite() {
                    return Err(SsvdError::NotFinite {
                        what,
                        row,
                        col,
                        value: *sum,
                    });
                }
            } else {
                indices.push(col);
                values.push(value);
                offsets[row + 1] += 1;
                last = Some((row, col));
            }
        }
        for row in 0..rows {
            offsets[row + 1] += offsets[row];
        }
        Ok(Self {
            rows,
            cols,
            offsets,
            indices,
            values,
        })
    }

    /// The non-zero entries of a dense matrix. Errs when an entry is not finite.
    pub fn from_dense(a: &DMatrix<f64>) -> Result<Self> {
        let entries = (0..a.nrows()).flat_map(|i| (0..a.ncols()).map(move |j| (i, j, a[(i, j)])));
        Self::from_triplets(a.nrows(), a.ncols(), entries.filter(|e| e.2 != 0.0))
    }

    /// A matrix without entries.
    ///
    /// # Panics
    /// When an offset for each row does not fit into memory; [`Csr::from_triplets`] errs.
    pub fn zeros(rows: usize, cols: usize) -> Self {
        Self {
            rows,
            cols,
            offsets: vec![0; rows + 1],
            indices: Vec::new(),
            values: Vec::new(),
        }
    }

    /// Number of rows.
    pub fn nrows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn ncols(&self) -> usize {
        self.cols
    }

    /// Number of stored entries.
    pub fn nnz(&self) -> usize {
        self.values.len()
    }

    /// The (column, value) pairs of row `i`.
    ///
    /// # Panics
    /// When `i` is not a row.
    pub fn row(&self, i: usize) -> impl ExactSizeIterator<Item = (usize, f64)> + '_ {
        let span = self.offsets[i]..self.offsets[i + 1];
        self.indices[span.clone()]
            .iter()
            .copied()
            .zip(self.values[span].iter().copied())
    }

    /// All entries as (row, column, value), row by row.
    pub fn triplets(&self) -> impl Iterator<Item = (usize, usize, f64)> + '_ {
        (0..self.rows).flat_map(move |i| self.row(i).map(move |(j, x)| (i, j, x)))
    }

    /// A block of consecutive rows as a matrix of its own. Errs when the range leaves the matrix.
    pub fn row_range(&self, range: Range<usize>) -> Result<Self> {
        if range.start > range.end || range.end > self.rows {
            return Err(SsvdError::Shape {
                what: "row range",
                expected: format!("at least {} rows", range.end.max(range.start)),
                rows: self.rows,
                cols: self.cols,
            });
        }
        let from = self.offsets[range.start];
        let span = from..self.offsets[range.end];
        Ok(Self {
            rows: range.len(),
            cols: self.cols,
            offsets: self.offsets[range.start..=range.end].iter().map(|o| o - from).collect(),
            indices: self.indices[span.clone()].to_vec(),
            values: self.values[span].to_vec(),
        })
    }

    /// The transpose. Cost O(nnz + rows + columns).
    ///
    /// # Panics
    /// When an offset for each column does not fit into memory; [`Csr::try_transpose`] errs.
    pub fn transpose(&self) -> Self {
        self.try_transpose()
            .expect("an offset for each column fits into memory")
    }

    /// The transpose. Errs when an offset for each column does not fit into memory: a matrix in compressed rows may have
    /// any number of columns. Cost O(nnz + rows + columns).
    pub fn try_transpose(&self) -> Result<Self> {
        let mut offsets = row_offsets(self.cols)?;
        for &j in &self.indices {
            offsets[j + 1] += 1;
        }
        for j in 0..self.cols {
            offsets[j + 1] += offsets[j];
        }
        let mut next = offsets.clone();
        let (mut indices, mut values) = (vec![0; self.nnz()], vec![0.0; self.nnz()]);
        for (i, j, x) in self.triplets() {
            indices[next[j]] = i;
            values[next[j]] = x;
            next[j] += 1;
        }
        Ok(Self {
            rows: self.cols,
            cols: self.rows,
            offsets,
            indices,
            values,
        })
    }

    /// ||A||_F, for entries of any size.
    pub fn norm(&self) -> f64 {
        crate::scaling::norm(&self.values)
    }

    /// ||A||_F^2, the sum of the squared entries; infinite or 0 when those leave the range of f64.
    pub fn norm_squared(&self) -> f64 {
        self.values.iter().map(|x| x * x).sum()
    }

    /// The same matrix with every entry multiplied by `factor`. Errs when an entry leaves the range of `f64`.
    pub fn scaled(&self, factor: f64) -> Result<Self> {
        let values = self.values.iter().map(|x| x * factor).collect();
        Self::new(self.rows, self.cols, self.offsets.clone(), self.indices.clone(), values)
    }

    /// The matrix as a dense one.
    pub fn to_dense(&self) -> DMatrix<f64> {
        let mut dense = DMatrix::zeros(self.rows, self.cols);
        for (i, j, x) in self.triplets() {
            dense[(i, j)] = x;
        }
        dense
    }

    /// Row offsets, column indices and values.
    pub fn parts(&self) -> (&[usize], &[usize], &[f64]) {
        (&self.offsets, &self.indices, &self.values)
    }

    /// Row offsets, column indices and values, without a copy.
    pub fn into_parts(self) -> (Vec<usize>, Vec<usize>, Vec<f64>) {
        (self.offsets, self.indices, self.values)
    }

    /// Bytes held.
    pub fn memory(&self) -> usize {
        size_of::<usize>() * (self.offsets.len() + self.indices.len()) + size_of::<f64>() * self.values.len()
    }

    fn multiply(&self, x: &[f64], width: usize, y: &mut [f64]) {
        if width == 0 || self.rows == 0 {
            return;
        }
        // Blocks of rows, each row by one thread in a fixed order: the same bits for any number of threads.
        let run = |(task, y): (usize, &mut [f64])| {
            let first = task * ROWS_PER_TASK;
            match width {
                1 => simd::run(Rows::<1> { a: self, first, x, y }),
                2 => simd::run(Rows::<2> { a: self, first, x, y }),
                4 => simd::run(Rows::<4> { a: self, first, x, y }),
                8 => simd::run(Rows::<8> { a: self, first, x, y }),
                16 => simd::run(Rows::<16> { a: self, first, x, y }),
                64 => simd::run(Rows::<64> { a: self, first, x, y }),
                32 => simd::run(Rows::<32> { a: self, first, x, y }),
                _ => simd::run(AnyRows {
                    a: self,
                    first,
                    width,
                    x,
                    y,
                }),
            }
        };
        if (self.nnz() + self.rows) * width < WORTH_A_THREAD {
            y.chunks_mut(ROWS_PER_TASK * width).enumerate().for_each(run);
        } else {
            // Tasks one by one, because a few of them may hold most of the entries.
            let tasks = y.par_chunks_mut(ROWS_PER_TASK * width).enumerate().with_max_len(1);
            tasks.for_each(run);
        }
    }
}

/// Rows `first..` of A X for blocks of `W` vectors.
struct Rows<'a, const W: usize> {
    a: &'a Csr,
    first: usize,
    x: &'a [f64],
    y: &'a mut [f64],
}

impl<const W: usize> Kernel for Rows<'_, W> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let x = self.x.as_chunks::<W>().0;
        let offsets = &self.a.offsets[self.first..];
        for (span, y) in offsets.windows(2).zip(self.y.as_chunks_mut::<W>().0) {
            let span = span[0]..span[1];
            let mut sum = [0.0; W];
            for (&j, &a) in self.a.indices[span.clone()].iter().zip(&self.a.values[span]) {
                let x = &x[j];
                for c in 0..W {
                    sum[c] += a * x[c];
                }
            }
            *y = sum;
        }
    }
}

/// Rows `first..` of A X for blocks of any width.
struct AnyRows<'a> {
    a: &'a Csr,
    first: usize,
    width: usize,
    x: &'a [f64],
    y: &'a mut [f64],
}

impl Kernel for AnyRows<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let width = self.width;
        for (i, y) in self.y.chunks_exact_mut(width).enumerate() {
            y.fill(0.0);
            for (j, a) in self.a.row(self.first + i) {
                for (y, x) in y.iter_mut().zip(&self.x[j * width..(j + 1) * width]) {
                    *y += a * x;
                }
            }
        }
    }
}

/// Y += A^T X, row after row of A.
struct Scatter<'a> {
    a: &'a Csr,
    width: usize,
    x: &'a [f64],
    y: &'a mut [f64],
}

impl Kernel for Scatter<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let width = self.width;
        for (i, x) in self.x.chunks_exact(width).enumerate() {
            for (j, a) in self.a.row(i) {
                for (y, x) in self.y[j * width..(j + 1) * width].iter_mut().zip(x) {
                    *y += a * x;
                }
            }
        }
    }
}

const ROWS_PER_TASK: usize = 1024;

/// Products of numbers below which waking threads costs more than they save.
const WORTH_A_THREAD: usize = 1 << 16;

impl Operator for Csr {
    fn nrows(&self) -> usize {
        self.rows
    }

    fn ncols(&self) -> usize {
        self.cols
    }

    fn apply(&self, x: &[f64], width: usize, y: &mut [f64]) {
        self.multiply(x, width, y);
    }

    fn apply_transpose(&self, x: &[f64], width: usize, y: &mut [f64]) {
        y.fill(0.0);
        if width == 0 {
            return;
        }
        simd::run(Scatter { a: self, width, x, y });
    }
}

/// A sparse matrix with its transpose, ready for fast products with both on all threads.
///
/// Holds the [`Csr`] and, for the products, both directions with indices of four bytes and values as narrow as they are
/// exact: none when all are equal, four bytes when single precision holds them, eight otherwise. Symmetric matrices hold
/// one direction.
#[derive(Debug, Clone, PartialEq)]
pub struct CsrCsc {
    rows: Csr,
    products: Products,
}

#[derive(Debug, Clone, PartialEq)]
enum Products {
    /// A, and A^T unless it is the same.
    Packed(Box<(Packed, Option<Packed>)>),
    /// The transpose, where indices need more than four bytes.
    Columns(Csr),
}

impl From<Csr> for CsrCsc {
    /// # Panics
    /// When an offset for each column does not fit into memory; [`CsrCsc::new`] errs.
    fn from(rows: Csr) -> Self {
        Self::new(rows).expect("an offset for each column fits into memory")
    }
}

impl CsrCsc {
    /// Errs when an offset for each column does not fit into memory.
    pub fn new(rows: Csr) -> Result<Self> {
        let products = match Packed::pair(&rows)? {
            Some(pair) => Products::Packed(Box::new(pair)),
            None => Products::Columns(rows.try_transpose()?),
        };
        Ok(Self { rows, products })
    }

    /// The matrix in compressed rows.
    pub fn rows(&self) -> &Csr {
        &self.rows
    }

    /// Bytes held.
    pub fn memory(&self) -> usize {
        self.rows.memory()
            + match &self.products {
                Products::Packed(pair) => pair.0.memory() + pair.1.as_ref().map_or(0, Packed::memory),
                Products::Columns(columns) => columns.memory(),
            }
    }
}

impl Operator for CsrCsc {
    fn nrows(&self) -> usize {
        self.rows.rows
    }

    fn ncols(&self) -> usize {
        self.rows.cols
    }

    fn apply(&self, x: &[f64], width: usize, y: &mut [f64]) {
        match &self.products {
            Products::Packed(pair) => pair.0.apply(x, width, y),
            Products::Columns(_) => self.rows.multiply(x, width, y),
        }
    }

    fn apply_transpose(&self, x: &[f64], width: usize, y: &mut [f64]) {
        match &self.products {
            Products::Packed(pair) => pair.1.as_ref().unwrap_or(&pair.0).apply(x, width, y),
            Products::Columns(columns) => columns.multiply(x, width, y),
        }
    }
}

/// Errs at the first entry outside a matrix of this shape or not finite.
pub(crate) fn check_entries(
    what: &'static str,
    entries: &[(usize, usize, f64)],
    rows: usize,
    cols: usize,
) -> Result<()> {
    for &(row, col, value) in entries {
        if row >= rows || col >= cols {
            return Err(SsvdError::IndexOutOfRange {
                what,
                row,
                col,
                rows,
                cols,
            });
        }
        if !value.is_finite() {
            return Err(SsvdError::NotFinite { what, row, col, value });
        }
    }
    Ok(())
}

/// Zero offsets of `rows` rows.
pub(crate) fn row_offsets(rows: usize) -> Result<Vec<usize>> {
    let too_large = || SsvdError::TooLarge {
        what: "row offsets",
        count: rows,
    };
    let mut offsets = Vec::new();
    let count = rows.checked_add(1).ok_or_else(too_large)?;
    offsets.try_reserve_exact(count).map_err(|_| too_large())?;
    offsets.resize(count, 0);
    Ok(offsets)
}
