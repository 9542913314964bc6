//! The trait that every Riemannian metric on SPD(n) implements.

use std::fmt::Debug;

use nalgebra::{DMatrix, DVector};
use rayon::prelude::*;

use crate::batch::SpdBatch;
use crate::error::{Error, Result};
use crate::kernel::ExtendedKernel;
use crate::matrix_functions::symmetrised;
use crate::mean::{self, MeanOptions, MeanReport};
use crate::pairwise;
use crate::psd::Psd;
use crate::spd::Spd;
use crate::triangles::Triangles;
use crate::vech::vech;

/// A Riemannian metric g on SPD(n). Tangent vectors are symmetric matrices X, cotangent vectors symmetric matrices p
/// paired by tr(pX). Object-safe: a program can choose a metric by name at run time.
///
/// ```
/// use hadamard_geometry::{Metric, Spd, metrics::{AffineInvariant, BuresWasserstein}};
/// use nalgebra::dmatrix;
///
/// let a = Spd::try_new(dmatrix![2.0, 1.0; 1.0, 3.0])?;
/// let b = Spd::try_new(dmatrix![1.0, 0.0; 0.0, 5.0])?;
/// let metrics: [Box<dyn Metric>; 2] = [Box::new(AffineInvariant::default()), Box::new(BuresWasserstein)];
/// for metric in &metrics {
///     let x = metric.log(&a, &b)?;
///     assert!((metric.norm(&a, &x)? - metric.distance(&a, &b)?).abs() < 1e-14);
///     assert!((metric.exp(&a, &x)?.matrix() - b.matrix()).norm() < 1e-13);
/// }
/// # Ok::<(), hadamard_geometry::Error>(())
/// ```
///
/// # Errors
/// All methods refuse inputs of different orders ([`Error::DimensionMismatch`]) and tangent vectors that are not
/// square, finite and symmetric (to 1e-10 of their largest entry). [`Error::OutOfRange`] where terms of a result
/// overflow.
pub trait Metric: Debug + Send + Sync {
    /// Name of the metric as the literature has it, for tables and plots.
    fn name(&self) -> String;

