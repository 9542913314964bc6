//! Pull-backs by powers: the deformation family of a metric.

use nalgebra::DMatrix;

use crate::batch::SpdBatch;
use crate::eigen::SymmetricEigen;
use crate::error::{Error, Result};
use crate::kernel::{ExtendedKernel, Kernel};
use crate::matrix_functions::ScalarFunction;
use crate::matrix_functions::derivative::{frechet, frechet_inverse, frechet2};
use crate::mean::{MeanOptions, MeanReport};
use crate::metric::{Metric, TraceTerm, check_pair, checked_tangent, in_range, number};
use crate::pairwise;
use crate::psd::Psd;
use crate::spd::Spd;

/// The deformed metric (1/c²) f*g of a base metric g, f(Σ) = Σ^p: everything is that of the base at f(Σ), brought back.
///
/// φ^f(x, y) = c² φ(x^p, y^p)/f\[x, y\]². The named families are [`PowerEuclidean`](super::PowerEuclidean),
/// [`PowerAffine`](super::PowerAffine) and [`AlphaProcrustes`](super::AlphaProcrustes). As p → 0 every one of them tends
/// to the log-Euclidean metric (Hiai and Petz 2012).
#[derive(Debug, Clone, PartialEq)]
pub struct Deformed<M> {
    pub(super) base: M,
    pub(super) power: f64,
    pub(super) scale: f64,
    pub(super) label: String,
}

impl<M: Metric + Kernel> Deformed<M> {
    /// f(Σ) = Σ^power, c = `scale`.
    pub(super) fn new(base: M, power: f64, scale: f64, label: String) -> Result<Self> {
        if power == 0.0 || !power.is_finite() {
            return Err(Error::InvalidParameter {
                name: "power",
                value: power,
                reason: "must be finite and not 0 (the limit at 0 is the log-Euclidean metric)",
            });
        }
        Ok(Self {
            base,
            power,
            scale,
            label,
        })
    }

    /// The base metric g.
    pub fn base(&self) -> &M {
        &self.base
    }

    /// The power p.
    pub fn power(&self) -> f64 {
        self.power
    }

    fn function(&self) -> ScalarFunction {
        ScalarFunction::Pow(self.power)
    }

    /// f(Σ).
    fn image(&self, at: &Spd) -> Result<Spd> {
        image(at, self.power)
    }

    /// f of all matrices.
    fn images(&self, batch: &SpdBatch) -> Result<SpdBatch> {
        batch.try_map(|point| self.image(point))
    }

    /// f of a matrix that may be singular, for positive powers.
    fn psd_image(&self, point: &Psd) -> Result<Psd> {
        if self.power > 0.0 {
            return point.power(self.power);
        }
        Err(Error::Unsupported {
            metric: self.label.clone(),
            operation: "extension to singular matrices",
        })
    }

    /// f⁻¹(Σ).
    fn preimage(&self, image_point: &Spd) -> Result<Spd> {
        image(image_point, self.power.recip())
    }

    /// Df_Σ\[X\].
    fn push(&self, at: &Spd, x: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        in_range(
            "derivative of the power",
            frechet(self.function(), at.eigen(), &checked_tangent(at, x)?),
        )
    }

    /// (Df_Σ)⁻¹\[X\].
    fn pull(&self, at: &Spd, x: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        in_range("tangent vector", frechet_inverse(self.function(), at.eigen(), x))
    }
}

/// Σ^p with its eigendecomposition and a Cholesky factor that does not suffer from the condition of Σ^p.
fn image(at: &Spd, power: f64) -> Result<Spd> {
    let f = ScalarFunction::Pow(power);
    let eigen = SymmetricEigen {
        values: at.eigenvalues().map(|d| f.value(d)),
        vectors: at.eigen().vectors.clone(),
    };
    if power == 2.0 {
        // Σ is a factor of its square, without the rounding of eigenvectors.
        return Ok(Spd::from_factor(at.matrix())?.with_eigen(eigen));
    }
    Spd::from_eigen(eigen)
}

impl<M: Metric + Kernel> Kernel for Deformed<M> {
    fn phi(&self, x: f64, y: f64) -> f64 {
        let f = self.function();
        let slope = f.divided1(x, y) / self.scale;
        self.base.phi(f.value(x), f.value(y)) / slope / slope
    }

    fn degree(&self) -> Option<f64> {
        self.base.degree().map(|theta| 2.0 + self.power * (theta - 2.0))
    }

    fn phi_difference(&self, x1: f64, x2: f64, y: f64) -> f64 {
        let f = self.function();
        let (f1, f2, fy) = (f.value(x1), f.value(x2), f.value(y));
        let (slope1, slope2) = (f.divided1(x1, y) / self.scale, f.divided1(x2, y) / self.scale);
        // φ^f = N D² with N = φ(f(x), f(y)) and D = 1/slope; product rule for divided differences.
        let (d1, d2) = (slope1.recip(), slope2.recip());
        let d = -(f.divided2(x1, y, x2) / self.scale * d1) * d2;
        let n = self.base.phi_difference(f1, f2, fy) * f.divided1(x1, x2);
        n * d1 * d1 + self.base.phi(f2, fy) * (d1 + d2) * d
    }
}

