//! Pictures of matrices and of what was computed with them, as SVG or PNG.
//!
//! Every picture is a [`Figure`]: charts in a grid, each with labelled axes and series. The ready pictures build one:
//!
//! | picture | function |
//! |---|---|
//! | geodesics as ellipses (order 2) or projected ellipsoids (order 3) | [`geodesics::ellipses`] |
//! | geodesics in the cone SPD(2) | [`geodesics::cone`] |
//! | eigenvalues, determinant and trace along geodesics | [`geodesics::invariants`] |
//! | boundary of the domain of exp, parallel transport along a geodesic | [`tangent::exp_domains`], [`tangent::transport`] |
//! | distance balls of several metrics side by side | [`balls::balls`] |
//! | predicted against true values | [`regression::predicted_vs_true`] |
//! | weight of each channel in a model | [`regression::pattern`] |
//! | error against cohort size | [`regression::learning_curve`] |
//! | two or more clouds of points in the plane | [`clouds::scatter`] |
//! | curves on linear or logarithmic axes: convergence, spectra, counts | [`curves::lines`], [`curves::steps`] |
//! | nodes of a Wronskian along its matrices | [`spectra::wronskian_nodes`] |
//! | Dolan-Moré performance profiles | [`curves::performance_profiles`] |
//! | a truncated SVD through batches: time, error, spectrum | [`streaming::streamed_svd`] |
//!
//! [`Figure::save`] chooses the format by the extension of the file. Letters come from a font inside the crate, so no
//! system font is needed, and the same figure gives the same bytes. The colours are those of Okabe and Ito, told apart
//! by colour-blind readers.
//!
//! ```
//! use hadamard_plot::{Axis, Chart, Figure, Series};
//!
//! let error: Vec<(f64, f64)> = (1..=8).map(|k| (k as f64, 0.1_f64.powi(k))).collect();
//! let chart = Chart::new(Axis::linear("iteration"), Axis::log("relative error")).with(Series::line(error).label("Newton"));
//! let svg = Figure::single(chart).to_svg()?;
//! assert!(svg.contains("relative error"));
//! # Ok::<(), hadamard_plot::Error>(())
//! ```

mod axis;
pub mod balls;
pub mod clouds;
pub mod curves;
mod draw;
mod error;
mod figure;
pub mod geodesics;
pub mod regression;
pub mod spectra;
pub mod streaming;
pub mod tangent;

pub use error::{Error, Result};
pub use figure::{Axis, Chart, Figure, Mark, Points, Scale, Series};
