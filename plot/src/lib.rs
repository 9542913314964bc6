//! Pictures of matrices and of what was computed with them, as SVG or PNG.
//!
//! # The idea
//! A picture is a [`Figure`]: charts in a grid, each two labelled axes and the series drawn between them, all plain data
//! that can be read and changed before it is written. The ready pictures are functions that build one, a call each; here
//! distance balls of six metrics around one matrix ([`balls::balls`]):
//!
#![doc = include_str!("../docs/balls.svg")]
//!
//! [`Figure::save`] chooses the format by the extension of the file. Letters of a PNG come from a font inside the crate and
//! those of an SVG stay text, so no system font is needed, and the same figure gives the same bytes. The colours are those
//! of Okabe and Ito, told apart by colour-blind readers.
//!
//! # Quick start
//! ```
//! use hadamard_geometry::Spd;
//! use hadamard_geometry::metrics::{AffineInvariant, BuresWasserstein};
//! use hadamard_plot::geodesics::{Curve, ellipses};
//! use nalgebra::dmatrix;
//!
//! let (a, b) = (Spd::try_new(dmatrix![4.0, 1.9; 1.9, 1.0])?, Spd::try_new(dmatrix![0.4, -0.3; -0.3, 3.0])?);
//! let curves = [
//!     Curve::geodesic(&AffineInvariant::default(), &a, &b, 9)?,
//!     Curve::geodesic(&BuresWasserstein, &a, &b, 9)?,
//! ];
//! let svg = ellipses(&curves)?.to_svg()?; // or .save("ellipses.png")?
//! assert!(svg.contains("Bures-Wasserstein"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A chart of one's own:
//! ```
//! use hadamard_plot::{Axis, Chart, Figure, Series};
//!
//! let error: Vec<(f64, f64)> = (1..=8).map(|k| (k as f64, 0.1_f64.powi(k))).collect();
//! let chart = Chart::new(Axis::linear("iteration"), Axis::log("relative error")).with(Series::line(error).label("Newton"));
//! let svg = Figure::single(chart).to_svg()?;
//! assert!(svg.contains("relative error"));
//! # Ok::<(), hadamard_plot::Error>(())
//! ```
//!
//! # How to choose
//! | picture | function |
//! |---|---|
//! | geodesics as ellipses (order 2) or projected ellipsoids (order 3) | [`geodesics::ellipses`] |
//! | geodesics in the cone SPD(2) with its surface | [`geodesics::cone`] |
//! | eigenvalues, determinant and trace along geodesics | [`geodesics::invariants`] |
//! | distance balls of several metrics side by side | [`balls::balls`] |
//! | Fréchet means of several metrics side by side | [`means::means`] |
//! | boundary of the domain of exp, parallel transport along a geodesic | [`tangent::exp_domains`], [`tangent::transport`] |
//! | predicted against true values | [`regression::predicted_vs_true`] |
//! | weight of each channel in a model | [`regression::pattern`] |
//! | error against cohort size | [`regression::learning_curve`] |
//! | domains of SPD matrices before and after an alignment | [`clouds::domains`]; any points: [`clouds::scatter`] |
//! | a truncated SVD through batches: singular values, error, time | [`streaming::streamed_svd`] |
//! | iterates of a solver in a box of two variables | [`iterates::in_box`] |
//! | Dolan-Moré performance profiles | [`curves::performance_profiles`] |
//! | densities of states, spectral shift | [`spectra::density_of_states`], [`spectra::spectral_shift`] |
//! | nodes of a Wronskian along its matrices | [`spectra::wronskian_nodes`] |
//! | curves on linear or logarithmic axes, step functions | [`curves::lines`], [`curves::steps`] |
//!
//! `cargo run --release --example gallery` of the `hadamard` package draws them all.
//!
//! # Costs
//! Milliseconds for what only draws. [`balls::balls`] takes some 4000 distances a ball, [`tangent::exp_domains`] 361 exit
//! times a metric, [`iterates::in_box`] 26 000 evaluations. A PNG has two pixels to a point, drawn at four: 48 bytes a
//! square point while it is written.
//!
//! # Limits
//! Ellipses need order 2 or 3, cones, balls and transport order 2. Series beyond the palette of seven colours repeat them.
//! The letters of an SVG are drawn by its viewer in a sans-serif font of its own.
//!
//! # References
//! - M. Okabe, K. Ito, Color universal design, 2008 (the palette).
//! - E. Dolan, J. Moré, Benchmarking optimization software with performance profiles, Math. Program. 91, 2002.
//! - W. Lorensen, H. Cline, Marching cubes, SIGGRAPH 1987 (its planar form draws level lines).

mod axis;
pub mod balls;
pub mod clouds;
mod contour;
pub mod curves;
mod draw;
mod error;
mod figure;
pub mod geodesics;
pub mod iterates;
mod legend;
pub mod means;
pub mod regression;
pub mod spectra;
pub mod streaming;
pub mod tangent;

pub use error::{Error, Result};
pub use figure::{Axis, Chart, Figure, Mark, Points, Scale, Series};

/// The example of the README, compiled and run as a documentation test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
