//! Symmetric matrices of distances, row after row in parallel.

use nalgebra::DMatrix;
use rayon::prelude::*;

use crate::error::Result;

/// The symmetric N × N matrix with zero diagonal whose row i is `fill(i, …)` for the columns 0..i.
///
/// Every entry is computed by itself, so the number of threads changes nothing.
pub(crate) fn by_rows(count: usize, fill: impl Fn(usize, &mut [f64]) -> Result<()> + Sync) -> Result<DMatrix<f64>> {
    by_rows_with(count, || (), |(), i, row| fill(i, row))
}

/// The same with working memory for each thread.
pub(crate) fn by_rows_with<T>(
    count: usize,
    memory: impl Fn() -> T + Sync + Send,
    fill: impl Fn(&mut T, usize, &mut [f64]) -> Result<()> + Sync,
) -> Result<DMatrix<f64>> {
    let mut out = DMatrix::zeros(count, count);
    // Column i of the upper triangle of a column-major matrix holds the pairs (j, i), j < i.
    out.as_mut_slice()
        .par_chunks_mut(count.max(1))
        .enumerate()
        .try_for_each_init(memory, |memory, (i, column)| fill(memory, i, &mut column[..i]))?;
    out.fill_lower_triangle_with_upper_triangle();
    Ok(out)
}
