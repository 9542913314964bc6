//! LU with partial pivoting of matrices whose entries lie near the diagonal, from both ends towards the middle.
//!
//! A column near the upper end has entries in rows near the upper end alone, and one near the lower end in rows there: the
//! eliminations from both ends do not meet before a square block of order below + above is left between them, which is
//! dense. All together is Gaussian elimination with partial pivoting of the matrix with its columns in another order, as
//! stable as that is, and two divisions are under way at any time where one elimination waits for each of its own.

use super::dense::Lu;
use crate::Pattern;

/// Widest band, below and above together, for which these loops are used: beyond, the general sparse LU with its
/// fill-reducing order has the better chances.
const WIDEST: usize = 24;

/// Columns that are laid out before they are eliminated, while they are near.
const BLOCK: usize = 64;

/// The factors of a square matrix with a narrow band.
pub(crate) struct Band {
    order: usize,
    top: End,
    /// The lower end, seen from below: its rows and columns are counted from the last.
    bottom: End,
    /// The block between the ends: its factors, and room for its entries, right-hand side and solution.
    middle: Lu,
    block: Vec<f64>,
    right: Vec<f64>,
    solution: Vec<f64>,
}

/// The columns eliminated from one end, with all the rows that have entries in them.
///
/// The band is stored column by column, with room above it for the fill that row exchanges make. The last columns, below +
/// above of them, are those of the middle; what is left of the last rows, `below` of them, goes there.
struct End {
    /// Columns that are eliminated.
    count: usize,
    below: usize,
    /// Entries above the diagonal before exchanges.
    given: usize,
    /// The same after exchanges: one more for each entry below it.
    above: usize,
    columns: Vec<f64>,
    /// How far below the diagonal the pivot of each column was found.
    exchanges: Vec<u8>,
    /// The last column that the rows exchanged so far reach.
    last: usize,
    /// How far above the diagonal the upper factor reaches.
    reach: usize,
    /// The right-hand side, then the solution, that of the middle included.
    right: Vec<f64>,
}

/// One column of an elimination, or of a substitution; false when its pivot vanishes.
type Step = fn(&mut End, usize) -> bool;

impl Band {
    /// `None` when the pattern is not square, or reaches too far from the diagonal.
    pub(crate) fn new(pattern: &Pattern) -> Option<Self> {
        let n = pattern.columns();
        if n == 0 || pattern.rows() != n {
            return None;
        }
        let (below, given) = pattern.bandwidths();
        let above = below + given;
        (above <= WIDEST && above < n).then(|| {
            let half = (n - above) / 2;
            Self {
                order: n,
                top: End::new(half, below, given),
                bottom: End::new(n - above - half, given, below),
                middle: Lu::new(above, above),
                block: vec![0.0; above * above],
                right: vec![0.0; above],
                solution: vec![0.0; above],
            }
        })
    }

    /// Factors A; false when a pivot vanishes. O(n (below + above) below).
    pub(crate) fn factor(&mut self, pattern: &Pattern, entries: &[f64]) -> bool {
        let Self { top, bottom, .. } = self;
        let steps = (top.elimination(), bottom.elimination());
        (top.last, top.reach, bottom.last, bottom.reach) = (0, 0, 0, 0);
        let n = self.order;
        // The rows from this one on belong to the lower end.
        let border = top.count + top.below;
        let stored = top.stored().max(bottom.stored());
        let (mut laid, mut done) = (0, 0);
        while laid < stored {
            let next = (laid + BLOCK).min(stored);
            top.clear(laid..next);
            bottom.clear(laid..next);
            for j in laid..next.min(top.stored()) {
                let (rows, values) = column_of(pattern, entries, j);
                top.lay(j, rows, values, |i| (i < border).then(|| i.wrapping_sub(j)));
            }
            for k in laid..next.min(bottom.stored()) {
                let j = n - 1 - k;
                let (rows, values) = column_of(pattern, entries, j);
                bottom.lay(k, rows, values, |i| (i >= border).then(|| j.wrapping_sub(i)));
            }
            // A column changes those up to `above` after it.
            let ready = if next == stored { stored } else { next - top.above };
            if !in_turns(top, bottom, done..ready, steps) {
                return false;
            }
            (laid, done) = (next, ready);
        }
        let above = top.above;
        for c in 0..above {
            let column = &mut self.block[c * above..(c + 1) * above];
            let (upper, lower) = column.split_at_mut(top.below);
            upper.copy_from_slice(top.left(c));
            lower.copy_from_slice(bottom.left(above - 1 - c));
        }
        self.middle.factor(&self.block)
    }

