//! Products of one stretch of rows of narrow blocks, on one thread: kernels over registers for the usual widths.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

use crate::simd::{self, Kernel, Simd, WithSimd};

/// Numbers of a basis asked for ahead of their use: what memory delivers while one of its lines is on the way.
const AHEAD: usize = 2048;

/// H += X^T W.
pub(crate) fn add_inner(x: &[f64], width: usize, w: &[f64], b: usize, h: &mut [f64]) {
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
pub(crate) fn subtract_product(x: &[f64], width: usize, h: &[f64], b: usize, w: &mut [f64]) {
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
pub(crate) fn add_inners<const T: usize>(b: usize, x: &[f64], w: [&[f64]; T], h: [&mut [f64]; T]) {
    if narrow(b) {
        return narrow_inner(b, x, w, h);
    }
    w.into_iter().zip(h).for_each(|(w, h)| add_inner(x, b, w, b, h));
}

/// W_i -= X H_i for all targets, all of width `b`.
pub(crate) fn subtract_products<const T: usize>(b: usize, x: &[f64], h: [&[f64]; T], w: [&mut [f64]; T]) {
    if narrow(b) {
        return narrow_subtract(b, x, h, w);
    }
    h.into_iter().zip(w).for_each(|(h, w)| subtract_product(x, b, h, b, w));
}

/// W <- W C for a square C of order `b`.
pub(crate) fn multiply_right(w: &mut [f64], b: usize, c: &[f64]) {
    match b {
        1 => simd::run(Right::<1> { w, c }),
        2 => simd::run(Right::<2> { w, c }),
        4 => simd::run(Right::<4> { w, c }),
        8 => simd::run(Right::<8> { w, c }),
        _ => {
            let x = w.to_vec();
            let rows = x.len() / b;
            let x = MatRef::from_row_major_slice(&x, rows, b);
            let y = MatMut::from_row_major_slice_mut(w, rows, b);
            let c = MatRef::from_row_major_slice(c, b, b);
            matmul(y, Accum::Replace, x, c, 1.0, Par::Seq);
        }
    }
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
