//! Checks that hold a kernel or a metric, the library's or a user's own, to the laws of its class.

use std::cmp::Ordering;

use nalgebra::DMatrix;

use crate::error::{Error, Result};
use crate::kernel::Kernel;
use crate::metric::{Metric, check_pair};
use crate::spd::Spd;

/// The innermost class whose requirements a kernel fulfilled on the sampled points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum KernelClass {
    /// Not symmetric, or not positive: no metric.
    None,
    /// Symmetric and positive.
    Kernel,
    /// φ = a m^θ for a mean m: complete iff θ = 2.
    MeanKernel {
        /// a = φ(1, 1).
        scale: f64,
        /// θ.
        degree: f64,
    },
}

/// What [`check_kernel`] found; all errors are relative, and the largest over the sampled points.
#[derive(Debug, Clone, PartialEq)]
pub struct KernelReport {
    /// |φ(x, y) − φ(y, x)|.
    pub asymmetry: f64,
    /// Whether all values were positive and finite.
    pub positive: bool,
    /// |φ(λx, λy) − λ^θ φ(x, y)| for the θ fitted to the values.
    pub inhomogeneity: f64,
    /// Excess of m = (φ/a)^{1/θ} over max(x, y), or of min(x, y) over m.
    pub mean_violation: f64,
    /// Decrease of m where an argument grows.
    pub monotonicity_violation: f64,
    /// Difference of [`Kernel::phi_difference`] from the quotient of differences at points far apart.
    pub difference_error: f64,
    /// Jump of φ across the diagonal x = y.
    pub diagonal_jump: f64,
    /// The class that follows.
    pub class: KernelClass,
}

/// Largest relative error that counts as rounding: some hundred operations.
const ROUNDING: f64 = 1e-11;

/// Holds a kernel to the requirements of its class on all pairs of `points`.
///
/// Sampling cannot prove a requirement, only refute it.
///
/// # Errors
/// [`Error::Empty`] for fewer than two points, [`Error::InvalidParameter`] for one that is not positive and finite.
///
/// ```
/// use hadamard_geometry::check::{KernelClass, check_kernel};
/// use hadamard_geometry::metrics::{AffineInvariant, PowerAffine};
///
/// let points = [1e-3, 0.1, 0.9, 1.0, 1.1, 7.0, 400.0];
/// let report = check_kernel(&AffineInvariant::default(), &points)?;
/// assert_eq!(report.class, KernelClass::MeanKernel { scale: 1.0, degree: 2.0 });
/// // Power-affine metrics are mean kernel metrics for |p| ≤ 2 only.
/// assert_eq!(check_kernel(&PowerAffine::try_new(3.0)?, &points)?.class, KernelClass::Kernel);
/// # Ok::<(), hadamard_geometry::Error>(())
/// ```
pub fn check_kernel(kernel: &dyn Kernel, points: &[f64]) -> Result<KernelReport> {
    let points = sorted(points)?;
    let phi = |x: f64, y: f64| kernel.phi(x, y);
    let scale = phi(1.0, 1.0);
    // θ from the diagonal over the widest range.
    let (low, high) = (points[0], points[points.len() - 1]);
    let fitted = (phi(high, high) / phi(low, low)).ln() / (high / low).ln();
    let degree = if (fitted - fitted.round()).abs() < ROUNDING {
        fitted.round()
    } else {
        fitted
    };
    let mean = |x: f64, y: f64| (phi(x, y) / scale).powf(degree.recip());
    let mut report = KernelReport {
        asymmetry: 0.0,
        positive: true,
        inhomogeneity: 0.0,
        mean_violation: 0.0,
        monotonicity_violation: 0.0,
        difference_error: 0.0,
        diagonal_jump: 0.0,
        class: KernelClass::None,
    };
    for &y in &points {
        let close = y * (1.0 + 1e-12);
        // φ changes by at most |θ| 1e-12 between neighbours.
        let jump = (phi(close, y) / phi(y, y) - 1.0).abs() - 1e-12 * (degree.abs() + 1.0);
        grow(&mut report.diagonal_jump, jump);
        for (other, &x) in points.iter().enumerate() {
            let value = phi(x, y);
            report.positive &= value > 0.0 && value.is_finite();
            grow(&mut report.asymmetry, (value / phi(y, x) - 1.0).abs());
            for factor in [0.125, 3.0, 1e4] {
                let scaled = phi(factor * x, factor * y) / factor.powf(degree);
                grow(&mut report.inhomogeneity, (scaled / value - 1.0).abs());
            }
            if degree == 0.0 {
                // The zeroth power of a mean is constant.
                grow(&mut report.mean_violation, (value / scale - 1.0).abs());
            } else {
                let m = mean(x, y);
                grow(&mut report.mean_violation, (m / x.max(y) - 1.0).max(1.0 - m / x.min(y)));
            }
            if other + 1 < points.len() {
                let next = points[other + 1];
                if degree != 0.0 {
                    grow(&mut report.monotonicity_violation, 1.0 - mean(next, y) / mean(x, y));
                }
                if next > 1.5 * x {
                    let quotient = (phi(next, y) - value) / (next - x);
                    let size = (phi(next, y).abs() + value.abs()) / (next - x);
                    grow(
                        &mut report.difference_error,
                        (kernel.phi_difference(x, next, y) - quotient).abs() / size,
                    );
                }
            }
        }
    }
    let fine = |error: f64| error <= ROUNDING;
    report.class = if !report.positive || !fine(report.asymmetry) {
        KernelClass::None
    } else if fine(report.inhomogeneity) && fine(report.mean_violation) && fine(report.monotonicity_violation) {
        KernelClass::MeanKernel { scale, degree }
    } else {
        KernelClass::Kernel
    };
    Ok(report)
}

