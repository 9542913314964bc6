//! Certified eigenvalue counts and count differences of Jacobi matrices.
