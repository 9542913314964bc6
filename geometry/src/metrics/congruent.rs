//! Pull-backs by congruences: metrics that look at matrices in other units or another basis.

use nalgebra::DMatrix;

use super::BuresWasserstein;
use super::pullback::{Diffeomorphism, PullBack};
use crate::error::{Error, Result};
use crate::matrix_functions::congruence;
use crate::metric::{Metric, checked_tangent, in_range};
use crate::psd::Psd;
use crate::spd::Spd;

/// The pull-back of a metric g by the congruence Σ ↦ WΣWᵀ of an invertible W. Not O(n)-invariant; the affine-invariant
/// metric is the one that no congruence changes.
///
/// Of Bures–Wasserstein it is the generalised Bures–Wasserstein metric, see
/// [`generalized_bures_wasserstein`](Congruent::generalized_bures_wasserstein). Defined for matrices of the order of W.
/// Costs two products with W an operand beside the operation of g.
pub type Congruent<M> = PullBack<M, Congruence>;

/// The map Σ ↦ WΣWᵀ of a [`Congruent`] metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Congruence {
    factor: DMatrix<f64>,
    inverse: DMatrix<f64>,
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
            map: Congruence {
                factor: w,
                inverse: in_range("inverse of the congruence", inverse)?,
            },
            scale: 1.0,
        })
    }

    /// W.
    pub fn factor(&self) -> &DMatrix<f64> {
        &self.map.factor
    }

    /// W times a factor of Σ, a factor of WΣWᵀ: its rounding does not grow with the condition of Σ.
    fn times(&self, factor: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        let (expected, found) = (self.factor().nrows(), factor.nrows());
        if found != expected {
            let what = "order of the matrix";
            return Err(Error::DimensionMismatch { what, expected, found });
        }
        Ok(self.factor() * factor)
    }
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
            map: Congruence {
                factor: in_range(what, w.ok_or(Error::OutOfRange { what })?)?,
                inverse: m.cholesky().clone(),
            },
            scale: 1.0,
            label: "generalised Bures-Wasserstein".into(),
        })
    }
}

impl<M: Metric> Diffeomorphism for Congruent<M> {
    fn image(&self, at: &Spd) -> Result<Spd> {
        Spd::from_factor(&self.times(at.cholesky())?)
    }

    fn preimage(&self, image: &Spd) -> Result<Spd> {
        Spd::from_factor(&(&self.map.inverse * image.cholesky()))
    }

    fn psd_image(&self, point: &Psd) -> Result<Psd> {
        Psd::from_factor(&self.times(point.factor())?)
    }

    fn psd_preimage(&self, image: &Psd) -> Result<Psd> {
        Psd::from_factor(&(&self.map.inverse * image.factor()))
    }

    /// WXWᵀ.
    fn push(&self, at: &Spd, x: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        in_range("tangent vector", congruence(&self.map.factor, &checked_tangent(at, x)?))
    }

    /// W⁻¹XW⁻ᵀ.
    fn pull(&self, _at: &Spd, x: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        in_range("tangent vector", congruence(&self.map.inverse, x))
    }

    /// Wᵀ G(WXWᵀ) W.
    fn lower(&self, at: &Spd, x: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        let flat = self.base.flat(&self.image(at)?, &self.push(at, x)?)?;
        in_range("cotangent vector", congruence(&self.map.factor.transpose(), &flat))
    }

    /// W⁻¹ G⁻¹(W⁻ᵀpW⁻¹) W⁻ᵀ.
    fn raise(&self, at: &Spd, p: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        let image = self.image(at)?;
        let p = congruence(&self.map.inverse.transpose(), &checked_tangent(at, p)?);
        self.pull(at, &self.base.sharp(&image, &in_range("cotangent vector", p)?)?)
    }
}
