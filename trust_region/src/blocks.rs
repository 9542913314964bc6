//! What all methods are made of: steps to the boundary, truncation, roots of the dogleg's quadratic, strict starts.

use crate::{Bounds, Error, Result};

/// Fraction of the way to the boundary that a step may go.
pub(crate) const INTERIOR: f64 = 0.99995;

/// Partial sums side by side, so that additions need not wait for one another.
const LANES: usize = 8;

/// Σ term(x_i, y_i), the same order of additions for the same length.
#[inline]
pub(crate) fn sum2(x: &[f64], y: &[f64], term: impl Fn(f64, f64) -> f64) -> f64 {
    sum3(x, y, y, |x, y, _| term(x, y))
}

/// Σ term(x_i, y_i, z_i), the same order of additions for the same length.
#[inline]
fn sum3(x: &[f64], y: &[f64], z: &[f64], term: impl Fn(f64, f64, f64) -> f64) -> f64 {
    let one_by_one = |x: &[f64], y: &[f64], z: &[f64]| {
        let terms = x.iter().zip(y).zip(z);
        terms.fold(0.0, |sum, ((&x, &y), &z)| sum + term(x, y, z))
    };
    // Adding up empty lanes would take longer than all the rest of a short sum.
    if x.len() < LANES {
        return one_by_one(x, y, z);
    }
    let mut lanes = [0.0; LANES];
    let (xs, ys, zs) = (x.chunks_exact(LANES), y.chunks_exact(LANES), z.chunks_exact(LANES));
    let rest = one_by_one(xs.remainder(), ys.remainder(), zs.remainder());
    for ((x, y), z) in xs.zip(ys).zip(zs) {
        for i in 0..LANES {
            lanes[i] += term(x[i], y[i], z[i]);
        }
    }
    lanes.iter().sum::<f64>() + rest
}

/// K sums of terms of three vectors in one pass.
#[inline]
pub(crate) fn sums<const K: usize>(
    x: &[f64],
    y: &[f64],
    z: &[f64],
    term: impl Fn(f64, f64, f64) -> [f64; K],
) -> [f64; K] {
    const FEW: usize = LANES / 2;
    let (xs, ys, zs) = (x.chunks_exact(FEW), y.chunks_exact(FEW), z.chunks_exact(FEW));
    let rest = xs.remainder().iter().zip(ys.remainder()).zip(zs.remainder());
    let mut totals = [0.0; K];
    if x.len() >= FEW {
        let mut lanes = [[0.0; FEW]; K];
        for ((x, y), z) in xs.zip(ys).zip(zs) {
            for i in 0..FEW {
                let terms = term(x[i], y[i], z[i]);
                for k in 0..K {
                    lanes[k][i] += terms[k];
                }
            }
        }
        totals = lanes.map(|l| l.iter().sum::<f64>());
    }
    for ((&x, &y), &z) in rest {
        let terms = term(x, y, z);
        (0..K).for_each(|k| totals[k] += terms[k]);
    }
    totals
}

/// The length of the vector of term(x_i, y_i), without overflow.
#[inline]
pub(crate) fn norm2(x: &[f64], y: &[f64], term: impl Fn(f64, f64) -> f64) -> f64 {
    norm3(x, y, y, |x, y, _| term(x, y))
}

/// The length of the vector of term(x_i, y_i, z_i), without overflow.
#[inline]
pub(crate) fn norm3(x: &[f64], y: &[f64], z: &[f64], term: impl Fn(f64, f64, f64) -> f64) -> f64 {
    let plain = sum3(x, y, z, |x, y, z| {
        let t = term(x, y, z);
        t * t
    });
    if plain.is_normal() && plain < 1e300 {
        return plain.sqrt();
    }
    let terms = || x.iter().zip(y).zip(z).map(|((&x, &y), &z)| term(x, y, z));
    let largest = terms().fold(0.0, |m: f64, v| if v.is_nan() { f64::NAN } else { m.max(v.abs()) });
    if largest == 0.0 || !largest.is_finite() {
        return largest;
    }
    largest * terms().map(|v| (v / largest) * (v / largest)).sum::<f64>().sqrt()
}

