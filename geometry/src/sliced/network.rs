//! Sorting eight directions at once: a network of comparisons between rows of eight numbers, one a direction.
//!
//! Batcher's bitonic network in the form where every comparison leaves the smaller number in the earlier row: runs of
//! length k/2 are joined by comparing row i of the first with row i from the end of the second, and then at distances
//! k/4, …, 1. No branch depends on the numbers, and eight lanes share each comparison: for clouds of up to some thousand
//! points a number costs a few nanoseconds. O(n log² n) comparisons.
//!
//! Source: Batcher 1968.

use pulp::{Arch, Simd, WithSimd};

/// Directions side by side: a cache line, one AVX-512 register, two AVX2 registers.
pub(super) const LANES: usize = 8;

/// Rows that stay in registers together.
const GROUP: usize = 8;

/// Rows that stay in the first cache together.
const BLOCK: usize = 256;

/// One number of every lane.
pub(super) type Row = [f64; LANES];

/// Sorts every lane of finite numbers, ascending. Infinite rows may be added at the end.
pub(super) fn sort_lanes(arch: Arch, rows: &mut Vec<Row>) {
    rows.resize(rows.len().next_multiple_of(GROUP), [f64::INFINITY; LANES]);
    arch.dispatch(Network { rows });
}

struct Network<'a> {
    rows: &'a mut [Row],
}

impl WithSimd for Network<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let rows = self.rows;
        for group in rows.as_chunks_mut::<GROUP>().0 {
            sort_group(simd, group);
        }
        for block in rows.chunks_mut(BLOCK) {
            let mut run = 2 * GROUP;
            while run / 2 < block.len() {
                mirror(simd, block, run);
                halve(simd, block, run / 4, GROUP);
                merge_groups(simd, block);
                run *= 2;
            }
        }
        let mut run = 2 * BLOCK;
        while run / 2 < rows.len() {
            mirror(simd, rows, run);
            halve(simd, rows, run / 4, BLOCK);
            for block in rows.chunks_mut(BLOCK) {
                halve(simd, block, BLOCK / 2, GROUP);
                merge_groups(simd, block);
            }
            run *= 2;
        }
    }
}

/// The smaller and the larger number of every lane.
#[inline(always)]
fn ordered<S: Simd>(simd: S, a: Row, b: Row) -> (Row, Row) {
    let (mut small, mut large) = (a, b);
    let (from_a, from_b) = (S::as_simd_f64s(&a), S::as_simd_f64s(&b));
    let (into_small, into_large) = (S::as_mut_simd_f64s(&mut small), S::as_mut_simd_f64s(&mut large));
    for i in 0..from_a.0.len() {
        into_small.0[i] = simd.min_f64s(from_b.0[i], from_a.0[i]);
        into_large.0[i] = simd.max_f64s(from_a.0[i], from_b.0[i]);
    }
    // Registers wider than a row leave all of it here.
    for i in 0..from_a.1.len() {
        into_small.1[i] = from_b.1[i].min(from_a.1[i]);
        into_large.1[i] = from_a.1[i].max(from_b.1[i]);
    }
    (small, large)
}

/// Compares row i of every run with row i from its end. Rows beyond the last would be infinite: nothing moves.
#[inline(always)]
fn mirror<S: Simd>(simd: S, rows: &mut [Row], run: usize) {
    for run_rows in rows.chunks_mut(run) {
        if let Some((first, second)) = run_rows.split_at_mut_checked(run / 2) {
            for (a, b) in first.iter_mut().rev().zip(second) {
                (*a, *b) = ordered(simd, *a, *b);
            }
        }
    }
}

/// Compares rows at distances `distance`, half of it, …, `least`.
#[inline(always)]
fn halve<S: Simd>(simd: S, rows: &mut [Row], mut distance: usize, least: usize) {
    // Two distances in one pass: what is bound by loads and stores takes half the time.
    while distance / 2 >= least {
        for part in rows.chunks_mut(2 * distance) {
            if part.len() == 2 * distance {
                let (first, second) = part.split_at_mut(distance);
                let (a, b) = first.split_at_mut(distance / 2);
                let (c, d) = second.split_at_mut(distance / 2);
                for (((a, b), c), d) in a.iter_mut().zip(b).zip(c).zip(d) {
                    let ((p, r), (q, s)) = (ordered(simd, *a, *c), ordered(simd, *b, *d));
                    (*a, *b) = ordered(simd, p, q);
                    (*c, *d) = ordered(simd, r, s);
                }
            } else {
                compare(simd, part, distance);
                compare(simd, part, distance / 2);
            }
        }
        distance /= 4;
    }
    if distance >= least {
        compare(simd, rows, distance);
    }
}

#[inline(always)]
fn compare<S: Simd>(simd: S, rows: &mut [Row], distance: usize) {
    for pair in rows.chunks_mut(2 * distance) {
        if let Some((first, second)) = pair.split_at_mut_checked(distance) {
            for (a, b) in first.iter_mut().zip(second) {
                (*a, *b) = ordered(simd, *a, *b);
            }
        }
    }
}

macro_rules! exchanges {
    ($simd:ident, $rows:ident: $(($a:literal, $b:literal))*) => {
        $( ($rows[$a], $rows[$b]) = ordered($simd, $rows[$a], $rows[$b]); )*
    };
}

#[inline(always)]
fn sort_group<S: Simd>(simd: S, group: &mut [Row; GROUP]) {
    let mut r = *group;
    exchanges!(simd, r: (0, 1) (2, 3) (4, 5) (6, 7));
    exchanges!(simd, r: (0, 3) (1, 2) (4, 7) (5, 6));
    exchanges!(simd, r: (0, 1) (2, 3) (4, 5) (6, 7));
    exchanges!(simd, r: (0, 7) (1, 6) (2, 5) (3, 4));
    exchanges!(simd, r: (0, 2) (1, 3) (4, 6) (5, 7));
    exchanges!(simd, r: (0, 1) (2, 3) (4, 5) (6, 7));
    *group = r;
}

/// The distances 4, 2 and 1 of a merge.
#[inline(always)]
fn merge_groups<S: Simd>(simd: S, rows: &mut [Row]) {
    for group in rows.as_chunks_mut::<GROUP>().0 {
        let mut r = *group;
        exchanges!(simd, r: (0, 4) (1, 5) (2, 6) (3, 7));
        exchanges!(simd, r: (0, 2) (1, 3) (4, 6) (5, 7));
        exchanges!(simd, r: (0, 1) (2, 3) (4, 5) (6, 7));
        *group = r;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(i: usize, lane: usize) -> f64 {
        match lane {
            0 => (i as f64 * 0.7).sin(),
            1 => (i % 5) as f64,
            2 => -(i as f64),
            3 => i as f64,
            4 => 0.0,
            5 => [1e300, -1e300, 0.0][i % 3],
            _ => ((i * 7919 + lane) % 1009) as f64,
        }
    }

    #[test]
    fn every_length_is_sorted() {
        let arch = Arch::new();
        for n in (0..70).chain([255, 256, 257, 500, 1000, 1025, 3001]) {
            let rows: Vec<[f64; LANES]> = (0..n).map(|i| std::array::from_fn(|j| value(i, j))).collect();
            let mut sorted = rows.clone();
            sort_lanes(arch, &mut sorted);
            for lane in 0..LANES {
                let mut expected: Vec<f64> = rows.iter().map(|r| r[lane]).collect();
                expected.sort_by(f64::total_cmp);
                let found: Vec<f64> = sorted[..n].iter().map(|r| r[lane]).collect();
                assert_eq!(found, expected, "n = {n}, lane {lane}");
            }
        }
    }
}
