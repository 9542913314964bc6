//! Support vector classification by sequential minimal optimisation.
//!
//! Own and not `linfa-svm`: that crate brings a second `ndarray` and a solver without kernels between distributions; the
//! solver here is a page, takes any kernel matrix (so the sliced-Wasserstein kernels too) and its result depends on no
//! random order.

use nalgebra::DMatrix;

use crate::error::{Error, Result, finite};

/// How the machine is trained.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SvmOptions {
    /// Penalty C > 0 of a margin violation.
    pub penalty: f64,
    /// Ends when the optimality conditions hold to this.
    pub tolerance: f64,
    /// Largest number of pairs optimised, for each pair of classes.
    pub iterations: usize,
}

impl Default for SvmOptions {
    /// C = 1, tolerance 1e-3, a million pairs.
    fn default() -> Self {
        Self {
            penalty: 1.0,
            tolerance: 1e-3,
            iterations: 1_000_000,
        }
    }
}

/// A trained classifier: one machine for every pair of classes, the majority decides.
///
/// min ½‖w‖² + C Σ max(0, 1 − y_i (⟨w, φ_i⟩ + b)), solved in the dual by pairs of largest violation, the second of the
/// pair by second-order gain.
///
/// ```
/// use hadamard_meeg::model::{SupportVectorMachine, SvmOptions};
/// use nalgebra::DMatrix;
///
/// let x = DMatrix::from_row_slice(4, 1, &[-2.0, -1.0, 1.0, 2.0]);
/// let svm = SupportVectorMachine::train(&(&x * x.transpose()), &[0, 0, 1, 1], SvmOptions::default())?;
/// let new = DMatrix::from_row_slice(2, 1, &[-5.0, 0.3]);
/// assert_eq!(svm.predict(&(new * x.transpose()))?, vec![0, 1]);
/// # Ok::<(), hadamard_meeg::Error>(())
/// ```
///
/// Source: Platt 1998; Fan, Chen & Lin 2005 (working set).
#[derive(Debug, Clone, PartialEq)]
pub struct SupportVectorMachine {
    examples: usize,
    classes: Vec<i64>,
    pairs: Vec<Pair>,
}

/// The machine of two classes.
#[derive(Debug, Clone, PartialEq)]
struct Pair {
    first: usize,
    second: usize,
    /// (training example, y α): positive for the first class.
    support: Vec<(usize, f64)>,
    bias: f64,
}

impl SupportVectorMachine {
    /// Trains on the n x n kernel matrix of the examples (X Xᵀ for the linear machine). O(n) a pair optimised.
    ///
    /// # Errors
    /// [`Error::DimensionMismatch`], [`Error::NonFinite`] for a kernel or sums of it that are not finite,
    /// [`Error::TooFew`] classes, [`Error::InvalidParameter`], and [`Error::NoConvergence`] when the optimality conditions are not met in the pairs allowed.
    pub fn train(kernel: &DMatrix<f64>, labels: &[i64], options: SvmOptions) -> Result<Self> {
        let n = labels.len();
        for found in [kernel.nrows(), kernel.ncols()] {
            if found != n {
                return Err(Error::DimensionMismatch {
                    what: "size of the kernel matrix",
                    expected: n,
                    found,
                });
            }
        }
        finite("kernel matrix", kernel.as_slice())?;
        for (name, value) in [("penalty", options.penalty), ("tolerance", options.tolerance)] {
            if !(value > 0.0 && value.is_finite()) {
                return Err(Error::InvalidParameter {
                    name,
                    value,
                    reason: "must be positive and finite",
                });
            }
        }
        let mut classes = labels.to_vec();
        classes.sort_unstable();
        classes.dedup();
        if classes.len() < 2 {
            return Err(Error::TooFew {
                what: "classes",
                count: classes.len(),
                folds: 2,
            });
        }
        let mut pairs = Vec::new();
        for first in 0..classes.len() {
            for second in first + 1..classes.len() {
                pairs.push(Pair::train(
                    kernel,
                    labels,
                    (first, classes[first]),
                    (second, classes[second]),
                    options,
                )?);
            }
        }
        Ok(Self {
            examples: n,
            classes,
            pairs,
        })
    }

