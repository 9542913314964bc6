//! Pull-backs of metrics: everything is that of the base at the image of a map, brought back.

use std::fmt::Debug;

use nalgebra::DMatrix;
use rayon::prelude::*;

use crate::batch::SpdBatch;
use crate::error::Result;
use crate::kernel::ExtendedKernel;
use crate::mean::{MeanOptions, MeanReport};
use crate::metric::{Metric, check_pair, checked_tangent, number};
use crate::psd::Psd;
use crate::spd::Spd;

/// The pull-back (1/c²) f*g of a base metric g by a diffeomorphism f of SPD(n) of the kind `F`: everything is that of the
/// base at f(Σ), brought back.
///
/// By powers it is [`Deformed`](super::Deformed), by congruences [`Congruent`](super::Congruent).
#[derive(Debug, Clone, PartialEq)]
pub struct PullBack<M, F> {
    pub(super) base: M,
    pub(super) map: F,
    /// c.
    pub(super) scale: f64,
    pub(super) label: String,
}

impl<M, F> PullBack<M, F> {
    /// The base metric g.
    pub fn base(&self) -> &M {
        &self.base
    }
}

/// A pull-back as its map f has it; all else of [`Metric`] follows.
pub(super) trait Diffeomorphism: Debug + Send + Sync {
    /// f(Σ).
    fn image(&self, at: &Spd) -> Result<Spd>;
    /// f⁻¹(Σ).
    fn preimage(&self, image: &Spd) -> Result<Spd>;
    /// f of a matrix that may be singular.
    fn psd_image(&self, point: &Psd) -> Result<Psd>;
    /// f⁻¹ of one.
    fn psd_preimage(&self, image: &Psd) -> Result<Psd>;
    /// Df_Σ\[X\], after the checks of a tangent vector.
    fn push(&self, at: &Spd, x: &DMatrix<f64>) -> Result<DMatrix<f64>>;
    /// (Df_Σ)⁻¹\[X\].
    fn pull(&self, at: &Spd, x: &DMatrix<f64>) -> Result<DMatrix<f64>>;
    /// D²f_Σ\[X, Y\] of checked vectors: zero for a linear map.
    fn second_derivative(&self, at: &Spd, _x: &DMatrix<f64>, _y: &DMatrix<f64>) -> DMatrix<f64> {
        DMatrix::zeros(at.order(), at.order())
    }
    /// The kernel of the pull-back, if it is O(n)-invariant.
    fn kernel(&self) -> Option<ExtendedKernel<'_>> {
        None
    }
    /// G(X) of the pull-back: by its kernel, or the adjoint of Df after that of g.
    fn lower(&self, at: &Spd, x: &DMatrix<f64>) -> Result<DMatrix<f64>>;
    /// G⁻¹(p) of the pull-back.
    fn raise(&self, at: &Spd, p: &DMatrix<f64>) -> Result<DMatrix<f64>>;
}

impl<M: Metric, F> Metric for PullBack<M, F>
where
    Self: Diffeomorphism,
{
    fn name(&self) -> String {
        self.label.clone()
    }

    fn extended_kernel(&self) -> Option<ExtendedKernel<'_>> {
        self.kernel()
    }

    /// By the kernel, where there is one: through Df the small eigenvalues would meet the rounding of the large ones.
    fn inner(&self, at: &Spd, x: &DMatrix<f64>, y: &DMatrix<f64>) -> Result<f64> {
        if let Some(kernel) = self.kernel() {
            return kernel.inner(at, x, y);
        }
        let (image, x, y) = (self.image(at)?, self.push(at, x)?, self.push(at, y)?);
        let inner = self.base.inner(&image, &x, &y)?;
        number("inner product", inner / self.scale / self.scale)
    }

    fn flat(&self, at: &Spd, x: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        self.lower(at, x)
    }

    fn sharp(&self, at: &Spd, p: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        self.raise(at, p)
    }

    fn distance(&self, a: &Spd, b: &Spd) -> Result<f64> {
        check_pair(a, b)?;
        let distance = self.base.distance(&self.image(a)?, &self.image(b)?)?;
        number("distance", distance / self.scale)
    }

    /// As accurate as those of the base.
    fn pairwise_points(&self, points: &[Spd]) -> Result<DMatrix<f64>> {
        let images: Vec<Result<Spd>> = points.par_iter().map(|point| self.image(point)).collect();
        // The error is that of the first point that has one, whatever the threads do.
        let images = images.into_iter().collect::<Result<Vec<_>>>()?;
        Ok(self.base.pairwise_points(&images)? / self.scale)
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
        let (start, end) = (self.image(from)?, self.image(to)?);
        self.pull(to, &self.base.transport(&start, &end, &self.push(from, v)?)?)
    }

    /// (Df)⁻¹(Γ(Df X, Df Y) + D²f\[X, Y\]).
    fn christoffel(&self, at: &Spd, x: &DMatrix<f64>, y: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        let (image, u, v) = (self.image(at)?, self.push(at, x)?, self.push(at, y)?);
        let base = self.base.christoffel(&image, &u, &v)?;
        let (x, y) = (checked_tangent(at, x)?, checked_tangent(at, y)?);
        self.pull(at, &(base + self.second_derivative(at, &x, &y)))
    }

    /// c² times that of the base.
    fn sectional(&self, at: &Spd, x: &DMatrix<f64>, y: &DMatrix<f64>) -> Result<Option<f64>> {
        let (image, x, y) = (self.image(at)?, self.push(at, x)?, self.push(at, y)?);
        let base = self.base.sectional(&image, &x, &y)?;
        Ok(base.map(|curvature| curvature * self.scale * self.scale))
    }

    /// As the inner product.
    fn whiten(&self, at: &Spd, x: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        match self.kernel() {
            Some(kernel) => kernel.whiten(at, x),
            None => Ok(self.base.whiten(&self.image(at)?, &self.push(at, x)?)? / self.scale),
        }
    }

    fn unwhiten(&self, at: &Spd, white: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        match self.kernel() {
            Some(kernel) => kernel.unwhiten(at, white),
            None => self.pull(at, &(self.base.unwhiten(&self.image(at)?, white)? * self.scale)),
        }
    }

    /// f⁻¹ of the mean of the images.
    fn mean(&self, batch: &SpdBatch, weights: Option<&[f64]>, options: &MeanOptions) -> Result<MeanReport> {
        let images = batch.try_map(|point| self.image(point))?;
        let mut base = self.base.mean(&images, weights, options)?;
        base.certified_error = base.certified_error.map(|error| error / self.scale);
        base.try_map(|mean| self.preimage(&mean))
    }

    /// f⁻¹ of the median of the images.
    fn median(&self, batch: &SpdBatch, weights: Option<&[f64]>, options: &MeanOptions) -> Result<MeanReport> {
        let images = batch.try_map(|point| self.image(point))?;
        let base = self.base.median(&images, weights, options)?;
        base.try_map(|median| self.preimage(&median))
    }

    fn distance_semidefinite(&self, a: &Psd, b: &Psd) -> Result<f64> {
        let (a, b) = (self.psd_image(a)?, self.psd_image(b)?);
        Ok(self.base.distance_semidefinite(&a, &b)? / self.scale)
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
        if let Some(kernel) = self.kernel() {
            return kernel.distance_bounds(a, b);
        }
        check_pair(a, b)?;
        let (lower, upper) = self.base.distance_bounds(&self.image(a)?, &self.image(b)?)?;
        Ok((lower / self.scale, upper / self.scale))
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
