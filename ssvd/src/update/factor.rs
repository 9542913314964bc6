//! One side of the extended decomposition, U = P K: an update multiplies the small K and touches few rows of P.

use std::borrow::Cow;

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatMut, MatRef, Par, Side};
use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

use crate::error::{Result, SsvdError};
use crate::inverse::inverse;
use crate::simd::{self, Kernel};
use crate::sparse::Csr;
use crate::tall::{Tall, mul, mul_add};

/// Condition number of K above which solutions with its inverse are refined.
const REFINED: f64 = 16.0;

/// P (rows x width, row-major), K and K^{-1} (width x width).
#[derive(Debug, Clone)]
pub(crate) struct Factor {
    base: Tall,
    mix: Mat<f64>,
    inverse: Mat<f64>,
    condition: f64,
}

/// What is added to a factor: sparse vectors X, at the rows `support`, times `select` (q x r) times `weights` (r x k).
pub(crate) struct Addition<'a> {
    pub(crate) support: &'a [usize],
    pub(crate) vectors: &'a Csr,
    pub(crate) select: MatRef<'a, f64>,
    pub(crate) weights: MatRef<'a, f64>,
}

/// Rows to append, `images` (q x r) times `turn` (r x k).
pub(crate) struct Appended<'a> {
    pub(crate) images: MatRef<'a, f64>,
    pub(crate) turn: MatRef<'a, f64>,
}

/// Row j of `sums` += sum_i x_ji (row support_i of the base).
struct Gather<'a> {
    base: &'a [f64],
    k: usize,
    support: &'a [usize],
    vectors: &'a Csr,
    sums: &'a mut [f64],
}

impl Kernel for Gather<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let k = self.k;
        for (j, sum) in self.sums.chunks_exact_mut(k).enumerate() {
            for (i, x) in self.vectors.row(j) {
                let at = self.support[i] * k;
                let row = &self.base[at..at + k];
                sum.iter_mut().zip(row).for_each(|(s, b)| *s += x * b);
            }
        }
    }
}

/// Row support_i of the base += x_ji (row j of `weights`).
struct Scatter<'a> {
    base: &'a mut [f64],
    k: usize,
    support: &'a [usize],
    vectors: &'a Csr,
    weights: &'a [f64],
}

impl Kernel for Scatter<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let k = self.k;
        for (j, weight) in self.weights.chunks_exact(k).enumerate() {
            for (i, x) in self.vectors.row(j) {
                let at = self.support[i] * k;
                let row = &mut self.base[at..at + k];
                row.iter_mut().zip(weight).for_each(|(b, w)| *b += x * w);
            }
        }
    }
}

/// The stored form of a factor.
#[derive(Serialize, Deserialize)]
pub(crate) struct StoredFactor<'a> {
    rows: usize,
    width: usize,
    base: Cow<'a, [f64]>,
    mix: Vec<f64>,
    inverse: Vec<f64>,
    condition: f64,
}

impl Factor {
    pub(crate) fn new(basis: &DMatrix<f64>) -> Self {
        let (rows, width) = basis.shape();
        // With room for as many rows again: the first one appended would else move all of them.
        let mut data = Vec::new();
        if data.try_reserve_exact(2 * rows * width).is_err() {
            data.reserve_exact(rows * width);
        }
        data.extend_from_slice(basis.transpose().as_slice());
        let one = Mat::identity(width, width);
        Self {
            base: Tall { data, rows, width },
            mix: one.clone(),
            inverse: one,
            condition: 1.0,
        }
    }

    pub(crate) fn rows(&self) -> usize {
        self.base.rows
    }

    pub(crate) fn width(&self) -> usize {
        self.base.width
    }

    /// 1-norm condition number of K.
    pub(crate) fn condition(&self) -> f64 {
        self.condition
    }

    /// Row i of U.
    pub(crate) fn row(&self, i: usize) -> Vec<f64> {
        let k = self.width();
        let base = &self.base.data[i * k..(i + 1) * k];
        (0..k)
            .map(|j| (0..k).map(|c| base[c] * self.mix[(c, j)]).sum())
            .collect()
    }

    /// U C for a small C.
    pub(crate) fn times(&self, c: MatRef<'_, f64>) -> Tall {
        self.base.times(mul(self.mix.as_ref(), c).as_ref())
    }

    pub(crate) fn to_dense(&self) -> DMatrix<f64> {
        let full = self.base.times(self.mix.as_ref());
        DMatrix::from_row_slice(full.rows, full.width, &full.data)
    }

    /// U^T X (k x q) for the columns of X given as rows of `vectors` over the rows `support` of U.
    pub(crate) fn project(&self, support: &[usize], vectors: &Csr) -> Mat<f64> {
        let k = self.width();
        let mut sums = vec![0.0; vectors.nrows() * k];
        if k > 0 {
            let base = &self.base.data;
            simd::run(Gather {
                base,
                k,
                support,
                vectors,
                sums: &mut sums,
            });
        }
        let sums = MatRef::from_row_major_slice(&sums, vectors.nrows(), k);
        mul(self.mix.transpose(), sums.transpose())
    }

