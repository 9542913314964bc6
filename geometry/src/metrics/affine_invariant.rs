//! The affine-invariant metric.

use nalgebra::{DMatrix, DVector};

use super::pair::{near, relative_svd, solve_lower, whiten_by_cholesky};
use crate::batch::SpdBatch;
use crate::eigen::batch::ISA;
use crate::eigen::{relative, symmetric_eigen};
use crate::error::Result;
use crate::kernel::{ExtendedKernel, Kernel, area_squared};
use crate::matrix_functions::congruence;
use crate::matrix_functions::derivative::double_operator;
use crate::mean::{self, MeanOptions, MeanReport};
use crate::metric::{Metric, TraceTerm, check_pair, check_time, checked_tangent, common_order, in_range, number};
use crate::spd::Spd;

/// Affine-invariant metric g_Σ(X, Y) = α tr(Σ⁻¹XΣ⁻¹Y) + β tr(Σ⁻¹X) tr(Σ⁻¹Y): a Hadamard manifold, invariant under every
/// congruence Σ ↦ GΣGᵀ and under inversion (Siegel 1943; Pennec, Fillard and Ayache 2006).
///
/// φ(x, y) = xy; d(A, B) = ‖log(A^{-1/2} B A^{-1/2})‖ for α = 1, β = 0; α = 1/2 is the Fisher–Rao metric of centred
/// Gaussians. Geodesics, logarithms, transport and means do not depend on (α, β). All of them are computed from
/// Cholesky factors and the SVD of L_A⁻¹L_B, three to six digits more accurate at condition 1e8 than A^{-1/2}BA^{-1/2}.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct AffineInvariant {
    trace_term: TraceTerm,
}

impl AffineInvariant {
    /// With the trace term (α, β).
    pub fn new(trace_term: TraceTerm) -> Self {
        Self { trace_term }
    }

    /// Distances of all pairs of points with these Cholesky factors.
    fn distances(&self, factors: Vec<DMatrix<f64>>) -> DMatrix<f64> {
        if factors.is_empty() {
            return DMatrix::zeros(0, 0);
        }
        let (alpha, beta) = (self.trace_term.alpha(), self.trace_term.beta());
        let fold = |sum: f64, squares: f64| (alpha * squares + beta * sum * sum).max(0.0).sqrt();
        relative::pairwise(*ISA, factors, fold)
    }

    /// L⁻¹XL⁻ᵀ after the checks.
    fn at_identity(at: &Spd, x: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        in_range("whitened vector", whiten_by_cholesky(at, &checked_tangent(at, x)?))
    }
}

impl AffineInvariant {
    /// Hessian of f(Σ) = ½ d(Σ, Λ)² (α = 1, β = 0) applied to V, at Σ = `at`, Λ = `target`. O(n³).
    ///
    /// In the frame W = LU of L⁻¹L_Λ = U diag(e^{μ/2}) Vᵀ it multiplies entry (i, j) by c(μ_i − μ_j),
    /// c(δ) = (δ/2) coth(δ/2) ≥ 1: f is 1-strongly convex along geodesics. The gradient of f is −Log_Σ(Λ).
    ///
    /// # Errors
    /// As the methods of [`Metric`].
    pub fn hessian_half_squared_distance(at: &Spd, target: &Spd, v: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        check_pair(at, target)?;
        let v = Self::at_identity(at, v)?;
        let svd = relative_svd(at, target);
        let mu = svd.s.map(|s| 2.0 * s.ln());
        let mut seen = congruence(&svd.u.transpose(), &v);
        for j in 0..mu.len() {
            for i in 0..mu.len() {
                seen[(i, j)] *= half_coth(mu[i] - mu[j]);
            }
        }
        in_range("Hessian", congruence(&(at.cholesky() * &svd.u), &seen))
    }

    /// Curvature tensor R(X, Y)Z = −¼ \[\[X̃, Ỹ\], Z̃\] seen from the identity, X̃ = L⁻¹XL⁻ᵀ. O(n³). The sectional curvature is
    /// g(R(X, Y)Y, X) over the squared area; it does not depend on (α, β).
    ///
    /// # Errors
    /// As the methods of [`Metric`].
    pub fn curvature(at: &Spd, x: &DMatrix<f64>, y: &DMatrix<f64>, z: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        let (x, y, z) = (
            Self::at_identity(at, x)?,
            Self::at_identity(at, y)?,
            Self::at_identity(at, z)?,
        );
        let half = &x * &y;
        let half = (&half - half.transpose()) * z;
        in_range(
            "curvature",
            congruence(at.cholesky(), &((&half + half.transpose()) * -0.25)),
        )
    }

    /// Ricci curvature Ric(X, Y) = −(n/4)(tr(X̃Ỹ) − tr X̃ tr Ỹ/n), the trace of Z ↦ R(Z, X)Y; it does not depend on (α, β).
    /// O(n³).
    ///
    /// # Errors
    /// As the methods of [`Metric`].
    pub fn ricci(at: &Spd, x: &DMatrix<f64>, y: &DMatrix<f64>) -> Result<f64> {
        let (x, y) = (Self::at_identity(at, x)?, Self::at_identity(at, y)?);
        let n = at.order() as f64;
        number("curvature", -0.25 * (n * x.dot(&y) - x.trace() * y.trace()))
    }

