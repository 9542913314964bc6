//! Sliced-Wasserstein distances between sets of SPD matrices.
//!
//! A recording cut into windows, a class of trials, a session: each is a set of covariances, a measure on SPD(d). The
//! sliced distance projects two measures on many directions A, where transport is sorting, and averages:
//!
//! SPDSW_p^p(μ, ν) = E_A W_p^p(⟨A, log ·⟩_# μ, ⟨A, log ·⟩_# ν), A = P diag(θ) Pᵀ, θ uniform on the sphere, P Haar.
//!
//! It costs O(L n (d² + log n)) where exact transport costs O(n³), is a Hilbert distance at p = 2 (so Gaussian kernels of
//! it are positive definite), and its rate in n does not depend on d.
//!
//! ```
//! use hadamard_geometry::SpdBatch;
//! use hadamard_geometry::sliced::{DirectionBank, LogCloud, spdsw, spdsw_with_error};
//!
//! let x = SpdBatch::try_from_vec(2, vec![2.0, 0.5, 0.5, 1.0, 1.0, 0.1, 0.1, 1.5])?;
//! let y = SpdBatch::try_from_vec(2, vec![4.0, 0.0, 0.0, 3.0, 3.0, 0.2, 0.2, 2.5])?;
//! let bank = DirectionBank::lambda_s(2, 500, 1)?; // one bank for everything that is compared
//! let (x, y) = (LogCloud::try_new(&x)?, LogCloud::try_new(&y)?); // logarithms once
//! let distance = spdsw(&bank, &x, &y, 2.0)?;
//! let estimate = spdsw_with_error(&bank, &x, &y, 2.0)?;
//! assert_eq!(estimate.distance, distance);
//! # Ok::<(), hadamard_geometry::Error>(())
//! ```
//!
//! # How to choose
//! | to | take |
//! |---|---|
//! | compare two sets | [`spdsw`]; with an error bar [`spdsw_with_error`]; to a tolerance [`spdsw_adaptive`] |
//! | get SPDSW_2² with least noise | [`spdsw_mean_exact`] on a bank of [`DirectionBank::orthogonal`] |
//! | respect affine invariance | [`hspdsw`], O(L n d³) |
//! | learn from many sets | [`DirectionBank::quantile_features`], [`squared_distances`], [`gaussian_kernel`] |
//! | test whether two sets differ | [`two_sample_test`] |
//! | find what differs | [`max_spdsw`], [`spdsw_per_direction`] |
//! | move one set to another | [`flow`] of a [`SlicedLoss`]; couple them by [`sliced_plan`] |
//! | average sets | [`barycenter`] |
//! | have a baseline without geometry | any of these on [`LogCloud::euclidean`] |
//!
//! # Limits
//! Values of different banks differ by their Monte Carlo error: share one bank. Windows of different lengths have
//! different noise in their logarithms: cut all sets alike. Rank-deficient covariances are refused by
//! [`LogCloud::try_new`]: shrink them, or project to the common range.
//!
//! # Statements, sources, tests
//! Tests are in `proofs-tests/tests/sliced_properties.rs` of the source repository unless another file is named.
//! Numbers are those that a work quoting the source shows; otherwise the result is named.
//!
//! | statement | in the literature | test |
//! |---|---|---|
//! | for one set of directions: a pseudo-distance, invariant under rotation together with the directions, inversion and powers | Bonet et al. 2023, SPDSW as a distance | `a_bank_gives_a_metric`, `invariances` |
//! | SPDSW_p ≤ W_p with log-Euclidean costs, HSPDSW_p ≤ W_p with affine-invariant ones | Bonet et al. 2023 | `sliced_below_exact_below_couplings` |
//! | transport on the line is sorting | Peyré and Cuturi 2019, Remarks 2.28 and 2.30 | `orders_one_agree_with_the_line_for_every_distance`, `network_simplex_is_exact`; `sliced_values.rs`: `wasserstein_on_the_line` |
//! | the rate in n does not depend on d, the error in L directions falls as L^−½ | Bonet et al. 2023, sample and projection complexity | `sample_and_projection_complexity_have_their_slopes` |
//! | SPDSW₂ is a Hilbert distance: features, positive definite Gaussian kernels | Bonet et al. 2023, section on the kernel | `features_are_exact_and_kernels_positive_definite` |
//! | Busemann functions are limits of d(X, γ(t)) − t; they take the place of ⟨A, log X⟩ in HSPDSW | Bridson and Haefliger 1999, II.10; Bonet et al. 2023 | `the_busemann_function_is_the_limit_of_its_definition`, `busemann_functions` |
//! | exact plans are certified by dual potentials; Sinkhorn's tend to them | Kantorovich duality; Cuturi 2013 | `network_simplex_is_exact`, `sinkhorn_tends_to_the_exact_plan_and_reports_what_it_reached` |
//!
//! Source: Bonet, Malézieux, Rakotomamonjy, Drumetz, Moreau, Kowalski & Courty, "Sliced-Wasserstein on symmetric
//! positive definite matrices for M/EEG signals", ICML 2023 (arXiv 2303.05798).

mod barycenter;
mod cloud;
mod dirac;
mod directions;
mod draws;
mod features;
mod flow;
mod gradient;
mod hspdsw;
mod kernel;
mod max_sliced;
mod measure;
mod network;
mod one_dimensional;
mod packed;
mod plan;
mod projection;
mod sort;
mod spdsw;
mod two_sample;

pub(crate) use cloud::checked_weights;
pub(crate) use plan::square_distance;

pub use barycenter::barycenter;
pub use cloud::LogCloud;
pub use dirac::{dirac_log_sw2_pow, dirac_spdsw2_pow};
pub use directions::DirectionBank;
pub use flow::{FlowOptions, FlowReport, flow};
pub use gradient::{Curvature, Gradient, Objective, SlicedLoss, euclidean_gradient};
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
