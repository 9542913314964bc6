//! Closed forms where all matrices commute (Hiai and Petz 2009).
//!
//! Diagonal matrices are totally geodesic, and flat in the coordinates U(d_i), U' = φ(x, x)^{-1/2}: for a kernel of degree
//! θ, with r = 1 − θ/2, these are powers d^r (log d for r = 0) and do not depend on the mean behind the kernel.

use nalgebra::{DMatrix, DVector};

use crate::eigen::symmetric_eigen;
use crate::error::{Error, Result};
use crate::matrix_functions::{congruence, to_eigenbasis};
use crate::metric::positive_interval;
use crate::spd::Spd;

/// Off-diagonal entries that count as rounding, over n ε.
const ROUNDING: f64 = 8.0;

/// A point and a symmetric matrix that commute, in a basis where both are diagonal to rounding.
pub(super) struct Common {
    basis: DMatrix<f64>,
    point: DVector<f64>,
    other: DVector<f64>,
}

impl Common {
    /// Σ and Λ: entries off the diagonal are rounding of their rows and columns.
    pub(super) fn of_points(at: &Spd, to: &Spd) -> Option<Self> {
        let (basis, a, b) = common_basis(at, to.matrix())?;
        (is_diagonal(&b, |i, j| own(&b, i, j)) && b.diagonal().min() > 0.0).then(|| Self {
            basis,
            point: a.diagonal(),
            other: b.diagonal(),
        })
    }

    /// Σ and X: entries off the diagonal of X, seen from Σ, are rounding of the largest one on it.
    pub(super) fn of_velocity(at: &Spd, x: &DMatrix<f64>) -> Option<Self> {
        let (basis, a, x) = common_basis(at, x)?;
        let largest = (0..x.nrows()).fold(0.0_f64, |m, k| m.max((x[(k, k)] / a[(k, k)]).abs()));
        is_diagonal(&x, |i, j| largest * own(&a, i, j)).then(|| Self {
            basis,
            point: a.diagonal(),
            other: x.diagonal(),
        })
    }

    /// Log_Σ(Λ)_ii = a ((b/a)^r − 1)/r, and a log(b/a) for r = 0.
    pub(super) fn log(&self, r: f64) -> DMatrix<f64> {
        let velocity = self.point.zip_map(&self.other, |a, b| {
            let growth = (b / a).ln();
            a * if r == 0.0 { growth } else { (r * growth).exp_m1() / r }
        });
        congruence(&self.basis, &DMatrix::from_diagonal(&velocity))
    }

    /// The rates r X_ii/a_i; the geodesic exists while 1 + t rate > 0.
    fn rates(&self, r: f64) -> DVector<f64> {
        self.other.zip_map(&self.point, |x, a| r * (x / a))
    }

    /// The times at which the geodesic ends.
    pub(super) fn domain(&self, r: f64) -> Result<(f64, f64)> {
        let rates = self.rates(r);
        positive_interval(rates.min(), rates.max())
    }

    /// Exp_Σ(X)_ii = a (1 + r X_ii/a)^{1/r}, and a e^{X_ii/a} for r = 0.
    pub(super) fn exp(&self, r: f64) -> Result<Spd> {
        let (_, exit) = self.domain(r)?;
        if exit <= 1.0 {
            return Err(Error::LeftDomain { t: exit });
        }
        let mut factor = self.basis.clone();
        for (i, mut column) in factor.column_iter_mut().enumerate() {
            let w = self.other[i] / self.point[i];
            let growth = if r == 0.0 { w } else { (r * w).ln_1p() / r };
            column *= self.point[i].sqrt() * (0.5 * growth).exp();
        }
        Spd::from_factor(&factor)
    }
}

/// A basis in which Σ is diagonal to rounding, and the symmetric M if they commute, with both seen from it: the
/// eigenvectors of a combination of the two. `None` for M = 0.
fn common_basis(at: &Spd, m: &DMatrix<f64>) -> Option<(DMatrix<f64>, DMatrix<f64>, DMatrix<f64>)> {
    let size = m.amax();
    if size == 0.0 {
        return None;
    }
    let eigen = symmetric_eigen(&(at.matrix() / at.matrix().amax() + m * (std::f64::consts::SQRT_2 / size)));
    let (a, m) = (to_eigenbasis(&eigen, at.matrix()), to_eigenbasis(&eigen, m));
    is_diagonal(&a, |i, j| own(&a, i, j)).then_some((eigen.vectors, a, m))
}

/// √(m_ii m_jj).
fn own(m: &DMatrix<f64>, i: usize, j: usize) -> f64 {
    m[(i, i)].abs().sqrt() * m[(j, j)].abs().sqrt()
}

fn is_diagonal(m: &DMatrix<f64>, size: impl Fn(usize, usize) -> f64) -> bool {
    let n = m.nrows();
    let bound = ROUNDING * n as f64 * f64::EPSILON;
    (0..n).all(|j| (0..j).all(|i| m[(i, j)].abs() <= bound * size(i, j)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::dmatrix;

    #[test]
    fn common_bases_are_found_where_there_are_any() {
        let rotation = dmatrix![0.8, -0.6; 0.6, 0.8];
        let point = |a: f64, b: f64| {
            let d = DMatrix::from_diagonal(&nalgebra::dvector![a, b]);
            Spd::try_new(congruence(&rotation, &d)).unwrap()
        };
        assert!(Common::of_points(&point(1.0, 5.0), &point(3.0, 2.0)).is_some());
        // Repeated eigenvalues of one, or of both.
        assert!(Common::of_points(&point(2.0, 2.0), &point(3.0, 1.0)).is_some());
        assert!(Common::of_points(&point(2.0, 2.0), &point(3.0, 3.0)).is_some());
        assert!(Common::of_velocity(&point(2.0, 1.0), point(3.0, 4.0).matrix()).is_some());
        let other = Spd::try_new(dmatrix![1.0, 1e-10; 1e-10, 2.0]).unwrap();
        assert!(Common::of_points(&point(1.0, 5.0), &other).is_none());
        assert!(Common::of_velocity(&point(1.0, 5.0), other.matrix()).is_none());
    }
}
