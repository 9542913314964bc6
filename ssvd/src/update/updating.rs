//! The extended decomposition U = P_u K_u, V = P_v K_v and its updates.

use std::time::Instant;

use faer::Mat;
use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

use crate::error::{Result, SsvdError};
use crate::lanczos::{TruncatedSvd, check_rank};
use crate::scaling::{norm, rest};
use crate::sparse::Csr;
use crate::tall::mul;
use crate::update::core::leading;
use crate::update::factor::{Factor, StoredFactor};
use crate::update::{
    Augmentation, UpdateOptions, UpdateReport, UpdateTruncatedSvd, by_lines, check_forgetting, check_shape,
    check_triplets,
};

/// A truncated SVD whose updates touch only the rows that the new data name (Deng et al., ICLR 2024).
///
/// U = P_u K_u and V = P_v K_v: an update multiplies the small K and adds to the rows of P named by its non-zeros, at
/// O(nnz (k + q) + (k + q)(k + r)^2 + k^3) without a term in m or n. When a K becomes ill-conditioned, the estimated
/// drift passes its limit, or the rank changes, that update multiplies P out and restores orthogonality, O((m + n) k^2).
///
/// Directions of new vectors nearer to the old span than 1e-7 of their length are left out.
///
/// ```
/// use hadamard_ssvd::*;
/// let a = Csr::from_triplets(3, 3, [(0, 0, 3.0), (1, 1, 2.0), (2, 2, 1.0)])?;
/// let mut svd = UpdatingSvd::start(&a, 2, Exact)?;
/// svd.add_rows(&Csr::from_triplets(1, 3, [(0, 0, 4.0)])?)?;
/// assert!((svd.singular_values()[0] - 5.0).abs() < 1e-14);
/// # Ok::<(), SsvdError>(())
/// ```
#[derive(Debug, Clone)]
pub struct UpdatingSvd<M> {
    pub(super) left: Factor,
    pub(super) right: Factor,
    pub(super) values: Vec<f64>,
    pub(super) k: usize,
    pub(super) method: M,
    pub(super) options: UpdateOptions,
    pub(super) bookkeeping: Bookkeeping,
}

#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Bookkeeping {
    pub(super) updates: u64,
    rebases: u64,
    pub(super) drift: f64,
    /// ||A||_F: squares of large and small entries leave the range of f64.
    pub(super) size: f64,
    pub(super) error_bound: f64,
}

/// The stored form.
#[derive(Serialize, Deserialize)]
pub(crate) struct Stored<'a, M> {
    left: StoredFactor<'a>,
    right: StoredFactor<'a>,
    values: Vec<f64>,
    k: usize,
    method: M,
    options: UpdateOptions,
    bookkeeping: Bookkeeping,
}

impl<M: Augmentation> UpdatingSvd<M> {
    /// Decomposes `a` with [`crate::lanczos`] at its default settings and keeps it at rank `k`.
    ///
    /// Errs when `k` is zero or exceeds a side, a parameter of the method is out of range or an offset for each column
    /// does not fit into memory.
    pub fn start(a: &Csr, k: usize, method: M) -> Result<Self> {
        let report = crate::lanczos(&crate::CsrCsc::new(a.clone())?, k, &crate::LanczosOptions::default())?;
        let mut this = Self::from_svd(&report.svd, k, method, UpdateOptions::default())?;
        let (size, kept) = (a.norm(), norm(&report.svd.s));
        this.bookkeeping.size = size.max(kept);
        // A - A_k = A (I - V V^T) + (A V - U S) V^T, whether the solver has reached its tolerance or not.
        let lost = norm(&report.residuals);
        this.bookkeeping.error_bound = rest(size, kept - lost) + lost;
        Ok(this)
    }

    /// Takes over a decomposition with at most `k` triplets; the rank may grow to `k` as data arrive.
    ///
    /// Errs when the shapes do not agree, a number is not finite, the values are not descending and positive or the
    /// columns are not orthonormal to 1e-6.
    pub fn from_svd(svd: &TruncatedSvd, k: usize, method: M, options: UpdateOptions) -> Result<Self> {
        method.check()?;
        options.check()?;
        check_triplets(svd, k)?;
        let (left, right) = (Factor::new(&svd.u), Factor::new(&svd.v));
        let error = left.orthogonality_error().max(right.orthogonality_error());
        if error.is_nan() || error > 1e-6 {
            return Err(SsvdError::Structure(format!(
                "the factors are orthonormal to {error:.1e} only"
            )));
        }
        let bookkeeping = Bookkeeping {
            size: norm(&svd.s),
            ..Bookkeeping::default()
        };
        Ok(Self {
            left,
            right,
            values: svd.s.clone(),
            k,
            method,
            options,
            bookkeeping,
        })
    }

