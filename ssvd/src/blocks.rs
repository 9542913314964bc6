//! A growing basis kept in narrow blocks of columns, and the products of a Gram-Schmidt step with it.
//!
//! Each block of `width` columns is row-major and contiguous, the form in which it enters and leaves the products with
//! the matrix. A Gram-Schmidt step reads the whole basis once for X^T W and once for W - X H; it is bound by memory, so
//! a task takes a stretch of rows that fits the cache and runs through all blocks. Sums over stretches are taken in a
//! fixed order: the same bits for any number of threads.

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatMut, MatRef, Par};
use rayon::prelude::*;

use crate::simd::{self, Kernel};
use crate::tall::Tall;

/// Rows of a stretch: long enough for the prefetcher, short enough for the second cache.
const HEIGHT: usize = 4096;

/// Rows of all blocks gathered for one dense product.
const PACKED: usize = 256;

/// Columns in blocks of the same width.
pub(crate) struct Blocks {
    rows: usize,
    width: usize,
    blocks: Vec<Vec<f64>>,
}

impl Blocks {
    pub(crate) fn new(rows: usize, width: usize) -> Self {
        let blocks = Vec::new();
        Self { rows, width, blocks }
    }

    /// Number of columns.
    pub(crate) fn len(&self) -> usize {
        self.blocks.len() * self.width
    }

    /// Bytes held.
    pub(crate) fn memory(&self) -> usize {
        size_of::<f64>() * self.rows * self.len()
    }

    pub(crate) fn push(&mut self, block: &Tall) {
        debug_assert_eq!((block.rows, block.width), (self.rows, self.width));
        self.blocks.push(block.data.clone());
    }

    pub(crate) fn last(&self) -> Option<&[f64]> {
        self.blocks.last().map(Vec::as_slice)
    }

    /// Number of blocks.
    pub(crate) fn count(&self) -> usize {
        self.blocks.len()
    }

    /// The indices of all blocks.
    pub(crate) fn all(&self) -> Vec<usize> {
        (0..self.count()).collect()
    }

    /// X^T W for the blocks `chosen` of X, one below the other.
    pub(crate) fn inner(&self, chosen: &[usize], w: &Tall) -> Mat<f64> {
        let (p, b) = (chosen.len() * self.width, w.width);
        let mut sum = Mat::zeros(p, b);
        if p == 0 || b == 0 || self.rows == 0 {
            return sum;
        }
        let parts: Vec<Vec<f64>> = stretches(&w.data, b)
            .map(|(at, w)| {
                let mut h = vec![0.0; p * b];
                let h_blocks = h.chunks_exact_mut(self.width * b);
                chosen.iter().zip(h_blocks).for_each(|(&i, h)| {
                    let rows = at * HEIGHT * self.width;
                    let x = &self.blocks[i][rows..rows + w.len() / b * self.width];
                    add_inner(x, self.width, w, b, h);
                });
                h
            })
            .collect();
        for part in parts {
            sum += MatRef::from_row_major_slice(&part, p, b);
        }
        sum
    }

    /// W -= X H for the blocks `chosen` of X.
    pub(crate) fn subtract(&self, chosen: &[usize], h: MatRef<'_, f64>, w: &mut Tall) {
        let b = w.width;
        if chosen.is_empty() || b == 0 || self.rows == 0 {
            return;
        }
        let h = row_major(h);
        stretches_mut(&mut w.data, b).for_each(|(at, w)| {
            for (&i, h) in chosen.iter().zip(h.chunks_exact(self.width * b)) {
                let rows = at * HEIGHT * self.width;
                let x = &self.blocks[i][rows..rows + w.len() / b * self.width];
                subtract_product(x, self.width, h, b, w);
            }
        });
    }

    /// X C as row-major columns.
    pub(crate) fn times(&self, c: MatRef<'_, f64>) -> Tall {
        let (p, q) = (c.nrows(), c.ncols());
        let mut out = Tall::zeros(self.rows, q);
        if p == 0 || q == 0 || self.rows == 0 {
            return out;
        }
        let width = self.width;
        out.data.par_chunks_mut(PACKED * q).enumerate().for_each(|(at, y)| {
            let rows = y.len() / q;
            let mut packed = vec![0.0; rows * self.len()];
            for (i, x) in self.blocks.iter().enumerate() {
                let from = at * PACKED * width;
                let x = x[from..from + rows * width].chunks_exact(width);
                for (row, x) in packed.chunks_exact_mut(self.len()).zip(x) {
                    row[i * width..(i + 1) * width].copy_from_slice(x);
                }
            }
            let x = MatRef::from_row_major_slice(&packed, rows, self.len()).subcols(0, p);
            matmul(
                MatMut::from_row_major_slice_mut(y, rows, q),
                Accum::Replace,
                x,
                c,
                1.0,
                Par::Seq,
            );
        });
        out
    }

