//! Relative oscillation: where along two matrices the difference of their counts builds up.
//!
//! For solutions u₀ of J₀ at z₀ and u₁ of J₁ at z₁ (couplings taken as a = -|e|, with a(0) = a(n) = -1) let
//!
//! ```text
//! W(k) = u₀(k) a₁(k) u₁(k+1) - u₁(k) a₀(k) u₀(k+1)
//! #(k) = [W(k+1) u₀(k+1) u₁(k+1) > 0] - [W(k) u₀(k+1) u₁(k+1) > 0]          -1, 0 or +1
//! ```
//!
//! The sum of the weighted sign changes #(k) over the whole matrix is a difference of two eigenvalue counts, for any
//! two Jacobi matrices, perturbed on or off the diagonal. With u₀ from the right end and u₁ from the left end, and the
//! zeros of W at the ends counted as [`Interval`] says:
//!
//! ```text
//! (0,n)  #{J₁ < z₁} - #{J₀ ≤ z₀}          [0,n)  #{J₁ < z₁} - #{J₀ < z₀}
//! [0,n]  #{J₁ ≤ z₁} - #{J₀ < z₀}          (0,n]  #{J₁ ≤ z₁} - #{J₀ ≤ z₀}
//! ```
//!
//! (with the sides exchanged the two half-open lines exchange). For J₀ = J₁ the sum counts the eigenvalues between
//! z₀ and z₁. Ammann and Teschl, arXiv 0810.5648 (diagonal perturbations); Ammann, arXiv 1207.3632 (all).
//!
//! # What holds, and what only seems to
//!
//! - Weyl: with D = (J₀ - z₀) - (J₁ - z₁), -n₋(D) ≤ #{J₁ < z₁} - #{J₀ < z₀} ≤ n₊(D). A perturbation of rank r changes
//!   a count by at most r.
//! - Comparison: J₀ - z₀ ≥ J₁ - z₁ ≥ J₂ - z₂ orders the three counts.
//! - Triangle: |#(u₀,u₁) + #(u₁,u₂) - #(u₀,u₂)| ≤ 1 over any interval of indices.
//! - The weighted count over an interval and the difference of the numbers of nodes differ by at most 1.
//! - Exchanging the solutions: `#_[m,n)(u₁,u₀) = -#_(m,n](u₀,u₁)`. It is **not** `-#_[m,n)(u₀,u₁)`.
//! - For diagonal D ≥ 0 every single step is ≥ 0. For D ≥ 0 with an off-diagonal part single steps **can be** -1; only
//!   the totals over the whole matrix are monotone.
//! - A boundary term `[W u₀ u₁ > 0]` relates weighted count and nodes **only** with the right value at zeros: 0 where
//!   u₀ = 0, 1 where u₁ = 0 ≠ u₀.
//! - Teschl's 1996 paper has the opposite sign of the diagonal: formulas do **not** carry over unchanged.

use crate::error::{OscillationError, Result};
use crate::exact::Interval;
use crate::jacobi::{Jacobi, shift};

/// The weighted sign changes of the Wronskian of two matrices, in floating point.
///
/// Computed from pivots, free of overflow: q(k) = -a(k) u(k+1)/u(k) of both solutions give
/// #(k) = [q₀(k+1) > q₁(k+1)] - [1/q₁(k) > 1/q₀(k)], and 0 where u₀(k+1) or u₁(k+1) vanishes. A tie (a zero of W at an
/// end) is seen only where the arithmetic is exact; [`ExactWronskian`](crate::exact::ExactWronskian) sees them all.
///
/// ```
/// use hadamard_oscillation::{Jacobi, Wronskian, exact::Interval};
/// let free = Jacobi::new(vec![0.0; 9], vec![-1.0; 8])?;
/// let mut diagonal = vec![0.0; 9];
/// diagonal[4] = -3.0; // an attractive impurity in the middle
/// let impure = Jacobi::new(diagonal, vec![-1.0; 8])?;
/// let w = Wronskian::right_left(&free, -2.5, &impure, -2.5)?;
/// assert_eq!(w.count(Interval::ClosedOpen), 1); // one bound state below -2.5 ...
/// assert_eq!(w.sign_changes().collect::<Vec<_>>(), [(4, 1)]); // ... created at the impurity
/// # Ok::<(), hadamard_oscillation::OscillationError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wronskian {
    steps: Vec<i8>,
    zero_at_start: bool,
    zero_at_end: bool,
}

impl Wronskian {
    /// u₀ from the right end of J₀ at z₀, u₁ from the left end of J₁ at z₁.
    ///
    /// Errs when the orders differ, a coupling is zero, or a shift is unusable. O(n).
    pub fn right_left(j0: &Jacobi, z0: f64, j1: &Jacobi, z1: f64) -> Result<Self> {
        validate(j0, j1)?;
        Ok(Self::from_pivots(
            &from_right(j0, shift("z0", 0, z0)?),
            &from_left(j1, shift("z1", 0, z1)?),
        ))
    }