impl<M: Metric + Kernel> Metric for Deformed<M> {
    fn name(&self) -> String {
        self.label.clone()
    }

    fn extended_kernel(&self) -> Option<ExtendedKernel<'_>> {
        let trace = self
            .base
            .extended_kernel()
            .map_or_else(TraceTerm::default, |base| base.trace_term());
        Some(ExtendedKernel::new(self, trace))
    }

    fn inner(&self, at: &Spd, x: &DMatrix<f64>, y: &DMatrix<f64>) -> Result<f64> {
        let inner = self
            .base
            .inner(&self.image(at)?, &self.push(at, x)?, &self.push(at, y)?)?;
        number("inner product", inner / self.scale / self.scale)
    }

    fn distance(&self, a: &Spd, b: &Spd) -> Result<f64> {
        check_pair(a, b)?;
        number(
            "distance",
            self.base.distance(&self.image(a)?, &self.image(b)?)? / self.scale,
        )
    }

    /// One image a matrix, with its factor, then distances of the base.
    fn pairwise(&self, batch: &SpdBatch) -> Result<DMatrix<f64>> {
        let images = batch.try_points(|point| self.image(point))?;
        pairwise::by_rows(images.len(), |i, row| {
            for (d, image) in row.iter_mut().zip(&images) {
                *d = number("distance", self.base.distance(&images[i], image)? / self.scale)?;
            }
            Ok(())
        })
    }

    /// f⁻¹(Exp_{f(Σ)}(Df_Σ X)).
    fn exp(&self, at: &Spd, x: &DMatrix<f64>) -> Result<Spd> {
        self.preimage(&self.base.exp(&self.image(at)?, &self.push(at, x)?)?)
    }

    /// (Df_Σ)⁻¹(Log_{f(Σ)} f(Λ)).
    fn log(&self, at: &Spd, to: &Spd) -> Result<DMatrix<f64>> {
        check_pair(at, to)?;
        self.pull(at, &self.base.log(&self.image(at)?, &self.image(to)?)?)
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
        self.pull(to, &moved)
    }

    /// (Df)⁻¹(Γ(Df X, Df Y) + D²f\[X, Y\]).
    fn christoffel(&self, at: &Spd, x: &DMatrix<f64>, y: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        let base = self
            .base
            .christoffel(&self.image(at)?, &self.push(at, x)?, &self.push(at, y)?)?;
        let (x, y) = (checked_tangent(at, x)?, checked_tangent(at, y)?);
        self.pull(at, &(base + frechet2(self.function(), at.eigen(), &x, &y)))
    }

    /// c² times that of the base.
    fn sectional(&self, at: &Spd, x: &DMatrix<f64>, y: &DMatrix<f64>) -> Result<Option<f64>> {
        let base = self
            .base
            .sectional(&self.image(at)?, &self.push(at, x)?, &self.push(at, y)?)?;
        Ok(base.map(|curvature| curvature * self.scale * self.scale))
    }

    /// f⁻¹ of the mean of the images.
    fn mean(&self, batch: &SpdBatch, weights: Option<&[f64]>, options: &MeanOptions) -> Result<MeanReport> {
        let base = self.base.mean(&self.images(batch)?, weights, options)?;
        Ok(MeanReport {
            certified_error: base.certified_error.map(|error| error / self.scale),
            ..base.try_map(|mean| self.preimage(&mean))?
        })
    }

    /// f⁻¹ of the median of the images.
    fn median(&self, batch: &SpdBatch, weights: Option<&[f64]>, options: &MeanOptions) -> Result<MeanReport> {
        self.base
            .median(&self.images(batch)?, weights, options)?
            .try_map(|median| self.preimage(&median))
    }

    fn distance_semidefinite(&self, a: &Psd, b: &Psd) -> Result<f64> {
        let (a, b) = (self.psd_image(a)?, self.psd_image(b)?);
        Ok(self.base.distance_semidefinite(&a, &b)? / self.scale)
    }

    fn geodesic_semidefinite(&self, a: &Psd, b: &Psd, t: f64) -> Result<Psd> {
        let (a, b) = (self.psd_image(a)?, self.psd_image(b)?);
        self.base.geodesic_semidefinite(&a, &b, t)?.power(self.power.recip())
    }

    fn mean_semidefinite(
        &self,
        points: &[Psd],
        weights: Option<&[f64]>,
        options: &MeanOptions,
    ) -> Result<MeanReport<Psd>> {
        let images = points
            .iter()
            .map(|point| self.psd_image(point))
            .collect::<Result<Vec<_>>>()?;
        self.base
            .mean_semidefinite(&images, weights, options)?
            .try_map(|mean| mean.power(self.power.recip()))
    }

    fn exp_domain(&self, at: &Spd, x: &DMatrix<f64>) -> Result<(f64, f64)> {
        self.base.exp_domain(&self.image(at)?, &self.push(at, x)?)
    }

    /// That of the base at f(Σ), divided by c.
    fn injectivity_radius(&self, at: &Spd) -> Option<f64> {
        Some(self.base.injectivity_radius(&self.image(at).ok()?)? / self.scale)
    }

    fn is_complete(&self) -> bool {
        self.base.is_complete()
    }
}
