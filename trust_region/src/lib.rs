//! Nonlinear systems with bounds, F(x) = 0 with l ≤ x ≤ u, by affine-scaling trust regions.
//!
//! This release holds the vocabulary of errors that the solvers will share; the solvers (STRSCNE, CoDoSol and the
//! convex combinations of scaling matrices of Ayanzadeh, Yazdanian and Shahamatnia, arXiv 1904.09209) are not in it yet.

mod bounds;
mod error;
mod pattern;
mod system;

pub use bounds::Bounds;
pub use error::{Error, Result};
pub use pattern::Pattern;
pub use system::{Structure, System, UserError};
