//! The matrix.

use std::ops::Range;

use nalgebra::DMatrix;

use crate::error::{OscillationError, Result};
use crate::real::Real;

/// A validated Jacobi (real symmetric tridiagonal) matrix.
///
/// ```text
/// J(k,k) = d[k],   J(k,k+1) = J(k+1,k) = e[k]
/// ```
///
/// Off-diagonal entries may have any sign (the spectrum depends on e² alone; solutions and Wronskians take -|e|, see
/// [`relative`](crate::relative)) and may be zero, where the matrix splits into blocks whose counts add. A complex
/// Hermitian tridiagonal matrix has the spectrum of the Jacobi matrix with |e|.
///
/// ```
/// use hadamard_oscillation::Jacobi;
/// let chain = Jacobi::new(vec![0.0; 5], vec![-1.0; 4])?;
/// assert_eq!(chain.count_below(0.0)?, 2);
/// assert_eq!(chain.count_at_most(0.0)?, 3);
/// # Ok::<(), hadamard_oscillation::OscillationError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Jacobi<T: Real = f64> {
    diagonal: Vec<T>,
    /// `couplings[k]` joins row k to row k - 1; `couplings[0]` = 0, so that the first row is the first row of a block.
    couplings: Vec<T>,
    radius: T,
    bounds: (T, T),
}

impl<T: Real> Jacobi<T> {
    /// Validates n diagonal and n - 1 off-diagonal entries.
    ///
    /// Errs when there is no row, the lengths do not fit, an entry is not finite, or |d| plus the moduli of both
    /// couplings of a row exceed half of the largest float. O(n).
    pub fn new(diagonal: impl Into<Vec<T>>, off_diagonal: impl Into<Vec<T>>) -> Result<Self> {
        let mut diagonal = diagonal.into();
        let mut couplings = off_diagonal.into();
        let n = diagonal.len();
        if n == 0 {
            return Err(OscillationError::Empty);
        }
        if couplings.len() != n - 1 {
            return Err(OscillationError::LengthMismatch {
                what: "off_diagonal",
                found: couplings.len(),
                expected: n - 1,
            });
        }
        finite("diagonal", &diagonal)?;
        finite("off_diagonal", &couplings)?;
        // -0 - (+0) = -0 would be counted as negative; -0 + 0 = +0.
        diagonal.iter_mut().for_each(|d| *d = *d + T::ZERO);
        couplings.insert(0, T::ZERO);
        let (radius, bounds) = extent(&diagonal, &couplings)?;
        Ok(Self {
            diagonal,
            couplings,
            radius,
            bounds,
        })
    }

    /// Order n.
    pub fn order(&self) -> usize {
        self.diagonal.len()
    }

    /// The n diagonal entries.
    pub fn diagonal(&self) -> &[T] {
        &self.diagonal
    }

    /// The n - 1 off-diagonal entries.
    pub fn off_diagonal(&self) -> &[T] {
        &self.couplings[1..]
    }

    /// n entries: 0, then the off-diagonal, so that entry k couples row k to row k - 1.
    pub(crate) fn couplings(&self) -> &[T] {
        &self.couplings
    }

    /// R = maxₖ (|`e[k-1]`| + |`e[k]`|), the size that the error bound of the counts refers to:
    /// a count at x is the exact count at some x' with |x' - x| ≤ 2.5 u R.
    pub fn coupling_radius(&self) -> T {
        self.radius
    }

    /// Gershgorin's interval (min (d - |e| - |e'|), max (d + |e| + |e'|)), rounded outwards: holds every eigenvalue.
    pub fn gershgorin(&self) -> (T, T) {
        self.bounds
    }

