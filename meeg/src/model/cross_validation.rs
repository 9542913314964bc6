//! Splits into folds, and predictions of every example by a model that never saw it.

use nalgebra::DMatrix;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64;
use rayon::prelude::*;

use super::data::{Dataset, Sample, Training, same_len};
use super::leave_out::members;
use super::{Learner, Predictor};
use crate::error::{Error, Result};

/// One split: disjoint rows, together all of them, each ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fold {
    /// Rows to learn from.
    pub train: Vec<usize>,
    /// Rows to predict.
    pub test: Vec<usize>,
}

/// K splits of N examples; every example is in exactly one test part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folds {
    folds: Vec<Fold>,
    count: usize,
}

impl Folds {
    /// Contiguous blocks of rows, sizes differing by at most one.
    ///
    /// # Errors
    /// [`Error::TooFew`] unless 2 <= `folds` <= `count`.
    pub fn contiguous(count: usize, folds: usize) -> Result<Self> {
        check_folds("examples", count, folds)?;
        let assignment = (0..count).map(|row| row * folds / count).collect::<Vec<_>>();
        Ok(Self::from_assignment(&assignment, folds))
    }

    /// As [`Self::contiguous`] after shuffling the rows.
    ///
    /// # Errors
    /// As [`Self::contiguous`].
    pub fn shuffled(count: usize, folds: usize, seed: u64) -> Result<Self> {
        check_folds("examples", count, folds)?;
        let order = permutation(count, &mut Pcg64::seed_from_u64(seed));
        let mut assignment = vec![0; count];
        for (place, &row) in order.iter().enumerate() {
            assignment[row] = place % folds;
        }
        Ok(Self::from_assignment(&assignment, folds))
    }

    /// Shuffled, with the classes spread evenly: in every fold each class has its share to within one example.
    ///
    /// # Errors
    /// As [`Self::contiguous`].
    pub fn stratified(labels: &[usize], folds: usize, seed: u64) -> Result<Self> {
        check_folds("examples", labels.len(), folds)?;
        let mut rng = Pcg64::seed_from_u64(seed);
        let mut order = permutation(labels.len(), &mut rng);
        order.sort_by_key(|&row| labels[row]);
        let mut assignment = vec![0; labels.len()];
        // Dealing round over the classes in one go keeps fold sizes equal too.
        for (place, &row) in order.iter().enumerate() {
            assignment[row] = place % folds;
        }
        Ok(Self::from_assignment(&assignment, folds))
    }

    /// Shuffled, with all examples of a group (a person) in one fold, folds of nearly equal size.
    ///
    /// Groups are dealt from the largest to the smallest, each to the fold that is smallest so far.
    ///
    /// # Errors
    /// [`Error::TooFew`] unless 2 <= `folds` <= number of groups.
    pub fn grouped(groups: &[usize], folds: usize, seed: u64) -> Result<Self> {
        Self::stratified_grouped(&vec![0; groups.len()], groups, folds, seed)
    }

    /// As [`Self::grouped`], each group dealt to the fold that then deviates least from the overall class shares.
    ///
    /// # Errors
    /// As [`Self::grouped`]; [`Error::DimensionMismatch`] when `labels` and `groups` differ in length.
    pub fn stratified_grouped(labels: &[usize], groups: &[usize], folds: usize, seed: u64) -> Result<Self> {
        same_len("labels of grouped examples", groups.len(), labels.len())?;
        let members = members(groups);
        check_folds("groups", members.len(), folds)?;
        // Labels are names: any numbers will do.
        let mut names = labels.to_vec();
        names.sort_unstable();
        names.dedup();
        let classes = names.len();
        let class = |row: usize| names.partition_point(|&name| name < labels[row]);
        let mut order = permutation(members.len(), &mut Pcg64::seed_from_u64(seed));
        order.sort_by_key(|&group| std::cmp::Reverse(members[group].len()));
        let mut counts = vec![vec![0usize; classes]; folds];
        let mut assignment = vec![0; groups.len()];
        for (place, &group) in order.iter().enumerate() {
            let mut added = vec![0usize; classes];
            for &row in &members[group] {
                added[class(row)] += 1;
            }
            // Σ over classes of count² grows least where the group's classes are rarest; empty folds come first while
            // only as many groups remain as folds are empty.
            let empty = counts.iter().filter(|c| c.iter().all(|&n| n == 0)).count();
            let must_fill = members.len() - place <= empty;
            let growth = |c: &[usize]| -> usize { c.iter().zip(&added).map(|(&n, &a)| (2 * n + a) * a).sum() };
            let fold = (0..folds)
                .filter(|&fold| !must_fill || counts[fold].iter().all(|&n| n == 0))
                .min_by_key(|&fold| (growth(&counts[fold]), counts[fold].iter().sum::<usize>()))
                .expect("at least two folds");
            for (count, add) in counts[fold].iter_mut().zip(&added) {
                *count += add;
            }
            for &row in &members[group] {
                assignment[row] = fold;
            }
        }
        Ok(Self::from_assignment(&assignment, folds))
    }

