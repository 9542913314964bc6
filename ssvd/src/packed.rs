//! What a product with a sparse matrix reads, as narrow as it is exact: the products are bound by memory.

use std::ops::Range;

use rayon::prelude::*;

use crate::error::Result;
use crate::simd::{self, Kernel};
use crate::sparse::{Csr, row_offsets};

/// Rows a task.
const ROWS: usize = 1024;

/// Compressed rows with indices of four bytes, in tasks of [`ROWS`] rows; within a task the rows are ordered by length,
/// so that the ends of the inner loops are foreseen by the processor.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Packed {
    /// The rows of each task in the order of the lists, as positions within the task.
    order: Vec<u16>,
    offsets: Vec<usize>,
    indices: Vec<u32>,
    values: Values,
}

#[derive(Debug, Clone, PartialEq)]
enum Values {
    /// All equal, as in graphs without weights.
    Equal(f64),
    /// Exact in single precision, as counts and ratings are.
    Single(Vec<f32>),
    Double(Vec<f64>),
}

impl Packed {
    /// A and A^T, the second only where it differs. `None` when an index needs more than four bytes.
    /// Errs when an offset for each column does not fit into memory.
    pub(crate) fn pair(a: &Csr) -> Result<Option<(Self, Option<Self>)>> {
        if u32::try_from(a.nrows().max(a.ncols())).is_err() {
            return Ok(None);
        }
        let (offsets, indices, values) = a.parts();
        let equal = values.first().copied().unwrap_or(1.0);
        let equal = values.iter().all(|&x| x == equal).then_some(equal);
        let rows = Lists {
            offsets: offsets.to_vec(),
            indices: indices.iter().map(|&j| j as u32).collect(),
            values: if equal.is_some() { Vec::new() } else { values.to_vec() },
        };
        let single = equal.is_none() && values.iter().all(|&x| f64::from(x as f32) == x);
        let (forward, columns) = rayon::join(|| rows.packed(equal, single), || rows.transposed(a.ncols()));
        let columns = columns?;
        let backward = (columns != rows).then(|| columns.packed(equal, single));
        Ok(Some((forward, backward)))
    }

    /// Y = A X for row-major blocks of `width` vectors.
    pub(crate) fn apply(&self, x: &[f64], width: usize, y: &mut [f64]) {
        match &self.values {
            Values::Equal(value) => self.multiply(Equal(*value), x, width, y),
            Values::Single(values) => self.multiply(values.as_slice(), x, width, y),
            Values::Double(values) => self.multiply(values.as_slice(), x, width, y),
        }
    }

    fn multiply<V: Weights>(&self, values: V, x: &[f64], width: usize, y: &mut [f64]) {
        if width == 0 {
            return;
        }
        // Each row by one thread in the order of its columns: the same bits for any number of threads. Tasks one by one,
        // because a few of them may hold most of the entries.
        let tasks = y.par_chunks_mut(ROWS * width).enumerate().with_max_len(1);
        tasks.for_each(|(task, y)| {
            let first = task * ROWS;
            let task = Task {
                a: self,
                values,
                rows: first..first + y.len() / width,
                x,
                y,
            };
            match width {
                1 => simd::run(Narrow::<V, 1>(task)),
                2 => simd::run(Narrow::<V, 2>(task)),
                4 => simd::run(Narrow::<V, 4>(task)),
                8 => simd::run(Narrow::<V, 8>(task)),
                _ => simd::run(Wide { task, width }),
            }
        });
    }

    /// Bytes held.
    pub(crate) fn memory(&self) -> usize {
        let values = match &self.values {
            Values::Equal(_) => 0,
            Values::Single(values) => size_of_val(values.as_slice()),
            Values::Double(values) => size_of_val(values.as_slice()),
        };
        let lists = size_of_val(self.order.as_slice()) + size_of_val(self.offsets.as_slice());
        lists + size_of_val(self.indices.as_slice()) + values
    }
}

/// Compressed rows; no values where all are equal.
#[derive(PartialEq)]
struct Lists {
    offsets: Vec<usize>,
    indices: Vec<u32>,
    values: Vec<f64>,
}

impl Lists {
    /// The lists of the columns.
    fn transposed(&self, columns: usize) -> Result<Self> {
        let mut offsets = row_offsets(columns)?;
        for &j in &self.indices {
            offsets[j as usize + 1] += 1;
        }
        for j in 0..columns {
            offsets[j + 1] += offsets[j];
        }
        let mut next = offsets.clone();
        let mut indices = vec![0; self.indices.len()];
        let mut values = vec![0.0; self.values.len()];
        for (i, span) in self.offsets.windows(2).enumerate() {
            for at in span[0]..span[1] {
                let to = &mut next[self.indices[at] as usize];
                indices[*to] = i as u32;
                if let Some(&value) = self.values.get(at) {
                    values[*to] = value;
                }
                *to += 1;
            }
        }
        Ok(Self {
            offsets,
            indices,
            values,
        })
    }

    /// Ordered within tasks.
    fn packed(&self, equal: Option<f64>, single: bool) -> Packed {
        let rows = self.offsets.len() - 1;
        let mut order = Vec::with_capacity(rows);
        let mut offsets = Vec::with_capacity(rows + 1);
        let mut indices = Vec::with_capacity(self.indices.len());
        let mut values = Vec::with_capacity(self.values.len());
        offsets.push(0);
        for first in (0..rows).step_by(ROWS) {
            let mut task: Vec<usize> = (first..rows.min(first + ROWS)).collect();
            task.sort_by_key(|&i| self.offsets[i + 1] - self.offsets[i]);
            for i in task {
                let span = self.offsets[i]..self.offsets[i + 1];
                order.push((i - first) as u16);
                indices.extend_from_slice(&self.indices[span.clone()]);
                if equal.is_none() {
                    values.extend_from_slice(&self.values[span]);
                }
                offsets.push(indices.len());
            }
        }
        let values = match equal {
            Some(value) => Values::Equal(value),
            None if single => Values::Single(values.into_iter().map(|x| x as f32).collect()),
            None => Values::Double(values),
        };
        Packed {
            order,
            offsets,
            indices,
            values,
        }
    }
}