    /// Classes of new examples from their m x n kernel values with the training examples; ties go to the smaller label.
    ///
    /// # Errors
    /// [`Error::DimensionMismatch`] when the kernel has another number of columns, [`Error::NonFinite`] when a number of it
    /// or a score is not finite.
    pub fn predict(&self, kernel: &DMatrix<f64>) -> Result<Vec<i64>> {
        if kernel.ncols() != self.examples {
            return Err(Error::DimensionMismatch {
                what: "columns of the kernel matrix",
                expected: self.examples,
                found: kernel.ncols(),
            });
        }
        finite("kernel matrix", kernel.as_slice())?;
        let vote = |row: usize| {
            let mut votes = vec![0; self.classes.len()];
            for pair in &self.pairs {
                let score = pair.bias
                    + pair
                        .support
                        .iter()
                        .map(|&(i, weight)| weight * kernel[(row, i)])
                        .sum::<f64>();
                finite("scores of a support vector machine", &[score])?;
                votes[if score >= 0.0 { pair.first } else { pair.second }] += 1;
            }
            let most = votes.iter().copied().max().unwrap_or(0);
            Ok(self.classes[votes.iter().position(|&v| v == most).unwrap_or(0)])
        };
        (0..kernel.nrows()).map(vote).collect()
    }
}

