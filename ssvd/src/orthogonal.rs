//! Orthonormalising a block of vectors against a basis and among themselves.

use faer::{Mat, Side};
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::blocks::{Blocks, gram, multiply_right};
use crate::tall::{Tall, mul};

/// W = (what lay in the basis) + Q R, with Q left in W.
pub(crate) struct Split {
    pub(crate) triangle: Mat<f64>,
    /// True when W was orthogonalised against the whole basis.
    pub(crate) whole: bool,
}

/// Fills a block with standard normal numbers.
pub(crate) fn fill_normal(block: &mut Tall, rng: &mut impl Rng) {
    block.data.iter_mut().for_each(|x| *x = StandardNormal.sample(rng));
}

/// Orthonormalises `w` among its own columns and against the blocks `chosen` of the basis.
///
/// Block Gram-Schmidt and Cholesky-QR. A pass over the basis counts when what it removes is no larger than what it
/// leaves; otherwise it would amplify the basis' own loss of orthogonality, step after step, and it is repeated. Columns
/// that vanish (relative to `scale`, the norm of the operator seen so far) are replaced by random directions orthogonal
/// to the whole basis with a zero row in R.
pub(crate) fn orthonormalize(
    basis: &Blocks,
    chosen: &[usize],
    w: &mut Tall,
    scale: &mut f64,
    rng: &mut impl Rng,
) -> Split {
    let b = w.width;
    let mut triangle = Mat::identity(b, b);
    let mut unit = false;
    for _ in 0..4 {
        let h = basis.inner(chosen, w);
        basis.subtract(chosen, h.as_ref(), w);
        let products = gram(w);
        let norms: Vec<f64> = (0..b).map(|i| products[(i, i)].sqrt()).collect();
        let size = if unit {
            1.0
        } else {
            *scale = norms.iter().fold(*scale, |m, x| x.max(m));
            *scale
        };
        // What is left of a vector inside the span is noise; a triangle would make it look like a direction.
        if norms.iter().any(|&norm| norm.is_nan() || norm <= noise(w.rows, size)) {
            return one_by_one(basis, w, triangle, size, rng);
        }
        let (r, loss) = match cholesky_qr(w, products) {
            Ok(done) => done,
            Err(Some(first)) => return one_by_one(basis, w, mul(first.as_ref(), triangle.as_ref()), 1.0, rng),
            Err(None) => return one_by_one(basis, w, triangle, size, rng),
        };
        unit = true;
        triangle = mul(r.as_ref(), triangle.as_ref());
        let smallest = (0..b).map(|i| r[(i, i)].abs()).fold(f64::INFINITY, f64::min);
        if chosen.is_empty() || loss < 1e3 && h.norm_l2() <= smallest {
            let whole = chosen.len() == basis.count();
            return Split { triangle, whole };
        }
    }
    one_by_one(basis, w, triangle, 1.0, rng)
}

/// Orthonormalises `w` among its own columns; takes W^T W. Columns that vanish beside `scale` are replaced as in
/// [`orthonormalize`].
pub(crate) fn triangle_of(
    basis: &Blocks,
    w: &mut Tall,
    products: Mat<f64>,
    scale: &mut f64,
    rng: &mut impl Rng,
) -> Split {
    let b = w.width;
    let norms: Vec<f64> = (0..b).map(|i| products[(i, i)].sqrt()).collect();
    *scale = norms.iter().fold(*scale, |m, x| x.max(m));
    let identity = Mat::identity(b, b);
    if norms.iter().any(|&norm| norm.is_nan() || norm <= noise(w.rows, *scale)) {
        return one_by_one(basis, w, identity, *scale, rng);
    }
    match cholesky_qr(w, products) {
        Ok((triangle, _)) => Split { triangle, whole: false },
        Err(Some(first)) => one_by_one(basis, w, first, 1.0, rng),
        Err(None) => one_by_one(basis, w, identity, *scale, rng),
    }
}

/// Norm that rounding alone can leave of a column of `size` after a projection.
fn noise(rows: usize, size: f64) -> f64 {
    8.0 * f64::EPSILON * (rows as f64).sqrt() * size
}

