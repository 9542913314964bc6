//! Data sets and the parts of them that learners and predictors may see.

use nalgebra::{DMatrix, DMatrixView, RowDVector};
use rayon::prelude::*;

use crate::error::{Error, Result, finite};

/// N examples that can be addressed by row.
pub trait Dataset: Sync {
    /// Number N of examples.
    fn len(&self) -> usize;

    /// Whether there is no example.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Some rows of a data set, without their targets.
#[derive(Debug)]
pub struct Sample<'a, D: ?Sized> {
    data: &'a D,
    rows: &'a [usize],
}

impl<D: ?Sized> Clone for Sample<'_, D> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<D: ?Sized> Copy for Sample<'_, D> {}

impl<'a, D: ?Sized + Dataset> Sample<'a, D> {
    /// The given rows of `data`.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] when a row is out of range.
    pub fn try_new(data: &'a D, rows: &'a [usize]) -> Result<Self> {
        if let Some(&row) = rows.iter().find(|&&row| row >= data.len()) {
            return Err(Error::InvalidParameter {
                name: "row",
                value: row as f64,
                reason: "the data set has fewer examples",
            });
        }
        Ok(Self { data, rows })
    }
}

impl<'a, D: ?Sized> Sample<'a, D> {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Which rows of the data set these are.
    pub fn rows(&self) -> &'a [usize] {
        self.rows
    }

    /// The data set, for the accessors of data types in this crate.
    pub(crate) fn data(&self) -> &'a D {
        self.data
    }
}

/// The training part of a data set: rows, their targets (n x k) and, when examples come in groups, their groups.
#[derive(Debug)]
pub struct Training<'a, D: ?Sized> {
    sample: Sample<'a, D>,
    targets: DMatrix<f64>,
    groups: Option<Vec<usize>>,
}

impl<'a, D: ?Sized + Dataset> Training<'a, D> {
    /// Rows `rows` of `data`; `targets` (n x k) and `groups` belong to these rows, in the same order.
    ///
    /// # Errors
    /// [`Error::Empty`] without rows, [`Error::DimensionMismatch`] when the lengths differ, [`Error::NonFinite`] for a
    /// target that is no number.
    pub fn try_new(data: &'a D, rows: &'a [usize], targets: DMatrix<f64>, groups: Option<Vec<usize>>) -> Result<Self> {
        let sample = Sample::try_new(data, rows)?;
        if rows.is_empty() {
            return Err(Error::Empty { what: "training part" });
        }
        same_len("targets of the training part", rows.len(), targets.nrows())?;
        if let Some(groups) = &groups {
            same_len("groups of the training part", rows.len(), groups.len())?;
        }
        finite("targets", targets.as_slice())?;
        Ok(Self {
            sample,
            targets,
            groups,
        })
    }
}

impl<'a, D: ?Sized> Training<'a, D> {
    /// The same targets and groups over other data of the same examples (after a transform).
    pub(crate) fn over<'b, E: ?Sized>(&self, sample: Sample<'b, E>) -> Training<'b, E> {
        Training {
            sample,
            targets: self.targets.clone(),
            groups: self.groups.clone(),
        }
    }

    /// The training examples.
    pub fn sample(&self) -> Sample<'a, D> {
        self.sample
    }

    /// Targets, n x k.
    pub fn targets(&self) -> &DMatrix<f64> {
        &self.targets
    }

    /// Group of each example, when they come in groups.
    pub fn groups(&self) -> Option<&[usize]> {
        self.groups.as_deref()
    }
}

/// N rows of features; columns come in blocks (one a frequency band).
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureMatrix {
    values: DMatrix<f64>,
    blocks: Vec<usize>,
}

impl FeatureMatrix {
    /// One row an example, all columns in one block.
    ///
    /// # Errors
    /// [`Error::Empty`] without rows or columns, [`Error::NonFinite`] for an entry that is no number.
    pub fn try_new(values: DMatrix<f64>) -> Result<Self> {
        let columns = values.ncols();
        Self::try_with_blocks(values, vec![columns])
    }

    /// One row an example; `blocks` are the widths of the column blocks.
    ///
    /// # Errors
    /// As [`Self::try_new`]; [`Error::DimensionMismatch`] when the widths do not sum to the number of columns.
    pub fn try_with_blocks(values: DMatrix<f64>, blocks: Vec<usize>) -> Result<Self> {
        if values.is_empty() {
            return Err(Error::Empty { what: "feature matrix" });
        }
        same_len("columns of the feature blocks", values.ncols(), blocks.iter().sum())?;
        finite("features", values.as_slice())?;
        Ok(Self { values, blocks })
    }

