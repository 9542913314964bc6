//! The Euclidean (Frobenius) metric.

use nalgebra::DMatrix;

use super::pair::whiten_by_cholesky;
use crate::batch::SpdBatch;
use crate::eigen::symmetric_eigen;
use crate::error::Result;
use crate::kernel::{ExtendedKernel, Kernel, area_squared};
use crate::mean::{self, MeanOptions, MeanReport};
use crate::metric::{
    Metric, TraceTerm, check_exit, check_pair, check_time, checked_tangent, common_order, exp_at, in_range,
    positive_interval,
};
use crate::psd::{self, Psd, check_fraction, check_orders};
use crate::spd::Spd;
use crate::vech::{unvech, vech};

/// Euclidean metric g(X, Y) = α tr(XY) + β tr X tr Y: flat, not complete (straight lines leave the cone).
///
/// φ(x, y) = 1; d(A, B) = ‖B − A‖ for α = 1, β = 0. The mean is arithmetic: its determinant exceeds those of the
/// matrices averaged (swelling).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Euclidean {
    trace_term: TraceTerm,
}

impl Euclidean {
    /// With the trace term (α, β).
    pub fn new(trace_term: TraceTerm) -> Self {
        Self { trace_term }
    }
}

impl Kernel for Euclidean {
    fn phi(&self, _x: f64, _y: f64) -> f64 {
        1.0
    }

    fn degree(&self) -> Option<f64> {
        Some(0.0)
    }

    fn phi_difference(&self, _x1: f64, _x2: f64, _y: f64) -> f64 {
        0.0
    }
}

impl Metric for Euclidean {
    fn name(&self) -> String {
        "Euclidean".into()
    }

    fn extended_kernel(&self) -> Option<ExtendedKernel<'_>> {
        Some(ExtendedKernel::new(self, self.trace_term))
    }

    fn inner(&self, at: &Spd, x: &DMatrix<f64>, y: &DMatrix<f64>) -> Result<f64> {
        self.trace_term
            .inner(&checked_tangent(at, x)?, &checked_tangent(at, y)?)
    }

    fn distance(&self, a: &Spd, b: &Spd) -> Result<f64> {
        let x = self.log(a, b)?;
        Ok(self.trace_term.frobenius(x)?.norm())
    }

    fn pairwise(&self, batch: &SpdBatch) -> Result<DMatrix<f64>> {
        self.trace_term.distances(batch.order(), batch.entries())
    }

    fn pairwise_points(&self, points: &[Spd]) -> Result<DMatrix<f64>> {
        let order = common_order(points)?;
        self.trace_term
            .distances(order, points.iter().map(|point| point.matrix().as_slice()))
    }

    fn exp(&self, at: &Spd, x: &DMatrix<f64>) -> Result<Spd> {
        check_exit(self.exp_domain(at, x)?.1)?;
        Spd::try_new(at.matrix() + checked_tangent(at, x)?)
    }

    fn log(&self, at: &Spd, to: &Spd) -> Result<DMatrix<f64>> {
        check_pair(at, to)?;
        in_range("difference", to.matrix() - at.matrix())
    }

    fn geodesic(&self, a: &Spd, b: &Spd, t: f64) -> Result<Spd> {
        check_time(t)?;
        if (0.0..=1.0).contains(&t) {
            check_pair(a, b)?;
            return Spd::try_new(a.matrix() * (1.0 - t) + b.matrix() * t);
        }
        exp_at(self, a, &self.log(a, b)?, t)
    }

    fn transport(&self, from: &Spd, to: &Spd, v: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        check_pair(from, to)?;
        checked_tangent(from, v)
    }

    fn christoffel(&self, at: &Spd, x: &DMatrix<f64>, y: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        checked_tangent(at, x)?;
        checked_tangent(at, y)?;
        Ok(DMatrix::zeros(at.order(), at.order()))
    }

    fn sectional(&self, at: &Spd, x: &DMatrix<f64>, y: &DMatrix<f64>) -> Result<Option<f64>> {
        let (xx, yy, xy) = (self.inner(at, x, x)?, self.inner(at, y, y)?, self.inner(at, x, y)?);
        Ok(area_squared(xx, yy, xy).map(|_| 0.0))
    }

    fn whiten(&self, at: &Spd, x: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        self.trace_term.frobenius(checked_tangent(at, x)?)
    }

    fn unwhiten(&self, at: &Spd, white: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        self.trace_term.frobenius_inverse(checked_tangent(at, white)?)
    }

    fn mean(&self, batch: &SpdBatch, weights: Option<&[f64]>, _options: &MeanOptions) -> Result<MeanReport> {
        Ok(MeanReport::closed(mean::arithmetic(batch, weights)?))
    }

    /// Weiszfeld's iteration on coordinates.
    fn median(&self, batch: &SpdBatch, weights: Option<&[f64]>, options: &MeanOptions) -> Result<MeanReport> {
        let points = mean::checked_weights(batch, weights)?
            .into_iter()
            .map(|(i, w)| Ok((vech(&self.trace_term.frobenius(batch.matrix(i).into_owned())?), w)))
            .collect::<Result<Vec<_>>>()?;
        mean::median::euclidean(&points, options)
            .try_map(|x| Spd::try_new(self.trace_term.frobenius_inverse(unvech(&x)?)?))
    }

    fn distance_semidefinite(&self, a: &Psd, b: &Psd) -> Result<f64> {
        check_orders(a, b)?;
        Ok(self.trace_term.frobenius(b.matrix() - a.matrix())?.norm())
    }

    fn geodesic_semidefinite(&self, a: &Psd, b: &Psd, t: f64) -> Result<Psd> {
        check_orders(a, b)?;
        check_fraction(t)?;
        Psd::try_new(a.matrix() * (1.0 - t) + b.matrix() * t)
    }

    fn mean_semidefinite(
        &self,
        points: &[Psd],
        weights: Option<&[f64]>,
        _options: &MeanOptions,
    ) -> Result<MeanReport<Psd>> {
        let mut sum = DMatrix::zeros(0, 0);
        for (i, w) in psd::checked(points, weights)? {
            let term = points[i].matrix() * w;
            sum = if sum.is_empty() { term } else { sum + term };
        }
        Ok(MeanReport::closed(Psd::try_new(sum)?))
    }

    fn exp_domain(&self, at: &Spd, x: &DMatrix<f64>) -> Result<(f64, f64)> {
        let w = symmetric_eigen(&whiten_by_cholesky(at, &checked_tangent(at, x)?)).values;
        positive_interval(w[0], w[w.len() - 1])
    }

    /// Distance to the boundary: λ_min √(α(α + nβ)/(α + (n−1)β)).
    fn injectivity_radius(&self, at: &Spd) -> Option<f64> {
        let (alpha, beta, n) = (self.trace_term.alpha(), self.trace_term.beta(), at.order() as f64);
        let weight = self.trace_term.trace_weight(at.order()).ok()?;
        Some(at.eigenvalues()[0] * (alpha * weight / (alpha + (n - 1.0) * beta)).sqrt())
    }

    fn is_complete(&self) -> bool {
        false
    }
}