    /// x with A x = b for the matrix factored last. O(n (below + above)).
    pub(crate) fn solve(&mut self, b: &[f64], x: &mut [f64]) {
        let Self { top, bottom, .. } = self;
        let (first, second) = b.split_at(top.count + top.below);
        top.right[..first.len()].copy_from_slice(first);
        bottom
            .right
            .iter_mut()
            .zip(second.iter().rev())
            .for_each(|(r, b)| *r = *b);
        let longest = top.count.max(bottom.count);
        in_turns(top, bottom, 0..longest, (top.forward(), bottom.forward()));

        let above = top.above;
        let (upper, lower) = self.right.split_at_mut(top.below);
        upper.copy_from_slice(&top.right[top.count..][..top.below]);
        lower.copy_from_slice(&bottom.right[bottom.count..][..bottom.below]);
        self.middle.solve(&self.right, &mut self.solution);
        top.right[top.count..].copy_from_slice(&self.solution);
        let backwards = self.solution.iter().rev();
        bottom.right[bottom.count..]
            .iter_mut()
            .zip(backwards)
            .for_each(|(r, s)| *r = *s);

        in_turns(top, bottom, 0..longest, (top.backward(), bottom.backward()));
        let (first, second) = x.split_at_mut(top.count + above);
        first.copy_from_slice(&top.right);
        second
            .iter_mut()
            .zip(bottom.right[..bottom.count].iter().rev())
            .for_each(|(x, r)| *x = *r);
    }
}

/// The rows and entries of column j.
fn column_of<'a>(pattern: &'a Pattern, entries: &'a [f64], j: usize) -> (&'a [usize], &'a [f64]) {
    let span = pattern.column_starts()[j]..pattern.column_starts()[j + 1];
    (&pattern.row_indices()[span.clone()], &entries[span])
}

/// The steps of both ends by turns, for those columns that each has; false when one of them fails.
///
/// They have nothing to do with one another, so that a processor takes the next while it waits for the quotients of this one.
#[inline]
fn in_turns(
    top: &mut End,
    bottom: &mut End,
    columns: std::ops::Range<usize>,
    (first, second): (impl Fn(&mut End, usize) -> bool, impl Fn(&mut End, usize) -> bool),
) -> bool {
    let both = top.count.min(bottom.count).clamp(columns.start, columns.end);
    for j in columns.start..both {
        if !(first(top, j) & second(bottom, j)) {
            return false;
        }
    }
    (both..columns.end).all(|j| (j >= top.count || first(top, j)) && (j >= bottom.count || second(bottom, j)))
}

impl End {
    fn new(count: usize, below: usize, given: usize) -> Self {
        let above = below + given;
        Self {
            count,
            below,
            given,
            above,
            columns: vec![0.0; (below + above + 1) * (count + above)],
            exchanges: vec![0; count],
            last: 0,
            reach: 0,
            right: vec![0.0; count + above],
        }
    }

    /// Columns that are eliminated, and those of the middle.
    fn stored(&self) -> usize {
        self.count + self.above
    }

    fn height(&self) -> usize {
        self.below + self.above + 1
    }

    /// Zeros into those of these columns that there are.
    fn clear(&mut self, columns: std::ops::Range<usize>) {
        let (height, stored) = (self.height(), self.stored());
        self.columns[columns.start.min(stored) * height..columns.end.min(stored) * height].fill(0.0);
    }

    /// Writes column k, cleared before. `below` says how far below the diagonal a row of the matrix lies (wrapping above
    /// it) as seen from this end; `None` for rows of the other end.
    #[inline]
    fn lay(&mut self, k: usize, rows: &[usize], values: &[f64], below: impl Fn(usize) -> Option<usize>) {
        let height = self.height();
        let column = &mut self.columns[k * height..(k + 1) * height];
        let above = self.above;
        let mut write = |i: usize, v: f64| {
            if let Some(below) = below(i) {
                column[above.wrapping_add(below)] = v;
            }
        };
        // Without a loop for the commonest.
        if let (&[a, b, c], &[x, y, z]) = (rows, values) {
            write(a, x);
            write(b, y);
            write(c, z);
        } else {
            rows.iter().zip(values).for_each(|(&i, &v)| write(i, v));
        }
    }

    /// What the elimination has left in column c of the middle.
    fn left(&self, c: usize) -> &[f64] {
        &self.columns[(self.count + c) * self.height() + self.above - c..][..self.below]
    }

    // Loops of known length for the common bands.

    fn elimination(&self) -> Step {
        match self.below {
            0 => Self::eliminate::<0>,
            1 => Self::eliminate::<1>,
            2 => Self::eliminate::<2>,
            3 => Self::eliminate::<3>,
            4 => Self::eliminate::<4>,
            5 => Self::eliminate::<5>,
            _ => Self::eliminate_any,
        }
    }

    fn forward(&self) -> Step {
        match self.below {
            0 => |_, _| true,
            1 => Self::forward_by::<1>,
            2 => Self::forward_by::<2>,
            3 => Self::forward_by::<3>,
            4 => Self::forward_by::<4>,
            5 => Self::forward_by::<5>,
            _ => Self::forward_any,
        }
    }

    fn backward(&self) -> Step {
        match self.reach {
            1 => Self::backward_by::<1>,
            2 => Self::backward_by::<2>,
            3 => Self::backward_by::<3>,
            4 => Self::backward_by::<4>,
            5 => Self::backward_by::<5>,
            _ => Self::backward_any,
        }
    }

