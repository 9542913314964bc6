//! One run of a method from one start.

use std::ops::ControlFlow;

use crate::blocks::{norm, project, pull_inside};
use crate::linear::{Jacobian, Linear, Products};
use crate::method::{Dogleg, Figures, Method, Segment, Shape, Stage, Trial, interior_newton};
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

/// Everything a run works on; made once, so that iterations allocate nothing.
pub(crate) struct Workspace {
    jacobian: Jacobian,
    pub(crate) x: Vec<f64>,
    pub(crate) f: Vec<f64>,
    g: Vec<f64>,
    d: Vec<f64>,
    s: Vec<f64>,
    v: Vec<f64>,
    jv: Vec<f64>,
    newton: Vec<f64>,
    j_newton: Vec<f64>,
    p: Vec<f64>,
    jp: Vec<f64>,
    next_x: Vec<f64>,
    next_f: Vec<f64>,
    previous_x: Vec<f64>,
    previous_f: Vec<f64>,
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
}

impl Workspace {
    pub(crate) fn new(system: &(impl System + ?Sized), solver: &Solver) -> Self {
        let (m, n) = (system.equations(), system.variables());
        let rows = || vec![0.0; m];
        let columns = || vec![0.0; n];
        Self {
            jacobian: Jacobian::new(system),
            x: columns(),
            f: rows(),
            g: columns(),
            d: columns(),
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
            history: Vec::with_capacity(solver.window + 2),
        }
    }

    /// The stop tolerance for the start in `self.x`, which must be strictly inside.
    ///
    /// # Errors
    /// [`Error::NonFinite`] when F(x) is not finite.
    pub(crate) fn begin(&mut self, system: &(impl System + ?Sized)) -> Result<f64> {
        system.residual(&self.x, &mut self.f).map_err(Error::User)?;
        match self.f.iter().position(|v| !v.is_finite()) {
            Some(index) => Err(Error::NonFinite {
                what: "residual",
                index,
            }),
            None => Ok(norm(&self.f)),
        }
    }

