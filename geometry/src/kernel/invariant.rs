//! Extended kernel metrics at a point: product, duality, connection, curvature, geodesics.

use nalgebra::DMatrix;

use super::commuting::Common;
use super::frame::Frame;
use super::{Kernel, chart, flow, shooting};
use crate::error::{Error, Result};
use crate::matrix_functions::{from_eigenbasis, to_eigenbasis};
use crate::metric::{TraceTerm, check_pair, checked_tangent, in_range, number};
use crate::spd::Spd;

/// The extended kernel metric of a kernel φ and a trace term (α, β); every O(n)-invariant metric of this crate is one.
///
/// This is the general machinery, without closed forms: the metrics use it where they have none, and the tests hold
/// the closed forms to it.
///
/// ```
/// use hadamard_geometry::{Metric, Spd, metrics::BuresWasserstein};
/// use nalgebra::dmatrix;
///
/// let a = Spd::try_new(dmatrix![2.0, 0.5; 0.5, 1.0])?;
/// let (x, y) = (dmatrix![1.0, 0.3; 0.3, -0.5], dmatrix![0.0, 1.0; 1.0, 0.2]);
/// let closed = BuresWasserstein.christoffel(&a, &x, &y)?;
/// let general = BuresWasserstein.extended_kernel().unwrap().christoffel(&a, &x, &y)?;
/// assert!((closed - general).norm() < 1e-15);
/// # Ok::<(), hadamard_geometry::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct ExtendedKernel<'a> {
    kernel: &'a dyn Kernel,
    trace: TraceTerm,
}

impl<'a> ExtendedKernel<'a> {
    /// From a kernel and a trace term.
    pub fn new(kernel: &'a dyn Kernel, trace: TraceTerm) -> Self {
        Self { kernel, trace }
    }

