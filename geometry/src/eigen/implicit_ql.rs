//! Implicit QL iteration with Wilkinson's shift on W tridiagonal matrices in lockstep.
//!
//! All matrices look for the same eigenvalue at the same time. One that has found it, or whose active block is
//! shorter, takes no part in the remaining rotations: its lanes are masked, so no result depends on its neighbours.
//! Source of the iteration: A. Dubrulle, R. S. Martin, J. H. Wilkinson, Numer. Math. 12 (1968) 377-383.

use super::lanes::{Buffer, LaneMatrix, Lanes, Mask, one_by_one};

/// Sweeps for one eigenvalue at most; two or three are usual.
pub(super) const MAX_SWEEPS: usize = 60;

/// Rotations of one sweep.
pub(crate) struct Rotations<const W: usize> {
    pub(crate) cosine: Buffer<W>,
    pub(crate) sine: Buffer<W>,
}

impl<const W: usize> Rotations<W> {
    pub(crate) fn zeros(order: usize) -> Self {
        Self {
            cosine: Buffer::zeros(order),
            sine: Buffer::zeros(order),
        }
    }
}

/// What becomes of the rotations.
pub(crate) trait Rotated<const W: usize> {
    /// Takes the rotation of rows i and i + 1 by cosine c and sine s. Must be `#[inline(always)]`.
    fn rotate<const FMA: bool>(&mut self, i: usize, c: Lanes<W>, s: Lanes<W>);

    /// Takes all of a sweep, rows (i, i + 1) for i down to `l`; those of a matrix begin at the end of its block.
    fn swept(&mut self, l: usize, ends: &[usize; W], rotations: &Rotations<W>);
}

/// Qᵀ becomes the eigenvectors, row k those of value k.
impl<const W: usize> Rotated<W> for LaneMatrix<W> {
    /// At once: while a sweep waits for the roots and divisions of its next rotation.
    #[inline(always)]
    fn rotate<const FMA: bool>(&mut self, i: usize, c: Lanes<W>, s: Lanes<W>) {
        let (n, stride) = (self.order(), self.stride());
        let (upper, lower) = self.rows_mut(i, 2).split_at_mut(stride);
        for (upper, lower) in upper[..n].iter_mut().zip(&mut lower[..n]) {
            let (x, y) = (*upper, *lower);
            *lower = s.mul_add::<FMA>(x, c * y);
            *upper = (-s).mul_add::<FMA>(y, c * x);
            one_by_one();
        }
    }

    fn swept(&mut self, _: usize, _: &[usize; W], _: &Rotations<W>) {}
}

/// Diagonalises the tridiagonal matrices with diagonal `d` and couplings `e`: d becomes the eigenvalues (not sorted)
/// and row k of `q`, should it be a matrix that held Qᵀ, the k-th eigenvector of Q T Qᵀ.
///
/// The first sweep for the l-th value is shifted by `known[l]`, should values be known from a run without vectors.
///
/// Returns the matrices for which an eigenvalue did not converge; what is left of them is meaningless.
/// About 9 n³ flops with vectors, 30 n² without.
#[inline(always)]
pub(crate) fn implicit_ql<const W: usize, const FMA: bool>(
    d: &mut [Lanes<W>],
    e: &mut [Lanes<W>],
    known: Option<&[Lanes<W>]>,
    q: &mut impl Rotated<W>,
    rotations: &mut Rotations<W>,
) -> Mask<W> {
    let n = d.len();
    let mut failed = [false; W];
    for l in 0..n {
        let mut sweeps = 0;
        loop {
            let ends = block_ends::<W, false>(d, e, l);
            let last = ends.iter().copied().max().unwrap_or(l);
            if last == l {
                break;
            }
            if sweeps == MAX_SWEEPS {
                for lane in 0..W {
                    failed[lane] |= ends[lane] > l;
                }
                break;
            }
            sweeps += 1;
            let shift = match known {
                Some(known) if sweeps == 1 => known[l],
                _ => wilkinson_shift::<W, FMA>(d, e, l),
            };
            sweep::<W, FMA>([d, e], l, &ends, last, shift, q, rotations);
            q.swept(l, &ends, rotations);
        }
    }
    failed
}

