//! The shortest least-squares solution of small dense systems by a complete orthogonal decomposition, without any
//! allocation after the first (Golub and Van Loan, Matrix Computations, 4th edition, section 5.4.7).

use smallvec::SmallVec;

use crate::local::Column;

/// Largest number of rows and columns for these unblocked loops.
pub(crate) const SMALL: usize = 64;

/// Room for A P = Q [T 0; 0 0] Z.
pub(crate) struct Complete {
    rows: usize,
    columns: usize,
    /// A, then its factors, column by column.
    a: Vec<f64>,
    right: Column,
    order: SmallVec<[usize; 8]>,
    /// Householder vectors of Z, row by row: those of the first entries of each row.
    lead: Column,
    y: Column,
}

impl Complete {
    pub(crate) fn new(rows: usize, columns: usize) -> Self {
        Self {
            rows,
            columns,
            a: vec![0.0; rows * columns],
            right: Column::from_elem(0.0, rows),
            order: SmallVec::from_elem(0, columns),
            lead: Column::from_elem(0.0, rows.min(columns)),
            y: Column::from_elem(0.0, columns),
        }
    }

    /// The shortest p that minimises ‖J p + F‖; diagonal entries below max(m, n) ε |R₁₁| count as zero.
    pub(crate) fn shortest(&mut self, j: &[f64], f: &[f64], p: &mut [f64]) {
        let (m, n) = (self.rows, self.columns);
        self.a.copy_from_slice(j);
        self.right.iter_mut().zip(f).for_each(|(r, f)| *r = -f);
        self.order.iter_mut().enumerate().for_each(|(k, o)| *o = k);
        let rank = self.triangularise();
        if rank < n {
            self.clear_right(rank);
        }
        // T y = the first entries of Qᵀ(−F).
        self.y.fill(0.0);
        for k in (0..rank).rev() {
            let known: f64 = (k + 1..rank).map(|c| self.a[c * m + k] * self.y[c]).sum();
            self.y[k] = (self.right[k] - known) / self.a[k * m + k];
        }
        if rank < n {
            // Zᵀ y: the reflections of the rows, first to last.
            for k in 0..rank {
                let tail = |c: usize| self.a[c * m + k];
                let along = self.lead[k] * self.y[k] + (rank..n).map(|c| tail(c) * self.y[c]).sum::<f64>();
                self.y[k] -= 2.0 * along * self.lead[k];
                for c in rank..n {
                    self.y[c] -= 2.0 * along * self.a[c * m + k];
                }
            }
        }
        self.order.iter().zip(&self.y).for_each(|(&o, &y)| p[o] = y);
    }

    /// QR with the longest remaining column first; returns the rank.
    fn triangularise(&mut self) -> usize {
        let (m, n) = (self.rows, self.columns);
        let mut first = 0.0;
        for k in 0..m.min(n) {
            let rest = |c: usize| self.a[c * m + k..(c + 1) * m].iter().map(|v| v * v).sum::<f64>();
            let (mut best, mut longest) = (k, rest(k));
            for c in k + 1..n {
                let length = rest(c);
                if length > longest {
                    (best, longest) = (c, length);
                }
            }
            let length = longest.sqrt();
            if k == 0 {
                first = length;
            }
            // Not above the floor, or not a number.
            if length.is_nan() || length <= f64::EPSILON * m.max(n) as f64 * first {
                return k;
            }
            self.order.swap(k, best);
            if best != k {
                (0..m).for_each(|i| self.a.swap(k * m + i, best * m + i));
            }
            // v = column − α e with α of the opposite sign, of unit length.
            let (done, later) = self.a.split_at_mut((k + 1) * m);
            let v = &mut done[k * m + k..];
            let alpha = -length.copysign(v[0]);
            v[0] -= alpha;
            let size = v.iter().map(|v| v * v).sum::<f64>().sqrt();
            v.iter_mut().for_each(|x| *x /= size);
            for column in later
                .chunks_exact_mut(m)
                .map(|c| &mut c[k..])
                .chain([&mut self.right[k..]])
            {
                let along: f64 = v.iter().zip(column.iter()).map(|(v, c)| v * c).sum();
                column.iter_mut().zip(v.iter()).for_each(|(c, v)| *c -= 2.0 * along * v);
            }
            v[0] = alpha;
        }
        m.min(n)
    }

    /// Reflections from the right that clear the columns beyond the rank, last row first; the vectors stay there.
    fn clear_right(&mut self, rank: usize) {
        let (m, n) = (self.rows, self.columns);
        for k in (0..rank).rev() {
            let tail: f64 = (rank..n).map(|c| self.a[c * m + k] * self.a[c * m + k]).sum();
            let head = self.a[k * m + k];
            let length = (head * head + tail).sqrt();
            let alpha = -length.copysign(head);
            let lead = head - alpha;
            let size = (lead * lead + tail).sqrt();
            self.lead[k] = lead / size;
            (rank..n).for_each(|c| self.a[c * m + k] /= size);
            self.a[k * m + k] = alpha;
            for i in 0..k {
                let row = |c: usize| self.a[c * m + i];
                let along = self.lead[k] * row(k) + (rank..n).map(|c| self.a[c * m + k] * row(c)).sum::<f64>();
                self.a[k * m + i] -= 2.0 * along * self.lead[k];
                for c in rank..n {
                    self.a[c * m + i] -= 2.0 * along * self.a[c * m + k];
                }
            }
        }
    }
}
