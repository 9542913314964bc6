//! A growing basis kept in narrow blocks of columns, and the products of a Gram-Schmidt step with it.
//!
//! Each block of `width` columns is row-major and contiguous, the form in which it enters and leaves the products with
//! the matrix. A Gram-Schmidt step reads the whole basis once for X^T W and once for W - X H; it is bound by memory, so
//! a task takes a stretch of rows that fits the cache and runs through all blocks. Sums over stretches are taken in a
//! fixed order: the same bits for any number of threads.

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatMut, MatRef, Par};
use rayon::prelude::*;

use crate::simd::{self, Kernel, Simd, WithSimd};
use crate::tall::Tall;

/// Rows of a stretch: long enough for the prefetcher, short enough for the second cache.
const HEIGHT: usize = 4096;

/// Numbers of a basis asked for ahead of their use: what memory delivers while one of its lines is on the way.
const AHEAD: usize = 2048;

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
        let mut sum = Mat::zeros(p, b);
        if p == 0 || b == 0 || self.rows == 0 {
            return sum;
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
        for part in parts {
            sum += MatRef::from_row_major_slice(&part, p, b);
        }
        sum
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
        let sum = |which: usize| {
            let mut sum = Mat::zeros(p, b);
            for part in &parts {
                sum += MatRef::from_row_major_slice(&part[which], p, b);
            }
            sum
        };
        [sum(0), sum(1)]
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
        let mut sum = Mat::zeros(self.width, b);
        for part in parts {
            sum += MatRef::from_row_major_slice(&part, self.width, b);
        }
        sum
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
        let mut sum = Mat::zeros(b, b);
        for part in parts {
            sum += MatRef::from_row_major_slice(&part, b, b);
        }
        sum
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
    if width == b && narrow(b) {
        return narrow_inner(b, x, [w], [h]);
    }
    let rows = w.len() / b;
    let x = MatRef::from_row_major_slice(x, rows, width);
    let w = MatRef::from_row_major_slice(w, rows, b);
    let h = MatMut::from_row_major_slice_mut(h, width, b);
    matmul(h, Accum::Add, x.transpose(), w, 1.0, Par::Seq);
}

/// W -= X H.
fn subtract_product(x: &[f64], width: usize, h: &[f64], b: usize, w: &mut [f64]) {
    if width == b && narrow(b) {
        return narrow_subtract(b, x, [h], [w]);
    }
    let rows = w.len() / b;
    let x = MatRef::from_row_major_slice(x, rows, width);
    let h = MatRef::from_row_major_slice(h, width, b);
    let w = MatMut::from_row_major_slice_mut(w, rows, b);
    matmul(w, Accum::Add, x, h, -1.0, Par::Seq);
}

/// H_i += X^T W_i for all targets, all of width `b`.
fn add_inners<const T: usize>(b: usize, x: &[f64], w: [&[f64]; T], h: [&mut [f64]; T]) {
    if narrow(b) {
        return narrow_inner(b, x, w, h);
    }
    w.into_iter().zip(h).for_each(|(w, h)| add_inner(x, b, w, b, h));
}

/// W_i -= X H_i for all targets, all of width `b`.
fn subtract_products<const T: usize>(b: usize, x: &[f64], h: [&[f64]; T], w: [&mut [f64]; T]) {
    if narrow(b) {
        return narrow_subtract(b, x, h, w);
    }
    h.into_iter().zip(w).for_each(|(h, w)| subtract_product(x, b, h, b, w));
}

/// Widths with kernels of their own.
fn narrow(b: usize) -> bool {
    matches!(b, 1 | 2 | 4 | 8)
}

fn narrow_inner<const T: usize>(b: usize, x: &[f64], w: [&[f64]; T], h: [&mut [f64]; T]) {
    match b {
        1 => simd::run(Inner::<1, T> { x, w, h }),
        2 => simd::run(Inner::<2, T> { x, w, h }),
        4 => simd::run(Inner::<4, T> { x, w, h }),
        _ => simd::run(Inner::<8, T> { x, w, h }),
    }
}

fn narrow_subtract<const T: usize>(b: usize, x: &[f64], h: [&[f64]; T], w: [&mut [f64]; T]) {
    match b {
        1 => simd::run(Subtract::<1, T> { x, h, w }),
        2 => simd::run(Subtract::<2, T> { x, h, w }),
        4 => simd::run(Subtract::<4, T> { x, h, w }),
        _ => simd::run(Subtract::<8, T> { x, h, w }),
    }
}

