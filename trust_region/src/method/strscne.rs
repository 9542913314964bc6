//! STRSCNE: dogleg in scaled variables.

use super::{Figures, Stage, StepKind, Trial};
use crate::blocks::{segment_roots, sums, truncation};

/// Fraction of the Cauchy decrease that a step must reach.
const CAUCHY_FRACTION: f64 = 0.1;

/// What does not change between the trials of one iteration.
pub(crate) struct Dogleg {
    /// ‖D^(-1/2) pN‖.
    newton: f64,
    /// ‖D^(-1/2) pC‖ of the unconstrained Cauchy step −τ v.
    cauchy: f64,
    /// ‖w‖² and ⟨D^(-1/2) pC, w⟩ for w = D^(-1/2) (pN − pC).
    square: f64,
    across: f64,
}

impl Dogleg {
    pub(crate) fn new(stage: &Stage<'_>) -> Self {
        let [square, across] = sums(stage.newton, stage.v, stage.s, |n, v, s| {
            let cauchy = -stage.tau * v / s;
            let along = n / s - cauchy;
            [along * along, cauchy * along]
        });
        Self {
            newton: stage.scaled_length(stage.newton),
            cauchy: stage.tau * stage.norm_sg,
            square,
            across,
        }
    }

    /// The trial step for the radius Δ.
    pub(crate) fn trial(&self, stage: &Stage<'_>, radius: f64, trial: &mut Trial<'_>) -> Figures {
        let interior = stage.interior_cauchy(radius / stage.norm_sg, trial.p);
        let (kind, a, b) = if self.newton <= radius {
            (StepKind::Newton, 0.0, 1.0)
        } else if self.cauchy.is_nan() || self.cauchy >= radius {
            (StepKind::Cauchy, interior, 0.0)
        } else {
            let left = self.cauchy * self.cauchy - radius * radius;
            let t = segment_roots(self.square, self.across, left).1;
            (StepKind::Dogleg, -(1.0 - t) * stage.tau, t)
        };
        stage.combine(interior, 0.0, trial);
        let cauchy = stage.model(trial.p, trial.jp);
        if kind == StepKind::Cauchy {
            return self.figures(stage, kind, true, trial);
        }
        stage.combine(a, b, trial);
        let inside = truncation(stage.bounds, stage.x, trial.p);
        trial.shorten(inside);
        let share = if cauchy == 0.0 {
            1.0
        } else {
            stage.model(trial.p, trial.jp) / cauchy
        };
        if share >= CAUCHY_FRACTION {
            return self.figures(stage, kind, share > CAUCHY_FRACTION, trial);
        }
        stage.combine(interior, 0.0, trial);
        self.figures(stage, StepKind::Cauchy, false, trial)
    }

    fn figures(&self, stage: &Stage<'_>, kind: StepKind, may_grow: bool, trial: &Trial<'_>) -> Figures {
        Figures {
            kind,
            length: stage.scaled_length(trial.p),
            may_grow,
        }
    }
}