    /// U <- [U relative + X weights; appended], with `relative` k x k', `appended` q x k'.
    ///
    /// K absorbs `relative` when that is square and the condition stays within `limit`; else P is multiplied out.
    /// Returns whether it was.
    pub(crate) fn update(
        &mut self,
        relative: MatRef<'_, f64>,
        addition: Option<Addition<'_>>,
        appended: Option<Appended<'_>>,
        limit: f64,
    ) -> bool {
        let mix = mul(self.mix.as_ref(), relative);
        let lazy = (mix.nrows() == mix.ncols())
            .then(|| invert(&mix))
            .flatten()
            .filter(|x| x.1 <= limit);
        let eager = lazy.is_none();
        if let Some((inverse, condition)) = lazy {
            (self.mix, self.inverse, self.condition) = (mix, inverse, condition);
        } else {
            self.multiply_out(mix.as_ref());
        }
        let k = self.width();
        let inverse = (!eager).then_some(&self.inverse);
        let (mix, condition) = (&self.mix, self.condition);
        // X K^{-1}, row by row as the base is.
        let through = |x: MatRef<'_, f64>, rows: &mut [f64]| {
            if rows.is_empty() {
                return;
            }
            let mut y = MatMut::from_row_major_slice_mut(rows, x.nrows(), k);
            let Some(inverse) = inverse else {
                y.copy_from(x);
                return;
            };
            matmul(y.as_mut(), Accum::Replace, x, inverse.as_ref(), 1.0, Par::Seq);
            // y K = x to eps cond(K)^2 only: one step of refinement makes that eps cond(K).
            if condition > REFINED {
                let mut rest = x.to_owned();
                mul_add(&mut rest, -1.0, y.as_ref(), mix.as_ref());
                matmul(y, Accum::Add, rest.as_ref(), inverse.as_ref(), 1.0, Par::Seq);
            }
        };
        if let Some(Addition {
            support,
            vectors,
            select,
            weights,
        }) = addition
            && k > 0
            && select.ncols() > 0
        {
            let mut narrow = vec![0.0; weights.nrows() * k];
            through(weights, &mut narrow);
            let narrow = MatRef::from_row_major_slice(&narrow, weights.nrows(), k);
            let mut rows = vec![0.0; select.nrows() * k];
            let product = MatMut::from_row_major_slice_mut(&mut rows, select.nrows(), k);
            matmul(product, Accum::Replace, select, narrow, 1.0, Par::Seq);
            let base = &mut self.base.data;
            simd::run(Scatter {
                base,
                k,
                support,
                vectors,
                weights: &rows,
            });
        }
        if let Some(Appended { images, turn }) = appended {
            // Through K^{-1} before the long product, where one does.
            let mut narrow = vec![0.0; turn.nrows() * k];
            through(turn, &mut narrow);
            let narrow = MatRef::from_row_major_slice(&narrow, turn.nrows(), k);
            let (before, count) = (self.base.data.len(), images.nrows());
            self.base.data.resize(before + count * k, 0.0);
            let rows = MatMut::from_row_major_slice_mut(&mut self.base.data[before..], count, k);
            matmul(rows, Accum::Replace, images, narrow, 1.0, Par::Seq);
            self.base.rows += count;
        }
        eager
    }

    fn multiply_out(&mut self, mix: MatRef<'_, f64>) {
        let k = mix.ncols();
        if k == self.width() {
            self.base.multiply_in_place(mix);
        } else {
            self.base = self.base.times(mix);
        }
        self.mix = Mat::identity(k, k);
        self.inverse = Mat::identity(k, k);
        self.condition = 1.0;
    }

    /// P <- P K, K <- I.
    pub(crate) fn rebase(&mut self) {
        let mix = self.mix.clone();
        self.multiply_out(mix.as_ref());
    }

    /// U <- U C.
    pub(crate) fn rotate(&mut self, c: MatRef<'_, f64>) {
        let mix = mul(self.mix.as_ref(), c);
        self.multiply_out(mix.as_ref());
    }

    /// U <- Q of U = Q R by Cholesky-QR, and R; for a factor that is orthonormal to a few digits. The loss of
    /// orthogonality found, max |U^T U - I|, comes second.
    ///
    /// # Errors
    /// [`SsvdError::Factorisation`] when the columns are linearly dependent to working precision.
    pub(crate) fn orthonormalize(&mut self) -> Result<(Mat<f64>, f64)> {
        let k = self.width();
        self.rebase();
        let mut total = Mat::<f64>::identity(k, k);
        let mut found = 0.0;
        for pass in 0..2 {
            let gram = self.base.inner(0..k, &self.base, k);
            if pass == 0 {
                found = loss(&gram);
            }
            let dependent = |_| SsvdError::Factorisation("repair of orthogonality");
            let lower = gram.llt(Side::Lower).map_err(dependent)?;
            let r = lower.L().transpose().to_owned();
            let mut inverse = Mat::<f64>::identity(k, k);
            faer::linalg::triangular_solve::solve_upper_triangular_in_place(
                r.as_ref(),
                inverse.as_mut(),
                faer::Par::Seq,
            );
            self.base.multiply_in_place(inverse.as_ref());
            total = mul(r.as_ref(), total.as_ref());
        }
        Ok((total, found))
    }

    /// max |U^T U - I|. Cost O(rows k^2), and a copy of U: K^T (P^T P) K would be off by eps cond(K)^2.
    pub(crate) fn orthogonality_error(&self) -> f64 {
        let k = self.width();
        let u = self.times(Mat::<f64>::identity(k, k).as_ref());
        loss(&u.inner(0..k, &u, k))
    }

    /// Appends `count` rows of zeros; `None`, and nothing changed, when they do not fit into memory.
    pub(crate) fn append_empty(&mut self, count: usize) -> Option<()> {
        let rows = self.base.rows.checked_add(count)?;
        let numbers = rows.checked_mul(self.base.width)?;
        self.base.data.try_reserve(numbers - self.base.data.len()).ok()?;
        self.base.data.resize(numbers, 0.0);
        self.base.rows = rows;
        Some(())
    }

    /// Removes rows, given in ascending order.
    pub(crate) fn remove_rows(&mut self, rows: &[usize]) {
        let k = self.width();
        let (mut to, mut gone) = (0, rows.iter().peekable());
        for i in 0..self.base.rows {
            if gone.next_if_eq(&&i).is_some() {
                continue;
            }
            self.base.data.copy_within(i * k..(i + 1) * k, to * k);
            to += 1;
        }
        self.base.data.truncate(to * k);
        self.base.rows = to;
    }

    /// Bytes in use; what is reserved beyond costs nothing until then.
    pub(crate) fn memory(&self) -> usize {
        size_of::<f64>() * (self.base.data.len() + 2 * self.width() * self.width())
    }

    pub(crate) fn store(&self) -> StoredFactor<'_> {
        let list = |a: &Mat<f64>| {
            a.col_iter()
                .flat_map(|c| c.iter().copied().collect::<Vec<_>>())
                .collect()
        };
        StoredFactor {
            rows: self.base.rows,
            width: self.base.width,
            base: Cow::Borrowed(&self.base.data),
            mix: list(&self.mix),
            inverse: list(&self.inverse),
            condition: self.condition,
        }
    }
}

