//! A Jacobi matrix with rational entries, its counts, solutions and nodes.

use num_rational::BigRational;
use num_traits::{One, Signed, Zero};

use super::SignChanges;
use crate::certified::Counts;
use crate::error::{OscillationError, Result};
use crate::jacobi::Jacobi;

/// A Jacobi matrix of rationals.
///
/// ```
/// use hadamard_oscillation::exact::{BigRational, ExactJacobi};
/// let j = ExactJacobi::from_integers(&[0, 0, 0], &[-1, -1])?;
/// let counts = j.count(&BigRational::from_integer(0.into()));
/// assert_eq!((counts.below, counts.at_most), (1, 2));
/// # Ok::<(), hadamard_oscillation::OscillationError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExactJacobi {
    diagonal: Vec<BigRational>,
    off_diagonal: Vec<BigRational>,
}

impl ExactJacobi {
    /// n diagonal and n - 1 off-diagonal entries. Errs on n = 0 and on lengths that do not fit.
    pub fn new(diagonal: Vec<BigRational>, off_diagonal: Vec<BigRational>) -> Result<Self> {
        let n = diagonal.len();
        if n == 0 {
            return Err(OscillationError::Empty);
        }
        if off_diagonal.len() != n - 1 {
            return Err(OscillationError::LengthMismatch {
                what: "off_diagonal",
                found: off_diagonal.len(),
                expected: n - 1,
            });
        }
        Ok(Self { diagonal, off_diagonal })
    }

    /// From small integers. Errs as [`new`](Self::new): without rows, or unless there is one coupling less than rows.
    pub fn from_integers(diagonal: &[i64], off_diagonal: &[i64]) -> Result<Self> {
        let lift = |v: &[i64]| v.iter().map(|&k| BigRational::from_integer(k.into())).collect();
        Self::new(lift(diagonal), lift(off_diagonal))
    }

    /// Order n.
    pub fn order(&self) -> usize {
        self.diagonal.len()
    }

    /// The diagonal entries.
    pub fn diagonal(&self) -> &[BigRational] {
        &self.diagonal
    }

    /// The off-diagonal entries.
    pub fn off_diagonal(&self) -> &[BigRational] {
        &self.off_diagonal
    }

    /// a(k) < 0 for k = 0..=n: -|`e[k-1]`| inside, -1 at both ends, where any negative value gives the same counts.
    pub(super) fn a(&self, k: usize) -> BigRational {
        if k == 0 || k == self.order() {
            -BigRational::one()
        } else {
            -self.off_diagonal[k - 1].abs()
        }
    }

    pub(super) fn unreduced(&self, which: &'static str) -> Result<()> {
        match self.off_diagonal.iter().position(Zero::is_zero) {
            Some(index) => Err(OscillationError::ZeroCoupling { which, index }),
            None => Ok(()),
        }
    }

    /// The numbers of eigenvalues < x and ≤ x, by the leading determinants of J - x: O(n) operations on rationals of up
    /// to O(n) digits.
    pub fn count(&self, x: &BigRational) -> Counts {
        let mut changes = SignChanges::default();
        let (mut before, mut p) = (BigRational::zero(), BigRational::one());
        for (k, d) in self.diagonal.iter().enumerate() {
            let dx = d - x;
            let next = if k == 0 || self.off_diagonal[k - 1].is_zero() {
                changes.start_block();
                p = BigRational::one();
                dx
            } else {
                let e = &self.off_diagonal[k - 1];
                dx * &p - e * e * before
            };
            changes.push(&next);
            before = std::mem::replace(&mut p, next);
        }
        changes.finish()
    }

    /// The left solution of τu = zu: u(0) = 0, u(1) = 1, and so on up to u(n+1).
    ///
    /// ```text
    /// a(k) u(k+1) = (z - b(k)) u(k) - a(k-1) u(k-1),      a < 0
    /// ```
    ///
    /// z is an eigenvalue iff u(n+1) = 0. Errs on a zero coupling.
    pub fn solution_from_left(&self, z: &BigRational) -> Result<Vec<BigRational>> {
        self.solution(z, BigRational::zero(), BigRational::one())
    }

    /// The solution of τu = zu with given u(0) and u(1), as n + 2 values. Errs on a zero coupling.
    pub fn solution(&self, z: &BigRational, u0: BigRational, u1: BigRational) -> Result<Vec<BigRational>> {
        self.unreduced("given")?;
        let n = self.order();
        let mut u = Vec::with_capacity(n + 2);
        u.extend([u0, u1]);
        for k in 1..=n {
            let next = ((z - &self.diagonal[k - 1]) * &u[k] - self.a(k - 1) * &u[k - 1]) / self.a(k);
            u.push(next);
        }
        Ok(u)
    }

    /// The right solution of τu = zu: u(n+1) = 0, u(n) = 1, and so on down to u(0); n + 2 values in ascending order.
    /// Errs on a zero coupling.
    pub fn solution_from_right(&self, z: &BigRational) -> Result<Vec<BigRational>> {
        self.unreduced("given")?;
        let n = self.order();
        let mut u = vec![BigRational::zero(); n + 2];
        u[n] = BigRational::one();
        for k in (1..=n).rev() {
            u[k - 1] = ((z - &self.diagonal[k - 1]) * &u[k] - self.a(k) * &u[k + 1]) / self.a(k - 1);
        }
        Ok(u)
    }
}

impl From<&Jacobi> for ExactJacobi {
    /// Every finite float is a rational: nothing is lost.
    fn from(j: &Jacobi) -> Self {
        let lift = |v: &[f64]| v.iter().map(|&x| rational(x)).collect();
        Self {
            diagonal: lift(j.diagonal()),
            off_diagonal: lift(j.off_diagonal()),
        }
    }
}

/// The exact value of a finite float.
pub(super) fn rational(x: f64) -> BigRational {
    BigRational::from_float(x).unwrap_or_else(BigRational::zero)
}

/// The nodes of a solution for a < 0: the k with u(k) = 0 or u(k) u(k+1) < 0, k = 0..len - 1.
pub fn nodes(u: &[BigRational]) -> Vec<usize> {
    (0..u.len().saturating_sub(1))
        .filter(|&k| u[k].is_zero() || (&u[k] * &u[k + 1]).is_negative())
        .collect()
}

/// Number of nodes in the open interval (m, n): nodes k with m < k < n, and k = m when u(m) ≠ 0.
///
/// For the left or right solution at z over (0, n+1) it is the number of eigenvalues < z.
pub fn node_count(u: &[BigRational], m: usize, n: usize) -> usize {
    nodes(u)
        .into_iter()
        .filter(|&k| (m < k && k < n) || (k == m && m < n && !u[k].is_zero()))
        .count()
}
