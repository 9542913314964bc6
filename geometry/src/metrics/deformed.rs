//! Pull-backs by powers: the deformation family of a metric.

use nalgebra::DMatrix;

use crate::batch::SpdBatch;
use crate::eigen::SymmetricEigen;
use crate::error::{Error, Result};
use crate::kernel::{ExtendedKernel, Kernel};
use crate::matrix_functions::{ScalarFunction, frechet, frechet_inverse, frechet2};
use crate::mean::{MeanOptions, MeanReport};
use crate::metric::{Metric, TraceTerm, check_pair, checked_tangent, number};
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

    /// f⁻¹(Σ).
    fn preimage(&self, image_point: &Spd) -> Result<Spd> {
        image(image_point, self.power.recip())
    }

    /// Df_Σ\[X\].
    fn push(&self, at: &Spd, x: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        Ok(frechet(self.function(), at.eigen(), &checked_tangent(at, x)?))
    }

    /// (Df_Σ)⁻¹\[X\].
    fn pull(&self, at: &Spd, x: &DMatrix<f64>) -> DMatrix<f64> {
        frechet_inverse(self.function(), at.eigen(), x)
    }
}

/// Σ^p with its eigendecomposition and a Cholesky factor that does not suffer from the condition of Σ^p.
fn image(at: &Spd, power: f64) -> Result<Spd> {
    let f = ScalarFunction::Pow(power);
    Spd::from_eigen(SymmetricEigen {
        values: at.eigenvalues().map(|d| f.value(d)),
        vectors: at.eigen().vectors.clone(),
    })
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
        Ok(self.base.distance(&self.image(a)?, &self.image(b)?)? / self.scale)
    }

    /// f⁻¹(Exp_{f(Σ)}(Df_Σ X)).
    fn exp(&self, at: &Spd, x: &DMatrix<f64>) -> Result<Spd> {
        self.preimage(&self.base.exp(&self.image(at)?, &self.push(at, x)?)?)
    }

    /// (Df_Σ)⁻¹(Log_{f(Σ)} f(Λ)).
    fn log(&self, at: &Spd, to: &Spd) -> Result<DMatrix<f64>> {
        check_pair(at, to)?;
        Ok(self.pull(at, &self.base.log(&self.image(at)?, &self.image(to)?)?))
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
        Ok(self.pull(to, &moved))
    }

    /// (Df)⁻¹(Γ(Df X, Df Y) + D²f\[X, Y\]).
    fn christoffel(&self, at: &Spd, x: &DMatrix<f64>, y: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        let base = self
            .base
            .christoffel(&self.image(at)?, &self.push(at, x)?, &self.push(at, y)?)?;
        let (x, y) = (checked_tangent(at, x)?, checked_tangent(at, y)?);
        Ok(self.pull(at, &(base + frechet2(self.function(), at.eigen(), &x, &y))))
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
        let mut images = Vec::with_capacity(batch.as_slice().len());
        for index in 0..batch.len() {
            images.extend_from_slice(self.image(&batch.get(index))?.matrix().as_slice());
        }
        let images = SpdBatch::try_from_vec(batch.order(), images)?;
        let base = self.base.mean(&images, weights, options)?;
        Ok(MeanReport {
            mean: self.preimage(&base.mean)?,
            certified_error: base.certified_error.map(|error| error / self.scale),
            ..base
        })
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