pub(crate) fn column_norms(w: &Tall) -> Vec<f64> {
    let mut sums = vec![0.0; w.width];
    for row in w.data.chunks_exact(w.width) {
        for (s, x) in sums.iter_mut().zip(row) {
            *s += x * x;
        }
    }
    sums.into_iter().map(f64::sqrt).collect()
}

/// W <- W R^{-1}, again when the first pass was not well conditioned; R and the squared condition met in that pass.
///
/// Takes W^T W. Err when W is numerically rank-deficient or its squares leave the range of f64, with the R of the first
/// pass when the second one failed.
fn cholesky_qr(w: &mut Tall, mut products: Mat<f64>) -> Result<(Mat<f64>, f64), Option<Mat<f64>>> {
    let b = w.width;
    let mut total: Option<Mat<f64>> = None;
    let mut condition = 1.0;
    loop {
        let norms: Vec<f64> = (0..b).map(|i| products[(i, i)].sqrt()).collect();
        if norms.iter().any(|&x| !(x.is_finite() && x * x >= f64::MIN_POSITIVE)) {
            return Err(total);
        }
        let scaled = Mat::from_fn(b, b, |i, j| products[(i, j)] / norms[i] / norms[j]);
        let Ok(lower) = scaled.llt(Side::Lower) else {
            return Err(total);
        };
        let lower = lower.L();
        let smallest = (0..b).map(|i| lower[(i, i)]).fold(1.0, f64::min);
        if smallest.is_nan() || smallest <= 1e-5 {
            return Err(total);
        }
        let r = Mat::from_fn(b, b, |i, j| if i <= j { lower[(j, i)] * norms[j] } else { 0.0 });
        let mut inverse = Mat::<f64>::identity(b, b);
        faer::linalg::triangular_solve::solve_upper_triangular_in_place(r.as_ref(), inverse.as_mut(), faer::Par::Seq);
        multiply_right(w, inverse.as_ref());
        if let Some(first) = total {
            return Ok((mul(r.as_ref(), first.as_ref()), condition));
        }
        // One pass leaves columns orthogonal to eps times the squared condition.
        condition = 1.0 / (smallest * smallest);
        if condition < 10.0 {
            return Ok((r, condition));
        }
        total = Some(r);
        products = gram(w);
    }
}

/// The slow way for blocks that have lost rank: column after column, three passes each. Columns within the noise of
/// columns of `size` count as zero.
fn one_by_one(basis: &Blocks, w: &mut Tall, triangle: Mat<f64>, size: f64, rng: &mut impl Rng) -> Split {
    let b = w.width;
    let mut r = Mat::<f64>::zeros(b, b);
    let mut done = Tall::zeros(w.rows, b);
    let floor = noise(w.rows, size);
    for j in 0..b {
        let mut column = w.columns(j, 1);
        let mut random = false;
        let norm = loop {
            for _ in 0..3 {
                let all = basis.all();
                basis.subtract(&all, basis.inner(&all, &column).as_ref(), &mut column);
                let c = done.inner(0..j, &column, 1);
                done.subtract_from(0..j, c.as_ref(), &mut column);
                if !random {
                    (0..j).for_each(|i| r[(i, j)] += c[(i, 0)]);
                }
            }
            let norm = column_norms(&column)[0];
            if random || norm > floor {
                break norm;
            }
            random = true;
            fill_normal(&mut column, rng);
        };
        r[(j, j)] = if random { 0.0 } else { norm };
        column.data.iter_mut().for_each(|x| *x /= norm);
        done.put(j, &column);
    }
    *w = done;
    let triangle = mul(r.as_ref(), triangle.as_ref());
    Split { triangle, whole: true }
}

/// A matrix of standard normal numbers.
pub(crate) fn normal_matrix(rows: usize, cols: usize, rng: &mut impl Rng) -> Mat<f64> {
    Mat::from_fn(rows, cols, |_, _| StandardNormal.sample(rng))
}
