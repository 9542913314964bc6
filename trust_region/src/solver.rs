//! The solver: method, scaling, limits; solves from a start, with restarts, or finds all roots it can.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::blocks::{norm, strict_start};
use crate::local::{Run, Workspace};
use crate::method::Method;
use crate::reduce::Reduced;
use crate::report::{Exit, Observer, Silent, Solution};
use crate::restart::Starts;
use crate::scaling::{Mix, Scaling};
use crate::{Bounds, Error, Result, System};

/// The radius of the first trust region.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum InitialRadius {
    /// A given number.
    Fixed(f64),
    /// ‖D^(1/2) g‖ at the start.
    ScaledGradient,
    /// The length of the first interior Newton step, at least 1: its trial comes first whatever the number of variables.
    Newton,
}

/// A trust-region solver for F(x) = 0 with l ≤ x ≤ u.
///
/// The default is what to start from: constrained dogleg steps in an elliptical region, half Kanzow-Klug and half
/// Hager-Mair-Zhang scaling, and new starts when one ends without a root. Fields may be set one by one.
///
/// ```
/// use hadamard_trust_region::{Bounds, Solver, System, UserError};
///
/// struct Circle;
/// impl System for Circle {
///     fn variables(&self) -> usize {
///         2
///     }
///     fn residual(&self, x: &[f64], f: &mut [f64]) -> Result<(), UserError> {
///         f[0] = x[0] * x[0] + x[1] * x[1] - 1.0;
///         f[1] = x[0] - x[1];
///         Ok(())
///     }
///     fn jacobian(&self, x: &[f64], _f: &[f64], _b: &Bounds, j: &mut [f64]) -> Result<usize, UserError> {
///         j.copy_from_slice(&[2.0 * x[0], 1.0, 2.0 * x[1], -1.0]); // column by column
///         Ok(0)
///     }
/// }
///
/// let bounds = Bounds::new(vec![0.0, 0.0], vec![1.0, f64::INFINITY])?;
/// let solution = Solver::default().solve(&Circle, &bounds, &[0.9, 0.1])?;
/// assert!(solution.exit.is_root());
/// assert!((solution.x[0] - 0.5_f64.sqrt()).abs() < 1e-8);
/// # Ok::<(), hadamard_trust_region::Error>(())
/// ```
#[derive(Clone)]
pub struct Solver {
    /// The method.
    pub method: Method,
    /// The scaling matrix.
    pub scaling: Arc<dyn Scaling>,
    /// ‖F‖₂ at which a point is a root.
    pub tolerance: f64,
    /// The same relative to ‖F(x₀)‖; added.
    pub relative_tolerance: f64,
    /// Most accepted steps from one start.
    pub max_iterations: usize,
    /// Most evaluations of F, over all starts; those for differences in J are not counted.
    pub max_evaluations: usize,
    /// First radius.
    pub radius: InitialRadius,
    /// Whether other starts are tried when one ends without a root.
    pub restart: bool,
    /// Most evaluations of F from one start when others follow.
    pub evaluations_per_start: usize,
    /// Seed of the random part of the starts.
    pub seed: u64,
    /// Whether a Newton step that stays inside is taken whole ([`Method::Auto`]); linear systems then end in two evaluations.
    pub cut_only: bool,
    /// Steps over which [`Method::Auto`] watches for progress.
    pub window: usize,
    /// ‖F‖ must fall below this share of what it was `window` steps before.
    pub stall: f64,
}

impl Default for Solver {
    fn default() -> Self {
        Self {
            method: Method::default(),
            scaling: Arc::new(Mix::default()),
            tolerance: 1e-8,
            relative_tolerance: 0.0,
            max_iterations: 300,
            max_evaluations: 1000,
            radius: InitialRadius::Newton,
            restart: true,
            evaluations_per_start: 150,
            seed: 0,
            cut_only: true,
            window: 10,
            stall: 0.9,
        }
    }
}

impl Solver {
    /// STRSCNE or CoDoSol as published: radius 1, one start.
    pub fn classical(method: Method, scaling: impl Scaling + 'static) -> Self {
        Self {
            method,
            scaling: Arc::new(scaling),
            radius: InitialRadius::Fixed(1.0),
            restart: false,
            ..Self::default()
        }
    }

    /// For min ½‖F‖² over the box: one start, patience for slow convergence. [`Exit::Stationary`] is then success.
    pub fn least_squares() -> Self {
        Self {
            restart: false,
            window: 30,
            stall: 0.999_999,
            ..Self::default()
        }
    }

    /// The same with another scaling.
    pub fn with_scaling(mut self, scaling: impl Scaling + 'static) -> Self {
        self.scaling = Arc::new(scaling);
        self
    }

    /// Solves from `start`, which is moved strictly inside the box first.
    ///
    /// # Errors
    /// [`Error::DimensionMismatch`], [`Error::InvalidParameter`] for tolerances, radii and limits out of range,
    /// [`Error::NonFinite`] when F or J is not finite at the start, and [`Error::User`].
    pub fn solve(&self, system: &(impl System + ?Sized), bounds: &Bounds, start: &[f64]) -> Result<Solution> {
        self.solve_observed(system, bounds, start, &mut Silent)
    }

