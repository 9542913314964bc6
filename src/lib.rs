//! Geometry and numerics of matrices.
//!
//! Each wing is a crate of its own, re-exported here behind a feature of the same name; all are on by default.

#[cfg(feature = "geometry")]
pub use hadamard_geometry as geometry;
#[cfg(feature = "meeg")]
pub use hadamard_meeg as meeg;
#[cfg(feature = "oscillation")]
pub use hadamard_oscillation as oscillation;
#[cfg(feature = "plot")]
pub use hadamard_plot as plot;
#[cfg(feature = "ssvd")]
pub use hadamard_ssvd as ssvd;
#[cfg(feature = "trust-region")]
pub use hadamard_trust_region as trust_region;

/// The examples of the README, compiled and run as documentation tests.
#[cfg(all(doctest, feature = "geometry"))]
#[doc = include_str!("../README.md")]
pub struct Readme;
