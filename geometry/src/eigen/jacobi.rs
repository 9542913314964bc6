//! One-sided Jacobi: the singular values of W matrices side by side, small ones as accurate as large ones.
//!
//! Rotations make the rows of C orthogonal, JC = diag(s) Uᵀ with J orthogonal, so C = Jᵀ diag(s) Uᵀ. All matrices go
//! through the same pairs of rows; one whose pair is orthogonal already is turned by the identity, so no result
//! depends on its neighbours.
//! Source: J. Demmel, K. Veselić, SIAM J. Matrix Anal. Appl. 13 (1992) 1204-1245.

use super::lanes::{LaneMatrix, Lanes, Mask, dot, one_by_one};

/// Sweeps over all pairs at most; 5 to 9 are usual.
const MAX_SWEEPS: usize = 40;

/// Rotates the rows of `c` until they are orthogonal, and those of `j`, should there be such a matrix, alike. `norms`
/// become the squares of the singular values. Returns the matrices that did not converge.
///
/// Two rows count as orthogonal when the cosine of their angle is below √n ε, which is the rounding of the cosine. About
/// 5 n³ flops a sweep, 8 n³ with `j`.
#[inline(always)]
pub(crate) fn orthogonalise<const W: usize, const FMA: bool>(
    c: &mut LaneMatrix<W>,
    mut j: Option<&mut LaneMatrix<W>>,
    norms: &mut [Lanes<W>],
) -> Mask<W> {
    let n = norms.len();
    let tolerance = Lanes([(n as f64).sqrt() * f64::EPSILON; W]);
    let mut turned = [true; W];
    for _ in 0..MAX_SWEEPS {
        for (p, norm) in norms.iter_mut().enumerate() {
            *norm = dot::<W, FMA>(c.row(p), c.row(p));
        }
        turned = [false; W];
        for p in 0..n {
            for q in p + 1..n {
                let product = dot::<W, FMA>(c.row(p), c.row(q));
                let (a, b) = (norms[p], norms[q]);
                let negligible = (a * b).sqrt() * tolerance;
                let turn = product.abs().compare(negligible, |x, y| x > y);
                if !turn.contains(&true) {
                    continue;
                }
                for lane in 0..W {
                    turned[lane] |= turn[lane];
                }
                let zeta = (b - a) / (product + product);
                let root = zeta.mul_add::<FMA>(zeta, Lanes::ONE).sqrt();
                let tangent = Lanes::ONE / (zeta + root.copysign(zeta));
                let tangent = Lanes::select(turn, tangent, Lanes::ZERO);
                let cosine = Lanes::ONE / tangent.mul_add::<FMA>(tangent, Lanes::ONE).sqrt();
                let sine = cosine * tangent;
                norms[p] = (-tangent).mul_add::<FMA>(product, a);
                norms[q] = tangent.mul_add::<FMA>(product, b);
                rotate::<W, FMA>(c, p, q, cosine, sine);
                if let Some(j) = j.as_deref_mut() {
                    rotate::<W, FMA>(j, p, q, cosine, sine);
                }
            }
        }
        if !turned.contains(&true) {
            break;
        }
    }
    turned
}

/// (x, y) ← (c x − s y, s x + c y) for rows p < q.
#[inline(always)]
fn rotate<const W: usize, const FMA: bool>(m: &mut LaneMatrix<W>, p: usize, q: usize, c: Lanes<W>, s: Lanes<W>) {
    let stride = m.stride();
    let (head, row) = m.split_at_row(q);
    for (x, y) in head[p * stride..].iter_mut().zip(row) {
        let (old, other) = (*x, *y);
        *x = c.mul_add::<FMA>(old, -(s * other));
        *y = c.mul_add::<FMA>(other, s * old);
        one_by_one();
    }
}
