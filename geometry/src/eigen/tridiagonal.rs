//! Householder reduction of W symmetric matrices at once to tridiagonal form, and the way back.

use std::cell::Cell;
use std::ops::Range;

use super::lanes::{Buffer, LaneMatrix, Lanes, dot, one_by_one, rows_of};

/// Below this sum of squares (matrices are scaled to a largest entry near 1) a row counts as already reduced: the
/// entries neglected are 1e-140 of the norm.
pub(super) const NEGLIGIBLE: f64 = 1e-280;

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

/// Of changes A − u pᵀ − p uᵀ that are due: p. Of vectors v that bring the next ones: y = A v.
///
/// A triangle of large matrices does not fit the first cache, and a pass that reads and writes it for one change and one
/// product can wait for the second one half of the time: changes are made two at a time.
struct Update<const W: usize> {
    p: [Buffer<W>; 2],
    y: [Buffer<W>; 2],
}

/// Zeros behind a vector in its row: a pass reads those of neighbouring reflections, of which the longest is as many entries
/// longer than the shortest, as if they had one length.
const ZEROS: usize = 3;

impl<const W: usize> Tridiagonal<W> {
    /// Rows that take reflections from one side together: with two reflections at a time, what the registers hold.
    const ROWS: usize = if W >= 8 { 4 } else { 2 };

    pub(crate) fn zeros(order: usize) -> Self {
        let zeros = || Buffer::zeros(order);
        let longer = || Buffer::zeros(order + ZEROS);
        Self {
            diagonal: zeros(),
            off: zeros(),
            inverse_h: zeros(),
            products: zeros(),
            update: Update {
                p: [longer(), longer()],
                y: [longer(), longer()],
            },
        }
    }

    /// Reduces the matrices whose lower triangles are in `a`; the vectors u replace the rows of `a`. 4/3 n³ flops.
    ///
    /// A change waits for the next one, whose product with the vector then reads the matrix of before; what both change
    /// shares a pass with the product after that.
    #[inline(always)]
    pub(crate) fn reduce<const FMA: bool>(&mut self, a: &mut LaneMatrix<W>, n: usize) {
        let update = &mut self.update;
        let stride = a.stride();
        let mut due = 0;
        for i in (0..n).rev() {
            let (head, tail) = a.rows_mut(0, n).split_at_mut(i * stride);
            let (row, below) = tail.split_at_mut(stride);
            let u = match due {
                0 => [&[][..]; 2],
                1 => [&below[..]; 2],
                _ => [&below[stride..], &below[..stride]],
            };
            update.row::<FMA>(&mut row[..=i], u, due);
            self.diagonal[i] = row[i];
            row[i..n.min(i + ZEROS)].fill(Lanes::ZERO);
            if i == 0 {
                break;
            }
            let (v, alpha) = (&mut row[..i], i - 1);
            let sigma = dot::<W, FMA>(&v[..alpha], &v[..alpha]);
            let first = v[alpha];
            let reduced = sigma.compare(Lanes::ZERO, |s, _| s < NEGLIGIBLE);
            let norm = first.mul_add::<FMA>(first, sigma).sqrt();
            let signed = norm.copysign(first);
            self.off[i - 1] = Lanes::select(reduced, first, -signed);
            v[alpha] = first + signed;
            let h = (first * signed).mul_add::<FMA>(Lanes::ONE, norm * norm);
            let inverse = Lanes::select(reduced, Lanes::ZERO, Lanes::ONE / h);
            self.inverse_h[i] = inverse;
            let waiting = if due == 2 {
                update.leading::<3, 2, 1, FMA>(head, stride, i, u, [v, v]);
                due = 0;
                None
            } else {
                update.leading::<4, 0, 1, FMA>(head, stride, i, u, [v, v]);
                (due == 1).then_some([u[0], &update.p[0]])
            };
            finish::<W, FMA>(&mut update.y[0][..i], v, inverse, waiting);
            std::mem::swap(&mut update.p[due], &mut update.y[0]);
            due += 1;
        }
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
        update.p.iter_mut().for_each(|p| p.fill(Lanes::ZERO));
        let stride = s.stride();
        // Row 0 begins with zeros.
        let mut u = [a.row(0); 2];
        // The pass for i makes the changes of the two reflections before it, and multiplies by the vectors of i and i + 1.
        for i in (1..n).step_by(2) {
            let (pair, end) = if i + 1 < n { (true, i + 1) } else { (false, i) };
            let v = [a.row(i), a.row(if pair { i + 1 } else { i })];
            update.leading::<3, 2, 2, FMA>(s.rows_mut(0, n), stride, end, u, v);
            let [y0, y1] = &mut update.y;
            finish::<W, FMA>(&mut y0[..i], v[0], self.inverse_h[i], None);
            // Row i has taken reflection i already.
            y0[i..i + ZEROS].fill(Lanes::ZERO);
            if pair {
                finish::<W, FMA>(&mut y1[..end], v[1], self.inverse_h[i + 1], Some([v[0], y0]));
                y1[end..end + ZEROS - 1].fill(Lanes::ZERO);
            } else {
                y1.fill(Lanes::ZERO);
            }
            std::mem::swap(&mut update.p, &mut update.y);
            u = v;
        }
        update.leading::<3, 2, 0, FMA>(s.rows_mut(0, n), stride, n, u, u);
    }
}

