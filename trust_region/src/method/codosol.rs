//! CoDoSol: the segment from the interior Cauchy point to the projected Newton point.

use super::{Figures, Mixture, Shape, Stage, StepKind, fraction};
use crate::Bounds;
use crate::blocks::{INTERIOR, norm, norm2, norm3, reach, segment_roots, sums};

/// Turns the Newton step at x into the step to its projection, pulled inside.
///
/// With `cut_only` a Newton step that stays strictly inside is left as it is. Returns whether p has changed.
pub(crate) fn interior_newton(bounds: &Bounds, x: &[f64], p: &mut [f64], cut_only: bool) -> bool {
    let sides = || x.iter().zip(bounds.lower().iter().zip(bounds.upper()));
    // Without an early end, so that the loop runs on whole registers.
    let strictly = |all: bool, (p, (x, (l, u))): (&f64, (&f64, (&f64, &f64)))| all & (x + p > *l) & (x + p < *u);
    if cut_only && p.iter().zip(sides()).fold(true, strictly) {
        return false;
    }
    p.iter_mut()
        .zip(sides())
        .for_each(|(p, (x, (l, u)))| *p = (x + *p).max(*l).min(*u) - x);
    let factor = fraction(norm(p));
    p.iter_mut().for_each(|p| *p *= factor);
    true
}

/// What does not change between the trials of one iteration.
pub(crate) struct Segment {
    shape: Shape,
    /// ‖G v‖.
    length: f64,
    /// Where the ray along −v meets the boundary, in multiples of v.
    boundary: f64,
    usable: bool,
}

impl Segment {
    pub(crate) fn new(stage: &Stage<'_>, shape: Shape) -> Self {
        let finite = |p: &[f64]| p.iter().fold(true, |all, p| all & p.is_finite());
        Self {
            shape,
            length: stage.length(shape, stage.v),
            boundary: reach(stage.bounds, stage.x, stage.v.iter().map(|v| -v)),
            usable: finite(stage.newton) && finite(stage.j_newton),
        }
    }

    /// The trial step for the radius Δ: γ minimises ‖F + J p(γ)‖ over the part of the line through c̄ and p̄N that lies
    /// in the region and the box.
    ///
    /// No vector is written: what is asked of the step is summed from those that it is a combination of.
    pub(crate) fn trial(&self, stage: &Stage<'_>, radius: f64) -> (Figures, Mixture) {
        let cauchy = self.interior_cauchy(stage, radius);
        let gamma = if self.usable {
            self.share(stage, radius, cauchy)
        } else {
            0.0
        };
        let kind = match gamma {
            0.0 => StepKind::Cauchy,
            1.0 => StepKind::Newton,
            _ => StepKind::Dogleg,
        };
        let mixture = Mixture {
            gradient: (1.0 - gamma) * cauchy,
            newton: gamma,
        };
        let length = match self.shape {
            Shape::Elliptical => norm3(stage.v, stage.newton, stage.s, |v, n, s| mixture.of(v, n) / s),
            Shape::Spherical => norm2(stage.v, stage.newton, |v, n| mixture.of(v, n)),
        };
        let may_grow = true;
        (Figures { kind, length, may_grow }, mixture)
    }

    /// The coefficient of v in the Cauchy step within Δ, pulled inside.
    fn interior_cauchy(&self, stage: &Stage<'_>, radius: f64) -> f64 {
        let c = stage.tau.min(radius / self.length);
        let reach = self.boundary / c;
        if reach <= 1.0 {
            -c * (fraction(c * norm(stage.v)) * reach)
        } else {
            -c
        }
    }

    /// γ, for the coefficient of v in c̄.
    fn share(&self, stage: &Stage<'_>, radius: f64, cauchy: f64) -> f64 {
        let [square, across] = sums(stage.j_newton, stage.jv, stage.f, |jn, jv, f| {
            let jc = cauchy * jv;
            let b = jn - jc;
            [b * b, (f + jc) * b]
        });
        if square == 0.0 || !square.is_finite() {
            return 0.0;
        }
        let free = -across / square;
        let elliptical = self.shape == Shape::Elliptical;
        let [ss, cs, cc] = sums(stage.newton, stage.v, stage.s, |n, v, s| {
            let c = cauchy * v;
            let g = if elliptical { 1.0 / s } else { 1.0 };
            let (along, c) = (g * (n - c), g * c);
            [along * along, c * along, c * c]
        });
        if ss == 0.0 || !ss.is_finite() {
            return 0.0;
        }
        let (low, high) = segment_roots(ss, cs, cc - radius * radius);
        // Beyond either end of the segment the box may be nearer than the region.
        let room = |sign: f64| {
            let sides = stage.bounds.lower().iter().zip(stage.bounds.upper());
            let mut least = f64::INFINITY;
            for (((x, v), n), (l, u)) in stage.x.iter().zip(stage.v).zip(stage.newton).zip(sides) {
                let c = cauchy * v;
                let (at, along) = (x + c, sign * (n - c));
                let t = if along > 0.0 {
                    (u - at) / along
                } else if along < 0.0 {
                    (l - at) / along
                } else {
                    continue;
                };
                least = least.min(t);
            }
            INTERIOR * least
        };
        if free > 0.0 {
            let gamma = free.min(high);
            if gamma > 1.0 { gamma.min(room(1.0)) } else { gamma }
        } else {
            let gamma = free.max(low);
            if gamma < 0.0 { gamma.max(-room(-1.0)) } else { gamma }
        }
    }
}