/// ‖x‖₂ without overflow.
pub(crate) fn norm(x: &[f64]) -> f64 {
    norm2(x, x, |x, _| x)
}

/// The power of two at the largest |x_i|, kept inside the range whose reciprocal is a normal number; 1 for zeros.
pub(crate) fn unit(x: &[f64]) -> f64 {
    let largest = x.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    if largest == 0.0 {
        return 1.0;
    }
    2f64.powi((largest.log2().floor() as i32).clamp(-1000, 1000))
}

pub(crate) fn dot(x: &[f64], y: &[f64]) -> f64 {
    sum2(x, y, |x, y| x * y)
}

/// The largest t ≥ 0 with x + t p in the box; ∞ when p meets no bound. O(n).
///
/// ```
/// use hadamard_trust_region::{Bounds, step_to_bound};
/// let bounds = Bounds::new(vec![0.0, 0.0], vec![1.0, 1.0])?;
/// assert_eq!(step_to_bound(&bounds, &[0.5, 0.5], &[-0.25, 0.125]), 2.0);
/// # Ok::<(), hadamard_trust_region::Error>(())
/// ```
pub fn step_to_bound(bounds: &Bounds, x: &[f64], p: &[f64]) -> f64 {
    reach(bounds, x, p.iter().copied())
}

/// [`step_to_bound`] for a step that is computed entry by entry.
#[inline]
pub(crate) fn reach(bounds: &Bounds, x: &[f64], p: impl Iterator<Item = f64>) -> f64 {
    let sides = bounds.lower().iter().zip(bounds.upper());
    let mut least = f64::INFINITY;
    for ((&x, p), (&l, &u)) in x.iter().zip(p).zip(sides) {
        let t = match p {
            p if p > 0.0 => (u - x) / p,
            p if p < 0.0 => (l - x) / p,
            _ => continue,
        };
        // `min` passes over a NaN.
        least = least.min(t);
    }
    least
}

/// The factor that pulls the step q from x back into the interior: max(θ, 1 − ‖q‖) λ when the boundary is at λ ≤ 1.
pub(crate) fn truncation(bounds: &Bounds, x: &[f64], q: &[f64]) -> f64 {
    let reach = step_to_bound(bounds, x, q);
    if reach <= 1.0 {
        INTERIOR.max(1.0 - norm(q)) * reach
    } else {
        1.0
    }
}

/// The roots of a t² + 2 b t + c with a > 0 and c ≤ 0, the negative one first; stable for any b.
pub(crate) fn segment_roots(a: f64, b: f64, c: f64) -> (f64, f64) {
    let root = (b * b - a * c).max(0.0).sqrt();
    let q = if b > 0.0 { -(b + root) } else { root - b };
    let (first, second) = (q / a, if q == 0.0 { 0.0 } else { c / q });
    (first.min(second), first.max(second))
}

/// ‖F‖ at a start.
///
/// # Errors
/// [`Error::NonFinite`] where an entry is not finite, or all are and their norm is not.
pub(crate) fn start_norm(f: &[f64]) -> Result<f64> {
    if let Some(index) = f.iter().position(|v| !v.is_finite()) {
        return Err(Error::NonFinite {
            what: "residual",
            index,
        });
    }
    let size = norm(f);
    if size.is_finite() {
        return Ok(size);
    }
    let largest = (0..f.len()).max_by(|&i, &j| f[i].abs().total_cmp(&f[j].abs()));
    Err(Error::NonFinite {
        what: "norm of the residual",
        index: largest.unwrap_or(0),
    })
}

/// Whether a number lies strictly between the bounds.
pub(crate) fn has_room(l: f64, u: f64) -> bool {
    l.next_up() < u
}

/// The value of a variable whose bounds leave no room. One of them is finite: (MAX, ∞) has no room either.
pub(crate) fn fixed_value(l: f64, u: f64) -> f64 {
    if l.is_finite() { l } else { u }
}

