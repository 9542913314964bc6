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
