//! Certified eigenvalue counts and count differences of Jacobi matrices.

mod bidiagonal;
mod certified;
mod count;
mod cyclic;
mod density;
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