    /// Rows of features, one list a band (outer), all of one length within a band.
    ///
    /// # Errors
    /// As [`Self::try_with_blocks`]; [`Error::DimensionMismatch`] for rows of unequal length or number.
    pub fn try_from_bands(bands: &[Vec<Vec<f64>>]) -> Result<Self> {
        let rows = bands.first().map_or(0, Vec::len);
        let mut blocks = Vec::with_capacity(bands.len());
        for band in bands {
            same_len("examples of a band", rows, band.len())?;
            let width = band.first().map_or(0, Vec::len);
            for row in band {
                same_len("features of an example", width, row.len())?;
            }
            blocks.push(width);
        }
        let mut values = DMatrix::zeros(rows, blocks.iter().sum());
        let mut start = 0;
        for (band, &width) in bands.iter().zip(&blocks) {
            for (i, row) in band.iter().enumerate() {
                for (j, &value) in row.iter().enumerate() {
                    values[(i, start + j)] = value;
                }
            }
            start += width;
        }
        Self::try_with_blocks(values, blocks)
    }

    /// The examples at `rows`, in that order. Panics when a row is out of range, as slices do.
    pub fn select(&self, rows: &[usize]) -> Self {
        Self {
            values: self.values.select_rows(rows),
            blocks: self.blocks.clone(),
        }
    }

    /// All rows.
    pub fn values(&self) -> &DMatrix<f64> {
        &self.values
    }

    /// Widths of the column blocks.
    pub fn blocks(&self) -> &[usize] {
        &self.blocks
    }

    /// Squared Euclidean distances between all rows, one N x N matrix a block. One matrix product a block, threads over
    /// blocks.
    ///
    /// Entry (i, j) is a function of rows i and j alone (up to rounding), so computing all of them before splitting leaks nothing.
    pub fn squared_distances(&self) -> DistanceMatrix {
        let blocks = self.ranges().into_par_iter().map(|(start, width)| {
            let rows = self.values.columns(start, width);
            let means = rows.row_mean();
            let columns = centred(&rows, &means);
            let gram = columns.tr_mul(&columns);
            let n = gram.nrows();
            DMatrix::from_fn(n, n, |i, j| {
                // Both orders of the pair see the same rounding.
                let (low, high) = (i.min(j), i.max(j));
                (gram[(low, low)] + gram[(high, high)] - 2.0 * gram[(low, high)]).max(0.0)
            })
        });
        DistanceMatrix {
            blocks: blocks.collect(),
        }
    }

    /// Squared distances from these rows to those of `others`, which has the same blocks; one matrix a block.
    pub(crate) fn squared_distances_to(&self, others: &Self) -> Vec<DMatrix<f64>> {
        let pairs = self.ranges().into_par_iter().map(|(start, width)| {
            let columns = others.values.columns(start, width);
            let means = columns.row_mean();
            let (a, b) = (
                centred(&self.values.columns(start, width), &means),
                centred(&columns, &means),
            );
            let squares = |rows: &DMatrix<f64>| rows.column_iter().map(|row| row.norm_squared()).collect::<Vec<_>>();
            let (a_squares, b_squares, products) = (squares(&a), squares(&b), a.tr_mul(&b));
            DMatrix::from_fn(a.ncols(), b.ncols(), |i, j| {
                (a_squares[i] + b_squares[j] - 2.0 * products[(i, j)]).max(0.0)
            })
        });
        pairs.collect()
    }

    /// (First column, width) of every block.
    fn ranges(&self) -> Vec<(usize, usize)> {
        let mut start = 0;
        let range = |&width: &usize| {
            start += width;
            (start - width, width)
        };
        self.blocks.iter().map(range).collect()
    }
}

/// The rows minus `means`, as columns: distances by products cancel less around the middle.
fn centred(rows: &DMatrixView<'_, f64>, means: &RowDVector<f64>) -> DMatrix<f64> {
    let mut columns = rows.transpose();
    for mut column in columns.column_iter_mut() {
        column -= means.transpose();
    }
    columns
}

impl Dataset for FeatureMatrix {
    fn len(&self) -> usize {
        self.values.nrows()
    }
}

impl Sample<'_, FeatureMatrix> {
    /// The features of these rows, and of no others.
    pub fn features(&self) -> FeatureMatrix {
        self.data().select(self.rows())
    }
}

/// Squared distances between N examples, one N x N matrix a block (frequency band).
#[derive(Debug, Clone, PartialEq)]
pub struct DistanceMatrix {
    blocks: Vec<DMatrix<f64>>,
}

