//! Householder reduction of W symmetric matrices at once to tridiagonal form, and the way back.

use std::ops::Range;

use super::lanes::{Buffer, LaneMatrix, Lanes, dot, one_by_one};

/// Below this sum of squares (matrices are scaled to a largest entry near 1) a row counts as already reduced: the
/// entries neglected are 1e-140 of the norm.
pub(super) const NEGLIGIBLE: f64 = 1e-280;

/// Rows that share the numbers loaded for them.
const TOGETHER: usize = 4;

/// T = Qᵀ A Q for W matrices, Q a product of reflections I − u uᵀ/h.
pub(crate) struct Tridiagonal<const W: usize> {
    /// Diagonal of T.
    pub(crate) diagonal: Buffer<W>,
    /// `off[i]` couples i and i + 1; the last entry is zero.
    pub(crate) off: Buffer<W>,
    /// 1/h of the reflection that reduced row i, 0 where none was needed.
    inverse_h: Buffer<W>,
    update: Update<W>,
}

/// A change A − u pᵀ − p uᵀ that is due, and y = A v for the vector v of the next one.
struct Update<const W: usize> {
    u: Buffer<W>,
    p: Buffer<W>,
    v: Buffer<W>,
    y: Buffer<W>,
}

impl<const W: usize> Tridiagonal<W> {
    pub(crate) fn zeros(order: usize) -> Self {
        let zeros = || Buffer::zeros(order);
        Self {
            diagonal: zeros(),
            off: zeros(),
            inverse_h: zeros(),
            update: Update {
                u: zeros(),
                p: zeros(),
                v: zeros(),
                y: zeros(),
            },
        }
    }

    /// Reduces the matrices whose lower triangles are in `a`; the vectors u replace the rows of `a`. 4/3 n³ flops.
    ///
    /// The update by one reflection and the product with the vector of the next one, which needs only the updated last
    /// row, share a pass over the matrix.
    #[inline(always)]
    pub(crate) fn reduce<const FMA: bool>(&mut self, a: &mut LaneMatrix<W>, n: usize) {
        let update = &mut self.update;
        update.clear();
        let stride = a.stride();
        for i in (1..n).rev() {
            let (head, row) = a.split_at_row(i);
            let (ui, pi) = (update.u[i], update.p[i]);
            for (x, (u, p)) in row[..=i].iter_mut().zip(update.u.iter().zip(update.p.iter())) {
                *x = rank_two::<W, FMA>(*x, ui, pi, *u, *p);
                one_by_one();
            }
            self.diagonal[i] = row[i];
            let (u, alpha) = (&mut row[..i], i - 1);
            let sigma = dot::<W, FMA>(&u[..alpha], &u[..alpha]);
            let first = u[alpha];
            let reduced = sigma.compare(Lanes::ZERO, |s, _| s < NEGLIGIBLE);
            let norm = first.mul_add::<FMA>(first, sigma).sqrt();
            let signed = norm.copysign(first);
            self.off[i - 1] = Lanes::select(reduced, first, -signed);
            u[alpha] = first + signed;
            let h = (first * signed).mul_add::<FMA>(Lanes::ONE, norm * norm);
            let inverse = Lanes::select(reduced, Lanes::ZERO, Lanes::ONE / h);
            self.inverse_h[i] = inverse;
            update.v[..i].copy_from_slice(u);
            update.y[..i].fill(Lanes::ZERO);
            update.leading::<FMA>(head, stride, i);
            update.advance::<FMA>(inverse, i);
        }
        self.diagonal[0] = a[(0, 0)];
        self.off[n - 1] = Lanes::ZERO;
    }

    /// Qᵀ from the vectors that [`Self::reduce`] left in `a`. 4/3 n³ flops.
    #[inline(always)]
    pub(crate) fn accumulate<const FMA: bool>(&self, a: &LaneMatrix<W>, q: &mut LaneMatrix<W>, n: usize) {
        q.fill_identity();
        let whole = n / TOGETHER * TOGETHER;
        // Row k is zero left of the diagonal until a reflection reaches it.
        for k in (0..whole).step_by(TOGETHER) {
            self.reflect_rows::<TOGETHER, FMA>(a, q, k + 1..n, k);
        }
        for k in whole..n {
            self.reflect_rows::<1, FMA>(a, q, k + 1..n, k);
        }
    }

