//! TRESNEI: the dogleg step projected on the box, any number of equations.

use super::{Figures, Stage, StepKind, Trial, mix};
use crate::Result;
use crate::blocks::{dot, norm, segment_roots, step_to_bound, sums};
use crate::linear::Products;

/// Fraction of the generalised Cauchy decrease that a step must reach.
const CAUCHY_FRACTION: f64 = 0.1;

/// What does not change between the trials of one iteration.
pub(crate) struct Projected {
    /// ‖pN‖ and ‖g‖.
    newton: f64,
    gradient: f64,
    /// The minimiser of the model along −g is at −τ g; ∞ when J g = 0.
    tau: f64,
    /// ‖w‖² and ⟨−τ g, w⟩ for w = pN + τ g.
    square: f64,
    across: f64,
    /// ‖v‖.
    scaled: f64,
}

impl Projected {
    /// One product with J; `scratch` is of length m.
    pub(crate) fn new(stage: &Stage<'_>, products: &impl Products, scratch: &mut [f64]) -> Result<Self> {
        products.product(stage.g, scratch)?;
        let (gradient, image) = (norm(stage.g), norm(scratch));
        let tau = if image > 0.0 {
            (gradient / image).powi(2)
        } else {
            f64::INFINITY
        };
        let [square, across] = sums(stage.newton, stage.g, stage.g, |n, g, _| {
            let along = n + tau * g;
            [along * along, -tau * g * along]
        });
        Ok(Self {
            newton: norm(stage.newton),
            gradient,
            tau,
            square,
            across,
            scaled: norm(stage.v),
        })
    }

    /// The dogleg step in ‖p‖ ≤ Δ as a g + b pN.
    fn dogleg(&self, radius: f64) -> (StepKind, f64, f64) {
        let cauchy = self.tau * self.gradient;
        if !self.newton.is_finite() {
            (StepKind::Cauchy, -self.tau.min(radius / self.gradient), 0.0)
        } else if self.newton <= radius {
            (StepKind::Newton, 0.0, 1.0)
        } else if cauchy.is_nan() || cauchy >= radius {
            (StepKind::Cauchy, -radius / self.gradient, 0.0)
        } else {
            let t = segment_roots(self.square, self.across, cauchy * cauchy - radius * radius).1;
            (StepKind::Dogleg, -(1.0 - t) * self.tau, t)
        }
    }

    /// The trial step for the radius Δ: one product with J.
    pub(crate) fn trial(
        &self,
        stage: &Stage<'_>,
        products: &impl Products,
        radius: f64,
        trial: &mut Trial<'_>,
    ) -> Result<Figures> {
        // The Cauchy step −c v, cut where it meets the boundary.
        let free = -stage.tau.min(radius / self.scaled);
        mix(free, stage.v, 0.0, stage.v, trial.p);
        let cauchy = free * step_to_bound(stage.bounds, stage.x, trial.p).min(1.0);
        let model = cauchy * dot(stage.g, stage.v) + 0.5 * cauchy * cauchy * dot(stage.jv, stage.jv);

        let (kind, a, b) = self.dogleg(radius);
        mix(a, stage.g, b, stage.newton, trial.p);
        let sides = stage.bounds.lower().iter().zip(stage.bounds.upper());
        for ((p, x), (l, u)) in trial.p.iter_mut().zip(stage.x).zip(sides) {
            *p = (x + *p).max(*l).min(*u) - x;
        }
        products.product(trial.p, trial.jp)?;
        let projected = stage.model(trial.p, trial.jp);
        let share = if model < 0.0 { projected / model } else { 1.0 };
        if share.is_nan() || share < CAUCHY_FRACTION {
            let t = self.share(stage, cauchy, CAUCHY_FRACTION * model - projected, trial);
            trial
                .p
                .iter_mut()
                .zip(stage.v)
                .for_each(|(p, v)| *p = t * cauchy * v + (1.0 - t) * *p);
            trial
                .jp
                .iter_mut()
                .zip(stage.jv)
                .for_each(|(p, v)| *p = t * cauchy * v + (1.0 - t) * *p);
        }
        Ok(Figures {
            kind,
            length: norm(trial.p),
            may_grow: true,
        })
    }

    /// The share t of the Cauchy step in t c + (1 − t) p̄ with which the model falls by the fraction of what c gains;
    /// `missing` = β q(c) − q(p̄).
    fn share(&self, stage: &Stage<'_>, cauchy: f64, missing: f64, trial: &Trial<'_>) -> f64 {
        let [square, across] = sums(stage.jv, trial.jp, stage.f, |jv, jp, f| {
            let apart = cauchy * jv - jp;
            [apart * apart, (f + jp) * apart]
        });
        let (a, b) = (-0.5 * square, -across);
        let t = (-b + (b * b - 4.0 * a * missing).max(0.0).sqrt()) / (2.0 * a);
        if a == 0.0 || t.is_nan() { 1.0 } else { t.clamp(0.0, 1.0) }
    }
}
