//! The Cholesky and log-Cholesky metrics: flat metrics in coordinates of the Cholesky factor, not O(n)-invariant.

use nalgebra::{DMatrix, DVector};

use super::pair::whiten_by_cholesky;
use crate::batch::SpdBatch;
use crate::error::Result;
use crate::kernel::area_squared;
use crate::matrix_functions::symmetrised;
use crate::mean::{self, MeanOptions, MeanReport};
use crate::metric::{
    Metric, check_exit, check_pair, check_time, checked_tangent, common_order, exp_at, in_range, number,
    positive_interval,
};
use crate::spd::Spd;
use crate::triangles::Triangles;

/// Cholesky metric: d(A, B) = ‖L_A − L_B‖, L the lower Cholesky factors. Flat, not complete; depends on the order of the
/// coordinates. A baseline people compare with.
pub type Cholesky = Triangular<Linear>;

/// Log-Cholesky metric: d(A, B)² = Σ_{i>j} (l_ij − k_ij)² + Σ_i (log l_ii − log k_ii)² (Lin 2019). Flat and complete;
/// depends on the order of the coordinates. The cheapest complete metric: no eigendecomposition anywhere.
pub type LogCholesky = Triangular<Logarithmic>;

/// A flat metric in the coordinates (l_ij for i > j; δ(l_ii)) of the Cholesky factor.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Triangular<D>(D);

/// δ(l) = l.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Linear;

/// δ(l) = log l.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Logarithmic;

/// The coordinate of a diagonal entry of the factor. Implemented by [`Linear`] and [`Logarithmic`].
pub trait Diagonal: sealed::Sealed + std::fmt::Debug + Default + Send + Sync {
    /// Name of the metric.
    const NAME: &'static str;
    /// Whether δ is onto ℝ.
    const COMPLETE: bool;
    /// δ(l).
    fn coordinate(l: f64) -> f64;
    /// l from δ(l).
    fn inverse(coordinate: f64) -> f64;
    /// δ'(l).
    fn slope(l: f64) -> f64;
    /// Second derivative of the inverse, over its first derivative squared.
    fn bend(l: f64) -> f64;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Linear {}
    impl Sealed for super::Logarithmic {}
}

impl Diagonal for Linear {
    const NAME: &'static str = "Cholesky";
    const COMPLETE: bool = false;
    fn coordinate(l: f64) -> f64 {
        l
    }
    fn inverse(coordinate: f64) -> f64 {
        coordinate
    }
    fn slope(_l: f64) -> f64 {
        1.0
    }
    fn bend(_l: f64) -> f64 {
        0.0
    }
}

impl Diagonal for Logarithmic {
    const NAME: &'static str = "log-Cholesky";
    const COMPLETE: bool = true;
    fn coordinate(l: f64) -> f64 {
        l.ln()
    }
    fn inverse(coordinate: f64) -> f64 {
        coordinate.exp()
    }
    fn slope(l: f64) -> f64 {
        l.recip()
    }
    fn bend(l: f64) -> f64 {
        l.recip()
    }
}

/// Strict lower triangle and half the diagonal.
fn half_lower(x: &DMatrix<f64>) -> DMatrix<f64> {
    let mut out = x.lower_triangle();
    for i in 0..out.nrows() {
        out[(i, i)] *= 0.5;
    }
    out
}

impl<D: Diagonal> Triangular<D> {
    fn chart(factor: &DMatrix<f64>) -> DMatrix<f64> {
        let mut out = factor.clone();
        for i in 0..out.nrows() {
            out[(i, i)] = D::coordinate(out[(i, i)]);
        }
        out
    }

    /// The point of given coordinates.
    fn point(mut chart: DMatrix<f64>) -> Result<Spd> {
        for i in 0..chart.nrows() {
            chart[(i, i)] = D::inverse(chart[(i, i)]);
        }
        Spd::from_factor(&chart)
    }

