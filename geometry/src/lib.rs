//! SPD matrices under every O(n)-invariant Riemannian metric, and distances between sets of them.
//!
//! # The idea
//! The symmetric positive definite matrices SPD(n) are an open cone in the symmetric matrices Sym(n); a Riemannian metric
//! says how long a small change X of a matrix Σ is, and with it what straight, near, mean and parallel are. The metric is
//! O(n)-invariant when a change of orthonormal basis changes nothing. All such metrics in use come from one function φ of
//! two eigenvalues and a trace term (α, β): in the eigenbasis of Σ = P diag(d) Pᵀ, X' = PᵀXP,
//!
//! ```text
//! g_Σ(X, Y) = α Σ_ij X'_ij Y'_ij / φ(d_i, d_j) + β τ(X) τ(Y),   τ(X) = Σ_i X'_ii / √φ(d_i, d_i),
//! ```
//!
//! positive definite for α > 0 and α + nβ > 0. With β = 0 it acts by Hadamard products in the eigenbasis. In SPD(2), where
//! \[\[a, b\], \[b, c\]\] stands at height (a + c)/2 over ((a − c)/2, b), the straight lines of four metrics between two
//! matrices are:
//!
#![doc = include_str!("../docs/cone.svg")]
//!
//! # Quick start
//! ```
//! use hadamard_geometry::mean::MeanOptions;
//! use hadamard_geometry::metrics::AffineInvariant;
//! use hadamard_geometry::{Metric, Spd, SpdBatch};
//! use nalgebra::dmatrix;
//!
//! let a = Spd::try_new(dmatrix![2.0, 0.5; 0.5, 1.0])?; // checked once: symmetric, finite, positive definite
//! let b = Spd::try_new(dmatrix![1.0, -0.2; -0.2, 3.0])?;
//! let metric = AffineInvariant::default();
//! let d = metric.distance(&a, &b)?;
//! let feature = metric.tangent_vector(&a, &b)?; // n(n+1)/2 numbers whose norm is the distance
//! assert!((feature.norm() - d).abs() < 1e-14);
//!
//! let batch = SpdBatch::try_from_matrices(&[a.matrix().clone(), b.matrix().clone()])?;
//! let report = metric.mean(&batch, None, &MeanOptions::default())?;
//! assert!(report.converged);
//! assert!((metric.distance(&a, &report.mean)? - 0.5 * d).abs() < 1e-12);
//! # Ok::<(), hadamard_geometry::Error>(())
//! ```
//!
//! # How to choose
//! All metrics are in [`metrics`] and implement [`Metric`]; `Box<dyn Metric>` chooses one at run time.
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
//! | [`Congruent`](metrics::Congruent) | not O(n)-invariant | as g | as g | any of them in other units or another basis; generalised Bures–Wasserstein |
//! | [`Cholesky`](metrics::Cholesky), [`LogCholesky`](metrics::LogCholesky) | not O(n)-invariant | no, yes | 0 | no eigendecomposition wanted; the order of rows has a meaning |
//!
//! | to | take |
//! |---|---|
//! | average matrices | [`Metric::mean`]; one method by name, or a median: [`mean`] |
//! | all distances of a batch | [`Metric::pairwise`]; of single points [`Metric::pairwise_points`] |
//! | vectors for a linear model | [`Metric::tangent_vector`], [`vech`] |
//! | compare sets of matrices | [`sliced`]: O(n log n) for n matrices; exactly and couplings: [`transport`], O(n³) |
//! | eigendecompositions and functions of many small matrices | [`SpdBatch`], [`eigen`] |
//! | logarithms, powers and their derivatives | [`matrix_functions`] |
//! | any of it with complex matrices, such as cross-spectra | [`hermitian`] |
//! | a metric that is not in the table | [`kernel::Kernel`]: one function, all else follows |
//! | know whether yours is sound | [`check`] |
//!
//! # What holds
//! - The classes contain each other: extended kernel (any φ, β) ⊃ kernel (β = 0) ⊃ mean kernel (φ = a m^θ for a mean m)
//!   (Thanwerdas and Pennec 2023; Hiai and Petz 2009). [`check::check_kernel`] tells where a kernel stands.
//! - A mean kernel metric is complete exactly for θ = 2 (Hiai and Petz 2009); for θ < 2 singular matrices are at finite
//!   distance, and [`Metric::exp_domain`] says how far a geodesic goes. The trace term never changes completeness.
//! - φ₁ ≤ φ₂ everywhere gives d₁ ≥ d₂ (Hiai and Petz 2012): d ≥ of polar-affine, affine-invariant, log-Euclidean in that
//!   order. [`check::compare_kernels`] samples it.
//! - Pulling back by f keeps the class: φ becomes φ(f(x), f(y))/f\[x, y\]², with the divided difference f\[x, y\]. Powers make
//!   the deformed families; p → 0 ends in log-Euclidean.
//! - Commuting matrices: with φ = m^θ, r = 1 − θ/2, the distance is ‖Aʳ − Bʳ‖/|r|, and ‖log A − log B‖ for θ = 2, whatever
//!   the mean m.
//! - Affine-invariant distances do not change under A ↦ GAGᵀ for invertible G, nor under inversion.
//!
//! # Costs
//! One operation costs O(n³): pairs a Cholesky solve and an SVD of the factors, derivatives an eigendecomposition. Batches
//! of small matrices go through the vector registers side by side, chosen for the processor at run time, threads over
//! the matrices (rayon's current pool); results have the same bits for every number of threads. Metrics without closed
//! forms integrate geodesics (tens of eigendecompositions), shoot for logarithms (n² geodesics: for n ≤ 16) and need
//! O(n⁴) for curvature.
//!
//! Memory of batch operations is that of input and result and a few matrices for each thread. More is kept by the
//! affine-invariant and Bures–Wasserstein means and by pairwise distances (another N n² for factors), by clouds of
//! logarithms (N n(n + 1)/2), by gradients of sliced losses (2 L N for L directions) and by plans of exact transport
//! (the cost matrix once more).
//!
//! # Limits
//! Real matrices in `f64`, complex ones by their real forms ([`hermitian`]). Nothing has an absolute tolerance: covariances in V² (1e-12) or T² (1e-26) are as good as those
//! of unit scale. Errors of the factored forms are about n ε κ for the condition number κ. Matrices that are singular to
//! working precision are refused by [`Spd::try_new`]. Outside its domain [`Metric::exp`] is an error, not a matrix.
//!
//! # Features
//! None is on by default, and without them no library of the system is needed.
//!
//! | feature | what it does | needs |
//! |---|---|---|
//! | `ndarray` | batches and matrices from and to arrays of the `ndarray` crate, without copying where the layout allows | |
//! | `lapack` | single matrices of orders above 32 and batches above 256 by LAPACK through `nalgebra-lapack` | OpenBLAS: `apt install libopenblas-dev pkg-config` |
//! | `lapack-custom` | the same with a LAPACK that the program links itself (MKL, Accelerate, Netlib) | your LAPACK |
//! | `ndarray-linalg` | the same through `ndarray-linalg`, and `ndarray` | OpenBLAS, as above |
//!
//! The default, `faer`, is the fastest of them for most orders; LAPACK is there for programs that are tied to one.
//!
//! # Statements, sources, tests
//! Tests are in `proofs-tests/tests/` of the source repository, which is not part of this package; a law's number is
//! that of the list at the head of its file. Numbers of theorems are those that the work itself or one that quotes it
//! shows; otherwise the result is named. Those of [`sliced`] are in its own guide.
//!
//! | statement | in the literature | test |
//! |---|---|---|
//! | the classes of kernels contain each other | Hiai and Petz 2009; Thanwerdas and Pennec 2023, embedded super-classes of kernel metrics | `geometry_kernel.rs`: `classes_of_the_kernels` |
//! | the cometric of an extended kernel metric is one: φ* = 1/φ, α* = 1/α, β* = −β/(α(α + nβ)) | Thanwerdas and Pennec 2023, cometric-stability | `geometry_products.rs`: law 13 |
//! | a pull-back of a kernel metric is a kernel metric | Hiai and Petz 2009, pull-backs under D ↦ G(D) | `geometry_products.rs`: laws 17, 18; `geometry_distances.rs`: law 24 |
//! | deformed families tend to log-Euclidean as p → 0 | Hiai and Petz 2012, the squared logarithmic mean as attractor | `geometry_products.rs`: law 19 |
//! | φ₁ ≤ φ₂ gives d₁ ≥ d₂ | Hiai and Petz 2012 | `geometry_distances.rs`: laws 25, 26 |
//! | φ = m^θ is complete exactly for θ = 2; otherwise some geodesics end | Hiai and Petz 2009 | `geometry_maps.rs`: law 55; `geometry_kernel.rs`: `integrated_exponentials_find_their_exit` |
//! | shortest curves between commuting matrices depend on θ only | Hiai and Petz 2009 | `geometry_kernel.rs`: law 28 |
//! | Df(A)\[X\] multiplies by divided differences in the eigenbasis (Daleckii and Krein) | Higham 2008, Theorem 3.11 and Corollary 3.12; Bhatia 1997, Theorem V.3.3 | `geometry_derivatives.rs`: laws 46, 47 |
//! | affine-invariant geodesic A^½ (A^−½ B A^−½)^t A^½ and distance | Bhatia 2007, Theorem 6.1.6 | `geometry_maps.rs`: laws 6 to 15; `geometry_distances.rs`: laws 21, 22 |
//! | affine-invariant curvature, in \[−1/(2α), 0\] | Thanwerdas and Pennec 2023, its sectional curvature | `geometry_curvature.rs`: laws 34, 36, 37 |
//! | d² = tr A + tr B − 2 tr (A^½ B A^½)^½ is transport between centred Gaussians, and the least ‖L_A − L_B R‖² over rotations R | Peyré and Cuturi 2019, Remark 2.31; Bhatia, Jain and Lim 2019 | `geometry_distances.rs`: laws 29, 58 |
//! | Bures–Wasserstein transport between commuting matrices | Thanwerdas and Pennec 2023, its formula of transport | `geometry_golden.rs`, values `transport_commuting` |
//! | Bures–Wasserstein curvature is not negative | Takatsu 2011 | `geometry_curvature.rs`: law 35 |
//! | fixed points of isometries are totally geodesic: Hermitian matrices among symmetric ones of twice the order | Kobayashi 1972, Transformation Groups in Differential Geometry, on fixed points | `geometry_hermitian.rs` |
//! | the Karcher mean solves Σ wᵢ log_M Xᵢ = 0, det M = Π det Xᵢ^wᵢ; power means are ordered | Lim and Pálfia 2012 | `geometry_means.rs`: laws 39, 40, 41 |
//! | the Bures–Wasserstein mean is a fixed point that an iteration descends to | Álvarez-Esteban, del Barrio, Cuesta-Albertos and Matrán 2016 | `geometry_means.rs`: law 44 |
//!
//! # References
//! - Y. Thanwerdas, X. Pennec, O(n)-invariant Riemannian metrics on SPD matrices, Linear Algebra Appl. 661 (2023), arXiv
//!   2109.05768.
//! - F. Hiai, D. Petz, Riemannian metrics on positive definite matrices related to means, I and II, Linear Algebra Appl.
//!   430 (2009) and 436 (2012).
//! - R. Bhatia, T. Jain, Y. Lim, On the Bures–Wasserstein distance between positive definite matrices, Expo. Math. 37
//!   (2019); L. Malagò, L. Montrucchio, G. Pistone, Wasserstein Riemannian geometry of Gaussian densities, Inf. Geom. 1
//!   (2018).
//! - Y. Lim, M. Pálfia, Matrix power means and the Karcher mean, J. Funct. Anal. 262 (2012).
//! - A. Takatsu, Wasserstein geometry of Gaussian measures, Osaka J. Math. 48 (2011).
//! - P. Álvarez-Esteban, E. del Barrio, J. Cuesta-Albertos, C. Matrán, A fixed-point approach to barycenters in Wasserstein
//!   space, J. Math. Anal. Appl. 441 (2016).
//! - R. Bhatia, Matrix analysis, 1997; Positive definite matrices, 2007. N. Higham, Functions of matrices, 2008.
//! - G. Peyré, M. Cuturi, Computational optimal transport, Found. Trends Mach. Learn. 11 (2019).
//! - C. Bonet et al., Sliced-Wasserstein on symmetric positive definite matrices for M/EEG signals, ICML (2023), arXiv
//!   2303.05798.

#[cfg(feature = "lapack")]
extern crate openblas_src as _;

#[cfg(feature = "ndarray")]
mod arrays;
pub mod batch;
pub mod check;
pub mod divergence;
pub mod eigen;
pub mod error;
pub mod hermitian;
pub mod kernel;
pub mod matrix_functions;
pub mod mean;
pub mod metric;
pub mod metrics;
mod pairwise;
pub mod psd;
pub mod random;
pub mod sliced;
pub mod spd;
pub mod transport;
mod triangles;
pub mod vech;

pub use batch::{SpdBatch, SymBatch};
pub use error::{Error, Result};
pub use metric::Metric;
pub use psd::Psd;
pub use spd::Spd;

/// The example of the README, compiled and run as a documentation test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