    /// X <- X C, whose number of columns is a multiple of the width.
    pub(crate) fn multiply(&mut self, c: MatRef<'_, f64>) {
        let (product, width) = (self.times(c), self.width);
        debug_assert_eq!(product.width % width, 0);
        self.blocks = (0..product.width / width)
            .map(|i| product.columns(i * width, width).data)
            .collect();
    }
}

/// W -= X H for one block X of `width` columns.
pub(crate) fn subtract_block(x: &[f64], width: usize, h: MatRef<'_, f64>, w: &mut Tall) {
    let (h, b) = (row_major(h), w.width);
    stretches_mut(&mut w.data, b).for_each(|(at, w)| {
        let rows = at * HEIGHT * width;
        subtract_product(&x[rows..rows + w.len() / b * width], width, &h, b, w);
    });
}

/// W^T W.
pub(crate) fn gram(w: &Tall) -> Mat<f64> {
    let b = w.width;
    let parts: Vec<Vec<f64>> = stretches(&w.data, b)
        .map(|(_, w)| {
            let mut g = vec![0.0; b * b];
            add_inner(w, b, w, b, &mut g);
            g
        })
        .collect();
    let mut sum = Mat::zeros(b, b);
    for part in parts {
        sum += MatRef::from_row_major_slice(&part, b, b);
    }
    sum
}

/// W <- W C for a square C.
pub(crate) fn multiply_right(w: &mut Tall, c: MatRef<'_, f64>) {
    let (c, b) = (row_major(c), w.width);
    stretches_mut(&mut w.data, b).for_each(|(_, w)| match b {
        1 => simd::run(Right::<1> { w, c: &c }),
        2 => simd::run(Right::<2> { w, c: &c }),
        4 => simd::run(Right::<4> { w, c: &c }),
        8 => simd::run(Right::<8> { w, c: &c }),
        _ => {
            let x = w.to_vec();
            let rows = x.len() / b;
            let x = MatRef::from_row_major_slice(&x, rows, b);
            let y = MatMut::from_row_major_slice_mut(w, rows, b);
            let c = MatRef::from_row_major_slice(&c, b, b);
            matmul(y, Accum::Replace, x, c, 1.0, Par::Seq);
        }
    });
}

fn stretches(data: &[f64], width: usize) -> impl IndexedParallelIterator<Item = (usize, &[f64])> {
    data.par_chunks(HEIGHT * width.max(1)).enumerate()
}

fn stretches_mut(data: &mut [f64], width: usize) -> impl IndexedParallelIterator<Item = (usize, &mut [f64])> {
    data.par_chunks_mut(HEIGHT * width.max(1)).enumerate()
}

fn row_major(a: MatRef<'_, f64>) -> Vec<f64> {
    (0..a.nrows() * a.ncols())
        .map(|i| a[(i / a.ncols(), i % a.ncols())])
        .collect()
}

/// H += X^T W.
fn add_inner(x: &[f64], width: usize, w: &[f64], b: usize, h: &mut [f64]) {
    match (width, b) {
        (1, 1) => simd::run(Inner::<1> { x, w, h }),
        (2, 2) => simd::run(Inner::<2> { x, w, h }),
        (4, 4) => simd::run(Inner::<4> { x, w, h }),
        (8, 8) => simd::run(Inner::<8> { x, w, h }),
        _ => {
            let rows = w.len() / b;
            let x = MatRef::from_row_major_slice(x, rows, width);
            let w = MatRef::from_row_major_slice(w, rows, b);
            let h = MatMut::from_row_major_slice_mut(h, width, b);
            matmul(h, Accum::Add, x.transpose(), w, 1.0, Par::Seq);
        }
    }
}

/// W -= X H.
fn subtract_product(x: &[f64], width: usize, h: &[f64], b: usize, w: &mut [f64]) {
    match (width, b) {
        (1, 1) => simd::run(Subtract::<1> { x, h, w }),
        (2, 2) => simd::run(Subtract::<2> { x, h, w }),
        (4, 4) => simd::run(Subtract::<4> { x, h, w }),
        (8, 8) => simd::run(Subtract::<8> { x, h, w }),
        _ => {
            let rows = w.len() / b;
            let x = MatRef::from_row_major_slice(x, rows, width);
            let h = MatRef::from_row_major_slice(h, width, b);
            let w = MatMut::from_row_major_slice_mut(w, rows, b);
            matmul(w, Accum::Add, x, h, -1.0, Par::Seq);
        }
    }
}