    /// Scalar curvature −n(n − 1)(n + 2)/(8α), the same at every point.
    pub fn scalar_curvature(&self, order: usize) -> f64 {
        let n = order as f64;
        -n * (n - 1.0) * (n + 2.0) / (8.0 * self.trace_term.alpha())
    }

    /// Jacobi field J(1) along t ↦ Exp_Σ(tX) with J(0) = A and covariant derivative J'(0) = B: how Exp_Σ(X) moves
    /// when Σ moves by A and X by B. O(n³).
    ///
    /// In the frame LU of L⁻¹XL⁻ᵀ = U diag(w) Uᵀ, with k = (w_i − w_j)/2,
    /// J(1)'_ij = e^{(w_i + w_j)/2} (cosh k A'_ij + (sinh k)/k B'_ij).
    ///
    /// # Errors
    /// As the methods of [`Metric`].
    pub fn jacobi_field(
        at: &Spd,
        x: &DMatrix<f64>,
        base_variation: &DMatrix<f64>,
        velocity_variation: &DMatrix<f64>,
    ) -> Result<DMatrix<f64>> {
        let eigen = symmetric_eigen(&Self::at_identity(at, x)?);
        let rotate = eigen.vectors.transpose();
        let a = congruence(&rotate, &Self::at_identity(at, base_variation)?);
        let b = congruence(&rotate, &Self::at_identity(at, velocity_variation)?);
        let w = &eigen.values;
        let field = DMatrix::from_fn(w.len(), w.len(), |i, j| {
            let k = 0.5 * (w[i] - w[j]);
            let sinhc = if k == 0.0 { 1.0 } else { k.sinh() / k };
            (0.5 * (w[i] + w[j])).exp() * (k.cosh() * a[(i, j)] + sinhc * b[(i, j)])
        });
        in_range("Jacobi field", congruence(&(at.cholesky() * &eigen.vectors), &field))
    }
}

/// (δ/2) coth(δ/2), 1 at δ = 0.
fn half_coth(delta: f64) -> f64 {
    let half = 0.5 * delta;
    // The series 1 + δ²/12 is exact to rounding where δ⁴/720 < ε.
    if half.abs() < 1e-4 {
        1.0 + half * half / 3.0
    } else {
        half / half.tanh()
    }
}

/// Columns scaled: W diag(f(s)).
fn scaled_columns(w: &DMatrix<f64>, s: &DVector<f64>, f: impl Fn(f64) -> f64) -> DMatrix<f64> {
    let mut out = w.clone();
    for (mut column, &s) in out.column_iter_mut().zip(s.iter()) {
        column *= f(s);
    }
    out
}

impl Kernel for AffineInvariant {
    fn phi(&self, x: f64, y: f64) -> f64 {
        x * y
    }

    fn degree(&self) -> Option<f64> {
        Some(2.0)
    }

    fn phi_difference(&self, _x1: f64, _x2: f64, y: f64) -> f64 {
        y
    }

    fn theta_second_difference(&self, x1: f64, x2: f64, x3: f64, y: f64) -> f64 {
        ((x1 * x2).recip() / x3) / y
    }

    fn theta_mixed_difference(&self, x1: f64, x2: f64, y1: f64, y2: f64) -> f64 {
        ((x1 * x2).recip() / y1) / y2
    }
}

impl Metric for AffineInvariant {
    fn name(&self) -> String {
        "affine-invariant".into()
    }

