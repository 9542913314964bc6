//! Certified eigenvalue counts and count differences of Jacobi matrices.
//!
//! # The idea
//!
//! A Jacobi matrix J (real symmetric tridiagonal, diagonal d, off-diagonal e) has as many eigenvalues below x as J - x has
//! negative pivots (Sylvester, Sturm):
//!
//! ```text
//! q[k] = (d[k] - x) - e[k-1]²/q[k-1],      #{λ < x} = #{k : q[k] < 0}
//! ```
//!
//! One division a row, no storage, and in floating point never wrong by more than a displacement of x by
//! 2.5 u R, R = max (|e| + |e'|): counting is the sharpest thing one can ask of a spectrum, and everything else here is
//! built on it. For two matrices the difference of the counts is a sum of local contributions, the weighted sign changes
//! of a Wronskian: see [`relative`]. Counts at many energies are an integrated density of states; here of chains of 4000
//! rows:
//!
#![doc = include_str!("../docs/density_of_states.svg")]
//!
//! # Quick start
//!
//! ```
//! use hadamard_oscillation::{Jacobi, models};
//! use rand::SeedableRng;
//!
//! let chain = models::anderson(10_000, 2.0, &mut rand_pcg::Pcg64::seed_from_u64(1))?;
//! let below = chain.counts_below(&[-2.0, 0.0, 2.0])?;        // 16 shifts in one pass
//! let certain = chain.count_certified(0.0)?;                 // proved
//! assert_eq!(certain.below, below[1]);
//! let median = chain.eigenvalue(5_000)?;                     // to the last bit
//! let window = chain.eigenvalues_in(-0.01..=0.01)?;
//! assert_eq!(window.len(), chain.count_in(-0.01..=0.01)?);
//! let free = models::free_chain(10_000)?;
//! let shift = free.spectral_shift(&chain, &[median])?;       // #{free ≤ x} - #{chain ≤ x}
//! assert!(shift[0].abs() < 1_000);
//! # Ok::<(), hadamard_oscillation::OscillationError>(())
//! ```
//!
//! # How to choose
//!
//! | wanted | use | cost (n rows, one core with AVX2) |
//! |---|---|---|
//! | counts at many shifts | [`Jacobi::counts_below`] and relatives, [`Jacobi::density_of_states`] | 0.35 ns a row and shift |
//! | curves of counts | [`Jacobi::counts_below_by`], [`Jacobi::density_of_states_by`] without divisions | 0.24 ns a row and shift |
//! | one count | [`Jacobi::count_below`] | 5.8 ns a row; 1.5 to 2.4 ns from 10⁴ rows on where solutions grow |
//! | one count, any matrix | [`Jacobi::count_below_two_sided`], [`Jacobi::count_below_segmented`] on many cores | 2.8 ns a row |
//! | a proof | [`Jacobi::count_bracket`], [`Jacobi::count_certified`], [`Jacobi::is_gap`] | two counts; integers at ties |
//! | k-th eigenvalue | [`Jacobi::eigenvalue`] | about ten passes of 6 ns a row |
//! | m eigenvalues | [`Jacobi::eigenvalues`], [`Jacobi::eigenvalues_in`] | about one such pass for each |
//! | eigenvectors | [`Jacobi::eigenpairs`] | some 25 ns a row and vector beside its eigenvalue |
//! | where two spectra differ | [`Wronskian`], [`Jacobi::spectral_shift`], [`Jacobi::relative_count`] | two counts |
//! | counts after a local change | [`LocalCounts`] | the rows changed |
//! | rows that stream by | [`CountStream`] | O(1) memory |
//! | quadrature, tapers, singular values | [`gauss_rule`], [`dpss()`], [`Bidiagonal`] | |
//! | rings, pencils | [`CyclicJacobi`], [`Pencil`] | one count |
//! | ties decided, exact Wronskians | [`exact`] | rational arithmetic |
//!
//! Counts below x are strict and counts at most x are not; LAPACK's `stebz` counts ties as below. When more than a fifth
//! of all eigenvalues of a matrix is wanted, a QL or divide-and-conquer routine is faster.
//!
//! # What holds
//!
//! - Counts never decrease in x, float by float, so λ(k) = max { x : count_below(x) ≤ k } is one float, the same for every
//!   method, instruction set and number of threads.
//! - The full exponent range: e (e/q) is formed where e² would overflow or underflow.
//! - For a zero diagonal every eigenvalue has high relative accuracy.
//! - Unusable input (NaN, infinities, lengths, empty or reversed ranges) is an [`OscillationError`].
//! - Sturm: the k-th eigenvector, k = 0 the first, has k nodes, and the solution from either end as many as there are
//!   eigenvalues below (Teschl 1996, with the other sign of the diagonal).
//! - Relative oscillation: for u₀ from the right end of J₀ at z₀ and u₁ from the left end of J₁ at z₁ the weighted sign
//!   changes of their Wronskian sum to #{J₁ < z₁} - #{J₀ < z₀} (Ammann and Teschl 2008 for perturbations of the diagonal,
//!   Ammann 2012 for all, with every kind of interval).
//! - Spectral shift: the integral of ξ(x) = #{J₀ ≤ x} - #{J₁ ≤ x} is tr(J₁ - J₀).
//!
//! # Costs
//!
//! O(n) for every count, in the table above; memory n numbers, none for [`CountStream`]. Shifts go through the vector
//! registers 16 at a time, the instruction set chosen at run time, threads over shifts. Nothing depends on their number.
//!
//! # Limits
//!
//! Counts of [`Pencil`] and [`CyclicJacobi`], of segments and without divisions are not monotone float by float. Entries
//! that spread over more than about 2^500 either way can overflow single pivots, which costs relative, not absolute
//! accuracy. [`Jacobi::eigenpairs`] orthogonalises inside clusters, so a cluster of c vectors costs O(n c²). Real symmetric
//! matrices; a complex Hermitian tridiagonal one has the same spectrum with |e|.
//!
//! # Statements, sources, tests
//! Tests are in `proofs-tests/tests/` of the source repository, which is not part of this package. Numbers of theorems
//! are those that the work itself or one that quotes it shows; otherwise the result is named.
//!
//! | statement | in the literature | test |
//! |---|---|---|
//! | #{λ < x} = number of negative pivots of J − x (Sylvester) | Golub and Van Loan 2013, Theorem 8.1.17 and end of Section 8.4.2 | `oscillation_counts.rs`: `counts_of_small_integers_lie_between_the_exact_ones` |
//! | eigenvalues of a section separate those of the matrix; sign changes count (Sturm) | Golub and Van Loan 2013, Theorems 8.1.7 and 8.4.1 | `oscillation_counts.rs`: `minors_interlace_and_rank_one_moves_by_one`; `oscillation_relative.rs`: `nodes_count_eigenvalues` |
//! | a change of one diagonal entry moves every count by one at most | Golub and Van Loan 2013, Theorem 8.1.8 | `oscillation_counts.rs`: `minors_interlace_and_rank_one_moves_by_one` |
//! | counts in floating point never decrease in x | Demmel, Dhillon and Ren 1995 | `oscillation_counts.rs`: `counts_are_monotone_float_by_float` |
//! | a count in floating point is that of x moved by 2.5 u R at most | backward errors in the manner of Kahan; Demmel, Dhillon and Ren 1995 | `oscillation_counts.rs`: `counts_of_small_integers_lie_between_the_exact_ones`, `brackets_hold_the_exact_count` |
//! | the k-th eigenvector has k nodes, a solution from an end as many as eigenvalues lie below | Teschl 1996, main results (nodes of solutions) | `oscillation_relative.rs`: `nodes_count_eigenvalues`, `the_kth_eigenvector_changes_sign_k_times` |
//! | weighted sign changes of Wronskians are differences of counts, for open, closed and half-open intervals | Ammann and Teschl 2008 (diagonals); Ammann 2012 (couplings too, all intervals) | `oscillation_relative.rs`: `wronskian_totals_are_count_differences` |
//! | one matrix at two parameters: the renormalised form | Teschl 1996, main results (nodes of Wronskians) | `oscillation_relative.rs`: `one_matrix_at_two_parameters_steps_upwards_only` |
//! | comparison: a lower diagonal has more eigenvalues below, step by step | Ammann 2012, comparison theorem | `oscillation_relative.rs`: `lowering_the_diagonal_never_steps_down`, `inertia_of_the_difference_bounds_the_count` |
//! | the spectral shift integrates to tr(J₁ − J₀) | Krein's trace formula | `oscillation_relative.rs`: `the_spectral_shift_integrates_to_the_traces` |
//! | n nodes are exact up to degree 2n − 1; weights from first entries of eigenvectors | Golub and Welsch 1969 | `oscillation_vectors.rs`: `gauss_rules_are_exact_up_to_degree_2n_minus_1`, `gauss_rules_of_any_measure_are_exact` |
//!
//! # References
//!
//! - K. Ammann, G. Teschl, Relative oscillation theory for Jacobi matrices, arXiv 0810.5648 (2008)
//! - K. Ammann, Relative oscillation theory for Jacobi matrices extended, arXiv 1207.3632 (2012)
//! - G. Teschl, Oscillation theory and renormalized oscillation theory for Jacobi operators, J. Differential Equations 129
//!   (1996)
//! - J. Demmel, I. Dhillon, H. Ren, On the correctness of some bisection-like parallel eigenvalue algorithms in floating
//!   point arithmetic, ETNA 3 (1995)
//! - T. Y. Li, Z. Zeng, The Laguerre iteration in solving the symmetric tridiagonal eigenproblem, SIAM J. Sci. Comput. 15
//!   (1994)
//! - G. Golub, J. Welsch, Calculation of Gauss quadrature rules, Math. Comp. 23 (1969)
//! - G. Golub, C. Van Loan, Matrix computations, 4th edition (2013)

mod bidiagonal;
mod certified;
mod chain;
mod count;
mod cyclic;
mod density;
mod division_free;
mod dpss;
mod eigenvalues;
mod error;
pub mod exact;
mod jacobi;
pub mod kernel;
pub mod models;
mod patch;
mod pencil;
mod quadrature;
mod real;
pub mod relative;
mod stream;
mod two_sided;
mod vectors;

pub use bidiagonal::Bidiagonal;
pub use certified::{CountBracket, Counts};
pub use cyclic::CyclicJacobi;
pub use density::{DensityOfStates, Gap, Spacings};
pub use division_free::Counting;
pub use dpss::{Dpss, dpss};
pub use eigenvalues::Refinement;
pub use error::{OscillationError, Result};
pub use exact::Interval;
pub use jacobi::Jacobi;
pub use patch::LocalCounts;
pub use pencil::Pencil;
pub use quadrature::{GaussRule, gauss_nodes, gauss_rule};
pub use real::Real;
pub use relative::Wronskian;
pub use stream::CountStream;
pub use vectors::{Eigenpairs, sign_changes};

/// The example of the README, compiled and run as a documentation test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
