//! Rows that need not vanish, only not be positive.

use std::cell::RefCell;

use crate::{Bounds, Error, Structure, System, UserError};

/// A system some of whose rows are inequalities C_i(x) ≤ 0: row i becomes ½ max(0, C_i)² = 0, whose gradient
/// max(0, C_i) ∇C_i is continuous (Macconi, Morini and Porcelli, Appl. Numer. Math. 59, 2009; Morini and Porcelli,
/// TRESNEI, Comput. Optim. Appl. 51, 2012).
///
/// Any number of equations and inequalities; [`Method::Tresnei`](crate::Method::Tresnei) is made for such systems, the
/// others take them too. Where an inequality holds, its row of J vanishes. Near the boundary of a set of inequalities the
/// rows are of second order, and so ‖F‖ ≤ 1e-8 allows C_i of 1e-4: set the tolerance accordingly.
///
/// ```
/// use hadamard_trust_region::adaptors::{Functions, Inequalities};
/// use hadamard_trust_region::{Bounds, Method, Solver};
///
/// // On the unit circle with x ≥ 0.6 + y.
/// let rows = Functions::new(
///     2,
///     |x: &[f64], f: &mut [f64]| {
///         f[0] = x[0] * x[0] + x[1] * x[1] - 1.0;
///         f[1] = 0.6 + x[1] - x[0];
///     },
///     |x: &[f64], j: &mut [f64]| j.copy_from_slice(&[2.0 * x[0], -1.0, 2.0 * x[1], 1.0]),
/// );
/// let mixed = Inequalities::try_new(rows, vec![1])?;
/// let bounds = Bounds::new(vec![-2.0; 2], vec![2.0; 2])?;
/// let solver = Solver { method: Method::Tresnei, tolerance: 1e-12, ..Solver::default() };
/// let point = solver.solve(&mixed, &bounds, &[-1.0, 1.5])?;
/// assert!(point.exit.is_root());
/// let [x, y] = [point.x[0], point.x[1]];
/// assert!((x * x + y * y - 1.0).abs() < 1e-11 && 0.6 + y - x < 2e-6);
/// # Ok::<(), hadamard_trust_region::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Inequalities<S> {
    system: S,
    rows: Vec<usize>,
    /// Whether each row is one.
    is_inequality: Vec<bool>,
    scratch: RefCell<Scratch>,
}

#[derive(Debug, Clone, Default)]
struct Scratch {
    /// C at `at`.
    values: Vec<f64>,
    at: Vec<f64>,
    weighted: Vec<f64>,
}

impl<S: System> Inequalities<S> {
    /// The rows `rows` of `system` are inequalities C_i(x) ≤ 0, all others equations.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a row that the system does not have.
    pub fn try_new(system: S, rows: Vec<usize>) -> crate::Result<Self> {
        let mut is_inequality = vec![false; system.equations()];
        for &row in &rows {
            match is_inequality.get_mut(row) {
                Some(flag) => *flag = true,
                None => {
                    return Err(Error::InvalidParameter {
                        name: "inequality row",
                        value: row as f64,
                        reason: "must be below the number of equations",
                    });
                }
            }
        }
        Ok(Self {
            system,
            rows,
            is_inequality,
            scratch: RefCell::default(),
        })
    }

    /// C(x), in the scratch. Returns how often it was evaluated for that.
    fn values(&self, x: &[f64], scratch: &mut Scratch) -> Result<usize, UserError> {
        if scratch.at == x && scratch.values.len() == self.is_inequality.len() {
            return Ok(0);
        }
        scratch.at.clear();
        scratch.values.resize(self.is_inequality.len(), 0.0);
        self.system.residual(x, &mut scratch.values)?;
        scratch.at.extend_from_slice(x);
        Ok(1)
    }

    /// Multiplies the inequality rows of `out` by max(0, C_i).
    fn weigh(&self, values: &[f64], out: &mut [f64]) {
        self.rows.iter().for_each(|&i| out[i] *= excess(values[i]));
    }
}

/// max(0, c) that keeps a NaN.
fn excess(c: f64) -> f64 {
    if c <= 0.0 { 0.0 } else { c }
}

impl<S: System> System for Inequalities<S> {
    fn variables(&self) -> usize {
        self.system.variables()
    }

    fn equations(&self) -> usize {
        self.system.equations()
    }

    fn residual(&self, x: &[f64], f: &mut [f64]) -> Result<(), UserError> {
        self.system.residual(x, f)?;
        for &i in &self.rows {
            let over = excess(f[i]);
            f[i] = 0.5 * over * over;
        }
        Ok(())
    }

    fn structure(&self) -> Structure<'_> {
        self.system.structure()
    }

    fn jacobian(&self, x: &[f64], _f: &[f64], bounds: &Bounds, entries: &mut [f64]) -> Result<usize, UserError> {
        let scratch = &mut *self.scratch.borrow_mut();
        let own = self.values(x, scratch)?;
        let evaluations = self.system.jacobian(x, &scratch.values, bounds, entries)?;
        match self.system.structure() {
            Structure::Sparse(pattern) => {
                for (entry, &i) in entries.iter_mut().zip(pattern.row_indices()) {
                    if self.is_inequality[i] {
                        *entry *= excess(scratch.values[i]);
                    }
                }
            }
            _ => {
                let columns = entries.chunks_exact_mut(self.is_inequality.len().max(1));
                columns.for_each(|column| self.weigh(&scratch.values, column));
            }
        }
        Ok(evaluations + own)
    }

    fn product(&self, x: &[f64], p: &[f64], out: &mut [f64]) -> Result<(), UserError> {
        let scratch = &mut *self.scratch.borrow_mut();
        self.values(x, scratch)?;
        self.system.product(x, p, out)?;
        self.weigh(&scratch.values, out);
        Ok(())
    }

    fn transpose_product(&self, x: &[f64], y: &[f64], out: &mut [f64]) -> Result<(), UserError> {
        let scratch = &mut *self.scratch.borrow_mut();
        self.values(x, scratch)?;
        let mut weighted = std::mem::take(&mut scratch.weighted);
        weighted.clear();
        weighted.extend_from_slice(y);
        self.weigh(&scratch.values, &mut weighted);
        let done = self.system.transpose_product(x, &weighted, out);
        scratch.weighted = weighted;
        done
    }
}
