//! One run of a method from one start.

use std::ops::ControlFlow;

use smallvec::SmallVec;

use crate::blocks::{norm, norm2, project, pull_inside, start_norm, unit};
use crate::linear::{Jacobian, Linear, Products};
use crate::method::{Dogleg, Figures, Method, Projected, Segment, Shape, Stage, Trial, interior_newton};
use crate::report::{Exit, Iteration, Observer};
use crate::scaling;
use crate::solver::{InitialRadius, Solver};
use crate::{Bounds, Error, Result, System};

/// Least ratio of actual to predicted decrease of an accepted step.
const ACCEPT: f64 = 0.25;
/// Ratio above which the radius may grow.
const GROW: f64 = 0.75;
/// Most trials of one iteration of the automatic method.
const TRIALS: usize = 26;
/// Relative decrease of ‖F‖² along −Dg below which the automatic method calls a point stationary.
const STATIONARY: f64 = 1e-12;

/// Norms kept without an allocation; longer windows make one now and then.
const MOST_HISTORY: usize = 1000;

/// A vector of the size of x or F; small ones need no memory of their own, which would be a tenth of the time of a solve.
pub(crate) type Column = SmallVec<[f64; 8]>;

/// Everything a run works on; made once, so that iterations allocate nothing.
pub(crate) struct Workspace {
    jacobian: Jacobian,
    pub(crate) x: Column,
    pub(crate) f: Column,
    g: Column,
    /// d, then its square roots.
    s: Column,
    v: Column,
    jv: Column,
    newton: Column,
    j_newton: Column,
    p: Column,
    jp: Column,
    next_x: Column,
    next_f: Column,
    previous_x: Column,
    previous_f: Column,
    history: Vec<f64>,
}

/// How a run ended and what it cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    pub(crate) exit: Exit,
    pub(crate) norm: f64,
    pub(crate) iterations: usize,
    pub(crate) evaluations: usize,
    pub(crate) jacobians: usize,
    pub(crate) jacobian_evaluations: usize,
    pub(crate) shortest_steps: usize,
    pub(crate) linear_iterations: usize,
    pub(crate) radius: f64,
    /// The radius to go on with when the last step must be taken back, and how often that has happened.
    shorter: f64,
    taken_back: usize,
}

/// What is fixed for one run.
pub(crate) struct Limits<'a> {
    pub(crate) solver: &'a Solver,
    pub(crate) evaluations: usize,
    /// ‖F‖ of a root, in the norm that tells one.
    pub(crate) stop: f64,
    /// Number of the start.
    pub(crate) start: usize,
}

impl Limits<'_> {
    /// Whether F, whose length is known, is that of a root.
    fn met(&self, f: &[f64], length: f64) -> bool {
        self.solver.root_norm.of(f, length) <= self.stop
    }
}

/// The trial steps of one iteration.
enum Steps {
    Dogleg(Dogleg),
    Segment(Segment),
    Projected(Projected),
}

impl Workspace {
    pub(crate) fn new(system: &(impl System + ?Sized), solver: &Solver) -> Self {
        let (m, n) = (system.equations(), system.variables());
        let rows = || Column::from_elem(0.0, m);
        let columns = || Column::from_elem(0.0, n);
        Self {
            jacobian: Jacobian::new(system, solver.linear),
            x: columns(),
            f: rows(),
            g: columns(),
            s: columns(),
            v: columns(),
            jv: rows(),
            newton: columns(),
            j_newton: rows(),
            p: columns(),
            jp: rows(),
            next_x: columns(),
            next_f: rows(),
            previous_x: columns(),
            previous_f: rows(),
            history: Vec::with_capacity(solver.window.min(MOST_HISTORY) + 2),
        }
    }

    /// ‖F‖ at the start in `self.x`, and F there into `self.f`.
    ///
    /// # Errors
    /// [`Error::NonFinite`] when F(x) or its norm is not finite.
    pub(crate) fn begin(&mut self, system: &(impl System + ?Sized)) -> Result<f64> {
        system.residual(&self.x, &mut self.f).map_err(Error::User)?;
        start_norm(&self.f)
    }