    /// The kernel and the trace term of the metric when it is O(n)-invariant. The methods with a default are computed
    /// from it; a metric without one implements them all.
    fn extended_kernel(&self) -> Option<ExtendedKernel<'_>> {
        None
    }

    /// g_Σ(X, Y).
    fn inner(&self, at: &Spd, x: &DMatrix<f64>, y: &DMatrix<f64>) -> Result<f64> {
        engine(self, "inner product")?.inner(at, x, y)
    }

    /// ‖X‖_Σ = √g_Σ(X, X).
    fn norm(&self, at: &Spd, x: &DMatrix<f64>) -> Result<f64> {
        Ok(self.inner(at, x, x)?.max(0.0).sqrt())
    }

    /// The cotangent vector G(X) with tr(G(X) Y) = g_Σ(X, Y) for all Y.
    fn flat(&self, at: &Spd, x: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        engine(self, "flat")?.flat(at, x)
    }

    /// G⁻¹(p), the gradient that belongs to the differential p.
    fn sharp(&self, at: &Spd, p: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        engine(self, "sharp")?.sharp(at, p)
    }

    /// g*_Σ(p, q) = tr(G⁻¹(p) q), the product of cotangent vectors.
    fn cometric(&self, at: &Spd, p: &DMatrix<f64>, q: &DMatrix<f64>) -> Result<f64> {
        number(
            "product of cotangent vectors",
            self.sharp(at, p)?.dot(&checked_tangent(at, q)?),
        )
    }

    /// Riemannian distance d(A, B).
    fn distance(&self, a: &Spd, b: &Spd) -> Result<f64> {
        self.norm(a, &self.log(a, b)?)
    }

    /// Distances of all pairs of a batch: N × N, symmetric to the last bit, zero on the diagonal. Threads over pairs;
    /// the same bits for every number of threads. Costs N(N − 1)/2 distances, or less where a metric knows better.
    fn pairwise(&self, batch: &SpdBatch) -> Result<DMatrix<f64>> {
        let points: Vec<Spd> = (0..batch.len()).into_par_iter().map(|i| batch.get(i)).collect();
        self.pairwise_points(&points)
    }

    /// [`Self::pairwise`] of points by themselves, whose factors and eigendecompositions may hold digits that their matrices
    /// have lost, as those of powers do.
    ///
    /// # Errors
    /// [`Error::DimensionMismatch`] when their orders differ.
    fn pairwise_points(&self, points: &[Spd]) -> Result<DMatrix<f64>> {
        pairwise::by_rows(points.len(), |i, row| {
            for (d, point) in row.iter_mut().zip(points) {
                *d = self.distance(&points[i], point)?;
            }
            Ok(())
        })
    }

    /// Exp_Σ(X), the end of the geodesic that starts at Σ with velocity X.
    ///
    /// # Errors
    /// [`Error::LeftDomain`] with the exit time when the geodesic leaves SPD(n) at some t ≤ 1.
    fn exp(&self, at: &Spd, x: &DMatrix<f64>) -> Result<Spd> {
        engine(self, "exponential")?.exp(at, x)
    }

    /// Log_Σ(Λ), the velocity at Σ of the geodesic that reaches Λ at t = 1.
    fn log(&self, at: &Spd, to: &Spd) -> Result<DMatrix<f64>> {
        engine(self, "logarithm")?.log(at, to)
    }

    /// γ(t) with γ(0) = A and γ(1) = B; t may lie outside \[0, 1\] as far as the geodesic reaches.
    ///
    /// # Errors
    /// Those of [`log`](Self::log); [`Error::InvalidParameter`] when t is not finite, [`Error::LeftDomain`] when the
    /// geodesic ends before t.
    fn geodesic(&self, a: &Spd, b: &Spd, t: f64) -> Result<Spd> {
        exp_at(self, a, &self.log(a, b)?, t)
    }

    /// Parallel transport of V from Σ to Λ along the geodesic between them.
    fn transport(&self, from: &Spd, to: &Spd, v: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        let velocity = self.log(from, to)?;
        Ok(engine(self, "parallel transport")?
            .transport_along(from, &velocity, v)?
            .1)
    }

    /// Γ_Σ(X, Y) of the Levi-Civita connection: ∇_X Y = DY(X) + Γ_Σ(X, Y). Geodesics solve Σ̈ = −Γ(Σ̇, Σ̇).
    fn christoffel(&self, at: &Spd, x: &DMatrix<f64>, y: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        engine(self, "Christoffel symbol")?.christoffel(at, x, y)
    }

    /// Sectional curvature of the plane of X and Y, positive on spheres; `None` when X and Y are collinear.
    fn sectional(&self, at: &Spd, x: &DMatrix<f64>, y: &DMatrix<f64>) -> Result<Option<f64>> {
        engine(self, "sectional curvature")?.sectional(at, x, y)
    }

    /// W_Σ(X): an isometry of the tangent space with ⟨·, ·⟩_Σ onto Sym(n) with the Frobenius product.
    fn whiten(&self, at: &Spd, x: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        engine(self, "whitening")?.whiten(at, x)
    }

    /// W_Σ⁻¹.
    fn unwhiten(&self, at: &Spd, white: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        engine(self, "whitening")?.unwhiten(at, white)
    }

    /// vech W_Σ(Log_Σ Λ), the tangent-space feature of Λ at Σ; its Euclidean norm is d(Σ, Λ).
    fn tangent_vector(&self, at: &Spd, to: &Spd) -> Result<DVector<f64>> {
        Ok(vech(&self.whiten(at, &self.log(at, to)?)?))
    }

    /// Fréchet mean, the minimiser of Σ wᵢ d(M, Xᵢ)²: in closed form or by the metric's own iteration where there is
    /// one, by gradient descent otherwise. `None` for equal weights.
    ///
    /// # Errors
    /// Weights that are negative, not finite, all zero or of the wrong number; an empty batch. A mean that has not
    /// converged is returned and says so.
    fn mean(&self, batch: &SpdBatch, weights: Option<&[f64]>, options: &MeanOptions) -> Result<MeanReport> {
        mean::frechet(self, batch, weights, options)
    }

    /// Geometric median, the minimiser of Σ wᵢ d(M, Xᵢ): less moved by outliers than the mean. Weiszfeld's iteration of
    /// [`mean::median()`]; `None` for equal weights.
    ///
    /// # Errors
    /// As [`Self::mean`].
    fn median(&self, batch: &SpdBatch, weights: Option<&[f64]>, options: &MeanOptions) -> Result<MeanReport> {
        mean::median(self, batch, weights, options)
    }

    /// d(A, B) of matrices that may be singular, where the distance extends to them: Euclidean, Bures–Wasserstein, and
    /// their deformations by positive powers (power-Euclidean, alpha-Procrustes).
    ///
    /// # Errors
    /// [`Error::Unsupported`] for the other metrics, whose distances to the boundary are infinite or not known.
    fn distance_semidefinite(&self, _a: &Psd, _b: &Psd) -> Result<f64> {
        unsupported(self, "distance of singular matrices")
    }

    /// The point at t ∈ \[0, 1\] of a shortest curve between matrices that may be singular. It need not be unique when
    /// neither is invertible.
    ///
    /// # Errors
    /// As [`Self::distance_semidefinite`]; [`Error::InvalidParameter`] for t outside \[0, 1\].
    fn geodesic_semidefinite(&self, _a: &Psd, _b: &Psd, _t: f64) -> Result<Psd> {
        unsupported(self, "geodesic between singular matrices")
    }

    /// Fréchet mean of matrices that may be singular. Unique when one of them is invertible.
    ///
    /// # Errors
    /// As [`Self::distance_semidefinite`] and [`Self::mean`].
    fn mean_semidefinite(
        &self,
        _points: &[Psd],
        _weights: Option<&[f64]>,
        _options: &MeanOptions,
    ) -> Result<MeanReport<Psd>> {
        unsupported(self, "mean of singular matrices")
    }

    /// Lower and upper bounds of d(A, B) without shooting, for O(n)-invariant metrics: the distance of the sorted spectra,
    /// and the length of the straight line of the chart Σ^r, r = 1 − θ/2. See [`ExtendedKernel::distance_bounds`].
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a metric without kernel.
    fn distance_bounds(&self, a: &Spd, b: &Spd) -> Result<(f64, f64)> {
        engine(self, "bounds of distances")?.distance_bounds(a, b)
    }

    /// Largest interval (t₋, t₊) around 0 on which t ↦ Exp_Σ(tX) is defined.
    fn exp_domain(&self, at: &Spd, x: &DMatrix<f64>) -> Result<(f64, f64)> {
        engine(self, "domain of the exponential")?.exp_domain(at, x)
    }

    /// Radius of the largest ball around Σ in which geodesics from Σ are unique shortest curves and do not end;
    /// `None` where no closed form is known.
    fn injectivity_radius(&self, at: &Spd) -> Option<f64>;

    /// Whether every geodesic can be prolonged for ever.
    fn is_complete(&self) -> bool;
}

