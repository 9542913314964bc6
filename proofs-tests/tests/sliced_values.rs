//! Sliced-Wasserstein distances against values that an independent implementation computed.

use hadamard_geometry::sliced::{
    BandRule, DirectionBank, LogCloud, SlicedLoss, SpdMeasure, busemann, dirac_spdsw2_pow, euclidean_gradient,
    exact_squared_distances, gaussian_kernel, hspdsw_pow, spdsw, spdsw_mean_exact, spdsw_pow, squared_distances,
    unpack, wasserstein_1d,
};
use hadamard_geometry::transport::affine_invariant_cost;
use proofs_tests::sliced::{batch, factored_bank, golden, matrices, numbers};
use serde_json::Value;

/// The points have condition numbers below 1e3, so that twelve digits are certain.
const RELATIVE: f64 = 1e-12;

const CASES: [&str; 3] = ["case_d2", "case_d3", "case_d5"];

/// Twelve digits of values of order one; entries near zero are held to the scale of their neighbours.
fn close(found: f64, expected: f64, what: &str) {
    assert!(
        (found - expected).abs() <= RELATIVE * expected.abs().max(1e-1),
        "{what}: {found} against {expected}"
    );
}

struct Clouds {
    x: LogCloud,
    y: LogCloud,
    weighted_x: LogCloud,
    weighted_y: LogCloud,
}

fn clouds(case: &Value) -> Clouds {
    let (x, y) = (batch(&case["X"]), batch(&case["Y"]));
    Clouds {
        x: LogCloud::try_new(&x).unwrap(),
        y: LogCloud::try_new(&y).unwrap(),
        weighted_x: LogCloud::with_weights(&x, &numbers(&case["a"])).unwrap(),
        weighted_y: LogCloud::with_weights(&y, &numbers(&case["b"])).unwrap(),
    }
}

#[test]
fn spdsw_powers_and_roots() {
    let values = golden();
    for name in CASES {
        let case = &values[name];
        let clouds = clouds(case);
        for bank in [
            factored_bank(case),
            DirectionBank::from_matrices(&matrices(&case["A"])).unwrap(),
        ] {
            for p in [1.0, 2.0, 3.0] {
                let expected = &case["spdsw_pow"];
                let uniform = expected[format!("p{p}_uniform")].as_f64().unwrap();
                let weighted = expected[format!("p{p}_weighted")].as_f64().unwrap();
                close(spdsw_pow(&bank, &clouds.x, &clouds.y, p).unwrap(), uniform, name);
                close(
                    spdsw(&bank, &clouds.x, &clouds.y, p).unwrap(),
                    uniform.powf(1.0 / p),
                    name,
                );
                close(
                    spdsw_pow(&bank, &clouds.weighted_x, &clouds.weighted_y, p).unwrap(),
                    weighted,
                    name,
                );
            }
            let mean_exact = case["mean_exact_estimator_p2"].as_f64().unwrap();
            close(spdsw_mean_exact(&bank, &clouds.x, &clouds.y).unwrap(), mean_exact, name);
        }
    }
}

#[test]
fn hspdsw_powers_and_busemann_functions() {
    let values = golden();
    for name in CASES {
        let case = &values[name];
        let (x, y) = (batch(&case["X"]), batch(&case["Y"]));
        for bank in [
            factored_bank(case),
            DirectionBank::from_matrices(&matrices(&case["A"])).unwrap(),
        ] {
            let uniform = [SpdMeasure::uniform(&x).unwrap(), SpdMeasure::uniform(&y).unwrap()];
            let weighted = [
                SpdMeasure::weighted(&x, &numbers(&case["a"])).unwrap(),
                SpdMeasure::weighted(&y, &numbers(&case["b"])).unwrap(),
            ];
            for p in [1.0, 2.0] {
                for (kind, [a, b]) in [("uniform", &uniform), ("weighted", &weighted)] {
                    let expected = case["hspdsw_pow"][format!("p{p}_{kind}")].as_f64().unwrap();
                    close(hspdsw_pow(&bank, a, b, p).unwrap(), expected, name);
                }
            }
            for (key, batch) in [("busemann_X", &x), ("busemann_Y", &y)] {
                // The file has one row a direction; column-major entries of n x L come in the same order.
                for (found, expected) in busemann(&bank, batch).unwrap().iter().zip(numbers(&case[key])) {
                    close(*found, expected, key);
                }
            }
        }
    }
}

