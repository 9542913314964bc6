//! The chart in which geodesics between commuting points are straight, and bounds of distances from it.

use nalgebra::{DMatrix, DVector};

use super::ExtendedKernel;
use crate::eigen::{SymmetricEigen, symmetric_eigen};
use crate::error::{Error, Result};
use crate::matrix_functions::{ScalarFunction, to_eigenbasis};
use crate::spd::Spd;
use crate::vech::vech;

/// Largest power of the chart: beyond, the powers of the points are worse conditioned than the points.
const MAX_POWER: f64 = 1.0;

/// The chart of a metric: Σ^r with r = 1 − θ/2, and log Σ for r = 0 or without a degree.
pub(super) fn function(metric: ExtendedKernel<'_>) -> ScalarFunction {
    match metric.exponent() {
        Some(r) if r != 0.0 && r.abs() <= MAX_POWER => ScalarFunction::Pow(r),
        _ => ScalarFunction::Log,
    }
}

/// A point seen in the chart f, with orthonormal coordinates of its tangent vectors.
pub(super) struct Chart {
    f: ScalarFunction,
    eigen: SymmetricEigen,
    /// f(Σ).
    pub image: DMatrix<f64>,
    /// φ(d_i, d_j)^{-1/2}/f[d_i, d_j]: from derivatives of the image to tangent vectors, whitened.
    symbol: DMatrix<f64>,
}

impl Chart {
    pub(super) fn new(metric: ExtendedKernel<'_>, f: ScalarFunction, eigen: SymmetricEigen) -> Result<Self> {
        let d = &eigen.values;
        let kernel = metric.kernel();
        let symbol = DMatrix::from_fn(d.len(), d.len(), |i, j| {
            kernel.phi(d[i], d[j]).sqrt().recip() / f.divided1(d[i], d[j])
        });
        if let Some(&value) = symbol.iter().find(|v| !v.is_finite()) {
            return Err(Error::InvalidParameter {
                name: "kernel",
                value,
                reason: "must be positive and finite at the eigenvalues",
            });
        }
        Ok(Self {
            f,
            image: eigen.map(|d| f.value(d)),
            symbol,
            eigen,
        })
    }

    /// Orthonormal coordinates, in the eigenbasis, of the tangent vector X with Df_Σ[X] = `change`.
    pub(super) fn coordinates(&self, metric: ExtendedKernel<'_>, change: &DMatrix<f64>) -> Result<DVector<f64>> {
        let mut seen = to_eigenbasis(&self.eigen, change);
        seen.component_mul_assign(&self.symbol);
        Ok(vech(&metric.trace_term().frobenius(seen)?))
    }

    /// The point itself.
    pub(super) fn point(&self) -> Result<Spd> {
        Spd::from_eigen(self.eigen.clone())
    }

    /// Length of the straight line to another.
    pub(super) fn length_to(&self, other: &Self, metric: ExtendedKernel<'_>) -> Result<f64> {
        let change = &other.image - &self.image;
        integral(0.0, 1.0, |s| {
            Ok(self.between(other, s, metric)?.coordinates(metric, &change)?.norm())
        })
    }

    /// The point at s of the straight line to another.
    pub(super) fn between(&self, other: &Self, s: f64, metric: ExtendedKernel<'_>) -> Result<Self> {
        let image = symmetric_eigen(&(&self.image * (1.0 - s) + &other.image * s));
        let inverse = |y: f64| match self.f {
            ScalarFunction::Pow(r) => y.powf(r.recip()),
            _ => y.exp(),
        };
        let point = SymmetricEigen {
            values: image.values.map(inverse),
            vectors: image.vectors,
        };
        Self::new(metric, self.f, point)
    }
}

/// Gauss–Legendre nodes and weights on \[−1, 1\].
const GAUSS: [(f64, f64); 5] = [
    (-0.906_179_845_938_664, 0.236_926_885_056_189_1),
    (-0.538_469_310_105_683_1, 0.478_628_670_499_366_5),
    (0.0, 0.568_888_888_888_888_9),
    (0.538_469_310_105_683_1, 0.478_628_670_499_366_5),
    (0.906_179_845_938_664, 0.236_926_885_056_189_1),
];

/// Relative change at which a quadrature ends.
const QUADRATURE: f64 = 1e-11;

/// ∫ f over \[a, b\] in equal panels, twice as many until nothing changes any more.
fn integral(a: f64, b: f64, mut f: impl FnMut(f64) -> Result<f64>) -> Result<f64> {
    let mut last = f64::INFINITY;
    for doublings in 0..7 {
        let panels = 1 << doublings;
        let half = 0.5 * (b - a) / f64::from(panels);
        let mut sum = 0.0;
        for panel in 0..panels {
            let centre = a + half * (2.0 * f64::from(panel) + 1.0);
            for (node, weight) in GAUSS {
                sum += weight * f(centre + half * node)?;
            }
        }
        sum *= half;
        if (sum - last).abs() <= QUADRATURE * sum.abs() {
            return Ok(sum);
        }
        last = sum;
    }
    Ok(last)
}

/// See [`ExtendedKernel::distance_bounds`].
pub(super) fn bounds(metric: ExtendedKernel<'_>, a: &Spd, b: &Spd) -> Result<(f64, f64)> {
    let kernel = metric.kernel();
    let mut gap = DVector::zeros(a.order());
    for (gap, (&x, &y)) in gap.iter_mut().zip(a.eigenvalues().iter().zip(b.eigenvalues().iter())) {
        let growth = (y / x).ln();
        *gap = match metric.exponent() {
            // φ(x, x) = φ(1, 1) x^θ.
            Some(r) => {
                let scale = kernel.phi(1.0, 1.0).sqrt();
                let power = if r == 0.0 {
                    growth
                } else {
                    x.powf(r) * (r * growth).exp_m1() / r
                };
                power / scale
            }
            None => integral(0.0, growth, |t| {
                let z = x * t.exp();
                Ok(z / kernel.phi(z, z).sqrt())
            })?,
        };
    }
    let trace = metric.trace_term();
    trace.trace_weight(a.order())?;
    let lower = (trace.alpha() * gap.norm_squared() + trace.beta() * gap.sum().powi(2))
        .max(0.0)
        .sqrt();
    let f = function(metric);
    let (start, end) = (
        Chart::new(metric, f, a.eigen().clone())?,
        Chart::new(metric, f, b.eigen().clone())?,
    );
    let upper = start.length_to(&end, metric)?;
    if lower.is_nan() || upper.is_nan() {
        return Err(Error::OutOfRange {
            what: "bound of a distance",
        });
    }
    // Rounding may put them the wrong way round where they are equal.
    Ok((lower.min(upper), upper))
}
