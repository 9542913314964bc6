//! Implicit QL iteration with Wilkinson's shift on W tridiagonal matrices in lockstep.
//!
//! All matrices look for the same eigenvalue at the same time. One that has found it, or whose active block is
//! shorter, takes no part in the remaining rotations: its lanes are masked, so no result depends on its neighbours.
//! Source of the iteration: A. Dubrulle, R. S. Martin, J. H. Wilkinson, Numer. Math. 12 (1968) 377-383.

use super::lanes::{LaneMatrix, Lanes, Mask};

/// Sweeps for one eigenvalue at most; two or three are usual.
const MAX_SWEEPS: usize = 60;
/// Columns of the eigenvectors that are rotated together.
const BLOCK: usize = 4;

/// Rotations of one sweep.
pub(crate) struct Rotations<const W: usize> {
    cosine: Vec<Lanes<W>>,
    sine: Vec<Lanes<W>>,
}

impl<const W: usize> Rotations<W> {
    pub(crate) fn zeros(order: usize) -> Self {
        Self {
            cosine: vec![Lanes::ONE; order],
            sine: vec![Lanes::ZERO; order],
        }
    }
}

/// Diagonalises the tridiagonal matrices with diagonal `d` and couplings `e`: d becomes the eigenvalues (not sorted)
/// and, when given, row k of `q` the k-th eigenvector of Q T Qᵀ, where `q` held Qᵀ.
///
/// Returns the matrices for which an eigenvalue did not converge; what is left of them is meaningless.
/// About 9 n³ flops with vectors, 30 n² without.
#[inline(always)]
pub(crate) fn implicit_ql<const W: usize, const FMA: bool>(
    d: &mut [Lanes<W>],
    e: &mut [Lanes<W>],
    mut q: Option<&mut LaneMatrix<W>>,
    rotations: &mut Rotations<W>,
) -> Mask<W> {
    let n = d.len();
    let mut failed = [false; W];
    for l in 0..n {
        let mut sweeps = 0;
        loop {
            let ends = block_ends(d, e, l);
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
            sweep::<W, FMA>(d, e, l, &ends, last, rotations);
            if let Some(q) = q.as_deref_mut() {
                rotate::<W, FMA>(q, l, last, rotations);
            }
        }
    }
    failed
}

/// For each matrix the end m ≥ l of the unreduced block that starts at l.
#[inline(always)]
fn block_ends<const W: usize>(d: &[Lanes<W>], e: &[Lanes<W>], l: usize) -> [usize; W] {
    let n = d.len();
    let mut ends = [n - 1; W];
    let mut open = [true; W];
    for m in l..n - 1 {
        let small = (d[m].abs() + d[m + 1].abs()).map(|s| s * f64::EPSILON);
        let split = e[m].abs().compare(small, |x, s| x <= s);
        let mut any = false;
        for lane in 0..W {
            if open[lane] && split[lane] {
                ends[lane] = m;
                open[lane] = false;
            }
            any |= open[lane];
        }
        if !any {
            break;
        }
    }
    ends
}

/// One implicit QL sweep from `last` up to `l`; lanes whose block ends earlier join there.
#[inline(always)]
fn sweep<const W: usize, const FMA: bool>(
    d: &mut [Lanes<W>],
    e: &mut [Lanes<W>],
    l: usize,
    ends: &[usize; W],
    last: usize,
    rotations: &mut Rotations<W>,
) {
    let mut end = Lanes::ZERO;
    for lane in 0..W {
        end.0[lane] = d[ends[lane]].0[lane];
    }
    // Lanes that are done divide by zero here: their results are never selected.
    let half = (d[l + 1] - d[l]) / e[l].map(|x| 2.0 * x);
    let root = half.mul_add::<FMA>(half, Lanes::ONE).sqrt();
    let towards = half.zip(root, |g, r| if g < 0.0 { g - r } else { g + r });
    let mut g = end - d[l] + e[l] / towards;
    let (mut s, mut c, mut p) = (Lanes::ONE, Lanes::ONE, Lanes::ZERO);
    let mut alive = [false; W];
    for lane in 0..W {
        alive[lane] = ends[lane] > l;
    }
    for i in (l..last).rev() {
        let mut active = [false; W];
        for lane in 0..W {
            active[lane] = alive[lane] && i < ends[lane];
        }
        let (f, b) = (s * e[i], c * e[i]);
        let r = f.mul_add::<FMA>(f, g * g).sqrt();
        let vanished = r.compare(Lanes::ZERO, |r, _| r == 0.0);
        for lane in 0..W {
            // f = g = 0: the matrix splits here, and this sweep ends for it.
            if active[lane] && vanished[lane] {
                e[i + 1].0[lane] = 0.0;
                d[i + 1].0[lane] -= p.0[lane];
                e[ends[lane]].0[lane] = 0.0;
                alive[lane] = false;
                active[lane] = false;
            }
        }
        e[i + 1] = Lanes::select(active, r, e[i + 1]);
        s = Lanes::select(active, f / r, s);
        c = Lanes::select(active, g / r, c);
        let shifted = d[i + 1] - p;
        let turn = (d[i] - shifted).mul_add::<FMA>(s, (c * b).map(|x| 2.0 * x));
        let next = s * turn;
        d[i + 1] = Lanes::select(active, shifted + next, d[i + 1]);
        p = Lanes::select(active, next, p);
        g = Lanes::select(active, c.mul_add::<FMA>(turn, -b), g);
        rotations.cosine[i] = Lanes::select(active, c, Lanes::ONE);
        rotations.sine[i] = Lanes::select(active, s, Lanes::ZERO);
    }
    d[l] = Lanes::select(alive, d[l] - p, d[l]);
    e[l] = Lanes::select(alive, g, e[l]);
    for lane in 0..W {
        if alive[lane] {
            e[ends[lane]].0[lane] = 0.0;
        }
    }
}

/// Applies the rotations of a sweep to rows l..=last of `q`, a block of columns at a time: the row that two
/// neighbouring rotations share stays in registers.
#[inline(always)]
fn rotate<const W: usize, const FMA: bool>(q: &mut LaneMatrix<W>, l: usize, last: usize, rotations: &Rotations<W>) {
    let n = q.row(0).len();
    let mut k = 0;
    while k + BLOCK <= n {
        rotate_columns::<W, BLOCK, FMA>(q, l, last, rotations, k);
        k += BLOCK;
    }
    while k < n {
        rotate_columns::<W, 1, FMA>(q, l, last, rotations, k);
        k += 1;
    }
}

#[inline(always)]
fn rotate_columns<const W: usize, const B: usize, const FMA: bool>(
    q: &mut LaneMatrix<W>,
    l: usize,
    last: usize,
    rotations: &Rotations<W>,
    k: usize,
) {
    let mut carried = [Lanes::<W>::ZERO; B];
    carried.copy_from_slice(&q.row(last)[k..k + B]);
    for i in (l..last).rev() {
        let (c, s) = (rotations.cosine[i], rotations.sine[i]);
        let mut upper = [Lanes::<W>::ZERO; B];
        upper.copy_from_slice(&q.row(i)[k..k + B]);
        let lower = &mut q.row_mut(i + 1)[k..k + B];
        for b in 0..B {
            lower[b] = s.mul_add::<FMA>(upper[b], c * carried[b]);
            carried[b] = c.mul_add::<FMA>(upper[b], -(s * carried[b]));
        }
    }
    q.row_mut(l)[k..k + B].copy_from_slice(&carried);
}
