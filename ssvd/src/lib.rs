//! Truncated SVDs of large sparse matrices, kept up to date as rows, columns and weights arrive.
//!
//! This release holds the vocabulary of errors that the decompositions will share; the static solver and the updates of
//! Deng, Yang, Li, Chen, Jiang and Pu (ICLR 2024, arXiv 2401.09703) are not in it yet.

mod error;

pub use error::{Error, Result};