impl DistanceMatrix {
    /// One symmetric N x N matrix of squared distances a block, with zero diagonal.
    ///
    /// # Errors
    /// [`Error::Empty`] without blocks or examples, [`Error::DimensionMismatch`] for unequal shapes,
    /// [`Error::NonFinite`], [`Error::InvalidParameter`] for a negative entry.
    pub fn try_new(blocks: Vec<DMatrix<f64>>) -> Result<Self> {
        let n = blocks.first().map_or(0, DMatrix::nrows);
        if n == 0 {
            return Err(Error::Empty {
                what: "distance matrix",
            });
        }
        for block in &blocks {
            same_len("rows of a distance matrix", n, block.nrows())?;
            same_len("columns of a distance matrix", n, block.ncols())?;
            finite("squared distances", block.as_slice())?;
            if let Some(&value) = block.iter().find(|&&value| value < 0.0) {
                return Err(Error::InvalidParameter {
                    name: "squared distance",
                    value,
                    reason: "it must not be negative",
                });
            }
        }
        Ok(Self { blocks })
    }

    /// Distances among the examples at `rows`, in that order. Panics when a row is out of range, as slices do.
    pub fn select(&self, rows: &[usize]) -> Self {
        let blocks = self
            .blocks
            .iter()
            .map(|block| block.select_rows(rows).select_columns(rows));
        Self {
            blocks: blocks.collect(),
        }
    }

    /// The N x N matrices, one a block.
    pub fn blocks(&self) -> &[DMatrix<f64>] {
        &self.blocks
    }
}

impl Dataset for DistanceMatrix {
    fn len(&self) -> usize {
        self.blocks[0].nrows()
    }
}

impl Sample<'_, DistanceMatrix> {
    /// Squared distances from these rows to the rows `others`, one matrix a block.
    ///
    /// With its own rows it is the training kernel's distances; a predictor passes the rows it was trained on.
    pub fn to(&self, others: &[usize]) -> Vec<DMatrix<f64>> {
        let pick = |block: &DMatrix<f64>| {
            DMatrix::from_fn(self.len(), others.len(), |i, j| block[(self.rows()[i], others[j])])
        };
        self.data().blocks.iter().map(pick).collect()
    }
}

/// Errs unless `found` equals `expected`.
pub(crate) fn same_len(what: &'static str, expected: usize, found: usize) -> Result<()> {
    if expected == found {
        Ok(())
    } else {
        Err(Error::DimensionMismatch { what, expected, found })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix<const C: usize>(rows: &[[f64; C]]) -> DMatrix<f64> {
        DMatrix::from_row_slice(rows.len(), C, rows.as_flattened())
    }

    #[test]
    fn distances_by_block_match_the_definition() {
        let features = FeatureMatrix::try_with_blocks(
            matrix(&[[0.0, 0.0, 1.0], [3.0, 4.0, 1.0], [0.0, 1.0, -1.0]]),
            vec![2, 1],
        )
        .unwrap();
        let distances = features.squared_distances();
        assert!((distances.blocks()[0][(0, 1)] - 25.0).abs() < 1e-13);
        assert!((distances.blocks()[1][(2, 0)] - 4.0).abs() < 1e-13);
        assert_eq!(distances.blocks()[0], distances.blocks()[0].transpose());
    }

    #[test]
    fn a_sample_shows_its_own_rows_only() {
        let features = FeatureMatrix::try_new(matrix(&[[1.0], [2.0], [3.0]])).unwrap();
        let sample = Sample::try_new(&features, &[2, 0]).unwrap();
        assert_eq!(sample.features().values(), &matrix(&[[3.0], [1.0]]));
        assert!(Sample::try_new(&features, &[3]).is_err());
    }

    #[test]
    fn bad_input_is_named() {
        let message = |e: Error| e.to_string();
        assert!(message(FeatureMatrix::try_new(matrix(&[[1.0, f64::NAN]])).unwrap_err()).contains("entry 1 is NaN"));
        assert!(FeatureMatrix::try_with_blocks(matrix(&[[1.0, 2.0]]), vec![1]).is_err());
        assert!(DistanceMatrix::try_new(vec![matrix(&[[0.0, -1.0], [-1.0, 0.0]])]).is_err());
        let features = FeatureMatrix::try_new(matrix(&[[1.0], [2.0]])).unwrap();
        assert!(Training::try_new(&features, &[], DMatrix::zeros(0, 1), None).is_err());
        assert!(Training::try_new(&features, &[0], matrix(&[[f64::INFINITY]]), None).is_err());
    }
}