    /// Folds given by the fold number of every example.
    ///
    /// # Errors
    /// [`Error::TooFew`] when fewer than two folds have an example, or one below the largest number has none.
    pub fn from_numbers(numbers: &[usize]) -> Result<Self> {
        let folds = numbers.iter().max().map_or(0, |&number| number.saturating_add(1));
        let mut used: Vec<usize> = numbers.to_vec();
        used.sort_unstable();
        used.dedup();
        if used.len() < 2 || used.len() < folds {
            return Err(Error::TooFew {
                what: "examples",
                count: used.len(),
                folds: folds.max(2),
            });
        }
        Ok(Self::from_assignment(numbers, folds))
    }

    fn from_assignment(assignment: &[usize], folds: usize) -> Self {
        let rows = |keep: &dyn Fn(usize) -> bool| -> Vec<usize> {
            (0..assignment.len()).filter(|&row| keep(assignment[row])).collect()
        };
        let folds = (0..folds)
            .map(|fold| Fold {
                train: rows(&|number| number != fold),
                test: rows(&|number| number == fold),
            })
            .collect();
        Self {
            folds,
            count: assignment.len(),
        }
    }

    /// The splits.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Fold> {
        self.folds.iter()
    }

    /// Number K of splits.
    pub fn len(&self) -> usize {
        self.folds.len()
    }

    /// Never: there are at least two splits.
    pub fn is_empty(&self) -> bool {
        self.folds.is_empty()
    }

    /// Number N of examples.
    pub fn examples(&self) -> usize {
        self.count
    }

    /// `score(rows)` of the test rows of every fold.
    pub fn score(&self, score: impl Fn(&[usize]) -> f64) -> Vec<f64> {
        self.folds.iter().map(|fold| score(&fold.test)).collect()
    }
}

/// Predictions (N x k) of every example by the learner fitted on the other folds. Threads over folds; the result does
/// not depend on their number.
///
/// `targets` is N x k; `groups` (one number an example) reach the learner's own choice of hyper-parameters.
///
/// # Errors
/// [`Error::DimensionMismatch`] when sizes differ; the first error of a fit or a prediction in the order of folds
/// ([`Error::NonFinite`] when predictions leave the range of numbers).
pub fn cross_val_predict<D, L>(
    learner: &L,
    data: &D,
    targets: &DMatrix<f64>,
    groups: Option<&[usize]>,
    folds: &Folds,
) -> Result<DMatrix<f64>>
where
    D: Dataset + ?Sized,
    L: Learner<D>,
{
    same_len("examples of the data set", folds.count, data.len())?;
    same_len("targets", folds.count, targets.nrows())?;
    if let Some(groups) = groups {
        same_len("groups", folds.count, groups.len())?;
    }
    let parts: Vec<DMatrix<f64>> = folds
        .folds
        .par_iter()
        .map(|fold| {
            let groups = groups.map(|groups| fold.train.iter().map(|&row| groups[row]).collect());
            let train = Training::try_new(data, &fold.train, targets.select_rows(&fold.train), groups)?;
            let predicted = learner.fit(&train)?.predict(&Sample::try_new(data, &fold.test)?)?;
            same_len("predictions of a fold", fold.test.len(), predicted.nrows())?;
            Ok(predicted)
        })
        .collect::<Result<_>>()?;
    let mut predictions = DMatrix::zeros(folds.count, targets.ncols());
    for (fold, part) in folds.folds.iter().zip(&parts) {
        for (i, &row) in fold.test.iter().enumerate() {
            predictions.set_row(row, &part.row(i));
        }
    }
    Ok(predictions)
}

/// 2 <= folds <= count.
fn check_folds(what: &'static str, count: usize, folds: usize) -> Result<()> {
    if folds < 2 || folds > count {
        return Err(Error::TooFew { what, count, folds });
    }
    Ok(())
}

/// A uniformly random order of 0..count.
fn permutation(count: usize, rng: &mut impl Rng) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.shuffle(rng);
    order
}