/// The value, unless it is NaN: valid input has none, so terms of it left the range of floating point.
pub(crate) fn number(what: &'static str, value: f64) -> Result<f64> {
    if value.is_nan() {
        Err(Error::OutOfRange { what })
    } else {
        Ok(value)
    }
}

fn unsupported<T>(metric: &(impl Metric + ?Sized), operation: &'static str) -> Result<T> {
    Err(Error::Unsupported {
        metric: metric.name(),
        operation,
    })
}

/// The matrix, unless an entry overflowed.
pub(crate) fn in_range(what: &'static str, matrix: DMatrix<f64>) -> Result<DMatrix<f64>> {
    if matrix.iter().all(|v| v.is_finite()) {
        Ok(matrix)
    } else {
        Err(Error::OutOfRange { what })
    }
}

/// The general machinery behind the default methods.
fn engine<'a, M: Metric + ?Sized>(metric: &'a M, operation: &'static str) -> Result<ExtendedKernel<'a>> {
    match metric.extended_kernel() {
        Some(kernel) => Ok(kernel),
        None => unsupported(metric, operation),
    }
}

/// The trace term of an O(n)-invariant inner product on Sym(n): ⟨X, Y⟩ = α tr(XY) + β tr X tr Y.
///
/// Positive definite iff α > 0 and α + nβ > 0, the latter checked where the order n is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TraceTerm {
    alpha: f64,
    beta: f64,
}

