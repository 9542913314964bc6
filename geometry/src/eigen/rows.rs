//! One symmetric matrix across the vector registers: what a group of lanes does for many small matrices, done for a
//! matrix too large to stand beside others in the cache.

use super::implicit_ql::{Rotated, Rotations};
use super::lanes::Lanes;
use super::tridiagonal::NEGLIGIBLE;

/// Columns of the eigenvectors, in registers, that take all rotations before the next ones do: n rows of so many stay in
/// the first level of cache.
const PANEL: usize = 2;

/// A cache line in numbers: loads of whole registers that cross a line take twice the time.
const LINE: usize = 8;

/// A square matrix, each row in whole registers of W entries, zeros after its end.
pub(super) struct Rows<const W: usize> {
    order: usize,
    /// Registers a row.
    stride: usize,
    numbers: Vec<f64>,
    /// Where the first cache line begins.
    start: usize,
}

impl<const W: usize> Rows<W> {
    pub(super) fn zeros(order: usize) -> Self {
        // An odd number of cache lines a row, so that the rows of a panel do not compete for few sets of the cache.
        let stride = (order.div_ceil(LINE) | 1) * (LINE / W);
        let numbers = vec![0.0_f64; order * stride * W + LINE];
        let start = numbers.as_ptr().align_offset(LINE * size_of::<f64>()).min(LINE);
        Self {
            order,
            stride,
            numbers,
            start,
        }
    }

    #[inline(always)]
    fn data(&self) -> &[[f64; W]] {
        self.numbers[self.start..].as_chunks().0
    }

    #[inline(always)]
    fn data_mut(&mut self) -> &mut [[f64; W]] {
        &mut self.numbers[self.start..].as_chunks_mut().0[..self.order * self.stride]
    }

    #[inline(always)]
    pub(super) fn row(&self, i: usize) -> &[f64] {
        &self.numbers[self.start + i * self.stride * W..][..self.order]
    }

    #[inline(always)]
    pub(super) fn row_mut(&mut self, i: usize) -> &mut [f64] {
        &mut self.numbers[self.start + i * self.stride * W..][..self.order]
    }

    #[inline(always)]
    fn registers(&self, i: usize) -> &[[f64; W]] {
        &self.data()[i * self.stride..(i + 1) * self.stride]
    }

    /// Takes the lower triangle of a symmetric matrix, times `scale`.
    pub(super) fn load_lower(&mut self, matrix: &[f64], scale: f64) {
        let n = self.order;
        self.numbers.fill(0.0);
        for i in 0..n {
            for (x, y) in self.row_mut(i)[..=i].iter_mut().zip(&matrix[i * n..]) {
                *x = y * scale;
            }
        }
    }

    pub(super) fn fill_identity(&mut self) {
        self.numbers.fill(0.0);
        for i in 0..self.order {
            self.row_mut(i)[i] = 1.0;
        }
    }
}

/// Ones in the first `count` lanes.
#[inline(always)]
fn first<const W: usize>(count: usize) -> Lanes<W> {
    let mut mask = Lanes::ZERO;
    for (lane, x) in mask.0.iter_mut().enumerate() {
        *x = f64::from(u8::from(lane < count));
    }
    mask
}

#[inline(always)]
fn sum<const W: usize>(x: Lanes<W>) -> f64 {
    x.0.iter().sum()
}

/// A tridiagonal matrix and the reflections that led to it.
pub(super) struct Reflections {
    pub(super) diagonal: Vec<f64>,
    /// `off[i]` couples i and i + 1; the last entry is zero.
    pub(super) off: Vec<f64>,
    /// 1/h of the reflection I − u uᵀ/h that reduced row i, 0 where none was needed.
    inverse_h: Vec<f64>,
}

/// p = A u/h − k u of one reflection: A ← A − u pᵀ − p uᵀ.
struct Update<const W: usize> {
    p: Vec<[f64; W]>,
    next: Vec<[f64; W]>,
}

impl Reflections {
    pub(super) fn zeros(order: usize) -> Self {
        Self {
            diagonal: vec![0.0; order],
            off: vec![0.0; order],
            inverse_h: vec![0.0; order],
        }
    }

