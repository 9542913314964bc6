//! Conversions to and from the sparse matrices of other crates, one file a crate and a feature each.
//!
//! [`crate::Csr`] keeps `usize` offsets and indices like all of them: compressed rows are moved in both directions, and
//! only checked; compressed columns are transposed, O(nnz).

#[cfg(feature = "faer-sparse")]
mod faer;
#[cfg(feature = "nalgebra-sparse")]
mod nalgebra_sparse;
#[cfg(feature = "sprs")]
mod sprs;

#[cfg(test)]
#[cfg(any(feature = "faer-sparse", feature = "nalgebra-sparse", feature = "sprs"))]
mod tests {
    use crate::Csr;

    pub(super) fn example() -> Csr {
        Csr::from_triplets(3, 4, [(0, 1, 2.0), (0, 3, -1.0), (2, 0, 5.0), (2, 2, 0.5)]).unwrap()
    }

    /// The address of the values and of the column indices: a moved matrix keeps them.
    pub(super) fn places(a: &Csr) -> (*const f64, *const usize) {
        let (_, indices, values) = a.parts();
        (values.as_ptr(), indices.as_ptr())
    }
}
