//! Incomplete LU without fill, ILU(0): a preconditioner for stored sparse Jacobians (Saad, Iterative Methods for Sparse
//! Linear Systems, 2003, section 10.3).

use crate::Pattern;

/// Factors on the positions of the matrix, in its order; unit lower triangle.
pub(crate) struct Incomplete {
    factors: Vec<f64>,
    /// Place of the diagonal entry of each column.
    diagonal: Vec<usize>,
    work: Vec<f64>,
}

impl Incomplete {
    /// Room for the factors; `None` when the pattern is not square or lacks a diagonal entry.
    pub(crate) fn new(pattern: &Pattern) -> Option<Self> {
        if pattern.rows() != pattern.columns() {
            return None;
        }
        let place = |j: usize| {
            pattern
                .column(j)
                .binary_search(&j)
                .ok()
                .map(|k| pattern.column_starts()[j] + k)
        };
        Some(Self {
            factors: vec![0.0; pattern.entries()],
            diagonal: (0..pattern.columns()).map(place).collect::<Option<_>>()?,
            work: vec![0.0; pattern.columns()],
        })
    }

    /// Factors these entries; false when a pivot vanishes or is not finite.
    pub(crate) fn factor(&mut self, pattern: &Pattern, entries: &[f64]) -> bool {
        let (starts, rows) = (pattern.column_starts(), pattern.row_indices());
        for j in 0..pattern.columns() {
            let span = starts[j]..starts[j + 1];
            span.clone().for_each(|at| self.work[rows[at]] = entries[at]);
            for at in starts[j]..self.diagonal[j] {
                let k = rows[at];
                let factor = self.work[k];
                // Rows of column k that column j does not have get values too; they are wiped below and never read.
                for low in self.diagonal[k] + 1..starts[k + 1] {
                    self.work[rows[low]] -= self.factors[low] * factor;
                }
            }
            let pivot = self.work[j];
            if pivot == 0.0 || !pivot.is_finite() {
                self.work.fill(0.0);
                return false;
            }
            for at in span {
                let value = self.work[rows[at]];
                self.factors[at] = if at > self.diagonal[j] { value / pivot } else { value };
            }
            for at in starts[j]..self.diagonal[j] {
                let k = rows[at];
                (self.diagonal[k] + 1..starts[k + 1]).for_each(|low| self.work[rows[low]] = 0.0);
            }
            (starts[j]..starts[j + 1]).for_each(|at| self.work[rows[at]] = 0.0);
        }
        true
    }

    /// out = U⁻¹ L⁻¹ r.
    pub(crate) fn apply(&self, pattern: &Pattern, r: &[f64], out: &mut [f64]) {
        let (starts, rows) = (pattern.column_starts(), pattern.row_indices());
        out.copy_from_slice(r);
        for j in 0..pattern.columns() {
            let value = out[j];
            (self.diagonal[j] + 1..starts[j + 1]).for_each(|at| out[rows[at]] -= self.factors[at] * value);
        }
        for j in (0..pattern.columns()).rev() {
            out[j] /= self.factors[self.diagonal[j]];
            let value = out[j];
            (starts[j]..self.diagonal[j]).for_each(|at| out[rows[at]] -= self.factors[at] * value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_band_without_fill_is_solved_exactly() {
        // Tridiagonal: no fill, so the factors are complete.
        let n = 20_usize;
        let (mut starts, mut rows, mut entries) = (vec![0], Vec::new(), Vec::new());
        for j in 0..n {
            for i in j.saturating_sub(1)..(j + 2).min(n) {
                rows.push(i);
                entries.push(if i == j { 4.0 + j as f64 } else { 1.0 + 0.1 * i as f64 });
            }
            starts.push(rows.len());
        }
        let pattern = Pattern::new(n, starts, rows).unwrap();
        let mut factors = Incomplete::new(&pattern).unwrap();
        assert!(factors.factor(&pattern, &entries));
        let r: Vec<f64> = (0..n).map(|i| (i as f64).sin()).collect();
        let (mut x, mut image) = (vec![0.0; n], vec![0.0; n]);
        factors.apply(&pattern, &r, &mut x);
        let mut at = 0;
        for j in 0..n {
            for &i in pattern.column(j) {
                image[i] += entries[at] * x[j];
                at += 1;
            }
        }
        assert!(image.iter().zip(&r).all(|(i, r)| (i - r).abs() < 1e-13));
        entries[0] = 0.0;
        assert!(!factors.factor(&pattern, &entries));
        assert!(Incomplete::new(&Pattern::new(2, vec![0, 1, 2], vec![1, 0]).unwrap()).is_none());
    }
}
