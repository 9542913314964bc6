//! Nonlinear systems with bounds, F(x) = 0 with l ≤ x ≤ u, by affine-scaling trust regions.
//!
//! # The idea
//! Newton's method leaves the box, and pulling its steps back to the boundary makes iterates stick there. So a step p is
//! sought in a region whose axes shrink with the distance to the bounds that the descent direction faces:
//!
//! ```text
//! min ‖F + J p‖  over  ‖D^(-1/2) p‖ ≤ Δ,     g = JᵀF,     D(x) = diag(d),  d_i about the distance to the bound −g_i faces
//! ```
//!
//! D is the scaling matrix, and D g = 0 says that no step inside the box helps to first order. Each step lies between the
//! scaled Cauchy step −τ D g and the Newton step (a dogleg), cut short inside the box; Δ follows the ratio of actual to
//! predicted decrease. Every iterate is strictly inside (with [`Method::Tresnei`] it may lie on the boundary), F is asked for
//! in the box only, and ‖F‖ falls at every step.
//! The roots of Himmelblau's gradient from five starts, nu0.25 for l + 0.25 (u − l) and so on:
//!
#![doc = include_str!("../docs/iterates.svg")]
//!
//! # Quick start
//! ```
//! use hadamard_trust_region::{Bounds, Solver, System, UserError};
//!
//! /// a + b² = 0 and b + a² = 0 on [0, 2]²: the root is the corner.
//! struct Corner;
//! impl System for Corner {
//!     fn variables(&self) -> usize {
//!         2
//!     }
//!     fn residual(&self, x: &[f64], f: &mut [f64]) -> Result<(), UserError> {
//!         (f[0], f[1]) = (x[0] + x[1] * x[1], x[1] + x[0] * x[0]);
//!         Ok(())
//!     }
//!     fn jacobian(&self, x: &[f64], _f: &[f64], _b: &Bounds, j: &mut [f64]) -> Result<usize, UserError> {
//!         j.copy_from_slice(&[1.0, 2.0 * x[0], 2.0 * x[1], 1.0]); // column by column
//!         Ok(0)
//!     }
//! }
//!
//! let bounds = Bounds::new(vec![0.0; 2], vec![2.0; 2])?;
//! let solution = Solver::default().solve(&Corner, &bounds, &[1.5, 1.5])?;
//! assert!(solution.exit.is_root() && solution.norm <= 1e-8);
//! assert_eq!(solution.active, [0, 1]);
//! # Ok::<(), hadamard_trust_region::Error>(())
//! ```
//!
//! # How to choose
//! | wanted | take |
//! |---|---|
//! | a root | [`Solver::default`]: constrained dogleg, mixed scaling, restarts. Start here |
//! | the published methods, to compare with | [`Solver::classical`] with [`Method::Strscne`], [`Method::Codosol`] or [`Method::Tresnei`] |
//! | the least ‖F‖, when no root need exist or F has more or fewer equations than variables | [`Solver::least_squares`] |
//! | many roots in a box | [`Solver::find_all`]: what its starts lead to; it proves nothing about the rest |
//! | no Jacobian by hand | [`adaptors`]: differences that stay in the box, coloured for sparse patterns, or dual numbers |
//! | inequalities C(x) ≤ 0 beside the equations | [`adaptors::Inequalities`], with [`Method::Tresnei`] or any other |
//! | large systems | [`Structure`]: banded, sparse, or matrix-free; [`LinearSolver`] for inexact steps |
//! | to go on later, or from a neighbouring problem | [`Solver::resume`]; options are stored by serde |
//! | another scaling matrix | [`scaling`]: one file each, any convex combination, your own |
//! | problems to test with | [`problems`] |
//!
//! Which scaling: the default, half Kanzow–Klug and half Hager–Mair–Zhang, is continuous in g, which matters where g
//! changes sign away from the bounds; Coleman–Li is what most codes use and jumps there. `--example bounded_systems --
//! --profile` draws how all of them do over the test problems.
//!
//! [`Exit::Root`] is the only success of a root finder; the other exits say what else happened, and
//! [`Solution::optimality`] whether the point is a local minimum of ‖F‖.
//!
//! # What holds
//! - D g = 0 is the first-order condition of min ½‖F‖² over the box for every D with d_i = 0 exactly at the bounds that
//!   −g points out of (Coleman and Li 1996). A root has g = 0, so strict complementarity fails at every root on the
//!   boundary: there the choice of D decides how fast a method still is.
//! - Convex combinations of scaling matrices keep those properties that all members have (Ayanzadeh et al. 2019); the
//!   step to the boundary along −D g is the weighted harmonic mean of those of the members. [`scaling::check`] samples
//!   them.
//! - [`Method::Strscne`] and [`Method::Codosol`] take the iterations and evaluations of the original codes, one by one: the
//!   tests compare counts and norms on recorded runs.
//!
//! # Costs
//! An iteration takes one F for each trial, one J, one factorisation and two products with J; dense Jacobians up to order
//! 64 without any allocation. Sparse Jacobians keep one symbolic analysis. Matrix-free ones solve by GMRES, LSMR where that
//! fails, and need products with Jᵀ ([`LinearSolver`]).
//!
//! # Limits
//! Local: a root is found from where one starts, and restarts only draw further starts. F must be continuously
//! differentiable in the box. Bounds are on single variables; other inequalities are rows ([`adaptors::Inequalities`]).
//!
//! # Statements, sources, tests
//! Tests are in `proofs-tests/tests/` of the source repository, which is not part of this package. Results are named,
//! not numbered.
//!
//! | statement | in the literature | test |
//! |---|---|---|
//! | D g = 0 is the first-order condition; entries vanish exactly at the faced bound | Coleman and Li 1996 | `trust_region_properties.rs`: `entries_are_positive_inside_and_vanish_at_the_faced_bound`; `trust_region_laws.rs`: `entries_on_the_boundary` |
//! | convex combinations keep the properties; the step to the boundary is the weighted harmonic mean | Ayanzadeh et al. 2019, the new class (the harmonic mean is ours) | `trust_region_properties.rs`: `steps_of_mixtures_are_harmonic_means` |
//! | iterates stay strictly inside, ‖F‖ falls | Bellavia, Macconi and Pieraccini 2012; 2004 | `trust_region_properties.rs`: `iterates_stay_inside_and_descend` |
//! | steps gain at least a part of what the scaled Cauchy step gains; a constrained dogleg is the best point of its segment | Bellavia, Macconi and Pieraccini 2012 | `trust_region_laws.rs`: `steps_are_as_good_as_their_definitions` |
//! | quadratic convergence to roots inside, superlinear to corners | Bellavia, Macconi and Pieraccini 2012 | `trust_region_laws.rs`: `far_from_bounds_convergence_is_quadratic`, `roots_at_a_corner_are_reached_superlinearly` |
//! | Coleman-Li jumps where g changes its sign, Kanzow-Klug and Hager-Mair-Zhang do not | Kanzow and Klug 2006; Hager, Mair and Zhang 2009 | `trust_region_laws.rs`: `scalings_at_a_change_of_sign` |
//! | the step to the boundary has no lower bound under the scaling of Heinkenschloss, Ulbrich and Ulbrich | by its definition; the scaling is theirs of 1999 | `trust_region_laws.rs`: `the_counterexample_of_heinkenschloss` |
//! | STRSCNE and CoDoSol as published | their own codes, recorded runs | `trust_region_golden.rs`: `runs_of_the_original_codes`, `large_runs` |
//! | TRESNEI for any number of equations and inequalities | Morini and Porcelli 2012 | `trust_region_laws.rs`: `tresnei_stays_in_the_box`, `mixed_equations_and_inequalities` |
//! | inexact steps with the forcing terms of Eisenstat and Walker | Eisenstat and Walker 1996 | `trust_region_laws.rs`: `inexact_steps_reach_the_same_roots` |
//!
//! # References
//! - A. Ayanzadeh, S. Yazdanian, E. Shahamatnia, A new class of scaling matrices for scaled trust region algorithms, 2019,
//!   arXiv 1904.09209.
//! - S. Bellavia, M. Macconi, B. Morini, STRSCNE: a scaled trust-region solver for constrained nonlinear equations,
//!   Comput. Optim. Appl. 28, 2004.
//! - S. Bellavia, M. Macconi, S. Pieraccini, Constrained dogleg methods for nonlinear systems with simple bounds, Comput.
//!   Optim. Appl. 53, 2012.
//! - T. Coleman, Y. Li, SIAM J. Optim. 6, 1996; C. Kanzow, A. Klug, Comput. Optim. Appl. 35, 2006; W. Hager, B. Mair,
//!   H. Zhang, Math. Program. 119, 2009; M. Heinkenschloss, M. Ulbrich, S. Ulbrich, Math. Program. 86, 1999.
//! - B. Morini, M. Porcelli, TRESNEI, a Matlab trust-region solver for systems of nonlinear equalities and inequalities,
//!   Comput. Optim. Appl. 51, 2012. S. Eisenstat, H. Walker, Choosing the forcing terms in an inexact Newton method, SIAM J.
//!   Sci. Comput. 17, 1996.

pub mod adaptors;
mod blocks;
mod bounds;
mod error;
mod linear;
mod local;
mod method;
mod pattern;
pub mod problems;
mod reduce;
mod report;
mod restart;
pub mod scaling;
mod search;
mod solver;
mod system;

pub use blocks::step_to_bound;
pub use bounds::Bounds;
pub use error::{Error, Result};
pub use linear::LinearSolver;
pub use method::{Method, Shape, StepKind};
pub use pattern::Pattern;
pub use report::{Exit, Iteration, Observer, Solution};
pub use search::AllRoots;
pub use solver::{InitialRadius, RootNorm, Solver};
pub use system::{Structure, System, UserError};

/// The example of the README, compiled and run as a documentation test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
