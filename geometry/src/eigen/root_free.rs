//! Eigenvalues of W tridiagonal matrices in lockstep by the root-free QL iteration, which works on the squares of the
//! couplings: no square roots, and half as long a chain of operations as the iteration that also rotates vectors.
//!
//! Sources: K. Ortega, H. Kaiser, Comput. J. 6 (1963) 99-101; the stable form by Pal, Walker and Kahan in B. Parlett,
//! The Symmetric Eigenvalue Problem, section 8.15.

use super::implicit_ql::{MAX_SWEEPS, block_ends, if_negative};
use super::lanes::{Lanes, Mask};

/// Replaces `d` by the eigenvalues (not sorted) of the tridiagonal matrices with diagonal `d` and couplings `e`, whose last
/// one is zero; `e` is lost. Returns the matrices for which an eigenvalue did not converge.
///
/// About 20 n² operations.
#[inline(always)]
pub(crate) fn eigenvalues<const W: usize, const FMA: bool>(d: &mut [Lanes<W>], e: &mut [Lanes<W>]) -> Mask<W> {
    let n = d.len();
    let mut failed = [false; W];
    for x in e.iter_mut() {
        *x = *x * *x;
    }
    for l in 0..n {
        let mut sweeps = 0;
        loop {
            let ends = block_ends::<W, true>(d, e, l);
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
            sweep::<W, FMA>(d, e, l, &ends, last);
        }
    }
    failed
}

/// One sweep from `last` up to `l`; lanes whose block ends earlier join there.
#[inline(always)]
fn sweep<const W: usize, const FMA: bool>(
    d: &mut [Lanes<W>],
    e: &mut [Lanes<W>],
    l: usize,
    ends: &[usize; W],
    last: usize,
) {
    // Wilkinson's shift of the leading 2 x 2 block; meaningless, and not used, where e[l] = 0.
    let coupling = e[l].sqrt();
    let half = (d[l + 1] - d[l]) / (coupling + coupling);
    let root = half.mul_add::<FMA>(half, Lanes::ONE).sqrt();
    let towards = half + root.copysign(half);
    let shift = (d[l] - coupling / towards).as_a_whole();

    let (mut gamma, mut until) = (Lanes::<W>::ZERO, [0i64; W]);
    for lane in 0..W {
        gamma.0[lane] = d[ends[lane]].0[lane] - shift.0[lane];
        until[lane] = ends[lane] as i64;
    }
    let (mut s, mut c) = (Lanes::ZERO, Lanes::ONE);
    let mut p = gamma * gamma;
    for i in (l..last).rev() {
        // As in `implicit_ql::sweep`: a matrix takes part from its own end on.
        let above = until.map(|end| if_negative(i as i64 - end));
        let on = |new, old| Lanes::blend(&above, new, old);
        let squared = e[i];
        let r = p + squared;
        // p = e = 0: nothing is to be rotated; `one` is zero elsewhere.
        let one = r.map(|r| f64::from_bits(if_negative(r.to_bits() as i64 - 1) & 1f64.to_bits()));
        let inverse = Lanes::ONE / (r + one);
        e[i + 1] = on(s * r, e[i + 1]);
        let new_c = (p + one) * inverse;
        let new_s = squared * inverse;
        let alpha = d[i] - shift;
        let next = new_c.mul_add::<FMA>(alpha, -(new_s * gamma));
        // With α = d[i] − σ: the diagonal is γ + α − γ⁺, and all but σ of it is known.
        d[i + 1] = on(gamma + (d[i] - next), d[i + 1]);
        // Where p = 0 < r the cosine vanishes, and γ²/c is replaced by its limit.
        let zero = p.0.map(|p| if_negative(p.to_bits() as i64 - 1));
        let guarded = Lanes::blend(&zero, Lanes::ONE, p);
        let ordinary = next * next * ((r + one) / guarded);
        let vanishing = new_c.0.map(|c| if_negative(c.to_bits() as i64 - 1));
        p = on(Lanes::blend(&vanishing, c * squared, ordinary), p);
        gamma = on(next, gamma);
        s = on(new_s, s);
        c = on(new_c, c);
    }
    for lane in 0..W {
        if ends[lane] > l {
            e[l].0[lane] = s.0[lane] * p.0[lane];
            d[l].0[lane] = shift.0[lane] + gamma.0[lane];
            e[ends[lane]].0[lane] = 0.0;
        }
    }
}