    /// An empty decomposition of rank 0 over `rows` x `cols` zeros, to be filled by updates. Errs when `k` is zero or a
    /// parameter of the method is out of range.
    pub fn empty(rows: usize, cols: usize, k: usize, method: M) -> Result<Self> {
        if k == 0 {
            check_rank(k, rows, cols)?;
        }
        let svd = TruncatedSvd {
            u: DMatrix::zeros(rows, 0),
            s: Vec::new(),
            v: DMatrix::zeros(cols, 0),
        };
        Self::from_svd(&svd, k, method, UpdateOptions::default())
    }

    /// The same decomposition, updated by another method from now on. Errs when a parameter of it is out of range.
    pub fn with_method<N: Augmentation>(self, method: N) -> Result<UpdatingSvd<N>> {
        method.check()?;
        let Self {
            left,
            right,
            values,
            k,
            options,
            bookkeeping,
            ..
        } = self;
        Ok(UpdatingSvd {
            left,
            right,
            values,
            k,
            method,
            options,
            bookkeeping,
        })
    }

    /// The same decomposition under other limits. Errs when a limit is NaN, the condition's below 1 or the drift's
    /// negative.
    pub fn with_options(mut self, options: UpdateOptions) -> Result<Self> {
        options.check()?;
        self.options = options;
        Ok(self)
    }

    /// The same decomposition with another k: cut to the `k` largest triplets, or free to grow to `k` as data arrive.
    ///
    /// What is cut off enters [`UpdatingSvd::error_bound`]. Errs when `k` is zero. Cost O((m + n) k^2) when it cuts.
    pub fn with_rank(mut self, k: usize) -> Result<Self> {
        if k == 0 {
            check_rank(k, self.left.rows(), self.right.rows())?;
        }
        self.k = k;
        self.bookkeeping.error_bound += norm(self.values.get(k..).unwrap_or_default());
        self.cut(k);
        Ok(self)
    }

    /// Keeps the first `k` triplets, if there are more.
    fn cut(&mut self, k: usize) {
        if k < self.values.len() {
            let first = Mat::<f64>::identity(self.values.len(), k);
            self.left.rotate(first.as_ref());
            self.right.rotate(first.as_ref());
            self.values.truncate(k);
        }
    }

    pub(crate) fn factors(&self) -> (&Factor, &Factor) {
        (&self.left, &self.right)
    }

    /// The method of the updates.
    pub fn method(&self) -> &M {
        &self.method
    }

    /// k, the largest rank kept.
    pub fn target_rank(&self) -> usize {
        self.k
    }

    /// Updates absorbed.
    pub fn updates(&self) -> u64 {
        self.bookkeeping.updates
    }

    /// How often the long factors were multiplied out.
    pub fn rebases(&self) -> u64 {
        self.bookkeeping.rebases
    }

    /// Row i of U without forming U, O(k^2). `None` outside.
    pub fn u_row(&self, i: usize) -> Option<Vec<f64>> {
        (i < self.left.rows()).then(|| self.left.row(i))
    }

    /// Row j of V without forming V, O(k^2). `None` outside.
    pub fn v_row(&self, j: usize) -> Option<Vec<f64>> {
        (j < self.right.rows()).then(|| self.right.row(j))
    }

    /// The larger of max |U^T U - I| and max |V^T V - I|. Cost O((m + n) k^2).
    pub fn orthogonality_error(&self) -> f64 {
        self.left.orthogonality_error().max(self.right.orthogonality_error())
    }

    /// Estimate of [`UpdatingSvd::orthogonality_error`] without a look at the factors: what the updates since the last
    /// rebase may have lost, eps (sqrt(k) cond(K) + cond(K) ||c||^2) each, c the part of a new vector inside the span
    /// relative to the part outside.
    pub fn drift(&self) -> f64 {
        self.bookkeeping.drift
    }

    /// 1-norm condition numbers of K_u and K_v.
    pub fn condition(&self) -> (f64, f64) {
        (self.left.condition(), self.right.condition())
    }

    /// Upper bound of ||A - A_k||_F: the sum of what every step left out (and of the start's error after
    /// [`UpdatingSvd::start`]). Forgetting shrinks it. Infinite where it leaves the range of f64.
    pub fn error_bound(&self) -> f64 {
        self.bookkeeping.error_bound
    }