/// max that keeps NaN, so that a kernel which is not a number fails.
fn grow(worst: &mut f64, error: f64) {
    if error.is_nan() || error > *worst {
        *worst = error;
    }
}

/// The comparison theorem on sampled points: φ₁ ≤ φ₂ everywhere implies g₁ ≥ g₂ and d₁ ≥ d₂.
///
/// `Some(Less)` means φ₁ ≤ φ₂ on all pairs (so d₁ ≥ d₂), `Some(Equal)` equality to rounding, `None` neither order.
///
/// # Errors
/// As [`check_kernel`].
///
/// ```
/// use std::cmp::Ordering;
/// use hadamard_geometry::check::compare_kernels;
/// use hadamard_geometry::metrics::{AffineInvariant, LogEuclidean};
///
/// // Geometric mean ≤ logarithmic mean, so d_AI ≥ d_LE.
/// let points = [0.01, 0.5, 1.0, 30.0];
/// let order = compare_kernels(&AffineInvariant::default(), &LogEuclidean::default(), &points)?;
/// assert_eq!(order, Some(Ordering::Less));
/// # Ok::<(), hadamard_geometry::Error>(())
/// ```
pub fn compare_kernels(first: &dyn Kernel, second: &dyn Kernel, points: &[f64]) -> Result<Option<Ordering>> {
    let points = sorted(points)?;
    let (mut less, mut greater) = (true, true);
    for &x in &points {
        for &y in &points {
            let ratio = first.phi(x, y) / second.phi(x, y);
            less &= ratio <= 1.0 + ROUNDING;
            greater &= ratio >= 1.0 - ROUNDING;
        }
    }
    Ok(match (less, greater) {
        (true, true) => Some(Ordering::Equal),
        (true, false) => Some(Ordering::Less),
        (false, true) => Some(Ordering::Greater),
        (false, false) => None,
    })
}

fn sorted(points: &[f64]) -> Result<Vec<f64>> {
    if points.len() < 2 {
        return Err(Error::Empty {
            what: "list of points after the first",
        });
    }
    if let Some(&value) = points.iter().find(|x| !(**x > 0.0 && x.is_finite())) {
        return Err(Error::InvalidParameter {
            name: "points",
            value,
            reason: "must be positive and finite",
        });
    }
    let mut points = points.to_vec();
    points.sort_unstable_by(f64::total_cmp);
    points.dedup();
    Ok(points)
}

/// One law of Riemannian metrics and by how much it was missed, relative to the sizes involved.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Law {
    /// Which law.
    pub name: &'static str,
    /// Relative error.
    pub error: f64,
}

