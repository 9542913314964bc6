//! Householder reduction of W matrices at once to bidiagonal form, for singular values without vectors.
//!
//! Source: G. Golub, W. Kahan, SIAM J. Numer. Anal. B 2 (1965) 205-224.

use std::cell::Cell;

use super::lanes::{Buffer, LaneMatrix, Lanes, dot, one_by_one, rows_of};
use super::tridiagonal::NEGLIGIBLE;

/// Rows that share the numbers loaded for them.
const TOGETHER: usize = 4;

/// QᵀAP = B, upper bidiagonal, for W matrices.
pub(crate) struct Bidiagonal<const W: usize> {
    /// Squares of the diagonal of B.
    pub(super) diagonal: Buffer<W>,
    /// Squares of the entries right of it; the last one is zero.
    pub(super) off: Buffer<W>,
    /// Vectors of the reflections from the left and from the right at hand, and of the one from the right before.
    u: Buffer<W>,
    v: Buffer<W>,
    before: Buffer<W>,
    /// Aᵀu/h and Av/h.
    w: Buffer<W>,
    y: Buffer<W>,
}

impl<const W: usize> Bidiagonal<W> {
    pub(super) fn zeros(order: usize) -> Self {
        let zeros = || Buffer::zeros(order);
        Self {
            diagonal: zeros(),
            off: zeros(),
            u: zeros(),
            v: zeros(),
            before: zeros(),
            w: zeros(),
            y: zeros(),
        }
    }

    /// Reduces the matrices in `a`, which are lost. 8/3 n³ flops.
    ///
    /// The change y vᵀ by a reflection from the right waits for that by the next one from the left, u wᵀ, whose products
    /// see the matrix of before; both share a pass over the matrix with the products of the reflection after them.
    #[inline(always)]
    pub(super) fn reduce<const FMA: bool>(&mut self, a: &mut LaneMatrix<W>) {
        let n = a.order();
        // Nothing is due before the first reflection.
        self.v.fill(Lanes::ZERO);
        self.y.fill(Lanes::ZERO);
        for k in 0..n {
            let vk = -self.v[k];
            for i in k..n {
                self.u[i] = vk.mul_add::<FMA>(self.y[i], a[(i, k)]);
            }
            let inverse = reflection::<W, FMA>(&mut self.u[k..n], &mut self.diagonal[k]);
            self.off[k] = Lanes::ZERO;
            if k + 1 == n {
                break;
            }
            self.w[k + 1..].fill(Lanes::ZERO);
            let first = k + (n - k) % TOGETHER;
            for i in k..first {
                self.multiply_left::<1, FMA>(a, i, k + 1);
            }
            for i in (first..n).step_by(TOGETHER) {
                self.multiply_left::<TOGETHER, FMA>(a, i, k + 1);
            }
            std::mem::swap(&mut self.v, &mut self.before);
            let due = -dot::<W, FMA>(&self.y[k..], &self.u[k..]);
            let (uk, yk) = (-self.u[k], -self.y[k]);
            let vectors = self.v[k + 1..].iter_mut().zip(&self.before[k + 1..]);
            for ((v, before), (w, x)) in vectors.zip(self.w[k + 1..].iter_mut().zip(&a.row(k)[k + 1..])) {
                *w = due.mul_add::<FMA>(*before, *w) * inverse;
                *v = uk.mul_add::<FMA>(*w, yk.mul_add::<FMA>(*before, *x));
                one_by_one();
            }
            let inverse = reflection::<W, FMA>(&mut self.v[k + 1..n], &mut self.off[k]);
            let first = k + 1 + (n - k - 1) % TOGETHER;
            for i in k + 1..first {
                self.multiply_right::<1, FMA>(a, i, k + 1, inverse);
            }
            for i in (first..n).step_by(TOGETHER) {
                self.multiply_right::<TOGETHER, FMA>(a, i, k + 1, inverse);
            }
        }
    }

    /// w += Aᵀu on rows i to i + R, from column `from` on.
    #[inline(always)]
    fn multiply_left<const R: usize, const FMA: bool>(&mut self, a: &mut LaneMatrix<W>, i: usize, from: usize) {
        let (stride, len) = (a.stride(), self.w.len() - from);
        let rows = rows_of::<W, R>(Cell::from_mut(a.rows_mut(i, R)).as_slice_of_cells(), stride, from, len);
        let mut ur = [Lanes::ZERO; R];
        for r in 0..R {
            ur[r] = self.u[i + r];
        }
        for (c, w) in self.w[from..].iter_mut().enumerate() {
            let mut sum = *w;
            for r in 0..R {
                sum = ur[r].mul_add::<FMA>(rows[r][c].get(), sum);
            }
            *w = sum;
            one_by_one();
        }
    }

    /// A ← A − y vᵀ − u wᵀ with the v of before, and y = Av/h, on rows i to i + R, from column `from` on.
    #[inline(always)]
    fn multiply_right<const R: usize, const FMA: bool>(
        &mut self,
        a: &mut LaneMatrix<W>,
        i: usize,
        from: usize,
        inverse: Lanes<W>,
    ) {
        let (stride, len) = (a.stride(), self.w.len() - from);
        let rows = rows_of::<W, R>(Cell::from_mut(a.rows_mut(i, R)).as_slice_of_cells(), stride, from, len);
        let (mut ur, mut yr) = ([Lanes::ZERO; R], [Lanes::ZERO; R]);
        for r in 0..R {
            (ur[r], yr[r]) = (-self.u[i + r], -self.y[i + r]);
        }
        let mut sums = [Lanes::<W>::ZERO; R];
        let (v, before, w) = (
            &self.v[from..][..len],
            &self.before[from..][..len],
            &self.w[from..][..len],
        );
        for c in 0..len {
            let (v, before, w) = (v[c], before[c], w[c]);
            for r in 0..R {
                let x = ur[r].mul_add::<FMA>(w, yr[r].mul_add::<FMA>(before, rows[r][c].get()));
                rows[r][c].set(x);
                sums[r] = x.mul_add::<FMA>(v, sums[r]);
            }
            one_by_one();
        }
        for r in 0..R {
            self.y[i + r] = sums[r] * inverse;
        }
    }
}

/// Makes the vector u of the reflection I − u uᵀ/h that brings `x` to a multiple of the first unit vector, whose square goes
/// to `square`; returns 1/h, 0 where none is needed.
#[inline(always)]
fn reflection<const W: usize, const FMA: bool>(x: &mut [Lanes<W>], square: &mut Lanes<W>) -> Lanes<W> {
    let first = x[0];
    let sigma = dot::<W, FMA>(&x[1..], &x[1..]);
    let reduced = sigma.compare(Lanes::ZERO, |s, _| s < NEGLIGIBLE);
    *square = first.mul_add::<FMA>(first, sigma);
    let signed = square.sqrt().copysign(first);
    x[0] = first + signed;
    let h = first.mul_add::<FMA>(signed, *square);
    Lanes::select(reduced, Lanes::ZERO, Lanes::ONE / h)
}
