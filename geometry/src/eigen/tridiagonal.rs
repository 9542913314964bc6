//! Householder reduction of W symmetric matrices at once to tridiagonal form.

use super::lanes::{LaneMatrix, Lanes};

/// Below this sum of squares (matrices are scaled to a largest entry near 1) a row counts as already reduced: the
/// entries neglected are 1e-140 of the norm.
pub(super) const NEGLIGIBLE: f64 = 1e-280;

/// T = Qᵀ A Q for W matrices, Q a product of reflections I − u uᵀ/h.
pub(crate) struct Tridiagonal<const W: usize> {
    /// Diagonal of T.
    pub(crate) diagonal: Vec<Lanes<W>>,
    /// `off[i]` couples i and i + 1; the last entry is zero.
    pub(crate) off: Vec<Lanes<W>>,
    /// 1/h of the reflection that reduced row i, 0 where none was needed.
    inverse_h: Vec<Lanes<W>>,
    p: Vec<Lanes<W>>,
}

impl<const W: usize> Tridiagonal<W> {
    pub(crate) fn zeros(order: usize) -> Self {
        let zeros = || vec![Lanes::ZERO; order];
        Self {
            diagonal: zeros(),
            off: zeros(),
            inverse_h: zeros(),
            p: zeros(),
        }
    }

    /// Reduces the matrices whose lower triangles are in `a`; the vectors u replace the rows of `a`. 4/3 n³ flops.
    #[inline(always)]
    pub(crate) fn reduce<const FMA: bool>(&mut self, a: &mut LaneMatrix<W>, n: usize) {
        for i in (1..n).rev() {
            let (head, row) = a.split_at_row(i);
            self.diagonal[i] = row[i];
            let (u, alpha) = (&mut row[..i], i - 1);
            let mut sigma = Lanes::ZERO;
            for x in &u[..alpha] {
                sigma = x.mul_add::<FMA>(*x, sigma);
            }
            let first = u[alpha];
            let reduced = sigma.compare(Lanes::ZERO, |s, _| s < NEGLIGIBLE);
            let norm = first.mul_add::<FMA>(first, sigma).sqrt();
            let signed = first.zip(norm, |x, r| if x < 0.0 { -r } else { r });
            self.off[i - 1] = Lanes::select(reduced, first, -signed);
            u[alpha] = first + signed;
            let h = (first * signed).mul_add::<FMA>(Lanes::ONE, norm * norm);
            let inverse = Lanes::select(reduced, Lanes::ZERO, Lanes::ONE / h);
            self.inverse_h[i] = inverse;
            self.reflect::<FMA>(head, u, inverse, n);
        }
        self.diagonal[0] = a[(0, 0)];
        self.off[n - 1] = Lanes::ZERO;
    }

    /// A ← (I − u uᵀ/h) A (I − u uᵀ/h) on the leading block of the order of u.
    #[inline(always)]
    fn reflect<const FMA: bool>(&mut self, head: &mut [Lanes<W>], u: &[Lanes<W>], inverse: Lanes<W>, n: usize) {
        let p = &mut self.p[..u.len()];
        p.fill(Lanes::ZERO);
        for (j, &uj) in u.iter().enumerate() {
            let row = &head[j * n..j * n + j + 1];
            let mut sum = row[j] * uj;
            for k in 0..j {
                sum = row[k].mul_add::<FMA>(u[k], sum);
                p[k] = row[k].mul_add::<FMA>(uj, p[k]);
            }
            p[j] = p[j] + sum;
        }
        let mut dot = Lanes::ZERO;
        for (pk, uk) in p.iter_mut().zip(u) {
            *pk = *pk * inverse;
            dot = pk.mul_add::<FMA>(*uk, dot);
        }
        let k = dot * inverse.map(|x| 0.5 * x);
        for (pk, uk) in p.iter_mut().zip(u) {
            *pk = (-k).mul_add::<FMA>(*uk, *pk);
        }
        for (j, (&uj, &pj)) in u.iter().zip(p.iter()).enumerate() {
            let row = &mut head[j * n..j * n + j + 1];
            for (x, (uk, pk)) in row.iter_mut().zip(u.iter().zip(p.iter())) {
                *x = (-pj).mul_add::<FMA>(*uk, (-uj).mul_add::<FMA>(*pk, *x));
            }
        }
    }

    /// Qᵀ from the vectors that [`Self::reduce`] left in `a`. 4/3 n³ flops.
    #[inline(always)]
    pub(crate) fn accumulate<const FMA: bool>(&self, a: &LaneMatrix<W>, q: &mut LaneMatrix<W>, n: usize) {
        q.fill_identity();
        for i in 2..n {
            let u = &a.row(i)[..i];
            let inverse = self.inverse_h[i];
            for k in 0..i {
                let row = &mut q.row_mut(k)[..i];
                let mut dot = Lanes::ZERO;
                for (x, y) in row.iter().zip(u) {
                    dot = x.mul_add::<FMA>(*y, dot);
                }
                let scale = -(dot * inverse);
                for (x, y) in row.iter_mut().zip(u) {
                    *x = scale.mul_add::<FMA>(*y, *x);
                }
            }
        }
    }
}
