//! Eigenvectors by twisted factorisation.

use std::borrow::Cow;
use std::ops::RangeBounds;

use nalgebra::DMatrix;

use crate::error::Result;
use crate::jacobi::Jacobi;

/// Inverse iterations granted to a vector of a cluster; one or two are needed.
const INVERSE_ITERATIONS: usize = 6;

/// A block of the matrix and what is wanted of it: columns and their eigenvalues.
type Part<'a> = (Cow<'a, Jacobi>, Vec<(usize, f64)>);

/// Eigenvalues with their eigenvectors.
#[derive(Debug, Clone, PartialEq)]
pub struct Eigenpairs {
    /// Index of the first eigenvalue.
    pub first: usize,
    /// Eigenvalues, ascending, to the last bit.
    pub values: Vec<f64>,
    /// n × m, unit eigenvectors as columns; the entry of largest modulus is positive.
    pub vectors: DMatrix<f64>,
    /// ‖(J - λ) z‖₂ of each pair.
    pub residuals: Vec<f64>,
}

impl Jacobi {
    /// The eigenvalues with indices in `range` and their eigenvectors.
    ///
    /// Each vector comes from the twisted factorisation at its eigenvalue: pivots f from above and g from below, the
    /// row r where |f + g - (d - λ)| is smallest, and two products outwards from z(r) = 1 (Dhillon and Parlett). Vectors
    /// of a cluster (consecutive gaps below ‖J‖₁/8n or 10⁻³ ‖J‖₁ within a block of order n) are made orthogonal to their
    /// predecessors in it and, where that loses them, replaced by inverse iteration, so that all columns are orthonormal to
    /// about n u. Blocks between zero couplings are treated one by one.
    ///
    /// Without zero couplings the k-th vector has k [`sign_changes`] once couplings are taken negative. Errs on an empty
    /// or too large range. O(n m) plus O(n c²) for clusters of c; memory n m.
    ///
    /// ```
    /// use hadamard_oscillation::Jacobi;
    /// let j = Jacobi::new(vec![0.0; 3], vec![-1.0; 2])?;
    /// let pairs = j.eigenpairs(0..1)?;
    /// assert!((pairs.values[0] + 2f64.sqrt()).abs() < 1e-15);
    /// assert!((pairs.vectors[(1, 0)] - 0.5f64.sqrt()).abs() < 1e-15);
    /// # Ok::<(), hadamard_oscillation::OscillationError>(())
    /// ```
    pub fn eigenpairs(&self, range: impl RangeBounds<usize>) -> Result<Eigenpairs> {
        let range = self.indices(range)?;
        let n = self.order();
        let values = self.eigenvalues(range.clone())?;
        let mut vectors = DMatrix::zeros(n, values.len());
        let mut residuals = vec![0.0; values.len()];

        let blocks: Vec<_> = self.blocks().collect();
        let mut parts: Vec<Part> = Vec::with_capacity(blocks.len());
        if blocks.len() == 1 {
            parts.push((Cow::Borrowed(self), values.iter().copied().enumerate().collect()));
        } else {
            // Counts of blocks add without rounding, so the floats λ(k) of the matrix are those of its blocks, sorted.
            let mut owners: Vec<(f64, usize, usize)> = Vec::new();
            let mut before = 0;
            for (b, rows) in blocks.iter().enumerate() {
                let part = self.block(rows.clone())?;
                before += part.count_below(values[0])?;
                let inside = part.eigenvalues_in(values[0]..values[values.len() - 1].next_up())?;
                owners.extend(inside.into_iter().enumerate().map(|(i, value)| (value, b, i)));
                parts.push((Cow::Owned(part), Vec::new()));
            }
            owners.sort_by(|p, q| p.0.total_cmp(&q.0).then((p.1, p.2).cmp(&(q.1, q.2))));
            for (column, &(value, b, _)) in owners[range.start - before..][..values.len()].iter().enumerate() {
                parts[b].1.push((column, value));
            }
        }
        for ((part, wanted), rows) in parts.into_iter().zip(blocks) {
            let norm = norm1(&part);
            // Two vectors by themselves are orthogonal to a few u ‖J‖ / gap.
            let gap = norm * (1.0 / (8.0 * part.order() as f64)).max(1e-3);
            let mut cluster: Vec<usize> = Vec::new();
            let mut last = f64::NEG_INFINITY;
            for (column, value) in wanted {
                if value - last >= gap {
                    cluster.clear();
                }
                last = value;
                let earlier: Vec<&[f64]> = cluster
                    .iter()
                    .map(|&c: &usize| segment(&vectors, n, c, &rows))
                    .collect();
                let (z, residual) = eigenvector(&part, value, &earlier, norm);
                vectors
                    .column_mut(column)
                    .rows_mut(rows.start, rows.len())
                    .copy_from_slice(&z);
                residuals[column] = residual;
                cluster.push(column);
            }
        }
        Ok(Eigenpairs {
            first: range.start,
            values,
            vectors,
            residuals,
        })
    }
}

