//! The solver: method, scaling, limits; solves from a start, with restarts, or finds all roots it can.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::linear::LinearSolver;
use crate::method::Method;
use crate::reduce::Reduced;
use crate::report::{Observer, Silent, Solution};
use crate::scaling::{Mix, Scaling, stored};
use crate::search::AllRoots;
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

/// The norm of F that tells a root; steps are always judged by ‖F‖₂.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum RootNorm {
    /// ‖F‖₂.
    #[default]
    Euclidean,
    /// ‖F‖∞ = max |F_i|, on which the code of TRESNEI stops (Morini and Porcelli, Comput. Optim. Appl. 51, 2012): each
    /// equation holds to the tolerance, however many there are.
    Infinity,
}

impl RootNorm {
    /// The norm of `f`, whose length ‖F‖₂ is known.
    pub(crate) fn of(self, f: &[f64], length: f64) -> f64 {
        match self {
            Self::Euclidean => length,
            // An entry that is not finite makes the length so.
            Self::Infinity if length.is_finite() => f.iter().fold(0.0, |most, v| most.max(v.abs())),
            Self::Infinity => length,
        }
    }
}

/// A trust-region solver for F(x) = 0 with l ≤ x ≤ u.
///
/// The default is what to start from: constrained dogleg steps in an elliptical region, half Kanzow-Klug and half
/// Hager-Mair-Zhang scaling, and new starts when one ends without a root. Fields may be set one by one.
///
/// A solver is its options: serde stores all of them, and fields that are left out on reading have their default values.
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
#[derive(Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Solver {
    /// The method.
    pub method: Method,
    /// The scaling matrix. One of a user's own cannot be stored by serde: writing it is an error.
    #[serde(with = "stored")]
    pub scaling: Arc<dyn Scaling>,
    /// How Newton steps are found.
    pub linear: LinearSolver,
    /// ‖F‖ at which a point is a root, in the norm of `root_norm`.
    pub tolerance: f64,
    /// The same relative to ‖F(x₀)‖; added.
    pub relative_tolerance: f64,
    /// The norm of both tolerances.
    pub root_norm: RootNorm,
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
    /// Steps over which [`Method::Auto`] watches for progress. Shorter windows leave hopeless starts earlier: over the test
    /// problems 8 takes a twentieth fewer evaluations than 10 and loses no root; 6 loses one.
    pub window: usize,
    /// ‖F‖ must fall below this share of what it was `window` steps before.
    pub stall: f64,
}

impl Default for Solver {
    fn default() -> Self {
        Self {
            method: Method::default(),
            scaling: Arc::new(Mix::default()),
            linear: LinearSolver::Direct,
            tolerance: 1e-8,
            relative_tolerance: 0.0,
            root_norm: RootNorm::Euclidean,
            max_iterations: 300,
            max_evaluations: 1000,
            radius: InitialRadius::Newton,
            restart: true,
            evaluations_per_start: 150,
            seed: 0,
            cut_only: true,
            window: 8,
            stall: 0.9,
        }
    }
}

impl Solver {
    /// STRSCNE, CoDoSol or TRESNEI as published: radius 1, one start.
    pub fn classical(method: Method, scaling: impl Scaling + 'static) -> Self {
        Self {
            method,
            scaling: Arc::new(scaling),
            radius: InitialRadius::Fixed(1.0),
            restart: false,
            ..Self::default()
        }
    }

    /// For min ½‖F‖² over the box: one start, patience for slow convergence.
    /// [`Exit::Stationary`](crate::Exit::Stationary) is then success.
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

    /// Solves from `start`, which is moved strictly inside the box first ([`Method::Tresnei`]: into the box).
    ///
    /// # Errors
    /// [`Error::DimensionMismatch`], [`Error::InvalidParameter`] for tolerances, radii and limits out of range,
    /// [`Error::NonFinite`] when the start, F, ‖F‖ or J there is not finite, and [`Error::User`].
    pub fn solve(&self, system: &(impl System + ?Sized), bounds: &Bounds, start: &[f64]) -> Result<Solution> {
        self.solve_observed(system, bounds, start, &mut Silent)
    }

