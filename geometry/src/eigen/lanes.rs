//! W numbers side by side, one for each matrix of a group.
//!
//! The operations are plain loops over an array: compiled inside a function with the right `target_feature` they
//! become single vector instructions.

use std::cell::Cell;
use std::ops::{Add, Deref, DerefMut, Div, Index, IndexMut, Mul, Neg, Sub};

/// One number for each of W matrices.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(transparent)]
pub(crate) struct Lanes<const W: usize>(pub(crate) [f64; W]);

/// One truth value for each of W matrices.
pub(crate) type Mask<const W: usize> = [bool; W];

impl<const W: usize> Lanes<W> {
    pub(crate) const ZERO: Self = Self([0.0; W]);
    pub(crate) const ONE: Self = Self([1.0; W]);

    #[inline(always)]
    pub(crate) fn map(self, f: impl Fn(f64) -> f64) -> Self {
        let mut out = self;
        for x in &mut out.0 {
            *x = f(*x);
        }
        out
    }

    #[inline(always)]
    pub(crate) fn zip(self, other: Self, f: impl Fn(f64, f64) -> f64) -> Self {
        let mut out = self;
        for l in 0..W {
            out.0[l] = f(self.0[l], other.0[l]);
        }
        out
    }

    #[inline(always)]
    pub(crate) fn sqrt(self) -> Self {
        self.map(f64::sqrt)
    }

    /// The same numbers, computed as one vector: the compiler takes operations apart whose results are used lane by lane.
    #[inline(always)]
    pub(crate) fn as_a_whole(self) -> Self {
        std::hint::black_box(self)
    }

    /// Absolute values with the signs of `other`: bits alone, where a condition may be compiled lane by lane.
    #[inline(always)]
    pub(crate) fn copysign(self, other: Self) -> Self {
        self.zip(other, f64::copysign)
    }

    #[inline(always)]
    pub(crate) fn abs(self) -> Self {
        self.map(f64::abs)
    }

    /// `self * b + c`, with one rounding where `FMA` says that the instruction exists.
    #[inline(always)]
    pub(crate) fn mul_add<const FMA: bool>(self, b: Self, c: Self) -> Self {
        let mut out = self;
        for l in 0..W {
            out.0[l] = if FMA {
                self.0[l].mul_add(b.0[l], c.0[l])
            } else {
                self.0[l] * b.0[l] + c.0[l]
            };
        }
        out
    }

    /// `on` where a < b, `off` elsewhere.
    #[inline(always)]
    pub(crate) fn select_less(a: Self, b: Self, on: Self, off: Self) -> Self {
        let mut out = off;
        for l in 0..W {
            out.0[l] = if a.0[l] < b.0[l] { on.0[l] } else { off.0[l] };
        }
        out
    }

    /// `self` where `mask` holds, `other` elsewhere.
    #[inline(always)]
    pub(crate) fn select(mask: Mask<W>, on: Self, off: Self) -> Self {
        let mut out = off;
        for l in 0..W {
            out.0[l] = if mask[l] { on.0[l] } else { off.0[l] };
        }
        out
    }

    /// `on` where all bits of `mask` are set, `off` where none is.
    #[inline(always)]
    pub(crate) fn blend(mask: &[u64; W], on: Self, off: Self) -> Self {
        let mut out = off;
        for l in 0..W {
            out.0[l] = f64::from_bits((mask[l] & on.0[l].to_bits()) | (!mask[l] & off.0[l].to_bits()));
        }
        out
    }

    #[inline(always)]
    pub(crate) fn compare(self, other: Self, f: impl Fn(f64, f64) -> bool) -> Mask<W> {
        let mut out = [false; W];
        for l in 0..W {
            out[l] = f(self.0[l], other.0[l]);
        }
        out
    }
}

macro_rules! lanewise {
    ($($trait:ident $method:ident $op:tt;)*) => {$(
        impl<const W: usize> $trait for Lanes<W> {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                self.zip(other, |a, b| a $op b)
            }
        }
    )*};
}

lanewise! {
    Add add +;
    Sub sub -;
    Mul mul *;
    Div div /;
}

impl<const W: usize> Neg for Lanes<W> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        self.map(|a| -a)
    }
}

/// Stands in loops over `Lanes` whose turns do not depend on each other: the compiler would otherwise take the same lane of
/// eight of them together, with more shuffles than arithmetic. No instruction comes of it.
#[inline(always)]
pub(crate) fn one_by_one() {
    std::hint::black_box(());
}

/// Sums side by side, so that they do not wait for one another.
const SUMS: usize = 4;

