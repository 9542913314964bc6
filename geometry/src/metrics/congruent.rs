//! Pull-backs by congruences: metrics that look at matrices in other units or another basis.

use nalgebra::DMatrix;

use super::BuresWasserstein;
use crate::batch::SpdBatch;
use crate::error::{Error, Result};
use crate::matrix_functions::symmetrised;
use crate::mean::{MeanOptions, MeanReport};
use crate::metric::{Metric, check_pair, checked_tangent, in_range};
use crate::psd::Psd;
use crate::spd::Spd;

/// The pull-back of a metric g by the congruence Σ ↦ WΣWᵀ of an invertible W: everything is that of g at WΣWᵀ, brought
/// back. Not O(n)-invariant; the affine-invariant metric is the one that no congruence changes.
///
/// Of Bures–Wasserstein it is the generalised Bures–Wasserstein metric, see
/// [`generalized_bures_wasserstein`](Congruent::generalized_bures_wasserstein). Defined for matrices of the order of W.
/// Costs two products with W an operand beside the operation of g.
#[derive(Debug, Clone, PartialEq)]
pub struct Congruent<M> {
    base: M,
    factor: DMatrix<f64>,
    inverse: DMatrix<f64>,
    label: String,
}

impl<M: Metric> Congruent<M> {
    /// The pull-back of `base` by Σ ↦ WΣWᵀ.
    ///
    /// # Errors
    /// [`Error::NotSquare`], [`Error::Empty`] and [`Error::NonFinite`] about W; [`Error::NotPositiveDefinite`] about WWᵀ
    /// when W is singular; [`Error::OutOfRange`] when its inverse overflows.
    pub fn try_new(base: M, w: DMatrix<f64>) -> Result<Self> {
        let (rows, columns) = w.shape();
        if rows != columns {
            return Err(Error::NotSquare {
                index: 0,
                rows,
                columns,
            });
        }
        if rows == 0 {
            return Err(Error::Empty { what: "congruence" });
        }
        Spd::from_factor(&w)?;
        let inverse = w.clone().try_inverse().ok_or(Error::OutOfRange {
            what: "inverse of the congruence",
        })?;
        Ok(Self {
            label: format!("{} after a congruence", base.name()),
            base,
            factor: w,
            inverse: in_range("inverse of the congruence", inverse)?,
        })
    }

    /// The metric g.
    pub fn base(&self) -> &M {
        &self.base
    }

    /// W.
    pub fn factor(&self) -> &DMatrix<f64> {
        &self.factor
    }

    fn check_order(&self, what: &'static str, found: usize) -> Result<()> {
        let expected = self.factor.nrows();
        if found == expected {
            return Ok(());
        }
        Err(Error::DimensionMismatch { what, expected, found })
    }

    /// WΣWᵀ, by way of its factor: its rounding does not grow with the condition of Σ.
    fn image(&self, at: &Spd) -> Result<Spd> {
        self.check_order("order of the matrix", at.order())?;
        Spd::from_factor(&(&self.factor * at.cholesky()))
    }

    fn preimage(&self, image: &Spd) -> Result<Spd> {
        Spd::from_factor(&(&self.inverse * image.cholesky()))
    }

    fn images(&self, batch: &SpdBatch) -> Result<SpdBatch> {
        if batch.is_empty() {
            return Ok(batch.clone());
        }
        self.check_order("order of the batch", batch.order())?;
        batch.try_map(|point| self.image(point))
    }

    fn psd_image(&self, point: &Psd) -> Result<Psd> {
        self.check_order("order of the matrix", point.order())?;
        Psd::from_factor(&(&self.factor * point.factor()))
    }

    fn psd_preimage(&self, image: &Psd) -> Result<Psd> {
        Psd::from_factor(&(&self.inverse * image.factor()))
    }

    /// WXWᵀ.
    fn push(&self, at: &Spd, x: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        congruence("tangent vector", &self.factor, &checked_tangent(at, x)?)
    }

