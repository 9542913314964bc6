//! SPD matrices under every O(n)-invariant Riemannian metric, and distances between sets of them.
//!
//! A metric on SPD(n) is O(n)-invariant when a change of orthonormal basis changes nothing. All such metrics in use come
//! from one function φ of two eigenvalues and a trace term (α, β): in the eigenbasis of Σ = P diag(d) Pᵀ, X' = PᵀXP,
//!
//! ```text
//! g_Σ(X, Y) = α Σ_ij X'_ij Y'_ij / φ(d_i, d_j) + β τ(X) τ(Y),   τ(X) = Σ_i X'_ii / √φ(d_i, d_i).
//! ```
//!
//! # Quick start
//! ```
//! use hadamard_geometry::mean::MeanOptions;
//! use hadamard_geometry::metrics::AffineInvariant;
//! use hadamard_geometry::{Metric, Spd, SpdBatch};
//! use nalgebra::dmatrix;
//!
//! let a = Spd::try_new(dmatrix![2.0, 0.5; 0.5, 1.0])?;
//! let b = Spd::try_new(dmatrix![1.0, -0.2; -0.2, 3.0])?;
//! let metric = AffineInvariant::default();
//! let d = metric.distance(&a, &b)?;
//! let feature = metric.tangent_vector(&a, &b)?;
//! assert!((feature.norm() - d).abs() < 1e-14);
//!
//! let batch = SpdBatch::try_from_matrices(&[a.matrix().clone(), b.matrix().clone()])?;
//! let report = metric.mean(&batch, None, &MeanOptions::default())?;
//! assert!(report.converged);
//! assert!((metric.distance(&a, &report.mean)? - 0.5 * d).abs() < 1e-12);
//! # Ok::<(), hadamard_geometry::Error>(())
//! ```
//!
//! # Which metric when
//! All are in [`metrics`] and implement [`Metric`]; `Box<dyn Metric>` chooses one at run time.
//!
//! | metric | φ(x, y) | complete | curvature | take it when |
//! |---|---|---|---|---|
//! | [`Euclidean`](metrics::Euclidean) | 1 | no | 0 | as a baseline; means swell |
//! | [`LogEuclidean`](metrics::LogEuclidean) | ((x − y)/log(x/y))² | yes | 0 | many matrices, cheap closed forms |
//! | [`AffineInvariant`](metrics::AffineInvariant) | xy | yes | \[−1/2, 0\] | results must not depend on units, mixing or electrode gains |
//! | [`BuresWasserstein`](metrics::BuresWasserstein) | 2(x + y) | no | \[0, 3/(λ₁ + λ₂)\] | optimal transport; nearly singular matrices |
//! | [`MixedPowerEuclidean`](metrics::MixedPowerEuclidean) | ab(x − y)²/((xᵃ − yᵃ)(xᵇ − yᵇ)) | iff a + b = 0 | | information geometry; (1, 0) is Bogoliubov–Kubo–Mori |
//! | [`PowerEuclidean`](metrics::PowerEuclidean) | (p(x − y)/(x^p − y^p))² | no | 0 | between Euclidean and log-Euclidean |
//! | [`PowerAffine`](metrics::PowerAffine) | p²(xy)^p ((x − y)/(x^p − y^p))² | yes | \[−p²/2, 0\] | between log-Euclidean, affine-invariant and polar-affine (p = 2) |
//! | [`AlphaProcrustes`](metrics::AlphaProcrustes) | (X + Y)/2 (2a(x − y)/(X − Y))², X = x²ᵃ | no | ≥ 0 | between log-Euclidean and Bures–Wasserstein |
//! | [`KernelMetric`](kernel::KernelMetric) | yours | iff θ = 2 | by integration | your own kernel: one function |
//! | [`Cholesky`](metrics::Cholesky), [`LogCholesky`](metrics::LogCholesky) | not O(n)-invariant | no, yes | 0 | no eigendecomposition wanted; the order of rows has a meaning |
//!
//! The classes contain each other: extended kernel (any φ, β) ⊃ kernel (β = 0) ⊃ mean kernel (φ = a m^θ for a mean m).
//! [`check::check_kernel`] tells where a kernel stands, [`check::compare_kernels`] which of two metrics gives the larger
//! distances, [`check::check_metric`] whether operations fit together.
//!
//! # Costs and limits
//! One operation costs O(n³): pairs a Cholesky solve and an SVD of the factors, derivatives an eigendecomposition.
//! Metrics without closed forms integrate geodesics (tens of eigendecompositions), shoot for logarithms (n² geodesics: for
//! n ≤ 16) and need O(n⁴) for curvature. Nothing has an absolute tolerance: covariances in V² (1e-12) or T² (1e-26)
//! are as good as those of unit scale. Errors of the factored forms are about n ε κ for the condition number κ.
//!
//! # References
//! Hiai and Petz, Linear Algebra Appl. 430 (2009) and 436 (2012); Thanwerdas and Pennec, Linear Algebra Appl. 661 (2023);
//! Bhatia, Jain and Lim, Expo. Math. 37 (2019); Malagò, Montrucchio and Pistone, Inf. Geom. 1 (2018); Lim and Pálfia,
//! J. Funct. Anal. 262 (2012); Bonet et al., ICML (2023) for the sliced distances.

pub mod batch;
pub mod check;
pub mod divergence;
pub mod eigen;
pub mod error;
pub mod kernel;
pub mod matrix_functions;
pub mod mean;
pub mod metric;
pub mod metrics;
mod pairwise;
pub mod random;
pub mod sliced;
pub mod spd;
pub mod transport;
pub mod vech;

pub use batch::{SpdBatch, SymBatch};
pub use error::{Error, Result};
pub use metric::Metric;
pub use spd::Spd;
