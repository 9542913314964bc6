//! Sliced-Wasserstein distances between sets of SPD matrices.

mod cloud;
mod dirac;
mod directions;
mod features;
mod kernel;
mod one_dimensional;
mod packed;
mod projection;
mod spdsw;

pub use cloud::LogCloud;
pub use dirac::{dirac_log_sw2_pow, dirac_spdsw2_pow};
pub use directions::DirectionBank;
pub use kernel::{
    BandRule, cross_squared_distances, exact_squared_distances, gaussian_kernel, median_gamma, squared_distances,
};
pub use one_dimensional::wasserstein_1d;
pub use packed::{pack, packed_len, unpack};
pub use spdsw::{spdsw, spdsw_mean_exact, spdsw_per_direction, spdsw_pow};
