//! Certified eigenvalue counts and count differences of Jacobi matrices.

mod certified;
mod count;
mod eigenvalues;
mod error;
pub mod exact;
mod jacobi;
pub mod kernel;
mod real;

pub use certified::{CountBracket, Counts};
pub use eigenvalues::Refinement;
pub use error::{OscillationError, Result};
pub use jacobi::Jacobi;
pub use real::Real;
