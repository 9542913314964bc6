//! Pictures of matrices and of what was computed with them.
