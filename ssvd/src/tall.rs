//! Tall dense blocks in row-major order and their products: the dense half of the work.
//!
//! Products run over blocks of rows of a fixed height, sums over blocks in a fixed order: the same bits for any number
//! of threads.

use std::ops::Range;

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatMut, MatRef, Par};
use rayon::prelude::*;

use crate::simd::{self, Kernel};

const HEIGHT: usize = 2048;

/// `rows` x `width` numbers, row by row, of which the first `used` columns are in use.
#[derive(Debug, Clone)]
pub(crate) struct Tall {
    pub(crate) data: Vec<f64>,
    pub(crate) rows: usize,
    pub(crate) width: usize,
}

impl Tall {
    pub(crate) fn zeros(rows: usize, width: usize) -> Self {
        Self {
            data: vec![0.0; rows * width],
            rows,
            width,
        }
    }

    /// The columns `from..to` of a block of whole rows.
    fn part(block: &[f64], width: usize, from: usize, to: usize) -> MatRef<'_, f64> {
        let rows = block.len().checked_div(width).unwrap_or(0);
        MatRef::from_row_major_slice(block, rows, width).subcols(from, to - from)
    }

    fn part_mut(block: &mut [f64], width: usize, from: usize, to: usize) -> MatMut<'_, f64> {
        let rows = block.len().checked_div(width).unwrap_or(0);
        MatMut::from_row_major_slice_mut(block, rows, width).subcols_mut(from, to - from)
    }

    /// X[:, columns]^T Y[:, 0..b].
    pub(crate) fn inner(&self, columns: Range<usize>, other: &Tall, b: usize) -> Mat<f64> {
        let p = columns.len();
        let mut sum = Mat::zeros(p, b);
        if p == 0 || b == 0 || self.rows == 0 {
            return sum;
        }
        let parts: Vec<Mat<f64>> = self
            .data
            .par_chunks(HEIGHT * self.width)
            .zip(other.data.par_chunks(HEIGHT * other.width))
            .map(|(x, y)| {
                let mut c = Mat::zeros(p, b);
                let (x, y) = (
                    Self::part(x, self.width, columns.start, columns.end),
                    Self::part(y, other.width, 0, b),
                );
                matmul(c.as_mut(), Accum::Replace, x.transpose(), y, 1.0, Par::Seq);
                c
            })
            .collect();
        for part in parts {
            sum += part;
        }
        sum
    }

    /// Y[:, 0..b] -= X[:, columns] C.
    pub(crate) fn subtract_from(&self, columns: Range<usize>, c: MatRef<'_, f64>, other: &mut Tall) {
        let b = c.ncols();
        if columns.is_empty() || b == 0 || self.rows == 0 {
            return;
        }
        let width = other.width;
        let blocks = self
            .data
            .par_chunks(HEIGHT * self.width)
            .zip(other.data.par_chunks_mut(HEIGHT * width));
        blocks.for_each(|(x, y)| {
            let x = Self::part(x, self.width, columns.start, columns.end);
            let y = Self::part_mut(y, width, 0, b);
            matmul(y, Accum::Add, x, c, -1.0, Par::Seq);
        });
    }

    /// X[:, 0..p] <- X[:, 0..p] C, in place; C is p x q with q <= p, columns q..p keep their old content.
    pub(crate) fn multiply_in_place(&mut self, c: MatRef<'_, f64>) {
        let (p, q, width) = (c.nrows(), c.ncols(), self.width);
        if p == 0 || q == 0 || self.rows == 0 {
            return;
        }
        self.data.par_chunks_mut(HEIGHT * width).for_each(|block| {
            let rows = block.len() / width;
            let mut product = vec![0.0; rows * q];
            let x = Self::part(block, width, 0, p);
            let y = MatMut::from_row_major_slice_mut(&mut product, rows, q);
            matmul(y, Accum::Replace, x, c, 1.0, Par::Seq);
            for (row, product) in block.chunks_exact_mut(width).zip(product.chunks_exact(q)) {
                row[..q].copy_from_slice(product);
            }
        });
    }

    /// X[:, 0..p] C as a block of its own.
    pub(crate) fn times(&self, c: MatRef<'_, f64>) -> Tall {
        let (p, q) = (c.nrows(), c.ncols());
        let mut out = Tall::zeros(self.rows, q);
        if p == 0 || q == 0 || self.rows == 0 {
            return out;
        }
        let blocks = self
            .data
            .par_chunks(HEIGHT * self.width)
            .zip(out.data.par_chunks_mut(HEIGHT * q));
        blocks.for_each(|(x, y)| {
            let x = Self::part(x, self.width, 0, p);
            matmul(Self::part_mut(y, q, 0, q), Accum::Replace, x, c, 1.0, Par::Seq);
        });
        out
    }

    /// ||y_j - s_j x_j|| for every column of `self`, Y, and of X.
    pub(crate) fn distances(&self, x: &Tall, s: &[f64]) -> Vec<f64> {
        let k = s.len();
        let parts: Vec<Vec<f64>> = self
            .data
            .par_chunks(HEIGHT * k)
            .zip(x.data.par_chunks(HEIGHT * k))
            .map(|(y, x)| {
                let mut sums = vec![0.0; k];
                simd::run(Distances {
                    y,
                    x,
                    s,
                    sums: &mut sums,
                });
                sums
            })
            .collect();
        let total = |j: usize| parts.iter().map(|part| part[j]).sum::<f64>();
        (0..k).map(|j| total(j).sqrt()).collect()
    }

    /// Copies the columns of `block` into the columns `from..` of `self`.
    pub(crate) fn put(&mut self, from: usize, block: &Tall) {
        for (to, row) in self
            .data
            .chunks_exact_mut(self.width)
            .zip(block.data.chunks_exact(block.width))
        {
            to[from..from + block.width].copy_from_slice(row);
        }
    }

    /// The columns `from..from + width` as a block of their own.
    pub(crate) fn columns(&self, from: usize, width: usize) -> Tall {
        let mut out = Tall::zeros(self.rows, width);
        if width > 0 {
            for (to, row) in out.data.chunks_exact_mut(width).zip(self.data.chunks_exact(self.width)) {
                to.copy_from_slice(&row[from..from + width]);
            }
        }
        out
    }
}