    /// Runs the method from `self.x`, whose F is in `self.f`.
    pub(crate) fn run(
        &mut self,
        system: &(impl System + ?Sized),
        bounds: &Bounds,
        limits: &Limits<'_>,
        observer: &mut dyn Observer,
    ) -> Result<Run> {
        let solver = limits.solver;
        let method = solver.method;
        let mut run = Run {
            exit: Exit::Root,
            norm: norm(&self.f),
            iterations: 0,
            evaluations: 1,
            jacobians: 0,
            jacobian_evaluations: 0,
            shortest_steps: 0,
            linear_iterations: 0,
            radius: 1.0,
            shorter: 1.0,
            taken_back: 0,
        };
        self.jacobian.begin();
        self.history.clear();
        self.history.push(run.norm);
        if observer.start(limits.start, &self.x, run.norm) == ControlFlow::Break(()) {
            return Ok(run.ended(Exit::Stopped));
        }
        while !limits.met(&self.f, run.norm) {
            if run.iterations >= solver.max_iterations {
                return Ok(run.ended(Exit::MaxIterations));
            }
            if run.evaluations >= limits.evaluations {
                return Ok(run.ended(Exit::MaxEvaluations));
            }
            if !self.differentiate(system, bounds, &mut run)? {
                return Ok(run.ended(Exit::NonFiniteJacobian));
            }
            let norm_sg = match self.scale(bounds, solver) {
                Some(norm_sg) => norm_sg,
                None => return Ok(run.ended(Exit::ScalingBreakdown)),
            };
            Linear(&self.jacobian, system).product(&self.v, &mut self.jv)?;
            let norm_jv = norm(&self.jv);
            if self.stationary(bounds, method, norm_sg, norm_jv, run.norm) {
                return Ok(run.ended(Exit::Stationary));
            }
            let tau = if norm_jv > 0.0 {
                (norm_sg / norm_jv).powi(2)
            } else {
                f64::INFINITY
            };
            let effort = self
                .jacobian
                .newton(system, &self.f, &mut self.newton, &mut self.j_newton)?;
            run.shortest_steps += usize::from(effort.shortest);
            run.linear_iterations += effort.iterations;
            let inside = matches!(method, Method::Codosol(_) | Method::Auto(_));
            let whole = method.is_automatic() && solver.cut_only;
            if inside && interior_newton(bounds, &self.x, &mut self.newton, whole) {
                Linear(&self.jacobian, system).product(&self.newton, &mut self.j_newton)?;
            }
            let stage = Stage {
                bounds,
                x: &self.x,
                f: &self.f,
                g: &self.g,
                s: &self.s,
                v: &self.v,
                jv: &self.jv,
                norm_sg,
                tau,
                newton: &self.newton,
                j_newton: &self.j_newton,
            };
            if run.iterations == 0 {
                run.radius = solver.initial_radius(&stage, method.shape(), norm_sg);
            }
            let products = Linear(&self.jacobian, system);
            let steps = match method {
                Method::Strscne => Steps::Dogleg(Dogleg::new(&stage)),
                Method::Tresnei => Steps::Projected(Projected::new(&stage, &products, &mut self.jp)?),
                Method::Codosol(shape) | Method::Auto(shape) => Steps::Segment(Segment::new(&stage, shape)),
            };
            let floor = match method {
                Method::Auto(shape) => 1e-12 * (1e-3 + stage.length(shape, &self.x)),
                Method::Tresnei => f64::EPSILON,
                _ => f64::EPSILON.sqrt(),
            };
            let mut radius = run.radius;
            let mut refused = 0;
            let accepted = loop {
                let automatic = method.is_automatic();
                let enough = refused < TRIALS || !automatic;
                let allowed = refused == 0 && automatic || radius > floor;
                if !(enough && allowed && run.evaluations < limits.evaluations) {
                    break None;
                }
                let mut trial = Trial {
                    p: &mut self.p,
                    jp: &mut self.jp,
                };
                let (figures, mixture) = match &steps {
                    Steps::Dogleg(dogleg) => (dogleg.trial(&stage, radius, &mut trial), None),
                    Steps::Projected(projected) => (projected.trial(&stage, &products, radius, &mut trial)?, None),
                    Steps::Segment(segment) => {
                        let (figures, mixture) = segment.trial(&stage, radius);
                        (figures, Some(mixture))
                    }
                };
                if let Some(mixture) = mixture {
                    stage.next(mixture, &mut self.next_x);
                } else {
                    for ((next, x), p) in self.next_x.iter_mut().zip(stage.x).zip(&self.p) {
                        *next = x + p;
                    }
                    if method.touches_bounds() {
                        project(bounds, &mut self.next_x);
                    } else {
                        pull_inside(bounds, &mut self.next_x);
                    }
                }
                system.residual(&self.next_x, &mut self.next_f).map_err(Error::User)?;
                run.evaluations += 1;
                let next = norm(&self.next_f);
                let ratio = if let Some(mixture) = mixture {
                    let decrease = run.norm - stage.predicted(mixture);
                    if next.is_finite() && decrease > 0.0 {
                        (run.norm - next) / decrease
                    } else {
                        -1.0
                    }
                } else {
                    // The decrease of ½‖F‖² over that of the quadratic model.
                    let model = stage.model(&self.p, &self.jp);
                    let change = 0.5 * (next - run.norm) * (next + run.norm);
                    if next.is_finite() && model < 0.0 {
                        change / model
                    } else {
                        -1.0
                    }
                };
                if ratio >= ACCEPT {
                    break Some((figures, next, ratio));
                }
                refused += 1;
                radius = (0.25 * radius).min(0.5 * figures.length);
            };
            let Some((Figures { kind, length, may_grow }, next, ratio)) = accepted else {
                let limited = run.evaluations >= limits.evaluations;
                return Ok(run.ended(if limited {
                    Exit::MaxEvaluations
                } else {
                    Exit::RadiusTooSmall
                }));
            };
            run.iterations += 1;
            let previous = run.norm;
            std::mem::swap(&mut self.previous_x, &mut self.x);
            std::mem::swap(&mut self.previous_f, &mut self.f);
            std::mem::swap(&mut self.x, &mut self.next_x);
            std::mem::swap(&mut self.f, &mut self.next_f);
            run.norm = next;
            run.radius = match method {
                Method::Tresnei if ratio >= GROW => radius.max(2.0 * length),
                _ if ratio > GROW && may_grow => radius.max(2.0 * length),
                _ => radius,
            };
            if method == Method::Tresnei {
                run.radius = run.radius.max(f64::EPSILON.sqrt());
            }
            run.radius = run.radius.min(f64::MAX / 1e8);
            run.shorter = (0.25 * radius).min(0.5 * length);
            let step = Iteration {
                iteration: run.iterations,
                start: limits.start,
                x: &self.previous_x,
                next: &self.x,
                norms: (previous, next),
                radius,
                refused,
                ratio,
                kind,
                evaluations: run.evaluations,
            };
            if observer.iteration(&step) == ControlFlow::Break(()) {
                return Ok(run.ended(Exit::Stopped));
            }
            if !limits.met(&self.f, run.norm) && self.stalled(solver, previous, next) {
                return Ok(run.ended(Exit::NoProgress));
            }
        }
        Ok(run)
    }