    /// Rows k to k + R take these reflections from the right.
    #[inline(always)]
    fn reflect_rows<const R: usize, const FMA: bool>(
        &self,
        a: &LaneMatrix<W>,
        q: &mut LaneMatrix<W>,
        reflections: Range<usize>,
        k: usize,
    ) {
        let stride = q.stride();
        for i in reflections.start.max(2)..reflections.end {
            let u = &a.row(i)[..i];
            let rows = q.rows_mut(k, R);
            let mut dots = [Lanes::<W>::ZERO; R];
            for (c, u) in u.iter().enumerate() {
                for r in 0..R {
                    dots[r] = rows[r * stride + c].mul_add::<FMA>(*u, dots[r]);
                }
            }
            let factors = dots.map(|dot| -(dot * self.inverse_h[i]));
            for (c, u) in u.iter().enumerate() {
                for r in 0..R {
                    let x = &mut rows[r * stride + c];
                    *x = factors[r].mul_add::<FMA>(*u, *x);
                }
                one_by_one();
            }
        }
    }

    /// Rows j to j + R take the reflections up to j from the right: each pass applies one and multiplies by the vector of the
    /// next.
    #[inline(always)]
    fn reflect_in_one_go<const R: usize, const FMA: bool>(&self, a: &LaneMatrix<W>, s: &mut LaneMatrix<W>, j: usize) {
        let stride = s.stride();
        let rows = s.rows_mut(j, R);
        let mut factors = [Lanes::<W>::ZERO; R];
        for i in 2..=j {
            let (u, v) = (&a.row(i - 1)[..i - 1], &a.row(i)[..i]);
            let mut sums = [Lanes::<W>::ZERO; R];
            for (c, (u, v)) in u.iter().zip(v).enumerate() {
                for r in 0..R {
                    let x = factors[r].mul_add::<FMA>(*u, rows[r * stride + c]);
                    rows[r * stride + c] = x;
                    sums[r] = x.mul_add::<FMA>(*v, sums[r]);
                }
            }
            for r in 0..R {
                let sum = rows[r * stride + i - 1].mul_add::<FMA>(v[i - 1], sums[r]);
                factors[r] = sum * -self.inverse_h[i];
            }
        }
        for (c, u) in a.row(j)[..j].iter().enumerate() {
            for r in 0..R {
                let x = &mut rows[r * stride + c];
                *x = factors[r].mul_add::<FMA>(*u, *x);
            }
            one_by_one();
        }
    }

    /// Q S Qᵀ for the symmetric matrices whose lower triangles are in `s`, from the vectors that [`Self::reduce`] left
    /// in `a`. 2 n³ flops.
    #[inline(always)]
    pub(crate) fn restore<const FMA: bool>(&mut self, a: &LaneMatrix<W>, s: &mut LaneMatrix<W>, n: usize) {
        // Reflection i moves rows and columns before i: of row j >= i only its left part, while it is in the cache.
        let whole = n / TOGETHER * TOGETHER;
        for j in (0..whole).step_by(TOGETHER) {
            self.reflect_in_one_go::<TOGETHER, FMA>(a, s, j);
            for row in j + 1..j + TOGETHER {
                self.reflect_rows::<1, FMA>(a, s, j + 1..row + 1, row);
            }
        }
        for j in whole..n {
            self.reflect_in_one_go::<1, FMA>(a, s, j);
        }
        let update = &mut self.update;
        update.clear();
        let stride = s.stride();
        // The pass for i applies reflection i to the rows before i, and multiplies by the vector of i + 1.
        for i in 1..n {
            let next = i + 1 < n;
            if next {
                update.v[..=i].copy_from_slice(&a.row(i + 1)[..=i]);
                update.v[i + 1] = Lanes::ZERO;
                update.y[..=i + 1].fill(Lanes::ZERO);
            } else {
                update.v.fill(Lanes::ZERO);
            }
            update.leading::<FMA>(s.rows_mut(0, n), stride, i + 1);
            if next {
                update.advance::<FMA>(self.inverse_h[i + 1], i + 1);
            }
        }
    }
}

