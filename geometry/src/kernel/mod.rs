//! Extended kernel metrics: one function φ(x, y) of two eigenvalues gives a metric, its connection, geodesics and
//! curvature.
//!
//! In the eigenbasis of Σ = P diag(d) Pᵀ, with X' = PᵀXP,
//!
//! ```text
//! g_Σ(X, Y) = α Σ_ij X'_ij Y'_ij / φ(d_i, d_j) + β τ(X) τ(Y),   τ(X) = Σ_i X'_ii / √φ(d_i, d_i).
//! ```
//!
//! The classes, from outer to inner (Hiai and Petz 2009; Thanwerdas and Pennec 2023):
//!
//! | class | condition | here |
//! |---|---|---|
//! | extended kernel | φ symmetric and positive | [`KernelMetric`] with a [`TraceTerm`](crate::metric::TraceTerm) |
//! | kernel | β = 0 | [`KernelMetric::new`] |
//! | mean kernel | φ = a m^θ for a mean m | [`Kernel::degree`] is θ; [`check_kernel`](crate::check::check_kernel) tells whether m is a mean |
//!
//! A mean kernel metric is complete iff θ = 2; the trace term changes nothing in that. The cometric of a kernel metric
//! is the kernel metric of 1/φ, and φ₁ ≤ φ₂ everywhere implies d₁ ≥ d₂.

mod chart;
mod commuting;
mod flow;
mod frame;
pub(crate) mod integrator;
mod interpolation;
mod invariant;
mod kernel_metric;
mod power_pair;
mod shooting;

pub use invariant::ExtendedKernel;
pub(crate) use invariant::area_squared;
pub use kernel_metric::KernelMetric;
pub(crate) use power_pair::PowerPair;

use std::fmt::Debug;

/// A kernel φ: (0, ∞)² → (0, ∞), smooth and symmetric. [`phi`](Self::phi) alone makes a metric; the differences have
/// defaults by Chebyshev interpolation (near arguments) and quotients (far ones), good to about 12 digits. Kernels
/// with closed forms override them for speed and the last digits.
///
/// ```
/// use hadamard_geometry::kernel::{Kernel, KernelMetric};
/// use hadamard_geometry::{Metric, Spd};
/// use nalgebra::dmatrix;
///
/// /// φ = ((x + y)/2)²: the mean kernel metric of the arithmetic mean with θ = 2.
/// #[derive(Debug)]
/// struct Arithmetic2;
/// impl Kernel for Arithmetic2 {
///     fn phi(&self, x: f64, y: f64) -> f64 {
///         (0.5 * (x + y)).powi(2)
///     }
///     fn degree(&self) -> Option<f64> {
///         Some(2.0)
///     }
/// }
///
/// let metric = KernelMetric::new(Arithmetic2);
/// let a = Spd::try_new(dmatrix![2.0, 0.5; 0.5, 1.0])?;
/// let b = Spd::try_new(dmatrix![1.0, -0.2; -0.2, 3.0])?;
/// let x = metric.log(&a, &b)?;
/// assert!((metric.exp(&a, &x)?.matrix() - b.matrix()).norm() < 1e-10);
/// # Ok::<(), hadamard_geometry::Error>(())
/// ```
pub trait Kernel: Debug + Send + Sync {
    /// φ(x, y).
    fn phi(&self, x: f64, y: f64) -> f64;

    /// θ when φ(λx, λy) = λ^θ φ(x, y) and φ^{1/θ} is a mean up to a constant; `None` otherwise.
    fn degree(&self) -> Option<f64> {
        None
    }

    /// φ[x₁, x₂; y] = (φ(x₁, y) − φ(x₂, y))/(x₁ − x₂), and ∂₁φ where x₁ = x₂.
    fn phi_difference(&self, x1: f64, x2: f64, y: f64) -> f64 {
        interpolation::divided1(|x| self.phi(x, y), x1, x2)
    }

    /// θ[x₁, x₂; y] for θ = 1/φ.
    fn theta_difference(&self, x1: f64, x2: f64, y: f64) -> f64 {
        -(self.phi_difference(x1, x2, y) / self.phi(x1, y)) / self.phi(x2, y)
    }

    /// θ[x₁, x₂, x₃; y], needed for curvature.
    fn theta_second_difference(&self, x1: f64, x2: f64, x3: f64, y: f64) -> f64 {
        interpolation::divided2(
            |x| self.phi(x, y).recip(),
            |a, b| self.theta_difference(a, b, y),
            x1,
            x2,
            x3,
        )
    }

    /// θ[x₁, x₂; y₁, y₂], needed for curvature.
    fn theta_mixed_difference(&self, x1: f64, x2: f64, y1: f64, y2: f64) -> f64 {
        interpolation::divided1(|x| self.theta_difference(y1, y2, x), x1, x2)
    }
}

impl<K: Kernel + ?Sized> Kernel for &K {
    fn phi(&self, x: f64, y: f64) -> f64 {
        (**self).phi(x, y)
    }
    fn degree(&self) -> Option<f64> {
        (**self).degree()
    }
    fn phi_difference(&self, x1: f64, x2: f64, y: f64) -> f64 {
        (**self).phi_difference(x1, x2, y)
    }
    fn theta_difference(&self, x1: f64, x2: f64, y: f64) -> f64 {
        (**self).theta_difference(x1, x2, y)
    }
    fn theta_second_difference(&self, x1: f64, x2: f64, x3: f64, y: f64) -> f64 {
        (**self).theta_second_difference(x1, x2, x3, y)
    }
    fn theta_mixed_difference(&self, x1: f64, x2: f64, y1: f64, y2: f64) -> f64 {
        (**self).theta_mixed_difference(x1, x2, y1, y2)
    }
}
