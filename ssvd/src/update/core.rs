//! The leading singular triplets of the small core matrix.

use faer::Mat;

use crate::error::{Result, SsvdError};
use crate::scaling::power_of_two;
use crate::simd::{self, Kernel};
use crate::symmetric;
use crate::tall::{multiply, squares};

/// M ~ F diag(t) G^T.
pub(crate) struct CoreSvd {
    pub(crate) left: Product,
    pub(crate) values: Vec<f64>,
    pub(crate) right: Mat<f64>,
    /// (||M||_F^2 - sum t^2)^{1/2}.
    pub(crate) discarded: f64,
}

/// F = `images` `turn`, which a long F need not be multiplied out for.
pub(crate) struct Product {
    pub(crate) images: Mat<f64>,
    pub(crate) turn: Mat<f64>,
}

impl Product {
    /// The rows `from..from + count` of F.
    pub(crate) fn rows(&self, from: usize, count: usize) -> Mat<f64> {
        let mut out = Mat::zeros(count, self.turn.ncols());
        multiply(self.images.subrows(from, count), self.turn.as_ref(), out.as_mut());
        out
    }
}

/// s_1 / s_k up to which the Gram matrix is as accurate as the matrix: errors stay below 64 eps s_1.
const GRAM_RANGE: f64 = 64.0;

/// Partial results side by side, so that no operation waits for the one before.
const LANES: usize = 16;

/// [diag(s) 0; B], s above B.
struct Core {
    diagonal: Vec<f64>,
    below: Mat<f64>,
}

/// At most `k` leading triplets of M = [diag(s) 0; B] with `diagonal` s, which may be empty, and `below` B: only those above
/// the rounding of its largest value and of terms of size `terms`.
pub(crate) fn leading(diagonal: &[f64], mut below: Mat<f64>, k: usize, terms: f64) -> Result<CoreSvd> {
    let failed = || SsvdError::Factorisation("core matrix");
    let (rows, cols) = (diagonal.len() + below.nrows(), below.ncols());
    let mut largest = simd::run(Largest(diagonal));
    for column in 0..cols {
        largest = largest.max(simd::run(Largest(below.col_as_slice(column))));
    }
    if !largest.is_finite() {
        return Err(failed());
    }
    let unit = power_of_two(largest);
    let mut diagonal = diagonal.to_vec();
    let column = &mut diagonal[..];
    let mut energy = simd::run(Divide { column, by: unit });
    for column in 0..cols {
        let column = below.col_as_slice_mut(column);
        energy += simd::run(Divide { column, by: unit });
    }
    let core = Core { diagonal, below };
    let found = if rows >= cols || !core.diagonal.is_empty() {
        core.by_gram(k)
    } else {
        let below = core.below.transpose().to_owned();
        let diagonal = Vec::new();
        let swap = |(left, values, right): Triplets| {
            let (images, turn) = (right, Mat::identity(values.len(), values.len()));
            (Product { images, turn }, values, left.rows(0, cols))
        };
        Core { diagonal, below }.by_gram(k).map(swap)
    };
    let (mut left, values, mut right) = match found {
        Some(found) => found,
        None => core.directly(k).ok_or_else(failed)?,
    };
    let floor = f64::EPSILON * rows.max(cols) as f64 * (terms / unit);
    let rank = crate::lanczos::numerical_rank(&values, rows.max(cols)).min(k);
    let rank = values[..rank].iter().take_while(|&&s| s > floor).count();
    let kept: f64 = values[..rank].iter().map(|x| x * x).sum();
    let values: Vec<f64> = values[..rank].iter().map(|x| x * unit).collect();
    // A difference below the rounding of the sums is zero.
    let rest = if energy - kept > 4.0 * f64::EPSILON * (rows + cols) as f64 * energy {
        energy - kept
    } else {
        0.0
    };
    left.turn.truncate(left.images.ncols(), rank);
    right.truncate(cols, rank);
    if values.iter().all(|x| x.is_finite()) {
        Ok(CoreSvd {
            left,
            values,
            right,
            discarded: rest.sqrt() * unit,
        })
    } else {
        Err(failed())
    }
}

/// max |x|; infinite where a number is not finite.
struct Largest<'a>(&'a [f64]);

impl Kernel for Largest<'_> {
    type Output = f64;

    #[inline(always)]
    fn call(self) -> f64 {
        let mut lanes = [0.0f64; LANES];
        let chunks = self.0.chunks_exact(LANES);
        let rest = chunks.remainder();
        let worse = |m: &mut f64, x: f64| {
            let x = if x.is_nan() { f64::INFINITY } else { x.abs() };
            *m = if x > *m { x } else { *m };
        };
        chunks.for_each(|chunk| lanes.iter_mut().zip(chunk).for_each(|(m, x)| worse(m, *x)));
        lanes.iter_mut().zip(rest).for_each(|(m, x)| worse(m, *x));
        lanes.into_iter().fold(0.0, f64::max)
    }
}

