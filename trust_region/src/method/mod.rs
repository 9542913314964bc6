//! The trust-region methods: how a trial step is made and judged.

mod codosol;
mod strscne;
mod tresnei;

use serde::{Deserialize, Serialize};

use crate::Bounds;
use crate::blocks::{INTERIOR, dot, inside, norm, norm2, norm3};

pub(crate) use codosol::{Segment, interior_newton};
pub(crate) use strscne::Dogleg;
pub(crate) use tresnei::Projected;

/// The norm of the trust region: ‖p‖ for spheres, ‖D^(-1/2) p‖ for ellipses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Shape {
    /// ‖D^(-1/2) p‖ ≤ Δ.
    #[default]
    Elliptical,
    /// ‖p‖ ≤ Δ.
    Spherical,
}

/// Which method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Method {
    /// Dogleg in scaled variables with an elliptical region, stepping back inside (Bellavia, Macconi and Morini,
    /// Comput. Optim. Appl. 28, 2004).
    Strscne,
    /// Constrained dogleg: the segment from the interior Cauchy point to the projected Newton point (Bellavia, Macconi
    /// and Pieraccini, Comput. Optim. Appl. 53, 2012).
    Codosol(Shape),
    /// Spherical dogleg projected on the box, combined with the scaled Cauchy step where it gains too little: for any
    /// number of equations, inequalities included ([`Inequalities`](crate::adaptors::Inequalities)). Its iterates may lie
    /// on the boundary of the box, where all other methods stay inside (Morini and Porcelli, Comput. Optim. Appl. 51,
    /// 2012).
    Tresnei,
    /// CoDoSol with a first radius that admits the first Newton step, a stationarity test free of scale, a relative floor
    /// of the radius, and an end when a few steps together gain less than a tenth.
    Auto(Shape),
}

impl Method {
    /// The norm of the region.
    pub(crate) fn shape(self) -> Shape {
        match self {
            Self::Strscne => Shape::Elliptical,
            Self::Tresnei => Shape::Spherical,
            Self::Codosol(shape) | Self::Auto(shape) => shape,
        }
    }

    pub(crate) fn is_automatic(self) -> bool {
        matches!(self, Self::Auto(_))
    }

    /// Whether iterates may lie on the boundary.
    pub(crate) fn touches_bounds(self) -> bool {
        self == Self::Tresnei
    }
}

impl Default for Method {
    fn default() -> Self {
        Self::Auto(Shape::Elliptical)
    }
}

/// What a trial step was made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepKind {
    /// The Newton step (pulled inside where it left the box).
    Newton,
    /// Between the Cauchy and the Newton step.
    Dogleg,
    /// Along the scaled gradient.
    Cauchy,
}

/// The state of one iteration that trial steps are made from: all steps are combinations of v = D g and of the Newton
/// step, so that products with J are two an iteration, however many trials.
pub(crate) struct Stage<'a> {
    pub(crate) bounds: &'a Bounds,
    pub(crate) x: &'a [f64],
    pub(crate) f: &'a [f64],
    pub(crate) g: &'a [f64],
    /// D^(1/2).
    pub(crate) s: &'a [f64],
    /// D g and J D g.
    pub(crate) v: &'a [f64],
    pub(crate) jv: &'a [f64],
    /// ‖D^(1/2) g‖.
    pub(crate) norm_sg: f64,
    /// The minimiser of the model along −v is at −τ v; ∞ when J v = 0.
    pub(crate) tau: f64,
    /// The Newton step as the method wants it, and J times it.
    pub(crate) newton: &'a [f64],
    pub(crate) j_newton: &'a [f64],
}

/// A trial step p with J p, and what the method needs to judge it.
pub(crate) struct Trial<'a> {
    pub(crate) p: &'a mut [f64],
    pub(crate) jp: &'a mut [f64],
}

impl Trial<'_> {
    /// Multiplies the step.
    pub(crate) fn shorten(&mut self, factor: f64) {
        if factor != 1.0 {
            self.p.iter_mut().for_each(|p| *p *= factor);
            self.jp.iter_mut().for_each(|p| *p *= factor);
        }
    }
}

/// Figures of a trial.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    pub(crate) kind: StepKind,
    /// ‖G p‖ in the norm of the region.
    pub(crate) length: f64,
    /// Whether the region may grow after a good step.
    pub(crate) may_grow: bool,
}

/// A step as a combination of v and the Newton step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mixture {
    pub(crate) gradient: f64,
    pub(crate) newton: f64,
}

impl Mixture {
    /// One entry, from those of both vectors. A vector that is not wanted may have entries that are not finite.
    #[inline]
    pub(crate) fn of(self, v: f64, newton: f64) -> f64 {
        if self.newton == 0.0 {
            self.gradient * v
        } else if self.gradient == 0.0 {
            self.newton * newton
        } else {
            self.gradient * v + self.newton * newton
        }
    }
}

impl Stage<'_> {
    /// p = a v + b pN and J p likewise.
    pub(crate) fn combine(&self, a: f64, b: f64, trial: &mut Trial<'_>) {
        mix(a, self.v, b, self.newton, trial.p);
        mix(a, self.jv, b, self.j_newton, trial.jp);
    }

    /// The Cauchy step −c v within Δ, pulled inside: its coefficient of v (negative).
    pub(crate) fn interior_cauchy(&self, radius_over_length: f64, scratch: &mut [f64]) -> f64 {
        let c = -self.tau.min(radius_over_length);
        mix(c, self.v, 0.0, self.v, scratch);
        c * crate::blocks::truncation(self.bounds, self.x, scratch)
    }

    /// gᵀp + ½‖J p‖².
    pub(crate) fn model(&self, p: &[f64], jp: &[f64]) -> f64 {
        dot(self.g, p) + 0.5 * dot(jp, jp)
    }

    /// ‖F + J p‖.
    pub(crate) fn predicted(&self, mixture: Mixture) -> f64 {
        norm3(self.f, self.jv, self.j_newton, |f, jv, jn| f + mixture.of(jv, jn))
    }

    /// x + p, kept strictly inside.
    pub(crate) fn next(&self, mixture: Mixture, next: &mut [f64]) {
        let steps = self.v.iter().zip(self.newton);
        let sides = self.bounds.lower().iter().zip(self.bounds.upper());
        for (((next, x), (&v, &n)), (&l, &u)) in next.iter_mut().zip(self.x).zip(steps).zip(sides) {
            *next = inside(x + mixture.of(v, n), l, u);
        }
    }

    /// ‖D^(-1/2) p‖.
    pub(crate) fn scaled_length(&self, p: &[f64]) -> f64 {
        norm2(p, self.s, |p, s| p / s)
    }

    pub(crate) fn length(&self, shape: Shape, p: &[f64]) -> f64 {
        match shape {
            Shape::Elliptical => self.scaled_length(p),
            Shape::Spherical => norm(p),
        }
    }
}

pub(crate) fn mix(a: f64, x: &[f64], b: f64, y: &[f64], out: &mut [f64]) {
    if b == 0.0 {
        out.iter_mut().zip(x).for_each(|(o, x)| *o = a * x);
    } else if a == 0.0 {
        out.iter_mut().zip(y).for_each(|(o, y)| *o = b * y);
    } else {
        out.iter_mut().zip(x).zip(y).for_each(|((o, x), y)| *o = a * x + b * y);
    }
}

/// Fraction of the way to the boundary for a step of this length.
pub(crate) fn fraction(length: f64) -> f64 {
    INTERIOR.max(1.0 - length)
}
