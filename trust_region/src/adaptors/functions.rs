//! F and a dense J as two closures.

use crate::{Bounds, System, UserError};

/// A system of a residual and a dense Jacobian, written column by column.
///
/// ```
/// use hadamard_trust_region::{Bounds, Solver, adaptors::Functions};
/// let system = Functions::new(1, |x: &[f64], f: &mut [f64]| f[0] = x[0] * x[0] - 2.0, |x: &[f64], j: &mut [f64]| j[0] = 2.0 * x[0]);
/// let root = Solver::default().solve(&system, &Bounds::new(vec![0.0], vec![9.0])?, &[5.0])?;
/// assert!((root.x[0] - 2.0_f64.sqrt()).abs() < 1e-8);
/// # Ok::<(), hadamard_trust_region::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Functions<F, J> {
    variables: usize,
    equations: usize,
    residual: F,
    jacobian: J,
}

impl<F: Fn(&[f64], &mut [f64]), J: Fn(&[f64], &mut [f64])> Functions<F, J> {
    /// n equations in n variables.
    pub fn new(n: usize, residual: F, jacobian: J) -> Self {
        Self {
            variables: n,
            equations: n,
            residual,
            jacobian,
        }
    }

    /// The same with m equations.
    pub fn with_equations(self, equations: usize) -> Self {
        Self { equations, ..self }
    }
}

impl<F: Fn(&[f64], &mut [f64]), J: Fn(&[f64], &mut [f64])> System for Functions<F, J> {
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

    fn jacobian(&self, x: &[f64], _f: &[f64], _bounds: &Bounds, entries: &mut [f64]) -> Result<usize, UserError> {
        (self.jacobian)(x, entries);
        Ok(0)
    }
}
