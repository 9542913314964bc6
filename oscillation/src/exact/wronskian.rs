//! Weighted sign changes of the Wronskian of two solutions, by the definitions, in exact arithmetic.

use num_rational::BigRational;
use num_traits::{Signed, Zero};

use super::ExactJacobi;
use crate::error::{OscillationError, Result};

/// Which ends of an interval of indices (or of a pair of spectral parameters) belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interval {
    /// (m, n)
    Open,
    /// [m, n)
    ClosedOpen,
    /// (m, n]
    OpenClosed,
    /// [m, n]
    Closed,
}

/// The Wronskian of solutions u₀ of J₀ at z₀ and u₁ of J₁ at z₁.
///
/// ```text
/// W(k) = u₀(k) a₁(k) u₁(k+1) - u₁(k) a₀(k) u₀(k+1),      k = 0..=n
/// ```
///
/// Each solution is multiplied by the coupling of its own matrix; both couplings are taken negative.
/// Ammann and Teschl, arXiv 0810.5648; Ammann, arXiv 1207.3632.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExactWronskian {
    /// W(0), ..., W(n).
    pub values: Vec<BigRational>,
    /// Weighted sign changes between k and k + 1 for k = 0..n, each -1, 0 or +1.
    pub steps: Vec<i32>,
}

impl ExactWronskian {
    /// The Wronskian of any two solutions, each given as its n + 2 values u(0)..u(n+1).
    ///
    /// ```text
    /// #(k) = [W(k+1) u₀(k+1) u₁(k+1) > 0] - [W(k) u₀(k+1) u₁(k+1) > 0]
    /// ```
    ///
    /// Errs when orders or lengths do not fit.
    pub fn new(j0: &ExactJacobi, u0: &[BigRational], j1: &ExactJacobi, u1: &[BigRational]) -> Result<Self> {
        let n = j0.order();
        if j1.order() != n {
            return Err(OscillationError::OrderMismatch {
                left: n,
                right: j1.order(),
            });
        }
        for (what, u) in [("u0", u0), ("u1", u1)] {
            if u.len() != n + 2 {
                return Err(OscillationError::LengthMismatch {
                    what,
                    found: u.len(),
                    expected: n + 2,
                });
            }
        }
        let values: Vec<_> = (0..=n)
            .map(|k| &u0[k] * j1.a(k) * &u1[k + 1] - &u1[k] * j0.a(k) * &u0[k + 1])
            .collect();
        let steps = (0..n)
            .map(|k| {
                let s = &u0[k + 1] * &u1[k + 1];
                i32::from((&values[k + 1] * &s).is_positive()) - i32::from((&values[k] * &s).is_positive())
            })
            .collect();
        Ok(Self { values, steps })
    }

    /// W of the right solution of J₀ at z₀ and the left solution of J₁ at z₁. Errs on a zero coupling.
    pub fn right_left(j0: &ExactJacobi, z0: &BigRational, j1: &ExactJacobi, z1: &BigRational) -> Result<Self> {
        Self::new(j0, &j0.solution_from_right(z0)?, j1, &j1.solution_from_left(z1)?)
    }

    /// W of the left solution of J₀ at z₀ and the right solution of J₁ at z₁. Errs on a zero coupling.
    pub fn left_right(j0: &ExactJacobi, z0: &BigRational, j1: &ExactJacobi, z1: &BigRational) -> Result<Self> {
        Self::new(j0, &j0.solution_from_left(z0)?, j1, &j1.solution_from_right(z1)?)
    }

    /// Weighted sign changes between the indices m ≤ n, with S their plain sum over m..n:
    ///
    /// ```text
    /// [m,n): S     (m,n): S - [W(m) = 0]     [m,n]: S + [W(n) = 0]     (m,n]: S - [W(m) = 0] + [W(n) = 0]
    /// ```
    ///
    /// Errs when n exceeds the order or is below m.
    pub fn count(&self, interval: Interval, m: usize, n: usize) -> Result<i64> {
        if m > n {
            return Err(OscillationError::EmptyRange { start: m, end: n });
        }
        OscillationError::require_index("index", n, self.values.len())?;
        let sum: i64 = self.steps[m..n].iter().map(|&s| i64::from(s)).sum();
        let (left, right) = (i64::from(self.values[m].is_zero()), i64::from(self.values[n].is_zero()));
        Ok(match interval {
            Interval::ClosedOpen => sum,
            Interval::Open => sum - left,
            Interval::Closed => sum + right,
            Interval::OpenClosed => sum - left + right,
        })
    }

    /// [`count`](Self::count) over the whole matrix, 0 to n (W vanishes at n + 1 iff it does at n).
    pub fn total(&self, interval: Interval) -> i64 {
        self.count(interval, 0, self.steps.len())
            .expect("0..=n are the indices of the values")
    }
}