impl<const W: usize> Update<W> {
    /// Makes the first `due` changes on the last row of a triangle.
    #[inline(always)]
    fn row<const FMA: bool>(&self, row: &mut [Lanes<W>], u: [&[Lanes<W>]; 2], due: usize) {
        match due {
            0 => {}
            1 => self.row_by::<1, FMA>(row, u),
            _ => self.row_by::<2, FMA>(row, u),
        }
    }

    #[inline(always)]
    fn row_by<const K: usize, const FMA: bool>(&self, row: &mut [Lanes<W>], u: [&[Lanes<W>]; 2]) {
        let len = row.len();
        let [p0, p1] = &self.p;
        let (u, p) = (u.map(|u| &u[..len]), [&p0[..len], &p1[..len]]);
        let (mut ui, mut pi) = ([Lanes::<W>::ZERO; K], [Lanes::<W>::ZERO; K]);
        for k in 0..K {
            (ui[k], pi[k]) = (u[k][len - 1], p[k][len - 1]);
        }
        for c in 0..len {
            let mut x = row[c];
            for k in 0..K {
                x = rank_two::<W, FMA>(x, ui[k], pi[k], u[k][c], p[k][c]);
            }
            row[c] = x;
            one_by_one();
        }
    }

    /// Makes the first K changes, and y = A v for the first M vectors, on rows 0..`end` of lower triangles, R rows
    /// together: they share the numbers loaded for them, and are as many as the registers hold.
    #[inline(always)]
    fn leading<const R: usize, const K: usize, const M: usize, const FMA: bool>(
        &mut self,
        rows: &mut [Lanes<W>],
        stride: usize,
        end: usize,
        u: [&[Lanes<W>]; 2],
        v: [&[Lanes<W>]; 2],
    ) {
        // The short rows are those left over.
        let first = end % R;
        for j in 0..first {
            self.rows::<1, K, M, FMA>(rows, stride, j, u, v);
        }
        for j in (first..end).step_by(R) {
            self.rows::<R, K, M, FMA>(rows, stride, j, u, v);
        }
    }

    /// The same on rows j to j + R.
    #[inline(always)]
    fn rows<const R: usize, const K: usize, const M: usize, const FMA: bool>(
        &mut self,
        rows: &mut [Lanes<W>],
        stride: usize,
        j: usize,
        mut u: [&[Lanes<W>]; 2],
        mut v: [&[Lanes<W>]; 2],
    ) {
        let block = Cell::from_mut(&mut rows[j * stride..]).as_slice_of_cells();
        let (heads, tile) = (
            rows_of::<W, R>(block, stride, 0, j),
            rows_of::<W, R>(block, stride, j, R),
        );
        let (mut ur, mut pr) = ([[Lanes::<W>::ZERO; K]; R], [[Lanes::<W>::ZERO; K]; R]);
        let mut vr = [[Lanes::<W>::ZERO; M]; R];
        for r in 0..R {
            for k in 0..K {
                (ur[r][k], pr[r][k]) = (u[k][j + r], self.p[k][j + r]);
            }
            for m in 0..M {
                vr[r][m] = v[m][j + r];
            }
        }
        let mut sums = [[Lanes::<W>::ZERO; M]; R];
        for k in 0..K {
            u[k] = &u[k][..j];
        }
        for m in 0..M {
            v[m] = &v[m][..j];
        }
        let ([p0, p1], [y0, y1]) = (&self.p, &mut self.y);
        let (p, y) = ([&p0[..j], &p1[..j]], [&mut y0[..j], &mut y1[..j]]);
        for c in 0..j {
            let (mut uc, mut pc) = ([Lanes::<W>::ZERO; K], [Lanes::<W>::ZERO; K]);
            let (mut vc, mut yc) = ([Lanes::<W>::ZERO; M], [Lanes::<W>::ZERO; M]);
            for k in 0..K {
                (uc[k], pc[k]) = (u[k][c], p[k][c]);
            }
            for m in 0..M {
                (vc[m], yc[m]) = (v[m][c], y[m][c]);
            }
            for r in 0..R {
                let mut x = heads[r][c].get();
                for k in 0..K {
                    x = rank_two::<W, FMA>(x, ur[r][k], pr[r][k], uc[k], pc[k]);
                }
                if K > 0 {
                    heads[r][c].set(x);
                }
                for m in 0..M {
                    sums[r][m] = x.mul_add::<FMA>(vc[m], sums[r][m]);
                    yc[m] = x.mul_add::<FMA>(vr[r][m], yc[m]);
                }
            }
            for m in 0..M {
                y[m][c] = yc[m];
            }
        }
        // The tile on the diagonal; bounds that are constants keep it in registers.
        let mut ends = [[Lanes::<W>::ZERO; M]; R];
        for r in 0..R {
            for b in 0..R {
                if b <= r {
                    let mut x = tile[r][b].get();
                    for k in 0..K {
                        x = rank_two::<W, FMA>(x, ur[r][k], pr[r][k], ur[b][k], pr[b][k]);
                    }
                    if K > 0 {
                        tile[r][b].set(x);
                    }
                    for m in 0..M {
                        sums[r][m] = x.mul_add::<FMA>(vr[b][m], sums[r][m]);
                        if b < r {
                            ends[b][m] = x.mul_add::<FMA>(vr[r][m], ends[b][m]);
                        }
                    }
                }
            }
        }
        for r in 0..R {
            for m in 0..M {
                self.y[m][j + r] = ends[r][m] + sums[r][m];
            }
        }
    }
}