/// Divides by a power of two; the sum of squares of what is left.
struct Divide<'a> {
    column: &'a mut [f64],
    by: f64,
}

impl Kernel for Divide<'_> {
    type Output = f64;

    #[inline(always)]
    fn call(self) -> f64 {
        let inverse = self.by.recip();
        let mut lanes = [0.0; LANES];
        let mut chunks = self.column.chunks_exact_mut(LANES);
        let divide = |s: &mut f64, x: &mut f64| {
            *x *= inverse;
            *s += *x * *x;
        };
        for chunk in &mut chunks {
            lanes.iter_mut().zip(chunk).for_each(|(s, x)| divide(s, x));
        }
        lanes
            .iter_mut()
            .zip(chunks.into_remainder())
            .for_each(|(s, x)| divide(s, x));
        lanes.iter().sum()
    }
}

type Triplets = (Product, Vec<f64>, Mat<f64>);

impl Core {
    fn directly(&self, k: usize) -> Option<Triplets> {
        let above = self.diagonal.len();
        let mut m = Mat::zeros(above + self.below.nrows(), self.below.ncols());
        (0..above).for_each(|i| m[(i, i)] = self.diagonal[i]);
        m.subrows_mut(above, self.below.nrows()).copy_from(&self.below);
        let svd = m.thin_svd().ok()?;
        let k = k.min(m.nrows()).min(m.ncols());
        let values = (0..k).map(|i| svd.S()[i]).collect();
        let (images, turn) = (svd.U().subcols(0, k).to_owned(), Mat::identity(k, k));
        Some((Product { images, turn }, values, svd.V().subcols(0, k).to_owned()))
    }

    /// Through the eigenvectors of M^T M, where the k-th value is not too far below the first; rows >= cols.
    fn by_gram(&self, k: usize) -> Option<Triplets> {
        let n = self.below.ncols();
        if n == 0 || k > n {
            return None;
        }
        let mut gram = squares(self.below.as_ref());
        for (i, s) in self.diagonal.iter().enumerate() {
            gram[(i, i)] += s * s;
        }
        let eigen = symmetric::leading(gram.as_ref(), k)?;
        let (largest, last) = (eigen.values[0], eigen.values[k - 1]);
        if !(last > 0.0 && largest <= GRAM_RANGE * GRAM_RANGE * last) {
            return None;
        }
        let vectors = eigen.vectors;
        let mut images = self.images(&vectors);
        let own = squares(images.as_ref());
        let norms: Vec<f64> = (0..k).map(|j| own[(j, j)].sqrt()).collect();
        let inverse: Vec<f64> = norms.iter().map(|n| 1.0 / n).collect();
        for (j, inverse) in inverse.iter().enumerate() {
            images.col_as_slice_mut(j).iter_mut().for_each(|x| *x *= inverse);
        }
        let mut order: Vec<usize> = (0..k).collect();
        order.sort_by(|&a, &b| norms[b].total_cmp(&norms[a]));
        // F, the images over their norms, is orthogonal to eps (s_1 / s_k)^2; one Newton step F (3 I - F^T F) / 2 makes that
        // eps.
        let mut step = Mat::zeros(k, k);
        let mut right = Mat::zeros(n, k);
        for (j, &to) in order.iter().enumerate() {
            let column = step.col_as_slice_mut(j);
            let half = -0.5 * inverse[to];
            for ((x, own), inverse) in column.iter_mut().zip(own.col_as_slice(to)).zip(&inverse) {
                *x = half * own * inverse;
            }
            column[to] += 1.5;
            right.col_as_slice_mut(j).copy_from_slice(vectors.col_as_slice(to));
        }
        let left = Product { images, turn: step };
        Some((left, order.iter().map(|&j| norms[j]).collect(), right))
    }

    /// M V.
    fn images(&self, vectors: &Mat<f64>) -> Mat<f64> {
        let (above, k) = (self.diagonal.len(), vectors.ncols());
        let mut images = Mat::zeros(above + self.below.nrows(), k);
        for j in 0..k {
            let images = images.col_as_slice_mut(j).iter_mut();
            for ((image, v), s) in images.zip(vectors.col_as_slice(j)).zip(&self.diagonal) {
                *image = s * v;
            }
        }
        multiply(
            self.below.as_ref(),
            vectors.as_ref(),
            images.submatrix_mut(above, 0, self.below.nrows(), k),
        );
        images
    }
}
