//! M/EEG recordings to covariances, features, kernels and predictions.
//!
//! # The idea
//! A recording of p channels, band-passed to f1-f2 Hz and centred, has the covariance C = Σ z_t z_tᵀ/T: powers on the
//! diagonal, and how the channels vary together beside it. Covariances are SPD matrices, and every brain source mixes
//! linearly into the channels, so C = A diag(powers) Aᵀ. The geometry of SPD matrices ([`hadamard_geometry`]) sees the
//! powers through the unknown mixing A; a filter bank gives one covariance for each band, windows give a set of them.
//!
//! # From files to covariances
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
//! The steps one by one: [`io::open`] reads a header and the annotations, [`Recording::read`] the channels and samples
//! asked for, [`filter::Sos`] filters, [`epochs`] cuts windows, [`covariance::Estimator`] estimates, [`rank`] refuses or
//! repairs what has no full rank.
//!
//! # How to choose
//! - Estimator: [`covariance::Estimator::Unbiased`] from some 20 samples for each channel on; below that
//!   [`covariance::Estimator::LedoitWolf`] or [`covariance::Estimator::OasChen`]; with artefacts
//!   [`covariance::Estimator::Huber`].
//! - Filter the whole recording before it is cut: a filtered window begins and ends with the filter's transient.
//! - Average-referenced or ICA-cleaned recordings lack rank: [`rank::CommonSubspace`] when all lack the same directions,
//!   [`rank::Regularisation`] otherwise. Neither happens unasked.
//!
//! # Units and costs
//! Everything is in SI units: volts, so that EEG covariances are near 1e-10 V². No step has an absolute threshold.
//! Memory holds the channels that were asked for, once more for the band being filtered; time is linear in the samples.
//! Thirty-six minutes of 19 channels at 500 Hz go from EDF to window covariances of three bands in about one second on
//! two cores.
//!
//! # Limits
//! Read are EDF, EDF+, BDF, BDF+ and NumPy arrays; not FIF, GDF, BrainVision or EEGLAB. Discontinuous recordings are read
//! segment by segment ([`Recording::segments`]).
//!
//! # References
//! - Kemp & Olivan, *European data format 'plus' (EDF+)*, Clin. Neurophysiol. 114(9), 2003.
//! - Sabbagh, Ablin, Varoquaux, Gramfort & Engemann, *Manifold-regression to predict from MEG/EEG brain signals without
//!   source modeling*, NeurIPS 2019.
//! - Engemann et al., *A reusable benchmark of brain-age prediction from M/EEG resting-state signals*, NeuroImage 262, 2022.
//! - Bonet et al., *Sliced-Wasserstein on symmetric positive definite matrices for M/EEG signals*, ICML 2023.

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
pub mod simulate;
pub mod table;

pub use cohort::{Cohort, Example};
pub use epochs::Epochs;
pub use error::{Error, Result};
pub use filter_bank::{Band, FilterBank};
pub use io::{Recording, Signal, SignalView};
