//! W numbers of each of W matrices, from one array a matrix to one array a place and back.

#[cfg(target_arch = "x86_64")]
use std::any::Any;

use super::group::Isa;

/// The transpose of `x`. In the kernels' loops: 24 shuffles of eight registers where the compiler would gather.
#[inline(always)]
#[cfg_attr(not(target_arch = "x86_64"), expect(unused_variables))]
pub(super) fn transpose<const W: usize>(isa: Isa, x: &[[f64; W]; W]) -> [[f64; W]; W] {
    let mut out = *x;
    #[cfg(target_arch = "x86_64")]
    if isa == Isa::Avx512
        && let Some(eight) = (&mut out as &mut dyn Any).downcast_mut()
    {
        // SAFETY: an `Isa` other than `Portable` comes from `available`, which saw the features on this machine.
        unsafe { transpose_avx512(eight) };
        return out;
    }
    for (i, row) in x.iter().enumerate() {
        for (j, x) in row.iter().enumerate() {
            out[j][i] = *x;
        }
    }
    out
}

/// Pairs of rows exchange numbers, then pairs of pairs, then halves.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
#[inline]
fn transpose_avx512(x: &mut [[f64; 8]; 8]) {
    use std::arch::x86_64::{
        _mm512_loadu_pd, _mm512_setzero_pd, _mm512_shuffle_f64x2, _mm512_storeu_pd, _mm512_unpackhi_pd,
        _mm512_unpacklo_pd,
    };
    const EVEN: i32 = 0b10_00_10_00;
    const ODD: i32 = 0b11_01_11_01;
    let mut rows = [_mm512_setzero_pd(); 8];
    for (row, x) in rows.iter_mut().zip(&*x) {
        // SAFETY: `x` has eight numbers.
        *row = unsafe { _mm512_loadu_pd(x.as_ptr()) };
    }
    let mut pairs = rows;
    for i in [0, 2, 4, 6] {
        pairs[i] = _mm512_unpacklo_pd(rows[i], rows[i + 1]);
        pairs[i + 1] = _mm512_unpackhi_pd(rows[i], rows[i + 1]);
    }
    let mut fours = pairs;
    for i in [0, 1, 4, 5] {
        fours[i] = _mm512_shuffle_f64x2::<EVEN>(pairs[i], pairs[i + 2]);
        fours[i + 2] = _mm512_shuffle_f64x2::<ODD>(pairs[i], pairs[i + 2]);
    }
    for i in 0..4 {
        let low = _mm512_shuffle_f64x2::<EVEN>(fours[i], fours[i + 4]);
        let high = _mm512_shuffle_f64x2::<ODD>(fours[i], fours[i + 4]);
        // SAFETY: rows of `x` have eight numbers.
        unsafe {
            _mm512_storeu_pd(x[i].as_mut_ptr(), low);
            _mm512_storeu_pd(x[i + 4].as_mut_ptr(), high);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<const W: usize>(isa: Isa) {
        let x = std::array::from_fn(|i| std::array::from_fn(|j| (i * W + j) as f64));
        let transposed = transpose::<W>(isa, &x);
        for i in 0..W {
            for j in 0..W {
                assert_eq!(transposed[j][i], x[i][j], "{isa:?} {W}: ({i}, {j})");
            }
        }
    }

    #[test]
    fn every_instruction_set_transposes() {
        for isa in Isa::available() {
            check::<1>(isa);
            check::<2>(isa);
            check::<4>(isa);
            check::<8>(isa);
            check::<16>(isa);
        }
    }
}
