//! Implicit QL iteration with Wilkinson's shift on W tridiagonal matrices in lockstep.
//!
//! All matrices look for the same eigenvalue at the same time. One that has found it, or whose active block is
//! shorter, takes no part in the remaining rotations: its lanes are masked, so no result depends on its neighbours.
//! Source of the iteration: A. Dubrulle, R. S. Martin, J. H. Wilkinson, Numer. Math. 12 (1968) 377-383.

use super::lanes::{Buffer, LaneMatrix, Lanes, Mask};

/// Sweeps for one eigenvalue at most; two or three are usual.
pub(super) const MAX_SWEEPS: usize = 60;
/// Columns of the eigenvectors that are rotated together.
const BLOCK: usize = 4;

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

/// What becomes of the rotations of each sweep.
pub(crate) trait Rotated<const W: usize> {
    /// Takes the rotations of rows (i, i + 1), i from `last` − 1 down to `l`; those of a matrix whose block ends before
    /// `last` begin there. Must be `#[inline(always)]`.
    fn rotate<const FMA: bool>(&mut self, l: usize, last: usize, ends: &[usize; W], rotations: &Rotations<W>);
}

/// Qᵀ becomes the eigenvectors, row k those of value k.
impl<const W: usize> Rotated<W> for LaneMatrix<W> {
    #[inline(always)]
    fn rotate<const FMA: bool>(&mut self, l: usize, last: usize, _: &[usize; W], rotations: &Rotations<W>) {
        rotate::<W, FMA>(self, l, last, rotations);
    }
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
            sweep::<W, FMA>(d, e, l, &ends, last, shift, rotations);
            q.rotate::<FMA>(l, last, &ends, rotations);
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
    d: &mut [Lanes<W>],
    e: &mut [Lanes<W>],
    l: usize,
    ends: &[usize; W],
    last: usize,
    shift: Lanes<W>,
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
        let shifted = d[i + 1] - p;
        let turn = (d[i] - shifted).mul_add::<FMA>(s, (c * b).map(|x| 2.0 * x));
        let next = s * turn;
        d[i + 1] = on(shifted + next, d[i + 1]);
        p = on(next, p);
        g = c.mul_add::<FMA>(turn, -b);
        cosine[i] = on(c, Lanes::ONE);
        sine[i] = on(s, Lanes::ZERO);
        before = above;
    }
    d[l] = Lanes::blend(&before, d[l] - p, d[l]);
    e[l] = Lanes::blend(&before, g, e[l]);
}

/// All bits where a number is negative, none elsewhere.
#[inline(always)]
pub(super) fn if_negative(x: i64) -> u64 {
    (x >> 63) as u64
}

/// Applies the rotations of a sweep to rows l..=last of `q`, a block of columns at a time: the row that two
/// neighbouring rotations share stays in registers.
#[inline(always)]
fn rotate<const W: usize, const FMA: bool>(q: &mut LaneMatrix<W>, l: usize, last: usize, rotations: &Rotations<W>) {
    let (n, stride) = (q.row(0).len(), q.stride());
    let rows = q.rows_mut(l, last - l + 1);
    let turns = [&rotations.cosine[l..last], &rotations.sine[l..last]];
    let mut k = 0;
    while k + BLOCK <= n {
        rotate_columns::<W, BLOCK, FMA>(rows, stride, turns, k);
        k += BLOCK;
    }
    while k < n {
        rotate_columns::<W, 1, FMA>(rows, stride, turns, k);
        k += 1;
    }
}

#[inline(always)]
fn rotate_columns<const W: usize, const B: usize, const FMA: bool>(
    rows: &mut [Lanes<W>],
    stride: usize,
    [cosine, sine]: [&[Lanes<W>]; 2],
    k: usize,
) {
    let count = cosine.len();
    let mut carried = [Lanes::<W>::ZERO; B];
    carried.copy_from_slice(&rows[count * stride + k..][..B]);
    for i in (0..count).rev() {
        let (c, s) = (cosine[i], sine[i]);
        let mut upper = [Lanes::<W>::ZERO; B];
        upper.copy_from_slice(&rows[i * stride + k..][..B]);
        let lower = &mut rows[(i + 1) * stride + k..][..B];
        for b in 0..B {
            lower[b] = s.mul_add::<FMA>(upper[b], c * carried[b]);
            // The product that does not wait for the row before stands inside: the chain is one operation long.
            carried[b] = (-s).mul_add::<FMA>(carried[b], c * upper[b]);
        }
    }
    rows[k..][..B].copy_from_slice(&carried);
}