    /// DL_Σ\[X\] = L half(L⁻¹XL⁻ᵀ).
    fn factor_derivative(at: &Spd, x: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        in_range(
            "derivative of the Cholesky factor",
            at.cholesky() * half_lower(&whiten_by_cholesky(at, &checked_tangent(at, x)?)),
        )
    }

    /// Derivative of the coordinates.
    fn push(at: &Spd, x: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        let mut out = Self::factor_derivative(at, x)?;
        for i in 0..out.nrows() {
            out[(i, i)] *= D::slope(at.cholesky()[(i, i)]);
        }
        Ok(out)
    }

    /// The tangent vector with given derivative of the coordinates.
    fn pull(at: &Spd, mut chart: DMatrix<f64>) -> Result<DMatrix<f64>> {
        for i in 0..chart.nrows() {
            chart[(i, i)] /= D::slope(at.cholesky()[(i, i)]);
        }
        let half = chart * at.cholesky().transpose();
        in_range("tangent vector", &half + half.transpose())
    }
}

impl<D: Diagonal> Metric for Triangular<D> {
    fn name(&self) -> String {
        D::NAME.into()
    }

    fn inner(&self, at: &Spd, x: &DMatrix<f64>, y: &DMatrix<f64>) -> Result<f64> {
        number("inner product", Self::push(at, x)?.dot(&Self::push(at, y)?))
    }

    /// L⁻ᵀ sym(half*(LᵀM)) L⁻¹ with M the coordinates of X times δ'(l_ii) on the diagonal.
    fn flat(&self, at: &Spd, x: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        let l = at.cholesky();
        let mut m = Self::push(at, x)?;
        for i in 0..m.nrows() {
            m[(i, i)] *= D::slope(l[(i, i)]);
        }
        let mut half = symmetrised(half_lower(&l.tr_mul(&m)));
        l.tr_solve_lower_triangular_mut(&mut half);
        let mut p = half.transpose();
        l.tr_solve_lower_triangular_mut(&mut p);
        in_range("cotangent vector", symmetrised(p))
    }

    /// The inverse of the flat map, by back substitution column by column.
    fn sharp(&self, at: &Spd, p: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        let l = at.cholesky();
        let n = at.order();
        let right = (l.tr_mul(&(checked_tangent(at, p)? * l)) * 2.0).lower_triangle();
        let mut m = DMatrix::zeros(n, n);
        for j in 0..n {
            for i in (j..n).rev() {
                let known: f64 = (i + 1..n).map(|k| l[(k, i)] * m[(k, j)]).sum();
                m[(i, j)] = (right[(i, j)] - known) / l[(i, i)];
            }
        }
        for i in 0..n {
            m[(i, i)] /= D::slope(l[(i, i)]);
        }
        Self::pull(at, m)
    }

    fn distance(&self, a: &Spd, b: &Spd) -> Result<f64> {
        check_pair(a, b)?;
        Ok((Self::chart(b.cholesky()) - Self::chart(a.cholesky())).norm())
    }

    fn pairwise_points(&self, points: &[Spd]) -> Result<DMatrix<f64>> {
        let order = common_order(points)?;
        let charts: Vec<DMatrix<f64>> = points.iter().map(|point| Self::chart(point.cholesky())).collect();
        Ok(Triangles::lower(order, charts.iter().map(DMatrix::as_slice)).distances())
    }

    fn exp(&self, at: &Spd, x: &DMatrix<f64>) -> Result<Spd> {
        check_exit(self.exp_domain(at, x)?.1)?;
        Self::point(Self::chart(at.cholesky()) + Self::push(at, x)?)
    }

    fn log(&self, at: &Spd, to: &Spd) -> Result<DMatrix<f64>> {
        check_pair(at, to)?;
        Self::pull(at, Self::chart(to.cholesky()) - Self::chart(at.cholesky()))
    }