    /// u₀ from the left end of J₀ at z₀, u₁ from the right end of J₁ at z₁. Errors and cost as
    /// [`right_left`](Self::right_left).
    pub fn left_right(j0: &Jacobi, z0: f64, j1: &Jacobi, z1: f64) -> Result<Self> {
        validate(j0, j1)?;
        Ok(Self::from_pivots(
            &from_left(j0, shift("z0", 0, z0)?),
            &from_right(j1, shift("z1", 0, z1)?),
        ))
    }

    fn from_pivots(q0: &[f64], q1: &[f64]) -> Self {
        let n = q0.len() - 1;
        let steps = (0..n)
            .map(|k| {
                if q0[k] == 0.0 || q1[k] == 0.0 {
                    0
                } else {
                    i8::from(q0[k + 1] > q1[k + 1]) - i8::from(1.0 / q1[k] > 1.0 / q0[k])
                }
            })
            .collect();
        // W(0) = -u₁(0) a₀ u₀(1) + ...: the solution that starts there vanishes at 0, so W does iff the other one does.
        Self {
            steps,
            zero_at_start: q0[0].is_infinite() && q1[0].is_infinite(),
            zero_at_end: q0[n] == 0.0 && q1[n] == 0.0,
        }
    }

    /// #(0), ..., #(n-1): step k lies between the indices k and k + 1.
    pub fn steps(&self) -> &[i8] {
        &self.steps
    }

    /// The steps that are not zero: (k, ±1), k ascending.
    pub fn sign_changes(&self) -> impl Iterator<Item = (usize, i8)> + '_ {
        self.steps.iter().copied().enumerate().filter(|&(_, s)| s != 0)
    }

    /// The weighted count over the whole matrix, with the ends as `interval` says.
    pub fn count(&self, interval: Interval) -> i64 {
        let sum: i64 = self.steps.iter().map(|&s| i64::from(s)).sum();
        let (start, end) = (i64::from(self.zero_at_start), i64::from(self.zero_at_end));
        match interval {
            Interval::ClosedOpen => sum,
            Interval::Open => sum - start,
            Interval::Closed => sum + end,
            Interval::OpenClosed => sum - start + end,
        }
    }
}

fn validate(j0: &Jacobi, j1: &Jacobi) -> Result<()> {
    if j0.order() != j1.order() {
        return Err(OscillationError::OrderMismatch {
            left: j0.order(),
            right: j1.order(),
        });
    }
    unreduced("first", j0)?;
    unreduced("second", j1)
}

fn unreduced(which: &'static str, j: &Jacobi) -> Result<()> {
    match j.first_split() {
        Some(index) => Err(OscillationError::ZeroCoupling { which, index }),
        None => Ok(()),
    }
}

/// q(0), ..., q(n) of the left solution: +∞ at 0, where u vanishes, then the pivots of J - z downwards.
fn from_left(j: &Jacobi, z: f64) -> Vec<f64> {
    let mut q = Vec::with_capacity(j.order() + 1);
    q.push(f64::INFINITY);
    for (k, (&d, &e)) in j.diagonal().iter().zip(j.couplings()).enumerate() {
        q.push(if k == 0 { d - z } else { (d - z) - e * (e / q[k]) });
    }
    q
}

/// q(0), ..., q(n) of the right solution: a(k)²/g(k+1) with g the pivots upwards, and 0 at n, where u(n+1) vanishes.
fn from_right(j: &Jacobi, z: f64) -> Vec<f64> {
    let n = j.order();
    let mut q = vec![0.0; n + 1];
    for k in (0..n).rev() {
        let g = (j.diagonal()[k] - z) - q[k + 1];
        let a = if k == 0 { 1.0 } else { j.couplings()[k] };
        q[k] = a * (a / g);
    }
    q
}

impl Jacobi {
    /// Difference of the counts of two matrices: with J₁ = `self` and J₀ = `other`,
    ///
    /// ```text
    /// Open        #{J₁ < z₁} - #{J₀ ≤ z₀}          ClosedOpen  #{J₁ < z₁} - #{J₀ < z₀}
    /// Closed      #{J₁ ≤ z₁} - #{J₀ < z₀}          OpenClosed  #{J₁ ≤ z₁} - #{J₀ ≤ z₀}
    /// ```
    ///
    /// For one and the same matrix: the number of eigenvalues between z₀ and z₁, minus that number when z₀ > z₁. Orders
    /// may differ and couplings may be zero. Errs on unusable shifts. Two counts.
    pub fn relative_count(&self, z1: f64, other: &Jacobi, z0: f64, interval: Interval) -> Result<i64> {
        let minuend = match interval {
            Interval::Open | Interval::ClosedOpen => self.count_below(z1)?,
            Interval::Closed | Interval::OpenClosed => self.count_at_most(z1)?,
        };
        let subtrahend = match interval {
            Interval::Closed | Interval::ClosedOpen => other.count_below(z0)?,
            Interval::Open | Interval::OpenClosed => other.count_at_most(z0)?,
        };
        Ok(minuend as i64 - subtrahend as i64)
    }

