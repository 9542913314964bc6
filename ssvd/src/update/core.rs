//! The leading singular triplets of the small core matrix.

use faer::{Mat, MatRef, Side};

use crate::error::{Result, SsvdError};
use crate::scaling::power_of_two;
use crate::tall::{mul, mul_add};

/// M ~ F diag(t) G^T.
pub(crate) struct CoreSvd {
    pub(crate) left: Mat<f64>,
    pub(crate) values: Vec<f64>,
    pub(crate) right: Mat<f64>,
    /// (||M||_F^2 - sum t^2)^{1/2}.
    pub(crate) discarded: f64,
}

/// s_1 / s_k up to which the Gram matrix is as accurate as the matrix: errors stay below 64 eps s_1.
const GRAM_RANGE: f64 = 64.0;

/// At most `k` leading triplets of `m`, only those above the rounding of its largest value and of terms of size `terms`.
pub(crate) fn leading(m: &Mat<f64>, k: usize, terms: f64) -> Result<CoreSvd> {
    let failed = || SsvdError::Factorisation("core matrix");
    let (rows, cols) = (m.nrows(), m.ncols());
    if m.col_iter().any(|c| c.iter().any(|x| !x.is_finite())) {
        return Err(failed());
    }
    let unit = power_of_two(m.norm_max());
    let m = Mat::from_fn(rows, cols, |i, j| m[(i, j)] / unit);
    let energy = m.squared_norm_l2();
    let found = match if rows >= cols {
        by_gram(m.as_ref(), k)
    } else {
        by_gram(m.transpose(), k).map(swap)
    } {
        Some(found) => found,
        None => directly(&m, k).ok_or_else(failed)?,
    };
    let (left, values, right) = found;
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
    let (left, right) = (left.subcols(0, rank).to_owned(), right.subcols(0, rank).to_owned());
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

type Triplets = (Mat<f64>, Vec<f64>, Mat<f64>);

fn swap((left, values, right): Triplets) -> Triplets {
    (right, values, left)
}

fn directly(m: &Mat<f64>, k: usize) -> Option<Triplets> {
    let svd = m.thin_svd().ok()?;
    let k = k.min(m.nrows()).min(m.ncols());
    let values = (0..k).map(|i| svd.S()[i]).collect();
    Some((
        svd.U().subcols(0, k).to_owned(),
        values,
        svd.V().subcols(0, k).to_owned(),
    ))
}

/// Through the eigenvectors of M^T M, where the k-th value is not too far below the first; rows >= cols.
fn by_gram(m: MatRef<'_, f64>, k: usize) -> Option<Triplets> {
    let n = m.ncols();
    if n == 0 || k > n {
        return None;
    }
    let gram = mul(m.transpose(), m);
    let eigen = gram.self_adjoint_eigen(Side::Lower).ok()?;
    let (largest, last) = (eigen.S()[n - 1], eigen.S()[n - k]);
    if !(last > 0.0 && largest <= GRAM_RANGE * GRAM_RANGE * last) {
        return None;
    }
    let right = Mat::from_fn(n, k, |i, j| eigen.U()[(i, n - 1 - j)]);
    let images = mul(m, right.as_ref());
    let norms: Vec<f64> = images.col_iter().map(|c| c.norm_l2()).collect();
    let mut order: Vec<usize> = (0..k).collect();
    order.sort_by(|&a, &b| norms[b].total_cmp(&norms[a]));
    let left = Mat::from_fn(m.nrows(), k, |i, j| images[(i, order[j])] / norms[order[j]]);
    // The images are orthogonal to eps (s_1 / s_k)^2; one Newton step F (3 I - F^T F) / 2 makes that eps.
    let mut step = Mat::from_fn(k, k, |i, j| if i == j { 1.5 } else { 0.0 });
    mul_add(&mut step, -0.5, left.transpose(), left.as_ref());
    let left = mul(left.as_ref(), step.as_ref());
    let values = order.iter().map(|&j| norms[j]).collect();
    Some((left, values, Mat::from_fn(n, k, |i, j| right[(i, order[j])])))
}
