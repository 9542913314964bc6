//! The mixed-power-Euclidean metrics, with Bogoliubov–Kubo–Mori among them.

use crate::error::{Error, Result};
use crate::kernel::{ExtendedKernel, Kernel, PowerPair};
use crate::metric::{Metric, TraceTerm};
use crate::spd::Spd;

/// Mixed-power-Euclidean metric MPE(a, b): g_Σ(X, Y) = tr(D f_a(Σ)\[X\] D f_b(Σ)\[Y\]), f_a(x) = xᵃ/a (log x for a = 0)
/// (Thanwerdas and Pennec 2019).
///
/// φ(x, y) = ab(x − y)²/((xᵃ − yᵃ)(xᵇ − yᵇ)). MPE(1, 1) is Euclidean, MPE(0, 0) log-Euclidean, MPE(1, −1)
/// affine-invariant, MPE(1, 0) Bogoliubov–Kubo–Mori, MPE(p, p) power-Euclidean, MPE(p, −p) power-affine. Complete iff
/// a + b = 0. Geodesics have no closed form in general and are integrated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MixedPowerEuclidean {
    powers: PowerPair,
}

impl MixedPowerEuclidean {
    /// MPE(a, b).
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] when a or b is not finite.
    pub fn try_new(a: f64, b: f64) -> Result<Self> {
        for (name, value) in [("a", a), ("b", b)] {
            if !value.is_finite() {
                return Err(Error::InvalidParameter {
                    name,
                    value,
                    reason: "must be finite",
                });
            }
        }
        Ok(Self {
            powers: PowerPair { a, b },
        })
    }

    /// The Bogoliubov–Kubo–Mori metric MPE(1, 0): φ is the logarithmic mean, G(X) = D log_Σ X, and
    /// g_Σ(X, Y) = ∫₀^∞ tr(X(Σ + t)⁻¹ Y(Σ + t)⁻¹) dt, the Hessian of the von Neumann entropy.
    ///
    /// ```
    /// use hadamard_geometry::{Metric, Spd, metrics::MixedPowerEuclidean};
    /// use nalgebra::dmatrix;
    ///
    /// // Between commuting matrices d(A, B) = 2 ‖√A − √B‖.
    /// let a = Spd::try_new(dmatrix![4.0, 0.0; 0.0, 1.0])?;
    /// let b = Spd::try_new(dmatrix![1.0, 0.0; 0.0, 1.0])?;
    /// let d = MixedPowerEuclidean::bogoliubov_kubo_mori().distance(&a, &b)?;
    /// assert!((d - 2.0).abs() < 1e-11);
    /// # Ok::<(), hadamard_geometry::Error>(())
    /// ```
    pub fn bogoliubov_kubo_mori() -> Self {
        Self {
            powers: PowerPair { a: 1.0, b: 0.0 },
        }
    }
}

impl Kernel for MixedPowerEuclidean {
    fn phi(&self, x: f64, y: f64) -> f64 {
        self.powers.phi(x, y)
    }

    fn degree(&self) -> Option<f64> {
        self.powers.degree()
    }

    fn phi_difference(&self, x1: f64, x2: f64, y: f64) -> f64 {
        self.powers.phi_difference(x1, x2, y)
    }

    fn theta_difference(&self, x1: f64, x2: f64, y: f64) -> f64 {
        self.powers.theta_difference(x1, x2, y)
    }

    fn theta_second_difference(&self, x1: f64, x2: f64, x3: f64, y: f64) -> f64 {
        self.powers.theta_second_difference(x1, x2, x3, y)
    }

    fn theta_mixed_difference(&self, x1: f64, x2: f64, y1: f64, y2: f64) -> f64 {
        self.powers.theta_mixed_difference(x1, x2, y1, y2)
    }
}

impl Metric for MixedPowerEuclidean {
    fn name(&self) -> String {
        let PowerPair { a, b } = self.powers;
        if (a, b) == (1.0, 0.0) {
            "Bogoliubov-Kubo-Mori".into()
        } else {
            format!("mixed-power-Euclidean({a}, {b})")
        }
    }

    fn extended_kernel(&self) -> Option<ExtendedKernel<'_>> {
        Some(ExtendedKernel::new(self, TraceTerm::default()))
    }

    fn injectivity_radius(&self, _at: &Spd) -> Option<f64> {
        None
    }

    fn is_complete(&self) -> bool {
        self.powers.a + self.powers.b == 0.0
    }
}