    /// Solves while `observer` sees every start and every accepted step and may stop.
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
                return reduced.all_fixed(self);
            }
            let inner = reduced.bounds().clone();
            let solution = self.search(&reduced, &inner, &start, observer)?;
            return Ok(reduced.expand(solution));
        }
        self.search(system, bounds, start, observer)
    }

    /// Goes on from where a solve ended, or warm starts a neighbouring problem there: from its point, which is not pushed
    /// off the bounds, and with its radius.
    ///
    /// A solve that an observer stopped goes on with the very steps it would have taken; only the memory of the stall
    /// test, which looks back `window` steps, and the counts begin anew.
    ///
    /// ```
    /// use hadamard_trust_region::{Bounds, Solver, adaptors::Functions};
    /// // x³ = c for slowly growing c: each root is the start of the next problem.
    /// let system = |c: f64| Functions::new(1, move |x: &[f64], f: &mut [f64]| f[0] = x[0].powi(3) - c, |x: &[f64], j: &mut [f64]| j[0] = 3.0 * x[0] * x[0]);
    /// let bounds = Bounds::new(vec![0.0], vec![10.0])?;
    /// let mut last = Solver::default().solve(&system(1.0), &bounds, &[5.0])?;
    /// for c in [1.1, 1.2, 1.3] {
    ///     last = Solver::default().resume(&system(c), &bounds, &last)?;
    ///     assert!(last.exit.is_root() && last.evaluations <= 4);
    /// }
    /// # Ok::<(), hadamard_trust_region::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`solve`](Self::solve).
    pub fn resume(&self, system: &(impl System + ?Sized), bounds: &Bounds, end: &Solution) -> Result<Solution> {
        self.resume_observed(system, bounds, end, &mut Silent)
    }

    /// The same with an observer.
    ///
    /// # Errors
    /// Those of [`solve`](Self::solve).
    pub fn resume_observed(
        &self,
        system: &(impl System + ?Sized),
        bounds: &Bounds,
        end: &Solution,
        observer: &mut dyn Observer,
    ) -> Result<Solution> {
        let warm = Self {
            radius: InitialRadius::Fixed(end.radius),
            ..self.clone()
        };
        warm.solve_observed(system, bounds, &end.x, observer)
    }

    /// Roots in the box, from the starts that [`solve`](Self::solve) would take, `starts` of them; each root once, in the
    /// order found.
    ///
    /// Two ends are one root when max |x − y|/(1 + |y|) < 1e-5. `evaluations_per_start` and `max_evaluations` both
    /// bound each start.
    ///
    /// # Errors
    /// Those of [`solve`](Self::solve), except that starts where F or J is not finite are passed over.
    pub fn find_all(
        &self,
        system: &(impl System + ?Sized),
        bounds: &Bounds,
        start: &[f64],
        starts: usize,
    ) -> Result<AllRoots> {
        self.find_all_observed(system, bounds, start, starts, &mut Silent)
    }

    /// The same while `observer` sees every start and every accepted step; when it stops, what was found so far is the
    /// result.
    ///
    /// # Errors
    /// Those of [`find_all`](Self::find_all).
    pub fn find_all_observed(
        &self,
        system: &(impl System + ?Sized),
        bounds: &Bounds,
        start: &[f64],
        starts: usize,
        observer: &mut dyn Observer,
    ) -> Result<AllRoots> {
        self.check(system, bounds, start)?;
        if let Some(reduced) = Reduced::new(system, bounds)? {
            let start: Vec<f64> = reduced.free().iter().map(|&i| start[i]).collect();
            let inner = reduced.bounds().clone();
            if start.is_empty() {
                // A point where F is not defined is no root, as with other starts.
                let only = match reduced.all_fixed(self) {
                    Err(Error::NonFinite { .. }) => None,
                    only => Some(only?).filter(|only| only.exit.is_root()),
                };
                return Ok(AllRoots {
                    roots: only.map(|only| only.x).into_iter().collect(),
                    starts: 1,
                    evaluations: 1,
                });
            }
            let mut found = self.enumerate(&reduced, &inner, &start, starts, observer)?;
            found.roots.iter_mut().for_each(|root| *root = reduced.full(root));
            return Ok(found);
        }
        self.enumerate(system, bounds, start, starts, observer)
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
        // An infinite start is moved to a finite bound; where there is none, F would be asked for at infinity.
        let lost = |i: usize| {
            let (x, l, u) = (start[i], bounds.lower()[i], bounds.upper()[i]);
            !x.max(l).min(u).is_finite() || x.is_nan()
        };
        if let Some(index) = (0..n).find(|&i| lost(i)) {
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
        let restart = match self.linear {
            LinearSolver::Gmres { restart } => restart,
            _ => 1,
        };
        for (name, value) in [
            ("restart", restart),
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
