//! The log-Euclidean metric.

use nalgebra::DMatrix;

use crate::batch::SpdBatch;
use crate::eigen::symmetric_eigen;
use crate::error::Result;
use crate::kernel::{ExtendedKernel, Kernel, PowerPair, area_squared};
use crate::matrix_functions::ScalarFunction;
use crate::matrix_functions::derivative::{frechet, frechet_inverse, frechet2, matrix_function};
use crate::mean::{self, MeanOptions, MeanReport};
use crate::metric::{Metric, TraceTerm, check_pair, check_time, checked_tangent, common_order, in_range};
use crate::spd::Spd;
use crate::vech::{unvech, vech};

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
        in_range(
            "derivative of the logarithm",
            frechet(ScalarFunction::Log, at.eigen(), &checked_tangent(at, x)?),
        )
    }
}

const POWERS: PowerPair = PowerPair { a: 0.0, b: 0.0 };

impl Kernel for LogEuclidean {
    fn phi(&self, x: f64, y: f64) -> f64 {
        POWERS.phi(x, y)
    }

    fn degree(&self) -> Option<f64> {
        Some(2.0)
    }

    fn phi_difference(&self, x1: f64, x2: f64, y: f64) -> f64 {
        POWERS.phi_difference(x1, x2, y)
    }

    fn theta_second_difference(&self, x1: f64, x2: f64, x3: f64, y: f64) -> f64 {
        POWERS.theta_second_difference(x1, x2, x3, y)
    }

    fn theta_mixed_difference(&self, x1: f64, x2: f64, y1: f64, y2: f64) -> f64 {
        POWERS.theta_mixed_difference(x1, x2, y1, y2)
    }
}

impl Metric for LogEuclidean {
    fn name(&self) -> String {
        "log-Euclidean".into()
    }

    fn extended_kernel(&self) -> Option<ExtendedKernel<'_>> {
        Some(ExtendedKernel::new(self, self.trace_term))
    }

    fn inner(&self, at: &Spd, x: &DMatrix<f64>, y: &DMatrix<f64>) -> Result<f64> {
        self.trace_term.inner(&Self::d_log(at, x)?, &Self::d_log(at, y)?)
    }

    fn distance(&self, a: &Spd, b: &Spd) -> Result<f64> {
        check_pair(a, b)?;
        Ok(self.trace_term.frobenius(a.log() - b.log())?.norm())
    }

    /// One logarithm a matrix, in vector lanes, then norms of differences.
    fn pairwise(&self, batch: &SpdBatch) -> Result<DMatrix<f64>> {
        self.trace_term.distances(batch.order(), batch.log().entries())
    }

    fn pairwise_points(&self, points: &[Spd]) -> Result<DMatrix<f64>> {
        let order = common_order(points)?;
        self.trace_term
            .distances(order, points.iter().map(|point| point.log().as_slice()))
    }

    fn exp(&self, at: &Spd, x: &DMatrix<f64>) -> Result<Spd> {
        let unit = unit_of(at);
        spd_exp(&(log_in(at, unit) + Self::d_log(at, x)?), unit)
    }

    fn log(&self, at: &Spd, to: &Spd) -> Result<DMatrix<f64>> {
        check_pair(at, to)?;
        let unit = unit_of(at);
        d_exp_at_log(at, &(log_in(to, unit) - log_in(at, unit)))
    }

    fn geodesic(&self, a: &Spd, b: &Spd, t: f64) -> Result<Spd> {
        check_pair(a, b)?;
        check_time(t)?;
        let unit = unit_of(a);
        spd_exp(&(log_in(a, unit) * (1.0 - t) + log_in(b, unit) * t), unit)
    }

    /// D exp_{log Λ}(D log_Σ V), the same along every curve.
    fn transport(&self, from: &Spd, to: &Spd, v: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        check_pair(from, to)?;
        d_exp_at_log(to, &Self::d_log(from, v)?)
    }

    /// D exp_{log Σ}(D² log_Σ\[X, Y\]).
    fn christoffel(&self, at: &Spd, x: &DMatrix<f64>, y: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        let (x, y) = (checked_tangent(at, x)?, checked_tangent(at, y)?);
        d_exp_at_log(at, &frechet2(ScalarFunction::Log, at.eigen(), &x, &y))
    }

    fn sectional(&self, at: &Spd, x: &DMatrix<f64>, y: &DMatrix<f64>) -> Result<Option<f64>> {
        let (xx, yy, xy) = (self.inner(at, x, x)?, self.inner(at, y, y)?, self.inner(at, x, y)?);
        Ok(area_squared(xx, yy, xy).map(|_| 0.0))
    }

    fn whiten(&self, at: &Spd, x: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        self.trace_term.frobenius(Self::d_log(at, x)?)
    }

    fn unwhiten(&self, at: &Spd, white: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        d_exp_at_log(at, &self.trace_term.frobenius_inverse(checked_tangent(at, white)?)?)
    }

    fn mean(&self, batch: &SpdBatch, weights: Option<&[f64]>, _options: &MeanOptions) -> Result<MeanReport> {
        Ok(MeanReport::closed(mean::log_euclidean(batch, weights)?))
    }

    /// Weiszfeld's iteration on the logarithms.
    fn median(&self, batch: &SpdBatch, weights: Option<&[f64]>, options: &MeanOptions) -> Result<MeanReport> {
        let pairs = mean::checked_weights(batch, weights)?;
        let logs = batch.log();
        let points = pairs
            .into_iter()
            .map(|(i, w)| Ok((vech(&self.trace_term.frobenius(logs.matrix(i).into_owned())?), w)))
            .collect::<Result<Vec<_>>>()?;
        mean::median::euclidean(&points, options)
            .try_map(|x| spd_exp(&self.trace_term.frobenius_inverse(unvech(&x)?)?, 1.0))
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
fn d_exp_at_log(at: &Spd, x: &DMatrix<f64>) -> Result<DMatrix<f64>> {
    in_range("tangent vector", frechet_inverse(ScalarFunction::Log, at.eigen(), x))
}

/// A power of two near the largest entry: logarithms relative to it are of order one in any unit, and so is their rounding.
fn unit_of(at: &Spd) -> f64 {
    2f64.powi(at.matrix().amax().log2().floor() as i32)
}

/// log(Σ/unit).
fn log_in(at: &Spd, unit: f64) -> DMatrix<f64> {
    at.eigen().map(|d| (d / unit).ln())
}

/// unit · exp X.
fn spd_exp(x: &DMatrix<f64>, unit: f64) -> Result<Spd> {
    Spd::try_new(matrix_function(ScalarFunction::Exp, &symmetric_eigen(x)) * unit)
}
