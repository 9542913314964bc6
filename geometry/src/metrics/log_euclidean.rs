//! The log-Euclidean metric.

use nalgebra::DMatrix;

use crate::eigen::symmetric_eigen;
use crate::error::Result;
use crate::matrix_functions::{ScalarFunction, frechet, matrix_function};
use crate::metric::{Metric, TraceTerm, check_pair, check_time, checked_tangent};
use crate::spd::Spd;

/// Log-Euclidean metric g_Σ(X, Y) = ⟨D log_Σ X, D log_Σ Y⟩_{α,β}: flat, complete; the pull-back of the Euclidean metric
/// on Sym(n) by the matrix logarithm (Arsigny, Fillard, Pennec and Ayache 2006).
///
/// φ(x, y) = ((x − y)/(log x − log y))²; d(A, B) = ‖log A − log B‖ for α = 1, β = 0. Invariant under orthogonal
/// congruence, scaling and inversion. The cheapest metric with a mean in closed form that does not swell.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct LogEuclidean {
    trace_term: TraceTerm,
}

impl LogEuclidean {
    /// With the trace term (α, β).
    pub fn new(trace_term: TraceTerm) -> Self {
        Self { trace_term }
    }

    fn d_log(at: &Spd, x: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        Ok(frechet(ScalarFunction::Log, at.eigen(), &checked_tangent(at, x)?))
    }
}

impl Metric for LogEuclidean {
    fn name(&self) -> String {
        "log-Euclidean".into()
    }

    fn inner(&self, at: &Spd, x: &DMatrix<f64>, y: &DMatrix<f64>) -> Result<f64> {
        self.trace_term.inner(&Self::d_log(at, x)?, &Self::d_log(at, y)?)
    }

    fn distance(&self, a: &Spd, b: &Spd) -> Result<f64> {
        check_pair(a, b)?;
        Ok(self.trace_term.frobenius(a.log() - b.log())?.norm())
    }

    fn exp(&self, at: &Spd, x: &DMatrix<f64>) -> Result<Spd> {
        spd_exp(&(at.log() + Self::d_log(at, x)?))
    }

    fn log(&self, at: &Spd, to: &Spd) -> Result<DMatrix<f64>> {
        check_pair(at, to)?;
        Ok(d_exp_at_log(at, &(to.log() - at.log())))
    }

    fn geodesic(&self, a: &Spd, b: &Spd, t: f64) -> Result<Spd> {
        check_pair(a, b)?;
        check_time(t)?;
        spd_exp(&(a.log() * (1.0 - t) + b.log() * t))
    }

    /// D exp_{log Λ}(D log_Σ V), the same along every curve.
    fn transport(&self, from: &Spd, to: &Spd, v: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        check_pair(from, to)?;
        Ok(d_exp_at_log(to, &Self::d_log(from, v)?))
    }

    fn whiten(&self, at: &Spd, x: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        self.trace_term.frobenius(Self::d_log(at, x)?)
    }

    fn unwhiten(&self, at: &Spd, white: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        Ok(d_exp_at_log(
            at,
            &self.trace_term.frobenius_inverse(checked_tangent(at, white)?)?,
        ))
    }

    fn exp_domain(&self, at: &Spd, x: &DMatrix<f64>) -> Result<(f64, f64)> {
        checked_tangent(at, x)?;
        Ok((f64::NEG_INFINITY, f64::INFINITY))
    }

    fn injectivity_radius(&self, _at: &Spd) -> Option<f64> {
        Some(f64::INFINITY)
    }

    fn is_complete(&self) -> bool {
        true
    }
}

/// D exp_{log Λ} = (D log_Λ)⁻¹, from the eigenvalues of Λ itself.
fn d_exp_at_log(at: &Spd, x: &DMatrix<f64>) -> DMatrix<f64> {
    crate::matrix_functions::frechet_inverse(ScalarFunction::Log, at.eigen(), x)
}

fn spd_exp(x: &DMatrix<f64>) -> Result<Spd> {
    Spd::try_new(matrix_function(ScalarFunction::Exp, &symmetric_eigen(x)))
}
