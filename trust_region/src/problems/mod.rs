//! Test problems with bounds, starts and known roots, to benchmark a solver or a new scaling matrix.
//!
//! ```
//! use hadamard_trust_region::{Solver, problems, scaling::ColemanLi};
//!
//! let solver = Solver::default().with_scaling(ColemanLi);
//! let (mut solved, mut evaluations) = (0, 0);
//! for problem in problems::all().iter().filter(|p| p.roots_exist()) {
//!     for (_, start) in problem.starts() {
//!         let Ok(solution) = solver.solve(problem, problem.bounds(), &start) else { continue };
//!         solved += usize::from(solution.exit.is_root());
//!         evaluations += solution.evaluations;
//!     }
//! }
//! assert!(solved > 290 && evaluations < 100 * solved);
//! # Ok::<(), hadamard_trust_region::Error>(())
//! ```

mod chemistry;
mod cutest;
mod floudas;
mod functions;
mod least_squares;
mod matrices;
mod mgh;
mod special;
mod structured;

use num_dual::{Dual64, DualNum};

use crate::{Bounds, Pattern, Structure, System, UserError};

/// A residual written once, for numbers and dual numbers; the first slice holds the parameters of the problem.
type Formula<D> = fn(&[f64], &[D], &mut [D]);

/// Variables up to which a problem may have a formula, and half the most equations; its dual numbers then live on the stack.
const MOST: usize = 32;

/// Variables and equations of most problems.
const FEW: usize = 4;

/// One problem.
#[derive(Debug, Clone)]
pub struct Problem {
    name: String,
    source: &'static str,
    bounds: Bounds,
    equations: usize,
    kind: Kind,
    /// Whether the starts that the box alone determines are among the usual ones.
    box_starts: bool,
    starts: Vec<(&'static str, Vec<f64>)>,
    root: bool,
}

#[derive(Debug, Clone)]
enum Kind {
    Formula {
        parameters: Vec<f64>,
        real: Formula<f64>,
        dual: Formula<Dual64>,
    },
    /// Any size; a pattern with all positions counts as dense.
    Sparse { shape: structured::Shape, pattern: Pattern },
}

/// The two instances of a generic formula.
macro_rules! formula {
    ($name:ident) => {
        ($name::<f64>, $name::<Dual64>)
    };
}
pub(crate) use formula;

impl Problem {
    /// A problem of n equations in n variables on the box `sides`.
    fn small(
        name: &str,
        source: &'static str,
        sides: &[(f64, f64)],
        (real, dual): (Formula<f64>, Formula<Dual64>),
    ) -> Self {
        debug_assert!(sides.len() <= MOST);
        let (lower, upper) = sides.iter().copied().unzip();
        Self {
            name: name.into(),
            source,
            bounds: Bounds::new(lower, upper).expect("the boxes of the collection are in order"),
            equations: sides.len(),
            kind: Kind::Formula {
                parameters: Vec::new(),
                real,
                dual,
            },
            box_starts: true,
            starts: Vec::new(),
            root: true,
        }
    }

    fn with(mut self, values: Vec<f64>) -> Self {
        if let Kind::Formula { parameters, .. } = &mut self.kind {
            *parameters = values;
        }
        self
    }

    fn equations_of(mut self, equations: usize) -> Self {
        debug_assert!(equations <= 2 * MOST);
        self.equations = equations;
        self
    }

    fn start(mut self, name: &'static str, start: Vec<f64>) -> Self {
        self.starts.push((name, start));
        self
    }

    fn only_these_starts(mut self) -> Self {
        self.box_starts = false;
        self
    }

    fn without_root(mut self) -> Self {
        self.root = false;
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where its formula is from; where the source has no box, the box is ours.
    pub fn source(&self) -> &str {
        self.source
    }

    /// Its box.
    pub fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// Whether F has a root in the box.
    pub fn roots_exist(&self) -> bool {
        self.root
    }

    /// Whether its Jacobian is stored as a sparse matrix.
    pub fn is_sparse(&self) -> bool {
        matches!(self.structure(), Structure::Sparse(_))
    }

    /// The usual starts with their names: l + ν (u − l) for ν of 0.1, 0.25, 0.5, 0.75, 0.9 in finite boxes (`nu0.1`, ...);
    /// 10^k from the finite bound (or zero) for k of 0, 1, 2 in others (`pow0`, ...); the classical start where there is
    /// one (`std`) and others that the literature uses. Some problems have only the last kind.
    pub fn starts(&self) -> Vec<(String, Vec<f64>)> {
        let sides = || self.bounds.lower().iter().zip(self.bounds.upper());
        let mut starts = Vec::new();
        if !self.box_starts {
        } else if sides().all(|(l, u)| l.is_finite() && u.is_finite()) {
            for nu in [0.1, 0.25, 0.5, 0.75, 0.9] {
                starts.push((format!("nu{nu}"), sides().map(|(l, u)| l + nu * (u - l)).collect()));
            }
        } else {
            for (k, nu) in [0.25, 0.5, 0.75].into_iter().enumerate() {
                let step = 10f64.powi(k as i32);
                let at = |(l, u): (&f64, &f64)| match (l.is_finite(), u.is_finite()) {
                    (true, true) => l + nu * (u - l),
                    (true, false) => l + step,
                    (false, true) => u - step,
                    (false, false) => step,
                };
                starts.push((format!("pow{k}"), sides().map(at).collect()));
            }
        }
        let own = self
            .starts
            .iter()
            .map(|(name, start)| (String::from(*name), start.clone()));
        starts.extend(own);
        starts
    }

    /// The usual start of this name.
    pub fn start_named(&self, name: &str) -> Option<Vec<f64>> {
        self.starts().into_iter().find(|s| s.0 == name).map(|s| s.1)
    }
}

impl System for Problem {
    fn variables(&self) -> usize {
        self.bounds.len()
    }

