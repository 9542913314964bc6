//! LU with partial pivoting of matrices whose entries lie near the diagonal.

use crate::Pattern;

/// Widest band, below and above together, for which these loops are used: beyond, the general sparse LU with its
/// fill-reducing order has the better chances.
const WIDEST: usize = 24;

/// The band of a square matrix, column by column, with room above it for the fill that row exchanges make.
pub(crate) struct Band {
    order: usize,
    below: usize,
    /// Entries above the diagonal before exchanges.
    given: usize,
    /// The same after exchanges: one more for each entry below it.
    above: usize,
    columns: Vec<f64>,
    /// How far below the diagonal the pivot of each column was found.
    exchanges: Vec<u8>,
    /// How far above the diagonal the upper factor reaches.
    reach: usize,
    /// The right-hand side with zeros after its end, so that the last columns need no shorter loops.
    right: Vec<f64>,
}

impl Band {
    /// `None` when the pattern is not square, or reaches too far from the diagonal.
    pub(crate) fn new(pattern: &Pattern) -> Option<Self> {
        let n = pattern.columns();
        if n == 0 || pattern.rows() != n {
            return None;
        }
        let (mut below, mut given) = (0, 0);
        for j in 0..n {
            if let (Some(&first), Some(&last)) = (pattern.column(j).first(), pattern.column(j).last()) {
                below = below.max(last.saturating_sub(j));
                given = given.max(j.saturating_sub(first));
            }
        }
        (below + given <= WIDEST && below + given < n).then(|| {
            let above = given + below;
            Self {
                order: n,
                below,
                given,
                above,
                columns: vec![0.0; (below + above + 1) * n],
                exchanges: vec![0; n],
                reach: 0,
                right: vec![0.0; n + below],
            }
        })
    }

    /// Factors A; false when a pivot vanishes. O(n (below + above) below).
    pub(crate) fn factor(&mut self, pattern: &Pattern, entries: &[f64]) -> bool {
        let height = self.below + self.above + 1;
        self.columns.fill(0.0);
        let mut rest = entries;
        for (j, column) in self.columns.chunks_exact_mut(height).enumerate() {
            let rows = pattern.column(j);
            let (now, after) = rest.split_at(rows.len());
            rows.iter().zip(now).for_each(|(&i, &v)| column[self.above + i - j] = v);
            rest = after;
        }
        // Loops of known length for the common bands.
        let reach = match self.below {
            0 => self.eliminate::<0>(),
            1 => self.eliminate::<1>(),
            2 => self.eliminate::<2>(),
            3 => self.eliminate::<3>(),
            4 => self.eliminate::<4>(),
            5 => self.eliminate::<5>(),
            _ => self.eliminate_any(),
        };
        self.reach = reach.unwrap_or(0);
        reach.is_some()
    }

    /// x with A x = b for the matrix factored last. O(n (below + above)).
    pub(crate) fn solve(&mut self, b: &[f64], x: &mut [f64]) {
        self.right[..self.order].copy_from_slice(b);
        self.right[self.order..].fill(0.0);
        match self.below {
            0 => {}
            1 => self.forward::<1>(),
            2 => self.forward::<2>(),
            3 => self.forward::<3>(),
            5 => self.forward::<5>(),
            _ => {
                for j in 0..self.order {
                    let low = self.exchange(j);
                    let (value, others) = self.right[j..].split_first_mut().expect("j is below n");
                    let low = &self.columns[low..low + self.below];
                    others.iter_mut().zip(low).for_each(|(x, l)| *x -= l * *value);
                }
            }
        }
        x.copy_from_slice(&self.right[..self.order]);
        match self.reach {
            1 => self.backward::<1>(x),
            2 => self.backward::<2>(x),
            3 => self.backward::<3>(x),
            _ => self.backward_from(self.order, x),
        }
    }

    /// Exchanges the right-hand sides of column j; returns where its multipliers begin.
    fn exchange(&mut self, j: usize) -> usize {
        let pivot = usize::from(self.exchanges[j]);
        if pivot > 0 {
            self.right.swap(j, j + pivot);
        }
        j * (self.below + self.above + 1) + self.above + 1
    }

    /// The lower triangular system with B entries below the diagonal.
    fn forward<const B: usize>(&mut self) {
        for j in 0..self.order {
            let low = self.exchange(j);
            let low = &self.columns[low..low + B];
            let right = &mut self.right[j..j + B + 1];
            for i in 0..B {
                right[i + 1] -= low[i] * right[0];
            }
        }
    }

    /// The upper triangular system with R entries above the diagonal.
    fn backward<const R: usize>(&self, x: &mut [f64]) {
        let height = self.below + self.above + 1;
        for j in (R..self.order).rev() {
            let column = &self.columns[j * height + self.above - R..j * height + self.above + 1];
            let x = &mut x[j - R..j + 1];
            x[R] /= column[R];
            for i in 0..R {
                x[i] -= column[i] * x[R];
            }
        }
        self.backward_from(R.min(self.order), x);
    }