    /// Spectral shift function ξ(x) = #{J₀ ≤ x} - #{J₁ ≤ x} at many x, J₀ = `self` and J₁ = `perturbed`.
    ///
    /// ∫ ξ dx = tr (J₁ - J₀), and ∫ f' ξ dx = tr f(J₁) - tr f(J₀) (Krein). Errs on unusable x. Two batches of counts.
    pub fn spectral_shift(&self, perturbed: &Jacobi, x: &[f64]) -> Result<Vec<i64>> {
        let before = self.counts_at_most(x)?;
        let after = perturbed.counts_at_most(x)?;
        Ok(before.iter().zip(&after).map(|(&b, &a)| b as i64 - a as i64).collect())
    }

    /// The nodes of the left solution u(0) = 0, u(1) = 1 of Ju = zu in the open interval (0, n+1): the k with
    /// u(k) = 0 or u(k) u(k+1) < 0 (couplings taken negative), ascending.
    ///
    /// Their number is [`count_below(z)`](Jacobi::count_below). Errs on a zero coupling or an unusable z. O(n).
    pub fn nodes(&self, z: f64) -> Result<Vec<usize>> {
        unreduced("given", self)?;
        let q = from_left(self, shift("z", 0, z)?);
        Ok((1..q.len()).filter(|&k| q[k].is_sign_negative()).collect())
    }

    /// Prüfer angles θ(0), ..., θ(n) of the left solution: u(k) = ρ sin θ(k), -a(k) u(k+1) = ρ cos θ(k).
    ///
    /// The lift is fixed by ⌈θ(k)/π⌉ ≤ ⌈θ(k+1)/π⌉ ≤ ⌈θ(k)/π⌉ + 1, so ⌈θ(n)/π⌉ - ⌈θ(m)/π⌉ nodes lie in [m, n). For
    /// pictures: a ceiling of a rounded multiple of π decides nothing, count with signs. Errs on a zero coupling or an
    /// unusable z. O(n).
    pub fn pruefer_angles(&self, z: f64) -> Result<Vec<f64>> {
        unreduced("given", self)?;
        let q = from_left(self, shift("z", 0, z)?);
        let mut nodes = 0.0;
        Ok(q.iter()
            .map(|&q| {
                let angle = std::f64::consts::PI * nodes + 1f64.atan2(q);
                nodes += f64::from(u8::from(q.is_sign_negative()));
                angle
            })
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_and_orders_are_refused() {
        let split = Jacobi::new(vec![0.0; 3], vec![1.0, 0.0]).unwrap();
        let whole = Jacobi::new(vec![0.0; 3], vec![1.0, 1.0]).unwrap();
        let short = Jacobi::new(vec![0.0; 2], vec![1.0]).unwrap();
        assert_eq!(
            Wronskian::right_left(&whole, 0.0, &split, 0.0),
            Err(OscillationError::ZeroCoupling {
                which: "second",
                index: 1
            })
        );
        assert_eq!(
            Wronskian::left_right(&whole, 0.0, &short, 0.0),
            Err(OscillationError::OrderMismatch { left: 3, right: 2 })
        );
        assert!(split.nodes(0.0).is_err() && split.pruefer_angles(0.0).is_err());
        assert!(Wronskian::right_left(&whole, f64::NAN, &whole, 0.0).is_err());
    }

    #[test]
    fn an_off_diagonal_perturbation_can_step_down() {
        // (J₀ - z₀) ≥ (J₁ - z₁), yet one step is -1.
        let j0 = Jacobi::new(
            vec![-2.0, 2.0, 0.0, 0.0, -1.0, 0.0, 0.0],
            vec![-1.0, -2.0, -2.0, -2.0, -2.0, -3.0],
        );
        let j1 = Jacobi::new(
            vec![-2.0, 2.0, -1.0, -1.0, -1.0, -2.0, 0.0],
            vec![-1.5, -2.5, -1.5, -2.5, -2.5, -3.0],
        );
        let w = Wronskian::right_left(&j0.unwrap(), 1.0, &j1.unwrap(), 3.0).unwrap();
        assert_eq!(w.steps(), [0, 1, -1, 1, 0, 0, 0]);
    }
}
