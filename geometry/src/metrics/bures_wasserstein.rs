//! The Bures–Wasserstein metric.

use std::sync::OnceLock;

use nalgebra::DMatrix;

use super::pair::{aligned_factor, near};
use super::semidefinite::aligned;
use crate::batch::SpdBatch;
use crate::eigen::batch::ISA;
use crate::eigen::{polar, symmetric_eigen};
use crate::error::Result;
use crate::kernel::{ExtendedKernel, Kernel, area_squared};
use crate::matrix_functions::derivative::{double_operator, lyapunov};
use crate::mean::{self, MeanOptions, MeanReport};
use crate::metric::{
    Metric, TraceTerm, check_exit, check_pair, check_time, checked_tangent, common_order, exp_at, in_range, number,
    positive_interval,
};
use crate::psd::{Psd, check_fraction, check_orders};
use crate::spd::Spd;

/// Bures–Wasserstein metric g_Σ(X, Y) = ½ tr(𝓛_Σ(X) Y), 𝓛_Σ(X) the solution L of ΣL + LΣ = X: the L² optimal transport
/// of centred Gaussians, and the quotient of GL(n) by O(n) (Bhatia, Jain and Lim 2019).
///
/// φ(x, y) = 2(x + y); d(A, B) = min over orthogonal O of ‖a − bO‖ for any factors A = aaᵀ, B = bbᵀ. Curvature in
/// \[0, 3/(λ₁+λ₂)\], not complete. Everything is computed from aligned factors, so that distances of nearly equal
/// matrices keep all their digits; [`Metric::pairwise`] gives up to four of them for speed. Distances, geodesics and means
/// extend to singular matrices ([`Psd`]).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct BuresWasserstein;

/// Squared distances are differences of traces above this part of them.
const CANCELLING: f64 = 1e-4;

impl BuresWasserstein {
    fn lyapunov(at: &Spd, x: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        in_range(
            "solution of the Lyapunov equation",
            lyapunov(at, &checked_tangent(at, x)?),
        )
    }
}

/// Distances of all pairs of points with these Cholesky factors; `single` that of one pair.
fn distances(factors: Vec<DMatrix<f64>>, single: impl Fn(usize, usize) -> Result<f64> + Sync) -> Result<DMatrix<f64>> {
    if factors.is_empty() {
        return Ok(DMatrix::zeros(0, 0));
    }
    let traces: Vec<f64> = factors.iter().map(DMatrix::norm_squared).collect();
    polar::nuclear_norms(*ISA, factors, |i, j, sum| {
        let total = traces[i] + traces[j];
        match sum.map(|sum| total - 2.0 * sum) {
            Some(square) if square > CANCELLING * total => Ok(square.sqrt()),
            _ => single(i, j),
        }
    })
}

/// L = T − I for the optimal map T from A to a nearby B, which solves LA + AL + LAL = B − A: fixed point of
/// L ↦ 𝓛_A(B − A − LAL), which contracts by about 2‖L‖.
fn displacement(a: &Spd, b: &Spd) -> DMatrix<f64> {
    let difference = b.matrix() - a.matrix();
    let mut l = lyapunov(a, &difference);
    // `near` bounds ‖L‖ by 0.1: 17 rounds shrink a change below rounding.
    for _ in 0..17 {
        let next = lyapunov(a, &(&difference - &l * a.matrix() * &l));
        let change = (&next - &l).norm();
        l = next;
        if change <= f64::EPSILON * l.norm() {
            break;
        }
    }
    l
}

impl Kernel for BuresWasserstein {
    fn phi(&self, x: f64, y: f64) -> f64 {
        2.0 * (x + y)
    }

    fn degree(&self) -> Option<f64> {
        Some(1.0)
    }

    fn phi_difference(&self, _x1: f64, _x2: f64, _y: f64) -> f64 {
        2.0
    }

    fn theta_second_difference(&self, x1: f64, x2: f64, x3: f64, y: f64) -> f64 {
        0.5 / (x1 + y) / (x2 + y) / (x3 + y)
    }

    fn theta_mixed_difference(&self, x1: f64, x2: f64, y1: f64, y2: f64) -> f64 {
        0.5 * (x1 + x2 + y1 + y2) / (x1 + y1) / (x1 + y2) / (x2 + y1) / (x2 + y2)
    }
}

impl Metric for BuresWasserstein {
    fn name(&self) -> String {
        "Bures-Wasserstein".into()
    }