    fn geodesic(&self, a: &Spd, b: &Spd, t: f64) -> Result<Spd> {
        check_pair(a, b)?;
        check_time(t)?;
        if !(0.0..=1.0).contains(&t) {
            return exp_at(self, a, &self.log(a, b)?, t);
        }
        Self::point(Self::chart(a.cholesky()) * (1.0 - t) + Self::chart(b.cholesky()) * t)
    }

    fn transport(&self, from: &Spd, to: &Spd, v: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        check_pair(from, to)?;
        Self::pull(to, Self::push(from, v)?)
    }

    fn christoffel(&self, at: &Spd, x: &DMatrix<f64>, y: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        let l = at.cholesky();
        let (x, y) = (Self::factor_derivative(at, x)?, Self::factor_derivative(at, y)?);
        let bend = DMatrix::from_diagonal(&DVector::from_fn(l.nrows(), |i, _| {
            D::bend(l[(i, i)]) * x[(i, i)] * y[(i, i)]
        }));
        let half = x * y.transpose() + bend * l.transpose();
        in_range("Christoffel symbol", -(&half + half.transpose()))
    }

    fn sectional(&self, at: &Spd, x: &DMatrix<f64>, y: &DMatrix<f64>) -> Result<Option<f64>> {
        let (xx, yy, xy) = (self.inner(at, x, x)?, self.inner(at, y, y)?, self.inner(at, x, y)?);
        Ok(area_squared(xx, yy, xy).map(|_| 0.0))
    }

    /// The coordinates as a symmetric matrix of the same norm.
    fn whiten(&self, at: &Spd, x: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        let c = Self::push(at, x)?;
        let n = at.order();
        let white = DMatrix::from_fn(n, n, |i, j| {
            if i == j {
                c[(i, i)]
            } else {
                c[(i.max(j), i.min(j))] * std::f64::consts::FRAC_1_SQRT_2
            }
        });
        in_range("whitened vector", white)
    }

    fn unwhiten(&self, at: &Spd, white: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        let mut c = checked_tangent(at, white)?.lower_triangle() * std::f64::consts::SQRT_2;
        for i in 0..c.nrows() {
            c[(i, i)] = white[(i, i)];
        }
        Self::pull(at, c)
    }

    fn mean(&self, batch: &SpdBatch, weights: Option<&[f64]>, _options: &MeanOptions) -> Result<MeanReport> {
        let mut sum = DMatrix::zeros(batch.order(), batch.order());
        for (i, w) in mean::checked_weights(batch, weights)? {
            sum += Self::chart(batch.get(i).cholesky()) * w;
        }
        Ok(MeanReport::closed(Self::point(sum)?))
    }

    /// Weiszfeld's iteration on the coordinates.
    fn median(&self, batch: &SpdBatch, weights: Option<&[f64]>, options: &MeanOptions) -> Result<MeanReport> {
        let n = batch.order();
        let points: Vec<(DVector<f64>, f64)> = mean::checked_weights(batch, weights)?
            .into_iter()
            .map(|(i, w)| {
                let chart = Self::chart(batch.get(i).cholesky());
                (DVector::from_column_slice(chart.as_slice()), w)
            })
            .collect();
        mean::median::euclidean(&points, options)
            .try_map(|x| Self::point(DMatrix::from_column_slice(n, n, x.as_slice())))
    }

    fn exp_domain(&self, at: &Spd, x: &DMatrix<f64>) -> Result<(f64, f64)> {
        if D::COMPLETE {
            checked_tangent(at, x)?;
            return Ok((f64::NEG_INFINITY, f64::INFINITY));
        }
        let rates = Self::factor_derivative(at, x)?
            .diagonal()
            .component_div(&at.cholesky().diagonal());
        positive_interval(rates.min(), rates.max())
    }

    fn injectivity_radius(&self, at: &Spd) -> Option<f64> {
        Some(if D::COMPLETE {
            f64::INFINITY
        } else {
            at.cholesky().diagonal().min()
        })
    }

    fn is_complete(&self) -> bool {
        D::COMPLETE
    }
}
