//! Symmetric matrices of distances, row after row in parallel.

use nalgebra::DMatrix;
use rayon::prelude::*;

use crate::error::Result;

/// The symmetric N × N matrix with zero diagonal whose row i is `fill(i, …)` for the columns 0..i.
///
/// Every entry is computed by itself, so the number of threads changes nothing.
pub(crate) fn by_rows(count: usize, fill: impl Fn(usize, &mut [f64]) -> Result<()> + Sync) -> Result<DMatrix<f64>> {
    let mut out = DMatrix::zeros(count, count);
    // The upper triangle of a column-major matrix: column i holds the pairs (j, i), j < i. Long columns first, so that
    // threads finish together.
    out.as_mut_slice()
        .par_chunks_mut(count.max(1))
        .enumerate()
        .rev()
        .with_max_len(1)
        .try_for_each(|(i, column)| fill(i, &mut column[..i]))?;
    out.fill_lower_triangle_with_upper_triangle();
    Ok(out)
}
