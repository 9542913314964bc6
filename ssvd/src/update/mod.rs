//! Updating: the trait, its options and reports. One file a method.

// The sealed methods speak of residuals, which users cannot name.
#![allow(private_interfaces)]

mod absorb;
mod adaptive;
mod core;
mod dense;
mod exact;
mod extend;
mod factor;
mod gkl;
mod options;
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
pub use options::UpdateOptions;
pub use rpi::Rpi;
pub(crate) use updating::Stored;
pub use updating::UpdatingSvd;

use crate::error::{Result, SsvdError};
use crate::lanczos::{TruncatedSvd, finite_factors};
use crate::sparse::{Csr, check_entries};

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

    /// A_k <- \[A_k; E\], E of q x n. Errs when E has other columns or a singular value overflows.
    fn add_rows(&mut self, e: &Csr) -> Result<UpdateReport>;

    /// A_k <- \[A_k, E\], E of m x q. Errs when E has other rows or a singular value overflows.
    fn add_columns(&mut self, e: &Csr) -> Result<UpdateReport>;

    /// A_k <- A_k + D E^T, D of m x q, E of n x q. Errs when the shapes do not agree or numbers overflow.
    fn add_low_rank(&mut self, d: &Csr, e: &Csr) -> Result<UpdateReport>;

    /// A_k <- sqrt(lambda) A_k, so that energies fade by lambda; 1 keeps all, 0 forgets all. Errs outside \[0, 1\].
    fn forget(&mut self, lambda: f64) -> Result<()>;

    /// Adds `delta` to the entry (row, col) for every (row, col, delta): a low-rank update of the changed rows or of
    /// the changed columns, whichever are fewer. Errs on an entry outside, on numbers that are not finite and on
    /// overflow.
    fn change_entries(&mut self, changes: &[(usize, usize, f64)]) -> Result<UpdateReport> {
        let (d, e) = by_lines(changes, self.nrows(), self.ncols())?;
        self.add_low_rank(&d.transpose(), &e.transpose())
    }

    /// U diag(s) V^T as a dense matrix.
    fn to_dense(&self) -> DMatrix<f64> {
        self.svd().to_dense()
    }
}

/// D^T and E^T of the low-rank update that changes single entries, one line for every changed row or for every changed
/// column, whichever are fewer. Cost O(c log c) for c changes, whatever the shape.
fn by_lines(changes: &[(usize, usize, f64)], rows: usize, cols: usize) -> Result<(Csr, Csr)> {
    let what = "changed entries";
    check_entries(what, changes, rows, cols)?;
    let distinct = |line: fn(&(usize, usize, f64)) -> usize| {
        let mut lines: Vec<usize> = changes.iter().map(line).collect();
        lines.sort_unstable();
        lines.dedup();
        lines
    };
    let (changed_rows, changed_cols) = (distinct(|c| c.0), distinct(|c| c.1));
    let turned = changed_rows.len() > changed_cols.len();
    let (lines, own, other) = if turned {
        (changed_cols, cols, rows)
    } else {
        (changed_rows, rows, cols)
    };
    let unit = Csr::from_triplets(lines.len(), own, lines.iter().enumerate().map(|(c, &i)| (c, i, 1.0)))?;
    let entries = changes.iter().map(|&(row, col, value)| {
        let (own, other) = if turned { (col, row) } else { (row, col) };
        let line = lines.binary_search(&own).expect("every line is in the list");
        (line, other, value)
    });
    // Duplicates are added, and a sum may overflow: say where in the matrix.
    let values = Csr::from_triplets(lines.len(), other, entries).map_err(|error| match error {
        SsvdError::NotFinite { row, col, value, .. } if turned => SsvdError::NotFinite {
            what,
            row: col,
            col: lines[row],
            value,
        },
        SsvdError::NotFinite { row, col, value, .. } => SsvdError::NotFinite {
            what,
            row: lines[row],
            col,
            value,
        },
        other => other,
    })?;
    Ok(if turned { (values, unit) } else { (unit, values) })
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
    }
    finite_factors(svd)?;
    let positive = svd.s.iter().all(|&s| s > 0.0 && s.is_finite());
    if positive && svd.s.windows(2).all(|w| w[0] >= w[1]) {
        Ok(())
    } else {
        Err(SsvdError::Structure(
            "singular values must be positive, finite and descending".into(),
        ))
    }
}
