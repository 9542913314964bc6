//! LU with partial pivoting of matrices whose entries lie near the diagonal.

use crate::Pattern;

/// Widest band, below and above together, for which these loops are used: beyond, the general sparse LU with its
/// fill-reducing order has the better chances.
const WIDEST: usize = 24;

/// The band of a square matrix, column by column, with room above it for the fill that row exchanges make.
pub(crate) struct Band {
    order: usize,
    below: usize,
    /// Entries above the diagonal after exchanges: those of the matrix and one more for each below it.
    above: usize,
    columns: Vec<f64>,
}

impl Band {
    /// `None` when the pattern is not square, or reaches too far from the diagonal.
    pub(crate) fn new(pattern: &Pattern) -> Option<Self> {
        let n = pattern.columns();
        if n == 0 || pattern.rows() != n {
            return None;
        }
        let (mut below, mut above) = (0, 0);
        for j in 0..n {
            for &i in pattern.column(j) {
                below = below.max(i.saturating_sub(j));
                above = above.max(j.saturating_sub(i));
            }
        }
        (below + above <= WIDEST && below + above < n).then(|| {
            let above = above + below;
            Self {
                order: n,
                below,
                above,
                columns: vec![0.0; (below + above + 1) * n],
            }
        })
    }

    /// x with A x = b, given b in x; false when a pivot vanishes. Destroys nothing of A. O(n (below + above) below).
    pub(crate) fn solve(&mut self, starts: &[usize], rows: &[usize], entries: &[f64], x: &mut [f64]) -> bool {
        let (n, below, above) = (self.order, self.below, self.above);
        let height = below + above + 1;
        self.columns.fill(0.0);
        for (j, column) in self.columns.chunks_exact_mut(height).enumerate() {
            for at in starts[j]..starts[j + 1] {
                column[above + rows[at] - j] += entries[at];
            }
        }
        // The last column that the rows exchanged so far reach.
        let mut reach = 0;
        for j in 0..n {
            let left = below.min(n - 1 - j);
            let (done, rest) = self.columns.split_at_mut((j + 1) * height);
            let column = &mut done[j * height + above..j * height + above + left + 1];
            let pivot = (0..=left).fold(0, |best, i| if column[i].abs() > column[best].abs() { i } else { best });
            if column[pivot] == 0.0 || column[pivot].is_nan() {
                return false;
            }
            reach = reach.max((j + above - below + pivot).min(n - 1));
            column.swap(0, pivot);
            x.swap(j, j + pivot);
            let first = column[0];
            column[1..].iter_mut().for_each(|c| *c /= first);
            for (c, other) in rest.chunks_exact_mut(height).take(reach - j).enumerate() {
                // Row j of column j + 1 + c.
                let top = above - c - 1;
                other.swap(top, top + pivot);
                let factor = other[top];
                if factor != 0.0 {
                    other[top + 1..]
                        .iter_mut()
                        .zip(&column[1..])
                        .for_each(|(o, l)| *o -= l * factor);
                }
            }
            let value = x[j];
            x[j + 1..]
                .iter_mut()
                .zip(&column[1..])
                .for_each(|(x, l)| *x -= l * value);
        }
        for j in (0..n).rev() {
            let column = &self.columns[j * height..j * height + above + 1];
            x[j] /= column[above];
            let count = above.min(j);
            let (rest, value) = x.split_at_mut(j);
            rest[j - count..]
                .iter_mut()
                .zip(&column[above - count..])
                .for_each(|(r, c)| *r -= c * value[0]);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};

    #[test]
    fn solves_what_the_dense_factors_solve() {
        let mut rng = rand_pcg::Pcg64::seed_from_u64(7);
        for (n, below, above) in [(1, 0, 0), (6, 1, 1), (40, 5, 1), (40, 0, 3), (40, 3, 0), (9, 4, 4)] {
            let (mut starts, mut rows) = (vec![0], Vec::new());
            for j in 0..n {
                rows.extend((0..n).filter(|&i| i <= j + below && j <= i + above));
                starts.push(rows.len());
            }
            let entries: Vec<f64> = rows.iter().map(|_| rng.random::<f64>() - 0.5).collect();
            let pattern = Pattern::new(n, starts.clone(), rows.clone()).unwrap();
            let Some(mut band) = Band::new(&pattern) else {
                assert!(below + above >= n);
                continue;
            };
            let x: Vec<f64> = (0..n).map(|_| rng.random::<f64>() - 0.5).collect();
            let mut b = vec![0.0; n];
            for j in 0..n {
                for at in starts[j]..starts[j + 1] {
                    b[rows[at]] += entries[at] * x[j];
                }
            }
            let right = b.clone();
            assert!(band.solve(&starts, &rows, &entries, &mut b));
            // Backward stable: the residual is small whatever the condition.
            let mut image = vec![0.0; n];
            for j in 0..n {
                for at in starts[j]..starts[j + 1] {
                    image[rows[at]] += entries[at] * b[j];
                }
            }
            let size = b.iter().fold(1.0, |m: f64, v| m.max(v.abs()));
            for (i, r) in image.iter().zip(&right) {
                assert!(
                    (i - r).abs() <= 64.0 * f64::EPSILON * (below + above + 1) as f64 * size,
                    "{n} {below} {above}"
                );
            }
        }
        let zero = Pattern::new(3, vec![0, 1, 2, 3], vec![0, 1, 2]).unwrap();
        let mut band = Band::new(&zero).unwrap();
        assert!(!band.solve(&[0, 1, 2, 3], &[0, 1, 2], &[1.0, 0.0, 1.0], &mut [1.0; 3]));
    }
}