    /// Householder reduction T = Qᵀ A Q of the lower triangle in `a`, whose rows the vectors u replace; `R` divides `W`.
    ///
    /// The update by one reflection and the product with the vector of the next one, which needs only the updated last
    /// row, share a pass over the matrix. 4/3 n³ flops.
    #[inline(always)]
    pub(super) fn reduce<const W: usize, const R: usize, const FMA: bool>(&mut self, a: &mut Rows<W>) {
        let (n, stride) = (a.order, a.stride);
        let mut update = Update {
            p: vec![[0.0; W]; stride],
            next: vec![[0.0; W]; stride],
        };
        let none = vec![[0.0; W]; stride];
        let data = a.data_mut();
        for i in (1..n).rev() {
            let (head, tail) = data.split_at_mut(i * stride);
            let (row, tail) = tail.split_at_mut(stride);
            // Row i + 1 is the vector whose update is due; the first row has none, and zeros change nothing.
            let u = if tail.is_empty() { &none[..] } else { &tail[..stride] };
            let used = i / W + 1;
            let (ui, pi) = (u.as_flattened()[i], update.p.as_flattened()[i]);
            for (x, (u, p)) in row[..used].iter_mut().zip(u.iter().zip(&update.p)) {
                *x = rank_two::<W, FMA>(Lanes(*x), ui, pi, Lanes(*u), Lanes(*p)).0;
            }
            let flat = row.as_flattened_mut();
            self.diagonal[i] = flat[i];
            flat[i..].fill(0.0);

            let alpha = flat[i - 1];
            flat[i - 1] = 0.0;
            let mut squares = Lanes::<W>::ZERO;
            for x in &row[..used] {
                squares = Lanes(*x).mul_add::<FMA>(Lanes(*x), squares);
            }
            let sigma = sum(squares);
            let flat = row.as_flattened_mut();
            if sigma < NEGLIGIBLE {
                flat[..i].fill(0.0);
                self.off[i - 1] = alpha;
                self.inverse_h[i] = 0.0;
            } else {
                let norm = (alpha * alpha + sigma).sqrt();
                let signed = if alpha < 0.0 { -norm } else { norm };
                flat[i - 1] = alpha + signed;
                self.off[i - 1] = -signed;
                self.inverse_h[i] = 1.0 / (alpha * signed + norm * norm);
            }
            update_and_multiply::<W, R, FMA>(head, stride, i, u, &update.p, row, &mut update.next);
            update.finish::<FMA>(row, self.inverse_h[i]);
        }
        self.diagonal[0] = a.row(0)[0];
        self.off[n - 1] = 0.0;
    }

    /// Qᵀ into `q`, from the vectors that [`Self::reduce`] left in `a`: a few rows at a time take all reflections.
    /// 4/3 n³ flops.
    #[inline(always)]
    pub(super) fn accumulate<const W: usize, const R: usize, const FMA: bool>(&self, a: &Rows<W>, q: &mut Rows<W>) {
        let (n, stride) = (a.order, a.stride);
        q.fill_identity();
        for (index, rows) in q.data_mut().chunks_mut(R * stride).enumerate() {
            for i in (index * R + 1).max(2)..n {
                let u = &a.registers(i)[..(i - 1) / W + 1];
                let inverse = self.inverse_h[i];
                if rows.len() == R * stride {
                    reflect_rows::<W, R, FMA>(rows, stride, u, inverse);
                } else {
                    for row in rows.chunks_exact_mut(stride) {
                        reflect_rows::<W, 1, FMA>(row, stride, u, inverse);
                    }
                }
            }
        }
    }
}

impl<const W: usize> Update<W> {
    /// Turns `next` = A u into p and makes it the update that is due.
    #[inline(always)]
    fn finish<const FMA: bool>(&mut self, u: &[[f64; W]], inverse: f64) {
        let mut dot = Lanes::<W>::ZERO;
        for (x, u) in self.next.iter_mut().zip(u) {
            let scaled = Lanes(*x) * Lanes([inverse; W]);
            *x = scaled.0;
            dot = scaled.mul_add::<FMA>(Lanes(*u), dot);
        }
        let k = Lanes([-0.5 * inverse * sum(dot); W]);
        for (x, u) in self.next.iter_mut().zip(u) {
            *x = k.mul_add::<FMA>(Lanes(*u), Lanes(*x)).0;
        }
        std::mem::swap(&mut self.p, &mut self.next);
    }
}

/// x − pⱼ u − uⱼ p.
#[inline(always)]
fn rank_two<const W: usize, const FMA: bool>(x: Lanes<W>, uj: f64, pj: f64, u: Lanes<W>, p: Lanes<W>) -> Lanes<W> {
    Lanes([-pj; W]).mul_add::<FMA>(u, Lanes([-uj; W]).mul_add::<FMA>(p, x))
}