/// Turns y = A v into the p of the change that v brings: p = y/h − k v with k = vᵀy/2h². A change (u, p) that is not made
/// yet is made up for.
#[inline(always)]
fn finish<const W: usize, const FMA: bool>(
    y: &mut [Lanes<W>],
    v: &[Lanes<W>],
    inverse_h: Lanes<W>,
    waiting: Option<[&[Lanes<W>]; 2]>,
) {
    let v = &v[..y.len()];
    let mut sum = dot::<W, FMA>(y, v);
    let half = inverse_h.map(|x| -0.5 * x);
    let Some(waiting) = waiting else {
        let k = sum * inverse_h * half;
        for (y, v) in y.iter_mut().zip(v) {
            *y = k.mul_add::<FMA>(*v, *y * inverse_h);
            one_by_one();
        }
        return;
    };
    let [u, p] = waiting.map(|x| &x[..y.len()]);
    let (uv, pv) = (dot::<W, FMA>(u, v), dot::<W, FMA>(p, v));
    sum = (uv + uv).mul_add::<FMA>(-pv, sum);
    let k = sum * inverse_h * half;
    let vectors = v.iter().zip(u.iter().zip(p));
    for (y, (v, (u, p))) in y.iter_mut().zip(vectors) {
        *y = k.mul_add::<FMA>(*v, rank_two::<W, FMA>(*y, uv, pv, *u, *p) * inverse_h);
        one_by_one();
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
    let rows = rows_of::<W, R>(Cell::from_mut(rows).as_slice_of_cells(), stride, 0, u.len());
    let mut dots = [Lanes::<W>::ZERO; R];
    for (c, u) in u.iter().enumerate() {
        for r in 0..R {
            dots[r] = rows[r][c].get().mul_add::<FMA>(*u, dots[r]);
        }
    }
    let factors = dots.map(|dot| -(dot * inverse_h));
    for (c, u) in u.iter().enumerate() {
        for r in 0..R {
            let x = &rows[r][c];
            x.set(factors[r].mul_add::<FMA>(*u, x.get()));
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
    let rows = Cell::from_mut(rows).as_slice_of_cells();
    let (left, ends) = (rows_of::<W, R>(rows, stride, 0, i), rows_of::<W, R>(rows, stride, i, 3));
    let heads = [u[0], &u[1][..i], &v[0][..i], &v[1][..i]];
    let mut sums = [[Lanes::<W>::ZERO; 2]; R];
    for c in 0..i {
        let [u0, u1, v0, v1] = heads.map(|x| x[c]);
        for r in 0..R {
            let x = w[r][1].mul_add::<FMA>(u1, w[r][0].mul_add::<FMA>(u0, left[r][c].get()));
            left[r][c].set(x);
            sums[r][0] = x.mul_add::<FMA>(v0, sums[r][0]);
            sums[r][1] = x.mul_add::<FMA>(v1, sums[r][1]);
        }
    }
    for r in 0..R {
        let x = ends[r];
        x[0].set(w[r][1].mul_add::<FMA>(u[1][i], x[0].get()));
        for c in 0..2 {
            sums[r][0] = x[c].get().mul_add::<FMA>(v[0][i + c], sums[r][0]);
        }
        for c in 0..3 {
            sums[r][1] = x[c].get().mul_add::<FMA>(v[1][i + c], sums[r][1]);
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
    let rows = rows_of::<W, R>(Cell::from_mut(rows).as_slice_of_cells(), stride, 0, i + 1);
    for c in 0..i {
        let (u0, u1) = (u[0][c], u[1][c]);
        for r in 0..R {
            let x = &rows[r][c];
            x.set(w[r][1].mul_add::<FMA>(u1, w[r][0].mul_add::<FMA>(u0, x.get())));
        }
        one_by_one();
    }
    for r in 0..R {
        let x = &rows[r][i];
        x.set(w[r][1].mul_add::<FMA>(u[1][i], x.get()));
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