/// H += X^T W for rows of `W` numbers.
struct Inner<'a, const W: usize> {
    x: &'a [f64],
    w: &'a [f64],
    h: &'a mut [f64],
}

impl<const W: usize> Kernel for Inner<'_, W> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let mut sum = [[0.0; W]; W];
        for (x, w) in self.x.as_chunks::<W>().0.iter().zip(self.w.as_chunks::<W>().0) {
            for (sum, x) in sum.iter_mut().zip(x) {
                for (sum, w) in sum.iter_mut().zip(w) {
                    *sum += x * w;
                }
            }
        }
        for (h, sum) in self.h.as_chunks_mut::<W>().0.iter_mut().zip(&sum) {
            for (h, sum) in h.iter_mut().zip(sum) {
                *h += sum;
            }
        }
    }
}

/// W -= X H for rows of `W` numbers.
struct Subtract<'a, const W: usize> {
    x: &'a [f64],
    h: &'a [f64],
    w: &'a mut [f64],
}

impl<const W: usize> Kernel for Subtract<'_, W> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let h = square::<W>(self.h);
        for (x, w) in self.x.as_chunks::<W>().0.iter().zip(self.w.as_chunks_mut::<W>().0) {
            let mut row = *w;
            for i in 0..W {
                for j in 0..W {
                    row[j] -= x[i] * h[i][j];
                }
            }
            *w = row;
        }
    }
}

/// W <- W C for rows of `W` numbers.
struct Right<'a, const W: usize> {
    w: &'a mut [f64],
    c: &'a [f64],
}

impl<const W: usize> Kernel for Right<'_, W> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let c = square::<W>(self.c);
        for w in self.w.as_chunks_mut::<W>().0 {
            let mut row = [0.0; W];
            for i in 0..W {
                for j in 0..W {
                    row[j] += w[i] * c[i][j];
                }
            }
            *w = row;
        }
    }
}

#[inline(always)]
fn square<const W: usize>(rows: &[f64]) -> [[f64; W]; W] {
    let rows = rows.as_chunks::<W>().0;
    std::array::from_fn(|i| rows[i])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orthogonal::fill_normal;
    use rand::SeedableRng;

    #[test]
    fn every_width_agrees_with_dense_products() {
        let mut rng = rand_pcg::Pcg64::seed_from_u64(1);
        let rows = 2 * HEIGHT + 7;
        for (width, b) in [(1, 1), (2, 2), (3, 3), (4, 4), (4, 1), (8, 8)] {
            let mut basis = Blocks::new(rows, width);
            for _ in 0..3 {
                let mut block = Tall::zeros(rows, width);
                fill_normal(&mut block, &mut rng);
                basis.push(&block);
            }
            let mut w = Tall::zeros(rows, b);
            fill_normal(&mut w, &mut rng);
            let x = basis.times(Mat::<f64>::identity(3 * width, 3 * width).as_ref());
            let dense = |t: &Tall| MatRef::from_row_major_slice(&t.data, t.rows, t.width).to_owned();
            // A sum of n products rounds by at most n eps times the sum of their sizes, here about n.
            let bound = (rows as f64).powi(2) * f64::EPSILON;
            let close = |a: &Mat<f64>, b: &Mat<f64>| (a - b).norm_max() < bound;
            assert!(close(
                &basis.inner(&[0, 1, 2], &w),
                &(dense(&x).transpose() * dense(&w))
            ));
            assert!(close(&gram(&w), &(dense(&w).transpose() * dense(&w))));
            let h = Mat::from_fn(3 * width, b, |i, j| 1.0 / (1 + i + 2 * j) as f64);
            let mut less = w.clone();
            basis.subtract(&[0, 1, 2], h.as_ref(), &mut less);
            assert!(close(&dense(&less), &(dense(&w) - dense(&x) * &h)));
            let c = Mat::from_fn(b, b, |i, j| 1.0 / (1 + 2 * i + j) as f64);
            let mut right = w.clone();
            multiply_right(&mut right, c.as_ref());
            assert!(close(&dense(&right), &(dense(&w) * &c)));
            let mut one = w.clone();
            subtract_block(basis.last().unwrap(), width, h.subrows(0, width), &mut one);
            assert!(close(
                &dense(&one),
                &(dense(&w) - dense(&x).subcols(2 * width, width) * h.subrows(0, width))
            ));
        }
    }
}