    /// The kernel φ.
    pub fn kernel(&self) -> &'a dyn Kernel {
        self.kernel
    }

    /// The factors (α, β) of the kernel part and of the trace term.
    pub fn trace_term(&self) -> TraceTerm {
        self.trace
    }

    pub(super) fn frame<'s>(&self, d: &'s [f64]) -> Result<Frame<'s>>
    where
        'a: 's,
    {
        let weight = self.trace.trace_weight(d.len())?;
        Ok(Frame {
            kernel: self.kernel,
            trace: self.trace,
            weight,
            d,
        })
    }

    /// Evaluates `f` in the eigenbasis of `at` and brings the result back.
    fn conjugated(
        &self,
        at: &Spd,
        x: &DMatrix<f64>,
        f: impl Fn(&Frame<'_>, &DMatrix<f64>) -> DMatrix<f64>,
    ) -> Result<DMatrix<f64>> {
        let seen = to_eigenbasis(at.eigen(), &checked_tangent(at, x)?);
        in_range(
            "tangent or cotangent vector",
            from_eigenbasis(at.eigen(), &f(&self.frame(at.eigenvalues().as_slice())?, &seen)),
        )
    }

    /// g_Σ(X, Y). O(n³).
    ///
    /// # Errors
    /// As those of [`Metric`](crate::Metric); [`Error::InvalidParameter`] for a trace term that is not positive
    /// definite at order n, [`Error::OutOfRange`] where terms overflow.
    pub fn inner(&self, at: &Spd, x: &DMatrix<f64>, y: &DMatrix<f64>) -> Result<f64> {
        let x = to_eigenbasis(at.eigen(), &checked_tangent(at, x)?);
        let y = to_eigenbasis(at.eigen(), &checked_tangent(at, y)?);
        number("inner product", self.frame(at.eigenvalues().as_slice())?.inner(&x, &y))
    }

    /// G(X), the cotangent vector p with tr(pY) = g_Σ(X, Y) for all Y. O(n³).
    ///
    /// # Errors
    /// As [`Self::inner`].
    pub fn flat(&self, at: &Spd, x: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        self.conjugated(at, x, |frame, x| frame.flat(x))
    }

    /// G⁻¹(p). O(n³).
    ///
    /// # Errors
    /// As [`Self::inner`].
    pub fn sharp(&self, at: &Spd, p: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        self.conjugated(at, p, |frame, p| frame.sharp(p))
    }

    /// g*_Σ(p, q) = tr(G⁻¹(p) q), the extended kernel form of 1/φ. O(n³).
    ///
    /// # Errors
    /// As [`Self::inner`].
    pub fn cometric(&self, at: &Spd, p: &DMatrix<f64>, q: &DMatrix<f64>) -> Result<f64> {
        number(
            "product of cotangent vectors",
            self.sharp(at, p)?.dot(&checked_tangent(at, q)?),
        )
    }

    /// ∇_Σ H for the Hamiltonian H(Σ, p) = ½ g*_Σ(p, p) of the geodesic flow Σ̇ = G⁻¹(p), ṗ = −∇_Σ H. O(n³).
    ///
    /// # Errors
    /// As [`Self::inner`].
    pub fn hamiltonian_gradient(&self, at: &Spd, p: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        self.conjugated(at, p, |frame, p| frame.hamiltonian_gradient(p))
    }

    /// Γ_Σ(X, Y) with ∇_X Y = DY(X) + Γ_Σ(X, Y). O(n³).
    ///
    /// # Errors
    /// As [`Self::inner`].
    pub fn christoffel(&self, at: &Spd, x: &DMatrix<f64>, y: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        let y = to_eigenbasis(at.eigen(), &checked_tangent(at, y)?);
        self.conjugated(at, x, |frame, x| frame.christoffel(x, &y))
    }

    /// Sectional curvature of the plane of X and Y (positive on spheres); `None` when they are collinear. O(n⁴).
    ///
    /// # Errors
    /// As [`Self::inner`].
    pub fn sectional(&self, at: &Spd, x: &DMatrix<f64>, y: &DMatrix<f64>) -> Result<Option<f64>> {
        let x = to_eigenbasis(at.eigen(), &checked_tangent(at, x)?);
        let y = to_eigenbasis(at.eigen(), &checked_tangent(at, y)?);
        let frame = self.frame(at.eigenvalues().as_slice())?;
        let area = area_squared(frame.inner(&x, &x), frame.inner(&y, &y), frame.inner(&x, &y));
        area.map(|area| number("curvature", frame.curvature(&x, &y) / area))
            .transpose()
    }

    /// W_Σ(X) = F((φ^{-1/2})_Σ(X)), F(X) = √α X + ((√(α + nβ) − √α)/n) tr(X) I: an O(n)-equivariant isometry onto
    /// Sym(n) with the Frobenius product. O(n³).
    ///
    /// # Errors
    /// As [`Self::inner`].
    pub fn whiten(&self, at: &Spd, x: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        self.trace
            .frobenius(self.conjugated(at, x, |frame, x| frame.scale(x, |phi| phi.sqrt().recip()))?)
    }

    /// W_Σ(X) seen from the eigenbasis of Σ.
    pub(super) fn whiten_in_eigenbasis(&self, at: &Spd, x: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        let seen = to_eigenbasis(at.eigen(), x);
        let frame = self.frame(at.eigenvalues().as_slice())?;
        self.trace.frobenius(frame.scale(&seen, |phi| phi.sqrt().recip()))
    }

    /// W_Σ⁻¹. O(n³).
    ///
    /// # Errors
    /// As [`Self::inner`].
    pub fn unwhiten(&self, at: &Spd, white: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        let x = self.trace.frobenius_inverse(checked_tangent(at, white)?)?;
        self.conjugated(at, &x, |frame, x| frame.scale(x, f64::sqrt))
    }

    /// r = 1 − θ/2 for a kernel of degree θ: between commuting points Σ^r (log Σ for r = 0) moves along straight lines.
    pub(super) fn exponent(&self) -> Option<f64> {
        self.kernel.degree().map(|degree| 1.0 - 0.5 * degree)
    }

    /// Exp_Σ(X) by the Hamiltonian flow with error control (relative 1e-13 a step, more at conditions above 1e2). In
    /// closed form when Σ and X commute and the kernel has a degree.
    ///
    /// # Errors
    /// [`Error::LeftDomain`] with the exit time; [`Error::NoConvergence`] when rounding keeps the tolerance out of reach.
    pub fn exp(&self, at: &Spd, x: &DMatrix<f64>) -> Result<Spd> {
        let checked = checked_tangent(at, x)?;
        self.trace.trace_weight(at.order())?;
        if let Some(r) = self.exponent()
            && let Some(common) = Common::of_velocity(at, &checked)
        {
            return common.exp(r);
        }
        Ok(flow::flow(*self, at, x, None)?.end)
    }

    /// Exp_Σ(X) and the parallel transport of V along the geodesic to it.
    ///
    /// # Errors
    /// As [`Self::exp`].
    pub fn transport_along(&self, at: &Spd, x: &DMatrix<f64>, v: &DMatrix<f64>) -> Result<(Spd, DMatrix<f64>)> {
        let flow::Arc { end, carried } = flow::flow(*self, at, x, Some(v))?;
        let carried = carried.ok_or(Error::Empty {
            what: "transported vector",
        })?;
        Ok((end, in_range("transported vector", carried)?))
    }

    /// Log_Σ(Λ) by shooting: Newton's method on Exp_Σ(X) = Λ, with Broyden updates, from the logarithm of the flat metric
    /// with the same geodesics between commuting points (power-Euclidean of exponent 1 − θ/2, log-Euclidean for θ = 2), and
    /// by homotopy along its geodesic where that fails. O(n²) exponentials: for n ≤ 16. In closed form when Σ and Λ
    /// commute and the kernel has a degree.
    ///
    /// The shortest geodesic is not always unique; this one is no longer than the flat one, which is shortened towards a
    /// geodesic where Newton's method finds a longer one.
    ///
    /// # Errors
    /// [`Error::NoConvergence`].
    pub fn log(&self, at: &Spd, to: &Spd) -> Result<DMatrix<f64>> {
        check_pair(at, to)?;
        self.trace.trace_weight(at.order())?;
        if let Some(r) = self.exponent()
            && let Some(common) = Common::of_points(at, to)
        {
            return in_range("logarithm", common.log(r));
        }
        in_range("logarithm", shooting::log(*self, at, to)?)
    }

    /// Lower and upper bounds of the distance, without shooting: O(n³) for each of some ten points.
    ///
    /// The lower one is the distance of the spectra in order, ‖U(λ(A)) − U(λ(B))‖_{α,β} with U' = 1/√φ(x, x): entries off
    /// the diagonal only make curves longer. The upper one is the length (by quadrature, to about 1e-12) of the straight
    /// line in the chart of [`Self::log`]. Both are the distance where A and B commute and their eigenvalues have one order.
    ///
    /// # Errors
    /// [`Error::DimensionMismatch`] for different orders; [`Error::InvalidParameter`] for a trace term that is not
    /// positive definite at order n or a kernel that is not positive and finite along the line; [`Error::OutOfRange`].
    pub fn distance_bounds(&self, a: &Spd, b: &Spd) -> Result<(f64, f64)> {
        check_pair(a, b)?;
        chart::bounds(*self, a, b)
    }

    /// Largest interval around 0 on which the geodesic exists, by integration in both directions, or in closed form as
    /// for [`Self::exp`].
    ///
    /// An end is where the least (or, for θ > 2, the largest) eigenvalue of the flow, taken to the power 1 − θ/2,
    /// reaches zero; it is found to about 1e-6 of itself. Infinite ends for θ = 2 ([`Kernel::degree`]); otherwise an
    /// end is reported infinite when the geodesic still exists after 10⁶ times the time in which its initial velocity
    /// would double (or halve) an eigenvalue.
    ///
    /// # Errors
    /// As [`Self::inner`]; [`Error::NoConvergence`] when rounding keeps the tolerance out of reach.
    pub fn exp_domain(&self, at: &Spd, x: &DMatrix<f64>) -> Result<(f64, f64)> {
        let x = checked_tangent(at, x)?;
        if self.kernel.degree() == Some(2.0) || x.amax() == 0.0 {
            return Ok((f64::NEG_INFINITY, f64::INFINITY));
        }
        if let Some(r) = self.exponent()
            && let Some(common) = Common::of_velocity(at, &x)
        {
            return common.domain(r);
        }
        Ok((-flow::exit_time(*self, at, &-&x)?, flow::exit_time(*self, at, &x)?))
    }
}

/// g(X, X) g(Y, Y) − g(X, Y)², or `None` when X and Y are collinear to rounding.
pub(crate) fn area_squared(xx: f64, yy: f64, xy: f64) -> Option<f64> {
    let area = xx * yy - xy * xy;
    (area > 8.0 * f64::EPSILON * xx * yy).then_some(area)
}