impl Default for TraceTerm {
    fn default() -> Self {
        Self { alpha: 1.0, beta: 0.0 }
    }
}

impl TraceTerm {
    /// α > 0 and β, both finite.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`].
    pub fn try_new(alpha: f64, beta: f64) -> Result<Self> {
        if !(alpha > 0.0 && alpha.is_finite()) {
            return Err(Error::InvalidParameter {
                name: "alpha",
                value: alpha,
                reason: "must be positive and finite",
            });
        }
        if !beta.is_finite() {
            return Err(Error::InvalidParameter {
                name: "beta",
                value: beta,
                reason: "must be finite",
            });
        }
        Ok(Self { alpha, beta })
    }

    /// The factor α of the part without the trace.
    pub fn alpha(self) -> f64 {
        self.alpha
    }

    /// The factor β of the trace term.
    pub fn beta(self) -> f64 {
        self.beta
    }

    /// α + nβ, which must be positive.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] when the form is not positive definite at order n.
    pub fn trace_weight(self, order: usize) -> Result<f64> {
        let weight = self.alpha + order as f64 * self.beta;
        if weight > 0.0 && weight.is_finite() {
            return Ok(weight);
        }
        Err(Error::InvalidParameter {
            name: "beta",
            value: self.beta,
            reason: "alpha + n beta must be positive at this order n",
        })
    }

    /// ⟨X, Y⟩.
    pub(crate) fn inner(self, x: &DMatrix<f64>, y: &DMatrix<f64>) -> Result<f64> {
        self.trace_weight(x.nrows())?;
        number(
            "inner product",
            self.alpha * x.dot(y) + self.beta * x.trace() * y.trace(),
        )
    }

    /// The isometry F onto the Frobenius product: ⟨X, X⟩ = ‖F(X)‖².
    pub(crate) fn frobenius(self, x: DMatrix<f64>) -> Result<DMatrix<f64>> {
        let n = x.nrows();
        let (off, on) = (self.alpha.sqrt(), self.trace_weight(n)?.sqrt());
        in_range("whitened vector", scale_trace(x, off, on))
    }

    /// ‖F(Xᵢ − Xⱼ)‖ for all pairs of symmetric matrices, given by their entries.
    pub(crate) fn distances<'a>(
        self,
        order: usize,
        matrices: impl ExactSizeIterator<Item = &'a [f64]>,
    ) -> Result<DMatrix<f64>> {
        let (off, on) = (self.alpha.sqrt(), self.trace_weight(order)?.sqrt());
        let mut triangles = Triangles::symmetric(order, matrices);
        if (off, on) != (1.0, 1.0) && !triangles.scale(off, on) {
            return Err(Error::OutOfRange {
                what: "whitened vector",
            });
        }
        Ok(triangles.distances())
    }

    /// F⁻¹.
    pub(crate) fn frobenius_inverse(self, x: DMatrix<f64>) -> Result<DMatrix<f64>> {
        let n = x.nrows();
        let (off, on) = (self.alpha.sqrt(), self.trace_weight(n)?.sqrt());
        in_range("tangent vector", scale_trace(x, off.recip(), on.recip()))
    }
}