    /// Share of the energy ||A||_F^2 that A_k holds. Exact for streams of rows and columns; low-rank updates count the
    /// energy of the updated A_k.
    pub fn explained_energy(&self) -> f64 {
        if self.bookkeeping.size > 0.0 {
            // Both are infinite beyond the range of f64.
            let (kept, whole) = (norm(&self.values).min(f64::MAX), self.bookkeeping.size.min(f64::MAX));
            (kept / whole).powi(2).min(1.0)
        } else {
            1.0
        }
    }

    /// Bytes held.
    pub fn memory(&self) -> usize {
        self.left.memory() + self.right.memory() + size_of::<f64>() * self.values.capacity()
    }

    /// Multiplies the long factors out and restores their orthonormality. Errs, and changes nothing, when the columns
    /// of one are linearly dependent to working precision. Cost O((m + n) k^2).
    pub fn rebase(&mut self) -> Result<()> {
        let (mut left, mut right) = (self.left.clone(), self.right.clone());
        let values = restore(&mut left, &mut right, &self.values)?;
        (self.left, self.right, self.values) = (left, right, values);
        self.bookkeeping.drift = 0.0;
        self.bookkeeping.rebases += 1;
        Ok(())
    }

    /// Sets rows of A_k to zero: the exact downdate A_k - e_i e_i^T A_k, O(k^3) for few rows. Errs on a row outside.
    pub fn clear_rows(&mut self, rows: &[usize]) -> Result<UpdateReport> {
        self.clear(rows, true)
    }

    /// Sets columns of A_k to zero; otherwise as [`UpdatingSvd::clear_rows`]. Errs on a column outside.
    pub fn clear_columns(&mut self, columns: &[usize]) -> Result<UpdateReport> {
        self.clear(columns, false)
    }

    /// Removes rows: [`UpdatingSvd::clear_rows`], then the zero rows of U are taken out, O(m k). Errs on a row outside.
    pub fn remove_rows(&mut self, rows: &[usize]) -> Result<UpdateReport> {
        let report = self.clear(rows, true)?;
        self.left.remove_rows(&sorted(rows));
        Ok(report)
    }

    /// Appends empty rows and columns to A: rows of zeros to U and V, without rounding. Cost O((`rows` + `columns`) k).
    ///
    /// Errs when the new shape does not fit into memory.
    pub fn append_empty(&mut self, rows: usize, columns: usize) -> Result<()> {
        let too_large = |what, count| SsvdError::TooLarge { what, count };
        self.left
            .append_empty(rows)
            .ok_or_else(|| too_large("empty rows", rows))?;
        if self.right.append_empty(columns).is_none() {
            self.drop_empty(rows, 0);
            return Err(too_large("empty columns", columns));
        }
        Ok(())
    }

    /// Takes the last rows and columns of A away, which must be empty.
    pub(crate) fn drop_empty(&mut self, rows: usize, columns: usize) {
        for (factor, count) in [(&mut self.left, rows), (&mut self.right, columns)] {
            let all = factor.rows();
            factor.remove_rows(&(all - count..all).collect::<Vec<_>>());
        }
    }

    /// Removes columns: [`UpdatingSvd::clear_columns`], then the zero rows of V are taken out, O(n k). Errs on a column
    /// outside.
    pub fn remove_columns(&mut self, columns: &[usize]) -> Result<UpdateReport> {
        let report = self.clear(columns, false)?;
        self.right.remove_rows(&sorted(columns));
        Ok(report)
    }

    fn clear(&mut self, lines: &[usize], rows: bool) -> Result<UpdateReport> {
        let begin = Instant::now();
        let lines = sorted(lines);
        let (own, what) = if rows {
            (&self.left, "rows to clear")
        } else {
            (&self.right, "columns to clear")
        };
        let (m, n) = (self.left.rows(), self.right.rows());
        if let Some(&bad) = lines.last().filter(|&&i| i >= own.rows()) {
            let (row, col) = if rows { (bad, 0) } else { (0, bad) };
            return Err(SsvdError::IndexOutOfRange {
                what,
                row,
                col,
                rows: m,
                cols: n,
            });
        }
        let unit = Csr::from_triplets(
            lines.len(),
            own.rows(),
            lines.iter().enumerate().map(|(c, &i)| (c, i, -1.0)),
        )?;
        // The other side lies inside the span: V diag(s) u_i.
        let inside: Vec<Vec<f64>> = lines.iter().map(|&i| own.row(i)).collect();
        let r = self.values.len();
        let inside = Mat::from_fn(r, lines.len(), |i, j| inside[j][i] * self.values[i]);
        if rows {
            let outside = self.outside(&self.left, &unit)?;
            self.low_rank(Some(outside), None, inside, begin)
        } else {
            let outside = self.outside(&self.right, &unit)?;
            self.low_rank(None, Some(outside), inside, begin)
        }
    }
}

