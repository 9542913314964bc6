//! Truncated SVD of large sparse matrices, kept up to date as data arrive.