    /// Solves while `observer` sees every accepted step and may stop.
    ///
    /// # Errors
    /// Those of [`solve`](Self::solve).
    pub fn solve_observed(
        &self,
        system: &(impl System + ?Sized),
        bounds: &Bounds,
        start: &[f64],
        observer: &mut dyn Observer,
    ) -> Result<Solution> {
        self.check(system, bounds, start)?;
        if let Some(reduced) = Reduced::new(system, bounds)? {
            let start: Vec<f64> = reduced.free().iter().map(|&i| start[i]).collect();
            if start.is_empty() {
                return reduced.all_fixed(self.tolerance);
            }
            let inner = reduced.bounds().clone();
            let solution = self.starts(&reduced, &inner, &start, observer)?;
            return Ok(reduced.expand(solution));
        }
        self.starts(system, bounds, start, observer)
    }

    fn starts(
        &self,
        system: &(impl System + ?Sized),
        bounds: &Bounds,
        start: &[f64],
        observer: &mut dyn Observer,
    ) -> Result<Solution> {
        let mut first = start.to_vec();
        strict_start(bounds, &mut first);
        let mut workspace = Workspace::new(system, self);
        workspace.x.copy_from_slice(&first);
        let stop = self.tolerance + self.relative_tolerance * workspace.begin(system)?;
        let mut starts = Starts::new(bounds, &first, self.seed);
        let mut total = Total::default();
        let mut best: Option<(Run, Vec<f64>, Vec<f64>)> = None;
        for number in 0.. {
            if number > 0 {
                starts.next_into(&mut workspace.x);
                match workspace.begin(system) {
                    Ok(_) => {}
                    Err(Error::NonFinite { .. }) => {
                        total.evaluations += 1;
                        if total.evaluations >= self.max_evaluations {
                            break;
                        }
                        continue;
                    }
                    Err(other) => return Err(other),
                }
            }
            let left = self.max_evaluations - total.evaluations;
            let share = if self.restart {
                self.evaluations_per_start.min(left)
            } else {
                left
            };
            let run = match workspace.run(
                system,
                bounds,
                self,
                (self.max_iterations, share),
                stop,
                number,
                observer,
            ) {
                // A bad Jacobian at a later start is no reason to lose what was found.
                Err(Error::NonFinite { .. }) if number > 0 => {
                    total.evaluations += 1;
                    if total.evaluations >= self.max_evaluations {
                        break;
                    }
                    continue;
                }
                other => other?,
            };
            total.add(&run, number);
            if best.as_ref().is_none_or(|b| run.norm < b.0.norm) {
                best = Some((run, workspace.x.clone(), workspace.f.clone()));
            }
            let over = matches!(run.exit, Exit::Root | Exit::Stopped);
            if over || !self.restart || total.evaluations >= self.max_evaluations {
                break;
            }
        }
        let (run, x, f) = best.ok_or(Error::NonFinite {
            what: "residual",
            index: 0,
        })?;
        workspace.x.copy_from_slice(&x);
        workspace.f.copy_from_slice(&f);
        self.report(&mut workspace, system, bounds, run, &total)
    }

    fn report(
        &self,
        workspace: &mut Workspace,
        system: &(impl System + ?Sized),
        bounds: &Bounds,
        run: Run,
        total: &Total,
    ) -> Result<Solution> {
        let optimality = workspace.optimality(system, bounds)?;
        let square = system.equations() == system.variables();
        let error_estimate = if run.exit.is_root() && square && !optimality.is_nan() {
            workspace.newton_length(system)?
        } else {
            None
        };
        let near = |x: f64, bound: f64| (x - bound).abs() <= 1e-8 * bound.abs().max(1.0);
        let sides = bounds.lower().iter().zip(bounds.upper());
        let active = workspace
            .x
            .iter()
            .zip(sides)
            .enumerate()
            .filter(|(_, (x, (l, u)))| near(**x, **l) || near(**x, **u));
        Ok(Solution {
            active: active.map(|(i, _)| i).collect(),
            norm: norm(&workspace.f),
            x: workspace.x.clone(),
            residual: workspace.f.clone(),
            exit: run.exit,
            optimality,
            stationary: optimality <= 1e-6,
            error_estimate,
            iterations: total.iterations,
            evaluations: total.evaluations,
            jacobians: total.jacobians,
            jacobian_evaluations: total.jacobian_evaluations,
            shortest_steps: total.shortest_steps,
            restarts: total.restarts,
        })
    }