fn segment<'a>(vectors: &'a DMatrix<f64>, n: usize, column: usize, rows: &std::ops::Range<usize>) -> &'a [f64] {
    &vectors.as_slice()[column * n + rows.start..column * n + rows.end]
}

/// ‖J‖₁ = maxₖ |d| + |e| + |e'|.
pub(crate) fn norm1(j: &Jacobi) -> f64 {
    let e = j.couplings();
    let right = e[1..].iter().chain([&0.0]);
    j.diagonal()
        .iter()
        .zip(e)
        .zip(right)
        .map(|((d, e), f)| d.abs() + e.abs() + f.abs())
        .fold(0.0, f64::max)
}

/// Sign changes between consecutive entries that are not zero, for couplings that are all negative: the number of nodes
/// of an eigenvector.
pub fn sign_changes(z: &[f64]) -> usize {
    let signs: Vec<bool> = z.iter().filter(|&&v| v != 0.0).map(|v| v.is_sign_negative()).collect();
    signs.windows(2).filter(|w| w[0] != w[1]).count()
}

/// A unit eigenvector of an unreduced matrix, orthogonal to `earlier`, and its residual.
pub(crate) fn eigenvector(j: &Jacobi, lambda: f64, earlier: &[&[f64]], norm: f64) -> (Vec<f64>, f64) {
    let n = j.order();
    let mut z = twisted(j, lambda);
    // What a twisted vector and rounded orthogonalisation reach: a few u ‖J‖ for each of the vectors taken out.
    let goal = 4.0 * f64::EPSILON * norm * (1.0 + earlier.len() as f64).sqrt();
    // Above λ by its rounding: no vector of the cluster, and none of `earlier`, is amplified without bound.
    let shift = lambda + f64::EPSILON * norm;
    let mut best = (f64::INFINITY, Vec::new());
    for attempt in 0..=INVERSE_ITERATIONS {
        let kept = orthogonalise(&mut z, earlier);
        if kept == 0.0 || !kept.is_finite() {
            // Nothing is left of the vector: start again from one without structure.
            z = (0..n)
                .map(|k| 1.0 + ((k * 7919 + attempt * 104_729) % 1009) as f64 / 1009.0)
                .collect();
            orthogonalise(&mut z, earlier);
        }
        let residual = residual_norm(j, lambda, &z);
        let next = (residual > goal && attempt < INVERSE_ITERATIONS).then(|| solve_shifted(j, shift, &z, norm));
        if residual < best.0 || best.1.is_empty() {
            best = (residual, z);
        }
        let Some(next) = next else { break };
        z = next;
    }
    let (residual, mut z) = best;
    // Largest entry positive: a sign that does not depend on the route.
    let largest = z
        .iter()
        .copied()
        .fold(0.0, |a: f64, b| if b.abs() > a.abs() { b } else { a });
    if largest < 0.0 {
        z.iter_mut().for_each(|v| *v = -*v);
    }
    (z, residual)
}

/// Unit vector from the twisted factorisation of J - λ with the smallest |γ|.
pub(crate) fn twisted(j: &Jacobi, lambda: f64) -> Vec<f64> {
    let (d, e, n) = (j.diagonal(), j.couplings(), j.order());
    let mut f = vec![0.0; n];
    let mut g = vec![0.0; n];
    // Two chains side by side take the time of one.
    (f[0], g[n - 1]) = (d[0] - lambda, d[n - 1] - lambda);
    for k in 1..n {
        let up = n - 1 - k;
        f[k] = (d[k] - lambda) - e[k] * (e[k] / f[k - 1]);
        g[up] = (d[up] - lambda) - e[up + 1] * (e[up + 1] / g[up + 1]);
    }
    let (mut r, mut least) = (0, f64::INFINITY);
    for k in 0..n {
        // Not a number is not less.
        let gamma = (f[k] + (g[k] - (d[k] - lambda))).abs();
        if gamma < least {
            (r, least) = (k, gamma);
        }
    }
    let mut z = vec![0.0; n];
    z[r] = 1.0;
    for k in (0..r).rev() {
        z[k] = if f[k] == 0.0 && k + 2 < n {
            // Row k + 1 of (J - λ) z = 0 where the pivot gives no ratio.
            -(e[k + 2] / e[k + 1]) * z[k + 2]
        } else {
            -(e[k + 1] / f[k]) * z[k + 1]
        };
        rescale(&mut z, k);
    }
    for k in r + 1..n {
        z[k] = if g[k] == 0.0 && k >= 2 {
            -(e[k - 1] / e[k]) * z[k - 2]
        } else {
            -(e[k] / g[k]) * z[k - 1]
        };
        rescale(&mut z, k);
    }
    normalise(&mut z);
    z
}

