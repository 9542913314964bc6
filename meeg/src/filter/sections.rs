//! Poles and zeros to second-order sections.

use nalgebra::Complex;

use super::sos::Section;

type C = Complex<f64>;

/// H = gain · Π (z − zero)/Π (z − pole); roots real or in conjugate pairs.
pub(super) struct ZerosPolesGain {
    pub(super) zeros: Vec<C>,
    pub(super) poles: Vec<C>,
    pub(super) gain: f64,
}

/// Imaginary parts below this relative size are rounding: the root is real.
const REAL: f64 = 100.0 * f64::EPSILON;

/// Groups the poles closest to the unit circle with the zeros nearest to them, the worst group last.
///
/// A pole near the circle makes a peak; the nearest zero cancels most of it, so no section overflows or loses digits
/// (the "nearest" rule of Jackson, *Digital Filters and Signal Processing*, chapter 11). There are as many zeros as
/// poles.
pub(super) fn to_sections(filter: ZerosPolesGain) -> Vec<Section> {
    let mut poles = upper_half(filter.poles);
    let mut zeros = upper_half(filter.zeros);
    let order = |roots: &[C]| {
        roots
            .iter()
            .map(|root| if root.im == 0.0 { 1 } else { 2 })
            .sum::<usize>()
    };
    if order(&poles) % 2 == 1 {
        poles.push(C::new(0.0, 0.0));
        zeros.push(C::new(0.0, 0.0));
    }
    let mut sections = Vec::new();
    while !poles.is_empty() {
        let first = take(&mut poles, |_| true, |p| (1.0 - p.norm()).abs());
        let denominator = if first.im == 0.0 {
            let second = take(&mut poles, |p| p.im == 0.0, |p| (1.0 - p.norm()).abs());
            reals(first.re, second.re)
        } else {
            conjugates(first)
        };
        let distance = |z: &C| (z - first).norm();
        let zero = take(&mut zeros, |_| true, distance);
        let numerator = if zero.im == 0.0 {
            reals(zero.re, take(&mut zeros, |z| z.im == 0.0, distance).re)
        } else {
            conjugates(zero)
        };
        sections.push(Section {
            b: [1.0, numerator[0], numerator[1]],
            a: denominator,
        });
    }
    sections.reverse();
    sections[0].b = sections[0].b.map(|b| b * filter.gain);
    sections
}

/// Of each conjugate pair the root in the upper half plane, and the real roots.
fn upper_half(roots: Vec<C>) -> Vec<C> {
    let real = |root: &C| root.im.abs() <= REAL * root.norm();
    roots
        .into_iter()
        .filter(|root| real(root) || root.im > 0.0)
        .map(|root| if real(&root) { C::new(root.re, 0.0) } else { root })
        .collect()
}

/// Removes the allowed root with the least cost. There is one: zeros and poles are equally many.
fn take(roots: &mut Vec<C>, allowed: impl Fn(&C) -> bool, cost: impl Fn(&C) -> f64) -> C {
    let best = (0..roots.len())
        .filter(|&i| allowed(&roots[i]))
        .min_by(|&i, &j| cost(&roots[i]).total_cmp(&cost(&roots[j])));
    roots.remove(best.expect("a filter has as many zeros as poles, real ones in twos"))
}

/// z² + c0 z + c1 with the roots r and its conjugate.
fn conjugates(root: C) -> [f64; 2] {
    [-2.0 * root.re, root.norm_sqr()]
}

/// z² + c0 z + c1 with the real roots.
fn reals(first: f64, second: f64) -> [f64; 2] {
    [-(first + second), first * second]
}