    /// Runs the method from `self.x`, whose F is in `self.f`.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn run(
        &mut self,
        system: &(impl System + ?Sized),
        bounds: &Bounds,
        solver: &Solver,
        limits: (usize, usize),
        stop: f64,
        start: usize,
        observer: &mut dyn Observer,
    ) -> Result<Run> {
        let (max_iterations, max_evaluations) = limits;
        let mut run = Run {
            exit: Exit::Root,
            norm: norm(&self.f),
            iterations: 0,
            evaluations: 1,
            jacobians: 0,
            jacobian_evaluations: 0,
            shortest_steps: 0,
        };
        let (automatic, shape) = match solver.method {
            Method::Auto(shape) => (true, shape),
            Method::Codosol(shape) => (false, shape),
            Method::Strscne => (false, Shape::Elliptical),
        };
        let mut radius = 1.0;
        self.history.clear();
        self.history.push(run.norm);
        while run.norm > stop {
            if run.iterations >= max_iterations {
                return Ok(run.ended(Exit::MaxIterations));
            }
            if run.evaluations >= max_evaluations {
                return Ok(run.ended(Exit::MaxEvaluations));
            }
            if !self.differentiate(system, bounds, &mut run)? {
                return Ok(run.ended(Exit::NonFiniteJacobian));
            }
            scaling::scale(&*solver.scaling, &self.x, &self.g, bounds, &mut self.d);
            if self
                .d
                .iter()
                .any(|d| !(d.is_finite() && *d > 0.0 && d.recip().is_finite()))
            {
                return Ok(run.ended(Exit::ScalingBreakdown));
            }
            self.s.iter_mut().zip(&self.d).for_each(|(s, d)| *s = d.sqrt());
            self.v
                .iter_mut()
                .zip(&self.d)
                .zip(&self.g)
                .for_each(|((v, d), g)| *v = d * g);
            self.p
                .iter_mut()
                .zip(&self.s)
                .zip(&self.g)
                .for_each(|((p, s), g)| *p = s * g);
            let norm_sg = norm(&self.p);
            Linear(&self.jacobian, system).product(&self.v, &mut self.jv)?;
            let norm_jv = norm(&self.jv);
            let stationary = if automatic {
                let cosine = norm_sg / norm_jv * (norm_sg / run.norm);
                norm_sg == 0.0 || norm_jv == 0.0 || cosine * cosine < STATIONARY
            } else {
                norm_sg < 100.0 * f64::EPSILON
            };
            if stationary {
                return Ok(run.ended(Exit::Stationary));
            }
            let tau = if norm_jv > 0.0 {
                (norm_sg / norm_jv).powi(2)
            } else {
                f64::INFINITY
            };
            let shortest = self.jacobian.newton(system, &self.f, &mut self.newton)?;
            run.shortest_steps += usize::from(shortest);
            if solver.method != Method::Strscne {
                interior_newton(bounds, &self.x, &mut self.newton, automatic && solver.cut_only);
            }
            Linear(&self.jacobian, system).product(&self.newton, &mut self.j_newton)?;
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
                radius = solver.initial_radius(&stage, shape, norm_sg);
            }
            let segment = Segment::new(&stage, shape);
            let dogleg = (solver.method == Method::Strscne).then(|| Dogleg::new(&stage));
            let floor = if automatic {
                1e-12 * (1e-3 + stage.length(shape, &self.x))
            } else {
                f64::EPSILON.sqrt()
            };
            let mut refused = 0;
            let accepted = loop {
                let enough = refused < TRIALS || !automatic;
                let allowed = refused == 0 && automatic || radius > floor;
                if !(enough && allowed && run.evaluations < max_evaluations) {
                    break None;
                }
                let mut trial = Trial {
                    p: &mut self.p,
                    jp: &mut self.jp,
                };
                let figures = match &dogleg {
                    Some(dogleg) => dogleg.trial(&stage, radius, &mut trial),
                    None => segment.trial(&stage, radius, &mut trial),
                };
                self.next_x
                    .iter_mut()
                    .zip(stage.x)
                    .zip(&self.p)
                    .for_each(|((n, x), p)| *n = x + p);
                pull_inside(bounds, &mut self.next_x);
                system.residual(&self.next_x, &mut self.next_f).map_err(Error::User)?;
                run.evaluations += 1;
                let next = norm(&self.next_f);
                let ratio = if dogleg.is_some() {
                    // The decrease of ½‖F‖² over that of the quadratic model.
                    let model = stage.model(&self.p, &self.jp);
                    let change = 0.5 * (next - run.norm) * (next + run.norm);
                    if next.is_finite() && model < 0.0 {
                        change / model
                    } else {
                        -1.0
                    }
                } else {
                    let decrease = run.norm - stage.predicted(&self.jp, &mut self.previous_f);
                    if next.is_finite() && decrease > 0.0 {
                        (run.norm - next) / decrease
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
                let limited = run.evaluations >= max_evaluations;
                return Ok(run.ended(if limited {
                    Exit::MaxEvaluations
                } else {
                    Exit::RadiusTooSmall
                }));
            };
            run.iterations += 1;
            let previous = run.norm;
            self.previous_x.copy_from_slice(&self.x);
            self.previous_f.copy_from_slice(&self.f);
            self.x.copy_from_slice(&self.next_x);
            self.f.copy_from_slice(&self.next_f);
            run.norm = next;
            let step = Iteration {
                iteration: run.iterations,
                start,
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
            if ratio > GROW && may_grow {
                radius = radius.max(2.0 * length).min(f64::MAX / 1e8);
            }
            if run.norm > stop && self.stalled(automatic, solver, previous, next) {
                return Ok(run.ended(Exit::NoProgress));
            }
        }
        Ok(run)
    }

    /// Whether the steps gain too little to go on.
    fn stalled(&mut self, automatic: bool, solver: &Solver, previous: f64, next: f64) -> bool {
        if !automatic {
            return (next - previous).abs() <= 100.0 * f64::EPSILON * next;
        }
        self.history.push(next);
        if self.history.len() <= solver.window + 1 {
            return self.history.len() == solver.window + 1 && next > solver.stall * self.history[0];
        }
        self.history.remove(0);
        next > solver.stall * self.history[0]
    }

    /// J and g = JᵀF at x; false when J is not finite there, after going back towards the point before.
    fn differentiate(&mut self, system: &(impl System + ?Sized), bounds: &Bounds, run: &mut Run) -> Result<bool> {
        for attempt in 0..TRIALS {
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
            // Take back three quarters of the step; at the point before, J was finite.
            let keep = if attempt + 2 == TRIALS { 0.0 } else { 0.25 };
            for (x, before) in self.x.iter_mut().zip(&self.previous_x) {
                *x = before + keep * (*x - before);
            }
            project(bounds, &mut self.x);
            system.residual(&self.x, &mut self.f).map_err(Error::User)?;
            run.evaluations += 1;
            run.norm = norm(&self.f);
            if !run.norm.is_finite() {
                self.x.copy_from_slice(&self.previous_x);
                self.f.copy_from_slice(&self.previous_f);
                run.norm = norm(&self.f);
            }
        }
        Ok(false)
    }

    /// √L ‖P(x − g/L) − x‖/‖F‖ at the current point; NaN where it is not known.
    pub(crate) fn optimality(&mut self, system: &(impl System + ?Sized), bounds: &Bounds) -> Result<f64> {
        if !self.jacobian.update(system, &self.x, &self.f, bounds)?.1 {
            return Ok(f64::NAN);
        }
        let Some(energy) = self.jacobian.energy() else {
            return Ok(f64::NAN);
        };
        Linear(&self.jacobian, system).transpose_product(&self.f, &mut self.g)?;
        self.p
            .iter_mut()
            .zip(&self.x)
            .zip(&self.g)
            .for_each(|((p, x), g)| *p = x - g / energy);
        project(bounds, &mut self.p);
        self.p.iter_mut().zip(&self.x).for_each(|(p, x)| *p -= x);
        Ok(energy.sqrt() * norm(&self.p) / norm(&self.f))
    }

    /// ‖J⁻¹F‖ for the Jacobian taken last; `None` where J is singular.
    pub(crate) fn newton_length(&mut self, system: &(impl System + ?Sized)) -> Result<Option<f64>> {
        let shortest = self.jacobian.newton(system, &self.f, &mut self.newton)?;
        Ok((!shortest).then(|| norm(&self.newton)))
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
