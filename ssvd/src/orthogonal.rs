//! Orthonormalising a block of vectors against a basis and among themselves.

use faer::{Mat, Side};
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::tall::{Tall, mul, mul_add};

/// W = X[:, 0..p] H + Q R, with Q left in W.
pub(crate) struct Split {
    pub(crate) against: Mat<f64>,
    pub(crate) triangle: Mat<f64>,
}

/// Fills a block with standard normal numbers.
pub(crate) fn fill_normal(block: &mut Tall, rng: &mut impl Rng) {
    block.data.iter_mut().for_each(|x| *x = StandardNormal.sample(rng));
}

/// Orthonormalises `w` against the first `p` columns of `basis` and among its own columns.
///
/// Block Gram-Schmidt and Cholesky-QR. The last `recent` columns of the basis go first: in a Lanczos recurrence `w` lies
/// across those alone, so that one pass over the whole basis then removes rounding errors only. A pass counts when what
/// it removes is no larger than what it leaves; otherwise it would amplify the basis' own loss of orthogonality, step
/// after step, and it is repeated. Columns that vanish (relative to `scale`, the norm of the operator seen so far) are
/// replaced by random directions with a zero row in R.
pub(crate) fn orthonormalize(
    basis: &Tall,
    p: usize,
    recent: usize,
    w: &mut Tall,
    scale: &mut f64,
    rng: &mut impl Rng,
) -> Split {
    let b = w.width;
    let before = column_norms(w);
    *scale = before.iter().fold(*scale, |m, x| x.max(m));
    let mut split = Split {
        against: Mat::zeros(p, b),
        triangle: Mat::identity(b, b),
    };
    if recent > 0 && recent < p {
        let h = basis.inner(p - recent..p, w, b);
        basis.subtract_from(p - recent..p, h.as_ref(), w);
        split.against.submatrix_mut(p - recent, 0, recent, b).copy_from(&h);
    }
    let mut size = *scale;
    for _ in 0..4 {
        let h = basis.inner(0..p, w, b);
        basis.subtract_from(0..p, h.as_ref(), w);
        mul_add(&mut split.against, 1.0, h.as_ref(), split.triangle.as_ref());
        // What is left of a vector inside the span is noise; a triangle would make it look like a direction.
        if column_norms(w).iter().any(|&norm| norm <= noise(w.rows, size)) {
            break;
        }
        let (r, loss) = match cholesky_qr(w) {
            Ok(done) => done,
            Err(Some(first)) => {
                split.triangle = mul(first.as_ref(), split.triangle.as_ref());
                size = 1.0;
                break;
            }
            Err(None) => break,
        };
        size = 1.0;
        split.triangle = mul(r.as_ref(), split.triangle.as_ref());
        let smallest = (0..b).map(|i| r[(i, i)].abs()).fold(f64::INFINITY, f64::min);
        if loss < 1e3 && h.norm_l2() <= smallest {
            return split;
        }
    }
    one_by_one(basis, p, w, split, size, rng)
}

/// Norm that rounding alone can leave of a column of `size` after a projection.
fn noise(rows: usize, size: f64) -> f64 {
    8.0 * f64::EPSILON * (rows as f64).sqrt() * size
}

fn column_norms(w: &Tall) -> Vec<f64> {
    let mut sums = vec![0.0; w.width];
    for row in w.data.chunks_exact(w.width) {
        for (s, x) in sums.iter_mut().zip(row) {
            *s += x * x;
        }
    }
    sums.into_iter().map(f64::sqrt).collect()
}

/// W <- W R^{-1} twice, R and the squared condition met in the first pass.
///
/// Err when W is numerically rank-deficient or its squares leave the range of f64, with the R of the first pass when the
/// second one failed.
fn cholesky_qr(w: &mut Tall) -> Result<(Mat<f64>, f64), Option<Mat<f64>>> {
    let b = w.width;
    let mut total = None;
    let mut loss = 1.0;
    for _ in 0..2 {
        let gram = w.inner(0..b, w, b);
        let norms: Vec<f64> = (0..b).map(|i| gram[(i, i)].sqrt()).collect();
        if norms.iter().any(|&x| !(x.is_finite() && x * x >= f64::MIN_POSITIVE)) {
            return Err(total);
        }
        let scaled = Mat::from_fn(b, b, |i, j| gram[(i, j)] / norms[i] / norms[j]);
        let Ok(lower) = scaled.llt(Side::Lower) else {
            return Err(total);
        };
        let lower = lower.L();
        let smallest = (0..b).map(|i| lower[(i, i)]).fold(1.0, f64::min);
        if smallest.is_nan() || smallest <= 1e-5 {
            return Err(total);
        }
        if total.is_none() {
            loss = 1.0 / (smallest * smallest);
        }
        let r = Mat::from_fn(b, b, |i, j| if i <= j { lower[(j, i)] * norms[j] } else { 0.0 });
        let mut inverse = Mat::<f64>::identity(b, b);
        faer::linalg::triangular_solve::solve_upper_triangular_in_place(r.as_ref(), inverse.as_mut(), faer::Par::Seq);
        w.multiply_in_place(inverse.as_ref());
        total = Some(match total {
            None => r,
            Some(first) => mul(r.as_ref(), first.as_ref()),
        });
    }
    total.map(|r| (r, loss)).ok_or(None)
}

/// The slow way for blocks that have lost rank: column after column, three passes each. Columns within the noise of
/// columns of `size` count as zero.
fn one_by_one(basis: &Tall, p: usize, w: &mut Tall, mut split: Split, size: f64, rng: &mut impl Rng) -> Split {
    let b = w.width;
    let start = split.triangle.clone();
    let mut h = Mat::<f64>::zeros(p, b);
    let mut r = Mat::<f64>::zeros(b, b);
    let mut done = Tall::zeros(w.rows, b);
    let floor = noise(w.rows, size);
    for j in 0..b {
        let mut column = w.columns(j, 1);
        let mut random = false;
        let norm = loop {
            for _ in 0..3 {
                let a = basis.inner(0..p, &column, 1);
                basis.subtract_from(0..p, a.as_ref(), &mut column);
                let c = done.inner(0..j, &column, 1);
                done.subtract_from(0..j, c.as_ref(), &mut column);
                if !random {
                    (0..p).for_each(|i| h[(i, j)] += a[(i, 0)]);
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
    mul_add(&mut split.against, 1.0, h.as_ref(), start.as_ref());
    split.triangle = mul(r.as_ref(), start.as_ref());
    split
}

/// A matrix of standard normal numbers.
pub(crate) fn normal_matrix(rows: usize, cols: usize, rng: &mut impl Rng) -> Mat<f64> {
    Mat::from_fn(rows, cols, |_, _| StandardNormal.sample(rng))
}
