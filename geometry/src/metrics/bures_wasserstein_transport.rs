//! Parallel transport along Bures–Wasserstein geodesics.

use nalgebra::{DMatrix, DVector};

use super::pair::aligned_factor;
use crate::eigen::symmetric_eigen;
use crate::error::{Error, Result};
use crate::kernel::integrator::{EVALUATIONS, Outcome, System, Undefined, integrate};
use crate::matrix_functions::derivative::lyapunov;
use crate::matrix_functions::{from_eigenbasis, hadamard, symmetrised, to_eigenbasis};
use crate::metric::{check_pair, checked_tangent};
use crate::spd::Spd;

/// Relative tolerance of a step.
const RTOL: f64 = 1e-13;

/// Transport of V along t ↦ (I + tL) Σ (I + tL) from Σ to Λ.
///
/// With Q = I + tL, Σ_t = QΣQ and V_t = Σ_t S + S Σ_t, the symmetric S solves the linear system
/// Σ_t Ṡ + Ṡ Σ_t = −(N S + S Nᵀ), N = QΣL (Malagò, Montrucchio and Pistone 2018). Integrated with error control in the
/// eigenbasis of L, where Q is diagonal.
///
/// # Errors
/// [`Error::LeftDomain`] where Σ_t becomes singular; [`Error::NoConvergence`] when the tolerance is out of reach.
pub(super) fn transport(from: &Spd, to: &Spd, v: &DMatrix<f64>) -> Result<DMatrix<f64>> {
    check_pair(from, to)?;
    let v = checked_tangent(from, v)?;
    let l = map_minus_identity(from, to);
    let frame = symmetric_eigen(&l);
    let mut system = Transport {
        rates: frame.values.clone(),
        sigma: to_eigenbasis(&frame, from.matrix()),
        budget: EVALUATIONS,
    };
    let start = to_eigenbasis(&frame, &lyapunov(from, &v));
    let mut state = start.as_slice().to_vec();
    match integrate(&mut system, &mut state, 1.0, RTOL) {
        Outcome::Finished => {}
        Outcome::Left { t } if system.budget == 0 => {
            return Err(Error::NoConvergence {
                what: "integration of the transport",
                iterations: EVALUATIONS,
                residual: 1.0 - t,
                tolerance: RTOL,
            });
        }
        Outcome::Left { t } => return Err(Error::LeftDomain { t }),
    }
    let n = from.order();
    let s = from_eigenbasis(&frame, &DMatrix::from_column_slice(n, n, &state));
    let half = to.matrix() * s;
    Ok(&half + half.transpose())
}

/// L = c a⁻¹ − I, symmetric.
fn map_minus_identity(from: &Spd, to: &Spd) -> DMatrix<f64> {
    let a = from.cholesky();
    // c a⁻¹ = a⁻ᵀ (aᵀ c) a⁻¹ with aᵀc symmetric positive definite.
    let difference = a.tr_mul(&(aligned_factor(from, to) - a));
    let mut half = symmetrised(difference);
    a.tr_solve_lower_triangular_mut(&mut half);
    let mut l = half.transpose();
    a.tr_solve_lower_triangular_mut(&mut l);
    symmetrised(l)
}

struct Transport {
    rates: DVector<f64>,
    sigma: DMatrix<f64>,
    /// Evaluations left.
    budget: usize,
}

impl System for Transport {
    fn derivative(&mut self, t: f64, y: &[f64], out: &mut [f64]) -> std::result::Result<(), Undefined> {
        self.budget = self.budget.checked_sub(1).ok_or(Undefined)?;
        let n = self.rates.len();
        let s = DMatrix::from_column_slice(n, n, y);
        let q = self.rates.map(|l| 1.0 + t * l);
        // QΣ, then N = QΣL and Σ_t = QΣQ.
        let left = DMatrix::from_fn(n, n, |i, j| q[i] * self.sigma[(i, j)]);
        let generator = DMatrix::from_fn(n, n, |i, j| left[(i, j)] * self.rates[j]);
        let sigma = DMatrix::from_fn(n, n, |i, j| left[(i, j)] * q[j]);
        let eigen = symmetric_eigen(&sigma);
        if eigen.values[0] <= 0.0 {
            return Err(Undefined);
        }
        let half = generator * s;
        let mut right = to_eigenbasis(&eigen, &-(&half + half.transpose()));
        hadamard(&eigen, |a, b| (a + b).recip(), &mut right);
        out.copy_from_slice(from_eigenbasis(&eigen, &right).as_slice());
        Ok(())
    }

    fn block(&self) -> usize {
        self.sigma.len()
    }
}
