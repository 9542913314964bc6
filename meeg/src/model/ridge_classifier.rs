//! Classification by regression on coded labels, and its report.

use nalgebra::DMatrix;

use super::Learner;
use super::cross_validation::{Folds, cross_val_predict};
use super::data::{Dataset, same_len};
use super::metrics::balanced_accuracy;
use crate::error::{Error, Result};

/// Coding of class labels as regression targets: +1 for members, -1 for the rest, one column a class (one column alone
/// for two classes).
///
/// Any regression [`Learner`] becomes a classifier by it: with [`Ridge`](super::Ridge) the ridge classifier, with
/// [`KernelRidge`](super::KernelRidge) the least-squares kernel classifier, both with their closed-form choice of the
/// penalty. Classes are not reweighted: with very unequal classes the more frequent one is favoured, as in every least
/// squares classifier, and the balanced accuracy shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelCoding {
    classes: usize,
}

/// Out-of-fold predictions of labels and their scores.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassificationReport {
    /// Predicted class of every example.
    pub predictions: Vec<usize>,
    /// Balanced accuracy over all examples.
    pub balanced_accuracy: f64,
    /// Balanced accuracy of each fold.
    pub folds: Vec<f64>,
}

impl LabelCoding {
    /// For labels 0..classes.
    ///
    /// # Errors
    /// [`Error::TooFew`] when fewer than two classes occur, or a label below the largest never does.
    pub fn try_new(labels: &[usize]) -> Result<Self> {
        let classes = labels.iter().max().map_or(0, |&label| label.saturating_add(1));
        let mut present = labels.to_vec();
        present.sort_unstable();
        present.dedup();
        let count = present.len();
        if count < 2 || count < classes {
            return Err(Error::TooFew {
                what: "classes",
                count,
                folds: classes.max(2),
            });
        }
        Ok(Self { classes })
    }

    /// Targets of the labels, N x 1 for two classes, N x classes otherwise.
    pub fn encode(&self, labels: &[usize]) -> DMatrix<f64> {
        let columns = if self.classes == 2 { 1 } else { self.classes };
        DMatrix::from_fn(labels.len(), columns, |i, c| {
            let class = if self.classes == 2 { 1 } else { c };
            if labels[i] == class { 1.0 } else { -1.0 }
        })
    }

    /// The class of the largest output of every row (of the sign, for two classes).
    pub fn decode(&self, outputs: &DMatrix<f64>) -> Vec<usize> {
        outputs
            .row_iter()
            .map(|row| {
                if self.classes == 2 {
                    usize::from(row[0] > 0.0)
                } else {
                    (0..row.len()).fold(0, |best, c| if row[c] > row[best] { c } else { best })
                }
            })
            .collect()
    }
}

/// Cross-validated classification by a regression learner on coded labels.
///
/// # Errors
/// As [`LabelCoding::try_new`] and [`cross_val_predict`].
pub fn classify<D, L>(
    learner: &L,
    data: &D,
    labels: &[usize],
    groups: Option<&[usize]>,
    folds: &Folds,
) -> Result<ClassificationReport>
where
    D: Dataset + ?Sized,
    L: Learner<D>,
{
    same_len("labels", data.len(), labels.len())?;
    let coding = LabelCoding::try_new(labels)?;
    let outputs = cross_val_predict(learner, data, &coding.encode(labels), groups, folds)?;
    let predictions = coding.decode(&outputs);
    let score = |rows: &[usize]| {
        let pick = |values: &[usize]| rows.iter().map(|&row| values[row]).collect::<Vec<_>>();
        balanced_accuracy(&pick(labels), &pick(&predictions))
    };
    Ok(ClassificationReport {
        balanced_accuracy: balanced_accuracy(labels, &predictions),
        folds: folds.score(score),
        predictions,
    })
}
