//! Which properties a scaling has, found on sampled points.

use super::Scaling;

/// What [`check`] found. Each field holds on all sampled points or names a failure by being false.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Properties {
    /// P1: d = 0 at a bound that −g points to, d > 0 inside and at a bound that −g points away from.
    pub zero_pattern: bool,
    /// P2: d is finite wherever the distances are.
    pub finite: bool,
    /// P3: the step to the boundary along −Dg, times max(1, |g|), stays above 1e-3.
    pub step_bounded_below: bool,
    /// D1: d changes little when g changes sign in the interior.
    pub continuous: bool,
    /// D3: the largest entry seen, for boxes of size up to 1e8.
    pub largest: f64,
    /// D5: the unit step along −Dg stays in the box.
    pub unit_step_inside: bool,
    /// (x, g, l, u) → (−x, −g, −u, −l) leaves d as it is.
    pub reflects: bool,
}

const DISTANCES: [f64; 9] = [1e-8, 1e-4, 1e-2, 0.3, 1.0, 7.0, 1e4, 1e8, f64::INFINITY];
const SLOPES: [f64; 9] = [1e-8, 1e-4, 1e-2, 0.1, 0.5, 1.0, 3.0, 1e2, 1e6];

/// The properties P1–P3, D1, D3 and D5 of convergence theory on a grid of distances and slopes, with boundary points and
/// points just beside the switch of [`HeinkenschlossUlbrich`](super::HeinkenschlossUlbrich).
///
/// Finite samples refute a property and never prove one.
pub fn check(scaling: &dyn Scaling) -> Properties {
    let mut found = Properties {
        zero_pattern: true,
        finite: true,
        step_bounded_below: true,
        continuous: true,
        largest: 0.0,
        unit_step_inside: true,
        reflects: true,
    };
    for &below in &DISTANCES {
        for &above in &DISTANCES {
            let jump = (scaling.entry(below, above, 1e-13) - scaling.entry(below, above, -1e-13)).abs();
            let size = scaling.entry(below, above, 0.0);
            // A continuous entry moves by about the change of g, 2e-13, times a slope of at most 1/distance.
            if below.min(above) >= 1e-2 && jump > 1e-9 * size.max(1.0) {
                found.continuous = false;
            }
            for &slope in &SLOPES {
                interior(scaling, below, above, slope, &mut found);
            }
        }
        for &slope in &SLOPES {
            // On the bound: the other side is `below` away.
            let towards = scaling.entry(0.0, below, slope);
            let away = scaling.entry(0.0, below, -slope);
            found.zero_pattern &= towards == 0.0 && away > 0.0;
            found.zero_pattern &= scaling.entry(below, 0.0, -slope) == 0.0 && scaling.entry(below, 0.0, slope) > 0.0;
        }
    }
    for slope in [1e-1, 1e-2, 1e-4, 1e-6_f64] {
        interior(scaling, 1.0001 * slope * slope, 1.0, slope, &mut found);
    }
    found
}

/// One interior point with both signs of the gradient.
fn interior(scaling: &dyn Scaling, below: f64, above: f64, slope: f64, found: &mut Properties) {
    for g in [slope, -slope] {
        let d = scaling.entry(below, above, g);
        found.finite &= d.is_finite();
        found.zero_pattern &= d > 0.0;
        found.largest = found.largest.max(d);
        found.reflects &= scaling.entry(above, below, -g) == d;
        let room = if g > 0.0 { below } else { above };
        let step = room / (d * slope);
        found.unit_step_inside &= step >= 1.0 - 4.0 * f64::EPSILON;
        found.step_bounded_below &= step * slope.max(1.0) >= 1e-3;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scaling::{ColemanLi, HagerMairZhang, HeinkenschlossUlbrich, Identity, KanzowKlug, Mix};

    #[test]
    fn the_table_of_the_module_holds() {
        let cl = check(&ColemanLi);
        assert!(cl.zero_pattern && cl.finite && cl.step_bounded_below && !cl.continuous && !cl.unit_step_inside);
        let huu = check(&HeinkenschlossUlbrich::default());
        assert!(huu.zero_pattern && !huu.step_bounded_below && !huu.continuous);
        let kk = check(&KanzowKlug::default());
        assert!(kk.zero_pattern && kk.step_bounded_below && kk.continuous && kk.reflects);
        let hmz = check(&HagerMairZhang::default());
        assert!(hmz.zero_pattern && hmz.continuous && hmz.unit_step_inside && hmz.reflects && hmz.largest <= 1.0);
        let mix = check(&Mix::default());
        assert!(mix.zero_pattern && mix.step_bounded_below && mix.continuous && mix.reflects);
        assert!(!check(&Identity).zero_pattern);
    }
}
