//! Symmetric tridiagonal pencils A - x M with M positive definite.

use crate::error::{OscillationError, Result};
use crate::jacobi::{Jacobi, shift};

/// A pencil of two Jacobi matrices of one order, the second positive definite: stiffness and mass of finite elements, or
/// a discretised Sturm-Liouville problem.
///
/// ```
/// use hadamard_oscillation::{Jacobi, Pencil};
/// let stiffness = Jacobi::new(vec![2.0; 4], vec![-1.0; 3])?;
/// let mass = Jacobi::new(vec![4.0; 4], vec![1.0; 3])?;
/// let pencil = Pencil::new(stiffness, mass)?;
/// assert_eq!(pencil.count_below(1.0)?, 3);
/// let c = (std::f64::consts::PI / 5.0).cos();
/// assert!((pencil.eigenvalue(0)? - (2.0 - 2.0 * c) / (4.0 + 2.0 * c)).abs() < 1e-16);
/// # Ok::<(), hadamard_oscillation::OscillationError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Pencil {
    stiffness: Jacobi,
    mass: Jacobi,
}

impl Pencil {
    /// A = `stiffness`, M = `mass`. Errs when the orders differ or a pivot of M is not positive. O(n).
    pub fn new(stiffness: Jacobi, mass: Jacobi) -> Result<Self> {
        if stiffness.order() != mass.order() {
            return Err(OscillationError::OrderMismatch {
                left: stiffness.order(),
                right: mass.order(),
            });
        }
        let mut pivot = 1.0;
        for (row, (&d, &e)) in mass.diagonal().iter().zip(mass.couplings()).enumerate() {
            pivot = d - e * (e / pivot);
            if pivot <= 0.0 {
                return Err(OscillationError::NotPositiveDefinite { row, pivot });
            }
        }
        Ok(Self { stiffness, mass })
    }

    /// Order n.
    pub fn order(&self) -> usize {
        self.stiffness.order()
    }

    /// Number of eigenvalues of A v = λ M v below x: negative pivots of A - x M. Errs when x is unusable or A - x M
    /// leaves the range of a float. O(n).
    pub fn count_below(&self, x: f64) -> Result<usize> {
        let x = shift("x", 0, x)?;
        let mut q = 1.0;
        let mut count = 0;
        let rows = self.stiffness.diagonal().iter().zip(self.stiffness.couplings());
        for (k, ((&a, &ea), (&m, &em))) in rows
            .zip(self.mass.diagonal().iter().zip(self.mass.couplings()))
            .enumerate()
        {
            let (d, e) = (a - x * m, ea - x * em);
            if !d.is_finite() || !e.is_finite() {
                return Err(OscillationError::RowTooLarge { row: k });
            }
            q = if e == 0.0 { d } else { d - e * (e / q) };
            count += usize::from(q.is_sign_negative());
        }
        Ok(count)
    }

    /// The k-th eigenvalue, k = 0 the smallest, by bisection down to neighbouring floats. Errs when k is not below the
    /// order, and when the eigenvalue λ or A - λ M leaves the range of a float. About 60 counts, and one more for each
    /// power of two that |λ| lies below 1.
    pub fn eigenvalue(&self, k: usize) -> Result<f64> {
        OscillationError::require_index("eigenvalue", k, self.order())?;
        // Widen until the count of the range holds k on either side.
        let (mut low, mut high) = (-1.0, 1.0);
        while self.count_below(low)? > k {
            low *= 16.0;
        }
        while self.count_below(high)? <= k {
            high *= 16.0;
        }
        loop {
            let middle = midpoint(low, high);
            if middle <= low || middle >= high {
                return Ok(low);
            }
            if self.count_below(middle)? <= k {
                low = middle
            } else {
                high = middle
            }
        }
    }
}

/// A value between: the mean, or for ends on one side of zero and of very different size their geometric mean, so that
/// tiny eigenvalues take no longer than others. Zero counts as the least positive number.
fn midpoint(low: f64, high: f64) -> f64 {
    let (small, large) = (low.abs().min(high.abs()), low.abs().max(high.abs()));
    let small = small.max(f64::from_bits(1));
    if (low >= 0.0 || high <= 0.0) && large / small > 4.0 {
        (small.sqrt() * large.sqrt()).copysign(low + high)
    } else {
        0.5 * low + 0.5 * high
    }
}