impl<const W: usize> Update<W> {
    fn clear(&mut self) {
        self.u.fill(Lanes::ZERO);
        self.p.fill(Lanes::ZERO);
        self.v.fill(Lanes::ZERO);
    }

    /// A ← A − u pᵀ − p uᵀ and y += A v on rows 0..`end` of lower triangles.
    #[inline(always)]
    fn leading<const FMA: bool>(&mut self, rows: &mut [Lanes<W>], stride: usize, end: usize) {
        let whole = end / TOGETHER * TOGETHER;
        for j in (0..whole).step_by(TOGETHER) {
            self.rows::<TOGETHER, FMA>(rows, stride, j);
        }
        for j in whole..end {
            self.rows::<1, FMA>(rows, stride, j);
        }
    }

    /// The same on rows j to j + R.
    #[inline(always)]
    fn rows<const R: usize, const FMA: bool>(&mut self, rows: &mut [Lanes<W>], stride: usize, j: usize) {
        let block = &mut rows[j * stride..(j + R) * stride];
        let (mut ur, mut pr, mut vr) = ([Lanes::ZERO; R], [Lanes::ZERO; R], [Lanes::ZERO; R]);
        ur.copy_from_slice(&self.u[j..j + R]);
        pr.copy_from_slice(&self.p[j..j + R]);
        vr.copy_from_slice(&self.v[j..j + R]);
        let mut sums = [Lanes::<W>::ZERO; R];
        let (u, p, v, y) = (&self.u[..j], &self.p[..j], &self.v[..j], &mut self.y[..j]);
        for c in 0..j {
            let (uc, pc, vc, mut yc) = (u[c], p[c], v[c], y[c]);
            for r in 0..R {
                let x = rank_two::<W, FMA>(block[r * stride + c], ur[r], pr[r], uc, pc);
                block[r * stride + c] = x;
                sums[r] = x.mul_add::<FMA>(vc, sums[r]);
                yc = x.mul_add::<FMA>(vr[r], yc);
            }
            y[c] = yc;
        }
        // The tile on the diagonal; bounds that are constants keep it in registers.
        let mut ends = [Lanes::<W>::ZERO; R];
        ends.copy_from_slice(&self.y[j..j + R]);
        for r in 0..R {
            for b in 0..R {
                if b <= r {
                    let x = rank_two::<W, FMA>(block[r * stride + j + b], ur[r], pr[r], ur[b], pr[b]);
                    block[r * stride + j + b] = x;
                    sums[r] = x.mul_add::<FMA>(vr[b], sums[r]);
                    if b < r {
                        ends[b] = x.mul_add::<FMA>(vr[r], ends[b]);
                    }
                }
            }
        }
        for r in 0..R {
            self.y[j + r] = ends[r] + sums[r];
        }
    }

    /// Turns y = A v into the next change, v becoming u: p = y/h − k v with k = vᵀy/2h². Only the first `end` entries
    /// count.
    #[inline(always)]
    fn advance<const FMA: bool>(&mut self, inverse: Lanes<W>, end: usize) {
        let mut dot = Lanes::ZERO;
        for (y, v) in self.y[..end].iter_mut().zip(self.v.iter()) {
            *y = *y * inverse;
            dot = y.mul_add::<FMA>(*v, dot);
        }
        let k = dot * inverse.map(|x| -0.5 * x);
        for (y, v) in self.y[..end].iter_mut().zip(self.v.iter()) {
            *y = k.mul_add::<FMA>(*v, *y);
            one_by_one();
        }
        std::mem::swap(&mut self.u, &mut self.v);
        std::mem::swap(&mut self.p, &mut self.y);
    }
}

/// x − pᵣ u − uᵣ p.
#[inline(always)]
fn rank_two<const W: usize, const FMA: bool>(
    x: Lanes<W>,
    ur: Lanes<W>,
    pr: Lanes<W>,
    u: Lanes<W>,
    p: Lanes<W>,
) -> Lanes<W> {
    (-pr).mul_add::<FMA>(u, (-ur).mul_add::<FMA>(p, x))
}