    fn extended_kernel(&self) -> Option<ExtendedKernel<'_>> {
        Some(ExtendedKernel::new(self, self.trace_term))
    }

    fn inner(&self, at: &Spd, x: &DMatrix<f64>, y: &DMatrix<f64>) -> Result<f64> {
        self.trace_term
            .inner(&Self::at_identity(at, x)?, &Self::at_identity(at, y)?)
    }

    /// √(α Σ μ_i² + β (Σ μ_i)²) with e^μ the eigenvalues of A⁻¹B: of nearly equal points μ = log(1 + e), e the
    /// eigenvalues of L_A⁻¹(B − A)L_A⁻ᵀ, so that no digit is lost to the 1.
    fn distance(&self, a: &Spd, b: &Spd) -> Result<f64> {
        check_pair(a, b)?;
        self.trace_term.trace_weight(a.order())?;
        let mu = match near(a, b) {
            Some(change) => symmetric_eigen(&change).values.map(f64::ln_1p),
            None => relative_svd(a, b).s.map(|s| 2.0 * s.ln()),
        };
        let (alpha, beta) = (self.trace_term.alpha(), self.trace_term.beta());
        number(
            "distance",
            (alpha * mu.norm_squared() + beta * mu.sum() * mu.sum()).max(0.0).sqrt(),
        )
    }

    /// Side by side in vector lanes: tr log CCᵀ and tr log² CCᵀ with C = L_A⁻¹L_B, from the tridiagonal form, where the
    /// eigenvalues spread by less than 1e6; singular values of C otherwise. 2n³ flops a pair.
    fn pairwise(&self, batch: &SpdBatch) -> Result<DMatrix<f64>> {
        self.trace_term.trace_weight(batch.order())?;
        Ok(self.distances(batch.factors()))
    }

    fn pairwise_points(&self, points: &[Spd]) -> Result<DMatrix<f64>> {
        self.trace_term.trace_weight(common_order(points)?)?;
        Ok(self.distances(points.iter().map(|point| point.cholesky().clone()).collect()))
    }

    /// GGᵀ with G = LU diag(e^{w/2}), L⁻¹XL⁻ᵀ = U diag(w) Uᵀ.
    fn exp(&self, at: &Spd, x: &DMatrix<f64>) -> Result<Spd> {
        let eigen = symmetric_eigen(&Self::at_identity(at, x)?);
        Spd::from_factor(&scaled_columns(&(at.cholesky() * &eigen.vectors), &eigen.values, |w| {
            (0.5 * w).exp()
        }))
    }

    /// (LU) diag(μ) (LU)ᵀ with L⁻¹L_Λ = U diag(e^{μ/2}) Vᵀ.
    fn log(&self, at: &Spd, to: &Spd) -> Result<DMatrix<f64>> {
        check_pair(at, to)?;
        let svd = relative_svd(at, to);
        let frame = at.cholesky() * &svd.u;
        in_range(
            "logarithm",
            congruence(&frame, &DMatrix::from_diagonal(&svd.s.map(|s| 2.0 * s.ln()))),
        )
    }

    fn geodesic(&self, a: &Spd, b: &Spd, t: f64) -> Result<Spd> {
        check_pair(a, b)?;
        check_time(t)?;
        let svd = relative_svd(a, b);
        Spd::from_factor(&scaled_columns(&(a.cholesky() * &svd.u), &svd.s, |s| s.powf(t)))
    }

    /// EVEᵀ with E = (ΛΣ⁻¹)^{1/2} = LU diag(s) Uᵀ L⁻¹.
    fn transport(&self, from: &Spd, to: &Spd, v: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        check_pair(from, to)?;
        let svd = relative_svd(from, to);
        let seen = congruence(&svd.u.transpose(), &Self::at_identity(from, v)?);
        in_range(
            "transported vector",
            congruence(&scaled_columns(&(from.cholesky() * &svd.u), &svd.s, |s| s), &seen),
        )
    }

    /// −½(XΣ⁻¹Y + YΣ⁻¹X).
    fn christoffel(&self, at: &Spd, x: &DMatrix<f64>, y: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        let x = solve_lower(at, &checked_tangent(at, x)?);
        let y = solve_lower(at, &checked_tangent(at, y)?);
        let half = x.tr_mul(&y);
        in_range("Christoffel symbol", (&half + half.transpose()) * -0.5)
    }

    /// −(α/4) ‖\[X̃, Ỹ\]‖² / (⟨X̃, X̃⟩⟨Ỹ, Ỹ⟩ − ⟨X̃, Ỹ⟩²) with X̃ = L⁻¹XL⁻ᵀ; in \[−1/(2α), 0\].
    fn sectional(&self, at: &Spd, x: &DMatrix<f64>, y: &DMatrix<f64>) -> Result<Option<f64>> {
        let (x, y) = (Self::at_identity(at, x)?, Self::at_identity(at, y)?);
        let trace = self.trace_term;
        let half = &x * &y;
        let bracket = (&half - half.transpose()).norm_squared();
        let area = area_squared(trace.inner(&x, &x)?, trace.inner(&y, &y)?, trace.inner(&x, &y)?);
        area.map(|area| number("curvature", -0.25 * trace.alpha() * bracket / area))
            .transpose()
    }

    /// F(Σ^{-1/2} X Σ^{-1/2}), F the isometry of the trace term.
    fn whiten(&self, at: &Spd, x: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        let white = double_operator(
            at.eigen(),
            |a, b| (a.sqrt() * b.sqrt()).recip(),
            &checked_tangent(at, x)?,
        );
        self.trace_term.frobenius(white)
    }

    fn unwhiten(&self, at: &Spd, white: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        let x = self.trace_term.frobenius_inverse(checked_tangent(at, white)?)?;
        in_range(
            "tangent vector",
            double_operator(at.eigen(), |a, b| a.sqrt() * b.sqrt(), &x),
        )
    }

    fn mean(&self, batch: &SpdBatch, weights: Option<&[f64]>, options: &MeanOptions) -> Result<MeanReport> {
        mean::affine_invariant(batch, weights, options)
    }

    fn exp_domain(&self, at: &Spd, x: &DMatrix<f64>) -> Result<(f64, f64)> {
        checked_tangent(at, x)?;
        Ok((f64::NEG_INFINITY, f64::INFINITY))
    }

    fn injectivity_radius(&self, _at: &Spd) -> Option<f64> {
        Some(f64::INFINITY)
    }

    fn is_complete(&self) -> bool {
        true
    }
}
