//! Updating: the trait, its options and reports. One file a method.

// The sealed methods speak of residuals, which users cannot name.
#![allow(private_interfaces)]

mod adaptive;
mod core;
mod dense;
mod exact;
mod extend;
mod factor;
mod gkl;
mod query;
mod residual;
mod rpi;
mod updating;

use nalgebra::DMatrix;
use rand_pcg::Pcg64;

pub use adaptive::Adaptive;
pub use dense::{DenseMethod, DenseUpdating};
pub use exact::Exact;
pub use gkl::Gkl;
pub use rpi::Rpi;
pub(crate) use updating::Stored;
pub use updating::{UpdateOptions, UpdatingSvd};

use crate::error::{Result, SsvdError};
use crate::lanczos::TruncatedSvd;
use crate::sparse::Csr;

mod sealed {
    pub trait Sealed {}
}

/// How the space of the new vectors outside the old factors is approximated: [`Exact`], [`Gkl`], [`Rpi`] or [`Adaptive`].
pub trait Augmentation: sealed::Sealed + Clone {
    /// The method's name in checkpoints.
    const NAME: &'static str;

    /// Errs when a parameter is out of range.
    fn check(&self) -> Result<()>;

    #[doc(hidden)]
    fn basis(&self, residual: &residual::Residual, rng: &mut Pcg64) -> residual::Basis;
}

/// What one update did.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct UpdateReport {
    /// Triplets kept.
    pub rank: usize,
    /// Directions added to the two factors before truncation.
    pub directions: usize,
    /// ||updated matrix - kept approximation||_F^2; infinite or 0 when the square leaves the range of f64.
    pub discarded_energy: f64,
    /// 1-norm condition numbers of the two small mixing matrices after the update (1 for dense methods).
    pub condition: (f64, f64),
    /// True when the long factors were multiplied out.
    pub rebased: bool,
    /// Wall-clock seconds.
    pub seconds: f64,
}

/// A truncated SVD that follows its matrix. Each update replaces A_k by the (nearly) best rank-k approximation of the
/// updated A_k; a failed update leaves the state as it was.
pub trait UpdateTruncatedSvd {
    /// m.
    fn nrows(&self) -> usize;

    /// n.
    fn ncols(&self) -> usize;

    /// Singular values, descending, positive: as many as the rank, at most k.
    fn singular_values(&self) -> &[f64];

    /// Full factors. Cost O((m + n) k^2).
    fn svd(&self) -> TruncatedSvd;

    /// A_k <- \[A_k; E\], E of q x n.
    fn add_rows(&mut self, e: &Csr) -> Result<UpdateReport>;

    /// A_k <- \[A_k, E\], E of m x q.
    fn add_columns(&mut self, e: &Csr) -> Result<UpdateReport>;

    /// A_k <- A_k + D E^T, D of m x q, E of n x q.
    fn add_low_rank(&mut self, d: &Csr, e: &Csr) -> Result<UpdateReport>;

    /// A_k <- sqrt(lambda) A_k, so that energies fade by lambda; 1 keeps all, 0 forgets all.
    fn forget(&mut self, lambda: f64) -> Result<()>;

    /// Adds `delta` to the entry (row, col) for every (row, col, delta): a low-rank update of the changed rows or of the
    /// changed columns, whichever are fewer.
    fn change_entries(&mut self, changes: &[(usize, usize, f64)]) -> Result<UpdateReport> {
        let delta = Csr::from_triplets(self.nrows(), self.ncols(), changes.iter().copied())?;
        let transposed = delta.transpose();
        let used = |a: &Csr| -> Vec<usize> { (0..a.nrows()).filter(|&i| a.row(i).len() > 0).collect() };
        let (rows, cols) = (used(&delta), used(&transposed));
        let (by_rows, lines) = if rows.len() <= cols.len() {
            (true, rows)
        } else {
            (false, cols)
        };
        let (source, own, other) = if by_rows {
            (&delta, self.nrows(), self.ncols())
        } else {
            (&transposed, self.ncols(), self.nrows())
        };
        let unit = Csr::from_triplets(own, lines.len(), lines.iter().enumerate().map(|(c, &i)| (i, c, 1.0)))?;
        let entries = lines
            .iter()
            .enumerate()
            .flat_map(|(c, &i)| source.row(i).map(move |(j, x)| (j, c, x)));
        let values = Csr::from_triplets(other, lines.len(), entries)?;
        if by_rows {
            self.add_low_rank(&unit, &values)
        } else {
            self.add_low_rank(&values, &unit)
        }
    }

    /// U diag(s) V^T as a dense matrix.
    fn to_dense(&self) -> DMatrix<f64> {
        self.svd().to_dense()
    }
}

pub(crate) fn check_shape(what: &'static str, e: &Csr, rows: Option<usize>, cols: Option<usize>) -> Result<()> {
    if rows.is_none_or(|r| r == e.nrows()) && cols.is_none_or(|c| c == e.ncols()) {
        return Ok(());
    }
    let side = |x: Option<usize>| x.map_or("any".to_string(), |x| x.to_string());
    let expected = format!("{} x {}", side(rows), side(cols));
    Err(SsvdError::Shape {
        what,
        expected,
        rows: e.nrows(),
        cols: e.ncols(),
    })
}

pub(crate) fn check_forgetting(lambda: f64) -> Result<()> {
    if (0.0..=1.0).contains(&lambda) {
        return Ok(());
    }
    Err(SsvdError::Option {
        name: "lambda",
        value: lambda,
        expected: "from 0 to 1",
    })
}

/// At most `k` triplets of agreeing shapes, finite, with positive and descending values.
pub(crate) fn check_triplets(svd: &TruncatedSvd, k: usize) -> Result<()> {
    let r = svd.s.len();
    for (what, side) in [("left factor", &svd.u), ("right factor", &svd.v)] {
        if side.ncols() != r || r > k || k == 0 {
            return Err(SsvdError::Shape {
                what,
                expected: format!("{r} columns, at most k = {k}"),
                rows: side.nrows(),
                cols: side.ncols(),
            });
        }
        if let Some(at) = side.iter().position(|x| !x.is_finite()) {
            let (row, col) = (at % side.nrows(), at / side.nrows());
            let value = side[(row, col)];
            return Err(SsvdError::NotFinite { what, row, col, value });
        }
    }
    let positive = svd.s.iter().all(|&s| s > 0.0 && s.is_finite());
    if positive && svd.s.windows(2).all(|w| w[0] >= w[1]) {
        Ok(())
    } else {
        Err(SsvdError::Structure(
            "singular values must be positive, finite and descending".into(),
        ))
    }
}