    /// d, D^(1/2), v = D g and ‖D^(1/2) g‖; `None` when d is not what the method can divide by.
    fn scale(&mut self, bounds: &Bounds, solver: &Solver) -> Option<f64> {
        scaling::scale(&*solver.scaling, &self.x, &self.g, bounds, &mut self.s);
        let least = if solver.method.touches_bounds() {
            0.0
        } else {
            // The reciprocal of a smaller number overflows.
            f64::MAX.recip()
        };
        // Without an early end, so that the loop runs on whole registers.
        let mut usable = true;
        for ((v, s), g) in self.v.iter_mut().zip(&mut self.s).zip(&self.g) {
            usable &= (*s >= least) & s.is_finite();
            *v = *s * g;
            *s = s.sqrt();
        }
        if !usable {
            return None;
        }
        Some(norm2(&self.s, &self.g, |s, g| s * g))
    }

    /// Whether no step along −D g helps to first order, by the test of the method.
    fn stationary(&self, bounds: &Bounds, method: Method, norm_sg: f64, norm_jv: f64, size: f64) -> bool {
        match method {
            Method::Auto(_) => {
                let cosine = norm_sg / norm_jv * (norm_sg / size);
                norm_sg == 0.0 || norm_jv == 0.0 || cosine * cosine < STATIONARY
            }
            Method::Tresnei => {
                let sides = bounds.lower().iter().zip(bounds.upper());
                let moves = self.x.iter().zip(&self.g).zip(sides);
                let projected: f64 = moves
                    .map(|((x, g), (l, u))| ((x - g).max(*l).min(*u) - x).powi(2))
                    .sum();
                norm(&self.v).min(projected.sqrt()) <= 1e-12 * (self.x.len() as f64).sqrt()
            }
            Method::Strscne | Method::Codosol(_) => norm_sg < 100.0 * f64::EPSILON,
        }
    }

    /// Whether the steps gain too little to go on.
    fn stalled(&mut self, solver: &Solver, previous: f64, next: f64) -> bool {
        if !solver.method.is_automatic() {
            return (next - previous).abs() <= 100.0 * f64::EPSILON * next;
        }
        self.history.push(next);
        let full = solver.window.saturating_add(1);
        if self.history.len() < full {
            return false;
        }
        if self.history.len() > full {
            self.history.remove(0);
        }
        next > solver.stall * self.history[0]
    }

