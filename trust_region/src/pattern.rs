//! Where the entries of a sparse Jacobian may lie.

use std::sync::Arc;

use crate::{Error, Result};

/// The positions of a sparse m×n Jacobian, column by column with increasing rows (the order of a CSC matrix). Clones share
/// them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    rows: usize,
    column_starts: Arc<[usize]>,
    row_indices: Arc<[usize]>,
}

impl Pattern {
    /// The pattern of an m×n matrix from the rows of each column: column j holds
    /// `row_indices[column_starts[j]..column_starts[j + 1]]`.
    ///
    /// # Errors
    /// [`Error::InvalidPattern`] when the starts do not run from 0 to the number of entries without decreasing, or the
    /// rows of a column are not increasing and below `rows`.
    pub fn new(rows: usize, column_starts: Vec<usize>, row_indices: Vec<usize>) -> Result<Self> {
        let invalid = |column| Error::InvalidPattern { column };
        if column_starts.first() != Some(&0) {
            return Err(invalid(0));
        }
        for (column, span) in column_starts.windows(2).enumerate() {
            let entries = row_indices.get(span[0]..span[1]).ok_or(invalid(column))?;
            let increasing = entries.windows(2).all(|pair| pair[0] < pair[1]);
            if !increasing || entries.last().is_some_and(|&row| row >= rows) {
                return Err(invalid(column));
            }
        }
        if column_starts.last() != Some(&row_indices.len()) {
            return Err(invalid(column_starts.len() - 1));
        }
        Ok(Self {
            rows,
            column_starts: column_starts.into(),
            row_indices: row_indices.into(),
        })
    }

    /// m.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// n.
    pub fn columns(&self) -> usize {
        self.column_starts.len() - 1
    }

    /// The number of positions.
    pub fn entries(&self) -> usize {
        self.row_indices.len()
    }

    /// Where each column starts, n + 1 numbers.
    pub fn column_starts(&self) -> &[usize] {
        &self.column_starts
    }

    /// The row of every position.
    pub fn row_indices(&self) -> &[usize] {
        &self.row_indices
    }

    /// How far entries lie below and above the diagonal at most.
    pub(crate) fn bandwidths(&self) -> (usize, usize) {
        let (mut below, mut above) = (0, 0);
        for j in 0..self.columns() {
            if let (Some(&first), Some(&last)) = (self.column(j).first(), self.column(j).last()) {
                below = below.max(last.saturating_sub(j));
                above = above.max(j.saturating_sub(first));
            }
        }
        (below, above)
    }

    /// The rows of column `j`.
    pub fn column(&self, j: usize) -> &[usize] {
        &self.row_indices[self.column_starts[j]..self.column_starts[j + 1]]
    }
}
