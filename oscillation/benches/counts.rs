//! Counts, eigenvalues and tapers on one thread, in time a row (and shift).

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use hadamard_oscillation::kernel::Isa;
use hadamard_oscillation::{Counting, Jacobi, dpss, models};
use rand::SeedableRng;

fn anderson(n: usize) -> Jacobi {
    models::anderson(n, 4.0, &mut rand_pcg::Pcg64::seed_from_u64(1)).expect("valid")
}

fn shifts(count: usize) -> Vec<f64> {
    (0..count)
        .map(|i| -3.0 + 6.0 * (i as f64 + 0.5) / count as f64)
        .collect()
}

/// 64 shifts: the rate is rows times shifts.
fn many_shifts(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("64 shifts");
    group.sample_size(10);
    let xs = shifts(64);
    for n in [1_000, 100_000, 1_000_000] {
        let j = anderson(n);
        group.throughput(Throughput::Elements(64 * n as u64));
        for isa in Isa::available() {
            let mut counts = vec![0; xs.len()];
            group.bench_function(BenchmarkId::new(isa.name(), n), |b| {
                b.iter(|| j.counts_below_on(isa, black_box(&xs), &mut counts));
            });
        }
        group.bench_function(BenchmarkId::new("division free", n), |b| {
            b.iter(|| j.counts_below_by(black_box(&xs), Counting::DivisionFree));
        });
    }
    group.finish();
}

/// One shift, on a matrix whose chains forget their start and on one whose chains do not.
fn one_shift(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("one shift");
    group.sample_size(10);
    for n in [1_000, 100_000, 10_000_000] {
        group.throughput(Throughput::Elements(n as u64));
        for (name, j) in [
            ("anderson", anderson(n)),
            ("free", models::free_chain(n).expect("valid")),
        ] {
            group.bench_function(BenchmarkId::new(format!("{name} canonical"), n), |b| {
                b.iter(|| j.count_below(black_box(0.1234)));
            });
            group.bench_function(BenchmarkId::new(format!("{name} two-sided"), n), |b| {
                b.iter(|| j.count_below_two_sided(black_box(0.1234)));
            });
            group.bench_function(BenchmarkId::new(format!("{name} segments"), n), |b| {
                b.iter(|| j.count_below_segmented(black_box(0.1234), 64));
            });
        }
    }
    group.finish();
}

fn eigenvalues(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("eigenvalues");
    group.sample_size(10);
    for n in [1_000, 10_000, 100_000] {
        let j = anderson(n);
        group.bench_function(BenchmarkId::new("one", n), |b| {
            b.iter(|| j.eigenvalue(black_box(n / 2)))
        });
        group.bench_function(BenchmarkId::new("100", n), |b| {
            b.iter(|| j.eigenvalues(black_box(n / 2 - 50..n / 2 + 50)));
        });
    }
    let j = anderson(10_000);
    group.bench_function("10 pairs of 10000", |b| {
        b.iter(|| j.eigenpairs(black_box(5_000..5_010)))
    });
    group.bench_function("8 tapers of 100000", |b| b.iter(|| dpss(black_box(100_000), 4.0, 8)));
    group.finish();
}

/// Everything on one thread: the comparison is of kernels.
fn single(criterion: &mut Criterion) {
    rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build_global()
        .expect("no pool was made before");
    many_shifts(criterion);
    one_shift(criterion);
    eigenvalues(criterion);
}

criterion_group!(benches, single);
criterion_main!(benches);
