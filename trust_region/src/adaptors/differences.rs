//! Jacobians by differences of F that never leave the box.

use std::cell::RefCell;

use super::colouring;
use crate::{Bounds, Pattern, Structure, System, UserError};

/// Which differences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scheme {
    /// (F(x + h) − F(x))/h with h = √ε max(|x|, 1) of the sign of x: errors near 1e-8.
    #[default]
    Forward,
    /// (F(x + h) − F(x − h))/(2h) with h = ∛ε max(|x|, 1): errors near 1e-10. Near a bound three points on one side.
    Central,
}

/// A system whose Jacobian is made of differences; every evaluation lies in the box.
///
/// A forward step that would leave the box goes the other way; where neither fits, the roomier side is used as far as it
/// goes.
///
/// ```
/// use hadamard_trust_region::{Bounds, Solver, adaptors::Differences};
/// let system = Differences::new(2, |x: &[f64], f: &mut [f64]| {
///     f[0] = x[0].exp() - x[1];
///     f[1] = x[0] + x[1] - 1.0;
/// });
/// let bounds = Bounds::new(vec![0.0, 0.0], vec![1.0, 1.0])?;
/// let root = Solver::default().solve(&system, &bounds, &[0.7, 0.2])?;
/// assert!(root.exit.is_root() && root.x[0] < 1e-7);
/// # Ok::<(), hadamard_trust_region::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Differences<F> {
    variables: usize,
    equations: usize,
    residual: F,
    scheme: Scheme,
    /// The pattern and its groups of columns; `None` when J is dense and every column its own group.
    sparse: Option<(Pattern, Vec<Vec<usize>>)>,
    scratch: RefCell<Scratch>,
}

#[derive(Debug, Clone, Default)]
struct Scratch {
    x: Vec<f64>,
    image: Vec<f64>,
    stencils: Vec<Stencil>,
}

/// ∂F/∂x ≈ base F(x) + Σ weight F(x + offset).
#[derive(Debug, Clone, Copy, Default)]
struct Stencil {
    base: f64,
    points: [(f64, f64); 2],
}

impl<F: Fn(&[f64], &mut [f64])> Differences<F> {
    /// n equations in n variables, forward differences.
    pub fn new(n: usize, residual: F) -> Self {
        Self {
            variables: n,
            equations: n,
            residual,
            scheme: Scheme::Forward,
            sparse: None,
            scratch: RefCell::default(),
        }
    }

    /// m equations in the n variables of a pattern: columns that share no row are differenced together.
    pub fn sparse(pattern: Pattern, residual: F) -> Self {
        let groups = colouring(&pattern);
        Self {
            variables: pattern.columns(),
            equations: pattern.rows(),
            residual,
            scheme: Scheme::Forward,
            sparse: Some((pattern, groups)),
            scratch: RefCell::default(),
        }
    }

    /// The same with m equations (dense Jacobians).
    pub fn with_equations(self, equations: usize) -> Self {
        Self { equations, ..self }
    }

    /// The same with other differences.
    pub fn with_scheme(self, scheme: Scheme) -> Self {
        Self { scheme, ..self }
    }
}

impl<F: Fn(&[f64], &mut [f64])> System for Differences<F> {
    fn variables(&self) -> usize {
        self.variables
    }

    fn equations(&self) -> usize {
        self.equations
    }

    fn residual(&self, x: &[f64], f: &mut [f64]) -> Result<(), UserError> {
        (self.residual)(x, f);
        Ok(())
    }

    fn structure(&self) -> Structure<'_> {
        match &self.sparse {
            Some((pattern, _)) => Structure::Sparse(pattern),
            None => Structure::Dense,
        }
    }

    fn jacobian(&self, x: &[f64], f: &[f64], bounds: &Bounds, entries: &mut [f64]) -> Result<usize, UserError> {
        let scratch = &mut *self.scratch.borrow_mut();
        scratch.x.clear();
        scratch.x.extend_from_slice(x);
        scratch.image.resize(self.equations, 0.0);
        let sides = bounds.lower().iter().zip(bounds.upper());
        scratch.stencils.clear();
        scratch.stencils.extend(
            x.iter()
                .zip(sides)
                .map(|(&x, (&l, &u))| Stencil::new(self.scheme, x, l, u)),
        );
        let mut evaluations = 0;
        let mut column = |group: &[usize], scratch: &mut Scratch| {
            let span = |j: usize| match &self.sparse {
                Some((pattern, _)) => pattern.column_starts()[j]..pattern.column_starts()[j + 1],
                None => j * self.equations..(j + 1) * self.equations,
            };
            let row = |j: usize, at: usize| match &self.sparse {
                Some((pattern, _)) => pattern.row_indices()[at],
                None => at - j * self.equations,
            };
            for &j in group {
                let base = scratch.stencils[j].base;
                span(j).for_each(|at| entries[at] = base * f[row(j, at)]);
            }
            for point in 0..2 {
                if group.iter().all(|&j| scratch.stencils[j].points[point].1 == 0.0) {
                    continue;
                }
                for &j in group {
                    scratch.x[j] = x[j] + scratch.stencils[j].points[point].0;
                }
                (self.residual)(&scratch.x, &mut scratch.image);
                evaluations += 1;
                for &j in group {
                    let weight = scratch.stencils[j].points[point].1;
                    if weight != 0.0 {
                        span(j).for_each(|at| entries[at] += weight * scratch.image[row(j, at)]);
                    }
                }
            }
            group.iter().for_each(|&j| scratch.x[j] = x[j]);
        };
        match &self.sparse {
            Some((_, groups)) => groups.iter().for_each(|group| column(group, scratch)),
            None => (0..self.variables).for_each(|j| column(&[j], scratch)),
        }
        Ok(evaluations)
    }
}

impl Stencil {
    fn new(scheme: Scheme, x: f64, l: f64, u: f64) -> Self {
        let size = x.abs().max(1.0);
        // The step that the arithmetic really makes.
        let exact = |h: f64| (x + h) - x;
        let fits = |h: f64| x + h >= l && x + h <= u;
        match scheme {
            Scheme::Forward => {
                let h = f64::EPSILON.sqrt() * size.copysign(x);
                let h = if fits(h) {
                    h
                } else if fits(-h) {
                    -h
                } else if u - x >= x - l {
                    u - x
                } else {
                    l - x
                };
                Self::one_point(exact(h))
            }
            Scheme::Central => {
                let h = f64::EPSILON.cbrt() * size;
                let (plus, minus) = (exact(h), exact(-h));
                if fits(plus) && fits(minus) {
                    let width = plus - minus;
                    return Self {
                        base: 0.0,
                        points: [(plus, 1.0 / width), (minus, -1.0 / width)],
                    };
                }
                let room = if u - x >= x - l { u - x } else { l - x };
                // A little less than half the room, so that rounding does not carry two steps beyond it.
                let h = exact(h.min(0.499 * room.abs()).copysign(room));
                if h == 0.0 || !fits(2.0 * h) {
                    return Self::one_point(room);
                }
                Self {
                    base: -1.5 / h,
                    points: [(h, 2.0 / h), (2.0 * h, -0.5 / h)],
                }
            }
        }
    }

    fn one_point(h: f64) -> Self {
        if h == 0.0 {
            // No room at all: such variables are fixed, and their column is not used.
            return Self::default();
        }
        Self {
            base: -1.0 / h,
            points: [(h, 1.0 / h), (0.0, 0.0)],
        }
    }
}
