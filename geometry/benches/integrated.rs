//! Metrics without closed forms: distances by shooting, exponentials, transport and exit times by integration.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use hadamard_geometry::metrics::MixedPowerEuclidean;
use hadamard_geometry::{Metric, Spd, random};
use nalgebra::DMatrix;
use rand::SeedableRng;

/// Two points of condition 10 at most, which do not commute, and a tangent vector that leaves the cone.
fn pair(order: usize) -> (Spd, Spd, DMatrix<f64>) {
    let mut rng = rand_pcg::Pcg64::seed_from_u64(order as u64);
    let mut point = || random::spd(order, 10.0, &mut rng).expect("valid condition");
    let (a, b) = (point(), point());
    let x = point().into_matrix() - DMatrix::identity(order, order) * 2.0;
    (a, b, x)
}

fn integrated(criterion: &mut Criterion) {
    let metric = MixedPowerEuclidean::bogoliubov_kubo_mori();
    let mut group = criterion.benchmark_group("Bogoliubov-Kubo-Mori");
    group.sample_size(10);
    for order in [2, 3, 5, 8] {
        let (a, b, x) = pair(order);
        let log = metric.log(&a, &b).expect("shooting converges");
        group.bench_function(BenchmarkId::new("distance", order), |bench| {
            bench.iter(|| black_box(metric.distance(&a, &b)));
        });
        group.bench_function(BenchmarkId::new("exp", order), |bench| {
            bench.iter(|| black_box(metric.exp(&a, &log)));
        });
        group.bench_function(BenchmarkId::new("transport", order), |bench| {
            bench.iter(|| black_box(metric.transport(&a, &b, &x)));
        });
        group.bench_function(BenchmarkId::new("exp_domain", order), |bench| {
            bench.iter(|| black_box(metric.exp_domain(&a, &x)));
        });
    }
    group.finish();
}

criterion_group!(benches, integrated);
criterion_main!(benches);