    /// The row ranges of the diagonal blocks between zero couplings.
    ///
    /// ```
    /// use hadamard_oscillation::Jacobi;
    /// let j = Jacobi::new(vec![1.0, 2.0, 3.0], vec![0.0, 1.0])?;
    /// assert_eq!(j.blocks().collect::<Vec<_>>(), [0..1, 1..3]);
    /// # Ok::<(), hadamard_oscillation::OscillationError>(())
    /// ```
    pub fn blocks(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        let n = self.order();
        let mut start = 0;
        std::iter::from_fn(move || {
            (start < n).then(|| {
                let end = (start + 1..n).find(|&k| self.couplings[k] == T::ZERO).unwrap_or(n);
                std::mem::replace(&mut start, end)..end
            })
        })
    }

    /// Position of the first zero coupling, as an index into [`off_diagonal`](Self::off_diagonal); `None` when the
    /// matrix does not split.
    pub fn first_split(&self) -> Option<usize> {
        self.off_diagonal().iter().position(|&e| e == T::ZERO)
    }

    /// -J: its counts are those of J from the other side, count_below(-J, -x) = n - count_at_most(J, x).
    pub fn negated(&self) -> Self {
        Self {
            diagonal: self.diagonal.iter().map(|&d| T::ZERO - d).collect(),
            couplings: self.couplings.clone(),
            radius: self.radius,
            bounds: (-self.bounds.1, -self.bounds.0),
        }
    }

    /// The rows in reverse order: the same spectrum.
    pub fn reversed(&self) -> Self {
        let mut couplings: Vec<T> = self.couplings.iter().rev().copied().collect();
        couplings.rotate_right(1);
        Self {
            diagonal: self.diagonal.iter().rev().copied().collect(),
            couplings,
            radius: self.radius,
            bounds: self.bounds,
        }
    }

    /// Rows `range` as a matrix of their own (a principal submatrix). Errs when the range is empty or reaches beyond the
    /// order. O(rows).
    pub fn block(&self, range: Range<usize>) -> Result<Self> {
        if range.is_empty() {
            return Err(OscillationError::EmptyRange {
                start: range.start,
                end: range.end,
            });
        }
        OscillationError::require_index("row", range.end - 1, self.order())?;
        Self::new(
            &self.diagonal[range.clone()],
            &self.couplings[range.start + 1..range.end],
        )
    }
}

impl Jacobi<f64> {
    /// Householder reduction of a real symmetric matrix (the lower triangle is read) to a Jacobi matrix of the same
    /// spectrum. Errs as [`new`](Self::new), and when the matrix is not square. O(n³).
    pub fn from_symmetric(matrix: &DMatrix<f64>) -> Result<Self> {
        if matrix.nrows() != matrix.ncols() {
            return Err(OscillationError::LengthMismatch {
                what: "a row of the matrix",
                found: matrix.ncols(),
                expected: matrix.nrows(),
            });
        }
        match matrix.nrows() {
            0 => Err(OscillationError::Empty),
            1 => Self::new(vec![matrix[(0, 0)]], vec![]),
            _ => {
                finite("the matrix", matrix.as_slice())?;
                let (diagonal, off) = matrix.clone().symmetric_tridiagonalize().unpack_tridiagonal();
                Self::new(diagonal.as_slice(), off.as_slice())
            }
        }
    }

    /// The matrix as a dense one. O(n²) memory.
    pub fn to_dense(&self) -> DMatrix<f64> {
        let n = self.order();
        let mut dense = DMatrix::zeros(n, n);
        for k in 0..n {
            dense[(k, k)] = self.diagonal[k];
            if k > 0 {
                dense[(k, k - 1)] = self.couplings[k];
                dense[(k - 1, k)] = self.couplings[k];
            }
        }
        dense
    }

    /// 2ʲ J; exact unless entries become subnormal. Errs when an entry grows out of range.
    pub fn scaled(&self, exponent: i32) -> Result<Self> {
        let scale = |v: &[f64]| -> Vec<f64> { v.iter().map(|&x| ldexp(x, exponent)).collect() };
        Self::new(scale(&self.diagonal), scale(self.off_diagonal()))
    }
}

/// x 2ʲ, in two factors where 2ʲ itself is not a float.
pub(crate) fn ldexp(x: f64, exponent: i32) -> f64 {
    let half = exponent / 2;
    x * 2f64.powi(half) * 2f64.powi(exponent - half)
}