    /// Exchanges the right-hand sides of column j and takes the multiples of the first from those below.
    fn forward_by<const B: usize>(&mut self, j: usize) -> bool {
        let low = j * self.height() + self.above + 1;
        let low = &self.columns[low..low + B];
        let right = &mut self.right[j..j + B + 1];
        right.swap(0, usize::from(self.exchanges[j]));
        for i in 0..B {
            right[i + 1] -= low[i] * right[0];
        }
        true
    }

    /// The same for any number of rows below.
    fn forward_any(&mut self, j: usize) -> bool {
        let low = j * self.height() + self.above + 1;
        let low = &self.columns[low..low + self.below];
        let right = &mut self.right[j..];
        right.swap(0, usize::from(self.exchanges[j]));
        let (value, others) = right.split_first_mut().expect("j is below the count");
        others.iter_mut().zip(low).for_each(|(x, l)| *x -= l * *value);
        true
    }

    /// The row of the upper triangular system at place j from the middle, with R entries right of the diagonal.
    fn backward_by<const R: usize>(&mut self, j: usize) -> bool {
        let (j, height) = (self.count - 1 - j, self.height());
        // Along a row each column begins one entry earlier.
        let row = &self.columns[j * height + self.above..][..R * (height - 1) + 1];
        let right = &mut self.right[j..j + R + 1];
        let mut sum = right[0];
        // The value found last comes last: the others need not wait for it.
        for k in (1..=R).rev() {
            sum -= row[k * (height - 1)] * right[k];
        }
        right[0] = sum / row[0];
        true
    }

    /// The same for any number of entries.
    fn backward_any(&mut self, j: usize) -> bool {
        let (j, height) = (self.count - 1 - j, self.height());
        let row = &self.columns[j * height + self.above..];
        let (first, others) = self.right[j..].split_first_mut().expect("j is below the count");
        // A band of the diagonal alone has columns of one entry.
        let entries = row.iter().step_by((height - 1).max(1)).skip(1);
        let sum = others
            .iter()
            .zip(entries)
            .take(self.reach)
            .fold(*first, |sum, (x, u)| sum - u * x);
        *first = sum / row[0];
        true
    }

    /// [`eliminate_any`](Self::eliminate_any) for B entries below the diagonal.
    fn eliminate<const B: usize>(&mut self, j: usize) -> bool {
        let (given, above) = (self.given, self.above);
        let height = B + above + 1;
        let (done, rest) = self.columns.split_at_mut((j + 1) * height);
        let Some((diagonal, low)) = done[j * height + above..].split_first_mut() else {
            return false;
        };
        let Ok(low) = <&mut [f64; B]>::try_from(low) else {
            return false;
        };
        let (mut pivot, mut size) = (0, diagonal.abs());
        for i in 0..B {
            if low[i].abs() > size {
                (pivot, size) = (i + 1, low[i].abs());
            }
        }
        if size == 0.0 || size.is_nan() {
            return false;
        }
        if pivot > 0 {
            std::mem::swap(diagonal, &mut low[pivot - 1]);
        }
        // A pivot is at most WIDEST below.
        self.exchanges[j] = pivot as u8;
        self.last = self.last.max(j + given + pivot);
        let reach = self.last - j;
        self.reach = self.reach.max(reach);
        divide(low, *diagonal);
        for (c, other) in rest.chunks_exact_mut(height).take(reach).enumerate() {
            // Row j of column j + 1 + c.
            let other = &mut other[above - c - 1..];
            if pivot > 0 {
                other.swap(0, pivot);
            }
            let Some((factor, other)) = other.split_first_mut() else {
                return false;
            };
            for i in 0..B {
                other[i] -= low[i] * *factor;
            }
        }
        true
    }

    /// The triangular factors of column j in place; false when its pivot vanishes.
    fn eliminate_any(&mut self, j: usize) -> bool {
        let (below, given, above) = (self.below, self.given, self.above);
        let height = self.height();
        let (done, rest) = self.columns.split_at_mut((j + 1) * height);
        let column = &mut done[j * height + above..];
        let pivot = (0..=below).fold(0, |best, i| if column[i].abs() > column[best].abs() { i } else { best });
        if column[pivot] == 0.0 || column[pivot].is_nan() {
            return false;
        }
        column.swap(0, pivot);
        self.exchanges[j] = pivot as u8;
        self.last = self.last.max(j + given + pivot);
        let reach = self.last - j;
        self.reach = self.reach.max(reach);
        let Some((diagonal, low)) = column.split_first_mut() else {
            return false;
        };
        divide(low, *diagonal);
        for (c, other) in rest.chunks_exact_mut(height).take(reach).enumerate() {
            let other = &mut other[above - c - 1..];
            other.swap(0, pivot);
            let Some((factor, other)) = other.split_first_mut() else {
                return false;
            };
            other.iter_mut().zip(&*low).for_each(|(o, l)| *o -= l * *factor);
        }
        true
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
            (500, 1, 1),
            (333, 2, 2),
            (400, 5, 1),
            (400, 1, 5),
            (300, 7, 9),
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