    /// Roots in the box, from the starts that [`solve`](Self::solve) would take, `starts` of them; each root once, in the
    /// order found.
    ///
    /// Two ends are one root when max |x − y|/(1 + |y|) < 1e-5. `max_evaluations` bounds each start.
    ///
    /// # Errors
    /// Those of [`solve`](Self::solve), except that starts where F is not finite are passed over.
    pub fn find_all(
        &self,
        system: &(impl System + ?Sized),
        bounds: &Bounds,
        start: &[f64],
        starts: usize,
    ) -> Result<AllRoots> {
        self.check(system, bounds, start)?;
        if let Some(reduced) = Reduced::new(system, bounds)? {
            let start: Vec<f64> = reduced.free().iter().map(|&i| start[i]).collect();
            let inner = reduced.bounds().clone();
            let mut found = if start.is_empty() {
                let only = reduced.all_fixed(self.tolerance)?;
                let roots = if only.exit.is_root() { vec![only.x] } else { vec![] };
                return Ok(AllRoots {
                    roots,
                    starts: 1,
                    evaluations: 1,
                });
            } else {
                self.enumerate(&reduced, &inner, &start, starts)?
            };
            found.roots.iter_mut().for_each(|root| *root = reduced.full(root));
            return Ok(found);
        }
        self.enumerate(system, bounds, start, starts)
    }

    fn enumerate(
        &self,
        system: &(impl System + ?Sized),
        bounds: &Bounds,
        start: &[f64],
        starts: usize,
    ) -> Result<AllRoots> {
        let mut first = start.to_vec();
        strict_start(bounds, &mut first);
        let mut workspace = Workspace::new(system, self);
        workspace.x.copy_from_slice(&first);
        let mut points = Starts::new(bounds, &first, self.seed);
        let mut all = AllRoots {
            roots: Vec::new(),
            starts: 0,
            evaluations: 0,
        };
        let share = self.evaluations_per_start.min(self.max_evaluations);
        for number in 0..starts {
            if number > 0 {
                points.next_into(&mut workspace.x);
            }
            all.starts += 1;
            let limits = (self.max_iterations, share);
            let begun = workspace.begin(system);
            let run = begun.and_then(|size| {
                let stop = self.tolerance + self.relative_tolerance * size;
                workspace.run(system, bounds, self, limits, stop, number, &mut Silent)
            });
            let run = match run {
                Err(Error::NonFinite { .. }) => {
                    all.evaluations += 1;
                    continue;
                }
                other => other?,
            };
            all.evaluations += run.evaluations;
            let same = |root: &Vec<f64>| {
                let apart = root
                    .iter()
                    .zip(&workspace.x)
                    .map(|(y, x)| (x - y).abs() / (1.0 + y.abs()));
                apart.fold(0.0, f64::max) < 1e-5
            };
            if run.exit.is_root() && !all.roots.iter().any(same) {
                all.roots.push(workspace.x.clone());
            }
        }
        Ok(all)
    }

    fn check(&self, system: &(impl System + ?Sized), bounds: &Bounds, start: &[f64]) -> Result<()> {
        let n = system.variables();
        for (what, found) in [("bounds", bounds.len()), ("start", start.len())] {
            if found != n {
                return Err(Error::DimensionMismatch {
                    what,
                    expected: n,
                    found,
                });
            }
        }
        if let crate::Structure::Sparse(pattern) = system.structure() {
            for (what, expected, found) in [
                ("rows of the pattern", system.equations(), pattern.rows()),
                ("columns of the pattern", n, pattern.columns()),
            ] {
                if expected != found {
                    return Err(Error::DimensionMismatch { what, expected, found });
                }
            }
        }
        if let Some(index) = start.iter().position(|x| x.is_nan()) {
            return Err(Error::NonFinite { what: "start", index });
        }
        for (name, value) in [
            ("tolerance", self.tolerance),
            ("relative_tolerance", self.relative_tolerance),
        ] {
            if value.is_nan() || value < 0.0 {
                return Err(Error::InvalidParameter {
                    name,
                    value,
                    reason: "must not be negative",
                });
            }
        }
        if let InitialRadius::Fixed(radius) = self.radius {
            Error::require_positive("radius", radius)?;
        }
        for (name, value) in [
            ("max_evaluations", self.max_evaluations),
            ("evaluations_per_start", self.evaluations_per_start),
            ("window", self.window),
        ] {
            if value == 0 {
                return Err(Error::InvalidParameter {
                    name,
                    value: 0.0,
                    reason: "must be positive",
                });
            }
        }
        Error::require_positive("stall", self.stall)
    }
}

/// What [`Solver::find_all`] found.
#[derive(Debug, Clone, PartialEq)]
pub struct AllRoots {
    /// The roots, each once.
    pub roots: Vec<Vec<f64>>,
    /// Starts taken.
    pub starts: usize,
    /// Evaluations of F.
    pub evaluations: usize,
}

/// Sums over starts.
#[derive(Default)]
struct Total {
    iterations: usize,
    evaluations: usize,
    jacobians: usize,
    jacobian_evaluations: usize,
    shortest_steps: usize,
    restarts: usize,
}

impl Total {
    fn add(&mut self, run: &Run, number: usize) {
        self.iterations += run.iterations;
        self.evaluations += run.evaluations;
        self.jacobians += run.jacobians;
        self.jacobian_evaluations += run.jacobian_evaluations;
        self.shortest_steps += run.shortest_steps;
        self.restarts = number;
    }
}
