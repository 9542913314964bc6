//! Random numbers of direction banks: independent streams, points of spheres, orthogonal matrices.

use rand::Rng;
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64;

/// Generator of stream `index` under `seed`: the state is hashed, because the raw streams of one state are related.
pub(crate) fn stream(seed: u64, index: u64) -> Pcg64 {
    let mut state = seed ^ index.wrapping_mul(0xD1B5_4A32_D192_ED03);
    let mut next = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    };
    let state = (u128::from(next()) << 64) | u128::from(next());
    Pcg64::new(state, u128::from(index))
}

/// Uniform point of the unit sphere.
pub(crate) fn unit_vector(rng: &mut impl Rng, out: &mut [f64]) {
    let mut square = 0.0;
    for value in out.iter_mut() {
        *value = StandardNormal.sample(rng);
        square += *value * *value;
    }
    let scale = square.sqrt().recip();
    out.iter_mut().for_each(|value| *value *= scale);
}

/// Haar matrix of O(d), column-major, as a product of reflections of growing size: with M(u) e₁ = u uniform on the
/// sphere and Q Haar on O(k−1), M(u)·(1 ⊕ Q) is Haar on O(k). 4/3 d³ flops and d(d+1)/2 normal draws.
pub(crate) fn haar(order: usize, rng: &mut impl Rng, basis: &mut [f64]) {
    basis.fill(0.0);
    let sign: f64 = StandardNormal.sample(rng);
    basis[order * order - 1] = 1.0_f64.copysign(sign);
    let mut reflector = vec![0.0; order];
    for size in 2..=order {
        let w = &mut reflector[..size];
        let mut square: f64 = 0.0;
        for value in w.iter_mut() {
            *value = StandardNormal.sample(rng);
            square += *value * *value;
        }
        // H = I − 2wwᵀ/wᵀw with w = x + s‖x‖e₁ maps x to −s‖x‖e₁; M = −sH maps e₁ to x/‖x‖.
        let norm = square.sqrt();
        let sign = 1.0_f64.copysign(w[0]);
        w[0] += sign * norm;
        let scale = (norm * (norm + (w[0] - sign * norm).abs())).recip();
        let offset = order - size;
        basis[offset * order + offset] = 1.0;
        for column in basis[offset * order..].chunks_exact_mut(order) {
            let column = &mut column[offset..];
            let product: f64 = scale * w.iter().zip(&*column).map(|(a, b)| a * b).sum::<f64>();
            for (entry, &weight) in column.iter_mut().zip(&*w) {
                *entry = sign * (product * weight - *entry);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::DMatrix;

    #[test]
    fn haar_matrices_are_orthogonal_and_their_entries_have_variance_one_over_d() {
        let (d, count) = (5, 4000);
        let mut rng = stream(1, 0);
        let mut square = DMatrix::<f64>::zeros(d, d);
        for _ in 0..count {
            let mut basis = vec![0.0; d * d];
            haar(d, &mut rng, &mut basis);
            let p = DMatrix::from_column_slice(d, d, &basis);
            assert!((p.transpose() * &p - DMatrix::identity(d, d)).norm() < 1e-13);
            square += p.component_mul(&p);
        }
        // E p² = 1/d and Var p² = 2 (d - 1)/(d² (d + 2)) for an entry p: five standard errors of the mean.
        let error = 5.0 * (2.0 * (d - 1) as f64 / ((d * d * (d + 2)) as f64 * f64::from(count))).sqrt();
        assert!(
            (square / f64::from(count))
                .iter()
                .all(|mean| (mean - 1.0 / d as f64).abs() < error)
        );
    }
}
