//! CoDoSol: the segment from the interior Cauchy point to the projected Newton point.

use super::{Figures, Shape, Stage, StepKind, Trial, fraction};
use crate::Bounds;
use crate::blocks::{INTERIOR, norm, segment_roots, sums};

/// Turns the Newton step at x into the step to its projection, pulled inside.
///
/// With `cut_only` a Newton step that stays strictly inside is left as it is. Returns whether p has changed.
pub(crate) fn interior_newton(bounds: &Bounds, x: &[f64], p: &mut [f64], cut_only: bool) -> bool {
    let sides = || x.iter().zip(bounds.lower().iter().zip(bounds.upper()));
    if cut_only && p.iter().zip(sides()).all(|(p, (x, (l, u)))| x + p > *l && x + p < *u) {
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
    usable: bool,
}

impl Segment {
    pub(crate) fn new(stage: &Stage<'_>, shape: Shape) -> Self {
        let length = stage.length(shape, stage.v);
        let usable = stage.newton.iter().chain(stage.j_newton).all(|p| p.is_finite());
        Self { shape, length, usable }
    }

    /// The trial step for the radius Δ: γ minimises ‖F + J p(γ)‖ over the part of the line through c̄ and p̄N that lies
    /// in the region and the box.
    pub(crate) fn trial(&self, stage: &Stage<'_>, radius: f64, trial: &mut Trial<'_>) -> Figures {
        let cauchy = stage.interior_cauchy(radius / self.length, trial.p);
        stage.combine(cauchy, 0.0, trial);
        let gamma = if self.usable {
            self.share(stage, radius, trial)
        } else {
            0.0
        };
        if gamma != 0.0 {
            stage.combine((1.0 - gamma) * cauchy, gamma, trial);
        }
        let kind = match gamma {
            0.0 => StepKind::Cauchy,
            1.0 => StepKind::Newton,
            _ => StepKind::Dogleg,
        };
        Figures {
            kind,
            length: stage.length(self.shape, trial.p),
            may_grow: true,
        }
    }

    /// γ. `trial` holds c̄ and J c̄.
    fn share(&self, stage: &Stage<'_>, radius: f64, trial: &Trial<'_>) -> f64 {
        let [square, across] = sums(stage.j_newton, trial.jp, stage.f, |jn, jc, f| {
            let b = jn - jc;
            [b * b, (f + jc) * b]
        });
        if square == 0.0 || !square.is_finite() {
            return 0.0;
        }
        let free = -across / square;
        let elliptical = self.shape == Shape::Elliptical;
        let [ss, cs, cc] = sums(stage.newton, trial.p, stage.s, |n, c, s| {
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
            for (((x, c), n), (l, u)) in stage.x.iter().zip(trial.p.iter()).zip(stage.newton).zip(sides) {
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
