//! Products with sparse matrices: those whose band has no gaps need no row numbers.

use crate::Pattern;

/// How the products of a pattern are made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout {
    below: usize,
    above: usize,
    /// Whether every place of the band is an entry, in a matrix long enough for rows away from its corners.
    complete: bool,
}

impl Layout {
    pub(crate) fn new(pattern: &Pattern) -> Self {
        let n = pattern.columns();
        let (below, above) = pattern.bandwidths();
        let full = |j: usize| pattern.column(j).len() == (j + below + 1).min(n) - j.saturating_sub(above);
        let complete = pattern.rows() == n && (0..n).all(full) && n > 4 * (below + above);
        Self { below, above, complete }
    }

    /// A p.
    pub(crate) fn product(&self, pattern: &Pattern, entries: &[f64], p: &[f64], out: &mut [f64]) {
        match self.below + self.above + 1 {
            3 if self.complete => self.rows::<3>(pattern, entries, p, out),
            5 if self.complete => self.rows::<5>(pattern, entries, p, out),
            7 if self.complete => self.rows::<7>(pattern, entries, p, out),
            _ => {
                out.fill(0.0);
                scatter(pattern, entries, p, 0..p.len(), out);
            }
        }
    }

    /// Aᵀ y.
    pub(crate) fn transpose_product(&self, pattern: &Pattern, entries: &[f64], y: &[f64], out: &mut [f64]) {
        match self.below + self.above + 1 {
            3 if self.complete => self.columns::<3>(pattern, entries, y, out),
            5 if self.complete => self.columns::<5>(pattern, entries, y, out),
            7 if self.complete => self.columns::<7>(pattern, entries, y, out),
            _ => gather(pattern, entries, y, 0..out.len(), out),
        }
    }

    /// The product row by row with W entries in each: no sum goes through memory.
    fn rows<const W: usize>(&self, pattern: &Pattern, entries: &[f64], p: &[f64], out: &mut [f64]) {
        let (n, corner) = (p.len(), self.below + self.above);
        out[..corner].fill(0.0);
        out[n - corner..].fill(0.0);
        // What this puts into rows away from the corners is written over below.
        scatter(pattern, entries, p, 0..2 * corner, out);
        scatter(pattern, entries, p, n - 2 * corner..n, out);
        let first = pattern.column_starts()[corner - self.below];
        for (i, (out, p)) in out[corner..n - corner]
            .iter_mut()
            .zip(p[self.above..].windows(W))
            .enumerate()
        {
            // The last entry of the first column, and then always one earlier.
            let row = &entries[first + i * W + W - 1..][..(W - 1) * (W - 1) + 1];
            let mut sum = row[0] * p[0];
            for t in 1..W {
                sum += row[t * (W - 1)] * p[t];
            }
            *out = sum;
        }
    }

    /// The transposed product column by column with W entries in each.
    fn columns<const W: usize>(&self, pattern: &Pattern, entries: &[f64], y: &[f64], out: &mut [f64]) {
        let n = y.len();
        let (first, last) = (self.above, n - self.below);
        gather(pattern, entries, y, 0..first, out);
        gather(pattern, entries, y, last..n, out);
        let entries = entries[pattern.column_starts()[first]..].chunks_exact(W);
        for ((out, column), y) in out[first..last].iter_mut().zip(entries).zip(y.windows(W)) {
            let mut sum = column[0] * y[0];
            for t in 1..W {
                sum += column[t] * y[t];
            }
            *out = sum;
        }
    }
}

/// Adds p_j times column j for some columns.
fn scatter(pattern: &Pattern, entries: &[f64], p: &[f64], columns: std::ops::Range<usize>, out: &mut [f64]) {
    let mut rest = &entries[pattern.column_starts()[columns.start]..];
    for j in columns {
        let rows = pattern.column(j);
        let (now, after) = rest.split_at(rows.len());
        rows.iter().zip(now).for_each(|(&i, v)| out[i] += v * p[j]);
        rest = after;
    }
}

/// The products of some columns with y.
fn gather(pattern: &Pattern, entries: &[f64], y: &[f64], columns: std::ops::Range<usize>, out: &mut [f64]) {
    let mut rest = &entries[pattern.column_starts()[columns.start]..];
    for j in columns {
        let rows = pattern.column(j);
        let (now, after) = rest.split_at(rows.len());
        out[j] = rows.iter().zip(now).map(|(&i, v)| v * y[i]).sum();
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_without_gaps_have_the_products_of_any_pattern() {
        for (n, below, above) in [
            (40, 1, 1),
            (9, 1, 1),
            (30, 2, 2),
            (60, 3, 3),
            (50, 5, 1),
            (50, 1, 5),
            (50, 0, 2),
            (50, 4, 0),
        ] {
            let rows_of = |j: usize| j.saturating_sub(above)..(j + below + 1).min(n);
            let starts = std::iter::once(0).chain((0..n).scan(0, |sum, j| {
                *sum += rows_of(j).len();
                Some(*sum)
            }));
            let pattern = Pattern::new(n, starts.collect(), (0..n).flat_map(rows_of).collect()).unwrap();
            // Small whole numbers: sums are exact in any order.
            let entries: Vec<f64> = (0..pattern.entries())
                .map(|k| f64::from((k * 7 % 23) as u8) - 11.0)
                .collect();
            let p: Vec<f64> = (0..n).map(|k| f64::from((k * 5 % 17) as u8) - 8.0).collect();
            let layout = Layout::new(&pattern);
            assert!(layout.complete);
            let (mut fast, mut slow) = (vec![f64::NAN; n], vec![0.0; n]);
            layout.product(&pattern, &entries, &p, &mut fast);
            scatter(&pattern, &entries, &p, 0..n, &mut slow);
            assert_eq!(fast, slow, "{n} {below} {above}");
            layout.transpose_product(&pattern, &entries, &p, &mut fast);
            gather(&pattern, &entries, &p, 0..n, &mut slow);
            assert_eq!(fast, slow, "{n} {below} {above}");
        }
    }
}