/// Values in one of their forms.
trait Weights: Copy + Sync + Send {
    fn span(&self, span: Range<usize>) -> impl Iterator<Item = f64>;
}

#[derive(Clone, Copy)]
struct Equal(f64);

impl Weights for Equal {
    #[inline(always)]
    fn span(&self, _: Range<usize>) -> impl Iterator<Item = f64> {
        std::iter::repeat(self.0)
    }
}

impl Weights for &[f32] {
    #[inline(always)]
    fn span(&self, span: Range<usize>) -> impl Iterator<Item = f64> {
        self[span].iter().map(|&x| f64::from(x))
    }
}

impl Weights for &[f64] {
    #[inline(always)]
    fn span(&self, span: Range<usize>) -> impl Iterator<Item = f64> {
        self[span].iter().copied()
    }
}

/// The rows of one task.
struct Task<'a, V> {
    a: &'a Packed,
    values: V,
    rows: Range<usize>,
    x: &'a [f64],
    y: &'a mut [f64],
}

impl<V: Weights> Task<'_, V> {
    /// Columns `from..from + W` of the row of the blocks whose entries are `span`.
    #[inline(always)]
    fn row<const W: usize>(&self, span: Range<usize>, width: usize, from: usize) -> [f64; W] {
        let mut sum = [0.0; W];
        for (&j, a) in self.a.indices[span.clone()].iter().zip(self.values.span(span)) {
            let at = j as usize * width + from;
            let x: &[f64; W] = self.x[at..at + W].try_into().expect("W numbers");
            for c in 0..W {
                sum[c] += a * x[c];
            }
        }
        sum
    }
}

/// Blocks of `W` vectors.
struct Narrow<'a, V, const W: usize>(Task<'a, V>);

impl<V: Weights, const W: usize> Kernel for Narrow<'_, V, W> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let task = self.0;
        let offsets = &task.a.offsets[task.rows.start..=task.rows.end];
        for (span, &slot) in offsets.windows(2).zip(&task.a.order[task.rows.clone()]) {
            let sum = task.row::<W>(span[0]..span[1], W, 0);
            task.y[slot as usize * W..][..W].copy_from_slice(&sum);
        }
    }
}

/// Blocks of any width, sixteen vectors at a time.
struct Wide<'a, V> {
    task: Task<'a, V>,
    width: usize,
}

impl<V: Weights> Kernel for Wide<'_, V> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { task, width } = self;
        let offsets = &task.a.offsets[task.rows.start..=task.rows.end];
        for (span, &slot) in offsets.windows(2).zip(&task.a.order[task.rows.clone()]) {
            let (span, y) = (span[0]..span[1], slot as usize * width);
            let mut from = 0;
            while from + 16 <= width {
                let sum = task.row::<16>(span.clone(), width, from);
                task.y[y + from..][..16].copy_from_slice(&sum);
                from += 16;
            }
            for from in from..width {
                task.y[y + from] = task.row::<1>(span.clone(), width, from)[0];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::Operator;

    #[test]
    fn all_forms_and_widths_agree_with_compressed_rows() {
        let (rows, cols) = (2 * ROWS + 5, 300);
        let forms: [fn(usize) -> f64; 3] = [|_| 2.5, |e| (e % 7) as f64 - 3.5, |e| 1.0 / (1 + e) as f64];
        for (form, value) in forms.into_iter().enumerate() {
            let entries = (0..9000).map(|e| (e * 7919 % 1987 % rows, e * e % cols, value(e)));
            let all: Vec<_> = entries.collect();
            // Each entry once: sums of duplicates would leave the form.
            let once: std::collections::BTreeMap<_, _> = all.iter().map(|&(i, j, x)| ((i, j), x)).collect();
            let a = Csr::from_triplets(rows, cols, once.into_iter().map(|((i, j), x)| (i, j, x))).unwrap();
            let (forward, backward) = Packed::pair(&a).unwrap().unwrap();
            let backward = backward.expect("not symmetric");
            let found = match &forward.values {
                Values::Equal(_) => 0,
                Values::Single(_) => 1,
                Values::Double(_) => 2,
            };
            assert_eq!(found, form);
            for width in [1, 2, 3, 4, 8, 17, 32] {
                let x: Vec<f64> = (0..cols * width).map(|i| (i % 23) as f64 - 11.0).collect();
                let (mut y, mut z) = (vec![f64::NAN; rows * width], vec![0.0; rows * width]);
                forward.apply(&x, width, &mut y);
                a.apply(&x, width, &mut z);
                assert!(y.iter().zip(&z).all(|(y, z)| (y - z).abs() <= 1e-13 * (1.0 + z.abs())));
                let (mut s, mut t) = (vec![f64::NAN; cols * width], vec![0.0; cols * width]);
                backward.apply(&z, width, &mut s);
                a.apply_transpose(&z, width, &mut t);
                assert!(s.iter().zip(&t).all(|(s, t)| (s - t).abs() <= 1e-11 * (1.0 + t.abs())));
            }
        }
    }
}
