//! Sliced-Wasserstein distances between sets of SPD matrices.

mod barycenter;
mod cloud;
mod dirac;
mod directions;
mod features;
mod flow;
mod gradient;
mod hspdsw;
mod kernel;
mod max_sliced;
mod measure;
mod one_dimensional;
mod packed;
mod plan;
mod projection;
mod spdsw;
mod two_sample;

pub(crate) use cloud::checked_weights;
pub(crate) use plan::square_distance;

pub use barycenter::barycenter;
pub use cloud::LogCloud;
pub use dirac::{dirac_log_sw2_pow, dirac_spdsw2_pow};
pub use directions::DirectionBank;
pub use flow::{FlowOptions, FlowReport, flow};
pub use gradient::{Gradient, SlicedLoss, euclidean_gradient};
pub use hspdsw::{busemann, hspdsw, hspdsw_pow};
pub use kernel::{
    BandRule, cross_squared_distances, exact_squared_distances, gaussian_kernel, median_gamma, squared_distances,
};
pub use max_sliced::{MaxSliced, max_spdsw};
pub use measure::SpdMeasure;
pub use one_dimensional::wasserstein_1d;
pub use packed::{pack, packed_len, unpack};
pub use plan::{PlanEntry, SlicedPlan, sliced_plan};
pub use spdsw::{Estimate, spdsw, spdsw_adaptive, spdsw_mean_exact, spdsw_per_direction, spdsw_pow, spdsw_with_error};
pub use two_sample::{TwoSampleTest, two_sample_test};