    /// W⁻¹XW⁻ᵀ.
    fn pull(&self, x: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        congruence("tangent vector", &self.inverse, x)
    }
}

/// FXFᵀ.
fn congruence(what: &'static str, f: &DMatrix<f64>, x: &DMatrix<f64>) -> Result<DMatrix<f64>> {
    in_range(what, symmetrised(f * x * f.transpose()))
}

impl Congruent<BuresWasserstein> {
    /// The generalised Bures–Wasserstein metric of an SPD matrix M: g_Σ(X, Y) = ½ tr(LY) with ΣLM + MLΣ = X, and
    /// d(A, B)² = tr M⁻¹A + tr M⁻¹B − 2 tr(M⁻¹AM⁻¹B)^½. M = I is Bures–Wasserstein; M = Σ at the point Σ is a quarter of
    /// affine-invariant.
    ///
    /// Source: A. Han, B. Mishra, P. Jawanpuria, J. Gao, Learning with symmetric positive definite matrices via
    /// generalized Bures-Wasserstein geometry, GSI 2023.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] when the inverse of M overflows.
    ///
    /// ```
    /// use hadamard_geometry::{Metric, Spd, metrics::{BuresWasserstein, Congruent}};
    /// use nalgebra::dmatrix;
    ///
    /// let a = Spd::try_new(dmatrix![2.0, 1.0; 1.0, 3.0])?;
    /// let b = Spd::try_new(dmatrix![1.0, 0.0; 0.0, 5.0])?;
    /// // Lengths measured in units of two: M = 4 I.
    /// let metric = Congruent::generalized_bures_wasserstein(&Spd::try_new(dmatrix![4.0, 0.0; 0.0, 4.0])?)?;
    /// assert!((metric.distance(&a, &b)? - 0.5 * BuresWasserstein.distance(&a, &b)?).abs() < 1e-15);
    /// # Ok::<(), hadamard_geometry::Error>(())
    /// ```
    pub fn generalized_bures_wasserstein(m: &Spd) -> Result<Self> {
        let n = m.order();
        // Any W with WᵀW = M⁻¹ gives the same metric, because Bures–Wasserstein is O(n)-invariant.
        let w = m.cholesky().solve_lower_triangular(&DMatrix::identity(n, n));
        let what = "inverse of M";
        Ok(Self {
            base: BuresWasserstein,
            factor: in_range(what, w.ok_or(Error::OutOfRange { what })?)?,
            inverse: m.cholesky().clone(),
            label: "generalised Bures-Wasserstein".into(),
        })
    }
}

impl<M: Metric> Metric for Congruent<M> {
    fn name(&self) -> String {
        self.label.clone()
    }

    fn inner(&self, at: &Spd, x: &DMatrix<f64>, y: &DMatrix<f64>) -> Result<f64> {
        self.base
            .inner(&self.image(at)?, &self.push(at, x)?, &self.push(at, y)?)
    }

    /// Wᵀ G(WXWᵀ) W.
    fn flat(&self, at: &Spd, x: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        let flat = self.base.flat(&self.image(at)?, &self.push(at, x)?)?;
        congruence("cotangent vector", &self.factor.transpose(), &flat)
    }

    /// W⁻¹ G⁻¹(W⁻ᵀpW⁻¹) W⁻ᵀ.
    fn sharp(&self, at: &Spd, p: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        let image = self.image(at)?;
        let p = congruence("cotangent vector", &self.inverse.transpose(), &checked_tangent(at, p)?)?;
        self.pull(&self.base.sharp(&image, &p)?)
    }

    fn distance(&self, a: &Spd, b: &Spd) -> Result<f64> {
        check_pair(a, b)?;
        self.base.distance(&self.image(a)?, &self.image(b)?)
    }

    fn pairwise(&self, batch: &SpdBatch) -> Result<DMatrix<f64>> {
        self.base.pairwise(&self.images(batch)?)
    }