impl StoredFactor<'_> {
    /// The factor, when the lengths agree and the numbers are finite.
    pub(crate) fn restore(self) -> Option<Factor> {
        let k = self.width;
        let square = k.checked_mul(k)?;
        let sizes =
            self.base.len() == self.rows.checked_mul(k)? && self.mix.len() == square && self.inverse.len() == square;
        let finite = |numbers: &[f64]| numbers.iter().all(|x| x.is_finite());
        if !sizes
            || ![&self.base[..], &self.mix, &self.inverse, &[self.condition]]
                .into_iter()
                .all(finite)
        {
            return None;
        }
        let square = |a: &[f64]| MatRef::from_column_major_slice(a, k, k).to_owned();
        Some(Factor {
            mix: square(&self.mix),
            inverse: square(&self.inverse),
            base: Tall {
                data: self.base.into_owned(),
                rows: self.rows,
                width: k,
            },
            condition: self.condition,
        })
    }
}

fn loss(gram: &Mat<f64>) -> f64 {
    let k = gram.nrows();
    let error = |i: usize, j: usize| (gram[(i, j)] - f64::from(u8::from(i == j))).abs();
    // `max` would pass over a NaN.
    let worse = |m: f64, e: f64| if e.is_nan() { f64::INFINITY } else { m.max(e) };
    (0..k)
        .flat_map(|i| (0..k).map(move |j| (i, j)))
        .fold(0.0, |m, (i, j)| worse(m, error(i, j)))
}

/// K^{-1} and ||K||_1 ||K^{-1}||_1, `None` when K is singular to working precision.
fn invert(mix: &Mat<f64>) -> Option<(Mat<f64>, f64)> {
    if mix.nrows() == 0 {
        return Some((mix.clone(), 1.0));
    }
    let inverse = inverse(mix)?;
    // `max` below would pass over a NaN.
    if inverse.col_iter().any(|c| c.iter().any(|x| !x.is_finite())) {
        return None;
    }
    let norm = |a: &Mat<f64>| a.col_iter().map(|c| c.norm_l1()).fold(0.0, f64::max);
    let condition = norm(mix) * norm(&inverse);
    condition.is_finite().then_some((inverse, condition))
}
