//! Eigendecompositions and logarithms of batches, beside faer and nalgebra one matrix at a time.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use hadamard_geometry::SpdBatch;
use nalgebra::DMatrix;
use rand::{RngExt, SeedableRng};

const COUNT: usize = 256;

fn wishart(order: usize) -> SpdBatch {
    let mut rng = rand_pcg::Pcg64::seed_from_u64(1);
    let matrices: Vec<DMatrix<f64>> = (0..COUNT)
        .map(|_| {
            let g = DMatrix::from_fn(order, 2 * order, |_, _| rng.random_range(-1.0..1.0));
            &g * g.transpose()
        })
        .collect();
    SpdBatch::try_from_matrices(&matrices).expect("twice as many samples as channels")
}

fn eigen(criterion: &mut Criterion) {
    // One thread on every side: the comparison is of kernels.
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .expect("a pool of one thread");
    let mut group = criterion.benchmark_group("eigen");
    group.sample_size(10).throughput(Throughput::Elements(COUNT as u64));
    for order in [3, 10, 22, 32, 48, 64, 102] {
        let batch = wishart(order);
        group.bench_function(BenchmarkId::new("lanes", order), |b| {
            b.iter(|| pool.install(|| black_box(batch.eigen())));
        });
        group.bench_function(BenchmarkId::new("log", order), |b| {
            b.iter(|| pool.install(|| black_box(batch.log())));
        });
        group.bench_function(BenchmarkId::new("faer", order), |b| {
            b.iter(|| {
                for matrix in batch.as_slice().chunks_exact(order * order) {
                    let view = faer::MatRef::from_column_major_slice(matrix, order, order);
                    black_box(view.self_adjoint_eigen(faer::Side::Lower).expect("converges"));
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, eigen);
criterion_main!(benches);