/// Holds a metric to the laws that tie its operations together, at two points and two tangent vectors of the first.
///
/// Rounding makes errors of about n ε κ with the larger condition number κ; integrated metrics add their tolerance.
///
/// # Errors
/// Those of the metric's operations.
///
/// ```
/// use hadamard_geometry::{Spd, check::check_metric, metrics::BuresWasserstein};
/// use nalgebra::dmatrix;
///
/// let a = Spd::try_new(dmatrix![2.0, 0.5; 0.5, 1.0])?;
/// let b = Spd::try_new(dmatrix![1.0, -0.2; -0.2, 3.0])?;
/// let (x, y) = (dmatrix![1.0, 0.3; 0.3, -0.5], dmatrix![0.0, 1.0; 1.0, 0.2]);
/// for law in check_metric(&BuresWasserstein, &a, &b, &x, &y)? {
///     assert!(law.error < 1e-11, "{law:?}");
/// }
/// # Ok::<(), hadamard_geometry::Error>(())
/// ```
pub fn check_metric(metric: &dyn Metric, a: &Spd, b: &Spd, x: &DMatrix<f64>, y: &DMatrix<f64>) -> Result<Vec<Law>> {
    check_pair(a, b)?;
    let mut laws = Vec::new();
    let mut law = |name, error: f64| laws.push(Law { name, error });
    let (nx, ny) = (metric.norm(a, x)?, metric.norm(a, y)?);
    let xy = metric.inner(a, x, y)?;
    law(
        "inner is symmetric",
        ratio((xy - metric.inner(a, y, x)?).abs(), nx * ny),
    );
    law("Cauchy-Schwarz", ratio((xy.abs() - nx * ny).max(0.0), nx * ny));
    let sum = metric.inner(a, &(x * 2.0 + y), y)?;
    law(
        "inner is linear",
        ratio((sum - 2.0 * xy - ny * ny).abs(), nx * ny + ny * ny),
    );
    let p = metric.flat(a, x)?;
    law(
        "tr(G(X) Y) = g(X, Y)",
        ratio((p.dot(y) - xy).abs(), p.norm() * y.norm()),
    );
    law("G⁻¹ G = id", ratio(metric.norm(a, &(metric.sharp(a, &p)? - x))?, nx));
    law(
        "cometric of G(X) = norm of X",
        ratio((metric.cometric(a, &p, &p)? - nx * nx).abs(), nx * nx),
    );
    let white = metric.whiten(a, x)?;
    law("whitening is isometric", ratio((white.norm() - nx).abs(), nx));
    law(
        "whitening is invertible",
        ratio(metric.norm(a, &(metric.unwhiten(a, &white)? - x))?, nx),
    );
    let gamma = metric.christoffel(a, x, y)?;
    law(
        "connection is symmetric",
        ratio((&gamma - metric.christoffel(a, y, x)?).norm(), gamma.norm()),
    );
    let d = metric.distance(a, b)?;
    // Nearly equal points: rounding of the points themselves is what distances can be held to.
    let reach = d + metric.norm(a, a.matrix())? + metric.norm(b, b.matrix())?;
    law(
        "distance is symmetric",
        ratio((d - metric.distance(b, a)?).abs(), reach),
    );
    let log = metric.log(a, b)?;
    law(
        "distance is the norm of the logarithm",
        ratio((metric.norm(a, &log)? - d).abs(), reach),
    );
    law(
        "exp of log",
        ratio((metric.exp(a, &log)?.matrix() - b.matrix()).norm(), b.matrix().norm()),
    );
    let middle = metric.geodesic(a, b, 0.5)?;
    law(
        "the midpoint halves the distance",
        ratio((metric.distance(a, &middle)? - 0.5 * d).abs(), reach),
    );
    let reverse = metric.geodesic(b, a, 0.5)?;
    law(
        "geodesics are reversible",
        ratio((middle.matrix() - reverse.matrix()).norm(), middle.matrix().norm()),
    );
    let (tx, ty) = (metric.transport(a, b, x)?, metric.transport(a, b, y)?);
    law(
        "transport is isometric",
        ratio((metric.inner(b, &tx, &ty)? - xy).abs(), nx * ny),
    );
    let arrival = metric.transport(a, b, &log)?;
    let back = metric.log(b, a)?;
    law(
        "transport of the velocity",
        ratio(metric.norm(b, &(arrival + &back))?, reach),
    );
    let returned = metric.transport(b, a, &tx)?;
    law("transport and back", ratio(metric.norm(a, &(returned - x))?, nx));
    Ok(laws)
}

/// error/size, and 0 for 0/0.
fn ratio(error: f64, size: f64) -> f64 {
    if error == 0.0 { 0.0 } else { error / size }
}