/// Sums of (y_j - s_j x_j)^2 over rows.
struct Distances<'a> {
    y: &'a [f64],
    x: &'a [f64],
    s: &'a [f64],
    sums: &'a mut [f64],
}

impl Kernel for Distances<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let k = self.s.len();
        for (y, x) in self.y.chunks_exact(k).zip(self.x.chunks_exact(k)) {
            for (sum, ((y, x), s)) in self.sums.iter_mut().zip(y.iter().zip(x).zip(self.s)) {
                let d = y - s * x;
                *sum += d * d;
            }
        }
    }
}

/// Y = A X for a dense A of any layout and row-major blocks of `width` vectors.
pub(crate) fn product(a: MatRef<'_, f64>, x: &[f64], width: usize, y: &mut [f64]) {
    if width == 0 || a.nrows() == 0 {
        return;
    }
    let x = MatRef::from_row_major_slice(x, a.ncols(), width);
    y.par_chunks_mut(HEIGHT * width).enumerate().for_each(|(task, y)| {
        let rows = y.len() / width;
        let y = MatMut::from_row_major_slice_mut(y, rows, width);
        matmul(y, Accum::Replace, a.subrows(task * HEIGHT, rows), x, 1.0, Par::Seq);
    });
}

/// Rows from which products of small matrices go to two threads: waking one takes as long as a product with fewer.
const SPLIT: usize = 256;

/// X^T X for small matrices; the same blocks of rows, and the same bits, for any number of threads.
pub(crate) fn squares(x: MatRef<'_, f64>) -> Mat<f64> {
    let n = x.ncols();
    if x.nrows() < SPLIT {
        let mut out = Mat::zeros(n, n);
        matmul(out.as_mut(), Accum::Replace, x.transpose(), x, 1.0, Par::Seq);
        return out;
    }
    let (above, below) = x.split_at_row(x.nrows() / 2);
    let (mut one, two) = rayon::join(|| squares(above), || squares(below));
    one += two;
    one
}

/// Y = X C for small matrices.
pub(crate) fn multiply(x: MatRef<'_, f64>, c: MatRef<'_, f64>, y: MatMut<'_, f64>) {
    if x.nrows() < SPLIT {
        matmul(y, Accum::Replace, x, c, 1.0, Par::Seq);
        return;
    }
    let half = x.nrows() / 2;
    let (x, y) = (x.split_at_row(half), y.split_at_row_mut(half));
    rayon::join(|| multiply(x.0, c, y.0), || multiply(x.1, c, y.1));
}

/// (3 I - G) / 2: X times this is orthonormal to the square of the error of X, G = X^T X.
pub(crate) fn newton_step(gram: MatRef<'_, f64>) -> Mat<f64> {
    let diagonal = |i: usize, j: usize| if i == j { 1.5 } else { 0.0 };
    Mat::from_fn(gram.nrows(), gram.ncols(), |i, j| diagonal(i, j) - 0.5 * gram[(i, j)])
}

/// A B for small matrices.
pub(crate) fn mul(a: MatRef<'_, f64>, b: MatRef<'_, f64>) -> Mat<f64> {
    let mut c = Mat::zeros(a.nrows(), b.ncols());
    if c.nrows() > 0 && c.ncols() > 0 && a.ncols() > 0 {
        matmul(c.as_mut(), Accum::Replace, a, b, 1.0, Par::Seq);
    }
    c
}

/// C += f A B for small matrices.
pub(crate) fn mul_add(c: &mut Mat<f64>, f: f64, a: MatRef<'_, f64>, b: MatRef<'_, f64>) {
    if c.nrows() > 0 && c.ncols() > 0 && a.ncols() > 0 {
        matmul(c.as_mut(), Accum::Add, a, b, f, Par::Seq);
    }
}
