//! Periodic Jacobi matrices: a corner entry joins the last row to the first.

use crate::error::{OscillationError, Result};
use crate::jacobi::{Jacobi, shift};

/// A Jacobi matrix with the corner entries J(0,n-1) = J(n-1,0) = c, of order n ≥ 3.
///
/// ```
/// use hadamard_oscillation::CyclicJacobi;
/// let ring = CyclicJacobi::new(vec![0.0; 6], vec![-1.0; 5], -1.0)?; // eigenvalues -2, -1, -1, 1, 1, 2
/// assert_eq!(ring.count_below(0.0)?, 3);
/// assert_eq!(ring.count_below(1.5)?, 5);
/// # Ok::<(), hadamard_oscillation::OscillationError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct CyclicJacobi {
    /// The matrix less |c| v vᵀ, v = e(0) ± e(n-1) with the sign of c: a Jacobi matrix.
    rest: Jacobi,
    corner: f64,
}

impl CyclicJacobi {
    /// n diagonal and n - 1 off-diagonal entries and the corner. Errs as [`Jacobi::new`] and when n < 3.
    pub fn new(diagonal: impl Into<Vec<f64>>, off_diagonal: impl Into<Vec<f64>>, corner: f64) -> Result<Self> {
        let (mut diagonal, off_diagonal) = (diagonal.into(), off_diagonal.into());
        let n = diagonal.len();
        if !corner.is_finite() {
            return Err(OscillationError::NonFiniteEntry {
                what: "corner",
                index: 0,
                value: corner,
            });
        }
        if n == 0 {
            return Err(OscillationError::Empty);
        }
        if n < 3 {
            return Err(OscillationError::BadParameter {
                what: "the order of a cyclic matrix",
                value: n as f64,
                expected: "at least 3: below, the corner coincides with another entry",
            });
        }
        diagonal[0] -= corner.abs();
        diagonal[n - 1] -= corner.abs();
        Ok(Self {
            rest: Jacobi::new(diagonal, off_diagonal)?,
            corner,
        })
    }

    /// Order n.
    pub fn order(&self) -> usize {
        self.rest.order()
    }

    /// Number of eigenvalues < x.
    ///
    /// With T = J - |c| v vᵀ - x a Jacobi matrix, n₋(J - x) = n₋(T) - [1 + |c| vᵀ T⁻¹ v < 0], and vᵀ T⁻¹ v needs the
    /// corners of T⁻¹ only: the reciprocals of the last pivots from either side, and a product of ratios e/q, which does
    /// not suffer when pivots are small (eliminating with a border does). Errs on an unusable x. O(n).
    pub fn count_below(&self, x: f64) -> Result<usize> {
        let x = shift("x", 0, x)?;
        let below = self.rest.count_below(x)?;
        if self.corner == 0.0 {
            return Ok(below);
        }
        let (d, e, n) = (self.rest.diagonal(), self.rest.couplings(), self.rest.order());
        // A zero pivot is replaced by one that is negligible beside its row: the product passes through it unharmed.
        let guard = |q: f64, k: usize| {
            if q == 0.0 {
                f64::EPSILON * f64::EPSILON * (e[k].abs() + self.corner.abs()) + f64::MIN_POSITIVE
            } else {
                q
            }
        };
        let mut q = guard(d[0] - x, 0);
        let mut product = Scaled {
            mantissa: 1.0,
            exponent: 0,
        };
        for k in 1..n {
            product.multiply(-e[k] / q);
            q = guard(
                if e[k] == 0.0 {
                    d[k] - x
                } else {
                    (d[k] - x) - e[k] * (e[k] / q)
                },
                k,
            );
        }
        product.multiply(self.corner / q);
        let mut g = guard(d[n - 1] - x, n - 1);
        for k in (0..n - 1).rev() {
            let up = e[k + 1];
            g = guard(
                if up == 0.0 {
                    d[k] - x
                } else {
                    (d[k] - x) - up * (up / g)
                },
                k,
            );
        }
        let form = 1.0 + self.corner.abs() / g + self.corner.abs() / q + 2.0 * product.value();
        Ok(below - usize::from(form < 0.0 && below > 0))
    }
}

/// A product whose partial products may leave the range of a float.
struct Scaled {
    mantissa: f64,
    exponent: i64,
}

impl Scaled {
    fn multiply(&mut self, factor: f64) {
        self.mantissa *= factor;
        let size = self.mantissa.abs();
        if size > 1e100 && size.is_finite() {
            self.mantissa *= 2f64.powi(-300);
            self.exponent += 300;
        } else if size < 1e-100 && size > 0.0 {
            self.mantissa *= 2f64.powi(300);
            self.exponent -= 300;
        }
    }

    fn value(&self) -> f64 {
        self.mantissa * 2f64.powi(self.exponent.clamp(-5000, 5000) as i32)
    }
}
