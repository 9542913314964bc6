//! Exact Jacobians by forward differentiation with dual numbers.

use std::cell::RefCell;

use num_dual::{Dual64, DualNum};

use crate::{Bounds, System, UserError};

/// A residual written once for real and for dual numbers.
pub trait Formula {
    /// n.
    fn variables(&self) -> usize;

    /// m.
    fn equations(&self) -> usize {
        self.variables()
    }

    /// Writes F(x).
    fn evaluate<D: DualNum<Primitive = f64> + Copy>(&self, x: &[D], f: &mut [D]);
}

/// The system of a [`Formula`], with its Jacobian exact to rounding: n evaluations with dual numbers.
///
/// ```
/// use hadamard_trust_region::adaptors::{DualNumbers, Formula};
/// use hadamard_trust_region::{Bounds, Solver};
/// use num_dual::DualNum;
///
/// struct Kepler;
/// impl Formula for Kepler {
///     fn variables(&self) -> usize {
///         1
///     }
///     fn evaluate<D: DualNum<Primitive = f64> + Copy>(&self, x: &[D], f: &mut [D]) {
///         f[0] = x[0] - x[0].sin() * 0.9 - 1.0;
///     }
/// }
///
/// let bounds = Bounds::new(vec![0.0], vec![std::f64::consts::TAU])?;
/// let root = Solver::default().solve(&DualNumbers::new(Kepler), &bounds, &[3.0])?;
/// assert!((root.x[0] - 0.9 * root.x[0].sin() - 1.0).abs() < 1e-8);
/// # Ok::<(), hadamard_trust_region::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct DualNumbers<T> {
    formula: T,
    scratch: RefCell<(Vec<Dual64>, Vec<Dual64>)>,
}

impl<T: Formula> DualNumbers<T> {
    /// The system of this formula.
    pub fn new(formula: T) -> Self {
        Self {
            formula,
            scratch: RefCell::default(),
        }
    }
}

impl<T: Formula> System for DualNumbers<T> {
    fn variables(&self) -> usize {
        self.formula.variables()
    }

    fn equations(&self) -> usize {
        self.formula.equations()
    }

    fn residual(&self, x: &[f64], f: &mut [f64]) -> Result<(), UserError> {
        self.formula.evaluate(x, f);
        Ok(())
    }

    fn jacobian(&self, x: &[f64], _f: &[f64], _bounds: &Bounds, entries: &mut [f64]) -> Result<usize, UserError> {
        let (at, image) = &mut *self.scratch.borrow_mut();
        at.clear();
        at.extend(x.iter().map(|&x| Dual64::from(x)));
        image.resize(self.equations(), Dual64::from(0.0));
        for (j, column) in entries.chunks_exact_mut(self.equations().max(1)).enumerate() {
            at[j].eps = 1.0;
            self.formula.evaluate(at, image);
            at[j].eps = 0.0;
            column.iter_mut().zip(image.iter()).for_each(|(c, i)| *c = i.eps);
        }
        Ok(0)
    }
}