/// Keeps the entries in range when they grow away from the twist.
fn rescale(z: &mut [f64], k: usize) {
    if z[k].abs() > 1e150 {
        let scale = z[k].abs().recip();
        z.iter_mut().for_each(|v| *v *= scale);
    }
}

/// Σ a b in eight running sums, which a processor can hold side by side.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (chunks, others) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let mut sums = [0.0; 8];
    for (x, y) in chunks.0.iter().zip(others.0) {
        for i in 0..8 {
            sums[i] += x[i] * y[i];
        }
    }
    sums.iter().sum::<f64>() + chunks.1.iter().zip(others.1).map(|(x, y)| x * y).sum::<f64>()
}

/// Divides by the Euclidean norm and returns it; a vector without a direction (zero or not finite) is left alone.
fn normalise(z: &mut [f64]) -> f64 {
    let norm = dot(z, z).sqrt();
    if (1e-140..1e140).contains(&norm) {
        let inverse = norm.recip();
        z.iter_mut().for_each(|v| *v *= inverse);
        return norm;
    }
    // The squares left the range of the floats, or nearly so.
    let largest = z.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    if norm.is_nan() || largest == 0.0 || !largest.is_finite() {
        return norm;
    }
    z.iter_mut().for_each(|v| *v /= largest);
    let rest = dot(z, z).sqrt();
    z.iter_mut().for_each(|v| *v /= rest);
    largest * rest
}

/// Takes out the components along `earlier`, twice, and normalises; returns how much of the unit vector was left, or 0
/// when that is rounding noise.
fn orthogonalise(z: &mut [f64], earlier: &[&[f64]]) -> f64 {
    let mut kept = if normalise(z).is_finite() { 1.0 } else { return f64::NAN };
    if earlier.is_empty() {
        return kept;
    }
    for _ in 0..2 {
        for v in earlier {
            let along = dot(z, v);
            z.iter_mut().zip(*v).for_each(|(a, b)| *a -= along * b);
        }
        kept *= normalise(z);
    }
    if kept < 1e3 * f64::EPSILON { 0.0 } else { kept }
}

/// ‖(J - λ) z‖
fn residual_norm(j: &Jacobi, lambda: f64, z: &[f64]) -> f64 {
    let (d, e, n) = (j.diagonal(), j.couplings(), j.order());
    let mut rows: Vec<f64> = d.iter().zip(z).map(|(d, z)| (d - lambda) * z).collect();
    for k in 1..n {
        rows[k] += e[k] * z[k - 1];
        rows[k - 1] += e[k] * z[k];
    }
    normalise(&mut rows)
}

/// Solves (J - λ) w = z by Gaussian elimination with row exchanges; a vanishing pivot counts as u ‖J‖.
fn solve_shifted(j: &Jacobi, lambda: f64, z: &[f64], norm: f64) -> Vec<f64> {
    let (d, e, n) = (j.diagonal(), j.couplings(), j.order());
    let least = f64::EPSILON * norm + f64::MIN_POSITIVE;
    // Upper triangular factor with two superdiagonals.
    let (mut u0, mut u1, mut u2) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
    let mut w = z.to_vec();
    let (mut pivot, mut above) = (d[0] - lambda, if n > 1 { e[1] } else { 0.0 });
    for k in 0..n - 1 {
        let (low, diagonal) = (e[k + 1], d[k + 1] - lambda);
        let right = if k + 2 < n { e[k + 2] } else { 0.0 };
        // A coupling below rounding is no pivot: rows are exchanged for larger ones only.
        if pivot.abs() >= low.abs() || low.abs() < least {
            let p = if pivot.abs() < least {
                least.copysign(pivot)
            } else {
                pivot
            };
            let m = low / p;
            (u0[k], u1[k], u2[k]) = (p, above, 0.0);
            (pivot, above) = (diagonal - m * above, right);
            w[k + 1] -= m * w[k];
        } else {
            let m = pivot / low;
            (u0[k], u1[k], u2[k]) = (low, diagonal, right);
            (pivot, above) = (above - m * diagonal, -m * right);
            w.swap(k, k + 1);
            w[k + 1] -= m * w[k];
        }
    }
    u0[n - 1] = if pivot.abs() < least {
        least.copysign(pivot)
    } else {
        pivot
    };
    for k in (0..n).rev() {
        let mut sum = w[k];
        if k + 1 < n {
            sum -= u1[k] * w[k + 1];
        }
        if k + 2 < n {
            sum -= u2[k] * w[k + 2];
        }
        w[k] = sum / u0[k];
        if w[k].abs() > 1e150 {
            let scale = w[k].abs().recip();
            w.iter_mut().for_each(|v| *v *= scale);
        }
    }
    w
}