impl Pair {
    fn train(
        kernel: &DMatrix<f64>,
        labels: &[i64],
        (first, first_label): (usize, i64),
        (second, second_label): (usize, i64),
        options: SvmOptions,
    ) -> Result<Self> {
        let members: Vec<usize> = (0..labels.len())
            .filter(|&i| labels[i] == first_label || labels[i] == second_label)
            .collect();
        let y: Vec<f64> = members
            .iter()
            .map(|&i| if labels[i] == first_label { 1.0 } else { -1.0 })
            .collect();
        let n = members.len();
        let k = |a: usize, b: usize| kernel[(members[a], members[b])];
        let c = options.penalty;
        let mut alpha = vec![0.0; n];
        // −y_t times the gradient of the dual: at the optimum max over `up` ≤ min over `low`.
        let mut score: Vec<f64> = y.clone();
        let up = |alpha: f64, y: f64| if y > 0.0 { alpha < c } else { alpha > 0.0 };
        let low = |alpha: f64, y: f64| if y > 0.0 { alpha > 0.0 } else { alpha < c };
        for iteration in 0..=options.iterations {
            let Some(i) = (0..n)
                .filter(|&t| up(alpha[t], y[t]))
                .max_by(|&a, &b| score[a].total_cmp(&score[b]))
            else {
                break;
            };
            let lowest = (0..n)
                .filter(|&t| low(alpha[t], y[t]))
                .map(|t| score[t])
                .fold(f64::INFINITY, f64::min);
            let gap = score[i] - lowest;
            if gap <= options.tolerance {
                break;
            }
            if iteration == options.iterations {
                return Err(Error::NoConvergence {
                    what: "support vector machine",
                    iterations: iteration,
                    change: gap,
                    tolerance: options.tolerance,
                });
            }
            // Directions of flat kernel (repeated examples) get a tiny curvature relative to its size.
            let curvature = |t: usize| {
                let (a, b) = (k(i, i), k(t, t));
                (a + b - 2.0 * k(i, t)).max(1e-12 * (a.abs() + b.abs()).max(f64::MIN_POSITIVE))
            };
            let gain = |t: usize| (score[i] - score[t]).powi(2) / curvature(t);
            let Some(j) = (0..n)
                .filter(|&t| low(alpha[t], y[t]) && score[t] < score[i])
                .max_by(|&a, &b| gain(a).total_cmp(&gain(b)))
            else {
                break;
            };
            let room_i = if y[i] > 0.0 { c - alpha[i] } else { alpha[i] };
            let room_j = if y[j] > 0.0 { alpha[j] } else { c - alpha[j] };
            let step = ((score[i] - score[j]) / curvature(j)).min(room_i).min(room_j);
            // Bounds are met exactly, so that the sets above see them.
            let settle = |alpha: &mut f64, sign: f64, room: f64| {
                let bound = if sign > 0.0 { c } else { 0.0 };
                *alpha = if step >= room { bound } else { *alpha + sign * step };
            };
            settle(&mut alpha[i], y[i], room_i);
            settle(&mut alpha[j], -y[j], room_j);
            for (t, score) in score.iter_mut().enumerate() {
                *score -= step * (k(t, i) - k(t, j));
            }
        }
        finite("scores of a support vector machine", &score)?;
        let free: Vec<f64> = (0..n)
            .filter(|&t| alpha[t] > 0.0 && alpha[t] < c)
            .map(|t| score[t])
            .collect();
        let bias = if free.is_empty() {
            let highest = (0..n)
                .filter(|&t| up(alpha[t], y[t]))
                .map(|t| score[t])
                .fold(f64::NEG_INFINITY, f64::max);
            let lowest = (0..n)
                .filter(|&t| low(alpha[t], y[t]))
                .map(|t| score[t])
                .fold(f64::INFINITY, f64::min);
            match (highest.is_finite(), lowest.is_finite()) {
                (true, true) => 0.5 * (highest + lowest),
                (true, false) => highest,
                (false, true) => lowest,
                (false, false) => 0.0,
            }
        } else {
            free.iter().sum::<f64>() / free.len() as f64
        };
        let support = (0..n)
            .filter(|&t| alpha[t] > 0.0)
            .map(|t| (members[t], y[t] * alpha[t]))
            .collect();
        Ok(Self {
            first,
            second,
            support,
            bias,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hand_checkable_machine() {
        // Points −1 and 1: w = 1, b = 0, α = ½ each.
        let x = DMatrix::from_row_slice(2, 1, &[1.0, -1.0]);
        let svm = SupportVectorMachine::train(&(&x * x.transpose()), &[7, 9], SvmOptions::default()).unwrap();
        let pair = &svm.pairs[0];
        assert!(pair.bias.abs() < 1e-12);
        assert!((pair.support[0].1 - 0.5).abs() < 1e-12 && (pair.support[1].1 + 0.5).abs() < 1e-12);
        // A penalty below that bounds both.
        let small = SvmOptions {
            penalty: 0.1,
            ..SvmOptions::default()
        };
        let svm = SupportVectorMachine::train(&(&x * x.transpose()), &[7, 9], small).unwrap();
        assert_eq!(svm.pairs[0].support, vec![(0, 0.1), (1, -0.1)]);
    }

    #[test]
    fn three_classes_on_a_circle() {
        let angle = |k: usize| 0.1 * (k % 5) as f64 + 2.0 * (k / 5) as f64;
        let x = DMatrix::from_fn(15, 2, |k, c| if c == 0 { angle(k).cos() } else { angle(k).sin() });
        let labels: Vec<i64> = (0..15).map(|k| (k / 5) as i64).collect();
        let kernel = &x * x.transpose();
        let options = SvmOptions {
            penalty: 100.0,
            ..SvmOptions::default()
        };
        let svm = SupportVectorMachine::train(&kernel, &labels, options).unwrap();
        assert_eq!(svm.predict(&kernel).unwrap(), labels);
    }

    #[test]
    fn hostile_input_is_refused() {
        let k = DMatrix::identity(2, 2);
        let options = SvmOptions::default();
        assert!(matches!(
            SupportVectorMachine::train(&k, &[1, 1], options),
            Err(Error::TooFew { .. })
        ));
        assert!(matches!(
            SupportVectorMachine::train(&k, &[1], options),
            Err(Error::DimensionMismatch { .. })
        ));
        assert!(SupportVectorMachine::train(&(&k * f64::NAN), &[1, 2], options).is_err());
        let bad = SvmOptions {
            penalty: 0.0,
            ..options
        };
        assert!(matches!(
            SupportVectorMachine::train(&k, &[1, 2], bad),
            Err(Error::InvalidParameter { .. })
        ));
        let repeated = DMatrix::from_element(4, 4, 1.0);
        assert!(SupportVectorMachine::train(&repeated, &[0, 1, 0, 1], options).is_ok());
    }
}