/// H += X^T W for rows of `W` numbers and `T` targets.
struct Inner<'a, const W: usize, const T: usize> {
    x: &'a [f64],
    w: [&'a [f64]; T],
    h: [&'a mut [f64]; T],
}

impl<const W: usize, const T: usize> WithSimd for Inner<'_, W, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // A row of W numbers in V registers; rows shorter than a register are left to the compiler.
        match W / S::F64_LANES {
            1 => self.vectors::<S, 1>(simd),
            2 => self.vectors::<S, 2>(simd),
            4 => self.vectors::<S, 4>(simd),
            8 => self.vectors::<S, 8>(simd),
            _ => self.plain(),
        }
    }
}

impl<const W: usize, const T: usize> Inner<'_, W, T> {
    #[inline(always)]
    fn vectors<S: Simd, const V: usize>(self, simd: S) {
        let mut sums = [[[simd.splat_f64s(0.0); V]; W]; T];
        let rows = self.w.map(|w| S::as_simd_f64s(w).0.as_chunks::<V>().0);
        let x = self.x.as_chunks::<W>().0;
        let count = rows.iter().fold(x.len(), |n, w| n.min(w.len()));
        for (r, x) in x[..count].iter().enumerate() {
            simd::prefetch(self.x, r * W + AHEAD);
            let w = rows.map(|w| w[r]);
            for i in 0..W {
                let x = simd.splat_f64s(x[i]);
                for t in 0..T {
                    for v in 0..V {
                        sums[t][i][v] = simd.mul_add_e_f64s(x, w[t][v], sums[t][i][v]);
                    }
                }
            }
        }
        for (h, sums) in self.h.into_iter().zip(&sums) {
            let h = S::as_mut_simd_f64s(h).0.as_chunks_mut::<V>().0;
            for (h, sums) in h.iter_mut().zip(sums) {
                for v in 0..V {
                    h[v] = simd.add_f64s(h[v], sums[v]);
                }
            }
        }
    }

    #[inline(always)]
    fn plain(self) {
        for (w, h) in self.w.into_iter().zip(self.h) {
            let mut sum = [[0.0; W]; W];
            for (x, w) in self.x.as_chunks::<W>().0.iter().zip(w.as_chunks::<W>().0) {
                for i in 0..W {
                    for j in 0..W {
                        sum[i][j] += x[i] * w[j];
                    }
                }
            }
            let sum = sum.iter().flatten();
            h.iter_mut().zip(sum).for_each(|(h, sum)| *h += sum);
        }
    }
}

/// W -= X H for rows of `W` numbers and `T` targets.
struct Subtract<'a, const W: usize, const T: usize> {
    x: &'a [f64],
    h: [&'a [f64]; T],
    w: [&'a mut [f64]; T],
}

impl<const W: usize, const T: usize> WithSimd for Subtract<'_, W, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match W / S::F64_LANES {
            1 => self.vectors::<S, 1>(simd),
            2 => self.vectors::<S, 2>(simd),
            4 => self.vectors::<S, 4>(simd),
            8 => self.vectors::<S, 8>(simd),
            _ => self.plain(),
        }
    }
}

impl<const W: usize, const T: usize> Subtract<'_, W, T> {
    #[inline(always)]
    fn vectors<S: Simd, const V: usize>(self, simd: S) {
        let h: [[[S::f64s; V]; W]; T] = self.h.map(|h| {
            let h = S::as_simd_f64s(h).0.as_chunks::<V>().0;
            std::array::from_fn(|i| h[i])
        });
        let rows = self.w.map(|w| S::as_mut_simd_f64s(w).0.as_chunks_mut::<V>().0);
        let x = self.x.as_chunks::<W>().0;
        let count = rows.iter().fold(x.len(), |n, w| n.min(w.len()));
        for (r, x) in x[..count].iter().enumerate() {
            simd::prefetch(self.x, r * W + AHEAD);
            for t in 0..T {
                let mut row = rows[t][r];
                for i in 0..W {
                    let x = simd.splat_f64s(x[i]);
                    for v in 0..V {
                        row[v] = simd.negate_mul_add_e_f64s(x, h[t][i][v], row[v]);
                    }
                }
                rows[t][r] = row;
            }
        }
    }

    #[inline(always)]
    fn plain(self) {
        for (w, h) in self.w.into_iter().zip(self.h) {
            let h = square::<W>(h);
            for (x, w) in self.x.as_chunks::<W>().0.iter().zip(w.as_chunks_mut::<W>().0) {
                for i in 0..W {
                    for j in 0..W {
                        w[j] -= x[i] * h[i][j];
                    }
                }
            }
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