/// A ← A − u pᵀ − p uᵀ and y = A v, on the leading block of order `n` of a lower triangle.
#[inline(always)]
fn update_and_multiply<const W: usize, const R: usize, const FMA: bool>(
    rows: &mut [[f64; W]],
    stride: usize,
    n: usize,
    u: &[[f64; W]],
    p: &[[f64; W]],
    v: &[[f64; W]],
    y: &mut [[f64; W]],
) {
    y.fill([0.0; W]);
    let whole = n / R * R;
    for j in (0..whole).step_by(R) {
        let rows = &mut rows[j * stride..(j + R) * stride];
        update_rows::<W, R, FMA>(rows, stride, j, u, p, v, y);
    }
    for j in whole..n {
        let rows = &mut rows[j * stride..(j + 1) * stride];
        update_rows::<W, 1, FMA>(rows, stride, j, u, p, v, y);
    }
}

/// Rows j to j + R of the above, all of which end in the same register.
#[inline(always)]
fn update_rows<const W: usize, const R: usize, const FMA: bool>(
    rows: &mut [[f64; W]],
    stride: usize,
    j: usize,
    u: &[[f64; W]],
    p: &[[f64; W]],
    v: &[[f64; W]],
    y: &mut [[f64; W]],
) {
    let last = j / W;
    let mut left = [[0.0; 3]; R];
    for (r, left) in left.iter_mut().enumerate() {
        *left = [u, p, v].map(|x| x[last][j + r - last * W]);
    }
    let mut sums = [Lanes::<W>::ZERO; R];
    let (u, p, v, y) = (&u[..=last], &p[..=last], &v[..=last], &mut y[..=last]);
    for b in 0..last {
        let (ub, pb, vb, mut yb) = (Lanes(u[b]), Lanes(p[b]), Lanes(v[b]), Lanes(y[b]));
        for r in 0..R {
            let x = &mut rows[r * stride + b];
            let new = rank_two::<W, FMA>(Lanes(*x), left[r][0], left[r][1], ub, pb);
            *x = new.0;
            sums[r] = new.mul_add::<FMA>(vb, sums[r]);
            yb = new.mul_add::<FMA>(Lanes([left[r][2]; W]), yb);
        }
        y[b] = yb.0;
    }
    let (ub, pb, vb, mut yb) = (Lanes(u[last]), Lanes(p[last]), Lanes(v[last]), Lanes(y[last]));
    for r in 0..R {
        let x = &mut rows[r * stride + last];
        let diagonal = j + r - last * W;
        let new = rank_two::<W, FMA>(Lanes(*x), left[r][0], left[r][1], ub, pb) * first(diagonal + 1);
        *x = new.0;
        sums[r] = new.mul_add::<FMA>(vb, sums[r]);
        // The diagonal entry counts once.
        yb = (new * first(diagonal)).mul_add::<FMA>(Lanes([left[r][2]; W]), yb);
    }
    for r in 0..R {
        yb.0[j + r - last * W] += sum(sums[r]);
    }
    y[last] = yb.0;
}

/// q ← q − (q·u/h) u for R rows.
#[inline(always)]
fn reflect_rows<const W: usize, const R: usize, const FMA: bool>(
    rows: &mut [[f64; W]],
    stride: usize,
    u: &[[f64; W]],
    inverse: f64,
) {
    let mut dots = [Lanes::<W>::ZERO; R];
    for (b, u) in u.iter().enumerate() {
        for r in 0..R {
            dots[r] = Lanes(rows[r * stride + b]).mul_add::<FMA>(Lanes(*u), dots[r]);
        }
    }
    let factors = dots.map(|dot| Lanes([-inverse * sum(dot); W]));
    for (b, u) in u.iter().enumerate() {
        for r in 0..R {
            let x = &mut rows[r * stride + b];
            *x = factors[r].mul_add::<FMA>(Lanes(*u), Lanes(*x)).0;
        }
    }
}

/// All rotations of W matrices, each matrix's in its own list.
pub(super) struct Recorded<const W: usize> {
    /// Cosine and sine, in the order of their use.
    turns: [Vec<[f64; 2]>; W],
    /// The rows l and `end` of each sweep.
    sweeps: [Vec<(usize, usize)>; W],
}

impl<const W: usize> Recorded<W> {
    pub(super) fn new() -> Self {
        Self {
            turns: std::array::from_fn(|_| Vec::new()),
            sweeps: std::array::from_fn(|_| Vec::new()),
        }
    }

    pub(super) fn clear(&mut self) {
        self.turns.iter_mut().for_each(Vec::clear);
        self.sweeps.iter_mut().for_each(Vec::clear);
    }

    /// Rotates the rows of `q` as the matrix in `lane` was rotated. About 5 n³ flops.
    #[inline(always)]
    pub(super) fn apply<const V: usize, const FMA: bool>(&self, lane: usize, q: &mut Rows<V>) {
        let used = q.order.div_ceil(V);
        for b in (0..used).step_by(PANEL) {
            if b + PANEL <= used {
                self.apply_panel::<V, PANEL, FMA>(lane, q, b);
            } else {
                for b in b..used {
                    self.apply_panel::<V, 1, FMA>(lane, q, b);
                }
            }
        }
    }