/// Σ xₖ yₖ of vectors of one length.
#[inline(always)]
pub(crate) fn dot<const W: usize, const FMA: bool>(x: &[Lanes<W>], y: &[Lanes<W>]) -> Lanes<W> {
    let mut sums = [Lanes::<W>::ZERO; SUMS];
    let (xs, x) = x.as_chunks::<SUMS>();
    let (ys, y) = y.as_chunks::<SUMS>();
    for (x, y) in xs.iter().zip(ys) {
        for k in 0..SUMS {
            sums[k] = x[k].mul_add::<FMA>(y[k], sums[k]);
        }
    }
    for (x, y) in x.iter().zip(y) {
        sums[0] = x.mul_add::<FMA>(*y, sums[0]);
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3])
}

/// R rows from column `start` on, `len` entries of each: slices of one length keep checks out of the loops.
#[inline(always)]
pub(super) fn rows_of<const W: usize, const R: usize>(
    rows: &[Cell<Lanes<W>>],
    stride: usize,
    start: usize,
    len: usize,
) -> [&[Cell<Lanes<W>>]; R] {
    let mut each = [&[][..]; R];
    for r in 0..R {
        each[r] = &rows[r * stride + start..][..len];
    }
    each
}

/// A cache line in numbers: loads and stores of whole registers that cross a line take twice the time.
const LINE: usize = 8;

/// Many `Lanes`, the first one at the beginning of a cache line.
pub(crate) struct Buffer<const W: usize> {
    numbers: Vec<f64>,
    /// Where the first cache line begins.
    start: usize,
    len: usize,
}

impl<const W: usize> Buffer<W> {
    pub(crate) fn zeros(len: usize) -> Self {
        let numbers = vec![0.0_f64; len * W + LINE];
        let start = numbers.as_ptr().align_offset(LINE * size_of::<f64>()).min(LINE);
        Self { numbers, start, len }
    }
}

impl<const W: usize> Deref for Buffer<W> {
    type Target = [Lanes<W>];
    #[inline(always)]
    fn deref(&self) -> &[Lanes<W>] {
        let numbers: &[[f64; W]] = &self.numbers[self.start..].as_chunks().0[..self.len];
        // SAFETY: `Lanes` is a transparent wrapper of the array, and the slice keeps its length and lifetime.
        unsafe { std::slice::from_raw_parts(numbers.as_ptr().cast(), numbers.len()) }
    }
}

impl<const W: usize> DerefMut for Buffer<W> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [Lanes<W>] {
        let numbers: &mut [[f64; W]] = &mut self.numbers[self.start..].as_chunks_mut().0[..self.len];
        // SAFETY: as in `deref`.
        unsafe { std::slice::from_raw_parts_mut(numbers.as_mut_ptr().cast(), numbers.len()) }
    }
}

/// A square matrix of lanes, row after row.
pub(crate) struct LaneMatrix<const W: usize> {
    order: usize,
    /// From row to row: odd, so that the rows do not compete for few sets of the cache.
    stride: usize,
    data: Buffer<W>,
}

impl<const W: usize> LaneMatrix<W> {
    pub(crate) fn zeros(order: usize) -> Self {
        let stride = order | 1;
        Self {
            order,
            stride,
            data: Buffer::zeros(order * stride),
        }
    }

    #[inline(always)]
    pub(crate) fn order(&self) -> usize {
        self.order
    }

    #[inline(always)]
    pub(crate) fn stride(&self) -> usize {
        self.stride
    }

    #[inline(always)]
    pub(crate) fn row(&self, i: usize) -> &[Lanes<W>] {
        &self.data[i * self.stride..][..self.order]
    }

    #[inline(always)]
    pub(crate) fn row_mut(&mut self, i: usize) -> &mut [Lanes<W>] {
        &mut self.data[i * self.stride..][..self.order]
    }

    /// Rows i to i + count, [`Self::stride`] apart.
    #[inline(always)]
    pub(crate) fn rows_mut(&mut self, i: usize, count: usize) -> &mut [Lanes<W>] {
        &mut self.data[i * self.stride..(i + count) * self.stride]
    }

    /// Rows before `i`, [`Self::stride`] apart, and row `i`.
    #[inline(always)]
    pub(crate) fn split_at_row(&mut self, i: usize) -> (&mut [Lanes<W>], &mut [Lanes<W>]) {
        let (head, tail) = self.data.split_at_mut(i * self.stride);
        (head, &mut tail[..self.order])
    }

    pub(crate) fn clear(&mut self) {
        self.data.fill(Lanes::ZERO);
    }

    pub(crate) fn fill_identity(&mut self) {
        self.clear();
        for i in 0..self.order {
            self[(i, i)] = Lanes::ONE;
        }
    }
}

impl<const W: usize> Index<(usize, usize)> for LaneMatrix<W> {
    type Output = Lanes<W>;
    #[inline(always)]
    fn index(&self, (i, j): (usize, usize)) -> &Lanes<W> {
        &self.data[i * self.stride + j]
    }
}

impl<const W: usize> IndexMut<(usize, usize)> for LaneMatrix<W> {
    #[inline(always)]
    fn index_mut(&mut self, (i, j): (usize, usize)) -> &mut Lanes<W> {
        &mut self.data[i * self.stride + j]
    }
}