/// For each matrix the end m ≥ l of the unreduced block that starts at l. `e` has the squares of the couplings if
/// `SQUARED` says so.
#[inline(always)]
pub(super) fn block_ends<const W: usize, const SQUARED: bool>(d: &[Lanes<W>], e: &[Lanes<W>], l: usize) -> [usize; W] {
    let n = d.len();
    let mut ends = Lanes([(n - 1) as f64; W]);
    // From below, so that the last split found is the first one: no branches, all vector instructions.
    for m in (l..n - 1).rev() {
        let small = (d[m].abs() + d[m + 1].abs()) * Lanes([f64::EPSILON; W]);
        let small = if SQUARED { small * small } else { small };
        ends = Lanes::select_less(small, e[m].abs(), ends, Lanes([m as f64; W]));
    }
    ends.0.map(|end| end as usize)
}

/// The eigenvalue of the leading 2 x 2 block at l that is nearer to d[l]; meaningless, and not used, where e[l] = 0.
#[inline(always)]
fn wilkinson_shift<const W: usize, const FMA: bool>(d: &[Lanes<W>], e: &[Lanes<W>], l: usize) -> Lanes<W> {
    let half = (d[l + 1] - d[l]) / e[l].map(|x| 2.0 * x);
    let root = half.mul_add::<FMA>(half, Lanes::ONE).sqrt();
    let towards = half + root.copysign(half);
    (d[l] - e[l] / towards).as_a_whole()
}

/// One implicit QL sweep from `last` up to `l`; lanes whose block ends earlier join there.
#[inline(always)]
fn sweep<const W: usize, const FMA: bool>(
    [d, e]: [&mut [Lanes<W>]; 2],
    l: usize,
    ends: &[usize; W],
    last: usize,
    shift: Lanes<W>,
    q: &mut impl Rotated<W>,
    rotations: &mut Rotations<W>,
) {
    let until = ends.map(|end| end as i64);
    let (mut g, mut s, mut c, mut p) = (Lanes::ZERO, Lanes::ONE, Lanes::ONE, Lanes::ZERO);
    let mut before = [0u64; W];
    let (cosine, sine) = (&mut rotations.cosine[..], &mut rotations.sine[..]);
    for i in (l..last).rev() {
        // A matrix takes part from its own end on. Masks of bits, and no branches: all of this is vector instructions.
        let above = until.map(|end| if_negative(i as i64 - end));
        let on = |new, old| Lanes::blend(&above, new, old);
        let started = |new, old| Lanes::blend(&before, new, old);
        g = started(g, d[i + 1] - shift);
        let (f, b) = (s * e[i], c * e[i]);
        let r = f.mul_add::<FMA>(f, g * g).sqrt();
        // The coupling that is given up at the end of a block is zero.
        e[i + 1] = on(started(r, Lanes::ZERO), e[i + 1]);
        // f = g = 0: the matrix splits here, and nothing is to be rotated; `one` is zero elsewhere.
        let one = r.map(|r| f64::from_bits(if_negative(r.to_bits() as i64 - 1) & 1f64.to_bits()));
        s = on(f / (r + one), s);
        c = on((g + one) / (r + one), c);
        (cosine[i], sine[i]) = (on(c, Lanes::ONE), on(s, Lanes::ZERO));
        // The rotation before this one, while the root and the divisions are under way.
        if i + 1 < last {
            q.rotate::<FMA>(i + 1, cosine[i + 1], sine[i + 1]);
        }
        let shifted = d[i + 1] - p;
        let turn = (d[i] - shifted).mul_add::<FMA>(s, (c * b).map(|x| 2.0 * x));
        let next = s * turn;
        d[i + 1] = on(shifted + next, d[i + 1]);
        p = on(next, p);
        g = c.mul_add::<FMA>(turn, -b);
        before = above;
    }
    q.rotate::<FMA>(l, cosine[l], sine[l]);
    d[l] = Lanes::blend(&before, d[l] - p, d[l]);
    e[l] = Lanes::blend(&before, g, e[l]);
}

/// All bits where a number is negative, none elsewhere.
#[inline(always)]
pub(super) fn if_negative(x: i64) -> u64 {
    (x >> 63) as u64
}