/// x moved to the nearest finite point of the box: F is never asked for at infinity, to which a long step may lead.
pub(crate) fn project(bounds: &Bounds, x: &mut [f64]) {
    for (x, (&l, &u)) in x.iter_mut().zip(bounds.lower().iter().zip(bounds.upper())) {
        *x = x.max(l).min(u).clamp(f64::MIN, f64::MAX);
    }
}

/// x moved to the nearest floats strictly inside.
pub(crate) fn pull_inside(bounds: &Bounds, x: &mut [f64]) {
    for (x, (&l, &u)) in x.iter_mut().zip(bounds.lower().iter().zip(bounds.upper())) {
        *x = inside(*x, l, u);
    }
}

/// One number moved to the nearest float strictly inside.
#[inline]
pub(crate) fn inside(x: f64, l: f64, u: f64) -> f64 {
    // The neighbours of a bound take longer to find than whether they are needed. A NaN goes to the lower bound.
    let above = x > l;
    if !above {
        l.next_up()
    } else if x >= u {
        u.next_down()
    } else {
        x
    }
}

/// A start strictly inside: projected, then pushed off a bound by 1e-4 max(1, |bound|), at most 1e-4 of the width. Where
/// the bounds leave no room the variable is at one of them.
pub(crate) fn strict_start(bounds: &Bounds, x: &mut [f64]) {
    project(bounds, x);
    for (x, (&l, &u)) in x.iter_mut().zip(bounds.lower().iter().zip(bounds.upper())) {
        if !has_room(l, u) {
            *x = fixed_value(l, u);
            continue;
        }
        let width = u - l;
        let gap = |bound: f64| (1e-4 * bound.abs().max(1.0)).min(1e-4 * width);
        // Next to the largest number the gap may lead beyond the other bound.
        if *x <= l {
            *x = (l + gap(l)).max(l.next_up()).min(u.next_down());
        } else if *x >= u {
            *x = (u - gap(u)).min(u.next_down()).max(l.next_up());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_roots_for_any_middle_coefficient() {
        for (a, b, c) in [
            (2.0, 0.5, -1.0),
            (2.0, -0.5, -1.0),
            (1.0, 0.0, -4.0),
            (1e-8, 1.0, -1.0),
            (1.0, 1e8, -1.0),
        ] {
            let (low, high) = segment_roots(a, b, c);
            assert!(low <= 0.0 && high >= 0.0);
            for t in [low, high] {
                // Backward stable: relative to the largest term.
                let size = (a * t * t).abs().max((2.0 * b * t).abs()).max(c.abs());
                assert!((a * t * t + 2.0 * b * t + c).abs() <= 8.0 * f64::EPSILON * size);
            }
        }
        assert_eq!(segment_roots(1.0, 0.0, 0.0), (0.0, 0.0));
    }

    #[test]
    fn starts_are_strict_and_stay() {
        let bounds = Bounds::new(
            vec![0.0, f64::NEG_INFINITY, 3.0],
            vec![1.0, -1e6, 3.0_f64.next_up().next_up()],
        )
        .unwrap();
        let mut x = [7.0, 5.0, 0.0];
        strict_start(&bounds, &mut x);
        for (x, (l, u)) in x.iter().zip(bounds.lower().iter().zip(bounds.upper())) {
            assert!(l < x && x < u, "{l} {x} {u}");
        }
        let once = x;
        strict_start(&bounds, &mut x);
        assert_eq!(x, once);
    }

    #[test]
    fn norms_do_not_overflow() {
        assert!((norm(&[3e200, 4e200]) / 5e200 - 1.0).abs() < 1e-15);
        assert!((norm(&[3e-200, 4e-200]) / 5e-200 - 1.0).abs() < 1e-15);
        assert!(norm(&[f64::NAN, 1.0]).is_nan());
        assert_eq!(norm(&[f64::INFINITY, 1.0]), f64::INFINITY);
        assert_eq!(norm(&[]), 0.0);
    }
}
