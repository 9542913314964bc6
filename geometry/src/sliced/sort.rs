//! Sorting of projections: one pass into as many equal buckets as there are numbers, then insertion.
//!
//! Projections of a cloud on a direction are spread out like a bell, which equal buckets split into runs of one or two.
//! Buckets that come out full (clusters, outliers) are sorted by comparison, so that no input is slow.

/// Below this many numbers a comparison sort is used.
const SMALL: usize = 64;

/// Longest bucket that insertion is left with.
const FULL: u32 = 16;

/// Scratch of [`sort_by_key`].
#[derive(Default)]
pub(crate) struct SortScratch<T> {
    sorted: Vec<T>,
    buckets: Vec<u32>,
    starts: Vec<u32>,
}

/// Sorts finite keys ascending, equal keys as `tie` says. Deterministic.
pub(crate) fn sort_by_key<T: Copy + Default>(
    items: &mut [T],
    scratch: &mut SortScratch<T>,
    key: impl Fn(&T) -> f64,
    tie: impl Fn(&T, &T) -> std::cmp::Ordering,
) {
    let compare = |a: &T, b: &T| key(a).total_cmp(&key(b)).then_with(|| tie(a, b));
    let n = items.len();
    let (mut least, mut greatest) = (f64::INFINITY, f64::NEG_INFINITY);
    for item in items.iter() {
        least = least.min(key(item));
        greatest = greatest.max(key(item));
    }
    let scale = (n - 1) as f64 / (greatest - least);
    if n < SMALL || n > u32::MAX as usize || !scale.is_finite() {
        return items.sort_unstable_by(compare);
    }
    scratch.buckets.clear();
    scratch
        .buckets
        .extend(items.iter().map(|item| (scale * (key(item) - least)) as u32));
    scratch.starts.clear();
    scratch.starts.resize(n + 1, 0);
    for &bucket in &scratch.buckets {
        scratch.starts[bucket as usize + 1] += 1;
    }
    let mut total = 0;
    for start in &mut scratch.starts {
        total += *start;
        *start = total;
    }
    scratch.sorted.clear();
    scratch.sorted.resize(n, T::default());
    for (item, &bucket) in items.iter().zip(&scratch.buckets) {
        let place = &mut scratch.starts[bucket as usize];
        scratch.sorted[*place as usize] = *item;
        *place += 1;
    }
    // Every start has moved to the end of its bucket.
    let mut start = 0;
    for &end in &scratch.starts[..n] {
        if end - start > FULL {
            scratch.sorted[start as usize..end as usize].sort_unstable_by(compare);
        }
        start = end;
    }
    for (index, &item) in scratch.sorted.iter().enumerate() {
        let mut place = index;
        while place > 0 && compare(&items[place - 1], &item).is_gt() {
            items[place] = items[place - 1];
            place -= 1;
        }
        items[place] = item;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_bells_clusters_outliers_and_ties() {
        let mut scratch = SortScratch::default();
        let inputs: [Vec<f64>; 6] = [
            (0..1000).map(|i| (f64::from(i) * 0.7).sin().powi(3)).collect(),
            (0..1000).map(|i| f64::from(i % 7)).collect(),
            (0..1000)
                .map(|i| if i == 500 { 1e300 } else { f64::from(i * 37 % 1000) })
                .collect(),
            (0..1000).map(|i| if i % 2 == 0 { 0.0 } else { -0.0 }).collect(),
            [f64::MAX, f64::MIN, 0.0].repeat(50),
            vec![2.0, 1.0],
        ];
        for input in inputs {
            let mut expected = input.clone();
            expected.sort_by(f64::total_cmp);
            let mut found = input.clone();
            sort_by_key(&mut found, &mut scratch, |x| *x, |_, _| std::cmp::Ordering::Equal);
            assert_eq!(
                found.iter().map(|x| x.to_bits()).collect::<Vec<_>>(),
                expected.iter().map(|x| x.to_bits()).collect::<Vec<_>>()
            );
            let mut pairs: Vec<(f64, u32)> = input.iter().copied().zip(0..).collect();
            let mut stable = pairs.clone();
            stable.sort_by(|a, b| a.0.total_cmp(&b.0));
            let mut scratch = SortScratch::default();
            sort_by_key(&mut pairs, &mut scratch, |x| x.0, |a, b| a.1.cmp(&b.1));
            assert_eq!(pairs, stable);
        }
    }
}