    /// J and g = JᵀF at x. Where J is not finite, the step to x is taken back and the radius cut, so that a shorter one
    /// follows; false when that has happened too often.
    fn differentiate(&mut self, system: &(impl System + ?Sized), bounds: &Bounds, run: &mut Run) -> Result<bool> {
        loop {
            let (evaluations, finite) = self.jacobian.update(system, &self.x, &self.f, bounds)?;
            run.jacobians += 1;
            run.jacobian_evaluations += evaluations;
            if finite {
                Linear(&self.jacobian, system).transpose_product(&self.f, &mut self.g)?;
                return Ok(self.g.iter().all(|g| g.is_finite()));
            }
            if run.iterations == 0 {
                return Err(Error::NonFinite {
                    what: "Jacobian",
                    index: self.jacobian.first_bad_entry(),
                });
            }
            if run.taken_back >= TRIALS {
                return Ok(false);
            }
            run.taken_back += 1;
            self.x.copy_from_slice(&self.previous_x);
            self.f.copy_from_slice(&self.previous_f);
            run.norm = norm(&self.f);
            run.radius = run.shorter;
        }
    }

    /// √L ‖P(x − g/L) − x‖/‖F‖ at the current point; NaN where it is not known.
    ///
    /// J and F are taken in units of their largest entries, τ and σ, and the step in units of σ/τ: no square and no product
    /// leaves the range of numbers.
    pub(crate) fn optimality(&mut self, system: &(impl System + ?Sized), bounds: &Bounds) -> Result<f64> {
        if !self.jacobian.update(system, &self.x, &self.f, bounds)?.1 {
            return Ok(f64::NAN);
        }
        let Some(entries) = self.jacobian.entries() else {
            return Ok(f64::NAN);
        };
        let (tau, sigma) = (unit(entries), unit(&self.f));
        let energy: f64 = entries.iter().map(|v| (v / tau).powi(2)).sum();
        if energy == 0.0 {
            return Ok(0.0);
        }
        self.next_f.iter_mut().zip(&self.f).for_each(|(f, v)| *f = v / sigma);
        let size = norm(&self.next_f);
        self.next_f.iter_mut().for_each(|f| *f /= tau);
        Linear(&self.jacobian, system).transpose_product(&self.next_f, &mut self.g)?;
        let sides = bounds.lower().iter().zip(bounds.upper());
        for (((p, g), x), (l, u)) in self.p.iter_mut().zip(&self.g).zip(&self.x).zip(sides) {
            let room = |bound: f64| (bound - x) / sigma * tau;
            *p = (-g / energy).max(room(*l)).min(room(*u));
        }
        Ok(energy.sqrt() * norm(&self.p) / size)
    }

    /// ‖J⁻¹F‖ with the factors of the last step; a start that is a root makes none, and its J is taken and factored here.
    /// `None` where J is singular or has no factors.
    pub(crate) fn newton_length(&mut self, system: &(impl System + ?Sized), bounds: &Bounds) -> Result<Option<f64>> {
        if self.jacobian.solve_again(&self.f, &mut self.newton) {
            return Ok(Some(norm(&self.newton)));
        }
        if !self.jacobian.has_factors() || !self.jacobian.update(system, &self.x, &self.f, bounds)?.1 {
            return Ok(None);
        }
        let effort = self
            .jacobian
            .newton(system, &self.f, &mut self.newton, &mut self.j_newton)?;
        Ok((!effort.shortest).then(|| norm(&self.newton)))
    }
}

impl InitialRadius {
    fn value(self, stage: &Stage<'_>, shape: Shape, norm_sg: f64) -> f64 {
        match self {
            Self::Fixed(radius) => radius,
            Self::ScaledGradient => norm_sg,
            Self::Newton => stage.length(shape, stage.newton).max(1.0),
        }
    }
}

impl Solver {
    fn initial_radius(&self, stage: &Stage<'_>, shape: Shape, norm_sg: f64) -> f64 {
        let radius = self.radius.value(stage, shape, norm_sg);
        // A singular first Jacobian may leave no finite length.
        if radius.is_finite() && radius > 0.0 {
            radius
        } else {
            1.0
        }
    }
}

impl Run {
    fn ended(self, exit: Exit) -> Self {
        Self { exit, ..self }
    }
}
