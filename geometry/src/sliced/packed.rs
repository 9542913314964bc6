//! Symmetric matrices as vectors: upper triangle row by row, off-diagonal entries times √2, so that the dot product of
//! two packed vectors is the Frobenius product Tr(A B).

use nalgebra::DMatrix;

/// Length d(d+1)/2 of a packed symmetric matrix of order d.
pub fn packed_len(order: usize) -> usize {
    order * (order + 1) / 2
}

/// Packs the symmetric `matrix` (d·d entries) into `out` (d(d+1)/2 entries).
pub(crate) fn pack_into(matrix: &[f64], order: usize, out: &mut [f64]) {
    debug_assert_eq!(out.len(), packed_len(order));
    let mut rest = out;
    for row in 0..order {
        let (head, tail) = rest.split_at_mut(order - row);
        head[0] = matrix[row * order + row];
        for (packed, &entry) in head[1..]
            .iter_mut()
            .zip(&matrix[row * order + row + 1..(row + 1) * order])
        {
            *packed = std::f64::consts::SQRT_2 * entry;
        }
        rest = tail;
    }
}

/// Packed vector of the symmetric `matrix`: √2 on off-diagonal entries, so that `pack(A)·pack(B) = Tr(A B)`.
pub fn pack(matrix: &DMatrix<f64>) -> Vec<f64> {
    let order = matrix.nrows();
    let mut out = vec![0.0; packed_len(order)];
    pack_into(matrix.as_slice(), order, &mut out);
    out
}

/// Writes the symmetric matrix of the packed vector to `out` (d·d entries); the inverse of [`pack_into`].
pub(crate) fn unpack_into(packed: &[f64], order: usize, out: &mut [f64]) {
    let mut index = 0;
    for row in 0..order {
        out[row * order + row] = packed[index];
        index += 1;
        for column in row + 1..order {
            let entry = std::f64::consts::FRAC_1_SQRT_2 * packed[index];
            out[row * order + column] = entry;
            out[column * order + row] = entry;
            index += 1;
        }
    }
}

/// Symmetric matrix of a packed vector of length d(d+1)/2; the inverse of [`pack`]. Panics when it is shorter.
pub fn unpack(packed: &[f64], order: usize) -> DMatrix<f64> {
    let mut matrix = DMatrix::zeros(order, order);
    unpack_into(packed, order, matrix.as_mut_slice());
    matrix
}

/// Trace of a packed symmetric matrix.
pub(crate) fn packed_trace(packed: &[f64], order: usize) -> f64 {
    let mut index = 0;
    let mut trace = 0.0;
    for row in 0..order {
        trace += packed[index];
        index += order - row;
    }
    trace
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_packed_dot_product_is_the_frobenius_product() {
        let a = DMatrix::from_row_slice(3, 3, &[1.0, 2.0, -3.0, 2.0, 0.5, 4.0, -3.0, 4.0, 7.0]);
        let b = DMatrix::from_row_slice(3, 3, &[0.3, 1.0, 2.0, 1.0, -2.0, 5.0, 2.0, 5.0, 0.1]);
        let dot: f64 = pack(&a).iter().zip(pack(&b)).map(|(x, y)| x * y).sum();
        assert!((dot - a.dot(&b)).abs() < 16.0 * f64::EPSILON * a.norm() * b.norm());
        assert!((unpack(&pack(&a), 3) - &a).norm() < 4.0 * f64::EPSILON * a.norm());
        assert_eq!(packed_trace(&pack(&a), 3), a.trace());
    }
}
