//! Geometry and numerics of matrices.
//!
//! # The idea
//! Five questions about matrices that come up together where signals, graphs and spectra are analysed, one crate each, one
//! face. Each wing is re-exported here behind a feature of the same name; all are on by default, and none needs a system
//! library.
//!
//! | module | crate | question |
//! |---|---|---|
//! | `geometry` | `hadamard-geometry` | how far apart are two covariance matrices, or two sets of them, and what lies between? |
//! | `meeg` | `hadamard-meeg` | what do the covariances of an M/EEG recording say about the person? |
//! | `ssvd` | `hadamard-ssvd` | what are the leading singular vectors of a sparse matrix that keeps changing? |
//! | `trust_region` | `hadamard-trust-region` | where is F(x) = 0 with l ≤ x ≤ u? |
//! | `oscillation` | `hadamard-oscillation` | how many eigenvalues of a Jacobi matrix lie below x, for certain? |
//! | `plot` | `hadamard-plot` | what does it look like? |
//!
//! Geodesics between two covariance matrices under three metrics, each matrix drawn as its ellipse:
//!
#![doc = include_str!("../docs/geodesics.svg")]
//!
//! # Quick start
//! ```
//! use hadamard::geometry::metrics::{AffineInvariant, BuresWasserstein};
//! use hadamard::geometry::{Metric, Spd};
//! use hadamard::oscillation::models;
//! use nalgebra::dmatrix;
//!
//! let a = Spd::try_new(dmatrix![2.0, 1.0; 1.0, 3.0])?;
//! let b = Spd::try_new(dmatrix![1.0, -0.5; -0.5, 0.4])?;
//! for metric in [&AffineInvariant::default() as &dyn Metric, &BuresWasserstein] {
//!     let midpoint = metric.geodesic(&a, &b, 0.5)?;
//!     let (d, half) = (metric.distance(&a, &b)?, metric.distance(&a, &midpoint)?);
//!     assert!((d - 2.0 * half).abs() < 1e-12);
//! }
//! // 500 of the 1000 energies of the free chain are negative, and that is proved.
//! assert_eq!(models::free_chain(1000)?.count_certified(0.0)?.below, 500);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # How to choose
//! The guide of each crate says which metric, which method, which scaling, which count. `default-features = false` and the
//! names of the wings wanted build less:
//!
//! ```toml
//! hadamard = { version = "0.1", default-features = false, features = ["geometry"] }
//! ```
//!
//! # Costs
//! Everything works in `f64` on one machine. Small matrices go through the vector registers side by side, the instruction
//! set chosen at run time; threads are rayon's, a caller's own pool included, and results have the same bits for any number
//! of them.
//!
//! # Limits
//! Each guide has its own. Randomness comes from seeds or generators that the caller gives. Bad input is a typed error that
//! names what and where; nothing is printed.
//!
//! # References
//! The papers behind the wings are in their guides and in `CITATION.cff`.

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
