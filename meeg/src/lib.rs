//! M/EEG recordings to covariances, features, kernels and predictions.
//!
//! # The idea
//! A recording of p channels, band-passed to f1-f2 Hz and centred, has the covariance C = Σ z_t z_tᵀ/T: powers on the
//! diagonal, and how the channels vary together beside it. Covariances are SPD matrices, and every brain source mixes
//! linearly into the channels, so C = A diag(powers) Aᵀ. The geometry of SPD matrices ([`hadamard_geometry`]) sees the
//! powers through the unknown mixing A: another A only turns affine-invariant tangent vectors, so that a linear model on
//! them finds what depends on log powers (Sabbagh et al. 2019). A filter bank gives one covariance for each band, windows
//! give a set of them, and [`hadamard_geometry::sliced`] compares whole sets (Bonet et al. 2023). Where age hides in how much
//! powers vary from window to window, mean covariances know less of it than sets:
//!
#![doc = include_str!("../docs/predicted_vs_true.svg")]
//!
//! # Quick start
//! From files to covariances:
//! ```no_run
//! use hadamard_meeg::filter_bank::{Cutting, FilterBank, Preparation};
//! use hadamard_meeg::{io, rank};
//!
//! let paths = io::find_recordings("recordings")?;
//! let cutting = Cutting { seconds: 4.0, overlap: 0.0, peak_to_peak: Some(200e-6) };
//! let recordings = FilterBank::default().recordings(&paths, &Preparation::default(), Some(cutting))?;
//! for recording in &recordings {
//!     let alpha = rank::Regularisation::Shrinkage(0.05).apply_all(&recording.bands[1])?;
//!     let alpha = rank::require_full(&alpha, rank::DEFAULT_THRESHOLD, &recording.path.display().to_string())?;
//!     assert_eq!(alpha.len(), recording.windows.len());
//! }
//! # Ok::<(), hadamard_meeg::Error>(())
//! ```
//!
//! From covariances to predictions, on a simulated cohort:
//! ```
//! use hadamard_meeg::features::{self, MeanCovariances};
//! use hadamard_meeg::model::{Folds, Pipeline, Ridge, StandardScaler, cross_val_predict, r2};
//! use hadamard_meeg::simulate::Simulation;
//! use nalgebra::DMatrix;
//!
//! let drawn = Simulation { subjects: 60, ..Simulation::default() }.draw(1)?;
//! let logs = features::log_euclidean(&MeanCovariances::of(&drawn.cohort)?)?;
//! let ages = DMatrix::from_column_slice(60, 1, &drawn.ages);
//! let learner = Pipeline::new(StandardScaler, Ridge::default()); // fitted on the training part of each fold only
//! let predicted = cross_val_predict(&learner, &logs, &ages, None, &Folds::shuffled(60, 5, 1)?)?;
//! assert!(r2(&drawn.ages, predicted.as_slice()) > 0.9);
//! # Ok::<(), hadamard_meeg::Error>(())
//! ```
//!
//! The steps one by one: [`io::open`] reads a header and the annotations, [`Recording::read`] the channels and samples
//! asked for, [`filter::Sos`] filters, [`epochs`] cuts windows, [`covariance::Estimator`] estimates, [`rank`] refuses or
//! repairs what has no full rank.
//!
//! # How to choose
//! - Estimator: [`covariance::Estimator::Unbiased`] from some 20 samples for each channel on; below that
//!   [`covariance::Estimator::LedoitWolf`] or [`covariance::Estimator::OasChen`]; with artefacts
//!   [`covariance::Estimator::Huber`].
//! - Filter the whole recording before it is cut: a filtered window begins and ends with the filter's transient.
//! - Features: [`features::log_power`] when few sources matter and sensors see them apart;
//!   [`features::log_euclidean`] when heads are alike; [`features::TangentSpace`] when gains and mixings differ;
//!   [`features::sliced_quantiles`] when what matters is how covariances vary within a recording.
//! - People or sessions that differ as a whole: [`features::recenter`], then [`adapt`].
//! - Scores: several recordings of a person go into one fold, [`model::Folds::grouped`].
//! - Average-referenced or ICA-cleaned recordings lack rank: [`rank::CommonSubspace`] when all lack the same directions,
//!   [`rank::Regularisation`] otherwise. Neither happens unasked.
//!
//! # What holds
//! - C ↦ G C Gᵀ for invertible G (another montage, other gains) changes no affine-invariant distance.
//! - Age linear in log powers of the sources is linear in affine-invariant tangent vectors and, for equal heads near the
//!   reference, in log-Euclidean ones (the same).
//! - SPDSW₂ is a Hilbert distance, so Gaussian kernels of it are positive definite (Bonet et al. 2023).
//! - The leave-one-out residuals that choose a penalty are exact, refitted intercept included ([`model::leave_out`]).
//!
//! # Costs
//! Everything is in SI units: volts, so that EEG covariances are near 1e-10 V²; teslas (T/m of gradiometers) for MEG. No step
//! has an absolute threshold.
//! Memory holds the channels that were asked for, once more for the band being filtered, of as many recordings at a time as
//! there are threads; covariances are kept, samples are not. Time is linear in the samples.
//! Thirty-six minutes of 19 channels at 500 Hz go from EDF to window covariances of three bands in about one second on
//! two cores.
//!
//! # Limits
//! Read are EDF, EDF+, BDF, BDF+ and NumPy arrays; not FIF, GDF, BrainVision or EEGLAB. Discontinuous recordings are read
//! segment by segment ([`Recording::segments`]).
//!
//! # Statements, sources, tests
//! Tests are in `proofs-tests/tests/` of the source repository, which is not part of this package.
//!
//! | statement | in the literature | test |
//! |---|---|---|
//! | a mixing common to all leaves models of affine-invariant tangent vectors as they are | congruence invariance; Sabbagh et al. 2019 | `meeg_model.rs`: `affine_invariant_predictions_do_not_depend_on_the_mixing` |
//! | age linear in log powers of the sources is linear in tangent vectors | Sabbagh et al. 2019, Prop. 3 | `meeg_model.rs`: `tangent_vectors_make_a_log_link_linear` |
//! | recentring takes away a mixing of one's own | Zanini et al. 2018 | `meeg_model.rs`: `recentring_removes_a_mixing_of_ones_own`; `meeg_adapt.rs`: `recentring_undoes_translations` |
//! | sets of covariances know what their means do not | Bonet et al. 2023, for the distance | `meeg_model.rs`: `age_in_the_spread_is_found_by_sliced_wasserstein_alone` |
//! | leave-one-out and leave-one-group-out residuals in closed form | block inverse of I − H; see [`model::leave_out`] | `meeg_model.rs`: `leaving_out_ridge_equals_refitting`, `leaving_out_kernel_ridge_equals_refitting` |
//! | C(cx) = c² C(x) for every estimator but Tyler's; his is a fixed point | Tyler 1987 | `meeg_covariance.rs`: `scale`, `tyler_is_a_fixed_point` |
//! | the average reference is a projection, so one rank is lost | linear algebra | `meeg_filter.rs`: `average_reference_is_a_projection`; `meeg_covariance.rs`: `missing_rank` |
//! | no model knows of its test fold | definition of cross-validation | `meeg_model.rs`: `no_model_knows_of_its_test_fold`, `permuted_ages_are_not_predicted` |
//! | samples are those of MNE-Python and edflib, filters those of SciPy | their own programs, recorded values | `meeg_io.rs`: `values_equal_mne`, `values_equal_edflib`; `meeg_filter.rs`: `sections_states_and_outputs_equal_scipy` |
//!
//! # References
//! - Kemp & Olivan, *European data format 'plus' (EDF+)*, Clin. Neurophysiol. 114(9), 2003.
//! - Zanini, Congedo, Jutten, Said & Berthoumieu, *Transfer learning: a Riemannian geometry framework with applications to
//!   brain-computer interfaces*, IEEE Trans. Biomed. Eng. 65, 2018.
//! - Sabbagh, Ablin, Varoquaux, Gramfort & Engemann, *Manifold-regression to predict from MEG/EEG brain signals without
//!   source modeling*, NeurIPS 2019.
//! - Engemann et al., *A reusable benchmark of brain-age prediction from M/EEG resting-state signals*, NeuroImage 262, 2022.
//! - Bonet et al., *Sliced-Wasserstein on symmetric positive definite matrices for M/EEG signals*, ICML 2023.
//! - Tyler, *A distribution-free M-estimator of multivariate scatter*, Ann. Statist. 15, 1987.

pub mod adapt;
pub mod cohort;
pub mod covariance;
pub mod epochs;
pub mod error;
pub mod features;
pub mod filter;
pub mod filter_bank;
pub mod io;
pub mod model;
pub mod rank;
mod scaling;
pub mod simulate;
pub mod table;

pub use cohort::{Cohort, Example};
pub use epochs::Epochs;
pub use error::{Error, Result};
pub use filter_bank::{Band, FilterBank};
pub use io::{Recording, Signal, SignalView};

/// The example of the README, compiled and run as a documentation test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
