//! Rows of different units.

use crate::{Bounds, Error, Structure, System, UserError};

/// The system F_i/w_i: for rows whose units or sizes differ, so that one tolerance means the same in each.
#[derive(Debug, Clone)]
pub struct Weighted<S> {
    system: S,
    weights: Vec<f64>,
}

impl<S: System> Weighted<S> {
    /// Divides row i by `weights[i]`.
    ///
    /// # Errors
    /// [`Error::DimensionMismatch`]; [`Error::InvalidParameter`] unless all weights are positive and finite.
    pub fn try_new(system: S, weights: Vec<f64>) -> crate::Result<Self> {
        if weights.len() != system.equations() {
            let (expected, found) = (system.equations(), weights.len());
            return Err(Error::DimensionMismatch {
                what: "row weights",
                expected,
                found,
            });
        }
        weights
            .iter()
            .try_for_each(|&w| Error::require_positive("row weight", w))?;
        Ok(Self { system, weights })
    }

    fn divide(&self, f: &mut [f64]) {
        f.iter_mut().zip(&self.weights).for_each(|(f, w)| *f /= w);
    }
}

impl<S: System> System for Weighted<S> {
    fn variables(&self) -> usize {
        self.system.variables()
    }

    fn equations(&self) -> usize {
        self.system.equations()
    }

    fn residual(&self, x: &[f64], f: &mut [f64]) -> Result<(), UserError> {
        self.system.residual(x, f)?;
        self.divide(f);
        Ok(())
    }

    fn structure(&self) -> Structure<'_> {
        self.system.structure()
    }

    fn jacobian(&self, x: &[f64], f: &[f64], bounds: &Bounds, entries: &mut [f64]) -> Result<usize, UserError> {
        let plain: Vec<f64> = f.iter().zip(&self.weights).map(|(f, w)| f * w).collect();
        let evaluations = self.system.jacobian(x, &plain, bounds, entries)?;
        match self.system.structure() {
            Structure::Sparse(pattern) => {
                entries
                    .iter_mut()
                    .zip(pattern.row_indices())
                    .for_each(|(e, &i)| *e /= self.weights[i]);
            }
            _ => entries
                .chunks_exact_mut(self.weights.len().max(1))
                .for_each(|column| self.divide(column)),
        }
        Ok(evaluations)
    }

    fn product(&self, x: &[f64], p: &[f64], out: &mut [f64]) -> Result<(), UserError> {
        self.system.product(x, p, out)?;
        self.divide(out);
        Ok(())
    }

    fn transpose_product(&self, x: &[f64], y: &[f64], out: &mut [f64]) -> Result<(), UserError> {
        let mut y = y.to_vec();
        self.divide(&mut y);
        self.system.transpose_product(x, &y, out)
    }

    /// (W⁻¹J)⁻¹ = J⁻¹W.
    fn precondition(&self, x: &[f64], r: &[f64], out: &mut [f64]) -> Result<bool, UserError> {
        let r: Vec<f64> = r.iter().zip(&self.weights).map(|(r, w)| r * w).collect();
        self.system.precondition(x, &r, out)
    }
}