    fn exp(&self, at: &Spd, x: &DMatrix<f64>) -> Result<Spd> {
        self.preimage(&self.base.exp(&self.image(at)?, &self.push(at, x)?)?)
    }

    fn log(&self, at: &Spd, to: &Spd) -> Result<DMatrix<f64>> {
        check_pair(at, to)?;
        self.pull(&self.base.log(&self.image(at)?, &self.image(to)?)?)
    }

    fn geodesic(&self, a: &Spd, b: &Spd, t: f64) -> Result<Spd> {
        check_pair(a, b)?;
        self.preimage(&self.base.geodesic(&self.image(a)?, &self.image(b)?, t)?)
    }

    fn transport(&self, from: &Spd, to: &Spd, v: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        check_pair(from, to)?;
        let moved = self
            .base
            .transport(&self.image(from)?, &self.image(to)?, &self.push(from, v)?)?;
        self.pull(&moved)
    }

    fn christoffel(&self, at: &Spd, x: &DMatrix<f64>, y: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        let base = self
            .base
            .christoffel(&self.image(at)?, &self.push(at, x)?, &self.push(at, y)?)?;
        self.pull(&base)
    }

    fn sectional(&self, at: &Spd, x: &DMatrix<f64>, y: &DMatrix<f64>) -> Result<Option<f64>> {
        self.base
            .sectional(&self.image(at)?, &self.push(at, x)?, &self.push(at, y)?)
    }

    fn whiten(&self, at: &Spd, x: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        self.base.whiten(&self.image(at)?, &self.push(at, x)?)
    }

    fn unwhiten(&self, at: &Spd, white: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        self.pull(&self.base.unwhiten(&self.image(at)?, white)?)
    }

    /// The mean of the images, brought back.
    fn mean(&self, batch: &SpdBatch, weights: Option<&[f64]>, options: &MeanOptions) -> Result<MeanReport> {
        let base = self.base.mean(&self.images(batch)?, weights, options)?;
        base.try_map(|mean| self.preimage(&mean))
    }

    /// The median of the images, brought back.
    fn median(&self, batch: &SpdBatch, weights: Option<&[f64]>, options: &MeanOptions) -> Result<MeanReport> {
        let base = self.base.median(&self.images(batch)?, weights, options)?;
        base.try_map(|median| self.preimage(&median))
    }

    fn distance_semidefinite(&self, a: &Psd, b: &Psd) -> Result<f64> {
        self.base
            .distance_semidefinite(&self.psd_image(a)?, &self.psd_image(b)?)
    }

    fn geodesic_semidefinite(&self, a: &Psd, b: &Psd, t: f64) -> Result<Psd> {
        let (a, b) = (self.psd_image(a)?, self.psd_image(b)?);
        self.psd_preimage(&self.base.geodesic_semidefinite(&a, &b, t)?)
    }

    fn mean_semidefinite(
        &self,
        points: &[Psd],
        weights: Option<&[f64]>,
        options: &MeanOptions,
    ) -> Result<MeanReport<Psd>> {
        let images = points.iter().map(|p| self.psd_image(p)).collect::<Result<Vec<_>>>()?;
        let base = self.base.mean_semidefinite(&images, weights, options)?;
        base.try_map(|mean| self.psd_preimage(&mean))
    }

    fn distance_bounds(&self, a: &Spd, b: &Spd) -> Result<(f64, f64)> {
        check_pair(a, b)?;
        self.base.distance_bounds(&self.image(a)?, &self.image(b)?)
    }

    fn exp_domain(&self, at: &Spd, x: &DMatrix<f64>) -> Result<(f64, f64)> {
        self.base.exp_domain(&self.image(at)?, &self.push(at, x)?)
    }

    /// That of the base at WΣWᵀ.
    fn injectivity_radius(&self, at: &Spd) -> Option<f64> {
        self.base.injectivity_radius(&self.image(at).ok()?)
    }

    fn is_complete(&self) -> bool {
        self.base.is_complete()
    }
}