pub(crate) fn finite<T: Real>(what: &'static str, values: &[T]) -> Result<()> {
    match values.iter().position(|v| !v.is_finite()) {
        Some(index) => Err(OscillationError::NonFiniteEntry {
            what,
            index,
            value: values[index].to_f64(),
        }),
        None => Ok(()),
    }
}

/// Coupling radius and Gershgorin bounds.
fn extent<T: Real>(diagonal: &[T], couplings: &[T]) -> Result<(T, (T, T))> {
    let n = diagonal.len();
    let mut radius = T::ZERO;
    let (mut low, mut high) = (T::HALF_MAX, -T::HALF_MAX);
    for k in 0..n {
        let right = if k + 1 < n { couplings[k + 1].abs() } else { T::ZERO };
        let reach = couplings[k].abs() + right;
        if diagonal[k].abs() + reach > T::HALF_MAX {
            return Err(OscillationError::RowTooLarge { row: k });
        }
        radius = if reach > radius { reach } else { radius };
        let (a, b) = (diagonal[k] - reach, diagonal[k] + reach);
        low = if a < low { a } else { low };
        high = if b > high { b } else { high };
    }
    // Two roundings in each end: of the reach and of the sum.
    let (low, high) = (low.next_down().next_down(), high.next_up().next_up());
    let inside = |x: T| {
        if x > T::HALF_MAX {
            T::HALF_MAX
        } else if x < -T::HALF_MAX {
            -T::HALF_MAX
        } else {
            x
        }
    };
    Ok((radius, (inside(low), inside(high))))
}

/// A shift that the kernels accept, with -0 made +0.
pub(crate) fn shift<T: Real>(what: &'static str, index: usize, x: T) -> Result<T> {
    if x.abs() <= T::HALF_MAX {
        Ok(x + T::ZERO)
    } else {
        Err(OscillationError::BadShift {
            what,
            index,
            value: x.to_f64(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_input_is_named() {
        assert_eq!(Jacobi::<f64>::new(vec![], vec![]), Err(OscillationError::Empty));
        assert_eq!(
            Jacobi::new(vec![1.0, 2.0], vec![]),
            Err(OscillationError::LengthMismatch {
                what: "off_diagonal",
                found: 0,
                expected: 1
            })
        );
        let nan = Jacobi::new(vec![1.0, f64::NAN], vec![1.0]);
        assert!(matches!(
            nan,
            Err(OscillationError::NonFiniteEntry {
                what: "diagonal",
                index: 1,
                ..
            })
        ));
        let infinite = Jacobi::new(vec![1.0, 2.0], vec![f64::NEG_INFINITY]);
        assert!(matches!(
            infinite,
            Err(OscillationError::NonFiniteEntry {
                what: "off_diagonal",
                index: 0,
                ..
            })
        ));
        let large = Jacobi::new(vec![0.0, f64::MAX / 2.0], vec![f64::MAX / 4.0]);
        assert_eq!(large, Err(OscillationError::RowTooLarge { row: 1 }));
    }

    #[test]
    fn reversal_and_negation_are_involutions() {
        let j = Jacobi::new(vec![1.0, -2.0, 3.0], vec![0.5, -4.0]).unwrap();
        assert_eq!(j.reversed().off_diagonal(), [-4.0, 0.5]);
        assert_eq!(j.reversed().reversed(), j);
        assert_eq!(j.negated().negated(), j);
        assert_eq!(j.scaled(-3).unwrap().scaled(3).unwrap(), j);
    }

    #[test]
    fn householder_keeps_the_inertia() {
        let m = DMatrix::from_fn(6, 6, |i, k| {
            ((i * k) as f64).cos() + if i == k { i as f64 - 2.5 } else { 0.0 }
        });
        let negative = m.clone().symmetric_eigenvalues().iter().filter(|&&v| v < 0.0).count();
        assert_eq!(Jacobi::from_symmetric(&m).unwrap().count_below(0.0).unwrap(), negative);
    }
}