    fn equations(&self) -> usize {
        self.equations
    }

    fn residual(&self, x: &[f64], f: &mut [f64]) -> Result<(), UserError> {
        match &self.kind {
            Kind::Formula { parameters, real, .. } => real(parameters, x, f),
            Kind::Sparse { shape, .. } => shape.residual(x, f),
        }
        Ok(())
    }

    fn structure(&self) -> Structure<'_> {
        match &self.kind {
            Kind::Sparse { pattern, .. } if pattern.entries() < pattern.rows() * pattern.columns() => {
                Structure::Sparse(pattern)
            }
            _ => Structure::Dense,
        }
    }

    fn jacobian(&self, x: &[f64], _f: &[f64], _bounds: &Bounds, entries: &mut [f64]) -> Result<usize, UserError> {
        match &self.kind {
            Kind::Formula { parameters, dual, .. } => {
                // Clearing room for the largest would take longer than a small formula.
                if self.equations.max(x.len()) <= FEW {
                    derivatives::<FEW, FEW>(*dual, parameters, x, self.equations, entries);
                } else {
                    derivatives::<MOST, { 2 * MOST }>(*dual, parameters, x, self.equations, entries);
                }
            }
            Kind::Sparse { shape, pattern } => shape.jacobian(x, pattern, entries),
        }
        Ok(0)
    }
}

/// Column after column of the Jacobian of at most N variables and M equations.
fn derivatives<const N: usize, const M: usize>(
    formula: Formula<Dual64>,
    parameters: &[f64],
    x: &[f64],
    equations: usize,
    entries: &mut [f64],
) {
    let zero = Dual64::from(0.0);
    let (mut at, mut image) = ([zero; N], [zero; M]);
    let (at, image) = (&mut at[..x.len()], &mut image[..equations]);
    at.iter_mut().zip(x).for_each(|(a, x)| a.re = *x);
    for (j, column) in entries.chunks_exact_mut(equations).enumerate() {
        at[j].eps = 1.0;
        formula(parameters, at, image);
        at[j].eps = 0.0;
        column.iter_mut().zip(image.iter()).for_each(|(c, i)| *c = i.eps);
    }
}

/// The whole collection, 70 problems: [`small`], [`structured`] with 100 variables (the sparse ones), [`least_squares`]
/// and [`without_root`].
pub fn all() -> Vec<Problem> {
    let mut problems = small();
    problems.extend(structured::sparse(100));
    problems.extend(least_squares());
    problems.extend(without_root());
    problems
}

/// The 52 problems with as many equations as variables, dense Jacobians, at most 100 variables, and a root.
pub fn small() -> Vec<Problem> {
    let mut problems = floudas::problems();
    problems.extend(structured::chandrasekhar(100));
    problems.extend(mgh::problems());
    problems.push(structured::discrete_integral_equation(20));
    problems.extend(chemistry::problems());
    problems.extend(cutest::problems());
    problems.extend(special::problems());
    problems
}

/// The structured problems with about n variables: nine with sparse Jacobians and, up to n = 2000, five with dense ones.
pub fn structured(n: usize) -> Vec<Problem> {
    let n = n.max(8);
    let mut problems = structured::sparse(n);
    if n <= 2000 {
        problems.extend(structured::chandrasekhar(n));
        problems.push(structured::discrete_integral_equation(n));
    }
    problems
}

/// The 128 runs on which solvers of other languages and crates are compared, problems with the names of starts: 25 small
/// problems from the five starts of their boxes, and three H-equations from one.
pub fn compared() -> Vec<(Problem, String)> {
    let names = [
        "himmelblau",
        "eq_combustion",
        "bullard_biegler",
        "ferraris_tronconi",
        "brown_al_5",
        "robot",
        "rosenbrock_edge",
        "powell_badly",
        "freudenstein_roth",
        "hypcir",
        "corner_root",
        "edge_root",
    ];
    let mut runs = Vec::new();
    for problem in small() {
        let name = problem.name();
        let labels: &[&str] = match name {
            "heq_c0.9_n100" | "heq_c0.99_n100" | "heq_c0.9999_n100" => &["pow0"],
            _ if names.contains(&name) || name.starts_with("cstr") => &["nu0.1", "nu0.25", "nu0.5", "nu0.75", "nu0.9"],
            _ => &[],
        };
        runs.extend(labels.iter().map(|&label| (problem.clone(), label.to_owned())));
    }
    runs
}

/// The seven problems with more or fewer equations than variables.
pub fn least_squares() -> Vec<Problem> {
    least_squares::problems()
}

/// Two boxes without a root: a minimum of ‖F‖ inside, and one on a face.
pub fn without_root() -> Vec<Problem> {
    special::without_root()
}

/// The problem of this name among [`all`].
pub fn named(name: &str) -> Option<Problem> {
    all().into_iter().find(|p| p.name == name)
}

/// Shorthand: a constant as any kind of number.
fn c<D: DualNum<Primitive = f64>>(value: f64) -> D {
    D::from(value)
}