/// Multiplies the traceless part by `off` and the trace part by `on`.
fn scale_trace(mut x: DMatrix<f64>, off: f64, on: f64) -> DMatrix<f64> {
    let n = x.nrows();
    let shift = (on - off) * x.trace() / n as f64;
    x *= off;
    for i in 0..n {
        x[(i, i)] += shift;
    }
    x
}

/// The order of all points, 0 where there is none; errs at the first one of another order.
pub(crate) fn common_order(points: &[Spd]) -> Result<usize> {
    points.iter().try_for_each(|point| check_pair(&points[0], point))?;
    Ok(points.first().map_or(0, Spd::order))
}

/// Refuses points of different orders.
pub(crate) fn check_pair(a: &Spd, b: &Spd) -> Result<()> {
    if a.order() == b.order() {
        return Ok(());
    }
    Err(Error::DimensionMismatch {
        what: "order of the second matrix",
        expected: a.order(),
        found: b.order(),
    })
}

/// Checks a tangent or cotangent vector at `at` and returns its symmetric part.
pub(crate) fn checked_tangent(at: &Spd, x: &DMatrix<f64>) -> Result<DMatrix<f64>> {
    checked_symmetric(at.order(), x)
}

/// The same for a symmetric matrix of order n.
pub(crate) fn checked_symmetric(n: usize, x: &DMatrix<f64>) -> Result<DMatrix<f64>> {
    let (rows, columns) = x.shape();
    if rows != columns {
        return Err(Error::NotSquare {
            index: 0,
            rows,
            columns,
        });
    }
    if rows != n {
        return Err(Error::DimensionMismatch {
            what: "order of the tangent vector",
            expected: n,
            found: rows,
        });
    }
    let scale = x.amax();
    for column in 0..n {
        for row in 0..n {
            let value = x[(row, column)];
            if !value.is_finite() {
                return Err(Error::NonFinite {
                    index: 0,
                    row,
                    column,
                    value,
                });
            }
            let gap = (value - x[(column, row)]).abs();
            if gap > crate::spd::SYMMETRY_TOLERANCE * scale {
                return Err(Error::NotSymmetric {
                    index: 0,
                    row,
                    column,
                    relative: gap / scale,
                });
            }
        }
    }
    Ok(symmetrised(x.clone()))
}

/// Refuses a time that is not finite.
pub(crate) fn check_time(t: f64) -> Result<()> {
    if t.is_finite() {
        return Ok(());
    }
    Err(Error::InvalidParameter {
        name: "t",
        value: t,
        reason: "must be finite",
    })
}

/// [`Error::LeftDomain`] unless 1 lies before the exit time.
pub(crate) fn check_exit(exit: f64) -> Result<()> {
    if exit > 1.0 {
        Ok(())
    } else {
        Err(Error::LeftDomain { t: exit })
    }
}

/// The interval of t with 1 + t w > 0 for all w between the two extremes.
pub(crate) fn positive_interval(smallest: f64, largest: f64) -> Result<(f64, f64)> {
    number("domain of the exponential", smallest)?;
    number("domain of the exponential", largest)?;
    let lower = if largest > 0.0 {
        -largest.recip()
    } else {
        f64::NEG_INFINITY
    };
    let upper = if smallest < 0.0 {
        -smallest.recip()
    } else {
        f64::INFINITY
    };
    Ok((lower, upper))
}

/// Exp at `t` times a velocity: exit times are reported on the scale of t.
pub(crate) fn exp_at<M: Metric + ?Sized>(metric: &M, at: &Spd, velocity: &DMatrix<f64>, t: f64) -> Result<Spd> {
    check_time(t)?;
    metric.exp(at, &(velocity * t)).map_err(|error| match error {
        Error::LeftDomain { t: fraction } => Error::LeftDomain { t: fraction * t },
        other => other,
    })
}