#[test]
fn gradients_in_logarithmic_and_euclidean_coordinates() {
    let values = golden();
    for name in CASES {
        let case = &values[name];
        let (x, y) = (batch(&case["X"]), batch(&case["Y_nn"]));
        let bank = factored_bank(case);
        let loss = SlicedLoss::try_new(&bank, &LogCloud::try_new(&y).unwrap(), 2.0).unwrap();
        let gradient = loss.value_and_gradient(&LogCloud::try_new(&x).unwrap()).unwrap();
        let order = x.order();
        let size = order * (order + 1) / 2;
        for (row, expected) in gradient
            .rows
            .chunks_exact(size)
            .zip(matrices(&case["grad_log_coords_p2_nn"]))
        {
            for (found, expected) in unpack(row, order).iter().zip(expected.iter()) {
                close(*found, *expected, name);
            }
        }
        let euclidean = euclidean_gradient(&x, &gradient.rows).unwrap();
        for (found, expected) in euclidean.iter().zip(matrices(&case["grad_euclid_p2_nn"])) {
            for (found, expected) in found.iter().zip(expected.iter()) {
                close(*found, *expected, name);
            }
        }
    }
}

#[test]
fn affine_invariant_costs() {
    let values = golden();
    for name in CASES {
        let case = &values[name];
        let cost = affine_invariant_cost(&batch(&case["X"]), &batch(&case["Y"]), 1.0).unwrap();
        close(cost[(0, 0)], case["ai_dist_X0_Y0"].as_f64().unwrap(), name);
    }
}

#[test]
fn dirac_pairs() {
    let values = golden();
    for name in CASES {
        let case = &values[name];
        let (x, y) = (batch(&case["X"]).get(0), batch(&case["Y"]).get(0));
        close(
            dirac_spdsw2_pow(&x, &y).unwrap(),
            case["dirac_pair_exact_spdsw2"].as_f64().unwrap(),
            name,
        );
    }
}

#[test]
fn quantile_features() {
    let values = golden();
    for name in CASES {
        let case = &values[name];
        let found = factored_bank(case).quantile_features(&clouds(case).x, 4).unwrap();
        for (found, expected) in found.iter().zip(numbers(&case["quantile_features_T4"])) {
            close(*found, expected, name);
        }
    }
}

#[test]
fn kernel_of_four_measures() {
    let values = golden();
    let bank = factored_bank(&values["case_d3"]);
    let kernel = &values["kernel"];
    let clouds: Vec<LogCloud> = kernel["measures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| LogCloud::try_new(&batch(m)).unwrap())
        .collect();
    let clouds: Vec<&LogCloud> = clouds.iter().collect();
    let exact = exact_squared_distances(&bank, &clouds).unwrap();
    let features = squared_distances(&bank.exact_features(&clouds).unwrap()).unwrap();
    for squared in [exact, features] {
        for (found, expected) in squared.iter().zip(numbers(&kernel["D2"])) {
            close(*found, expected, "D2");
        }
        let gamma = kernel["gamma"].as_f64().unwrap();
        let k = gaussian_kernel(&[squared], &[gamma], BandRule::Sum).unwrap();
        for (found, expected) in k.iter().zip(numbers(&kernel["K"])) {
            close(*found, expected, "K");
        }
        let mut eigenvalues: Vec<f64> = k.symmetric_eigenvalues().iter().copied().collect();
        eigenvalues.sort_by(f64::total_cmp);
        for (found, expected) in eigenvalues.iter().zip(numbers(&kernel["eig"])) {
            close(*found, expected, "eigenvalue");
        }
    }
}

#[test]
fn wasserstein_on_the_line() {
    let case = &golden()["w1d"];
    let [u, a, v, b] = ["u", "a", "v", "b"].map(|key| numbers(&case[key]));
    for p in [1.0, 2.0] {
        let found = wasserstein_1d(&u, Some(&a), &v, Some(&b), p).unwrap();
        close(found.powf(p), case[format!("p{p}")].as_f64().unwrap(), "w1d");
    }
}