    /// The same for any number of them, from row `end` upwards.
    fn backward_from(&self, end: usize, x: &mut [f64]) {
        let height = self.below + self.above + 1;
        for j in (0..end).rev() {
            let column = &self.columns[j * height..(j + 1) * height];
            x[j] /= column[self.above];
            let count = self.reach.min(j);
            let (rest, value) = x.split_at_mut(j);
            rest[j - count..]
                .iter_mut()
                .zip(&column[self.above - count..])
                .for_each(|(r, c)| *r -= c * value[0]);
        }
    }

    /// [`eliminate_any`](Self::eliminate_any) for B entries below the diagonal.
    fn eliminate<const B: usize>(&mut self) -> Option<usize> {
        let (n, given, above) = (self.order, self.given, self.above);
        let height = B + above + 1;
        let mut widest = 0;
        // The last column that the rows exchanged so far reach.
        let mut reach = 0;
        for j in 0..n {
            let (done, rest) = self.columns.split_at_mut((j + 1) * height);
            let column = &mut done[j * height + above..];
            let (diagonal, low) = column.split_first_mut()?;
            let low: &mut [f64; B] = low.try_into().ok()?;
            let (mut pivot, mut size) = (0, diagonal.abs());
            for i in 0..B {
                if low[i].abs() > size {
                    (pivot, size) = (i + 1, low[i].abs());
                }
            }
            if size == 0.0 || size.is_nan() {
                return None;
            }
            if pivot > 0 {
                std::mem::swap(diagonal, &mut low[pivot - 1]);
            }
            // A pivot is at most WIDEST below.
            self.exchanges[j] = pivot as u8;
            reach = reach.max(j + given + pivot).min(n - 1);
            widest = widest.max(reach - j);
            divide(low, *diagonal);
            for (c, other) in rest.chunks_exact_mut(height).take(reach - j).enumerate() {
                // Row j of column j + 1 + c.
                let other = &mut other[above - c - 1..];
                if pivot > 0 {
                    other.swap(0, pivot);
                }
                let (factor, other) = other.split_first_mut()?;
                for i in 0..B {
                    other[i] -= low[i] * *factor;
                }
            }
        }
        Some(widest)
    }

    /// Triangular factors in place. Returns how far above the diagonal the upper one reaches; `None` when a pivot vanishes.
    fn eliminate_any(&mut self) -> Option<usize> {
        let (n, below, given, above) = (self.order, self.below, self.given, self.above);
        let height = below + above + 1;
        let (mut reach, mut widest) = (0, 0);
        for j in 0..n {
            let (done, rest) = self.columns.split_at_mut((j + 1) * height);
            let column = &mut done[j * height + above..];
            let pivot = (0..=below).fold(0, |best, i| if column[i].abs() > column[best].abs() { i } else { best });
            if column[pivot] == 0.0 || column[pivot].is_nan() {
                return None;
            }
            reach = reach.max(j + given + pivot).min(n - 1);
            widest = widest.max(reach - j);
            column.swap(0, pivot);
            self.exchanges[j] = pivot as u8;
            let (diagonal, low) = column.split_first_mut()?;
            divide(low, *diagonal);
            for (c, other) in rest.chunks_exact_mut(height).take(reach - j).enumerate() {
                let other = &mut other[above - c - 1..];
                other.swap(0, pivot);
                let (factor, other) = other.split_first_mut()?;
                other.iter_mut().zip(&*low).for_each(|(o, l)| *o -= l * *factor);
            }
        }
        Some(widest)
    }
}

/// All numbers over one. The reciprocal of a subnormal number overflows where the quotients may not.
fn divide(numbers: &mut [f64], by: f64) {
    let inverse = by.recip();
    if inverse.is_finite() {
        numbers.iter_mut().for_each(|v| *v *= inverse);
    } else {
        numbers.iter_mut().for_each(|v| *v /= by);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};

    #[test]
    fn solves_with_a_small_residual() {
        let mut rng = rand_pcg::Pcg64::seed_from_u64(7);
        let bands = [
            (1, 0, 0),
            (6, 1, 1),
            (40, 5, 1),
            (40, 0, 3),
            (40, 3, 0),
            (9, 4, 4),
            (40, 2, 2),
            (50, 8, 7),
            (12, 6, 2),
        ];
        for (n, below, above) in bands {
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
            let right: Vec<f64> = (0..n).map(|_| rng.random::<f64>() - 0.5).collect();
            let mut x = vec![0.0; n];
            // Twice: nothing of the first factors may be left.
            for _ in 0..2 {
                assert!(band.factor(&pattern, &entries));
                band.solve(&right, &mut x);
                // Backward stable: the residual is small whatever the condition.
                let mut image = vec![0.0; n];
                for j in 0..n {
                    for at in starts[j]..starts[j + 1] {
                        image[rows[at]] += entries[at] * x[j];
                    }
                }
                let size = x.iter().fold(1.0, |m: f64, v| m.max(v.abs()));
                for (i, r) in image.iter().zip(&right) {
                    assert!(
                        (i - r).abs() <= 64.0 * f64::EPSILON * (below + above + 1) as f64 * size,
                        "{n} {below} {above}"
                    );
                }
            }
        }
        let diagonal = Pattern::new(3, vec![0, 1, 2, 3], vec![0, 1, 2]).unwrap();
        let mut band = Band::new(&diagonal).unwrap();
        assert!(!band.factor(&diagonal, &[1.0, 0.0, 1.0]));
    }
}
