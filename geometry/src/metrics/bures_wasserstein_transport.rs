//! Parallel transport along Bures–Wasserstein geodesics.

use nalgebra::DMatrix;

use super::pair::aligned_factor;
use crate::error::{Error, Result};
use crate::kernel::integrator::{EVALUATIONS, Outcome, System, Undefined, integrate, tolerance};
use crate::matrix_functions::derivative::lyapunov;
use crate::matrix_functions::svd::{Svd, jacobi_svd};
use crate::metric::{check_pair, checked_tangent};
use crate::spd::Spd;

/// Transport of V along the geodesic from Σ to Λ.
///
/// The geodesic is the image under F ↦ FFᵀ of the segment F = a + t(c − a) between aligned factors of the ends, and V_t
/// is HFᵀ + FHᵀ for a horizontal H: FᵀH symmetric, ‖H‖ the norm of V_t. H moves by what is vertical (O'Neill): Ḣ = FA,
/// where the skew A solves FᵀF A + A FᵀF = HᵀḞ − ḞᵀH, which keeps FᵀH symmetric and ‖H‖ constant. Through the singular
/// values of F the rounding grows with √κ; the same equation for V_t itself has κ.
///
/// # Errors
/// [`Error::LeftDomain`] where F becomes singular; [`Error::NoConvergence`] when the tolerance is out of reach.
pub(super) fn transport(from: &Spd, to: &Spd, v: &DMatrix<f64>) -> Result<DMatrix<f64>> {
    check_pair(from, to)?;
    let v = checked_tangent(from, v)?;
    let start = from.cholesky();
    let end = aligned_factor(from, to);
    let mut system = Transport {
        velocity: &end - start,
        start,
        budget: EVALUATIONS,
    };
    let mut lift = lyapunov(from, &v) * start;
    let tolerance = tolerance(from.condition_number().max(to.condition_number()).sqrt());
    match integrate(&mut system, lift.as_mut_slice(), 1.0, tolerance) {
        Outcome::Finished => {}
        Outcome::Left { t } if system.budget == 0 => {
            return Err(Error::NoConvergence {
                what: "integration of the transport",
                iterations: EVALUATIONS,
                residual: 1.0 - t,
                tolerance,
            });
        }
        Outcome::Left { t } => return Err(Error::LeftDomain { t }),
    }
    let half = lift * end.transpose();
    Ok(&half + half.transpose())
}

struct Transport<'a> {
    start: &'a DMatrix<f64>,
    velocity: DMatrix<f64>,
    /// Evaluations left.
    budget: usize,
}

impl System for Transport<'_> {
    fn derivative(&mut self, t: f64, y: &[f64], out: &mut [f64]) -> std::result::Result<(), Undefined> {
        self.budget = self.budget.checked_sub(1).ok_or(Undefined)?;
        let n = self.start.nrows();
        let lift = DMatrix::from_column_slice(n, n, y);
        // F = U s Wᵀ; A and its equation are seen from W.
        let Svd { u, s: singular, v: w } = jacobi_svd(&(self.start + &self.velocity * t));
        if singular.iter().any(|&s| s.is_nan() || s <= 0.0) {
            return Err(Undefined);
        }
        let half = (lift * &w).tr_mul(&(&self.velocity * &w));
        let turned = DMatrix::from_fn(n, n, |i, j| {
            let scale = singular[i].hypot(singular[j]);
            singular[i] / scale * ((half[(i, j)] - half[(j, i)]) / scale)
        });
        out.copy_from_slice((u * turned * w.transpose()).as_slice());
        Ok(())
    }

    fn block(&self) -> usize {
        self.start.len()
    }
}