    fn extended_kernel(&self) -> Option<ExtendedKernel<'_>> {
        Some(ExtendedKernel::new(self, TraceTerm::default()))
    }

    fn inner(&self, at: &Spd, x: &DMatrix<f64>, y: &DMatrix<f64>) -> Result<f64> {
        number(
            "inner product",
            0.5 * Self::lyapunov(at, x)?.dot(&checked_tangent(at, y)?),
        )
    }

    /// ‖a − bO‖ with the aligned factor; ‖(T − I)a‖ with the optimal map T for nearly equal points.
    fn distance(&self, a: &Spd, b: &Spd) -> Result<f64> {
        check_pair(a, b)?;
        let distance = match near(a, b) {
            Some(_) => (displacement(a, b) * a.cholesky()).norm(),
            None => (aligned_factor(a, b) - a.cholesky()).norm(),
        };
        number("distance", distance)
    }

    /// d² = tr A + tr B − 2 Σ s(bᵀa), side by side in vector lanes: the sum of singular values from bidiagonal forms, exact
    /// to n² ε s₁ without loss to small ones. Where the difference would cost more than four of the sixteen digits, as
    /// [`Self::distance`].
    fn pairwise(&self, batch: &SpdBatch) -> Result<DMatrix<f64>> {
        // Points that some close pair asks for are made once.
        let points: Vec<OnceLock<Spd>> = (0..batch.len()).map(|_| OnceLock::new()).collect();
        let point = |i: usize| points[i].get_or_init(|| batch.get(i));
        distances(batch.factors(), |i, j| self.distance(point(i), point(j)))
    }

    fn pairwise_points(&self, points: &[Spd]) -> Result<DMatrix<f64>> {
        common_order(points)?;
        let factors = points.iter().map(|point| point.cholesky().clone()).collect();
        distances(factors, |i, j| self.distance(&points[i], &points[j]))
    }

    /// (I + L) Σ (I + L) with L = 𝓛_Σ(X), while I + tL stays positive definite.
    fn exp(&self, at: &Spd, x: &DMatrix<f64>) -> Result<Spd> {
        let l = Self::lyapunov(at, x)?;
        check_exit(domain(&l)?.1)?;
        Spd::from_factor(&(at.cholesky() + l * at.cholesky()))
    }

    /// (c − a)aᵀ + a(c − a)ᵀ with the aligned factor c.
    fn log(&self, at: &Spd, to: &Spd) -> Result<DMatrix<f64>> {
        check_pair(at, to)?;
        let half = (aligned_factor(at, to) - at.cholesky()) * at.cholesky().transpose();
        in_range("logarithm", &half + half.transpose())
    }

    /// K(t)K(t)ᵀ with K(t) = (1 − t)a + tc.
    fn geodesic(&self, a: &Spd, b: &Spd, t: f64) -> Result<Spd> {
        check_pair(a, b)?;
        check_time(t)?;
        if !(0.0..=1.0).contains(&t) {
            return exp_at(self, a, &self.log(a, b)?, t);
        }
        Spd::from_factor(&(a.cholesky() * (1.0 - t) + aligned_factor(a, b) * t))
    }

    fn transport(&self, from: &Spd, to: &Spd, v: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        in_range(
            "transported vector",
            super::bures_wasserstein_transport::transport(from, to, v)?,
        )
    }

    /// −(𝓛X Σ 𝓛Y + 𝓛Y Σ 𝓛X).
    fn christoffel(&self, at: &Spd, x: &DMatrix<f64>, y: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        let half = Self::lyapunov(at, x)? * at.matrix() * Self::lyapunov(at, y)?;
        in_range("Christoffel symbol", -(&half + half.transpose()))
    }

    /// (3/2) Σ_ij d_i d_j/(d_i + d_j) C'_ij² / (g(X,X) g(Y,Y) − g(X,Y)²), C = \[𝓛X, 𝓛Y\]; in \[0, 3/(λ₁ + λ₂)\].
    fn sectional(&self, at: &Spd, x: &DMatrix<f64>, y: &DMatrix<f64>) -> Result<Option<f64>> {
        let area = area_squared(self.inner(at, x, x)?, self.inner(at, y, y)?, self.inner(at, x, y)?);
        let half = Self::lyapunov(at, x)? * Self::lyapunov(at, y)?;
        let eigen = at.eigen();
        let bracket = eigen.vectors.tr_mul(&((&half - half.transpose()) * &eigen.vectors));
        let d = &eigen.values;
        let mut sum = 0.0;
        for j in 0..d.len() {
            for i in 0..d.len() {
                sum += d[i] * d[j] / (d[i] + d[j]) * bracket[(i, j)] * bracket[(i, j)];
            }
        }
        area.map(|area| number("curvature", 1.5 * sum / area)).transpose()
    }

    fn whiten(&self, at: &Spd, x: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        in_range(
            "whitened vector",
            double_operator(
                at.eigen(),
                |a, b| (2.0 * (a + b)).sqrt().recip(),
                &checked_tangent(at, x)?,
            ),
        )
    }

    fn unwhiten(&self, at: &Spd, white: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        in_range(
            "tangent vector",
            double_operator(at.eigen(), |a, b| (2.0 * (a + b)).sqrt(), &checked_tangent(at, white)?),
        )
    }

    fn mean(&self, batch: &SpdBatch, weights: Option<&[f64]>, options: &MeanOptions) -> Result<MeanReport> {
        mean::bures_wasserstein(batch, weights, options)
    }

    /// ‖a − c‖ with aligned factors.
    fn distance_semidefinite(&self, a: &Psd, b: &Psd) -> Result<f64> {
        check_orders(a, b)?;
        let (a, c) = aligned(a, b);
        number("distance", (c - a).norm())
    }

    /// K(t)K(t)ᵀ, K(t) = (1 − t)a + tc with aligned factors.
    fn geodesic_semidefinite(&self, a: &Psd, b: &Psd, t: f64) -> Result<Psd> {
        check_orders(a, b)?;
        check_fraction(t)?;
        let (a, c) = aligned(a, b);
        Psd::from_factor(&(a * (1.0 - t) + c * t))
    }

    fn mean_semidefinite(
        &self,
        points: &[Psd],
        weights: Option<&[f64]>,
        options: &MeanOptions,
    ) -> Result<MeanReport<Psd>> {
        mean::bures_wasserstein_semidefinite(points, weights, options)
    }

    fn exp_domain(&self, at: &Spd, x: &DMatrix<f64>) -> Result<(f64, f64)> {
        domain(&Self::lyapunov(at, x)?)
    }

    /// Distance to the boundary: √λ_min(Σ).
    fn injectivity_radius(&self, at: &Spd) -> Option<f64> {
        Some(at.eigenvalues()[0].sqrt())
    }

    fn is_complete(&self) -> bool {
        false
    }
}

/// The interval of t with I + tL positive definite.
fn domain(l: &DMatrix<f64>) -> Result<(f64, f64)> {
    let w = symmetric_eigen(l).values;
    positive_interval(w[0], w[w.len() - 1])
}
