//! Householder reduction of W matrices at once to bidiagonal form, for singular values without vectors.
//!
//! Source: G. Golub, W. Kahan, SIAM J. Numer. Anal. B 2 (1965) 205-224.

use super::lanes::{Buffer, LaneMatrix, Lanes, dot, one_by_one};
use super::tridiagonal::NEGLIGIBLE;

/// Rows that share the numbers loaded for them.
const TOGETHER: usize = 4;

/// QᵀAP = B, upper bidiagonal, for W matrices.
pub(crate) struct Bidiagonal<const W: usize> {
    /// Squares of the diagonal of B.
    pub(super) diagonal: Buffer<W>,
    /// Squares of the entries right of it; the last one is zero.
    pub(super) off: Buffer<W>,
    /// Vectors of the reflections from the left and from the right at hand.
    u: Buffer<W>,
    v: Buffer<W>,
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
            w: zeros(),
            y: zeros(),
        }
    }

    /// Reduces the matrices in `a`, which are lost. 8/3 n³ flops.
    ///
    /// The change by one reflection and the product with the vector of the next one, from the other side, share a pass over
    /// the matrix.
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
            let uk = -self.u[k];
            for (c, x) in a.row(k).iter().enumerate().skip(k + 1) {
                self.w[c] = self.w[c] * inverse;
                self.v[c] = uk.mul_add::<FMA>(self.w[c], *x);
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

    /// A ← A − y vᵀ and w += Aᵀu on rows i to i + R, from column `from` on.
    #[inline(always)]
    fn multiply_left<const R: usize, const FMA: bool>(&mut self, a: &mut LaneMatrix<W>, i: usize, from: usize) {
        let stride = a.stride();
        let block = &mut a.rows_mut(i, R)[from..];
        let (mut ur, mut yr) = ([Lanes::ZERO; R], [Lanes::ZERO; R]);
        for r in 0..R {
            (ur[r], yr[r]) = (self.u[i + r], -self.y[i + r]);
        }
        let (v, w) = (&self.v[from..], &mut self.w[from..]);
        for (c, (v, w)) in v.iter().zip(w).enumerate() {
            let mut sum = *w;
            for r in 0..R {
                let x = yr[r].mul_add::<FMA>(*v, block[r * stride + c]);
                block[r * stride + c] = x;
                sum = ur[r].mul_add::<FMA>(x, sum);
            }
            *w = sum;
            one_by_one();
        }
    }

    /// A ← A − u wᵀ and y = Av/h on rows i to i + R, from column `from` on.
    #[inline(always)]
    fn multiply_right<const R: usize, const FMA: bool>(
        &mut self,
        a: &mut LaneMatrix<W>,
        i: usize,
        from: usize,
        inverse: Lanes<W>,
    ) {
        let stride = a.stride();
        let block = &mut a.rows_mut(i, R)[from..];
        let mut ur = [Lanes::ZERO; R];
        for r in 0..R {
            ur[r] = -self.u[i + r];
        }
        let mut sums = [Lanes::<W>::ZERO; R];
        for (c, (v, w)) in self.v[from..].iter().zip(&self.w[from..]).enumerate() {
            for r in 0..R {
                let x = ur[r].mul_add::<FMA>(*w, block[r * stride + c]);
                block[r * stride + c] = x;
                sums[r] = x.mul_add::<FMA>(*v, sums[r]);
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