    #[inline(always)]
    fn apply_panel<const V: usize, const P: usize, const FMA: bool>(&self, lane: usize, q: &mut Rows<V>, b: usize) {
        let stride = q.stride;
        let data = q.data_mut();
        let mut turns = &self.turns[lane][..];
        for &(l, end) in &self.sweeps[lane] {
            let (sweep, rest) = turns.split_at(end - l);
            turns = rest;
            let rows = &mut data[l * stride..(end + 1) * stride];
            let mut carried = [Lanes::<V>::ZERO; P];
            for (k, carried) in carried.iter_mut().enumerate() {
                *carried = Lanes(rows[(end - l) * stride + b + k]);
            }
            for (i, &[c, s]) in (0..end - l).rev().zip(sweep) {
                let (c, s) = (Lanes([c; V]), Lanes([s; V]));
                let upper: [[f64; V]; P] = std::array::from_fn(|k| rows[i * stride + b + k]);
                let lower = &mut rows[(i + 1) * stride + b..][..P];
                for k in 0..P {
                    let upper = Lanes(upper[k]);
                    lower[k] = s.mul_add::<FMA>(upper, c * carried[k]).0;
                    carried[k] = (-s).mul_add::<FMA>(carried[k], c * upper);
                }
            }
            for (k, carried) in carried.iter().enumerate() {
                rows[b + k] = carried.0;
            }
        }
    }
}

impl<const W: usize> Rotated<W> for Recorded<W> {
    #[inline(always)]
    fn rotate<const FMA: bool>(&mut self, _: usize, _: Lanes<W>, _: Lanes<W>) {}

    fn swept(&mut self, l: usize, ends: &[usize; W], rotations: &Rotations<W>) {
        for (lane, &end) in ends.iter().enumerate() {
            if end > l {
                self.sweeps[lane].push((l, end));
                let pairs = rotations.cosine[l..end].iter().zip(&rotations.sine[l..end]).rev();
                self.turns[lane].extend(pairs.map(|(c, s)| [c.0[lane], s.0[lane]]));
            }
        }
    }
}

/// Lower triangle of Σ_k f_k q_k q_kᵀ into `out`; `scaled` is room for f_k q_k. n³ flops.
#[inline(always)]
pub(super) fn reconstruct<const W: usize, const FMA: bool>(
    f: &[f64],
    q: &Rows<W>,
    scaled: &mut Rows<W>,
    out: &mut Rows<W>,
) {
    let n = q.order;
    for (k, &f) in f.iter().enumerate() {
        for (x, y) in scaled.row_mut(k).iter_mut().zip(q.row(k)) {
            *x = y * f;
        }
    }
    let used = n.div_ceil(W);
    let mut i = 0;
    while i < n {
        // Rows i to i + 4 end in one register if they start at a multiple of four.
        let height = if W >= 4 && i + 4 <= n { 4 } else { 1 };
        let needed = (i + height).div_ceil(W).min(used);
        let mut b = 0;
        while b < needed {
            let width = (needed - b).min(2);
            match (height, width) {
                (4, 2) => tile::<W, 4, 2, FMA>(q, scaled, out, i, b),
                (4, _) => tile::<W, 4, 1, FMA>(q, scaled, out, i, b),
                (_, 2) => tile::<W, 1, 2, FMA>(q, scaled, out, i, b),
                _ => tile::<W, 1, 1, FMA>(q, scaled, out, i, b),
            }
            b += width;
        }
        i += height;
    }
}

#[inline(always)]
fn tile<const W: usize, const R: usize, const C: usize, const FMA: bool>(
    q: &Rows<W>,
    scaled: &Rows<W>,
    out: &mut Rows<W>,
    i: usize,
    b: usize,
) {
    let (n, stride, registers) = (q.order, q.stride, q.data());
    let mut sums = [[Lanes::<W>::ZERO; C]; R];
    for k in 0..n {
        let left = &scaled.row(k)[i..i + R];
        let right = &registers[k * stride + b..][..C];
        for r in 0..R {
            for c in 0..C {
                sums[r][c] = Lanes([left[r]; W]).mul_add::<FMA>(Lanes(right[c]), sums[r][c]);
            }
        }
    }
    let out = out.data_mut();
    for (r, sums) in sums.iter().enumerate() {
        for (c, x) in sums.iter().enumerate() {
            out[(i + r) * stride + b + c] = x.0;
        }
    }
}
