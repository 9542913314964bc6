//! Pull-backs by powers: the deformation family of a metric.

use nalgebra::DMatrix;

use super::pullback::{Diffeomorphism, PullBack};
use crate::eigen::SymmetricEigen;
use crate::error::{Error, Result};
use crate::kernel::{ExtendedKernel, Kernel};
use crate::matrix_functions::ScalarFunction;
use crate::matrix_functions::derivative::{frechet, frechet_inverse, frechet2};
use crate::metric::{Metric, TraceTerm, checked_tangent, in_range};
use crate::psd::Psd;
use crate::spd::Spd;

/// The deformed metric (1/c²) f*g of a base metric g, f(Σ) = Σ^p.
///
/// φ^f(x, y) = c² φ(x^p, y^p)/f\[x, y\]². The named families are [`PowerEuclidean`](super::PowerEuclidean),
/// [`PowerAffine`](super::PowerAffine) and [`AlphaProcrustes`](super::AlphaProcrustes). As p → 0 every one of them tends
/// to the log-Euclidean metric (Hiai and Petz 2012).
pub type Deformed<M> = PullBack<M, Power>;

/// The map Σ ↦ Σ^p of a [`Deformed`] metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Power(pub(super) f64);

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
            map: Power(power),
            scale,
            label,
        })
    }

    /// The power p.
    pub fn power(&self) -> f64 {
        self.map.0
    }

    fn function(&self) -> ScalarFunction {
        ScalarFunction::Pow(self.power())
    }

    fn extended(&self) -> ExtendedKernel<'_> {
        let base = self.base.extended_kernel();
        ExtendedKernel::new(self, base.map_or_else(TraceTerm::default, |base| base.trace_term()))
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
        self.base.degree().map(|theta| 2.0 + self.power() * (theta - 2.0))
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

impl<M: Metric + Kernel> Diffeomorphism for Deformed<M> {
    fn image(&self, at: &Spd) -> Result<Spd> {
        image(at, self.power())
    }

    fn preimage(&self, image_point: &Spd) -> Result<Spd> {
        image(image_point, self.power().recip())
    }

    /// For positive powers.
    fn psd_image(&self, point: &Psd) -> Result<Psd> {
        if self.power() > 0.0 {
            return point.power(self.power());
        }
        Err(Error::Unsupported {
            metric: self.label.clone(),
            operation: "extension to singular matrices",
        })
    }

    fn psd_preimage(&self, image: &Psd) -> Result<Psd> {
        image.power(self.power().recip())
    }

    fn push(&self, at: &Spd, x: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        in_range(
            "derivative of the power",
            frechet(self.function(), at.eigen(), &checked_tangent(at, x)?),
        )
    }

    fn pull(&self, at: &Spd, x: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        in_range("tangent vector", frechet_inverse(self.function(), at.eigen(), x))
    }

    fn second_derivative(&self, at: &Spd, x: &DMatrix<f64>, y: &DMatrix<f64>) -> DMatrix<f64> {
        frechet2(self.function(), at.eigen(), x, y)
    }

    fn kernel(&self) -> Option<ExtendedKernel<'_>> {
        Some(self.extended())
    }

    fn lower(&self, at: &Spd, x: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        self.extended().flat(at, x)
    }

    fn raise(&self, at: &Spd, p: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        self.extended().sharp(at, p)
    }
}
