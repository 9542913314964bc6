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
//! assert!(solved > 250 && evaluations < 100 * solved);
//! # Ok::<(), hadamard_trust_region::Error>(())
//! ```

mod chemistry;
mod cutest;
mod floudas;
mod mgh;
mod special;
mod structured;

use num_dual::{Dual64, DualNum};

use crate::{Bounds, Pattern, Structure, System, UserError};

/// A residual written once, for numbers and dual numbers; the first slice holds the parameters of the problem.
type Formula<D> = fn(&[f64], &[D], &mut [D]);

/// Variables up to which a problem may have a formula; its dual numbers then live on the stack.
const MOST: usize = 32;

/// One problem.
#[derive(Debug, Clone)]
pub struct Problem {
    name: String,
    bounds: Bounds,
    equations: usize,
    kind: Kind,
    standard: Option<Vec<f64>>,
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
    /// A small problem with n equations in n variables on the box `sides`.
    fn small(name: &str, sides: &[(f64, f64)], (real, dual): (Formula<f64>, Formula<Dual64>)) -> Self {
        debug_assert!(sides.len() <= MOST);
        let (lower, upper) = sides.iter().copied().unzip();
        Self {
            name: name.into(),
            bounds: Bounds::new(lower, upper).expect("the boxes of the collection are in order"),
            equations: sides.len(),
            kind: Kind::Formula {
                parameters: Vec::new(),
                real,
                dual,
            },
            standard: None,
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
        self.equations = equations;
        self
    }

    fn start(mut self, start: &[f64]) -> Self {
        self.standard = Some(start.to_vec());
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

    /// Its box.
    pub fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// Whether F has a root in the box.
    pub fn roots_exist(&self) -> bool {
        self.root
    }

    /// The usual starts with their names: l + ν (u − l) for ν of 0.1, 0.25, 0.5, 0.75, 0.9 in finite boxes; 10^k from the
    /// finite bound (or zero) for k of 0, 1, 2 in others; and the classical start where there is one, `std`.
    pub fn starts(&self) -> Vec<(String, Vec<f64>)> {
        let sides = || self.bounds.lower().iter().zip(self.bounds.upper());
        let mut starts = Vec::new();
        if sides().all(|(l, u)| l.is_finite() && u.is_finite()) {
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
        starts.extend(self.standard.iter().map(|start| ("std".into(), start.clone())));
        starts
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
                let (mut at, mut image) = ([Dual64::from(0.0); MOST], [Dual64::from(0.0); 2 * MOST]);
                let (at, image) = (&mut at[..x.len()], &mut image[..self.equations]);
                at.iter_mut().zip(x).for_each(|(a, x)| *a = Dual64::from(*x));
                for (j, column) in entries.chunks_exact_mut(self.equations).enumerate() {
                    at[j].eps = 1.0;
                    dual(parameters, at, image);
                    at[j].eps = 0.0;
                    column.iter_mut().zip(image.iter()).for_each(|(c, i)| *c = i.eps);
                }
            }
            Kind::Sparse { shape, pattern } => shape.jacobian(x, pattern, entries),
        }
        Ok(0)
    }
}

/// All small problems, and the structured ones with 100 variables.
pub fn all() -> Vec<Problem> {
    let mut problems = floudas::problems();
    problems.extend(mgh::problems());
    problems.extend(chemistry::problems());
    problems.extend(cutest::problems());
    problems.extend(special::problems());
    problems.extend(structured::problems(100));
    problems
}

/// The structured problems with about n variables and sparse Jacobians.
pub fn structured(n: usize) -> Vec<Problem> {
    structured::problems(n.max(8))
}

/// The problem of this name among [`all`].
pub fn named(name: &str) -> Option<Problem> {
    all().into_iter().find(|p| p.name == name)
}

/// Shorthand: a constant as any kind of number.
fn c<D: DualNum<Primitive = f64>>(value: f64) -> D {
    D::from(value)
}
