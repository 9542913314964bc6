//! W numbers side by side, one for each matrix of a group.
//!
//! The operations are plain loops over an array: compiled inside a function with the right `target_feature` they
//! become single vector instructions.

use std::ops::{Add, Div, Index, IndexMut, Mul, Neg, Sub};

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

/// A square matrix of lanes, row after row.
pub(crate) struct LaneMatrix<const W: usize> {
    order: usize,
    data: Vec<Lanes<W>>,
}

impl<const W: usize> LaneMatrix<W> {
    pub(crate) fn zeros(order: usize) -> Self {
        Self {
            order,
            data: vec![Lanes::ZERO; order * order],
        }
    }

    #[inline(always)]
    pub(crate) fn row(&self, i: usize) -> &[Lanes<W>] {
        &self.data[i * self.order..(i + 1) * self.order]
    }

    #[inline(always)]
    pub(crate) fn row_mut(&mut self, i: usize) -> &mut [Lanes<W>] {
        &mut self.data[i * self.order..(i + 1) * self.order]
    }

    /// Rows before `i`, and row `i`.
    #[inline(always)]
    pub(crate) fn split_at_row(&mut self, i: usize) -> (&mut [Lanes<W>], &mut [Lanes<W>]) {
        let (head, tail) = self.data.split_at_mut(i * self.order);
        (head, &mut tail[..self.order])
    }

    pub(crate) fn fill_identity(&mut self) {
        self.data.fill(Lanes::ZERO);
        for i in 0..self.order {
            self[(i, i)] = Lanes::ONE;
        }
    }
}

impl<const W: usize> Index<(usize, usize)> for LaneMatrix<W> {
    type Output = Lanes<W>;
    #[inline(always)]
    fn index(&self, (i, j): (usize, usize)) -> &Lanes<W> {
        &self.data[i * self.order + j]
    }
}

impl<const W: usize> IndexMut<(usize, usize)> for LaneMatrix<W> {
    #[inline(always)]
    fn index_mut(&mut self, (i, j): (usize, usize)) -> &mut Lanes<W> {
        &mut self.data[i * self.order + j]
    }
}