impl<M: Augmentation + Serialize + for<'a> Deserialize<'a>> UpdatingSvd<M> {
    pub(crate) fn store(&self) -> Stored<'_, M> {
        Stored {
            left: self.left.store(),
            right: self.right.store(),
            values: self.values.clone(),
            k: self.k,
            method: self.method.clone(),
            options: self.options,
            bookkeeping: self.bookkeeping,
        }
    }

    pub(crate) fn restore(stored: Stored<'_, M>) -> Option<Self> {
        let Stored {
            left,
            right,
            values,
            k,
            method,
            options,
            bookkeeping,
        } = stored;
        let (left, right) = (left.restore()?, right.restore()?);
        let sizes = left.width() == values.len() && right.width() == values.len() && values.len() <= k && k > 0;
        let numbers = values.iter().all(|s| s.is_finite() && *s > 0.0) && values.windows(2).all(|w| w[0] >= w[1]);
        (sizes && numbers && method.check().is_ok() && options.check().is_ok()).then_some(Self {
            left,
            right,
            values,
            k,
            method,
            options,
            bookkeeping,
        })
    }
}

impl<M: Augmentation> UpdateTruncatedSvd for UpdatingSvd<M> {
    fn nrows(&self) -> usize {
        self.left.rows()
    }

    fn ncols(&self) -> usize {
        self.right.rows()
    }

    fn singular_values(&self) -> &[f64] {
        &self.values
    }

    fn svd(&self) -> TruncatedSvd {
        TruncatedSvd {
            u: self.left.to_dense(),
            s: self.values.clone(),
            v: self.right.to_dense(),
        }
    }

    fn add_rows(&mut self, e: &Csr) -> Result<UpdateReport> {
        let begin = Instant::now();
        check_shape("rows to add", e, None, Some(self.ncols()))?;
        self.append(e, true, begin)
    }

    fn add_columns(&mut self, e: &Csr) -> Result<UpdateReport> {
        let begin = Instant::now();
        check_shape("columns to add", e, Some(self.nrows()), None)?;
        self.append(&e.try_transpose()?, false, begin)
    }

    fn add_low_rank(&mut self, d: &Csr, e: &Csr) -> Result<UpdateReport> {
        let begin = Instant::now();
        check_shape("left factor of the change", d, Some(self.nrows()), None)?;
        check_shape("right factor of the change", e, Some(self.ncols()), Some(d.ncols()))?;
        self.low_rank_of(&d.try_transpose()?, &e.try_transpose()?, begin)
    }

    fn change_entries(&mut self, changes: &[(usize, usize, f64)]) -> Result<UpdateReport> {
        let begin = Instant::now();
        // Matrices with a row for every row of U or V would cost O(m + n).
        let (d, e) = by_lines(changes, self.nrows(), self.ncols())?;
        self.low_rank_of(&d, &e, begin)
    }

    fn forget(&mut self, lambda: f64) -> Result<()> {
        check_forgetting(lambda)?;
        let factor = lambda.sqrt();
        self.values.iter_mut().for_each(|s| *s *= factor);
        // Sums that have left the range of f64 are infinite, and nothing is left of them either when all is forgotten.
        let fade = |x: f64| if factor == 0.0 { 0.0 } else { x * factor };
        self.bookkeeping.size = fade(self.bookkeeping.size);
        self.bookkeeping.error_bound = fade(self.bookkeeping.error_bound);
        self.cut(self.values.iter().take_while(|&&s| s > 0.0).count());
        Ok(())
    }
}

/// Orthonormalises both factors, U = Q_u R_u and V = Q_v R_v, and decomposes R_u diag(s) R_v^T where that is needed.
fn restore(left: &mut Factor, right: &mut Factor, values: &[f64]) -> Result<Vec<f64>> {
    let k = values.len();
    let (ru, lost_left) = left.orthonormalize()?;
    let (rv, lost_right) = right.orthonormalize()?;
    if lost_left.max(lost_right) <= 16.0 * f64::EPSILON * (k as f64).sqrt() {
        return Ok(values.to_vec());
    }
    let scaled = Mat::from_fn(k, k, |i, j| ru[(i, j)] * values[j]);
    let core = leading(&[], mul(scaled.as_ref(), rv.transpose()), k, 0.0)?;
    left.rotate(core.left.rows(0, k).as_ref());
    right.rotate(core.right.as_ref());
    Ok(core.values)
}

fn sorted(lines: &[usize]) -> Vec<usize> {
    let mut lines = lines.to_vec();
    lines.sort_unstable();
    lines.dedup();
    lines
}
