# Recipes for people who work on the library; `just` lists them.

default:
    @just --list

# All tests, as CI runs them.
test:
    cargo test --workspace

# Format, lints, tests, documentation, examples.
ci:
    .ci/run

# Ten times the usual number of property-test cases.
test-hard:
    PROPTEST_CASES=2560 cargo test --release -p proofs-tests

# Documentation of all crates, opened in a browser.
doc:
    cargo doc --workspace --no-deps --open

# Times one wing (meeg, geometry, sliced, ssvd, trust_region, oscillation) beside its peers.
peers wing:
    python3 peers/run.py {{wing}}

# Every example on its default input; pictures go to out/.
run_all:
    for n in brain_age geodesics bci_transfer bounded_systems spectral_counts streaming_svd gallery; do echo "== $n"; cargo run --release --example "$n" -- --out "out/$n" || exit 1; done

# The pictures of README.md and of the guides of the crates, drawn anew.
gallery:
    cargo run --release --example gallery -- --out out/gallery
    cp out/gallery/*.svg docs/
    mv docs/cone.svg geometry/docs/
    mv docs/streamed_svd.svg ssvd/docs/
    mv docs/iterates.svg trust_region/docs/
    mv docs/density_of_states.svg oscillation/docs/
    mv docs/predicted_vs_true.svg meeg/docs/
    mv docs/balls.svg plot/docs/

# Coverage-guided fuzzing of one file reader (edf, bdf, meeg_npz, table, matrix_market, ssvd_npz, edges, libsvm, checkpoint),
# ten minutes unless said otherwise. Needs a nightly compiler and `cargo install cargo-fuzz`.
fuzz target seconds="600":
    cd fuzz && cargo +nightly fuzz run -O --fuzz-dir . {{target}} -- -max_total_time={{seconds}} -rss_limit_mb=2048 -timeout=20 -max_len=65536

# The `unsafe` kernels (vector instructions) under AddressSanitizer. Needs a nightly compiler.
asan:
    RUSTFLAGS=-Zsanitizer=address PROPTEST_CASES=16 cargo +nightly test --target x86_64-unknown-linux-gnu --target-dir target/asan -p hadamard-geometry -p hadamard-oscillation -p hadamard-ssvd -p hadamard-meeg --lib
    RUSTFLAGS=-Zsanitizer=address PROPTEST_CASES=16 cargo +nightly test --target x86_64-unknown-linux-gnu --target-dir target/asan -p proofs-tests --test geometry_lanes --test oscillation_counts --test meeg_filter --test ssvd_static

# The portable path of the kernels under Miri (`rustup +nightly component add miri`), which knows no vector instructions.
miri:
    MIRIFLAGS=-Zmiri-disable-isolation cargo +nightly miri test -p hadamard-oscillation --lib kernel
    MIRIFLAGS=-Zmiri-disable-isolation cargo +nightly miri test -p hadamard-geometry --lib eigen
    MIRIFLAGS=-Zmiri-disable-isolation cargo +nightly miri test -p hadamard-meeg --lib filter

# The least versions that Cargo.toml allows still build; in a copy, so that Cargo.lock stays. Needs a nightly compiler.
minimal-versions:
    rm -rf target/minimal-versions/tree && mkdir -p target/minimal-versions/tree
    git ls-files -z | tar --create --null --files-from=- | tar --extract --directory target/minimal-versions/tree
    cd target/minimal-versions/tree && cargo +nightly update -Z direct-minimal-versions
    cd target/minimal-versions/tree && cargo check --locked --workspace --all-targets --target-dir ../build
    cd target/minimal-versions/tree && cargo check --locked -p hadamard --target-dir ../build

# The public interface beside that of the last release. Needs `cargo install cargo-semver-checks`.
semver:
    for p in hadamard hadamard-geometry hadamard-ssvd hadamard-trust-region hadamard-oscillation hadamard-meeg hadamard-plot; do cargo semver-checks -p $p || exit 1; done

# Before a release: what each package holds, licences and duplicates, minimal versions.
release-check: && minimal-versions
    cargo package --workspace --exclude proofs-tests --no-verify
    cargo deny check licenses bans sources
