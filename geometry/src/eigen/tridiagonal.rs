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
    /// Products of the vectors of pairs of reflections, at the second of each pair.
    products: Buffer<W>,
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
    /// Rows that take reflections from one side together: with two reflections at a time, what the registers hold.
    const ROWS: usize = if W >= 8 { 4 } else { 2 };

    pub(crate) fn zeros(order: usize) -> Self {
        let zeros = || Buffer::zeros(order);
        Self {
            diagonal: zeros(),
            off: zeros(),
            inverse_h: zeros(),
            products: zeros(),
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
    pub(crate) fn accumulate<const FMA: bool>(&mut self, a: &LaneMatrix<W>, q: &mut LaneMatrix<W>, n: usize) {
        self.multiply_pairs::<FMA>(a, n);
        q.fill_identity();
        // Row k is zero left of the diagonal until a reflection reaches it.
        let whole = n / Self::ROWS * Self::ROWS;
        for k in (0..whole).step_by(Self::ROWS) {
            self.reflect_group::<FMA>(a, q, k + 1..n, k);
        }
        for k in whole..n {
            self.reflect_rows::<1, FMA>(a, q, k + 1..n, k);
        }
    }

    /// Products of the vectors of the pairs (3, 4), (5, 6), …
    #[inline(always)]
    fn multiply_pairs<const FMA: bool>(&mut self, a: &LaneMatrix<W>, n: usize) {
        for i in (4..n).step_by(2) {
            self.products[i] = dot::<W, FMA>(&a.row(i - 1)[..i - 1], &a.row(i)[..i - 1]);
        }
    }

    /// The group of rows from j on takes these reflections from the right.
    #[inline(always)]
    fn reflect_group<const FMA: bool>(
        &self,
        a: &LaneMatrix<W>,
        s: &mut LaneMatrix<W>,
        reflections: Range<usize>,
        j: usize,
    ) {
        match Self::ROWS {
            4 => self.reflect_rows::<4, FMA>(a, s, reflections, j),
            _ => self.reflect_rows::<2, FMA>(a, s, reflections, j),
        }
    }

    /// Rows j to j + R take these reflections from the right, in pairs that begin with an odd one: with one reflection a pass
    /// the stores would take as long as the arithmetic.
    #[inline(always)]
    fn reflect_rows<const R: usize, const FMA: bool>(
        &self,
        a: &LaneMatrix<W>,
        s: &mut LaneMatrix<W>,
        reflections: Range<usize>,
        j: usize,
    ) {
        let Range { start, end } = reflections;
        let stride = s.stride();
        let rows = s.rows_mut(j, R);
        let vector = |i: usize| &a.row(i)[..i];
        let mut i = start.max(2);
        if i.is_multiple_of(2) && i < end {
            reflect::<W, R, FMA>(rows, stride, vector(i), self.inverse_h[i]);
            i += 1;
        }
        if i + 1 < end {
            // Nothing is due before the first pair.
            let mut w = [[Lanes::<W>::ZERO; 2]; R];
            while i + 1 < end {
                let (u, v) = ([vector(i - 2), vector(i - 1)], [vector(i), vector(i + 1)]);
                let sums = reflect_and_multiply::<W, R, FMA>(rows, stride, w, u, v);
                for r in 0..R {
                    let first = sums[r][0] * -self.inverse_h[i];
                    // Of the row after the first reflection.
                    let sum = first.mul_add::<FMA>(self.products[i + 1], sums[r][1]);
                    w[r] = [first, sum * -self.inverse_h[i + 1]];
                }
                i += 2;
            }
            add_multiples::<W, R, FMA>(rows, stride, w, [vector(i - 2), vector(i - 1)]);
        }
        if i < end {
            reflect::<W, R, FMA>(rows, stride, vector(i), self.inverse_h[i]);
        }
    }

    /// Q S Qᵀ for the symmetric matrices whose lower triangles are in `s`, from the vectors that [`Self::reduce`] left
    /// in `a`. 2 n³ flops.
    #[inline(always)]
    pub(crate) fn restore<const FMA: bool>(&mut self, a: &LaneMatrix<W>, s: &mut LaneMatrix<W>, n: usize) {
        self.multiply_pairs::<FMA>(a, n);
        // Reflection i moves rows and columns before i: of row j >= i only its left part, while it is in the cache.
        // The short rows are those left over.
        let first = n % Self::ROWS;
        for j in 0..first {
            self.reflect_rows::<1, FMA>(a, s, 2..j + 1, j);
        }
        for j in (first..n).step_by(Self::ROWS) {
            self.reflect_group::<FMA>(a, s, 2..j + 1, j);
            for row in j + 1..j + Self::ROWS {
                self.reflect_rows::<1, FMA>(a, s, j + 1..row + 1, row);
            }
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
        // The short rows are those left over.
        let first = end % TOGETHER;
        for j in 0..first {
            self.rows::<1, FMA>(rows, stride, j);
        }
        for j in (first..end).step_by(TOGETHER) {
            self.rows::<TOGETHER, FMA>(rows, stride, j);
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

/// x ← x − (x·u/h) u for R rows.
#[inline(always)]
fn reflect<const W: usize, const R: usize, const FMA: bool>(
    rows: &mut [Lanes<W>],
    stride: usize,
    u: &[Lanes<W>],
    inverse_h: Lanes<W>,
) {
    let mut dots = [Lanes::<W>::ZERO; R];
    for (c, u) in u.iter().enumerate() {
        for r in 0..R {
            dots[r] = rows[r * stride + c].mul_add::<FMA>(*u, dots[r]);
        }
    }
    let factors = dots.map(|dot| -(dot * inverse_h));
    for (c, u) in u.iter().enumerate() {
        for r in 0..R {
            let x = &mut rows[r * stride + c];
            *x = factors[r].mul_add::<FMA>(*u, *x);
        }
        one_by_one();
    }
}

/// Adds w₀ u₀ + w₁ u₁ to R rows, then multiplies them by v₀ and v₁. Of the four vectors in a row, each is one longer than
/// the one before.
#[inline(always)]
fn reflect_and_multiply<const W: usize, const R: usize, const FMA: bool>(
    rows: &mut [Lanes<W>],
    stride: usize,
    w: [[Lanes<W>; 2]; R],
    u: [&[Lanes<W>]; 2],
    v: [&[Lanes<W>]; 2],
) -> [[Lanes<W>; 2]; R] {
    let i = u[0].len();
    let heads = [u[0], &u[1][..i], &v[0][..i], &v[1][..i]];
    let mut sums = [[Lanes::<W>::ZERO; 2]; R];
    for c in 0..i {
        let [u0, u1, v0, v1] = heads.map(|x| x[c]);
        for r in 0..R {
            let x = w[r][1].mul_add::<FMA>(u1, w[r][0].mul_add::<FMA>(u0, rows[r * stride + c]));
            rows[r * stride + c] = x;
            sums[r][0] = x.mul_add::<FMA>(v0, sums[r][0]);
            sums[r][1] = x.mul_add::<FMA>(v1, sums[r][1]);
        }
    }
    for r in 0..R {
        let x = &mut rows[r * stride + i..][..3];
        x[0] = w[r][1].mul_add::<FMA>(u[1][i], x[0]);
        for c in 0..2 {
            sums[r][0] = x[c].mul_add::<FMA>(v[0][i + c], sums[r][0]);
        }
        for c in 0..3 {
            sums[r][1] = x[c].mul_add::<FMA>(v[1][i + c], sums[r][1]);
        }
    }
    sums
}

/// Adds w₀ u₀ + w₁ u₁ to R rows, u₁ one longer than u₀.
#[inline(always)]
fn add_multiples<const W: usize, const R: usize, const FMA: bool>(
    rows: &mut [Lanes<W>],
    stride: usize,
    w: [[Lanes<W>; 2]; R],
    u: [&[Lanes<W>]; 2],
) {
    let i = u[0].len();
    for c in 0..i {
        let (u0, u1) = (u[0][c], u[1][c]);
        for r in 0..R {
            let x = &mut rows[r * stride + c];
            *x = w[r][1].mul_add::<FMA>(u1, w[r][0].mul_add::<FMA>(u0, *x));
        }
        one_by_one();
    }
    for r in 0..R {
        let x = &mut rows[r * stride + i];
        *x = w[r][1].mul_add::<FMA>(u[1][i], *x);
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
