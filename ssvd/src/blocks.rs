//! A growing basis kept in narrow blocks of columns, and the products of a Gram-Schmidt step with it.
//!
//! Each block of `width` columns is row-major and contiguous, the form in which it enters and leaves the products with
//! the matrix. A Gram-Schmidt step reads the whole basis once for X^T W and once for W - X H; it is bound by memory, so
//! a task takes a stretch of rows that fits the cache and runs through all blocks. Sums over stretches are taken in a
//! fixed order: the same bits for any number of threads.

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatMut, MatRef, Par};
use rayon::prelude::*;

use crate::simd;
use crate::stretch::{self, add_inner, add_inners, subtract_product, subtract_products};
use crate::tall::Tall;

/// Rows of a stretch: long enough for the prefetcher, short enough for the second cache.
const HEIGHT: usize = 4096;

/// Rows of all blocks gathered for one dense product.
const PACKED: usize = 256;

/// Columns in blocks of the same width.
pub(crate) struct Blocks {
    rows: usize,
    width: usize,
    blocks: Vec<Tall>,
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

    pub(crate) fn push(&mut self, block: Tall) {
        debug_assert_eq!((block.rows, block.width), (self.rows, self.width));
        self.blocks.push(block);
    }

    pub(crate) fn pop(&mut self) -> Option<Tall> {
        self.blocks.pop()
    }

    /// Gives the memory back.
    pub(crate) fn clear(&mut self) {
        self.blocks = Vec::new();
    }

    pub(crate) fn last(&self) -> Option<&Tall> {
        self.blocks.last()
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
        if p == 0 || b == 0 || self.rows == 0 {
            return Mat::zeros(p, b);
        }
        let parts: Vec<Vec<f64>> = stretches(&w.data, b)
            .map(|(at, w)| {
                let mut h = vec![0.0; p * b];
                let h_blocks = h.chunks_exact_mut(self.width * b);
                for (&i, h) in chosen.iter().zip(h_blocks) {
                    add_inner(self.stretch(i, at, w.len() / b), self.width, w, b, h);
                }
                h
            })
            .collect();
        total(parts, p, b)
    }

    /// X^T W for two W of the basis' own width, in one pass over the blocks `chosen` of X.
    pub(crate) fn inner_pair(&self, chosen: &[usize], w: [&Tall; 2]) -> [Mat<f64>; 2] {
        let b = self.width;
        let p = chosen.len() * b;
        let parts: Vec<[Vec<f64>; 2]> = stretches(&w[0].data, b)
            .zip(stretches(&w[1].data, b))
            .map(|((at, w0), (_, w1))| {
                let (mut h0, mut h1) = (vec![0.0; p * b], vec![0.0; p * b]);
                let h_blocks = h0.chunks_exact_mut(b * b).zip(h1.chunks_exact_mut(b * b));
                for (&i, (h0, h1)) in chosen.iter().zip(h_blocks) {
                    add_inners(b, self.stretch(i, at, w0.len() / b), [w0, w1], [h0, h1]);
                }
                [h0, h1]
            })
            .collect();
        [0, 1].map(|which| total(parts.iter().map(|part| &part[which]), p, b))
    }

    /// W -= X H for two W of the basis' own width, in one pass over the blocks `chosen` of X.
    pub(crate) fn subtract_pair(&self, chosen: &[usize], h: [MatRef<'_, f64>; 2], w: [&mut Tall; 2]) {
        let b = self.width;
        let (h0, h1) = (row_major(h[0]), row_major(h[1]));
        let [w0, w1] = w;
        let pairs = stretches_mut(&mut w0.data, b).zip(stretches_mut(&mut w1.data, b));
        pairs.for_each(|((at, w0), (_, w1))| {
            let h_blocks = h0.chunks_exact(b * b).zip(h1.chunks_exact(b * b));
            for (&i, (h0, h1)) in chosen.iter().zip(h_blocks) {
                subtract_products(b, self.stretch(i, at, w0.len() / b), [h0, h1], [w0, w1]);
            }
        });
    }

    /// W -= X H for the blocks `chosen` of X, then X^T W for block `i`.
    pub(crate) fn subtract_inner(&self, chosen: &[usize], h: MatRef<'_, f64>, i: usize, w: &mut Tall) -> Mat<f64> {
        let (h, b) = (row_major(h), w.width);
        let parts: Vec<Vec<f64>> = stretches_mut(&mut w.data, b)
            .map(|(at, w)| {
                let rows = w.len() / b;
                for (&i, h) in chosen.iter().zip(h.chunks_exact(self.width * b)) {
                    subtract_product(self.stretch(i, at, rows), self.width, h, b, w);
                }
                let mut h = vec![0.0; self.width * b];
                add_inner(self.stretch(i, at, rows), self.width, w, b, &mut h);
                h
            })
            .collect();
        total(parts, self.width, b)
    }

    /// W -= X H for block `i` of X, then W^T W.
    pub(crate) fn subtract_gram(&self, i: usize, h: MatRef<'_, f64>, w: &mut Tall) -> Mat<f64> {
        let (h, b) = (row_major(h), w.width);
        let parts: Vec<Vec<f64>> = stretches_mut(&mut w.data, b)
            .map(|(at, w)| {
                subtract_product(self.stretch(i, at, w.len() / b), self.width, &h, b, w);
                let mut g = vec![0.0; b * b];
                add_inner(w, b, w, b, &mut g);
                g
            })
            .collect();
        total(parts, b, b)
    }

    /// The first `rows` rows of stretch `at` of block `i`.
    fn stretch(&self, i: usize, at: usize, rows: usize) -> &[f64] {
        let from = at * HEIGHT * self.width;
        &self.blocks[i].data[from..from + rows * self.width]
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
                subtract_product(self.stretch(i, at, w.len() / b), self.width, h, b, w);
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
                let rows = packed
                    .chunks_exact_mut(self.len())
                    .zip(x.data[from..].chunks_exact(width));
                for (r, (row, block)) in rows.enumerate() {
                    simd::prefetch(&x.data, from + (r + PACKED) * width);
                    row[i * width..(i + 1) * width].copy_from_slice(block);
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
            .map(|i| product.columns(i * width, width))
            .collect();
    }
}

/// W -= X H for one block X.
pub(crate) fn subtract_block(x: &Tall, h: MatRef<'_, f64>, w: &mut Tall) {
    let (h, b, width, x) = (row_major(h), w.width, x.width, &x.data);
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
    total(parts, b, b)
}

/// W <- W C for a square C.
pub(crate) fn multiply_right(w: &mut Tall, c: MatRef<'_, f64>) {
    let (c, b) = (row_major(c), w.width);
    stretches_mut(&mut w.data, b).for_each(|(_, w)| stretch::multiply_right(w, b, &c));
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

/// The sum of parts of p x b numbers, row by row.
fn total<P: AsRef<[f64]>>(parts: impl IntoIterator<Item = P>, p: usize, b: usize) -> Mat<f64> {
    let mut sum = Mat::zeros(p, b);
    for part in parts {
        sum += MatRef::from_row_major_slice(part.as_ref(), p, b);
    }
    sum
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
                basis.push(block);
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
            subtract_block(basis.last().unwrap(), h.subrows(0, width), &mut one);
            assert!(close(
                &dense(&one),
                &(dense(&w) - dense(&x).subcols(2 * width, width) * h.subrows(0, width))
            ));
        }
    }
}
